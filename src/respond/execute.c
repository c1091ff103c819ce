/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Execution: the approved steps, in order, one at a time per resource. A step is recorded as started
 * before its tool is called and as ended after. A step found started at the beginning of this stage
 * was cut off by the death of an earlier process: it is never run again under the same approval.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/redact.h"
#include "respond/case.h"

#define ROOM         "respond"
#define TOOL_TIME_MS 30000

enum ran { RAN_ON, RAN_FAILED, RAN_RISKIER, RAN_UNAPPROVED, RAN_CANCELLED };

static bool record_step(struct mw_case *self, const struct mw_step *step, const char *action)
{
    json_auto_t *detail = json_pack("{s:i, s:i, s:s, s:O, s:s}", "revision",
                                    mw_incident_plan(self->incident)->revision, "step",
                                    step->position, "tool", step->tool, "arguments",
                                    step->arguments, "state", mw_step_state_name(step->state));
    return mw_case_record(self, "midwatch", action, detail, true);
}

static void end_step(struct mw_step *step, enum mw_step_state state, json_t *result)
{
    step->state = state;
    step->ended_at = mw_wall_now();
    json_decref(step->result);
    step->result = mw_redact_json(result);
    json_decref(result);
}

/* Policy may have changed since the plan was judged: another configuration, another hour. */
static bool forbidden(struct mw_case *self, const struct mw_tool *tool,
                      const struct mw_resource *resource, enum mw_risk risk, struct mw_step *step)
{
    const struct mw_plan *plan = mw_incident_plan(self->incident);
    if (mw_case_in_shadow(self)) {
        end_step(step, MW_STEP_SKIPPED,
                 mw_tool_result(false, NULL, "not run: shadow mode touches nothing"));
        return true;
    }
    struct mw_judgement now =
        mw_policy_judge(mw_case_settings(self)->policy, tool->name, risk, resource, mw_wall_now());
    bool denied = now.verdict == MW_VERDICT_DENY;
    bool more = !plan->undo && now.verdict == MW_VERDICT_APPROVE &&
                (plan->automatic || now.approvers > plan->approvals_needed);
    if (denied || more)
        end_step(step, MW_STEP_SKIPPED, mw_tool_result(false, NULL, "not run: now %s", now.why));
    return denied || more;
}

/* What is approved is what was shown; if the same call has become riskier since, it is not run. */
static enum ran check_again(struct mw_case *self, const struct mw_tool *tool,
                            struct mw_resource *resource, struct mw_step *step)
{
    TALLOC_CTX *memory = talloc_new(self);
    struct mw_assessment now = {0};
    struct mw_error error = {0};
    bool ok = mw_tool_assess(tool, resource, step->arguments, memory, &now, &error);
    enum ran ran = RAN_ON;
    if (!ok && error.class == MW_ERROR_CANCELLED) {
        ran = RAN_CANCELLED;
    } else if (!ok) {
        end_step(step, MW_STEP_FAILED, mw_tool_result(false, NULL, "not run: %s", error.text));
        ran = RAN_FAILED;
    } else if (now.risk > step->risk) {
        end_step(step, MW_STEP_SKIPPED,
                 mw_tool_result(false, NULL, "not run: it has become %s since it was approved%s%s",
                                mw_risk_name(now.risk), now.reason != NULL ? ": " : "",
                                now.reason != NULL ? now.reason : ""));
        ran = RAN_RISKIER;
    }
    if (ran == RAN_ON && forbidden(self, tool, resource, now.risk, step))
        ran = RAN_RISKIER;
    if (ran == RAN_ON && step->effect == NULL)
        step->effect = talloc_strdup(self->incident, now.effect);
    if (ok) {
        json_decref(now.arguments);
        json_decref(now.undo);
    }
    talloc_free(memory);
    return ran;
}

/* Somebody who approved it may have lost the role since. */
static bool is_still_approved(const struct mw_case *self, const struct mw_plan *plan)
{
    return plan->state != MW_PLAN_APPROVED || plan->automatic || plan->undo ||
           mw_approvals(self, plan->revision) >= plan->approvals_needed;
}

