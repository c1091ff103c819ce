/* SPDX-License-Identifier: Apache-2.0 */
/* What we want of the text that INFO answers with (https://redis.io/commands/info). */
#ifndef MIDWATCH_REDIS_INFO_H
#define MIDWATCH_REDIS_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers are -1 and texts empty where the server does not say. */
struct mw_redis_info {
    char version[32], run_id[48], role[16], policy[32];
    char master_link[16];   /* of a replica: "up" or "down" */
    char bgsave_status[16]; /* "ok" or "err" */
    int64_t process_id, uptime_s;
    int64_t clients, maxclients, replicas;
    int64_t used_memory, used_memory_rss, maxmemory;
    int64_t evicted, hits, misses;
    int64_t loading, aof_enabled, unsaved_changes, saved_at_s, lazyfree_pending;
    int64_t master_last_io_s, master_down_s;
    int64_t replica_lag_s;            /* of a master: the worst of its replicas */
    int64_t keys, expires, databases; /* of all databases; 0 where there is none */
};

void mw_redis_info_parse(struct mw_redis_info *info, const char *text, size_t length);

/* Nothing may be evicted, so that a full memory makes writes fail: no policy, or one that looks only
 * at keys with an expiry where no key has one. */
bool mw_redis_info_must_not_fill(const struct mw_redis_info *info);

#endif
