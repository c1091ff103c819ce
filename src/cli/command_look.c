/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands that look and change nothing: check, status, tools. */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/cli.h"
#include "record/record.h"

static int command_check(const struct mw_invocation *invocation, const struct mw_settings *settings)
{
    printf("%s: ok, %zu resource%s, %zu chat%s\n", invocation->file, settings->resource_count,
           settings->resource_count == 1 ? "" : "s", settings->chat_count,
           settings->chat_count == 1 ? "" : "s");
    return MW_EXIT_OK;
}

const struct mw_subcommand mw_command_check = {
    .name = "check",
    .arguments = "",
    .help = "reads the configuration and says all that is wrong with it",
    .needs_settings = true,
    .run = command_check,
};

/* ---- status ---- */

/* What is quiet by the configuration and, where there is a record, by people. */
struct quiets {
    struct mw_silence *silences;
    size_t count;
    const struct mw_section_list *maintenance;
};

static struct quiets read_quiets(TALLOC_CTX *memory, const struct mw_settings *settings)
{
    struct quiets quiets = {.maintenance = &settings->root.maintenance};
    struct mw_error error;
    /* Before the first run there is no record, and then nobody silenced anything. */
    struct mw_record *record = mw_record_open(memory, mw_registry_stores[0], settings->root.store,
                                              MW_STORE_READER, &error);
    if (record == NULL)
        return quiets;
    size_t count = 0;
    quiets.silences = mw_record_silences(record, memory, &count, &error);
    quiets.count = quiets.silences != NULL ? count : 0;
    mw_record_close(record);
    return quiets;
}

static bool find_quiet(const struct quiets *quiets, const char *resource, struct mw_quiet *quiet)
{
    return mw_quiet_find(quiets->silences, quiets->count, quiets->maintenance, resource,
                         mw_wall_now(), quiet);
}

static json_t *quiet_json(TALLOC_CTX *memory, const struct quiets *quiets, const char *resource)
{
    struct mw_quiet quiet;
    if (!find_quiet(quiets, resource, &quiet))
        return json_null();
    return json_pack("{s:s, s:s?, s:s?}", "until", mw_time_rfc3339(memory, quiet.until), "person",
                     quiet.person, "why", quiet.why);
}

static int print_status_json(TALLOC_CTX *memory, const struct mw_watch *watch,
                             const struct quiets *quiets)
{
    json_auto_t *document = json_pack("{s:[]}", "resources");
    for (size_t i = 0; i < watch->count; i++) {
        json_t *row = mw_resource_to_json(watch->resources[i]);
        json_object_set_new(row, "silenced", quiet_json(memory, quiets, watch->resources[i]->name));
        json_array_append_new(json_object_get(document, "resources"), row);
    }
    mw_print_json(document);
    return MW_EXIT_OK;
}

static char *status_metrics(TALLOC_CTX *memory, const struct mw_resource *resource)
{
    char *line = talloc_strdup(memory, "");
    for (size_t i = 0; resource->reached && i < resource->last.count; i++) {
        const struct mw_metric *metric = &resource->last.metrics[i];
        const struct mw_metric_spec *spec = mw_resource_metric(resource, metric->name);
        line = talloc_asprintf_append(
            line, "%s%s %s", i > 0 ? ", " : "", metric->name,
            mw_value_text(memory, metric->value, spec != NULL ? spec->unit : ""));
    }
    return line;
}

static void print_status(TALLOC_CTX *memory, const struct mw_watch *watch,
                         const struct quiets *quiets)
{
    size_t width = 8;
    for (size_t i = 0; i < watch->count; i++) {
        size_t name = mw_text_width(watch->resources[i]->name);
        width = name > width ? name : width;
    }
    printf("%s  %-8s  %-9s  %s\n", mw_text_pad(memory, "RESOURCE", width, false), "KIND", "STATUS",
           "WHY, OR WHAT WAS MEASURED");
    for (size_t i = 0; i < watch->count; i++) {
        const struct mw_resource *resource = watch->resources[i];
        printf("%s  %-8s  %-9s  %s\n", mw_text_pad(memory, resource->name, width, false),
               resource->kind, mw_health_name(resource->health),
               resource->reason != NULL ? resource->reason : status_metrics(memory, resource));
    }
    struct mw_quiet quiet;
    for (size_t i = 0; i < watch->count; i++) {
        if (find_quiet(quiets, watch->resources[i]->name, &quiet))
            printf("%s is %s\n", watch->resources[i]->name, mw_quiet_text(memory, &quiet));
    }
}

static int command_status(const struct mw_invocation *invocation,
                          const struct mw_settings *settings)
{
    struct mw_error error = {0};
    struct mw_watch *watch = mw_settings_watch(NULL, settings, &error);
    if (watch == NULL)
        return mw_complain(&error);
    mw_watch_probe_all(watch);
    bool healthy = true;
    for (size_t i = 0; i < watch->count; i++)
        healthy = healthy && watch->resources[i]->health == MW_HEALTH_HEALTHY;
    const struct quiets quiets = read_quiets(watch, settings);
    if (invocation->json)
        print_status_json(watch, watch, &quiets);
    else
        print_status(watch, watch, &quiets);
    mw_watch_stop(watch);
    talloc_free(watch);
    return healthy ? MW_EXIT_OK : MW_EXIT_FAILED;
}

const struct mw_subcommand mw_command_status = {
    .name = "status",
    .arguments = "",
    .help = "one probe of every resource, as a table",
    .json = true,
    .needs_settings = true,
    .run = command_status,
};

/* ---- tools ---- */

static int command_tools(const struct mw_invocation *invocation, const struct mw_settings *settings)
{
    json_auto_t *tools = mw_catalogue_to_json(mw_registry_targets);
    if (invocation->json) {
        mw_print_json(tools);
        return MW_EXIT_OK;
    }
    size_t i;
    const json_t *tool;
    json_array_foreach(tools, i, tool)
    {
        printf("%-22s %-12s %s\n", json_string_value(json_object_get(tool, "name")),
               json_string_value(json_object_get(tool, "risk")),
               json_string_value(json_object_get(tool, "description")));
    }
    return MW_EXIT_OK;
}

const struct mw_subcommand mw_command_tools = {
    .name = "tools",
    .arguments = "",
    .help = "the tool catalogue: name, risk, what it does",
    .json = true,
    .run = command_tools,
};
