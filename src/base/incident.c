/* SPDX-License-Identifier: Apache-2.0 */
#include "midwatch/incident.h"

#include <string.h>

static int release_json(struct mw_incident *incident)
{
    json_decref(incident->facts);
    json_decref(incident->before.metrics);
    json_decref(incident->after.metrics);
    json_decref(incident->collateral);
    for (size_t i = 0; i < incident->member_count; i++) {
        json_decref(incident->members[i].facts);
        json_decref(incident->members[i].before.metrics);
        json_decref(incident->members[i].after.metrics);
    }
    for (size_t i = 0; i < incident->plan_count; i++) {
        struct mw_plan *plan = &incident->plans[i];
        json_decref(plan->evidence);
        json_decref(plan->usage);
        for (size_t j = 0; j < plan->step_count; j++) {
            json_decref(plan->steps[j].arguments);
            json_decref(plan->steps[j].undo);
            json_decref(plan->steps[j].result);
        }
    }
    return 0;
}

struct mw_incident *mw_incident_create(TALLOC_CTX *memory)
{
    struct mw_incident *incident = talloc_zero(memory, struct mw_incident);
    if (incident != NULL) {
        talloc_set_destructor(incident, release_json);
    }
    return incident;
}

struct mw_plan *mw_incident_add_plan(struct mw_incident *incident, size_t steps)
{
    struct mw_plan *plans =
        talloc_realloc(incident, incident->plans, struct mw_plan, incident->plan_count + 1);
    if (plans == NULL) {
        return NULL;
    }
    incident->plans = plans;

    struct mw_step *list = talloc_zero_array(plans, struct mw_step, steps);
    if (list == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < steps; i++) {
        list[i].position = (int)i + 1;
    }
    const struct mw_plan *newest = mw_incident_plan(incident);
    struct mw_plan *plan = &plans[incident->plan_count];
    *plan = (struct mw_plan){
        .revision = newest != NULL ? newest->revision + 1 : 1,
        .step_count = steps,
        .steps = list,
    };
    incident->plan_count++;
    return plan;
}

struct mw_decision *mw_incident_add_decision(struct mw_incident *incident)
{
    struct mw_decision *decisions = talloc_realloc(
        incident, incident->decisions, struct mw_decision, incident->decision_count + 1);
    if (decisions == NULL) {
        return NULL;
    }
    incident->decisions = decisions;
    struct mw_decision *decision = &decisions[incident->decision_count++];
    *decision = (struct mw_decision){0};
    return decision;
}

struct mw_member *mw_incident_add_member(struct mw_incident *incident)
{
    struct mw_member *members =
        talloc_realloc(incident, incident->members, struct mw_member, incident->member_count + 1);
    if (members == NULL) {
        return NULL;
    }
    incident->members = members;
    struct mw_member *member = &members[incident->member_count++];
    *member = (struct mw_member){0};
    return member;
}

const char *mw_incident_resource(const struct mw_incident *incident, size_t index)
{
    if (index == 0) {
        return incident->resource;
    }
    return index <= incident->member_count ? incident->members[index - 1].resource : NULL;
}

bool mw_incident_part(struct mw_incident *incident, size_t index, struct mw_part *part)
{
    if (index > incident->member_count) {
        return false;
    }
    if (index == 0) {
        *part = (struct mw_part){
            .resource = incident->resource,
            .kind = incident->kind,
            .environment = incident->environment,
            .severity = &incident->severity,
            .since = incident->since,
            .finding_count = incident->finding_count,
            .findings = incident->findings,
            .facts = &incident->facts,
            .before = &incident->before,
            .after = &incident->after,
        };
        return true;
    }
    struct mw_member *member = &incident->members[index - 1];
    *part = (struct mw_part){
        .resource = member->resource,
        .kind = member->kind,
        .environment = member->environment,
        .severity = &member->severity,
        .since = member->since,
        .finding_count = member->finding_count,
        .findings = member->findings,
        .facts = &member->facts,
        .before = &member->before,
        .after = &member->after,
    };
    return true;
}

struct mw_member *mw_incident_find_member(const struct mw_incident *incident, const char *resource)
{
    for (size_t i = 0; i < incident->member_count; i++) {
        if (strcmp(incident->members[i].resource, resource) == 0) {
            return &incident->members[i];
        }
    }
    return NULL;
}

bool mw_incident_has(const struct mw_incident *incident, const char *resource)
{
    return strcmp(incident->resource, resource) == 0 ||
           mw_incident_find_member(incident, resource) != NULL;
}

void mw_incident_lead(struct mw_incident *incident, struct mw_member *member)
{
    struct mw_member led = {
        .resource = incident->resource,
        .kind = incident->kind,
        .environment = incident->environment,
        .severity = incident->severity,
        .since = incident->since,
        .joined_at = incident->opened_at,
        .samples = incident->samples,
        .finding_count = incident->finding_count,
        .findings = incident->findings,
        .facts = incident->facts,
        .before = incident->before,
        .after = incident->after,
    };
    incident->resource = member->resource;
    incident->kind = member->kind;
    incident->environment = member->environment;
    incident->severity = member->severity;
    /* The incident has lasted since the first of them turned bad. */
    incident->since = member->since < led.since ? member->since : led.since;
    incident->samples = member->samples;
    incident->finding_count = member->finding_count;
    incident->findings = member->findings;
    incident->facts = member->facts;
    incident->before = member->before;
    incident->after = member->after;
    *member = led;
}

struct mw_plan *mw_incident_plan(const struct mw_incident *incident)
{
    return incident->plan_count > 0 ? &incident->plans[incident->plan_count - 1] : NULL;
}

struct mw_plan *mw_incident_find_plan(const struct mw_incident *incident, int revision)
{
    for (size_t i = 0; i < incident->plan_count; i++) {
        if (incident->plans[i].revision == revision) {
            return &incident->plans[i];
        }
    }
    return NULL;
}
