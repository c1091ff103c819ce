/* SPDX-License-Identifier: Apache-2.0 */
/* Another inventory in the place of the present one, and what becomes of the resources it has no room
 * for. */
#include <string.h>

#include "watch/internal.h"

/* ---- holding ---- */

struct hold {
    struct mw_resource *resource;
};

static int let_go(struct hold *hold)
{
    hold->resource->users--;
    mw_condition_notify(&hold->resource->let_go);
    return 0;
}

void mw_watch_hold(struct mw_resource *resource, TALLOC_CTX *memory)
{
    struct hold *hold = resource != NULL ? talloc(memory, struct hold) : NULL;
    if (hold != NULL) {
        hold->resource = resource;
        resource->users++;
        talloc_set_destructor(hold, let_go);
    }
}

/* ---- retiring ---- */

/* Waits until nobody uses the resource. A cancelled wait leaves it to mw_watch_stop. */
static void bury(void *argument)
{
    struct mw_resource *resource = argument;
    struct mw_error error;
    while (resource->fiber != NULL || resource->users > 0) {
        if (!mw_condition_wait(&resource->let_go, MW_NO_DEADLINE, &error)) {
            return;
        }
    }
    struct mw_resource **link = &resource->watch->retired;
    while (*link != resource) {
        link = &(*link)->next_retired;
    }
    *link = resource->next_retired;
    mw_resource_close(resource);
    talloc_free(resource);
}

static void retire(struct mw_resource *resource)
{
    struct mw_watch *watch = resource->watch;
    resource->retired = true;
    resource->next_retired = watch->retired;
    watch->retired = resource;
    mw_condition_notify(&resource->hurry);
    mw_condition_notify(&resource->sampled);
    mw_fiber_spawn(&watch->fibers, "retire", bury, resource);
}

/* ---- replacing ---- */

static bool is_new(const struct mw_watch_entry *entry)
{
    return entry->stays == NULL;
}

static void drop_new(struct mw_resource **made, const struct mw_watch_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_new(&entries[i])) {
            talloc_free(made[i]);
        }
    }
    talloc_free(made);
}

static struct mw_resource **make(struct mw_watch *watch, const struct mw_watch_entry *entries,
                                 size_t count, void *keeper, struct mw_error *error)
{
    struct mw_resource **made = talloc_zero_array(watch, struct mw_resource *, count + 1);
    if (made == NULL) {
        mw_error_set(error, MW_ERROR_RETRY, "no memory left for another inventory");
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        const struct mw_watch_entry *entry = &entries[i];
        made[i] = is_new(entry) ? mw_resource_create(watch, entry->ops, entry->config,
                                                     entry->kind_config, keeper, error)
                                : entry->stays;
        if (made[i] == NULL) {
            mw_error_wrap(error, "%s", entry->config->name);
            drop_new(made, entries, i);
            return NULL;
        }
    }
    return made;
}

/* A step on what went by this name before must have ended before the next one begins. */
static void share_step_lock(struct mw_resource *resource, struct mw_resource *before)
{
    struct mw_lock *lock = talloc_reference(resource, before->step_lock);
    if (lock != NULL) {
        talloc_free(resource->step_lock);
        resource->step_lock = lock;
    }
}

static struct mw_resource *find_before(const struct mw_watch *watch, const char *name)
{
    struct mw_resource *before = mw_watch_find(watch, name);
    for (struct mw_resource *old = watch->retired; before == NULL && old != NULL;
         old = old->next_retired) {
        before = strcmp(old->name, name) == 0 ? old : NULL;
    }
    return before;
}

static void inherit(struct mw_resource *resource, struct mw_resource *before, bool same_target)
{
    if (before == NULL) {
        return;
    }
    share_step_lock(resource, before);
    if (same_target && !before->retired && before->target.ops == resource->target.ops) {
        /* A probe in progress may still write into what it had. */
        struct mw_history *history = resource->history;
        resource->history = talloc_steal(resource, before->history);
        before->history = talloc_steal(before, history);
    }
}

static bool is_among(struct mw_resource *const *resources, size_t count,
                     const struct mw_resource *wanted)
{
    for (size_t i = 0; i < count; i++) {
        if (resources[i] == wanted) {
            return true;
        }
    }
    return false;
}

bool mw_watch_replace(struct mw_watch *watch, const struct mw_watch_entry *entries, size_t count,
                      void *keeper, struct mw_error *error)
{
    struct mw_resource **made = make(watch, entries, count, keeper, error);
    if (made == NULL) {
        return false;
    }
    size_t new_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_new(&entries[i])) {
            new_count++;
            inherit(made[i], find_before(watch, made[i]->name), entries[i].same_target);
        }
    }
    struct mw_resource **before = watch->resources;
    size_t before_count = watch->count;
    watch->resources = made;
    watch->count = count;
    for (size_t i = 0; i < before_count; i++) {
        if (!is_among(made, count, before[i])) {
            retire(before[i]);
        }
    }
    talloc_free(before);
    for (size_t i = 0, started = 0; watch->running && i < count; i++) {
        if (is_new(&entries[i])) {
            mw_resource_start(made[i], started++, new_count);
        }
    }
    return true;
}
