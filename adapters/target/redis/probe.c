/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "redis.h"

const struct mw_metric_spec mw_redis_metrics[] = {
    {.name = "memory_percent",
     .label = "memory",
     .unit = "%",
     .of = "maxmemory",
     .degraded = 95,
     .failed = NAN},
    {.name = "clients_percent",
     .label = "clients",
     .unit = "%",
     .of = "maxclients",
     .degraded = 80,
     .failed = NAN},
    {.name = "connected_clients",
     .label = "connected clients",
     .unit = "",
     .degraded = NAN,
     .failed = NAN},
    {.name = "evicted_per_s",
     .label = "evicted keys",
     .unit = "/s",
     .degraded = NAN,
     .failed = NAN},
    {.name = "hit_ratio",
     .label = "hit ratio",
     .unit = "",
     .degraded = NAN,
     .failed = NAN,
     .low_is_bad = true},
    {.name = "replication_lag_s",
     .label = "replication lag",
     .unit = "s",
     .degraded = NAN,
     .failed = NAN},
    {.name = "latency_ms", .label = "latency", .unit = "ms", .degraded = NAN, .failed = NAN},
    {.name = NULL},
};

static double percent(int64_t part, int64_t whole)
{
    return part >= 0 && whole > 0 ? 100.0 * (double)part / (double)whole : NAN;
}

/* How much a counter grew; NAN where that cannot be told. */
static double growth(int64_t now, int64_t before)
{
    return now >= 0 && before >= 0 && now >= before ? (double)(now - before) : NAN;
}

static double replication_lag(const struct mw_redis_info *info)
{
    int64_t lag = info->replica_lag_s;
    if (strcmp(info->role, "slave") == 0) {
        lag = strcmp(info->master_link, "up") == 0 ? info->master_last_io_s : info->master_down_s;
    }
    return lag >= 0 ? (double)lag : NAN;
}

void mw_redis_measure(struct mw_sample *sample, const struct mw_redis_info *now,
                      const struct mw_redis_info *before, double seconds, int64_t maxclients)
{
    mw_sample_add(sample, "memory_percent", percent(now->used_memory, now->maxmemory),
                  mw_redis_info_must_not_fill(now));

    /* connected_clients leaves replicas out, and maxclients counts them. */
    int64_t clients = now->clients, replicas = now->replicas > 0 ? now->replicas : 0;
    int64_t most = now->maxclients > 0 ? now->maxclients : maxclients;
    bool sane = clients >= 0 && clients <= INT64_MAX - replicas;
    mw_sample_add(sample, "clients_percent", sane ? percent(clients + replicas, most) : NAN, true);
    mw_sample_add(sample, "connected_clients", clients >= 0 ? (double)clients : NAN, true);

    bool same = before != NULL && seconds > 0 && strcmp(before->run_id, now->run_id) == 0;
    if (same) {
        double hits = growth(now->hits, before->hits);
        double asked = hits + growth(now->misses, before->misses);
        mw_sample_add(sample, "evicted_per_s", growth(now->evicted, before->evicted) / seconds,
                      true);
        mw_sample_add(sample, "hit_ratio", asked > 0 ? hits / asked : NAN, true);
    }
    mw_sample_add(sample, "replication_lag_s", replication_lag(now), true);
}

/* Redis before 7 does not tell maxclients in INFO. A server that does not let us ask is asked once. */
static bool learn_maxclients(struct mw_redis *redis, struct mw_deadline deadline,
                             struct mw_error *error)
{
    char *text = mw_redis_config_get(redis, "maxclients", redis, deadline, error);
    if (text == NULL && error->class != MW_ERROR_REFUSED && error->class != MW_ERROR_PERMANENT) {
        return false;
    }
    int64_t number = text != NULL ? strtoll(text, NULL, 10) : 0;
    redis->maxclients = number > 0 ? number : -1;
    talloc_free(text);
    return true;
}

bool mw_redis_probe(struct mw_target *target, struct mw_deadline deadline, struct mw_sample *sample,
                    struct mw_error *error)
{
    struct mw_redis *redis = target->state;
    struct mw_redis_info info;
    double seconds = 0;
    if (!mw_redis_read_info(redis, deadline, &info, &seconds, error)) {
        if (!mw_redis_connection_full(redis->connection)) {
            return false;
        }
        sample->measured_at = mw_wall_now();
        sample->source = "redis connect";
        mw_sample_add(sample, "clients_percent", 100, true);
        return true;
    }
    if (info.maxclients < 0 && redis->maxclients == 0 &&
        !learn_maxclients(redis, deadline, error)) {
        return false;
    }
    mw_mono_ns now = mw_mono_now();
    bool first = redis->last.version[0] == '\0' || redis->measured_at == 0;
    sample->measured_at = mw_wall_now();
    sample->source = "redis INFO";
    mw_redis_measure(sample, &info, first ? NULL : &redis->last,
                     (double)(now - redis->measured_at) / 1e9, redis->maxclients);
    mw_sample_add(sample, "latency_ms", seconds * 1000, true);
    redis->last = info;
    redis->measured_at = now;
    return true;
}
