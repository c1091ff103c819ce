/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue. What a tool does stands in the tool_*.c file of its subject. */
#include "end.h"
#include "postgres.h"

#define RESOURCE "\"resource\":{\"type\":\"string\",\"description\":\"name of the resource\"}"
#define OBJECT(properties, required)                                               \
    "{\"type\":\"object\",\"properties\":{" properties "},\"required\":[" required \
    "],\"additionalProperties\":false}"
/* Its description and the closing brace follow. */
#define MIN_SECONDS \
    "\"min_seconds\":{\"type\":\"number\",\"minimum\":0,\"maximum\":604800,\"description\":"

const struct mw_tool mw_postgres_tools[] = {
    {.name = "postgres_activity",
     .floor = MW_RISK_READ,
     .description =
         "Tells who holds the connection slots, by role, application and state, and names "
         "the sessions whose transactions are open the longest.",
     .schema =
         OBJECT(RESOURCE ",\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":50,"
                         "\"description\":\"how many sessions to name; default 10\"}," MIN_SECONDS
                         "\"only transactions open for so long; default 0\"}",
                "\"resource\""),
     .timeout_ms = 10000,
     .run = mw_postgres_run_activity},
    {.name = "postgres_locks",
     .floor = MW_RISK_READ,
     .description = "Names the root blockers: the sessions that hold up others and wait for nobody "
                    "themselves, with how many wait behind each, directly or through others.",
     .schema = OBJECT(RESOURCE, "\"resource\""),
     .timeout_ms = 10000,
     .run = mw_postgres_run_locks},
    {.name = "postgres_kill_long_queries",
     .floor = MW_RISK_DISRUPTIVE,
     .description =
         "Ends root blockers and, unless blockers_only, queries that run long: queries are "
         "cancelled, sessions that idle in a transaction are ended and rolled back. Sessions "
         "that only wait for a lock are left alone, and so are replication, the server's own "
         "processes and midwatch.",
     .schema = OBJECT(
         RESOURCE "," MIN_SECONDS "\"since when it must have run or held up others; default 30\"},"
                  "\"blockers_only\":{\"type\":\"boolean\",\"description\":\"only those that "
                  "hold up others; default false\"}," MW_POSTGRES_PINS_SCHEMA,
         "\"resource\""),
     .timeout_ms = 30000,
     .assess = mw_postgres_assess_kill,
     .run = mw_postgres_run_kill},
    {.name = "postgres_terminate_idle",
     .floor = MW_RISK_DISRUPTIVE,
     .description =
         "Ends sessions that have been idle for long, which frees their connection slots; "
         "those that idle inside a transaction are rolled back.",
     .schema = OBJECT(RESOURCE
                      "," MIN_SECONDS "\"for how long they must have been idle; default 300\"},"
                      "\"in_transaction\":{\"type\":\"boolean\",\"description\":\"true: only those "
                      "inside a transaction; false: only those outside; default "
                      "both\"}," MW_POSTGRES_PINS_SCHEMA,
                      "\"resource\""),
     .timeout_ms = 30000,
     .assess = mw_postgres_assess_idle,
     .run = mw_postgres_run_idle},
    {.name = "postgres_vacuum",
     .floor = MW_RISK_REVERSIBLE,
     .description =
         "Runs VACUUM (ANALYZE) on one table, or on all that midwatch's role owns, for five "
         "minutes at the most. It locks nobody out.",
     .schema = OBJECT(RESOURCE ",\"table\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":130,"
                               "\"description\":\"schema.table; without it the whole database\"}",
                      "\"resource\""),
     .timeout_ms = 300000,
     .assess = mw_postgres_assess_vacuum,
     .run = mw_postgres_run_vacuum},
    {.name = "postgres_scale_connections",
     .floor = MW_RISK_DISRUPTIVE,
     .description =
         "Changes max_connections (ALTER SYSTEM) and restarts the server, without which it "
         "has no effect. Give either the new number or a factor.",
     .undo = "sets max_connections back to what it was, with another restart",
     .schema = OBJECT(RESOURCE
                      ",\"max_connections\":{\"type\":\"integer\",\"minimum\":10,\"maximum\":10000,"
                      "\"description\":\"the new number\"},"
                      "\"factor\":{\"type\":\"number\",\"minimum\":1.1,\"maximum\":4,"
                      "\"description\":\"times the number as it is now; instead of "
                      "max_connections\"}",
                      "\"resource\""),
     .timeout_ms = 120000,
     .assess = mw_postgres_assess_scale,
     .run = mw_postgres_run_scale},
    {.name = "postgres_restart",
     .floor = MW_RISK_DISRUPTIVE,
     .description =
         "Restarts the PostgreSQL server the way the configuration says and waits until it "
         "serves again. All sessions are cut off and open transactions rolled back; "
         "committed data stays.",
     .schema = OBJECT(RESOURCE, "\"resource\""),
     .timeout_ms = 120000,
     .assess = mw_postgres_assess_restart,
     .run = mw_postgres_run_restart},
    {.name = NULL},
};

bool mw_postgres_not_tried(const struct mw_error *error, const char *what, json_t **result)
{
    if (error->class != MW_ERROR_RETRY && error->class != MW_ERROR_TIMEOUT) {
        return false;
    }
    *result = mw_tool_result(false, NULL, "%s: %s", what, error->text);
    return true;
}
