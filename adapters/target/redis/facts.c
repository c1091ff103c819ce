/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "redis.h"

bool mw_redis_read_info(struct mw_redis *redis, struct mw_deadline deadline,
                        struct mw_redis_info *info, double *seconds, struct mw_error *error)
{
    struct mw_redis_request request;
    redisReply *reply mw_redis_reply_auto = NULL;
    mw_redis_request_init(&request, NULL);
    mw_redis_request_add(&request, "INFO", NULL);
    bool done =
        mw_redis_exchange(redis->connection, &request, true, deadline, &reply, seconds, error);
    talloc_free(request.bytes.text);
    if (!done) {
        return false;
    }
    if (!mw_redis_reply_check(reply, error)) {
        return mw_error_wrap(error, "INFO");
    }
    if (reply->type != REDIS_REPLY_STRING) {
        mw_redis_connection_close(redis->connection);
        return mw_error_set(error, MW_ERROR_RETRY,
                            "%s: what answers there does not speak the Redis protocol",
                            redis->address->label);
    }
    mw_redis_info_parse(info, reply->str, reply->len);
    if (info->version[0] == '\0') {
        mw_redis_connection_close(redis->connection);
        return mw_error_set(error, MW_ERROR_RETRY, "%s: its INFO names no redis_version",
                            redis->address->label);
    }
    return true;
}

/* ---- CONFIG ---- */

/* Managed services and careful owners close CONFIG: that is no fault of the server. */
static bool explain_config(struct mw_error *error)
{
    if (error->class != MW_ERROR_REFUSED) {
        return false;
    }
    struct mw_error said = *error;
    return mw_error_set(error, MW_ERROR_REFUSED,
                        "CONFIG is closed to midwatch here (%s): allow it with ACL SETUSER, or "
                        "change the setting where the service is managed",
                        said.text);
}

char *mw_redis_config_get(struct mw_redis *redis, const char *name, TALLOC_CTX *memory,
                          struct mw_deadline deadline, struct mw_error *error)
{
    redisReply *reply mw_redis_reply_auto =
        mw_redis_ask(redis->connection, deadline, error, "CONFIG", "GET", name, NULL);
    if (reply == NULL) {
        explain_config(error);
        return NULL;
    }
    bool pair = reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
                reply->element[1]->type == REDIS_REPLY_STRING;
    if (!pair) {
        mw_error_set(error, MW_ERROR_REFUSED, "it has no setting %s", name);
        return NULL;
    }
    return mw_text_clean(memory, reply->element[1]->str, reply->element[1]->len, 200);
}

bool mw_redis_config_set(struct mw_redis *redis, const char *name, const char *value,
                         struct mw_deadline deadline, struct mw_error *error)
{
    redisReply *reply mw_redis_reply_auto =
        mw_redis_tell(redis->connection, deadline, error, "CONFIG", "SET", name, value, NULL);
    return reply != NULL || explain_config(error);
}

/* ---- persistence ---- */

const char *mw_redis_persistence_name(enum mw_redis_persistence persistence)
{
    switch (persistence) {
    case MW_REDIS_PERSISTENCE_NONE:
        return "none";
    case MW_REDIS_PERSISTENCE_RDB:
        return "rdb";
    case MW_REDIS_PERSISTENCE_AOF:
        return "aof";
    case MW_REDIS_PERSISTENCE_UNKNOWN:
        break;
    }
    return "unknown";
}

bool mw_redis_read_persistence(struct mw_redis *redis, const struct mw_redis_info *info,
                               struct mw_deadline deadline, struct mw_error *error)
{
    if (info->aof_enabled == 1) {
        redis->persistence = MW_REDIS_PERSISTENCE_AOF;
        return true;
    }
    char *save = mw_redis_config_get(redis, "save", NULL, deadline, error);
    if (save != NULL) {
        redis->persistence = *save != '\0' ? MW_REDIS_PERSISTENCE_RDB : MW_REDIS_PERSISTENCE_NONE;
    } else if (error->class == MW_ERROR_REFUSED || error->class == MW_ERROR_PERMANENT) {
        redis->persistence = MW_REDIS_PERSISTENCE_UNKNOWN;
    } else {
        return false;
    }
    talloc_free(save);
    return true;
}

/* ---- facts ---- */

static json_t *number_or_null(int64_t number)
{
    return number >= 0 ? json_integer(number) : json_null();
}

static json_t *size_or_null(int64_t bytes)
{
    char *text = bytes >= 0 ? mw_size_text(NULL, bytes) : NULL;
    json_t *value = text != NULL ? json_string(text) : json_null();
    talloc_free(text);
    return value;
}

static json_t *build(const struct mw_target *target, const struct mw_redis *redis,
                     const struct mw_redis_info *info, const struct mw_room *room)
{
    int64_t maxclients = info->maxclients > 0 ? info->maxclients : redis->maxclients;
    json_t *facts = json_object();
    json_object_set_new(facts, "redis_version", json_string(info->version));
    json_object_set_new(facts, "role", json_string(info->role));
    json_object_set_new(facts, "used_memory", number_or_null(info->used_memory));
    json_object_set_new(facts, "used_memory_text", size_or_null(info->used_memory));
    json_object_set_new(facts, "maxmemory", number_or_null(info->maxmemory));
    json_object_set_new(facts, "maxmemory_text", size_or_null(info->maxmemory));
    json_object_set_new(facts, "maxmemory_policy", json_string(info->policy));
    json_object_set_new(facts, "host_free_memory",
                        room->known ? json_integer(room->free_bytes) : json_null());
    json_object_set_new(facts, "host_free_memory_text",
                        size_or_null(room->known ? room->free_bytes : -1));
    json_object_set_new(facts, "persistence",
                        json_string(mw_redis_persistence_name(redis->persistence)));
    json_object_set_new(facts, "unsaved_changes", number_or_null(info->unsaved_changes));
    json_object_set_new(facts, "cache", json_boolean(target->cache));
    json_object_set_new(facts, "keys", number_or_null(info->keys));
    json_object_set_new(facts, "expires", number_or_null(info->expires));
    json_object_set_new(facts, "connected_clients", number_or_null(info->clients));
    json_object_set_new(facts, "maxclients", number_or_null(maxclients > 0 ? maxclients : -1));
    json_object_set_new(facts, "can_restart",
                        json_boolean(target->control != NULL && target->control->restart != NULL));
    return facts;
}

bool mw_redis_facts(struct mw_target *target, struct mw_deadline deadline, json_t **facts,
                    struct mw_error *error)
{
    struct mw_redis *redis = target->state;
    struct mw_redis_info info = {.loading = -1};
    struct mw_room room = {.known = false};
    if (!mw_redis_read_info(redis, deadline, &info, NULL, error) ||
        !mw_redis_read_persistence(redis, &info, deadline, error)) {
        return false;
    }
    if (redis->address->local && !mw_redis_host_room(info.process_id, deadline, &room, error)) {
        return false;
    }
    *facts = build(target, redis, &info, &room);
    return true;
}
