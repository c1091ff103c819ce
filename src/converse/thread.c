/* SPDX-License-Identifier: Apache-2.0 */
/* The thread below the card: evidence, the plan in full, progress and the verdict. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "converse/paper.h"
#include "converse/scene.h"
#include "midwatch/message.h"

#define EVIDENCE_LOG_LINES 40
#define EVIDENCE_FACTS     30
#define EVIDENCE_REASONS   10
#define VERDICT_STEPS      20

/* What a row of a table may be wide where a phone reads it: 40 columns with the gaps. */
#define NAME_COLUMNS  16
#define FACT_COLUMNS  18
#define VALUE_COLUMNS 20
#define CELL_COLUMNS  10

/* ---- evidence ---- */

bool mw_evidence_due(const struct mw_incident *incident)
{
    bool gathered = incident->stage > MW_STAGE_EVIDENCE;
    return gathered && (incident->log_count > 0 || json_object_size(incident->facts) > 0 ||
                        incident->stage < MW_STAGE_CLOSED);
}

static void write_facts(struct mw_paper *paper, const struct mw_scene *scene)
{
    if (json_object_size(scene->incident->facts) == 0) {
        return;
    }
    mw_paper_table(paper, "Fact", "Value", NULL);
    size_t rows = 0;
    const char *key;
    json_t *value;
    json_object_foreach(scene->incident->facts, key, value)
    {
        size_t length = strlen(key);
        bool is_text = length > 5 && strcmp(key + length - 5, "_text") == 0;
        char *shown = talloc_strndup(scene->memory, key, is_text ? length - 5 : length);
        /* A number that is also there for people is shown once. */
        if (!is_text && json_object_get(scene->incident->facts,
                                        talloc_asprintf(scene->memory, "%s_text", key)) != NULL) {
            continue;
        }
        if (++rows > EVIDENCE_FACTS) {
            break;
        }
        const char *text = json_is_string(value) ? json_string_value(value)
                                                 : mw_json_canonical(scene->memory, value);
        for (char *at = shown; at != NULL && *at != '\0'; at++) {
            *at = *at == '_' ? ' ' : *at;
        }
        char *clean = mw_paper_clean(scene->memory, text, 200);
        char *name = mw_paper_clean(scene->memory, shown, 200);
        mw_paper_row(paper, mw_text_fit(scene->memory, name, FACT_COLUMNS),
                     mw_text_fit(scene->memory, clean, VALUE_COLUMNS), NULL);
    }
}

json_t *mw_evidence_message(const struct mw_scene *scene)
{
    const struct mw_incident *incident = scene->incident;
    struct mw_paper paper;
    mw_paper_begin(&paper, scene->memory, MW_STATE_INFO, incident->id, "evidence");
    mw_paper_headline(&paper, "Evidence on %s%s", incident->resource, mw_say_others(scene));
    mw_scene_write_names(&paper, scene);
    for (size_t i = 0; i < incident->log_count && i < EVIDENCE_LOG_LINES; i++) {
        mw_paper_log(&paper, incident->log[i].line, incident->log[i].times);
    }
    if (incident->log_count == 0) {
        bool has_log = scene->resource == NULL || scene->resource->config == NULL ||
                       scene->resource->config->logs.count > 0;
        mw_paper_text(&paper, "%s",
                      has_log ? "No warnings or errors in its logs."
                              : "No log is configured for it (logs: in its configuration).");
    }
    write_facts(&paper, scene);
    return mw_paper_end(&paper);
}

/* ---- the plan ---- */

bool mw_plan_due(const struct mw_incident *incident, const struct mw_plan *plan)
{
    /* Before policy has spoken it may still change, and what is posted must not. */
    bool judged = plan->approvals_needed > 0 || plan->automatic || plan->approved_at != 0 ||
                  plan->state == MW_PLAN_SPENT;
    bool newest = plan == mw_incident_plan(incident);
    return judged && (!newest || incident->stage > MW_STAGE_JUDGE);
}

