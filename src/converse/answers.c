/* SPDX-License-Identifier: Apache-2.0 */
/* Answers from what is at hand: help, the state of things, tools and policy. Tables keep to 40 columns,
 * for a phone. */
#include "converse/answers.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "converse/grammar.h"
#include "converse/paper.h"
#include "midwatch/message.h"

#define NAME_COLUMNS  14
#define STATE_COLUMNS 8
#define VALUE_COLUMNS 14
#define WIDE_COLUMNS  16
#define STATUS_MAX    200

json_t *mw_answer_help(struct mw_request *request)
{
    struct mw_paper paper;
    mw_paper_begin(&paper, request->memory, MW_STATE_INFO, 0, NULL);
    mw_paper_headline(&paper, "What you can say, %s (%s)", request->person.name,
                      mw_role_name(request->person.role));
    mw_paper_table(&paper, "Say", "To", NULL);
    for (const struct mw_word_spec *spec = mw_words; spec->name != NULL; spec++) {
        /* Who shares a terminal may be anyone. */
        bool may = request->person.role >= spec->role || request->unnamed;
        if (spec->usage != NULL && may) {
            mw_paper_row(&paper, spec->usage, spec->help, NULL);
        }
    }
    if (request->person.role >= MW_ROLE_OPERATOR || request->unnamed) {
        mw_paper_note(
            &paper, "on a plan: %s❌ no · 👀 looking%s · 🔁 plan again",
            request->person.role >= MW_ROLE_APPROVER || request->unnamed ? "✅ yes · " : "",
            request->person.role >= MW_ROLE_APPROVER || request->unnamed ? " · 🛑 stop" : "");
    } else {
        mw_paper_note(&paper, "deciding needs a role; an admin gives it in the configuration "
                              "(people:)");
    }
    return mw_paper_end(&paper);
}

/* ---- status ---- */

static const char *value_text(TALLOC_CTX *memory, const struct mw_resource *resource,
                              const char *metric, double value)
{
    const struct mw_metric_spec *spec = mw_resource_metric(resource, metric);
    return mw_value_text(memory, value, spec != NULL ? spec->unit : "");
}

static const char *label_of(const struct mw_resource *resource, const char *metric)
{
    const struct mw_metric_spec *spec = mw_resource_metric(resource, metric);
    return spec != NULL && spec->label != NULL ? spec->label : metric;
}

/* Of a name and its value, the name is what may be cut: half a number is another number. */
static const char *name_and_value(TALLOC_CTX *memory, const char *name, const char *value)
{
    size_t width = mw_text_width(value) + 1;
    size_t left = width < VALUE_COLUMNS ? VALUE_COLUMNS - width : 1;
    return talloc_asprintf(memory, "%s %s", mw_text_fit(memory, name, left), value);
}

/* The metric that says most in little room: what is bad, else the first that has a threshold. */
static const char *main_value(TALLOC_CTX *memory, const struct mw_resource *resource)
{
    if (!resource->reached) {
        /* Who is not there is a finding; what keeps the probe itself from looking is none. */
        return resource->probed_at == 0       ? "not probed yet"
               : resource->finding_count == 0 ? "cannot look"
                                              : "unreachable";
    }
    const char *metric = NULL;
    if (resource->finding_count > 0) {
        metric = resource->findings[0].metric;
    }
    for (size_t i = 0; metric == NULL && i < resource->last.count; i++) {
        const struct mw_metric_spec *spec =
            mw_resource_metric(resource, resource->last.metrics[i].name);
        if (spec != NULL && !isnan(spec->degraded) && resource->last.metrics[i].counts) {
            metric = spec->name;
        }
    }
    const struct mw_metric *found = metric != NULL ? mw_sample_find(&resource->last, metric) : NULL;
    if (found == NULL) {
        return "–";
    }
    return name_and_value(memory, label_of(resource, metric),
                          value_text(memory, resource, metric, found->value));
}

static void note_open(struct mw_paper *paper, const struct mw_request *request,
                      const struct mw_resource *resource)
{
    const struct mw_respond *respond = request->channel->converse->respond;
    const struct mw_incident *incident = mw_respond_of(respond, resource->name);
    if (incident != NULL) {
        mw_paper_note(paper, "I%" PRId64 " on %s is open%s%s", incident->id, resource->name,
                      incident->acknowledged_by != NULL ? ", acknowledged by " : "",
                      incident->acknowledged_by != NULL ? incident->acknowledged_by : "");
    }
}

