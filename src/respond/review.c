/* SPDX-License-Identifier: Apache-2.0 */
/* Review: what it took, what it did, and what else moved. */
#include "base/clock.h"
#include "respond/case.h"

static mw_wall_ms first_act(const struct mw_incident *incident)
{
    for (size_t i = 0; i < incident->plan_count; i++) {
        for (size_t j = 0; j < incident->plans[i].step_count; j++) {
            if (incident->plans[i].steps[j].started_at != 0)
                return incident->plans[i].steps[j].started_at;
        }
    }
    return 0;
}

/* Resources that the plan did not name and that turned bad after its first step. */
static json_t *find_collateral(const struct mw_case *self)
{
    json_t *found = json_array();
    mw_wall_ms began = first_act(self->incident);
    const struct mw_watch *watch = self->respond->watch;
    for (size_t i = 0; i < watch->count && began != 0; i++) {
        const struct mw_resource *other = watch->resources[i];
        if (other == mw_case_resource(self) || other->health < MW_HEALTH_DEGRADED ||
            other->since < began)
            continue;
        json_array_append_new(found, json_sprintf("%s turned %s: %s", other->name,
                                                  mw_health_name(other->health),
                                                  other->reason != NULL ? other->reason : ""));
    }
    return found;
}

enum mw_stage mw_stage_review(struct mw_case *self)
{
    struct mw_incident *incident = self->incident;
    const struct mw_resource *resource = mw_case_resource(self);
    if (incident->after.metrics == NULL && resource != NULL && resource->reached) {
        incident->after.metrics = mw_sample_to_json(&resource->last);
        incident->after.measured_at = resource->last.measured_at;
        incident->after.health = resource->health;
    }
    json_decref(incident->collateral);
    incident->collateral = find_collateral(self);
    if (incident->closed_at == 0) {
        incident->closed_at = mw_wall_now();
        incident->durations.total = incident->closed_at - incident->since;
    }
    return MW_STAGE_CLOSED;
}
