/* SPDX-License-Identifier: Apache-2.0 */
/* redis_restart. */
#include <string.h>

#include "base/clock.h"
#include "redis.h"
#include "runtime/fiber.h"

#define LOOK_MS 100

/* One look at the server, while it comes up, takes no longer. */
#define LOOK_TIMEOUT_MS 1000

/* Of the time for reading the state of a server that may hang. */
#define STATE_MS 2000

/* ---- what a restart would do ---- */

struct state {
    bool answers;
    bool gone; /* nothing listens there: what was in memory is lost already */
    enum mw_redis_persistence persistence;
    struct mw_redis_info info; /* now, or as of the newest probe */
};

static bool read_state(struct mw_redis *redis, struct mw_deadline deadline, struct state *state,
                       struct mw_error *error)
{
    struct mw_deadline soon = mw_deadline_min(deadline, mw_deadline_in(STATE_MS));
    *state = (struct state){.info = redis->last};
    if (mw_redis_read_info(redis, soon, &state->info, NULL, error)) {
        state->answers = mw_redis_read_persistence(redis, &state->info, soon, error);
    }
    if (!state->answers && error->class == MW_ERROR_CANCELLED) {
        return false;
    }
    state->persistence = redis->persistence;
    state->gone =
        !state->answers && redis->address->local && mw_redis_connection_refused(redis->connection);
    return true;
}

/* Why data would be lost, on `memory`; NULL: none would, as far as anybody can tell. */
static const char *loss(const struct state *state, TALLOC_CTX *memory)
{
    const struct mw_redis_info *info = &state->info;
    bool seen = info->version[0] != '\0';
    const char *keys = mw_redis_number_text(memory, info->keys);
    if (state->gone || (seen && info->keys == 0)) {
        return NULL;
    }
    if (!seen) {
        return "it cannot be asked whether its data is saved: a restart may lose all of it";
    }
    switch (state->persistence) {
    case MW_REDIS_PERSISTENCE_NONE:
        return talloc_asprintf(memory, "has no persistence: a restart loses %s keys", keys);
    case MW_REDIS_PERSISTENCE_UNKNOWN:
        return talloc_asprintf(
            memory, "does not tell whether it persists: a restart may lose %s keys", keys);
    case MW_REDIS_PERSISTENCE_RDB:
        if (strcmp(info->bgsave_status, "err") == 0 && info->unsaved_changes > 0) {
            return talloc_asprintf(memory,
                                   "its newest snapshot failed: a restart may lose %s changes",
                                   mw_redis_number_text(memory, info->unsaved_changes));
        }
        return NULL;
    case MW_REDIS_PERSISTENCE_AOF:
        return NULL;
    }
    return NULL;
}

static const char *effect(const struct mw_target *target, const struct state *state,
                          TALLOC_CTX *memory)
{
    const char *says = target->control->restart_says;
    if (state->gone) {
        return talloc_asprintf(memory, "%s; nothing answers there now", says);
    }
    if (!state->answers) {
        return talloc_asprintf(memory, "%s; it does not answer now", says);
    }
    if (state->persistence == MW_REDIS_PERSISTENCE_RDB && state->info.unsaved_changes > 0) {
        return talloc_asprintf(memory,
                               "%s; clients are cut off; %s changes since its newest snapshot last "
                               "only if it is stopped cleanly",
                               says, mw_redis_number_text(memory, state->info.unsaved_changes));
    }
    return talloc_asprintf(memory, "%s; %s clients are cut off", says,
                           mw_redis_number_text(memory, state->info.clients));
}

static bool check_control(const struct mw_target *target, struct mw_error *error)
{
    return (target->control != NULL && target->control->restart != NULL) ||
           mw_error_set(error, MW_ERROR_REFUSED,
                        "no way to restart it is configured: give %s `control: {systemd: UNIT}` or "
                        "`control: {restart: [COMMAND, …]}`",
                        target->name);
}