json_t *mw_answer_status(struct mw_request *request)
{
    const struct mw_watch *watch = request->channel->converse->watch;
    TALLOC_CTX *memory = request->memory;
    size_t well = 0;
    for (size_t i = 0; i < watch->count; i++) {
        well += watch->resources[i]->health == MW_HEALTH_HEALTHY;
    }
    struct mw_paper paper;
    mw_paper_begin(&paper, memory, MW_STATE_INFO, 0, NULL);
    mw_paper_headline(&paper, "%zu of %zu healthy", well, watch->count);
    mw_paper_table(&paper, "Resource", "State", "Now");
    /* What is not well stands first, so that nobody scrolls for it. */
    size_t shown = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < watch->count; i++) {
            const struct mw_resource *resource = watch->resources[i];
            bool healthy = resource->health == MW_HEALTH_HEALTHY;
            if (healthy == (pass == 1) && ++shown <= STATUS_MAX) {
                mw_paper_row(&paper, mw_text_fit(memory, resource->name, NAME_COLUMNS),
                             mw_text_fit(memory, mw_health_name(resource->health), STATE_COLUMNS),
                             main_value(memory, resource));
            }
        }
    }
    if (shown > STATUS_MAX) {
        mw_paper_note(&paper, "and %zu more, all of them further down", shown - STATUS_MAX);
    }
    for (size_t i = 0; i < watch->count; i++) {
        note_open(&paper, request, watch->resources[i]);
    }
    mw_note_quiet(&paper, request->channel->converse->respond, watch);
    return mw_paper_end(&paper);
}

json_t *mw_answer_resource(struct mw_request *request, const struct mw_resource *resource)
{
    TALLOC_CTX *memory = request->memory;
    struct mw_paper paper;
    mw_paper_begin(&paper, memory, MW_STATE_INFO, 0, NULL);
    mw_paper_headline(&paper, "%s (%s, %s) %s%s%s", resource->name, resource->kind,
                      resource->environment, mw_health_name(resource->health),
                      resource->since != 0 ? " since " : "",
                      resource->since != 0 ? mw_time_of_day(memory, resource->since) : "");
    if (resource->reason != NULL) {
        bool blind = resource->health == MW_HEALTH_UNKNOWN && resource->finding_count == 0;
        mw_paper_note(&paper, "%s%s", blind ? "cannot look: " : "", resource->reason);
    }
    if (resource->last.measured_at != 0) {
        mw_paper_note(&paper, "measured %s by %s",
                      mw_time_of_day(memory, resource->last.measured_at),
                      resource->last.source != NULL ? resource->last.source : "its probe");
    }
    note_open(&paper, request, resource);
    const char *quiet =
        mw_respond_quiet(request->channel->converse->respond, memory, resource->name);
    if (quiet != NULL) {
        mw_paper_note(&paper, "🔇 %s; no incident opens", quiet);
    }
    if (resource->last.count > 0) {
        mw_paper_table(&paper, "Metric", "Now", "Normal");
    }
    for (size_t i = 0; i < resource->last.count; i++) {
        const struct mw_metric *metric = &resource->last.metrics[i];
        double normal = mw_watch_normal(resource, metric->name);
        mw_paper_row(&paper, mw_text_fit(memory, label_of(resource, metric->name), WIDE_COLUMNS),
                     value_text(memory, resource, metric->name, metric->value),
                     isnan(normal) ? "–" : value_text(memory, resource, metric->name, normal));
    }
    return mw_paper_end(&paper);
}

/* ---- tools and policy ---- */

static const struct mw_target_ops **kinds_in_use(TALLOC_CTX *memory, const struct mw_watch *watch)
{
    const struct mw_target_ops **kinds =
        talloc_zero_array(memory, const struct mw_target_ops *, watch->count + 1);
    size_t count = 0;
    for (size_t i = 0; kinds != NULL && i < watch->count; i++) {
        const struct mw_target_ops *ops = watch->resources[i]->target.ops;
        size_t known = 0;
        while (known < count && kinds[known] != ops) {
            known++;
        }
        if (known == count) {
            kinds[count++] = ops;
        }
    }
    return kinds;
}

