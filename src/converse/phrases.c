/* SPDX-License-Identifier: Apache-2.0 */
/* The phrases that cards and threads share. */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "converse/scene.h"

/* Never NULL, so that a phrase can stand in any format. */
static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static const struct mw_metric_spec *spec_of(const struct mw_scene *scene, const char *metric)
{
    return scene->resource != NULL && metric != NULL ? mw_resource_metric(scene->resource, metric)
                                                     : NULL;
}

const struct mw_step *mw_scene_step(const struct mw_incident *incident)
{
    const struct mw_plan *plan = mw_incident_plan(incident);
    for (size_t i = 0; plan != NULL && i < plan->step_count; i++) {
        if (plan->steps[i].risk != MW_RISK_READ) {
            return &plan->steps[i];
        }
    }
    return NULL;
}

const char *mw_scene_tool(const struct mw_incident *incident)
{
    const struct mw_step *step = mw_scene_step(incident);
    return step != NULL ? step->tool : NULL;
}

const char *mw_say_subject(const struct mw_scene *scene)
{
    const struct mw_incident *incident = scene->incident;
    return or_empty(talloc_asprintf(scene->memory, "I%" PRId64 " %s (%s, %s)%s", incident->id,
                                    or_empty(incident->resource), or_empty(incident->kind),
                                    or_empty(incident->environment), mw_say_others(scene)));
}

const char *mw_say_symptom(const struct mw_scene *scene)
{
    const struct mw_incident *incident = scene->incident;
    if (incident->finding_count > 0 && incident->findings[0].text != NULL) {
        return incident->findings[0].text;
    }
    return incident->severity == MW_HEALTH_FAILED ? "has failed" : "is not well";
}

const char *mw_say_limits(const struct mw_scene *scene, const struct mw_finding *finding)
{
    const struct mw_metric_spec *spec = spec_of(scene, finding->metric);
    const char *unit = spec != NULL ? spec->unit : "";
    char *text = talloc_strdup(scene->memory, "");
    if (finding->metric == NULL) {
        return or_empty(text);
    }
    if (!isnan(finding->normal)) {
        text = talloc_asprintf_append(text, "normal %s",
                                      mw_value_text(scene->memory, finding->normal, unit));
    }
    if (!isnan(finding->limit)) {
        const char *word = finding->health == MW_HEALTH_FAILED ? "failed" : "degraded";
        bool low = spec != NULL && spec->low_is_bad;
        text = talloc_asprintf_append(text, "%s%s %s %s", *text != '\0' ? ", " : "", word,
                                      low ? "below" : "from",
                                      mw_value_text(scene->memory, finding->limit, ""));
    }
    return or_empty(text);
}

static bool measured(const struct mw_reading *reading, const char *metric, double *value)
{
    const json_t *number = json_object_get(reading->metrics, metric);
    if (!json_is_number(number)) {
        return false;
    }
    *value = json_number_value(number);
    return true;
}

const char *mw_say_change(const struct mw_scene *scene)
{
    const struct mw_incident *incident = scene->incident;
    const char *metric = incident->finding_count > 0 ? incident->findings[0].metric : NULL;
    double before, after;
    if (metric == NULL || !measured(&incident->before, metric, &before) ||
        !measured(&incident->after, metric, &after)) {
        return "";
    }
    return or_empty(talloc_asprintf(scene->memory, "%s %s → %s", mw_say_metric(scene, metric),
                                    mw_value_text(scene->memory, before, ""),
                                    mw_say_value(scene, metric, after)));
}

const char *mw_say_metric(const struct mw_scene *scene, const char *metric)
{
    const struct mw_metric_spec *spec = spec_of(scene, metric);
    return spec != NULL && spec->label != NULL ? spec->label : metric;
}

const char *mw_say_value(const struct mw_scene *scene, const char *metric, double value)
{
    const struct mw_metric_spec *spec = spec_of(scene, metric);
    return or_empty(mw_value_text(scene->memory, value, spec != NULL ? spec->unit : ""));
}

const char *mw_say_outcome(const struct mw_scene *scene)
{
    const char *name = mw_outcome_name(scene->incident->outcome);
    if (name == NULL) {
        return scene->incident->stage == MW_STAGE_CLOSED ? "closed" : "open";
    }
    char *word = talloc_strdup(scene->memory, name);
    for (char *at = word; at != NULL && *at != '\0'; at++) {
        *at = *at == '_' ? '-' : *at;
    }
    return or_empty(word);
}

