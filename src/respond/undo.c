/* SPDX-License-Identifier: Apache-2.0 */
/* Taking back what a plan did: the undo was declared with each step, and was part of what was approved. */
#include "base/clock.h"
#include "respond/case.h"

static bool can_undo(const struct mw_step *step)
{
    return step->state == MW_STEP_DONE && step->undo != NULL;
}

static size_t count_undoable(const struct mw_plan *plan)
{
    size_t count = 0;
    for (size_t j = 0; j < plan->step_count && !plan->undo; j++)
        count += can_undo(&plan->steps[j]);
    return count;
}

/* The newest plan that did something which can be taken back; NULL: none. */
static struct mw_plan *find_undoable(const struct mw_incident *incident)
{
    for (size_t i = incident->plan_count; i > 0; i--) {
        if (count_undoable(&incident->plans[i - 1]) > 0)
            return &incident->plans[i - 1];
    }
    return NULL;
}

static void fill_step(struct mw_plan *plan, struct mw_step *undo, const struct mw_step *done,
                      int revision)
{
    const char *tool = json_string_value(json_object_get(done->undo, "tool"));
    undo->tool = talloc_strdup(plan->steps, tool);
    undo->resource = talloc_strdup(plan->steps, done->resource);
    undo->kind = talloc_strdup(plan->steps, done->kind);
    undo->environment = talloc_strdup(plan->steps, done->environment);
    undo->arguments = json_deep_copy(json_object_get(done->undo, "arguments"));
    undo->why = talloc_asprintf(plan->steps, "takes back step %d of r%d", done->position, revision);
    undo->risk = done->risk;
}

struct mw_plan *mw_plan_undo(struct mw_case *self, const char *person, struct mw_error *error)
{
    struct mw_incident *incident = self->incident;
    const struct mw_plan *done = find_undoable(incident);
    if (mw_case_resource(self) == NULL || done == NULL) {
        mw_error_set(error, MW_ERROR_REFUSED, "nothing was done in I%lld that can be undone",
                     (long long)incident->id);
        return NULL;
    }
    int revision = done->revision;
    bool automatic = person == NULL && done->automatic;
    struct mw_plan *plan = mw_incident_add_plan(incident, count_undoable(done));
    done = mw_incident_find_plan(incident, revision);
    size_t at = 0;
    for (size_t j = done->step_count; j > 0; j--) {
        if (can_undo(&done->steps[j - 1]))
            fill_step(plan, &plan->steps[at++], &done->steps[j - 1], revision);
    }
    plan->planner =
        talloc_asprintf(plan->steps, "undo by %s", person != NULL ? person : "midwatch");
    plan->root_cause =
        person != NULL
            ? talloc_asprintf(plan->steps, "%s asked to take r%d back", person, revision)
            : talloc_asprintf(plan->steps, "it is worse than before r%d, so r%d is taken back",
                              revision, revision);
    plan->confidence = 1;
    plan->undo = true;
    plan->automatic = automatic;
    plan->state = MW_PLAN_APPROVED;
    plan->proposed_at = plan->approved_at = mw_wall_now();
    mw_plan_seal(plan, self->respond->watch);
    return plan;
}

static void add_reason(struct mw_incident *incident, const char *reason, const char *more)
{
    const char *before = incident->outcome_reason;
    incident->outcome_reason = talloc_asprintf(incident, "%s%s%s%s", before != NULL ? before : "",
                                               before != NULL ? "; " : "", reason, more);
}

enum mw_stage mw_plan_undone(struct mw_case *self, struct mw_plan *undo, bool done)
{
    struct mw_incident *incident = self->incident;
    undo->state = MW_PLAN_SPENT;
    struct mw_plan *undone = find_undoable(incident);
    for (size_t j = 0; done && undone != NULL && j < undone->step_count; j++) {
        if (can_undo(&undone->steps[j]))
            undone->steps[j].state = MW_STEP_UNDONE;
    }
    /* In an incident that is still open it made room for another plan. */
    if (incident->outcome == MW_OUTCOME_NONE)
        return mw_case_retry(self);
    add_reason(incident, undo->root_cause, done ? "" : ", which did not work");
    return MW_STAGE_REVIEW;
}
