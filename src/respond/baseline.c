/* SPDX-License-Identifier: Apache-2.0 */
/* Before and after: how everything was when the newest plan began to act, and what moved since. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "respond/case.h"

#define RESOURCES_MAX 1000
#define FINDINGS_MAX  20

/* A change smaller than this share of the limit is noise. */
#define NOISE 0.02

/* What went more than this share of the way to its limit has moved. */
#define MOVED 0.5

void mw_baseline_take(struct mw_case *self)
{
    const struct mw_watch *watch = self->respond->watch;
    json_decref(self->baseline);
    self->baseline = json_object();
    for (size_t i = 0; i < watch->count && i < RESOURCES_MAX; i++) {
        const struct mw_resource *one = watch->resources[i];
        if (one->last.measured_at != 0)
            json_object_set_new(self->baseline, one->name,
                                json_pack("{s:i, s:o}", "health", (int)one->health, "metrics",
                                          mw_sample_to_json(&one->last)));
    }
}

static double number(const json_t *metrics, const char *metric)
{
    const json_t *value = metric != NULL ? json_object_get(metrics, metric) : NULL;
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* ---- worse ---- */

static bool metric_is_worse(const struct mw_resource *resource, const json_t *before,
                            const struct mw_finding *finding)
{
    const struct mw_metric *now =
        finding->metric != NULL ? mw_sample_find(&resource->last, finding->metric) : NULL;
    double was = number(before, finding->metric);
    if (now == NULL || isnan(was))
        return false;
    const struct mw_metric_spec *spec = mw_resource_metric(resource, finding->metric);
    bool low = spec != NULL && spec->low_is_bad;
    double further = low ? was - now->value : now->value - was;
    double scale = isnan(finding->limit) ? was : finding->limit;
    return further > NOISE * fabs(scale);
}

bool mw_baseline_is_worse(const struct mw_case *self)
{
    struct mw_part part;
    for (size_t i = 0; mw_incident_part(self->incident, i, &part); i++) {
        const struct mw_resource *resource = mw_watch_find(self->respond->watch, part.resource);
        const json_t *before = json_object_get(self->baseline, part.resource);
        /* After a restart what raised the alarm is all that is known. */
        const json_t *metrics =
            before != NULL ? json_object_get(before, "metrics") : part.before->metrics;
        enum mw_health was =
            before != NULL ? (enum mw_health)json_integer_value(json_object_get(before, "health"))
                           : part.before->health;
        if (resource == NULL)
            continue;
        if (resource->health == MW_HEALTH_FAILED && was < MW_HEALTH_FAILED)
            return true;
        if (resource->reached && part.finding_count > 0 &&
            metric_is_worse(resource, metrics, &part.findings[0]))
            return true;
    }
    return false;
}

/* ---- collateral ---- */

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

static bool is_finding(const struct mw_part *part, const char *metric)
{
    for (size_t i = 0; part != NULL && i < part->finding_count; i++) {
        if (part->findings[i].metric != NULL && strcmp(part->findings[i].metric, metric) == 0)
            return true;
    }
    return false;
}

/* A metric that still is below its limit and went most of the way there. */
static bool has_moved(const struct mw_resource *resource, const struct mw_metric *now, double was)
{
    double limit = mw_resource_limit(resource, now->name);
    if (!now->counts || isnan(was) || isnan(limit))
        return false;
    const struct mw_metric_spec *spec = mw_resource_metric(resource, now->name);
    bool low = spec != NULL && spec->low_is_bad;
    double room = low ? was - limit : limit - was;
    double moved = low ? was - now->value : now->value - was;
    return room > 0 && moved > MOVED * room;
}

static void find_moves(const struct mw_case *self, const struct mw_resource *resource,
                       const struct mw_part *part, json_t *found)
{
    const json_t *before = json_object_get(self->baseline, resource->name);
    TALLOC_CTX *memory = talloc_new(NULL);
    for (size_t i = 0; i < resource->last.count && json_array_size(found) < FINDINGS_MAX; i++) {
        const struct mw_metric *now = &resource->last.metrics[i];
        double was = number(json_object_get(before, "metrics"), now->name);
        if (is_finding(part, now->name) || !has_moved(resource, now, was))
            continue;
        const struct mw_metric_spec *spec = mw_resource_metric(resource, now->name);
        const char *unit = spec != NULL ? spec->unit : "";
        json_array_append_new(found, json_sprintf("%s: %s %s → %s", resource->name,
                                                  spec != NULL ? spec->label : now->name,
                                                  mw_value_text(memory, was, ""),
                                                  mw_value_text(memory, now->value, unit)));
    }
    talloc_free(memory);
}

json_t *mw_baseline_collateral(const struct mw_case *self)
{
    json_t *found = json_array();
    mw_wall_ms began = first_act(self->incident);
    const struct mw_watch *watch = self->respond->watch;
    for (size_t i = 0; i < watch->count && began != 0; i++) {
        const struct mw_resource *one = watch->resources[i];
        struct mw_part part = {0};
        bool ours = false;
        for (size_t j = 0; !ours && mw_incident_part(self->incident, j, &part); j++)
            ours = strcmp(part.resource, one->name) == 0;
        bool turned = !ours && one->health >= MW_HEALTH_DEGRADED && one->since >= began;
        if (turned && json_array_size(found) < FINDINGS_MAX)
            json_array_append_new(found, json_sprintf("%s turned %s: %s", one->name,
                                                      mw_health_name(one->health),
                                                      one->reason != NULL ? one->reason : ""));
        else if (one->reached && one->last.measured_at > began)
            find_moves(self, one, ours ? &part : NULL, found);
    }
    return found;
}
