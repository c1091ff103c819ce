/* SPDX-License-Identifier: Apache-2.0 */
/* The card: the one message by which a person who was just woken decides. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "converse/paper.h"
#include "converse/scene.h"
#include "midwatch/message.h"

#define CARD_LOG_LINES 5

static const char *state_of(const struct mw_incident *incident)
{
    if (incident->stage == MW_STAGE_CLOSED) {
        bool well = incident->outcome == MW_OUTCOME_RECOVERED ||
                    incident->outcome == MW_OUTCOME_SELF_RECOVERED;
        return well && !mw_scene_undone(incident) ? MW_STATE_RECOVERED : MW_STATE_CLOSED;
    }
    bool runs = incident->stage == MW_STAGE_EXECUTE || incident->stage == MW_STAGE_VERIFY;
    return runs ? MW_STATE_RUNNING : MW_STATE_FIRING;
}

static void write_headline(struct mw_paper *paper, const struct mw_scene *scene)
{
    const struct mw_incident *incident = scene->incident;
    bool measured = incident->finding_count > 0 && incident->findings[0].metric != NULL;
    const char *limits = measured ? mw_say_limits(scene, &incident->findings[0]) : "";
    /* A metric past its threshold says by itself how bad it is. */
    const char *severity =
        measured ? "" : talloc_asprintf(scene->memory, "%s: ", mw_health_name(incident->severity));
    mw_paper_headline(paper, "%s %s%s%s%s", mw_say_subject(scene), severity, mw_say_symptom(scene),
                      *limits != '\0' ? " — " : "", limits);
}

static void write_notes(struct mw_paper *paper, const struct mw_scene *scene)
{
    const struct mw_incident *incident = scene->incident;
    bool named = scene->installation != NULL && *scene->installation != '\0';
    mw_paper_note(paper, "since %s · seen in %d %s%s%s",
                  mw_time_of_day(scene->memory, incident->since), incident->samples,
                  incident->samples == 1 ? "sample" : "samples", named ? " · " : "",
                  named ? scene->installation : "");
    for (size_t i = 1; i < incident->finding_count && i < 4; i++) {
        const struct mw_finding *finding = &incident->findings[i];
        const char *limits = mw_say_limits(scene, finding);
        mw_paper_note(paper, "also %s%s%s", finding->text != NULL ? finding->text : finding->metric,
                      *limits != '\0' ? " — " : "", limits);
    }
    if (incident->finding_count > 0 && incident->findings[0].metric != NULL &&
        incident->severity > incident->findings[0].health) {
        mw_paper_note(paper, "since then it has been %s", mw_health_name(incident->severity));
    }
    mw_scene_write_others(paper, scene);
    const char *looking = mw_say_acknowledged(scene);
    if (looking != NULL) {
        mw_paper_note(paper, "acknowledged by %s", looking);
    }
    if (scene->quiet != NULL) {
        mw_paper_note(paper, "🔇 %s; nothing runs by itself", scene->quiet);
    }
}

static void write_track(struct mw_paper *paper, const struct mw_scene *scene)
{
    const struct mw_track *track = scene->track;
    const struct mw_incident *incident = scene->incident;
    const struct mw_step *step = mw_scene_step(incident);
    /* It helps to decide, so it goes once somebody has. */
    if (track == NULL || step == NULL || incident->stage >= MW_STAGE_EXECUTE) {
        return;
    }
    const char *kind = step->kind != NULL ? step->kind : incident->kind;
    const char *environment = step->environment != NULL ? step->environment : incident->environment;
    if (track->runs == 0) {
        mw_paper_text(paper, "Before: %s was never run on %s/%s", step->tool, kind, environment);
        return;
    }
    const char *median = track->median_ms > 0
                             ? talloc_asprintf(scene->memory, ", median %s",
                                               mw_duration_text(scene->memory, track->median_ms))
                             : "";
    const char *failure =
        track->last_failure > 0
            ? talloc_asprintf(scene->memory, ", last failure %s",
                              mw_say_day(scene->memory, track->last_failure, incident->opened_at))
            : "";
    mw_paper_text(paper, "Before: %s on %s/%s recovered %d of %d%s%s", step->tool, kind,
                  environment, track->recovered, track->runs, median, failure);
}

