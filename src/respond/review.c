/* SPDX-License-Identifier: Apache-2.0 */
/* Review: what it took, what it did, and what else moved. */
#include "base/clock.h"
#include "respond/case.h"

/* Where the wall clock was set back meanwhile, it took at least what its parts took. */
static int64_t total_ms(const struct mw_incident *incident)
{
    const struct mw_durations *took = &incident->durations;
    int64_t total = mw_wall_between(incident->since, incident->closed_at);
    int64_t parts = took->detect + took->analyse + took->approve + took->execute + took->verify;
    return total > parts ? total : parts;
}

enum mw_stage mw_stage_review(struct mw_case *self)
{
    struct mw_incident *incident = self->incident;
    struct mw_part part;
    for (size_t i = 0; mw_incident_part(incident, i, &part); i++) {
        const struct mw_resource *resource = mw_watch_find(self->respond->watch, part.resource);
        if (part.after->metrics == NULL && resource != NULL && resource->probed_at != 0)
            mw_reading_replace(part.after, resource);
    }
    json_decref(incident->collateral);
    incident->collateral = mw_baseline_collateral(self);
    if (incident->closed_at == 0) {
        incident->closed_at = mw_wall_now();
        incident->durations.total = total_ms(incident);
    }
    return MW_STAGE_CLOSED;
}
