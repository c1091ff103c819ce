/* SPDX-License-Identifier: Apache-2.0 */
/* redis_flush. */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "redis.h"
#include "runtime/fiber.h"

/* How long the server may take to free in the background before we tell what became of it. */
#define FREE_MS 3000
#define LOOK_MS 100

static bool check(const json_t *arguments, const struct mw_redis_info *info, int64_t keys,
                  struct mw_error *error)
{
    if (json_is_false(json_object_get(arguments, "confirm"))) {
        return mw_error_set(error, MW_ERROR_BAD_INPUT, "confirm: only true deletes anything");
    }
    if (strcmp(info->role, "slave") == 0) {
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "it is a replica and takes no writes: flush its master");
    }
    return keys > 0 || mw_error_set(error, MW_ERROR_REFUSED, "it holds no keys to delete");
}

/* How many keys a flush would delete: of the URL's database, or of all. */
static bool count_keys(struct mw_redis *redis, struct mw_deadline deadline,
                       struct mw_redis_info *info, int64_t *keys, struct mw_error *error)
{
    if (!mw_redis_read_info(redis, deadline, info, NULL, error)) {
        return false;
    }
    *keys = info->keys;
    if (redis->address->has_database) {
        redisReply *reply mw_redis_reply_auto =
            mw_redis_ask(redis->connection, deadline, error, "DBSIZE", NULL);
        if (reply == NULL) {
            return false;
        }
        *keys = reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
    }
    return true;
}

MW_REDIS_ASSESS(mw_redis_assess_flush)
{
    struct mw_redis *redis = target->state;
    struct mw_redis_info info;
    int64_t keys = 0;
    if (!count_keys(redis, deadline, &info, &keys, error) ||
        !check(arguments, &info, keys, error)) {
        return false;
    }
    char *number = mw_redis_number_text(memory, keys);
    *out = (struct mw_assessment){
        .risk = MW_RISK_DESTRUCTIVE,
        .effect = redis->address->has_database
                      ? talloc_asprintf(memory, "deletes %s keys of database %lld", number,
                                        (long long)redis->address->database)
                      : talloc_asprintf(memory, "deletes all %s keys", number),
        .arguments = json_pack("{s:s, s:b}", "resource", target->name, "confirm", 1),
    };
    return out->arguments != NULL ||
           mw_error_set(error, MW_ERROR_RETRY, "no memory left for the assessment");
}

static bool flush(struct mw_redis *redis, struct mw_deadline deadline, struct mw_error *error)
{
    const char *command = redis->address->has_database ? "FLUSHDB" : "FLUSHALL";
    redisReply *reply mw_redis_reply_auto =
        mw_redis_tell(redis->connection, deadline, error, command, "ASYNC", NULL);
    if (reply == NULL && error->class == MW_ERROR_PERMANENT &&
        strstr(error->text, "syntax error") != NULL) {
        /* Versions before 4 know no ASYNC. */
        reply = mw_redis_tell(redis->connection, deadline, error, command, NULL);
    }
    return reply != NULL || mw_error_wrap(error, "%s", command);
}

/* The memory of deleted keys is freed in the background. */
static bool wait_freed(struct mw_redis *redis, struct mw_deadline deadline,
                       struct mw_redis_info *info, int64_t *keys, struct mw_error *error)
{
    struct mw_deadline enough = mw_deadline_min(deadline, mw_deadline_in(FREE_MS));
    for (;;) {
        if (!count_keys(redis, deadline, info, keys, error)) {
            return false;
        }
        if (info->lazyfree_pending <= 0 || mw_deadline_passed(enough)) {
            return true;
        }
        if (!mw_sleep(LOOK_MS, error)) {
            return false;
        }
    }
}

MW_REDIS_RUN(mw_redis_run_flush)
{
    struct mw_redis *redis = target->state;
    struct mw_redis_info before, after;
    int64_t keys = 0, left = 0;
    if (!count_keys(redis, deadline, &before, &keys, error) ||
        !check(arguments, &before, keys, error) || !flush(redis, deadline, error)) {
        return false;
    }
    if (!wait_freed(redis, deadline, &after, &left, error)) {
        return mw_error_wrap(error, "the keys were deleted, and looking after that failed");
    }
    TALLOC_CTX *memory = talloc_new(NULL);
    json_t *data = json_pack("{s:I, s:I, s:I, s:I}", "keys_before", (json_int_t)keys, "keys",
                             (json_int_t)left, "used_memory_before", (json_int_t)before.used_memory,
                             "used_memory", (json_int_t)after.used_memory);
    *result = mw_tool_result(left < keys, data, "%s keys deleted, %s there now; memory %s",
                             mw_redis_number_text(memory, keys), mw_redis_number_text(memory, left),
                             mw_redis_change_text(memory, before.used_memory, after.used_memory));
    talloc_free(memory);
    return true;
}
