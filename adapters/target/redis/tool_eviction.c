/* SPDX-License-Identifier: Apache-2.0 */
/* redis_set_eviction. */
#include <string.h>

#include "redis.h"

#define SETTING "maxmemory-policy"

static const char *const policies[] = {
    "noeviction",   "allkeys-lru",  "allkeys-lfu",     "allkeys-random",
    "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
};

static const char *wanted(const json_t *arguments, struct mw_error *error)
{
    const char *text = json_string_value(json_object_get(arguments, "policy"));
    for (size_t i = 0; text != NULL && i < sizeof policies / sizeof *policies; i++) {
        if (strcmp(text, policies[i]) == 0) {
            return policies[i];
        }
    }
    mw_error_set(error, MW_ERROR_BAD_INPUT,
                 "policy: one of noeviction, allkeys-lru, allkeys-lfu, allkeys-random, "
                 "volatile-lru, volatile-lfu, volatile-random, volatile-ttl");
    return NULL;
}

static const char *consequence(const char *policy)
{
    return strcmp(policy, "noeviction") == 0 ? "nothing is evicted, writes fail when memory is full"
           : strncmp(policy, "volatile-", 9) == 0
               ? "keys with an expiry are evicted when memory is full"
               : "any key may be evicted when memory is full";
}

MW_REDIS_ASSESS(mw_redis_assess_eviction)
{
    const char *policy = wanted(arguments, error);
    char *now = policy != NULL
                    ? mw_redis_config_get(target->state, SETTING, memory, deadline, error)
                    : NULL;
    if (now == NULL) {
        return false;
    }
    if (strcmp(now, policy) == 0) {
        return mw_error_set(error, MW_ERROR_REFUSED, "the policy is %s already", policy);
    }
    bool evicts = strcmp(policy, "noeviction") != 0;
    bool loses = evicts && !target->cache;
    *out = (struct mw_assessment){
        .risk = loses ? MW_RISK_DESTRUCTIVE : MW_RISK_DISRUPTIVE,
        .reason = loses ? "Redis will delete keys, and the configuration does not say `cache: true`"
                        : NULL,
        .effect = talloc_asprintf(memory, "%s → %s: %s", now, policy, consequence(policy)),
        .arguments = json_pack("{s:s, s:s}", "resource", target->name, "policy", policy),
        .undo = json_pack("{s:s, s:{s:s, s:s}}", "tool", "redis_set_eviction", "arguments",
                          "resource", target->name, "policy", now),
    };
    return out->arguments != NULL ||
           mw_error_set(error, MW_ERROR_RETRY, "no memory left for the assessment");
}

MW_REDIS_RUN(mw_redis_run_eviction)
{
    struct mw_redis *redis = target->state;
    const char *policy = wanted(arguments, error);
    TALLOC_CTX *memory = talloc_new(NULL);
    char *before =
        policy != NULL ? mw_redis_config_get(redis, SETTING, memory, deadline, error) : NULL;
    bool set = before != NULL && mw_redis_config_set(redis, SETTING, policy, deadline, error);
    char *after = set ? mw_redis_config_get(redis, SETTING, memory, deadline, error) : NULL;
    if (after != NULL) {
        bool same = strcmp(after, policy) == 0;
        json_t *data = json_pack("{s:s, s:s, s:b}", "policy_before", before, "policy", after,
                                 "in_config_file", 0);
        *result = same ? mw_tool_result(true, data,
                                        "policy %s → %s: %s; a full memory is not lowered by it, "
                                        "and a restart takes the setting back",
                                        before, after, consequence(after))
                       : mw_tool_result(false, data, "the policy is still %s", after);
    }
    talloc_free(memory);
    return after != NULL;
}