/* Every revision that the newest one stands in for, so that nobody wonders what their ✅ became. */
static void write_earlier_plans(struct mw_paper *paper, const struct mw_scene *scene)
{
    const struct mw_incident *incident = scene->incident;
    size_t newest = 0;
    for (size_t i = 0; i + 1 < incident->plan_count; i++) {
        newest = incident->plans[i].state == MW_PLAN_SPENT ? i : newest;
    }
    for (size_t i = 0; i + 1 < incident->plan_count; i++) {
        const struct mw_plan *plan = &incident->plans[i];
        const char *end = mw_say_plan_end(scene, plan);
        if (end == NULL && plan->state == MW_PLAN_SPENT) {
            end = talloc_asprintf(scene->memory, "%s done%s", mw_say_steps_done(scene, plan),
                                  i == newest && !plan->undo ? mw_say_after(scene) : "");
        }
        if (end != NULL) {
            mw_paper_note(paper, "earlier plan r%d %s", plan->revision, end);
        }
    }
}

void mw_scene_write_cause(struct mw_paper *paper, const struct mw_plan *plan)
{
    if (plan->root_cause == NULL || *plan->root_cause == '\0') {
        return;
    }
    if (plan->undo) {
        mw_paper_text(paper, "Why: %s", plan->root_cause);
    } else {
        mw_paper_text(paper, "Cause (%.0f %%): %s", plan->confidence * 100, plan->root_cause);
    }
}

static void write_plan(struct mw_paper *paper, const struct mw_scene *scene)
{
    const struct mw_plan *plan = mw_incident_plan(scene->incident);
    if (plan == NULL) {
        return;
    }
    mw_scene_write_cause(paper, plan);
    write_earlier_plans(paper, scene);
    const char *end = mw_say_plan_end(scene, plan);
    mw_paper_text(paper, "%s%s%s", mw_say_plan(scene, plan), end != NULL ? " — " : "",
                  end != NULL ? end : "");
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct mw_step *step = &plan->steps[i];
        bool begun = plan->approved_at != 0 && end == NULL;
        const char *title = talloc_asprintf(scene->memory, "%s %s", step->tool, step->resource);
        mw_paper_step(paper, title, mw_say_effect(scene, step), mw_say_risk(scene, step),
                      begun ? mw_step_state_name(step->state) : NULL);
    }
    write_track(paper, scene);
}

/* How somebody says yes where there is nothing to press. Bare, it means the only plan shown. */
static const char *yes(const struct mw_scene *scene, const struct mw_plan *plan)
{
    const struct mw_incident *incident = scene->incident;
    if (incident->plan_count == 1) {
        return talloc_asprintf(scene->memory, "approve I%" PRId64, incident->id);
    }
    return talloc_asprintf(scene->memory, "approve I%" PRId64 " r%d", incident->id, plan->revision);
}

static void write_ask(struct mw_paper *paper, const struct mw_scene *scene,
                      const struct mw_plan *plan)
{
    int count;
    const char *names = mw_say_approvers(scene, plan, &count);
    const char *until = plan->expires_at != 0
                            ? talloc_asprintf(scene->memory, " until %s",
                                              mw_time_hour_minute(scene->memory, plan->expires_at))
                            : "";
    const char *who =
        plan->approvals_needed > 1
            ? talloc_asprintf(scene->memory, "%d different approvers", plan->approvals_needed)
            : "an approver";
    const char *voided = mw_say_voided(scene, plan);
    if (voided != NULL) {
        mw_paper_note(paper, "%s", mw_say_capital(scene, voided));
    }
    const char *so_far = count > 0 ? talloc_asprintf(scene->memory, " (so far %s)", names) : "";
    mw_paper_wait(paper, "⏳ needs %s%s%s — ✅ or ❌ on the plan, or: %s", who, until, so_far,
                  yes(scene, plan));
}

/* The fact that took the place of the controls: who let it run, and how far it is. */
static void write_run(struct mw_paper *paper, const struct mw_scene *scene,
                      const struct mw_plan *plan)
{
    const char *approval = mw_say_approval(scene, plan);
    const char *fact =
        *approval != '\0' ? mw_say_capital(scene, approval) : mw_say_plan(scene, plan);
    for (size_t i = 0; i < plan->step_count; i++) {
        enum mw_step_state state = plan->steps[i].state;
        if (state == MW_STEP_UNKNOWN) {
            mw_paper_wait(paper, "%s, outcome of step %zu unknown: %s", fact, i + 1,
                          plan->steps[i].tool);
            return;
        }
        if (state == MW_STEP_STARTED || state == MW_STEP_PLANNED) {
            mw_paper_wait(paper, "%s, running step %zu of %zu", fact, i + 1, plan->step_count);
            return;
        }
    }
    mw_paper_wait(paper, "%s, %s done%s", fact, mw_say_steps_done(scene, plan),
                  scene->incident->stage == MW_STAGE_VERIFY ? "; ⏳ waiting to see health last"
                                                            : "");
}