MW_REDIS_ASSESS(mw_redis_assess_restart)
{
    struct state state;
    if (!check_control(target, error) || !read_state(target->state, deadline, &state, error)) {
        return false;
    }
    const char *reason = target->cache ? NULL : loss(&state, memory);
    *out = (struct mw_assessment){
        .risk = reason != NULL ? MW_RISK_DESTRUCTIVE : MW_RISK_DISRUPTIVE,
        .reason = reason,
        .effect = effect(target, &state, memory),
        .arguments = json_pack("{s:s}", "resource", target->name),
    };
    return out->arguments != NULL ||
           mw_error_set(error, MW_ERROR_RETRY, "no memory left for the assessment");
}

/* ---- doing it ---- */

/* Until another process than before answers and has its data loaded, or time is up. `*info` is the
 * last look's; its version is empty where nobody answered. */
static bool wait_served(struct mw_redis *redis, const char *old_run_id, struct mw_deadline deadline,
                        struct mw_redis_info *info, struct mw_error *error)
{
    *info = (struct mw_redis_info){.loading = -1};
    for (;;) {
        struct mw_deadline look = mw_deadline_min(deadline, mw_deadline_in(LOOK_TIMEOUT_MS));
        bool answered = mw_redis_read_info(redis, look, info, NULL, error);
        if (!answered && error->class == MW_ERROR_CANCELLED) {
            return false;
        }
        if (!answered) {
            *info = (struct mw_redis_info){.loading = -1};
        }
        bool fresh = answered && strcmp(info->run_id, old_run_id) != 0;
        /* A look that has hardly time would see nothing and say so. */
        if ((fresh && info->loading <= 0) || mw_deadline_left_ms(deadline) <= 2 * LOOK_MS) {
            return true;
        }
        if (!mw_sleep(LOOK_MS, error)) {
            return false;
        }
    }
}

static json_t *report(const struct state *before, const struct mw_redis_info *after,
                      const char *unanswered, int64_t ms)
{
    bool up = after->version[0] != '\0';
    bool other = up && strcmp(before->info.run_id, after->run_id) != 0;
    TALLOC_CTX *memory = talloc_new(NULL);
    json_t *data = json_pack("{s:I, s:I, s:b, s:f}", "keys_before", (json_int_t)before->info.keys,
                             "keys", (json_int_t)(up ? after->keys : 0), "new_process", other,
                             "seconds", (double)ms / 1000);
    json_t *result =
        !up ? mw_tool_result(false, data,
                             "the restart command ended well, and Redis does not answer since: %s",
                             unanswered)
        : !other
            ? mw_tool_result(false, data,
                             "the restart command ended well, and the same Redis process still "
                             "runs")
        : after->loading == 1
            ? mw_tool_result(false, data, "Redis was restarted and is still loading its data set")
            : mw_tool_result(true, data,
                             "Redis was restarted and serves again after %.1f s; keys %s → %s",
                             (double)ms / 1000, mw_redis_number_text(memory, before->info.keys),
                             mw_redis_number_text(memory, after->keys));
    talloc_free(memory);
    return result;
}

MW_REDIS_RUN(mw_redis_run_restart)
{
    struct mw_redis *redis = target->state;
    struct mw_redis_info after;
    struct state before;
    if (!check_control(target, error) || !read_state(redis, deadline, &before, error)) {
        return false;
    }
    mw_mono_ns start = mw_mono_now();
    if (!target->control->restart(target->control, deadline, error)) {
        if (error->class != MW_ERROR_PERMANENT) {
            return false;
        }
        *result = mw_tool_result(false, NULL, "%s", error->text);
        return true;
    }
    if (!wait_served(redis, before.info.run_id, deadline, &after, error)) {
        return false;
    }
    *result = report(&before, &after, error->text, (mw_mono_now() - start) / 1000000);
    return true;
}
