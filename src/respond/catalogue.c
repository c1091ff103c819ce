/* SPDX-License-Identifier: Apache-2.0 */
/* The tools that fit any kind of resource, and the catalogue of all. */
#include <string.h>

#include "base/clock.h"
#include "respond/respond.h"

#define LOG_LINES_MAX 40

/* Every target stands in a resource of the watch. */
static struct mw_resource *resource_of(struct mw_target *target)
{
    return (struct mw_resource *)((char *)target - offsetof(struct mw_resource, target));
}

static bool run_status(struct mw_target *target, const json_t *arguments,
                       struct mw_deadline deadline, json_t **result, struct mw_error *error)
{
    struct mw_resource *resource = resource_of(target);
    if (!mw_watch_await(resource, mw_mono_now(), deadline, error))
        return false;
    *result = mw_tool_result(true, mw_resource_to_json(resource), "%s is %s%s%s", resource->name,
                             mw_health_name(resource->health), resource->reason ? ": " : "",
                             resource->reason ? resource->reason : "");
    return true;
}

static bool run_history(struct mw_target *target, const json_t *arguments,
                        struct mw_deadline deadline, json_t **result, struct mw_error *error)
{
    struct mw_resource *resource = resource_of(target);
    const char *metric = json_string_value(json_object_get(arguments, "metric"));
    if (mw_resource_metric(resource, metric) == NULL)
        return mw_error_set(error, MW_ERROR_BAD_INPUT, "a %s has no metric \"%.60s\"",
                            resource->kind, metric);
    json_t *samples = mw_watch_history(resource, metric);
    size_t count = json_array_size(samples);
    *result = mw_tool_result(true, json_pack("{s:o}", "samples", samples),
                             "the last %zu samples of %s", count, metric);
    return true;
}

static bool run_logs(struct mw_target *target, const json_t *arguments, struct mw_deadline deadline,
                     json_t **result, struct mw_error *error)
{
    struct mw_resource *resource = resource_of(target);
    TALLOC_CTX *memory = talloc_new(NULL);
    size_t count = 0;
    struct mw_log_excerpt *log = mw_watch_logs(resource, memory, LOG_LINES_MAX, &count, deadline);
    json_t *lines = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(lines,
                              json_pack("{s:s, s:i}", "line", log[i].line, "times", log[i].times));
    talloc_free(memory);
    *result = mw_tool_result(true, json_pack("{s:o}", "lines", lines),
                             "%zu kinds of lines that matter", count);
    return true;
}

static bool run_wait(struct mw_target *target, const json_t *arguments, struct mw_deadline deadline,
                     json_t **result, struct mw_error *error)
{
    json_int_t seconds = json_integer_value(json_object_get(arguments, "seconds"));
    if (!mw_sleep(seconds * 1000, error))
        return false;
    *result = mw_tool_result(true, NULL, "waited %d s", (int)seconds);
    return true;
}

#define RESOURCE_ARGUMENT "\"resource\":{\"type\":\"string\",\"description\":\"its name\"}"
#define RESOURCE_ONLY                                                                          \
    "{\"type\":\"object\",\"properties\":{" RESOURCE_ARGUMENT "},\"required\":[\"resource\"]," \
    "\"additionalProperties\":false}"

static const struct mw_tool any_tools[] = {
    {.name = "resource_status",
     .floor = MW_RISK_READ,
     .description = "Probes the resource once more and says how it is.",
     .schema = RESOURCE_ONLY,
     .run = run_status},
    {.name = "resource_history",
     .floor = MW_RISK_READ,
     .description = "The last samples of one metric.",
     .schema = "{\"type\":\"object\",\"properties\":{" RESOURCE_ARGUMENT
               ",\"metric\":{\"type\":\"string\"}},\"required\":[\"resource\",\"metric\"],"
               "\"additionalProperties\":false}",
     .run = run_history},
    {.name = "resource_logs",
     .floor = MW_RISK_READ,
     .description = "The log lines that matter, equal ones counted.",
     .schema = RESOURCE_ONLY,
     .run = run_logs},
    {.name = "wait",
     .floor = MW_RISK_READ,
     .description = "Waits before the next step.",
     .schema = "{\"type\":\"object\",\"properties\":{" RESOURCE_ARGUMENT
               ",\"seconds\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":60}},"
               "\"required\":[\"resource\",\"seconds\"],\"additionalProperties\":false}",
     .timeout_ms = 65000,
     .run = run_wait},
    {.name = NULL},
};

const struct mw_tool *mw_catalogue_find(const struct mw_target_ops *ops, const char *name)
{
    const struct mw_tool *tables[] = {ops->tools, any_tools};
    for (size_t i = 0; i < 2; i++) {
        for (const struct mw_tool *tool = tables[i]; tool != NULL && tool->name != NULL; tool++) {
            if (strcmp(tool->name, name) == 0)
                return tool;
        }
    }
    return NULL;
}

static void append_tools(json_t *list, const struct mw_tool *tools)
{
    for (const struct mw_tool *tool = tools; tool != NULL && tool->name != NULL; tool++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:o}", "name", tool->name, "risk",
                                        mw_risk_name(tool->floor), "description", tool->description,
                                        "inputSchema", json_loads(tool->schema, 0, NULL)));
}

json_t *mw_catalogue_to_json(const struct mw_target_ops *const *kinds)
{
    json_t *list = json_array();
    for (size_t i = 0; kinds[i] != NULL; i++)
        append_tools(list, kinds[i]->tools);
    append_tools(list, any_tools);
    return list;
}
