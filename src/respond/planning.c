/* SPDX-License-Identifier: Apache-2.0 */
/* Planning: asks the planners until one proposes what can be accepted, a bounded number of times. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "respond/case.h"

#define ROOM          "respond"
#define PROPOSALS_MAX 4 /* per planner and round; each refusal is told to the planner */

enum asked { ASKED_ACCEPTED, ASKED_NOTHING, ASKED_CANCELLED };

/* Who is asked; another configuration may make somebody else the first meanwhile. */
struct asking {
    struct mw_case *self;
    const struct mw_planner *planner;
};

static bool look(void *context, const char *tool, const json_t *arguments, json_t **result,
                 struct mw_error *error)
{
    const struct asking *asking = context;
    return mw_look(asking->self, tool, arguments, result, error);
}

static void exchanged(void *context, const struct mw_planner_exchange *exchange)
{
    const struct asking *asking = context;
    mw_planner_exchanged(asking->self->respond, asking->self->incident->id, exchange);
}

static void impaired(void *context, enum mw_impairment impairment, const char *why)
{
    const struct asking *asking = context;
    mw_planner_impaired(asking->self->respond, asking->planner, impairment, why);
}

/* The steps of a refused proposal that are about that resource; NULL: all of them. */
static json_t *steps_about(const json_t *proposal, const char *resource)
{
    json_t *about = json_array();
    size_t i;
    json_t *step;
    json_array_foreach(json_object_get(proposal, "steps"), i, step)
    {
        const char *name =
            json_string_value(json_object_get(json_object_get(step, "arguments"), "resource"));
        if (resource == NULL || (name != NULL && strcmp(name, resource) == 0))
            json_array_append(about, step);
    }
    return about;
}

/* Asks until a proposal is accepted or there is none. The error is what stood in the way of the first
 * one: later ones are what was left. */
static enum asked ask_planner(struct mw_case *self, struct mw_planner *planner,
                              struct mw_error *error)
{
    struct mw_error first = {0};
    json_auto_t *complaints = json_array();
    json_auto_t *wasted = json_object(); /* what refused proposals took */
    struct asking asking = {self, planner};
    const struct mw_planner_host host = {
        .context = &asking, .look = look, .exchanged = exchanged, .impaired = impaired};
    json_auto_t *similar = planner->ops->uses_past ? mw_similar(self) : NULL;
    struct mw_deadline deadline = mw_deadline_in(mw_case_settings(self)->planner_timeout);
    for (int i = 0; i < PROPOSALS_MAX; i++) {
        struct mw_resource *resource = mw_case_resource(self);
        if (resource == NULL) {
            mw_error_set(error, MW_ERROR_PERMANENT, "%s is no longer in the configuration",
                         self->incident->resource);
            return ASKED_NOTHING;
        }
        json_auto_t *situation = mw_situation(self, resource, complaints);
        if (similar != NULL)
            json_object_set(situation, "similar", similar);
        json_auto_t *proposal = NULL;
        if (!planner->ops->propose(planner, situation, &host, deadline, &proposal, error)) {
            bool cancelled = error->class == MW_ERROR_CANCELLED;
            if (first.class != MW_ERROR_NONE)
                *error = first;
            return cancelled ? ASKED_CANCELLED : ASKED_NOTHING;
        }
        const json_t *usage = json_object_get(proposal, "usage");
        if (mw_case_resource(self) == NULL)
            continue;
        const char *refused;
        if (mw_proposal_accept(self, proposal, planner->label, &refused, error)) {
            struct mw_plan *plan = mw_incident_plan(self->incident);
            if (plan->usage != NULL)
                mw_usage_add(plan->usage, wasted);
            return ASKED_ACCEPTED;
        }
        mw_usage_add(wasted, usage);
        if (error->class == MW_ERROR_CANCELLED)
            return ASKED_CANCELLED;
        mw_log_info(ROOM, "I%lld: a proposal of %s was refused: %s", (long long)self->incident->id,
                    planner->label, error->text);
        if (first.class == MW_ERROR_NONE)
            first = *error;
        json_array_append_new(complaints,
                              json_pack("{s:i, s:o, s:s}", "revision", 0, "steps",
                                        steps_about(proposal, refused), "complaint", error->text));
    }
    *error = first;
    return ASKED_NOTHING;
}

