/* SPDX-License-Identifier: Apache-2.0 */
/* Asking: a plan waits for people, while the symptom holds and the time lasts. */
#include "base/clock.h"
#include "respond/case.h"

#define LOOK_AGAIN_MS 30000 /* the wall clock may have jumped */

static enum mw_stage approved(struct mw_case *self, struct mw_plan *plan)
{
    plan->state = MW_PLAN_APPROVED;
    plan->approved_at = mw_wall_now();
    self->incident->durations.approve += mw_wall_between(plan->proposed_at, plan->approved_at);
    return MW_STAGE_EXECUTE;
}

static void set_void(struct mw_case *self, struct mw_plan *plan, const char *why)
{
    plan->state = MW_PLAN_VOID;
    plan->state_reason = talloc_strdup(self->incident, why);
}

/* MW_STAGE_ASK: go on waiting. */
static enum mw_stage look(struct mw_case *self)
{
    struct mw_plan *plan = mw_incident_plan(self->incident);
    struct mw_tally tally = mw_tally_count(self->incident, plan->revision);
    if (mw_case_resource(self) == NULL)
        return mw_case_left(self);
    if (tally.stopped_by != NULL) {
        set_void(self, plan, "stopped");
        return mw_case_conclude(self, MW_OUTCOME_STOPPED, "stopped by %s before anything was done",
                                tally.stopped_by);
    }
    if (tally.rejected_by != NULL) {
        plan->state = MW_PLAN_REJECTED;
        plan->state_reason = talloc_strdup(self->incident, tally.rejected_why);
        return mw_case_conclude(self, MW_OUTCOME_REJECTED, "rejected by %s%s%s", tally.rejected_by,
                                tally.rejected_why != NULL ? ": " : "",
                                tally.rejected_why != NULL ? tally.rejected_why : "");
    }
    if (mw_case_is_healthy(self))
        return mw_case_healed(self);
    if (mw_case_in_shadow(self))
        return mw_case_drop_plan(self);
    if (self->grown)
        return mw_group_regroup(self);
    if (mw_wall_now() >= plan->expires_at) {
        set_void(self, plan, "nobody decided in time");
        return mw_case_conclude(self, MW_OUTCOME_EXPIRED, "nobody decided in time");
    }
    if (tally.again_by != NULL) {
        set_void(self, plan, MW_AGAIN_REASON);
        return MW_STAGE_PLAN;
    }
    if (mw_approvals(self, plan->revision) >= plan->approvals_needed)
        return approved(self, plan);
    return MW_STAGE_ASK;
}

/* A word that is being recorded is heard before an earlier one is acted on. */
static enum mw_stage look_in_turn(struct mw_case *self)
{
    struct mw_error error = {0};
    if (!mw_lock_acquire(&self->deciding, mw_deadline_in(LOOK_AGAIN_MS), &error))
        return MW_STAGE_ASK;
    enum mw_stage next = look(self);
    mw_lock_release(&self->deciding);
    return next;
}

enum mw_stage mw_stage_ask(struct mw_case *self)
{
    for (;;) {
        enum mw_stage next = look_in_turn(self);
        if (next != MW_STAGE_ASK)
            return next;
        struct mw_plan *plan = mw_incident_plan(self->incident);
        int64_t left = plan->expires_at - mw_wall_now();
        left = left < 1 ? 1 : left > LOOK_AGAIN_MS ? LOOK_AGAIN_MS : left;
        struct mw_error error = {0};
        mw_case_let_go(self);
        mw_case_keep(self);
        if (!mw_condition_wait(&self->changed, mw_deadline_in(left), &error) &&
            error.class == MW_ERROR_CANCELLED)
            return MW_STAGE_ASK;
    }
}
