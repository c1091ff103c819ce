/* SPDX-License-Identifier: Apache-2.0 */
/* Judging: whether a plan may run by itself, has to be asked for, or is only told. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "respond/case.h"

#define ROOM    "respond"
#define HOUR_MS 3600000

/* Trust is earned by a tool on a kind and environment, and lost with the first failure. */
static void settle_earned(struct mw_case *self, const struct mw_step *step,
                          struct mw_judgement *judgement)
{
    const char *tool = step->tool;
    struct mw_track track = {0};
    struct mw_error error = {0};
    if (judgement->verdict != MW_VERDICT_EARNED)
        return;
    if (!mw_record_track(self->respond->record, tool, step->kind, step->environment, &track,
                         &error))
        mw_log_warning(ROOM, "I%lld: no track record of %s, so people are asked: %s",
                       (long long)self->incident->id, tool, error.text);
    bool earned = track.streak >= judgement->after;
    judgement->verdict = earned ? MW_VERDICT_AUTO : MW_VERDICT_APPROVE;
    snprintf(judgement->why, sizeof judgement->why, "%s worked %d times in a row here, %s %d", tool,
             track.streak, earned ? "and needed" : "of", judgement->after);
}

/* The strictest of what policy says of its steps. */
static struct mw_judgement judge_plan(struct mw_case *self)
{
    const struct mw_plan *plan = mw_incident_plan(self->incident);
    struct mw_judgement strictest = {.verdict = MW_VERDICT_AUTO, .approvers = 1};
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct mw_step *step = &plan->steps[i];
        const struct mw_resource *resource = mw_case_find_resource(self, step->resource);
        struct mw_judgement one = {.verdict = MW_VERDICT_DENY, .approvers = 1};
        if (resource != NULL)
            one = mw_policy_judge(mw_case_settings(self)->policy, step->tool, step->risk, resource,
                                  mw_wall_now());
        else
            snprintf(one.why, sizeof one.why, "%s is no longer in the configuration",
                     step->resource);
        settle_earned(self, step, &one);
        int approvers = one.approvers > strictest.approvers ? one.approvers : strictest.approvers;
        if (one.verdict > strictest.verdict || strictest.why[0] == '\0')
            strictest = one;
        strictest.approvers = approvers;
    }
    return strictest;
}

static void ask_instead(struct mw_judgement *judgement, const char *why)
{
    judgement->verdict = MW_VERDICT_APPROVE;
    snprintf(judgement->why, sizeof judgement->why, "%s", why);
}

static void keep_limit(struct mw_case *self, const char *resource, int64_t limit,
                       struct mw_judgement *judgement)
{
    int64_t count = 0;
    struct mw_error error = {0};
    if (judgement->verdict != MW_VERDICT_AUTO)
        return;
    if (!mw_record_automatic(self->respond->record, resource, mw_wall_now() - HOUR_MS, &count,
                             &error)) {
        ask_instead(judgement, "how much ran by itself lately could not be read");
        return;
    }
    if (count >= limit) {
        char why[120];
        snprintf(why, sizeof why,
                 "%lld plans ran by themselves%s within the hour, which is the limit",
                 (long long)count, resource != NULL ? " on it" : "");
        ask_instead(judgement, why);
    }
}

static void hold_back_mass(struct mw_case *self, struct mw_judgement *judgement)
{
    size_t bad;
    if (!mw_group_is_mass(self->respond, &bad) && !self->incident->mass)
        return;
    char why[120];
    snprintf(why, sizeof why, "so much turned bad at once that midwatch's own network may be why");
    ask_instead(judgement, why);
}

/* What may run by itself only where nothing speaks against it. */
static void hold_back(struct mw_case *self, struct mw_judgement *judgement)
{
    const struct mw_policy *policy = mw_case_settings(self)->policy;
    const struct mw_plan *plan = mw_incident_plan(self->incident);
    if (judgement->verdict != MW_VERDICT_AUTO)
        return;
    char why[120];
    snprintf(why, sizeof why, "less sure than min_confidence %.2f", policy->min_confidence);
    if (plan->confidence < policy->min_confidence)
        ask_instead(judgement, why);
    else if (mw_case_in_doubt(self))
        ask_instead(judgement, "an earlier step's outcome is not known");
    hold_back_mass(self, judgement);
    const struct mw_auto_limits *limits = policy->max_auto_per_hour;
    for (size_t i = 0; limits != NULL && i < mw_incident_plan(self->incident)->step_count; i++)
        keep_limit(self, mw_incident_plan(self->incident)->steps[i].resource, limits->resource,
                   judgement);
    if (limits != NULL)
        keep_limit(self, NULL, limits->all, judgement);
    const char *quiet = mw_quiet_plan(self, plan);
    if (judgement->verdict == MW_VERDICT_AUTO && quiet != NULL)
        ask_instead(judgement, quiet);
    /* Last, since somebody may have frozen it while the record was read. */
    if (judgement->verdict == MW_VERDICT_AUTO && self->respond->frozen != NULL)
        ask_instead(judgement, self->respond->frozen);
}

enum mw_stage mw_stage_judge(struct mw_case *self)
{
    const struct mw_policy *policy = mw_case_settings(self)->policy;
    const struct mw_resource *resource = mw_case_resource(self);
    struct mw_incident *incident = self->incident;
    if (resource == NULL)
        return mw_case_left(self);
    struct mw_judgement judgement = judge_plan(self);
    hold_back(self, &judgement);

    struct mw_plan *plan = mw_incident_plan(incident);
    plan->state_reason = talloc_strdup(incident, judgement.why);
    if (judgement.verdict == MW_VERDICT_DENY) {
        plan->state = MW_PLAN_VOID;
        return mw_case_conclude(self, MW_OUTCOME_HANDED_OVER, "%s", judgement.why);
    }
    if (mw_case_in_shadow(self))
        return mw_case_only_tell(self, &judgement);
    if (judgement.verdict == MW_VERDICT_AUTO) {
        plan->automatic = true;
        plan->state = MW_PLAN_APPROVED;
        plan->approved_at = mw_wall_now();
        return MW_STAGE_EXECUTE;
    }
    plan->approvals_needed = judgement.approvers;
    plan->expires_at = mw_wall_now() + policy->approval_timeout;
    return MW_STAGE_ASK;
}