/* Somebody asked for another plan and there is none: the one before is asked for anew. */
static bool propose_again(struct mw_case *self)
{
    const struct mw_plan *plan = mw_incident_plan(self->incident);
    if (plan == NULL || plan->state != MW_PLAN_VOID || plan->state_reason == NULL ||
        strcmp(plan->state_reason, MW_AGAIN_REASON) != 0)
        return false;
    json_auto_t *steps = json_array();
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct mw_step *step = &plan->steps[i];
        json_array_append_new(steps,
                              json_pack("{s:s, s:O, s:s, s:s}", "tool", step->tool, "arguments",
                                        step->arguments, "why", step->why != NULL ? step->why : "",
                                        "expect", step->expect != NULL ? step->expect : ""));
    }
    char *cause = talloc_asprintf(NULL, "%s (no other plan was found)", plan->root_cause);
    json_auto_t *proposal = json_pack("{s:s, s:f, s:O?, s:O}", "root_cause", cause, "confidence",
                                      plan->confidence, "evidence", plan->evidence, "steps", steps);
    const char *planner = talloc_strdup(cause, plan->planner);
    const char *refused;
    struct mw_error error = {0};
    bool ok = proposal != NULL && mw_proposal_accept(self, proposal, planner, &refused, &error);
    talloc_free(cause);
    return ok;
}

/* When so much turned bad at once, it may be back before a plan is of use to anybody. */
static void wait_for_mass(struct mw_case *self)
{
    const struct mw_mass_failure *mass = mw_case_settings(self)->policy->mass_failure;
    int64_t waited = mw_wall_now() - self->incident->opened_at;
    if (!self->incident->mass || mass == NULL || self->incident->plan_count > 0 || waited < 0)
        return;
    struct mw_deadline end = mw_deadline_in(mass->window - waited);
    struct mw_error error;
    while (!mw_deadline_passed(end) && !mw_fiber_cancelled() && !mw_case_is_healthy(self) &&
           !self->grown && mw_tally_count(self->incident, 0).stopped_by == NULL)
        mw_condition_wait(&self->changed, end, &error);
}

enum mw_stage mw_stage_plan(struct mw_case *self)
{
    const struct mw_respond_settings *settings = mw_case_settings(self);
    struct mw_planner *planners[] = {settings->planner, settings->fallback};
    struct mw_error error = {0};
    wait_for_mass(self);
    if (mw_case_is_healthy(self))
        return mw_case_healed(self);
    if (self->grown || mw_tally_count(self->incident, 0).stopped_by != NULL)
        return MW_STAGE_PLAN;
    if (self->incident->plan_count >= MW_PLANS_MAX)
        return mw_case_conclude(
            self, mw_case_has_acted(self) ? MW_OUTCOME_FAILED : MW_OUTCOME_HANDED_OVER,
            "it has had %d plans, and no more are made", MW_PLANS_MAX);
    for (size_t i = 0; i < 2; i++) {
        if (planners[i] == NULL)
            continue;
        enum asked asked = ask_planner(self, planners[i], &error);
        self->incident->durations.analyse += mw_case_stage_ms(self);
        self->stage_began = mw_mono_now();
        if (asked == ASKED_CANCELLED)
            return MW_STAGE_PLAN;
        if (asked == ASKED_ACCEPTED)
            return MW_STAGE_JUDGE;
        mw_log_warning(ROOM, "I%lld: %s has no plan: %s", (long long)self->incident->id,
                       planners[i]->label, error.text);
    }
    if (propose_again(self))
        return MW_STAGE_JUDGE;
    if (mw_fiber_cancelled())
        return MW_STAGE_PLAN;
    if (mw_case_resource(self) == NULL)
        return mw_case_left(self);
    if (mw_case_has_acted(self))
        return mw_case_conclude(self, MW_OUTCOME_FAILED, "nothing further could be proposed: %s",
                                error.text);
    return mw_case_conclude(self, MW_OUTCOME_HANDED_OVER, "nothing could be proposed: %s",
                            error.text);
}