static void call(struct mw_case *self, const struct mw_tool *tool, struct mw_resource *resource,
                 struct mw_step *step)
{
    struct mw_deadline deadline =
        mw_deadline_in(tool->timeout_ms > 0 ? tool->timeout_ms : TOOL_TIME_MS);
    struct mw_error error = {0};
    json_t *result = NULL;
    self->acting = true;
    bool ok = tool->run(&resource->target, step->arguments, deadline, &result, &error);
    self->acting = false;
    if (ok) {
        bool done = json_is_true(json_object_get(result, "ok"));
        end_step(step, done ? MW_STEP_DONE : MW_STEP_FAILED, result);
        return;
    }
    /* Refused or bad input was never tried; anything else may have happened. */
    bool tried = error.class != MW_ERROR_REFUSED && error.class != MW_ERROR_BAD_INPUT &&
                 error.class != MW_ERROR_PERMANENT && tool->floor != MW_RISK_READ;
    end_step(step, tried ? MW_STEP_UNKNOWN : MW_STEP_FAILED,
             mw_tool_result(false, NULL, "%s%s", tried ? "outcome not known: " : "", error.text));
}

static const char *stopper_of(const struct mw_case *self, const struct mw_plan *plan)
{
    const char *person = mw_tally_count(self->incident, plan->revision).stopped_by;
    return person != NULL ? talloc_asprintf(self->incident, "stopped by %s", person) : NULL;
}

/* Why the plan may not go on; NULL: it may. */
static const char *held_by(const struct mw_case *self, const struct mw_plan *plan)
{
    const char *stopper = stopper_of(self, plan);
    if (stopper != NULL || !plan->automatic)
        return stopper;
    return self->respond->frozen != NULL ? self->respond->frozen : mw_quiet_plan(self, plan);
}

/* Recording that a step begins may take long, and what holds it back may have come meanwhile. */
static enum ran think_again(struct mw_case *self, const struct mw_tool *tool,
                            const struct mw_resource *resource, const struct mw_plan *plan,
                            struct mw_step *step)
{
    const char *why = held_by(self, plan);
    if (why != NULL) {
        end_step(step, MW_STEP_SKIPPED, mw_tool_result(false, NULL, "not run: %s", why));
        return RAN_FAILED;
    }
    return forbidden(self, tool, resource, step->risk, step) ? RAN_RISKIER : RAN_ON;
}

/* midwatch began to stop while the step was recorded as begun: it was not called, and waits for the next
 * start. Where that cannot be recorded, its outcome will be called unknown. */
static enum ran put_off(struct mw_case *self, struct mw_plan *plan, struct mw_step *step)
{
    bool first = true;
    for (size_t i = 0; i < plan->step_count; i++)
        first = first && (&plan->steps[i] == step || plan->steps[i].started_at == 0);
    step->state = MW_STEP_PLANNED;
    step->started_at = 0;
    if (first)
        plan->state = MW_PLAN_APPROVED;
    record_step(self, step, "step_put_off");
    return RAN_CANCELLED;
}

static enum ran run_locked(struct mw_case *self, struct mw_resource *resource, struct mw_plan *plan,
                           struct mw_step *step)
{
    const struct mw_tool *tool = mw_catalogue_find(resource->target.ops, step->tool);
    if (tool == NULL) {
        end_step(step, MW_STEP_FAILED,
                 mw_tool_result(false, NULL, "there is no such tool any more"));
        return record_step(self, step, "step_ended") ? RAN_FAILED : RAN_CANCELLED;
    }
    enum ran ran = check_again(self, tool, resource, step);
    if (ran == RAN_FAILED || ran == RAN_RISKIER)
        return record_step(self, step, "step_ended") ? ran : RAN_CANCELLED;
    if (ran == RAN_CANCELLED || mw_fiber_cancelled())
        return RAN_CANCELLED;
    if (!is_still_approved(self, plan))
        return RAN_UNAPPROVED;

    step->state = MW_STEP_STARTED;
    step->started_at = mw_wall_now();
    plan->state = MW_PLAN_SPENT;
    if (!record_step(self, step, "step_started"))
        return RAN_CANCELLED;
    if (mw_fiber_cancelled())
        return put_off(self, plan, step);
    ran = think_again(self, tool, resource, plan, step);
    if (ran != RAN_ON) {
        step->started_at = 0;
        return record_step(self, step, "step_ended") ? ran : RAN_CANCELLED;
    }
    call(self, tool, resource, step);
    mw_log_info(ROOM, "I%lld r%d step %d %s: %s", (long long)self->incident->id, plan->revision,
                step->position, step->tool, mw_step_state_name(step->state));
    if (!record_step(self, step, "step_ended"))
        return RAN_CANCELLED;
    return step->state == MW_STEP_DONE ? RAN_ON : RAN_FAILED;
}

/* Takes the resource's step lock. Another configuration may come meanwhile, and what replaces a resource
 * has the same lock. NULL: it left the configuration, or the fiber was cancelled. */
