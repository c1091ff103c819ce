/* SPDX-License-Identifier: Apache-2.0 */
/* What people know: an incident was closed while its resource was still bad, and nothing got worse since. */
#include "base/log.h"
#include "respond/case.h"

#define ROOM "respond"

bool mw_case_is_over(const struct mw_case *self)
{
    return self->left || self->incident->outcome == MW_OUTCOME_RECOVERED ||
           self->incident->outcome == MW_OUTCOME_SELF_RECOVERED;
}

bool mw_settled_has(const struct mw_respond *self, const struct mw_resource *resource)
{
    const json_t *severity = json_object_get(self->settled, resource->name);
    return severity != NULL && json_integer_value(severity) >= (json_int_t)resource->health;
}

/* A resource that is well again, on its way to the record. */
struct healing {
    struct mw_respond *respond;
    char *resource;
};

static void record_healing(void *argument)
{
    struct healing *healing = argument;
    struct mw_error error = {0};
    struct mw_change *change = mw_change_begin(healing->respond->record);
    mw_change_healed(change, healing->resource);
    if (!mw_change_commit(change, false, &error) && error.class != MW_ERROR_CANCELLED)
        mw_log_warning(ROOM, "that %s is well again is not recorded: %s", healing->resource,
                       error.text);
    talloc_free(healing);
}

void mw_settled_end(struct mw_respond *self, const char *resource)
{
    if (json_object_del(self->settled, resource) != 0 || self->draining)
        return;
    struct healing *healing = talloc_zero(self, struct healing);
    healing->respond = self;
    healing->resource = talloc_strdup(healing, resource);
    mw_fiber_spawn(&self->fibers, "healed", record_healing, healing);
}

void mw_settled_close(const struct mw_case *closed)
{
    struct mw_respond *self = closed->respond;
    struct mw_part part;
    for (size_t i = 0; mw_incident_part(closed->incident, i, &part); i++) {
        const struct mw_resource *resource = mw_watch_find(self->watch, part.resource);
        if (mw_case_is_over(closed))
            json_object_del(self->settled, part.resource);
        else
            json_object_set_new(self->settled, part.resource, json_integer(*part.severity));
        if (resource != NULL && resource->health == MW_HEALTH_HEALTHY)
            mw_settled_end(self, part.resource);
    }
}
