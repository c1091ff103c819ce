/* SPDX-License-Identifier: Apache-2.0 */
#include "watch/watch.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "watch/internal.h"

#define MS_NS 1000000

/* The first probes are spread over at most this long. */
#define SPREAD_MS 1000

/* Probes begin on a common beat, so that one turn of the loop serves many of them. */
#define BEAT_MS 20

/* Long ago, with room to add to it. */
#define NEVER (INT64_MIN / 2)

struct mw_watch *mw_watch_create(TALLOC_CTX *memory)
{
    struct mw_watch *watch = talloc_zero(memory, struct mw_watch);
    if (watch != NULL) {
        mw_group_init(&watch->fibers);
    }
    return watch;
}

void mw_watch_listen(struct mw_watch *watch, const struct mw_watch_listener *listener)
{
    watch->listener = listener;
}

struct mw_resource *mw_watch_find(const struct mw_watch *watch, const char *name)
{
    for (size_t i = 0; i < watch->count; i++) {
        if (strcmp(watch->resources[i]->name, name) == 0) {
            return watch->resources[i];
        }
    }
    return NULL;
}

/* ---- adding ---- */

static bool has_metric(const struct mw_target_ops *ops, const char *name)
{
    for (const struct mw_metric_spec *spec = ops->metrics; spec && spec->name; spec++) {
        if (strcmp(spec->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static const char *nearest_metric(const struct mw_target_ops *ops, const char *name)
{
    const char *names[MW_METRICS_MAX + 1] = {NULL};
    size_t count = 0;
    for (const struct mw_metric_spec *spec = ops->metrics;
         spec && spec->name && count < MW_METRICS_MAX; spec++) {
        names[count++] = spec->name;
    }
    return mw_text_nearest(name, names);
}

/* A kind without a table of metrics measures what it finds, so any name may come true. */
static bool check_thresholds(const struct mw_target_ops *ops,
                             const struct mw_resource_config *config, struct mw_error *error)
{
    for (size_t i = 0; ops->metrics != NULL && i < config->thresholds.count; i++) {
        const char *name = config->thresholds.items[i].metric;
        if (has_metric(ops, name)) {
            continue;
        }
        const char *near = nearest_metric(ops, name);
        return mw_error_set(error, MW_ERROR_BAD_INPUT,
                            "thresholds.%s: a %s has no such metric%s%s%s", name, ops->kind,
                            near != NULL ? "; did you mean " : "", near != NULL ? near : "",
                            near != NULL ? "?" : "");
    }
    return true;
}

static struct mw_resource *allocate(struct mw_watch *watch, const struct mw_target_ops *ops,
                                    const struct mw_resource_config *config)
{
    struct mw_resource *resource = talloc_zero(watch, struct mw_resource);
    if (resource == NULL) {
        return NULL;
    }
    resource->name = config->name;
    resource->kind = ops->kind;
    resource->environment = config->environment != NULL ? config->environment : ops->environment;
    resource->config = config;
    resource->watch = watch;
    resource->ended_mono = NEVER;
    resource->history = mw_history_create(resource);
    resource->step_lock = talloc_zero(resource, struct mw_lock);
    resource->target = (struct mw_target){.ops = ops,
                                          .memory = resource,
                                          .name = config->name,
                                          .cache = config->cache,
                                          .control = mw_control_create(resource, config->control)};
    mw_condition_init(&resource->sampled);
    mw_condition_init(&resource->hurry);
    mw_condition_init(&resource->let_go);
    if (resource->history == NULL || resource->step_lock == NULL ||
        (config->control != NULL && !resource->target.control)) {
        TALLOC_FREE(resource);
    } else {
        mw_lock_init(resource->step_lock);
    }
    return resource;
}

struct mw_resource *mw_resource_create(struct mw_watch *watch, const struct mw_target_ops *ops,
                                       const struct mw_resource_config *config,
                                       const void *kind_config, void *keeper,
                                       struct mw_error *error)
{
    if (!check_thresholds(ops, config, error)) {
        return NULL;
    }
    struct mw_resource *resource = allocate(watch, ops, config);
    if (resource == NULL || (keeper != NULL && talloc_reference(resource, keeper) == NULL)) {
        talloc_free(resource);
        mw_error_set(error, MW_ERROR_RETRY, "no memory left for another resource");
        return NULL;
    }
    if (!ops->create(&resource->target, kind_config, error)) {
        TALLOC_FREE(resource);
    }
    return resource;
}

struct mw_resource *mw_watch_add(struct mw_watch *watch, const struct mw_target_ops *ops,
                                 const struct mw_resource_config *config, const void *kind_config,
                                 struct mw_error *error)
{
    if (mw_watch_find(watch, config->name) != NULL) {
        mw_error_set(error, MW_ERROR_BAD_INPUT, "there are two resources named %s", config->name);
        return NULL;
    }
    struct mw_resource *resource = mw_resource_create(watch, ops, config, kind_config, NULL, error);
    struct mw_resource **grown = resource != NULL
                                     ? talloc_realloc(watch, watch->resources, struct mw_resource *,
                                                      (unsigned)(watch->count + 1))
                                     : NULL;
    if (grown == NULL) {
        if (resource != NULL) {
            mw_error_set(error, MW_ERROR_RETRY, "no memory left for another resource");
            talloc_free(resource);
        }
        return NULL;
    }
    watch->resources = grown;
    watch->resources[watch->count++] = resource;
    return resource;
}

/* ---- running ---- */

void mw_resource_start(struct mw_resource *resource, size_t index, size_t count)
{
    int64_t spread = resource->config->every < SPREAD_MS ? resource->config->every : SPREAD_MS;
    int64_t offset = spread * (int64_t)index / (int64_t)count;
    resource->planned = mw_mono_now() + offset / BEAT_MS * BEAT_MS * MS_NS;
    resource->fiber =
        mw_fiber_spawn(&resource->watch->fibers, resource->name, mw_probe_fiber, resource);
}

void mw_watch_start(struct mw_watch *watch)
{
    watch->running = true;
    for (size_t i = 0; i < watch->count; i++) {
        mw_resource_start(watch->resources[i], i, watch->count);
    }
}

void mw_resource_close(struct mw_resource *resource)
{
    struct mw_target *target = &resource->target;
    if (target->ops->destroy != NULL) {
        target->ops->destroy(target);
    }
}

void mw_watch_stop(struct mw_watch *watch)
{
    watch->running = false;
    mw_group_finish(&watch->fibers);
    if (watch->stopped) {
        return;
    }
    watch->stopped = true;
    for (size_t i = 0; i < watch->count; i++) {
        mw_resource_close(watch->resources[i]);
    }
    for (struct mw_resource *old = watch->retired; old != NULL; old = old->next_retired) {
        mw_resource_close(old);
    }
    watch->retired = NULL;
}

static void probe_for_status(void *argument)
{
    struct mw_resource *resource = argument;
    struct mw_error error;
    if (resource->fiber == NULL) {
        mw_probe_once(resource);
        return;
    }
    /* One probe may be under way, and then comes ours. */
    mw_watch_await(resource, mw_mono_now(), mw_deadline_in(resource->config->timeout * 2 + 1000),
                   &error);
}

void mw_watch_probe_all(struct mw_watch *watch)
{
    struct mw_group group;
    struct mw_error error;
    mw_group_init(&group);
    for (size_t i = 0; i < watch->count; i++) {
        mw_fiber_spawn(&group, watch->resources[i]->name, probe_for_status, watch->resources[i]);
    }
    mw_group_wait(&group, MW_NO_DEADLINE, &error);
    mw_group_finish(&group);
}

/* ---- asking for a sample ---- */

static void want(struct mw_resource *resource, mw_mono_ns after)
{
    if (resource->wanted_after < after) {
        resource->wanted_after = after;
        mw_condition_notify(&resource->hurry);
    }
}

void mw_watch_want(struct mw_resource *resource)
{
    want(resource, mw_mono_now());
}

static bool await(struct mw_resource *resource, mw_mono_ns after, struct mw_deadline deadline,
                  struct mw_error *error)
{
    mw_mono_ns wanted = after > 0 ? after : 1;
    while (resource->begun_mono <= after) {
        if (resource->ended || resource->retired) {
            return mw_error_set(error, resource->retired ? MW_ERROR_PERMANENT : MW_ERROR_CANCELLED,
                                "%s is no longer watched as it was", resource->name);
        }
        want(resource, wanted);
        if (!mw_condition_wait(&resource->sampled, deadline, error)) {
            return mw_error_wrap(error, "waiting for a probe of %s", resource->name);
        }
    }
    return true;
}

bool mw_watch_await(struct mw_resource *resource, mw_mono_ns after, struct mw_deadline deadline,
                    struct mw_error *error)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    mw_watch_hold(resource, memory);
    bool ok = await(resource, after, deadline, error);
    talloc_free(memory);
    return ok;
}

void mw_watch_haste(struct mw_resource *resource, bool on)
{
    resource->haste += on ? 1 : -1;
    if (on) {
        mw_condition_notify(&resource->hurry);
    }
}
