/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "base/clock.h"
#include "watch/internal.h"

double mw_shown_number(double value)
{
    if (value == round(value)) {
        return value;
    }
    double scale = pow(10, 5 - floor(log10(fabs(value))));
    double result = round(value * scale) / scale;
    return isfinite(result) ? result : value;
}

json_t *mw_sample_to_json(const struct mw_sample *sample)
{
    json_t *metrics = json_object();
    for (size_t i = 0; i < sample->count; i++) {
        json_object_set_new(metrics, sample->metrics[i].name,
                            json_real(mw_shown_number(sample->metrics[i].value)));
    }
    return metrics;
}

static json_t *time_or_null(mw_wall_ms at)
{
    char *text = at != 0 ? mw_time_rfc3339(NULL, at) : NULL;
    json_t *value = text != NULL ? json_string(text) : json_null();
    talloc_free(text);
    return value;
}

static json_t *text_or_null(const char *text)
{
    return text != NULL ? json_string(text) : json_null();
}

/* Where the newest probe measured nothing, older numbers would pass for what is. */
json_t *mw_resource_to_json(const struct mw_resource *resource)
{
    const struct mw_sample *last = &resource->last;
    json_t *object = json_object();
    json_object_set_new(object, "name", json_string(resource->name));
    json_object_set_new(object, "kind", json_string(resource->kind));
    json_object_set_new(object, "environment", text_or_null(resource->environment));
    json_object_set_new(object, "status", json_string(mw_health_name(resource->health)));
    json_object_set_new(object, "reason", text_or_null(resource->reason));
    json_object_set_new(object, "measured_at",
                        time_or_null(resource->reached ? last->measured_at : resource->probed_at));
    json_object_set_new(object, "source", text_or_null(resource->reached ? last->source : NULL));
    json_object_set_new(object, "metrics",
                        resource->reached ? mw_sample_to_json(last) : json_object());
    return object;
}
