/* SPDX-License-Identifier: Apache-2.0 */
/* Review: what it took, what it did, and what else moved. */
#include "base/clock.h"
#include "respond/case.h"

enum mw_stage mw_stage_review(struct mw_case *self)
{
    struct mw_incident *incident = self->incident;
    struct mw_part part;
    for (size_t i = 0; mw_incident_part(incident, i, &part); i++) {
        const struct mw_resource *resource = mw_watch_find(self->respond->watch, part.resource);
        if (part.after->metrics == NULL && resource != NULL && resource->reached)
            mw_reading_replace(part.after, resource);
    }
    json_decref(incident->collateral);
    incident->collateral = mw_baseline_collateral(self);
    if (incident->closed_at == 0) {
        incident->closed_at = mw_wall_now();
        incident->durations.total = incident->closed_at - incident->since;
    }
    return MW_STAGE_CLOSED;
}