static bool is_about(const struct mw_scene *scene, const struct mw_decision *decision,
                     const struct mw_plan *plan)
{
    return decision->revision == plan->revision ||
           (decision->revision == 0 && scene->incident->plan_count == 1);
}

/* A person's last word on the plan decides. */
static bool has_approved(const struct mw_scene *scene, const struct mw_plan *plan, size_t index)
{
    const struct mw_incident *incident = scene->incident;
    const struct mw_decision *decision = &incident->decisions[index];
    if (decision->action != MW_ACTION_APPROVE || !is_about(scene, decision, plan)) {
        return false;
    }
    for (size_t i = index + 1; i < incident->decision_count; i++) {
        const struct mw_decision *later = &incident->decisions[i];
        bool changes = later->action == MW_ACTION_APPROVE || later->action == MW_ACTION_WITHDRAW ||
                       later->action == MW_ACTION_VOID || later->action == MW_ACTION_REJECT;
        if (changes && is_about(scene, later, plan) &&
            strcmp(later->person, decision->person) == 0) {
            return false;
        }
    }
    return true;
}

const char *mw_say_approvers(const struct mw_scene *scene, const struct mw_plan *plan, int *count)
{
    char *names = talloc_strdup(scene->memory, "");
    *count = 0;
    for (size_t i = 0; i < scene->incident->decision_count; i++) {
        if (has_approved(scene, plan, i)) {
            names = talloc_asprintf_append(names, "%s%s", *count > 0 ? " and " : "",
                                           scene->incident->decisions[i].person);
            (*count)++;
        }
    }
    return or_empty(names);
}

/* Who last did that to the plan (NULL: to the incident); NULL: nobody. */
static const char *last_word(const struct mw_scene *scene, const struct mw_plan *plan,
                             enum mw_action action)
{
    for (size_t i = scene->incident->decision_count; i > 0; i--) {
        const struct mw_decision *decision = &scene->incident->decisions[i - 1];
        if (decision->action == action && (plan == NULL || is_about(scene, decision, plan))) {
            return decision->person;
        }
    }
    return NULL;
}

const char *mw_say_acknowledged(const struct mw_scene *scene)
{
    const char *person = scene->incident->acknowledged_by;
    return person != NULL ? person : last_word(scene, NULL, MW_ACTION_ACK);
}

const char *mw_say_approval(const struct mw_scene *scene, const struct mw_plan *plan)
{
    if (plan->approved_at == 0) {
        return "";
    }
    int count;
    const char *names = mw_say_approvers(scene, plan, &count);
    const char *at = mw_time_of_day(scene->memory, plan->approved_at);
    const char *asker = plan->undo ? last_word(scene, plan, MW_ACTION_UNDO) : NULL;
    if (asker != NULL) {
        return or_empty(talloc_asprintf(scene->memory, "asked for by %s %s", asker, at));
    }
    if (plan->undo) {
        return or_empty(talloc_asprintf(scene->memory, "part of what was approved %s", at));
    }
    if (count == 0) {
        return or_empty(talloc_asprintf(scene->memory, "%s %s",
                                        plan->automatic ? "allowed by policy" : "approved", at));
    }
    return or_empty(talloc_asprintf(scene->memory, "approved by %s %s", names, at));
}

const char *mw_say_plan(const struct mw_scene *scene, const struct mw_plan *plan)
{
    if (plan->undo) {
        return or_empty(
            talloc_asprintf(scene->memory, "Plan r%d (takes back what was done)", plan->revision));
    }
    const char *planner = or_empty(plan->planner);
    bool by_rule = strcmp(planner, "runbook") == 0;
    return or_empty(talloc_asprintf(scene->memory, "Plan r%d (%s%s)", plan->revision, planner,
                                    by_rule ? ", not a model" : ""));
}

const char *mw_say_steps_done(const struct mw_scene *scene, const struct mw_plan *plan)
{
    size_t done = 0;
    for (size_t i = 0; i < plan->step_count; i++) {
        done += plan->steps[i].state == MW_STEP_DONE || plan->steps[i].state == MW_STEP_UNDONE;
    }
    return or_empty(talloc_asprintf(scene->memory, "%zu of %zu steps", done, plan->step_count));
}