json_t *mw_answer_tools(struct mw_request *request)
{
    const struct mw_target_ops **kinds =
        kinds_in_use(request->memory, request->channel->converse->watch);
    json_auto_t *tools = kinds != NULL ? mw_catalogue_to_json(kinds) : NULL;
    struct mw_paper paper;
    mw_paper_begin(&paper, request->memory, MW_STATE_INFO, 0, NULL);
    mw_paper_headline(&paper, "%zu %s for what is watched", json_array_size(tools),
                      json_array_size(tools) == 1 ? "tool" : "tools");
    mw_paper_table(&paper, "Tool", "Risk, at least", NULL);
    size_t i;
    json_t *tool;
    json_array_foreach(tools, i, tool)
    {
        const char *name = json_string_value(json_object_get(tool, "name"));
        const char *risk = json_string_value(json_object_get(tool, "risk"));
        mw_paper_row(&paper, name, risk, NULL);
    }
    return mw_paper_end(&paper);
}

static void note_rule(struct mw_paper *paper, size_t number, const struct mw_policy_rule *rule)
{
    const struct {
        const char *key, *value;
    } parts[] = {{"tool", rule->tool},
                 {"risk", rule->risk},
                 {"resource", rule->resource},
                 {"kind", rule->kind},
                 {"environment", rule->environment},
                 {"in", rule->hours}};
    char *text = talloc_strdup(paper->memory, "");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].value != NULL) {
            text = talloc_asprintf_append(text, "%s%s %s", *text != '\0' ? ", " : "", parts[i].key,
                                          parts[i].value);
        }
    }
    const char *approvers =
        rule->approvers > 1
            ? talloc_asprintf(paper->memory, " by %" PRId64 " people", rule->approvers)
            : "";
    const char *after =
        rule->then == MW_VERDICT_EARNED
            ? talloc_asprintf(paper->memory, " after %" PRId64 " in a row", rule->after)
            : "";
    mw_paper_note(paper, "%zu. %s → %s%s%s", number, *text != '\0' ? text : "anything",
                  mw_verdict_name((enum mw_verdict)rule->then), after, approvers);
}

static const char *times(TALLOC_CTX *memory, int64_t count)
{
    return count == 1 ? "once" : talloc_asprintf(memory, "%" PRId64 " times", count);
}

json_t *mw_answer_policy(struct mw_request *request)
{
    const struct mw_policy *policy = request->channel->converse->settings.policy;
    if (policy == NULL) {
        return mw_paper_sentence(request->memory,
                                 "The policy stands in the configuration (policy:).");
    }
    TALLOC_CTX *memory = request->memory;
    struct mw_paper paper;
    mw_paper_begin(&paper, memory, MW_STATE_INFO, 0, NULL);
    mw_paper_headline(&paper, "Policy: the first rule that fits decides; else %s",
                      mw_verdict_name((enum mw_verdict)policy->fallback));
    for (size_t i = 0; i < policy->rules.count; i++) {
        note_rule(&paper, i + 1, policy->rules.items[i]);
    }
    const char *frozen = mw_respond_frozen(request->channel->converse->respond);
    if (frozen != NULL) {
        mw_paper_text(&paper, "Nothing runs by itself: %s. Say thaw to end it.", frozen);
    }
    if (policy->mode == MW_MODE_SHADOW) {
        mw_paper_text(&paper, "Shadow mode: plans are shown and nothing is touched.");
    }
    if (policy->max_auto_per_hour != NULL) {
        mw_paper_text(&paper, "By itself at most %s an hour on one resource, %s altogether.",
                      times(memory, policy->max_auto_per_hour->resource),
                      times(memory, policy->max_auto_per_hour->all));
    }
    mw_paper_text(&paper,
                  "A plan waits %s for a decision. Below %.0f %% confidence auto becomes "
                  "approve. %" PRId64 " %s at most. Health must last %s.",
                  mw_duration_text(memory, policy->approval_timeout), policy->min_confidence * 100,
                  policy->max_retries, policy->max_retries == 1 ? "retry" : "retries",
                  mw_duration_text(memory, policy->verify_hold));
    return mw_paper_end(&paper);
}