/* In the tool's own words where the kind is known. */
static const char *undo_text(const struct mw_scene *scene, const struct mw_step *step)
{
    const struct mw_resource *resource =
        scene->watch != NULL ? mw_watch_find(scene->watch, step->resource) : scene->resource;
    const struct mw_tool *tools = resource != NULL ? resource->target.ops->tools : NULL;
    for (const struct mw_tool *tool = tools; tool != NULL && tool->name != NULL; tool++) {
        if (strcmp(tool->name, step->tool) == 0 && tool->undo != NULL) {
            return tool->undo;
        }
    }
    const struct mw_step back = {.arguments = json_object_get(step->undo, "arguments")};
    return talloc_asprintf(scene->memory, "%s %s",
                           json_string_value(json_object_get(step->undo, "tool")),
                           mw_say_effect(scene, &back));
}

static void write_plan_steps(struct mw_paper *paper, const struct mw_scene *scene,
                             const struct mw_plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct mw_step *step = &plan->steps[i];
        char *detail = talloc_strdup(scene->memory, mw_say_effect(scene, step));
        if (step->why != NULL && *step->why != '\0') {
            detail =
                talloc_asprintf_append(detail, "%s%s", *detail != '\0' ? " — " : "", step->why);
        }
        if (step->expect != NULL && *step->expect != '\0') {
            detail = talloc_asprintf_append(detail, "; expected: %s", step->expect);
        }
        if (step->undo != NULL) {
            detail = talloc_asprintf_append(detail, "; undo: %s", undo_text(scene, step));
        }
        mw_paper_step(paper, talloc_asprintf(scene->memory, "%s %s", step->tool, step->resource),
                      detail, mw_say_risk(scene, step), NULL);
    }
}

static void write_plan_terms(struct mw_paper *paper, const struct mw_scene *scene,
                             const struct mw_plan *plan)
{
    if (plan->approvals_needed <= 0) {
        const char *approval = mw_say_approval(scene, plan);
        mw_paper_wait(paper, "%s",
                      plan->automatic     ? "Policy lets it run by itself."
                      : *approval != '\0' ? mw_say_capital(scene, approval)
                                          : "Approved.");
        return;
    }
    const char *until = plan->expires_at != 0
                            ? talloc_asprintf(scene->memory, ", until %s",
                                              mw_time_hour_minute(scene->memory, plan->expires_at))
                            : "";
    mw_paper_wait(paper, "✅ approves, ❌ rejects%s%s — or: approve I%" PRId64 " r%d", until,
                  plan->approvals_needed > 1
                      ? talloc_asprintf(scene->memory, ", needs %d different approvers",
                                        plan->approvals_needed)
                      : "",
                  scene->incident->id, plan->revision);
    mw_paper_reaction(paper, "✅");
    mw_paper_reaction(paper, "❌");
}

json_t *mw_plan_message(const struct mw_scene *scene, const struct mw_plan *plan)
{
    struct mw_paper paper;
    const char *slot = talloc_asprintf(scene->memory, "plan/%d", plan->revision);
    mw_paper_begin(&paper, scene->memory, MW_STATE_INFO, scene->incident->id, slot);
    const char *end = mw_say_plan_end(scene, plan);
    mw_paper_headline(
        &paper, "%s for %s%s%s", mw_say_plan(scene, plan),
        talloc_asprintf(scene->memory, "%s%s", scene->incident->resource, mw_say_others(scene)),
        end != NULL ? " — " : "", end != NULL ? end : "");
    mw_scene_write_cause(&paper, plan);
    size_t i;
    json_t *reason;
    json_array_foreach(plan->evidence, i, reason)
    {
        if (i < EVIDENCE_REASONS && json_is_string(reason)) {
            mw_paper_quote(&paper, json_string_value(reason));
        }
    }
    write_plan_steps(&paper, scene, plan);
    if (end == NULL) {
        write_plan_terms(&paper, scene, plan);
    } else {
        mw_paper_wait(&paper, "This plan no longer counts.");
    }
    if (plan->step_count > 0) {
        const char *effect = mw_say_effect(scene, &plan->steps[0]);
        mw_paper_summary(&paper, "I%" PRId64 " plan r%d%s%s: %s %s%s%s, %s%s", scene->incident->id,
                         plan->revision, end != NULL ? " " : "", end != NULL ? end : "",
                         plan->steps[0].tool, plan->steps[0].resource, *effect != '\0' ? " " : "",
                         effect, mw_risk_name(plan->steps[0].risk),
                         plan->step_count > 1 ? " and more" : "");
    }
    mw_paper_broadcast(&paper);
    return mw_paper_end(&paper);
}