const char *mw_say_effect(const struct mw_scene *scene, const struct mw_step *step)
{
    if (step->effect != NULL) {
        return step->effect;
    }
    char *text = talloc_strdup(scene->memory, "");
    const char *key;
    json_t *value;
    json_object_foreach(step->arguments, key, value)
    {
        if (strcmp(key, "resource") == 0) {
            continue;
        }
        const char *shown = json_is_string(value) ? json_string_value(value)
                                                  : mw_json_canonical(scene->memory, value);
        text = talloc_asprintf_append(text, "%s%s %s", *text != '\0' ? ", " : "", key,
                                      or_empty(shown));
    }
    return or_empty(text);
}

const char *mw_say_risk(const struct mw_scene *scene, const struct mw_step *step)
{
    const char *undo = "";
    if (step->risk == MW_RISK_REVERSIBLE) {
        undo = step->undo != NULL ? "" : ", no undo";
    } else if (step->risk != MW_RISK_READ) {
        undo = step->undo != NULL ? ", can be undone" : ", no undo";
    }
    return or_empty(talloc_asprintf(scene->memory, "%s%s%s%s", mw_risk_name(step->risk), undo,
                                    step->risk_reason != NULL ? ": " : "",
                                    or_empty(step->risk_reason)));
}

const char *mw_say_result(const struct mw_step *step)
{
    return json_string_value(json_object_get(step->result, "summary"));
}

const char *mw_say_plan_end(const struct mw_scene *scene, const struct mw_plan *plan)
{
    if (plan->state != MW_PLAN_VOID && plan->state != MW_PLAN_REJECTED) {
        return NULL;
    }
    const char *reason = plan->state_reason;
    if (plan->state == MW_PLAN_VOID) {
        return reason != NULL ? or_empty(talloc_asprintf(scene->memory, "void: %s", reason))
                              : "void";
    }
    const char *person = last_word(scene, plan, MW_ACTION_REJECT);
    return or_empty(talloc_asprintf(scene->memory, "rejected%s%s%s%s", person != NULL ? " by " : "",
                                    or_empty(person), reason != NULL ? ": " : "",
                                    or_empty(reason)));
}

/* "3120" → "3,120". */
static const char *thousands(const struct mw_scene *scene, json_int_t number)
{
    if (number < 1000) {
        return or_empty(talloc_asprintf(scene->memory, "%" JSON_INTEGER_FORMAT, number));
    }
    return or_empty(talloc_asprintf(scene->memory, "%s,%03d", thousands(scene, number / 1000),
                                    (int)(number % 1000)));
}

const char *mw_say_usage(const struct mw_scene *scene)
{
    json_auto_t *usage = mw_incident_usage(scene->incident);
    const json_t *in = json_object_get(usage, "input_tokens"),
                 *out = json_object_get(usage, "output_tokens"),
                 *cost = json_object_get(usage, "cost_usd");
    if (!json_is_integer(in) || !json_is_integer(out)) {
        return "";
    }
    char *text =
        talloc_asprintf(scene->memory, "%s+%s tokens", thousands(scene, json_integer_value(in)),
                        thousands(scene, json_integer_value(out)));
    if (json_is_number(cost)) {
        text = talloc_asprintf_append(text, ", $%.3f", json_number_value(cost));
    }
    return or_empty(text);
}

const char *mw_say_collateral(const struct mw_scene *scene)
{
    const json_t *findings = scene->incident->collateral;
    if (json_array_size(findings) == 0) {
        return "nothing else moved";
    }
    char *text = talloc_strdup(scene->memory, "also moved: ");
    size_t i;
    json_t *finding;
    json_array_foreach(findings, i, finding)
    {
        text = talloc_asprintf_append(text, "%s%s", i > 0 ? "; " : "",
                                      or_empty(json_string_value(finding)));
    }
    return or_empty(text);
}

const char *mw_say_capital(const struct mw_scene *scene, const char *text)
{
    char *copy = talloc_strdup(scene->memory, text);
    if (copy != NULL && *copy >= 'a' && *copy <= 'z') {
        *copy = (char)(*copy - 'a' + 'A');
    }
    return or_empty(copy);
}

char *mw_say_day(TALLOC_CTX *memory, mw_wall_ms at, mw_wall_ms now)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t then = (time_t)(at / 1000), today = (time_t)(now / 1000);
    struct tm day = {0}, reference = {0};
    localtime_r(&then, &day);
    localtime_r(&today, &reference);
    if (day.tm_year == reference.tm_year) {
        return talloc_asprintf(memory, "%d %s", day.tm_mday, months[day.tm_mon % 12]);
    }
    return talloc_asprintf(memory, "%d %s %d", day.tm_mday, months[day.tm_mon % 12],
                           day.tm_year + 1900);
}
