/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue. What a tool does stands in the tool_*.c file of its subject. */
#include "redis.h"

#define RESOURCE "\"resource\":{\"type\":\"string\",\"description\":\"name of the resource\"}"
#define OBJECT(properties, required)                                               \
    "{\"type\":\"object\",\"properties\":{" properties "},\"required\":[" required \
    "],\"additionalProperties\":false}"

const struct mw_tool mw_redis_tools[] = {
    {.name = "redis_info",
     .floor = MW_RISK_READ,
     .description = "Reads what the Redis server says of itself (INFO), whole or one section.",
     .schema = OBJECT(RESOURCE ",\"section\":{\"type\":\"string\",\"enum\":[\"server\",\"clients\","
                               "\"memory\",\"persistence\",\"stats\",\"replication\",\"cpu\","
                               "\"commandstats\",\"errorstats\",\"cluster\",\"keyspace\"],"
                               "\"description\":\"one section; without it the usual ones\"}",
                      "\"resource\""),
     .timeout_ms = 5000,
     .run = mw_redis_run_info},
    {.name = "redis_big_keys",
     .floor = MW_RISK_READ,
     .description = "Samples the keys of the selected database for at most a few seconds and names "
                    "the largest ones with their type, size and expiry.",
     .schema = OBJECT(RESOURCE ",\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":50,"
                               "\"description\":\"how many keys to name; default 10\"}",
                      "\"resource\""),
     .timeout_ms = 10000,
     .run = mw_redis_run_big_keys},
    {.name = "redis_memory_purge",
     .floor = MW_RISK_REVERSIBLE,
     .description = "Asks the allocator to give free pages back to the system (MEMORY PURGE). It "
                    "lowers what the process occupies, seldom used_memory: it does not help "
                    "against a reached maxmemory.",
     .schema = OBJECT(RESOURCE, "\"resource\""),
     .timeout_ms = 15000,
     .run = mw_redis_run_purge},
    {.name = "redis_scale_memory",
     .floor = MW_RISK_REVERSIBLE,
     .description = "Changes maxmemory of the running server, within what its host or container "
                    "has free. Give either the new maxmemory or a factor.",
     .undo = "sets maxmemory back to what it was",
     .schema = OBJECT(RESOURCE
                      ",\"maxmemory\":{\"type\":[\"string\",\"integer\"],\"description\":\"the new "
                      "limit: \\\"64MB\\\", \\\"1GiB\\\" or bytes\"},"
                      "\"factor\":{\"type\":\"number\",\"minimum\":1.1,\"maximum\":4,"
                      "\"description\":\"times the limit as it is now; instead of maxmemory\"}",
                      "\"resource\""),
     .timeout_ms = 10000,
     .assess = mw_redis_assess_scale,
     .run = mw_redis_run_scale},
    {.name = "redis_set_eviction",
     .floor = MW_RISK_DISRUPTIVE,
     .description = "Changes maxmemory-policy: which keys Redis deletes when memory is full. It "
                    "deletes keys from then on, and does not lower a full memory by itself.",
     .undo = "sets the policy back; keys that were evicted meanwhile stay lost",
     .schema = OBJECT(RESOURCE ",\"policy\":{\"type\":\"string\",\"enum\":[\"noeviction\","
                               "\"allkeys-lru\",\"allkeys-lfu\",\"allkeys-random\","
                               "\"volatile-lru\",\"volatile-lfu\",\"volatile-random\","
                               "\"volatile-ttl\"]}",
                      "\"resource\",\"policy\""),
     .timeout_ms = 10000,
     .assess = mw_redis_assess_eviction,
     .run = mw_redis_run_eviction},
    {.name = "redis_flush",
     .floor = MW_RISK_DESTRUCTIVE,
     .description = "Deletes all keys: of the database that the url names, else of all databases. "
                    "They cannot be brought back.",
     .schema = OBJECT(RESOURCE ",\"confirm\":{\"type\":\"boolean\",\"description\":\"true\"}",
                      "\"resource\""),
     .timeout_ms = 30000,
     .assess = mw_redis_assess_flush,
     .run = mw_redis_run_flush},
    {.name = "redis_restart",
     .floor = MW_RISK_DISRUPTIVE,
     .description = "Restarts the Redis server the way the configuration says and waits until it "
                    "serves again. Without persistence all keys are lost.",
     .schema = OBJECT(RESOURCE, "\"resource\""),
     .timeout_ms = 60000,
     .assess = mw_redis_assess_restart,
     .run = mw_redis_run_restart},
    {.name = NULL},
};