/* ---- progress ---- */

bool mw_progress_due(const struct mw_plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        if (plan->steps[i].state != MW_STEP_PLANNED && plan->steps[i].state != MW_STEP_SKIPPED) {
            return true;
        }
    }
    return plan->state == MW_PLAN_SPENT;
}

const struct mw_plan *mw_scene_ran(const struct mw_incident *incident)
{
    for (size_t i = incident->plan_count; i > 0; i--) {
        const struct mw_plan *plan = &incident->plans[i - 1];
        for (size_t j = 0; j < plan->step_count; j++) {
            if (plan->steps[j].state != MW_STEP_PLANNED &&
                plan->steps[j].state != MW_STEP_SKIPPED) {
                return plan;
            }
        }
    }
    return NULL;
}

bool mw_scene_undone(const struct mw_incident *incident)
{
    const struct mw_plan *plan = mw_scene_ran(incident);
    bool undone = plan != NULL && plan->undo;
    for (size_t i = 0; undone && i < plan->step_count; i++) {
        undone = plan->steps[i].state == MW_STEP_DONE;
    }
    return undone;
}

static const char *step_news(const struct mw_scene *scene, const struct mw_step *step)
{
    const char *result = mw_say_result(step);
    switch (step->state) {
    case MW_STEP_STARTED:
        return talloc_asprintf(scene->memory, "started %s",
                               mw_time_of_day(scene->memory, step->started_at));
    case MW_STEP_UNKNOWN:
        return talloc_asprintf(scene->memory, "outcome unknown: begun %s, its end was not seen%s%s",
                               mw_time_of_day(scene->memory, step->started_at),
                               result != NULL ? "; " : "", result != NULL ? result : "");
    case MW_STEP_SKIPPED:
        return "not run";
    case MW_STEP_UNDONE:
        return result != NULL
                   ? talloc_asprintf(scene->memory, "taken back; it had done: %s", result)
                   : "taken back";
    case MW_STEP_DONE:
    case MW_STEP_FAILED:
        return result;
    case MW_STEP_PLANNED:
        return NULL;
    }
    return NULL;
}

static bool is_over(const struct mw_plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        if (plan->steps[i].state == MW_STEP_PLANNED || plan->steps[i].state == MW_STEP_STARTED) {
            return false;
        }
    }
    return true;
}

json_t *mw_progress_message(const struct mw_scene *scene, const struct mw_plan *plan)
{
    struct mw_paper paper;
    const char *slot = talloc_asprintf(scene->memory, "progress/%d", plan->revision);
    bool over = is_over(plan) || scene->incident->stage == MW_STAGE_CLOSED;
    mw_paper_begin(&paper, scene->memory, over ? MW_STATE_INFO : MW_STATE_RUNNING,
                   scene->incident->id, slot);
    const char *approval = mw_say_approval(scene, plan);
    mw_paper_headline(&paper, "Plan r%d: %s%s%s%s", plan->revision,
                      over ? mw_say_steps_done(scene, plan) : "running", over ? " done" : "",
                      *approval != '\0' ? " · " : "", approval);
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct mw_step *step = &plan->steps[i];
        mw_paper_step(&paper, talloc_asprintf(scene->memory, "%s %s", step->tool, step->resource),
                      step_news(scene, step), NULL, mw_step_state_name(step->state));
    }
    return mw_paper_end(&paper);
}