static void write_wait(struct mw_paper *paper, const struct mw_scene *scene)
{
    const struct mw_plan *plan = mw_incident_plan(scene->incident);
    switch (scene->incident->stage) {
    case MW_STAGE_OPEN:
    case MW_STAGE_EVIDENCE:
        mw_paper_wait(paper, "⏳ gathering logs and facts");
        break;
    case MW_STAGE_PLAN:
        mw_paper_wait(paper, "⏳ %s%s",
                      scene->incident->mass && plan == NULL
                          ? "looking whether it comes back by itself, then working out "
                          : "working out ",
                      plan != NULL ? "another plan" : "a plan");
        break;
    case MW_STAGE_ASK:
        if (plan != NULL) {
            write_ask(paper, scene, plan);
        }
        break;
    case MW_STAGE_EXECUTE:
    case MW_STAGE_VERIFY:
        if (plan != NULL) {
            write_run(paper, scene, plan);
        }
        break;
    case MW_STAGE_JUDGE:
    case MW_STAGE_REVIEW:
    case MW_STAGE_CLOSED:
        break;
    }
}

static void write_actions(struct mw_paper *paper, const struct mw_scene *scene)
{
    const struct mw_incident *incident = scene->incident;
    const struct mw_plan *plan = mw_incident_plan(incident);
    const char *id = talloc_asprintf(scene->memory, "I%" PRId64, incident->id);
    const char *value = plan != NULL
                            ? talloc_asprintf(scene->memory, "%s r%d %s", id, plan->revision,
                                              plan->digest != NULL ? plan->digest : "")
                            : id;
    if (incident->stage == MW_STAGE_ASK && plan != NULL) {
        mw_paper_action(paper, "midwatch_approve", "Approve", value);
        mw_paper_action(paper, "midwatch_reject", "Reject", value);
    }
    if (incident->stage == MW_STAGE_EXECUTE || incident->stage == MW_STAGE_VERIFY) {
        mw_paper_action(paper, "midwatch_stop", "Stop", value);
    }
    if (incident->stage <= MW_STAGE_ASK && mw_say_acknowledged(scene) == NULL) {
        mw_paper_action(paper, "midwatch_ack", "Ack", id);
    }
    mw_paper_action(paper, "midwatch_details", "Details", id);
}

static const char *summary_plan(const struct mw_scene *scene)
{
    const struct mw_plan *plan = mw_incident_plan(scene->incident);
    if (plan == NULL || plan->step_count == 0 || mw_say_plan_end(scene, plan) != NULL) {
        return "";
    }
    const struct mw_step *step = &plan->steps[0];
    const char *effect = mw_say_effect(scene, step);
    const char *more = plan->step_count > 1
                           ? talloc_asprintf(scene->memory, " and %zu more", plan->step_count - 1)
                           : "";
    return talloc_asprintf(scene->memory, " Plan: %s%s%s%s, %s.", step->tool,
                           *effect != '\0' ? " " : "", effect, more, mw_risk_name(step->risk));
}

/* The phone's lock screen: what, how bad, what we would do, and whether it needs somebody. */
static void write_summary(struct mw_paper *paper, const struct mw_scene *scene)
{
    const struct mw_incident *incident = scene->incident;
    bool named = scene->installation != NULL && *scene->installation != '\0';
    const char *where = talloc_asprintf(scene->memory, "%s%s%s%s", named ? scene->installation : "",
                                        named ? " " : "", incident->resource, mw_say_others(scene));
    if (incident->stage == MW_STAGE_CLOSED) {
        const char *change = mw_say_change(scene);
        mw_paper_summary(paper, "%s: %s%s%s (I%" PRId64 ")", where, mw_say_outcome(scene),
                         *change != '\0' ? ", " : "", change, incident->id);
        return;
    }
    const char *normal = "";
    if (incident->finding_count > 0 && incident->findings[0].metric != NULL) {
        const struct mw_finding *finding = &incident->findings[0];
        normal = finding->normal == finding->normal
                     ? talloc_asprintf(scene->memory, " (normal %s)",
                                       mw_say_value(scene, finding->metric, finding->normal))
                     : "";
    }
    const char *call = incident->stage == MW_STAGE_ASK                     ? " Needs you."
                       : strcmp(state_of(incident), MW_STATE_RUNNING) == 0 ? " Fix running."
                                                                           : "";
    mw_paper_summary(paper, "%s: %s %s%s.%s%s", where, incident->kind, mw_say_symptom(scene),
                     normal, incident->stage >= MW_STAGE_ASK ? summary_plan(scene) : "", call);
}

