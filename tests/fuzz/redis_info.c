/* SPDX-License-Identifier: Apache-2.0 */
/* What INFO answers, and what is measured from it: "now" and, behind an empty line, "before". */
#include "adapters/target/redis/redis.h"

#include <math.h>

#include "fuzz.h"

static void check_info(const struct mw_redis_info *info)
{
    const char *const texts[] = {info->version, info->run_id,      info->role,
                                 info->policy,  info->master_link, info->bgsave_status};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        fuzz_is_clean(texts[i], sizeof info->run_id - 1);
    }
    const int64_t numbers[] = {info->process_id, info->clients,       info->maxclients,
                               info->maxmemory,  info->used_memory,   info->evicted,
                               info->hits,       info->replica_lag_s, info->uptime_s};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        FUZZ_HOLDS(numbers[i] >= -1, NULL);
    }
    FUZZ_HOLDS(info->keys >= 0 && info->expires >= 0 && info->databases >= 0, NULL);
}

void fuzz_one(TALLOC_CTX *memory, const char *bytes, size_t length)
{
    struct mw_redis_info now, before;
    struct mw_sample sample = {0};
    const char *end = memmem(bytes, length, "\n\n", 2);
    size_t size = end != NULL ? (size_t)(end - bytes) : length;
    mw_redis_info_parse(&now, bytes, size);
    mw_redis_info_parse(&before, bytes + size, length - size);
    check_info(&now);
    check_info(&before);
    mw_redis_info_must_not_fill(&now);
    mw_redis_measure(&sample, &now, end != NULL ? &before : NULL, 10.0, now.maxclients);
    for (size_t i = 0; i < sample.count; i++) {
        FUZZ_HOLDS(isfinite(sample.metrics[i].value) && sample.metrics[i].value >= 0,
                   sample.metrics[i].name);
    }
    fuzz_is_clean(mw_redis_number_text(memory, now.used_memory), 32);
    fuzz_is_clean(mw_redis_change_text(memory, now.used_memory, now.maxmemory), 64);
}