/* ---- verdict ---- */

/* Tenths of a second, so that the parts can be compared; what is long or very short as usual. */
static const char *part_text(const struct mw_scene *scene, int64_t ms)
{
    if (ms < 50 || ms >= 120000) {
        return mw_duration_text(scene->memory, ms);
    }
    return talloc_asprintf(scene->memory, "%.1f s", (double)ms / 1000);
}

static void write_durations(struct mw_paper *paper, const struct mw_scene *scene)
{
    const struct mw_durations *took = &scene->incident->durations;
    const struct {
        const char *name;
        int64_t ms;
    } parts[] = {{"detected", took->detect},  {"analysed", took->analyse},
                 {"approved", took->approve}, {"executed", took->execute},
                 {"verified", took->verify},  {"total", took->total}};
    char *line = talloc_strdup(scene->memory, "");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].ms > 0) {
            line = talloc_asprintf_append(line, "%s%s %s", *line != '\0' ? " · " : "",
                                          parts[i].name, part_text(scene, parts[i].ms));
        }
    }
    if (*line != '\0') {
        mw_paper_text(paper, "%s", line);
    }
}

static const char *cell(const struct mw_scene *scene, const struct mw_reading *reading,
                        const char *metric)
{
    const json_t *value = json_object_get(reading->metrics, metric);
    return json_is_number(value)
               ? mw_text_fit(scene->memory, mw_say_value(scene, metric, json_number_value(value)),
                             CELL_COLUMNS)
               : "–";
}

/* A row, once for each metric. */
static void write_metric(struct mw_paper *paper, const struct mw_scene *scene, json_t *rest,
                         const char *metric)
{
    const struct mw_incident *incident = scene->incident;
    if (metric == NULL || json_object_del(rest, metric) != 0) {
        return;
    }
    char *name = mw_paper_clean(scene->memory, mw_say_metric(scene, metric), 200);
    mw_paper_row(paper, mw_text_fit(scene->memory, name, NAME_COLUMNS),
                 cell(scene, &incident->before, metric), cell(scene, &incident->after, metric));
}

static void write_table(struct mw_paper *paper, const struct mw_scene *scene)
{
    const struct mw_incident *incident = scene->incident;
    if (json_object_size(incident->before.metrics) == 0 &&
        json_object_size(incident->after.metrics) == 0 && incident->member_count == 0) {
        return;
    }
    json_auto_t *rest = json_object();
    json_object_update(rest, incident->before.metrics);
    json_object_update(rest, incident->after.metrics);
    mw_paper_table(paper, "Metric", "Before", "After");
    /* What raised the alarm, then as the kind lists them, then what it does not know any more. */
    for (size_t i = 0; i < incident->finding_count; i++) {
        write_metric(paper, scene, rest, incident->findings[i].metric);
    }
    const struct mw_metric_spec *spec =
        scene->resource != NULL ? scene->resource->target.ops->metrics : NULL;
    for (; spec != NULL && spec->name != NULL; spec++) {
        write_metric(paper, scene, rest, spec->name);
    }
    const char *metric;
    json_t *value;
    void *next;
    json_object_foreach_safe(rest, next, metric, value)
    {
        write_metric(paper, scene, rest, talloc_strdup(scene->memory, metric));
    }
    mw_scene_write_rows(paper, scene);
}

/* What every step that was tried came to, over all plans. */
static void write_results(struct mw_paper *paper, const struct mw_scene *scene)
{
    const struct mw_incident *incident = scene->incident;
    size_t shown = 0;
    for (size_t p = 0; p < incident->plan_count; p++) {
        const struct mw_plan *plan = &incident->plans[p];
        for (size_t i = 0; i < plan->step_count && mw_progress_due(plan); i++) {
            const struct mw_step *step = &plan->steps[i];
            if (++shown <= VERDICT_STEPS) {
                mw_paper_step(paper,
                              talloc_asprintf(scene->memory, "r%d %s %s", plan->revision,
                                              step->tool, step->resource),
                              step_news(scene, step), NULL, mw_step_state_name(step->state));
            }
        }
    }
    if (shown > VERDICT_STEPS) {
        mw_paper_note(paper, "and %zu more %s", shown - VERDICT_STEPS,
                      shown - VERDICT_STEPS == 1 ? "step" : "steps");
    }
}

