/* SPDX-License-Identifier: Apache-2.0 */
#include "redis.h"

#include "base/redact.h"

static const struct mw_option options[] = {
    {.name = "url",
     .type = MW_OPTION_TEXT,
     .flags = MW_OPTION_REQUIRED | MW_OPTION_HAS_SECRET | MW_OPTION_RELOADABLE,
     .help = "where it is: redis://[user:password@]host[:port][/db] or unix:///path/to/redis.sock",
     .offset = offsetof(struct mw_redis_config, url)},
    {.name = "via",
     .type = MW_OPTION_TEXT,
     .flags = MW_OPTION_NEXT,
     .help = "resource through whose SSH it is reached"},
    {.name = NULL},
};

static bool create(struct mw_target *target, const void *config, struct mw_error *error)
{
    const struct mw_redis_config *own = config;
    if (own->url == NULL) {
        return mw_error_set(error, MW_ERROR_BAD_INPUT, "url: it is missing");
    }
    struct mw_redis *redis = talloc_zero(target->memory, struct mw_redis);
    if (redis == NULL) {
        return mw_error_set(error, MW_ERROR_RETRY, "no memory left for another Redis");
    }
    redis->address = mw_redis_url_parse(redis, own->url, error);
    if (redis->address == NULL) {
        talloc_free(redis);
        return false;
    }
    if (redis->address->password != NULL) {
        mw_redact_secret(redis->address->password);
    }
    redis->connection = mw_redis_connection_create(redis, redis->address);
    if (redis->connection == NULL) {
        talloc_free(redis);
        return mw_error_set(error, MW_ERROR_RETRY, "no memory left for another Redis");
    }
    target->state = redis;
    return true;
}

static void destroy(struct mw_target *target)
{
    struct mw_redis *redis = target->state;
    mw_redis_connection_close(redis->connection);
}

const struct mw_target_ops mw_target_redis = {
    .kind = "redis",
    .environment = "local",
    .options = options,
    .config_size = sizeof(struct mw_redis_config),
    .metrics = mw_redis_metrics,
    .tools = mw_redis_tools,
    .create = create,
    .destroy = destroy,
    .probe = mw_redis_probe,
    .facts = mw_redis_facts,
    .check = mw_redis_check,
    .log_severity = mw_redis_log_severity,
};