/* What is left of the trouble where it did not end well, and who is to see to it. */
static void write_left(struct mw_paper *paper, const struct mw_scene *scene)
{
    const struct mw_incident *incident = scene->incident;
    const struct mw_reading *after = &incident->after;
    if (incident->outcome == MW_OUTCOME_RECOVERED ||
        incident->outcome == MW_OUTCOME_SELF_RECOVERED) {
        return;
    }
    bool bad = after->health == MW_HEALTH_DEGRADED || after->health == MW_HEALTH_FAILED;
    if (after->measured_at != 0) {
        mw_paper_note(paper, bad ? "still %s, last seen at %s" : "last seen %s at %s",
                      mw_health_name(after->health),
                      mw_time_of_day(scene->memory, after->measured_at));
    }
    bad = mw_scene_write_bad(paper, scene) || bad;
    bool left = incident->outcome == MW_OUTCOME_HANDED_OVER ||
                incident->outcome == MW_OUTCOME_FAILED || incident->outcome == MW_OUTCOME_EXPIRED ||
                incident->outcome == MW_OUTCOME_REJECTED;
    if (left && (bad || after->measured_at == 0)) {
        mw_paper_note(paper, "Nobody is working on it here any more: say fix %s to ask again.",
                      incident->resource);
    }
}

static void write_closed(struct mw_paper *paper, const struct mw_scene *scene)
{
    const struct mw_incident *incident = scene->incident;
    const char *change = mw_say_change(scene);
    mw_paper_headline(paper, "%s %s%s — %s", mw_say_subject(scene), mw_say_outcome(scene),
                      mw_scene_undone(incident) ? ", taken back later" : "",
                      *change != '\0' ? change : mw_say_symptom(scene));
    const struct mw_plan *plan = mw_scene_ran(incident);
    bool reason = incident->outcome_reason != NULL;
    if (plan != NULL) {
        const char *approval = mw_say_approval(scene, plan);
        bool held = reason && incident->outcome == MW_OUTCOME_RECOVERED;
        const char *usage = mw_say_usage(scene);
        mw_paper_note(paper, "%s%s%s%s%s · %s%s%s", approval, *approval != '\0' ? " · " : "",
                      mw_say_steps_done(scene, plan), held ? " · " : "",
                      held ? incident->outcome_reason : "", mw_say_collateral(scene),
                      *usage != '\0' ? " · " : "", usage);
        reason = reason && !held;
    }
    if (reason) {
        mw_paper_note(paper, "%s", incident->outcome_reason);
    }
    if (plan == NULL) {
        mw_paper_note(paper, "nothing was changed");
    }
    write_left(paper, scene);
}

/* Judging and reviewing are over in a moment and ask nothing of anybody, so the card says meanwhile what
 * it said before. */
static struct mw_incident as_shown(const struct mw_incident *incident)
{
    struct mw_incident shown = *incident;
    const struct mw_plan *plan = mw_incident_plan(incident);
    if (shown.stage == MW_STAGE_JUDGE) {
        shown.stage = MW_STAGE_PLAN;
        shown.plan_count -= shown.plan_count > 0;
    } else if (shown.stage == MW_STAGE_REVIEW && plan == NULL) {
        shown.stage = MW_STAGE_PLAN;
    } else if (shown.stage == MW_STAGE_REVIEW && plan == mw_scene_ran(incident)) {
        bool done = true;
        for (size_t i = 0; plan != NULL && i < plan->step_count; i++) {
            done = done && plan->steps[i].state == MW_STEP_DONE;
        }
        shown.stage = done ? MW_STAGE_VERIFY : MW_STAGE_EXECUTE;
    }
    return shown;
}

json_t *mw_card_message(const struct mw_scene *given)
{
    const struct mw_incident shown = as_shown(given->incident);
    struct mw_scene seen = *given;
    seen.incident = &shown;
    const char *tool = mw_scene_tool(given->incident), *shown_tool = mw_scene_tool(&shown);
    if (tool == NULL || shown_tool == NULL || strcmp(tool, shown_tool) != 0) {
        seen.track = NULL;
    }
    const struct mw_scene *scene = &seen;
    const struct mw_incident *incident = scene->incident;
    struct mw_paper paper;
    mw_paper_begin(&paper, scene->memory, state_of(incident), incident->id, "card");
    write_summary(&paper, scene);
    if (incident->stage == MW_STAGE_CLOSED) {
        write_closed(&paper, scene);
        return mw_paper_end(&paper);
    }
    write_headline(&paper, scene);
    write_notes(&paper, scene);
    for (size_t i = 0; i < incident->log_count && i < CARD_LOG_LINES; i++) {
        mw_paper_log(&paper, incident->log[i].line, incident->log[i].times);
    }
    write_plan(&paper, scene);
    write_wait(&paper, scene);
    write_actions(&paper, scene);
    return mw_paper_end(&paper);
}