static int attempts(const struct mw_incident *incident)
{
    int count = 0;
    for (size_t i = 0; i < incident->plan_count; i++) {
        count += !incident->plans[i].undo && mw_progress_due(&incident->plans[i]);
    }
    return count;
}

static const char *verdict_sentence(const struct mw_scene *scene)
{
    const struct mw_incident *incident = scene->incident;
    switch (incident->outcome) {
    case MW_OUTCOME_RECOVERED:
        return mw_scene_undone(incident) ? "the fix worked and was taken back later"
                                         : "the fix worked and health held";
    case MW_OUTCOME_SELF_RECOVERED:
        return "it healed by itself; nothing of ours made the difference";
    case MW_OUTCOME_REJECTED:
        return "a person said no, and nothing more was done";
    case MW_OUTCOME_EXPIRED:
        return "nobody decided in time, and nothing more was done";
    case MW_OUTCOME_STOPPED:
        return "a person stopped it; what was done stands above";
    case MW_OUTCOME_FAILED:
        return "what was tried did not help. It needs a person";
    case MW_OUTCOME_HANDED_OVER:
        return "it is in a person's hands now";
    case MW_OUTCOME_NONE:
        break;
    }
    return "closed";
}

static void write_verdict(struct mw_paper *paper, const struct mw_scene *scene)
{
    const struct mw_incident *incident = scene->incident;
    const char *sentence = verdict_sentence(scene), *reason = incident->outcome_reason;
    if (reason != NULL && incident->outcome == MW_OUTCOME_RECOVERED) {
        mw_paper_text(paper, "Verdict: %s — %s (%s)", mw_say_outcome(scene), sentence, reason);
    } else {
        mw_paper_text(paper, "Verdict: %s — %s", mw_say_outcome(scene),
                      reason != NULL ? reason : sentence);
    }
}

/* Who made the last plan that was meant to help. */
static const char *planner_of(const struct mw_incident *incident)
{
    const char *planner = NULL;
    for (size_t i = 0; i < incident->plan_count; i++) {
        planner = incident->plans[i].undo ? planner : incident->plans[i].planner;
    }
    return planner;
}

json_t *mw_verdict_message(const struct mw_scene *scene)
{
    const struct mw_incident *incident = scene->incident;
    const char *planner = planner_of(incident);
    struct mw_paper paper;
    mw_paper_begin(&paper, scene->memory, MW_STATE_INFO, incident->id, "verdict");
    const char *change = mw_say_change(scene);
    mw_paper_summary(&paper, "I%" PRId64 " %s%s: %s%s%s", incident->id, incident->resource,
                     mw_say_others(scene), mw_say_outcome(scene), *change != '\0' ? ", " : "",
                     change);
    mw_paper_headline(&paper, "Evaluation of I%" PRId64 ": %s", incident->id,
                      mw_say_outcome(scene));
    write_durations(&paper, scene);
    write_table(&paper, scene);
    write_results(&paper, scene);
    int tried = attempts(incident);
    if (planner != NULL) {
        mw_paper_note(&paper, "%d %s · planner: %s", tried > 1 ? tried - 1 : 0,
                      tried == 2 ? "retry" : "retries", planner);
    } else {
        mw_paper_note(&paper, "no plan was made");
    }
    if (*mw_say_usage(scene) != '\0') {
        mw_paper_note(&paper, "%s", mw_say_usage(scene));
    }
    if (tried > 0) {
        mw_paper_note(&paper, "%s", mw_say_collateral(scene));
    }
    write_verdict(&paper, scene);
    mw_paper_broadcast(&paper);
    return mw_paper_end(&paper);
}
