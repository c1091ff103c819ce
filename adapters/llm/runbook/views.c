/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/llm/runbook/views.h"

#include <stdbool.h>
#include <string.h>

#define STEPS_MAX 8 /* of a plan */
#define DEPTH_MAX 16

static const char *name_of(const json_t *view)
{
    const char *name =
        json_string_value(json_object_get(json_object_get(view, "resource"), "name"));
    return name != NULL ? name : "";
}

static bool is_well(const json_t *view)
{
    const char *health = json_string_value(json_object_get(view, "health"));
    return health != NULL && strcmp(health, "HEALTHY") == 0;
}

/* Every resource that the situation tells of, the one that leads first. */
static json_t *everything(const json_t *situation)
{
    json_t *list = json_array();
    json_t *lead = json_deep_copy(situation);
    json_object_del(lead, "others");
    json_array_append_new(list, lead);
    size_t i;
    json_t *other;
    json_array_foreach(json_object_get(situation, "others"), i, other)
    {
        json_t *view = json_copy(other);
        json_object_set(view, "previous", json_object_get(situation, "previous"));
        json_array_append_new(list, view);
    }
    return list;
}

static bool needs_one_that_is_bad(const json_t *list, const json_t *view, int depth)
{
    size_t i, j;
    const json_t *need, *other;
    const json_t *needs = json_object_get(json_object_get(view, "resource"), "depends_on");
    json_array_foreach(needs, i, need)
    {
        json_array_foreach(list, j, other)
        {
            if (strcmp(name_of(other), json_string_value(need)) == 0 && depth < DEPTH_MAX &&
                (!is_well(other) || needs_one_that_is_bad(list, other, depth + 1)))
                return true;
        }
    }
    return false;
}

json_t *mw_views(const json_t *situation)
{
    json_auto_t *list = everything(situation);
    json_t *views = json_array();
    size_t i;
    json_t *view;
    json_array_foreach(list, i, view)
    {
        bool bad = !is_well(view) && json_array_size(json_object_get(view, "findings")) > 0;
        if (bad && !needs_one_that_is_bad(list, view, 0))
            json_array_append(views, view);
    }
    if (json_array_size(views) == 0)
        json_array_append(views, json_array_get(list, 0));
    return views;
}

void mw_views_merge(json_t **all, json_t *one, const json_t *view)
{
    if (*all == NULL) {
        *all = json_incref(one);
        return;
    }
    json_t *steps = json_object_get(*all, "steps");
    json_t *more = json_object_get(one, "steps");
    if (json_array_size(steps) + json_array_size(more) > STEPS_MAX)
        return;
    json_array_extend(steps, more);
    json_array_extend(json_object_get(*all, "evidence"), json_object_get(one, "evidence"));
    json_object_set_new(
        *all, "root_cause",
        json_sprintf("%s; %s: %s", json_string_value(json_object_get(*all, "root_cause")),
                     name_of(view), json_string_value(json_object_get(one, "root_cause"))));
    /* No surer than its least sure part. */
    if (json_number_value(json_object_get(one, "confidence")) <
        json_number_value(json_object_get(*all, "confidence")))
        json_object_set(*all, "confidence", json_object_get(one, "confidence"));
}
