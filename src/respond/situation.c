/* SPDX-License-Identifier: Apache-2.0 */
/* What a planner is told of an incident (midwatch/planner.h). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/redact.h"
#include "respond/case.h"

#define OTHERS_MAX 12 /* resources that are told of beside the one that leads */

static json_t *number_or_null(double value)
{
    return isnan(value) ? json_null() : json_real(value);
}

static json_t *situation_findings(const struct mw_finding *list, size_t count)
{
    json_t *findings = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct mw_finding *f = &list[i];
        json_array_append_new(findings,
                              json_pack("{s:s?, s:o, s:o, s:o, s:s?}", "metric", f->metric, "value",
                                        number_or_null(f->value), "limit", number_or_null(f->limit),
                                        "normal", number_or_null(f->normal), "text", f->text));
    }
    return findings;
}

static json_t *situation_log(const struct mw_incident *incident)
{
    json_t *log = json_array();
    for (size_t i = 0; i < incident->log_count; i++)
        json_array_append_new(log, json_pack("{s:s, s:i}", "line", incident->log[i].line, "times",
                                             incident->log[i].times));
    return log;
}

static json_t *situation_previous(const struct mw_incident *incident, json_t *complaints)
{
    json_t *previous = json_array();
    for (size_t i = 0; i < incident->plan_count; i++) {
        const struct mw_plan *plan = &incident->plans[i];
        /* That it was taken back stands with the steps that were. */
        if (plan->undo || mw_group_overtook(plan))
            continue;
        json_t *steps = json_array();
        for (size_t j = 0; j < plan->step_count; j++) {
            const struct mw_step *step = &plan->steps[j];
            json_array_append_new(steps, json_pack("{s:s, s:O, s:s, s:O?}", "tool", step->tool,
                                                   "arguments", step->arguments, "state",
                                                   mw_step_state_name(step->state), "result",
                                                   step->result));
        }
        json_t *entry = json_pack("{s:i, s:o, s:s?}", "revision", plan->revision, "steps", steps,
                                  "complaint", plan->state_reason);
        if (i + 1 == incident->plan_count && incident->after.metrics != NULL) {
            json_object_set_new(entry, "health_after",
                                json_string(mw_health_name(incident->after.health)));
            json_object_set(entry, "metrics_after", incident->after.metrics);
        }
        json_array_append_new(previous, entry);
    }
    json_array_extend(previous, complaints);
    return previous;
}

static json_t *situation_resource(const struct mw_resource *resource)
{
    json_t *needs = json_array();
    const struct mw_text_list *on = &resource->config->depends_on;
    for (size_t i = 0; i < on->count; i++)
        json_array_append_new(needs, json_string(on->items[i]));
    return json_pack("{s:s, s:s, s:s, s:b, s:o}", "name", resource->name, "kind", resource->kind,
                     "environment", resource->environment, "cache", resource->target.cache,
                     "depends_on", needs);
}

/* ---- the others ---- */

static json_t *situation_other(const struct mw_resource *resource, const struct mw_part *part)
{
    return json_pack(
        "{s:o, s:s, s:o, s:o, s:O?}", "resource", situation_resource(resource), "health",
        mw_health_name(resource->health), "findings",
        part != NULL ? situation_findings(part->findings, part->finding_count) : json_array(),
        "metrics", mw_sample_to_json(&resource->last), "facts", part != NULL ? *part->facts : NULL);
}

/* Those that turned bad with it, and then those that one of them needs. */
static json_t *situation_others(const struct mw_case *self)
{
    json_t *others = json_array();
    const struct mw_watch *watch = self->respond->watch;
    struct mw_part part;
    for (size_t i = 1; mw_incident_part(self->incident, i, &part); i++) {
        const struct mw_resource *one = mw_watch_find(watch, part.resource);
        if (one != NULL && json_array_size(others) < OTHERS_MAX)
            json_array_append_new(others, situation_other(one, &part));
    }
    for (size_t i = 0; i < watch->count && json_array_size(others) < OTHERS_MAX; i++) {
        const struct mw_resource *one = watch->resources[i];
        if (!mw_incident_has(self->incident, one->name) && mw_group_scope(self, one->name) != NULL)
            json_array_append_new(others, situation_other(one, NULL));
    }
    return others;
}

/* The tools of every kind that a step may be about. */
static json_t *situation_tools(const struct mw_case *self, const struct mw_resource *lead)
{
    const struct mw_watch *watch = self->respond->watch;
    const struct mw_target_ops **kinds =
        talloc_zero_array(NULL, const struct mw_target_ops *, watch->count + 2);
    size_t count = 0;
    kinds[count++] = lead->target.ops;
    for (size_t i = 0; i < watch->count; i++) {
        const struct mw_resource *one = watch->resources[i];
        size_t known = 0;
        while (known < count && kinds[known] != one->target.ops)
            known++;
        if (known == count && mw_group_scope(self, one->name) != NULL)
            kinds[count++] = one->target.ops;
    }
    json_t *tools = mw_catalogue_to_json(kinds);
    talloc_free(kinds);
    return tools;
}

json_t *mw_situation(const struct mw_case *self, const struct mw_resource *resource,
                     json_t *complaints)
{
    const struct mw_incident *incident = self->incident;
    char id[24];
    snprintf(id, sizeof id, "I%lld", (long long)incident->id);
    json_auto_t *situation = json_pack(
        "{s:s, s:i, s:o, s:s, s:b, s:o, s:o, s:O?, s:o, s:o, s:o, s:o}", "incident", id, "attempt",
        (int)incident->plan_count + 1, "resource", situation_resource(resource), "health",
        mw_health_name(resource->health), "mass_failure", incident->mass, "findings",
        situation_findings(incident->findings, incident->finding_count), "metrics",
        mw_sample_to_json(&resource->last), "facts", incident->facts, "log",
        situation_log(incident), "others", situation_others(self), "tools",
        situation_tools(self, resource), "previous", situation_previous(incident, complaints));
    return mw_redact_json(situation);
}
