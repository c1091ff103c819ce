/* SPDX-License-Identifier: Apache-2.0 */
/* A question from chat: what the planner is told, and what it may look at. Nothing here changes anything. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/redact.h"
#include "respond/case.h"

#define RESOURCES_MAX 60
#define INCIDENTS_MAX 10

/* Who is asked; another configuration may make somebody else the first meanwhile. */
struct asking {
    struct mw_respond *respond;
    struct mw_planner *planner;
};

static bool look(void *context, const char *tool, const json_t *arguments, json_t **result,
                 struct mw_error *error)
{
    const struct asking *self = context;
    return mw_look_anywhere(self->respond->watch, tool, arguments, result, error);
}

static void exchanged(void *context, const struct mw_planner_exchange *exchange)
{
    const struct asking *self = context;
    mw_planner_exchanged(self->respond, 0, exchange);
}

static void impaired(void *context, enum mw_impairment impairment, const char *why)
{
    const struct asking *self = context;
    mw_planner_impaired(self->respond, self->planner, impairment, why);
}

/* ---- what it is told ---- */

/* What is not well first: where there are many, the well are left out. */
static json_t *tell_resources(const struct mw_watch *watch)
{
    json_t *resources = json_array();
    for (int well = 0; well < 2; well++) {
        for (size_t i = 0; i < watch->count; i++) {
            const struct mw_resource *one = watch->resources[i];
            if ((one->health == MW_HEALTH_HEALTHY) == (well == 1) &&
                json_array_size(resources) < RESOURCES_MAX)
                json_array_append_new(resources, mw_resource_to_json(one));
        }
    }
    if (watch->count > RESOURCES_MAX)
        json_array_append_new(resources, json_sprintf("and %zu more that are left out here",
                                                      watch->count - RESOURCES_MAX));
    return resources;
}

static json_t *tell_tools(const struct mw_watch *watch)
{
    const struct mw_target_ops **kinds =
        talloc_zero_array(NULL, const struct mw_target_ops *, watch->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < watch->count; i++) {
        size_t known = 0;
        while (known < count && kinds[known] != watch->resources[i]->target.ops)
            known++;
        if (known == count)
            kinds[count++] = watch->resources[i]->target.ops;
    }
    json_t *tools = count > 0 ? mw_catalogue_to_json(kinds) : json_array();
    talloc_free(kinds);
    return tools;
}

static json_t *tell_incident(const struct mw_incident *incident)
{
    char id[24];
    snprintf(id, sizeof id, "I%lld", (long long)incident->id);
    char *when = mw_time_rfc3339(NULL, incident->since);
    json_t *told = json_pack(
        "{s:s, s:s, s:s, s:s?, s:s, s:s?}", "incident", id, "resource", incident->resource, "when",
        when, "symptom", incident->finding_count > 0 ? incident->findings[0].text : NULL, "stage",
        mw_stage_name(incident->stage), "outcome", mw_outcome_name(incident->outcome));
    talloc_free(when);
    return told;
}

/* What the record does not give now is left out. */
static json_t *tell_incidents(struct mw_record *record, TALLOC_CTX *memory)
{
    struct mw_error error;
    size_t count = 0;
    json_t *incidents = json_array();
    const int64_t *ids =
        mw_record_incidents(record, memory, MW_INCIDENTS_ALL, INCIDENTS_MAX, &count, &error);
    for (size_t i = 0; ids != NULL && i < count; i++) {
        const struct mw_incident *incident = mw_record_incident(record, memory, ids[i], &error);
        if (incident != NULL)
            json_array_append_new(incidents, tell_incident(incident));
    }
    return incidents;
}

static void tell_thread(struct mw_record *record, TALLOC_CTX *memory, int64_t id, json_t *told)
{
    struct mw_error error;
    const struct mw_incident *incident =
        id > 0 ? mw_record_incident(record, memory, id, &error) : NULL;
    if (incident == NULL)
        return;
    json_object_set_new(told, "incident", mw_incident_to_json(incident));
    json_object_set_new(told, "resource", json_pack("{s:s}", "name", incident->resource));
}

static json_t *tell(struct mw_respond *self, const char *question, int64_t incident)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    json_auto_t *told = json_object();
    json_object_set_new(told, "incidents", tell_incidents(self->record, memory));
    tell_thread(self->record, memory, incident, told);
    json_object_set_new(told, "question", json_string(question));
    json_object_set_new(told, "now", json_string(mw_time_rfc3339(memory, mw_wall_now())));
    json_object_set_new(told, "resources", tell_resources(self->watch));
    json_object_set_new(told, "tools", tell_tools(self->watch));
    talloc_free(memory);
    return mw_redact_json(told);
}

/* ---- asking ---- */

const char *mw_respond_answers(const struct mw_respond *self)
{
    const struct mw_planner *planner = self->settings.planner;
    return planner != NULL && planner->ops->ask != NULL ? planner->label : NULL;
}

bool mw_respond_ask(struct mw_respond *self, const char *question, int64_t incident,
                    json_t **answer, struct mw_error *error)
{
    if (mw_respond_answers(self) == NULL)
        return mw_error_set(error, MW_ERROR_REFUSED, "no model is configured");
    struct mw_deadline deadline = mw_deadline_in(self->settings.planner_timeout);
    json_auto_t *told = tell(self, question, incident);
    /* Only now: the planner may be another one since. */
    struct mw_planner *planner = self->settings.planner;
    if (planner == NULL || planner->ops->ask == NULL)
        return mw_error_set(error, MW_ERROR_REFUSED, "no model is configured");
    struct asking asking = {self, planner};
    const struct mw_planner_host host = {
        .context = &asking, .look = look, .exchanged = exchanged, .impaired = impaired};
    TALLOC_CTX *kept = talloc_new(NULL);
    if (self->settings.keeper != NULL)
        (void)talloc_reference(kept, self->settings.keeper);
    bool ok = planner->ops->ask(planner, told, &host, deadline, answer, error);
    talloc_free(kept);
    return ok;
}
