/* SPDX-License-Identifier: Apache-2.0 */
/* What a Redis lets us do, for `doctor`. Nothing here changes anything on the server. */
#include <string.h>

#include "redis.h"

/* No Redis has such a setting. Who may use CONFIG SET is told so; who may not is told that. */
#define NO_SETTING "midwatch-no-such-setting"

static void check_transport(const struct mw_redis_address *address, const struct mw_check *check)
{
    if (!address->local && address->password != NULL) {
        mw_check_say(check, MW_CHECK_NOTE,
                     "the password travels to %s in the clear, as does all else: let only this "
                     "machine reach it over a network that you trust",
                     address->label);
    }
}

/* ---- CONFIG ---- */

static bool check_config(struct mw_redis *redis, const struct mw_check *check,
                         struct mw_deadline deadline, struct mw_error *error)
{
    char *value = mw_redis_config_get(redis, "maxmemory", NULL, deadline, error);
    if (value == NULL) {
        if (error->class != MW_ERROR_REFUSED) {
            return false;
        }
        mw_check_say(
            check, MW_CHECK_NOTE,
            "CONFIG GET is closed or renamed here, so redis_scale_memory, "
            "redis_set_eviction and what a restart would lose cannot be told: ACL SETUSER … "
            "+config|get +config|set");
        return true;
    }
    talloc_free(value);
    redisReply *reply mw_redis_reply_auto =
        mw_redis_ask(redis->connection, deadline, error, "CONFIG", "SET", NO_SETTING, "1", NULL);
    if (reply != NULL || error->class == MW_ERROR_PERMANENT) {
        return true;
    }
    if (error->class != MW_ERROR_REFUSED) {
        return false;
    }
    mw_check_say(check, MW_CHECK_NOTE,
                 "CONFIG SET is closed to midwatch here, so redis_scale_memory and "
                 "redis_set_eviction are refused: ACL SETUSER … +config|set");
    return true;
}

/* ---- what the ACL says of other commands ---- */

static const struct {
    const char *tool, *grant;
    const char *words[4];
} wanted[] = {
    {"redis_big_keys", "+scan +memory|usage", {"SCAN", "0"}},
    {"redis_big_keys", "+scan +memory|usage", {"MEMORY", "USAGE", "key"}},
    {"redis_memory_purge", "+memory|purge", {"MEMORY", "PURGE"}},
    {"redis_flush", "+flushall +flushdb +dbsize", {"FLUSHALL"}},
};

/* The answer to ACL DRYRUN (Redis 7) is OK, or a text that says why not. */
static bool may_run(struct mw_redis *redis, const char *user, const char *const *words,
                    struct mw_deadline deadline, bool *allowed, struct mw_error *error)
{
    const char *argv[7] = {"ACL", "DRYRUN", user};
    size_t lengths[7] = {3, 6, strlen(user)};
    int count = 3;
    for (size_t i = 0; i < 4 && words[i] != NULL; i++) {
        argv[count] = words[i];
        lengths[count++] = strlen(words[i]);
    }
    struct mw_redis_request request;
    redisReply *reply mw_redis_reply_auto = NULL;
    mw_redis_request_init(&request, NULL);
    mw_redis_request_add_bytes(&request, count, argv, lengths);
    bool done = mw_redis_exchange(redis->connection, &request, true, deadline, &reply, NULL, error);
    talloc_free(request.bytes.text);
    if (done) {
        *allowed = reply->type != REDIS_REPLY_STRING;
    }
    return done;
}

/* Who may not ask about the ACL is not told: the tools will say it. */
static bool check_commands(struct mw_redis *redis, const struct mw_check *check,
                           struct mw_deadline deadline, struct mw_error *error)
{
    redisReply *name mw_redis_reply_auto =
        mw_redis_ask(redis->connection, deadline, error, "ACL", "WHOAMI", NULL);
    if (name == NULL || name->type != REDIS_REPLY_STRING) {
        return name != NULL || error->class == MW_ERROR_REFUSED ||
               error->class == MW_ERROR_PERMANENT;
    }
    const char *told = NULL;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        bool allowed = true;
        if (!may_run(redis, name->str, wanted[i].words, deadline, &allowed, error)) {
            return false;
        }
        if (!allowed && wanted[i].tool != told) {
            told = wanted[i].tool;
            mw_check_say(check, MW_CHECK_NOTE, "%s needs rights: ACL SETUSER %s %s", told,
                         name->str, wanted[i].grant);
        }
    }
    return true;
}

bool mw_redis_check(struct mw_target *target, const struct mw_check *check,
                    struct mw_deadline deadline, struct mw_error *error)
{
    struct mw_redis *redis = target->state;
    if (mw_redis_connection_full(redis->connection)) {
        mw_check_say(check, MW_CHECK_NOTE,
                     "%s takes no more clients (maxclients), nor midwatch: a midwatch that was "
                     "connected before stays so",
                     redis->address->label);
        return true;
    }
    mw_check_say(check, MW_CHECK_OK, "Redis %s at %s, a %s", redis->last.version,
                 redis->address->label,
                 strcmp(redis->last.role, "slave") == 0 ? "replica" : "master");
    check_transport(redis->address, check);
    return check_config(redis, check, deadline, error) &&
           check_commands(redis, check, deadline, error);
}