static struct mw_resource *lock_resource(const struct mw_case *self, const char *name)
{
    struct mw_resource *resource = mw_case_find_resource(self, name);
    while (resource != NULL) {
        struct mw_error error = {0};
        bool locked = mw_lock_acquire(resource->step_lock, mw_deadline_in(60000), &error);
        if (!locked && error.class == MW_ERROR_CANCELLED)
            return NULL;
        struct mw_resource *now = mw_case_find_resource(self, name);
        if (locked && now == resource)
            return resource;
        if (locked)
            mw_lock_release(resource->step_lock);
        resource = now;
    }
    return NULL;
}

static enum ran run_step(struct mw_case *self, struct mw_plan *plan, struct mw_step *step)
{
    struct mw_resource *resource = lock_resource(self, step->resource);
    if (resource == NULL && mw_fiber_cancelled())
        return RAN_CANCELLED;
    if (resource == NULL) {
        end_step(
            step, MW_STEP_FAILED,
            mw_tool_result(false, NULL, "%s is no longer in the configuration", step->resource));
        return RAN_FAILED;
    }
    enum ran ran = run_locked(self, resource, plan, step);
    mw_lock_release(resource->step_lock);
    return ran;
}

/* Steps that an earlier process had begun. True when there was one whose outcome nobody knows. */
static bool settle_begun(struct mw_plan *plan)
{
    bool doubt = false;
    for (size_t i = 0; i < plan->step_count; i++) {
        struct mw_step *step = &plan->steps[i];
        if (step->state != MW_STEP_STARTED)
            continue;
        if (step->risk == MW_RISK_READ) {
            step->state = MW_STEP_PLANNED;
            continue;
        }
        end_step(step, MW_STEP_UNKNOWN,
                 mw_tool_result(false, NULL,
                                "outcome unknown: midwatch ended while this step ran; it is not "
                                "run again without a new approval"));
        doubt = true;
    }
    return doubt;
}

static bool has_left(const struct mw_plan *plan)
{
    bool left = false;
    for (size_t i = 0; i < plan->step_count; i++)
        left = left || plan->steps[i].state == MW_STEP_PLANNED;
    return left;
}

/* Why no further step may begin; NULL: it may. */
static const char *stopped_by(const struct mw_case *self, const struct mw_plan *plan)
{
    return has_left(plan) ? held_by(self, plan) : stopper_of(self, plan);
}

static void skip_rest(struct mw_plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        if (plan->steps[i].state == MW_STEP_PLANNED)
            plan->steps[i].state = MW_STEP_SKIPPED;
    }
}

static enum mw_stage ask_again(struct mw_case *self, struct mw_plan *plan)
{
    self->incident->durations.approve -= mw_wall_between(plan->proposed_at, plan->approved_at);
    plan->state = MW_PLAN_PROPOSED;
    plan->approved_at = 0;
    return MW_STAGE_ASK;
}

enum mw_stage mw_stage_execute(struct mw_case *self)
{
    struct mw_plan *plan = mw_incident_plan(self->incident);
    const char *stopper = NULL;
    enum ran ran = settle_begun(plan) ? RAN_FAILED : RAN_ON;
    if (plan->state != MW_PLAN_SPENT && !plan->undo)
        mw_baseline_take(self);
    for (size_t i = 0; i < plan->step_count && ran == RAN_ON; i++) {
        if (plan->steps[i].state != MW_STEP_PLANNED)
            continue;
        stopper = stopped_by(self, plan);
        if (stopper != NULL || self->respond->draining || mw_case_in_shadow(self))
            break;
        ran = run_step(self, plan, &plan->steps[i]);
    }
    if (ran == RAN_CANCELLED || (self->respond->draining && ran == RAN_ON && stopper == NULL)) {
        mw_fiber_cancel(self->fiber);
        return MW_STAGE_EXECUTE;
    }
    self->incident->durations.execute += mw_case_stage_ms(self);
    if (ran == RAN_UNAPPROVED)
        return ask_again(self, plan);
    if (has_left(plan) && mw_case_in_shadow(self) && plan->state != MW_PLAN_SPENT && !plan->undo)
        return mw_case_drop_plan(self);
    skip_rest(plan);
    if (plan->undo)
        return mw_plan_undone(self, plan, stopper == NULL && ran == RAN_ON);
    if (stopper == NULL)
        stopper = stopped_by(self, plan);
    if (stopper != NULL)
        return mw_case_conclude(self, MW_OUTCOME_STOPPED, "%s; the steps say what was done",
                                stopper);
    if (ran == RAN_RISKIER && plan->state != MW_PLAN_SPENT) {
        plan->state = MW_PLAN_VOID;
        plan->state_reason =
            talloc_strdup(self->incident, "what it would do has become riskier since");
        return MW_STAGE_PLAN;
    }
    plan->state = MW_PLAN_SPENT;
    return MW_STAGE_VERIFY;
}
