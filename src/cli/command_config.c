/* SPDX-License-Identifier: Apache-2.0 */
/* `midwatch config`: what may stand in the configuration, and what stands in it. */
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "config/config.h"

/* ---- schema: for editors ---- */

static void merge_schema(json_t *into, const struct mw_option *table)
{
    if (table == NULL)
        return;
    json_auto_t *more = mw_options_schema(table);
    json_object_update(json_object_get(into, "properties"), json_object_get(more, "properties"));
    json_t *required = json_object_get(into, "required");
    if (required == NULL)
        json_object_set(into, "required", json_object_get(more, "required"));
    else if (json_object_get(more, "required") != NULL)
        json_array_extend(required, json_object_get(more, "required"));
}

/* The schema of one kind: common keys, the kind's own, and the kind's name where it must stand. */
static json_t *kind_schema(const struct mw_option *common, const struct mw_option *own,
                           const char *key, const char *kind)
{
    json_t *schema = mw_options_schema(common);
    merge_schema(schema, own);
    json_object_set_new(json_object_get(schema, "properties"), key,
                        json_pack("{s:s}", "const", kind));
    return schema;
}

static json_t *list_of(json_t *kinds)
{
    return json_pack("{s:s, s:{s:o}}", "type", "array", "items", "oneOf", kinds);
}

static json_t *whole_schema(void)
{
    json_t *chats = json_array(), *planners = json_array(), *targets = json_array();
    for (size_t i = 0; mw_registry_chats[i] != NULL; i++)
        json_array_append_new(chats, kind_schema(mw_chat_options, mw_registry_chats[i]->options,
                                                 "kind", mw_registry_chats[i]->kind));
    for (size_t i = 0; mw_registry_planners[i] != NULL; i++)
        json_array_append_new(planners,
                              kind_schema(mw_llm_options, mw_registry_planners[i]->options,
                                          "provider", mw_registry_planners[i]->name));
    for (size_t i = 0; mw_registry_targets[i] != NULL; i++)
        json_array_append_new(targets,
                              kind_schema(mw_resource_options, mw_registry_targets[i]->options,
                                          "kind", mw_registry_targets[i]->kind));
    json_t *schema = mw_options_schema(mw_root_options);
    json_t *properties = json_object_get(schema, "properties");
    json_object_set_new(properties, "chat", list_of(chats));
    json_object_set_new(properties, "resources", list_of(targets));
    json_object_set_new(properties, "llm", json_pack("{s:o}", "oneOf", planners));
    json_object_set_new(schema, "$schema",
                        json_string("https://json-schema.org/draft/2020-12/schema"));
    return schema;
}

/* ---- show: what is in force, secrets masked ---- */

static json_t *shown(const struct mw_option *common, const void *values,
                     const struct mw_option *own, const void *more)
{
    json_t *all = mw_options_show(common, values);
    if (own != NULL) {
        json_auto_t *rest = mw_options_show(own, more);
        json_object_update(all, rest);
    }
    return all;
}

static json_t *whole_shown(const struct mw_settings *settings)
{
    json_t *chats = json_array(), *resources = json_array();
    for (size_t i = 0; i < settings->chat_count; i++)
        json_array_append_new(chats,
                              shown(mw_chat_options, &settings->chats[i].common,
                                    settings->chats[i].ops->options, settings->chats[i].config));
    for (size_t i = 0; i < settings->resource_count; i++)
        json_array_append_new(resources, shown(mw_resource_options, &settings->resources[i].common,
                                               settings->resources[i].ops->options,
                                               settings->resources[i].config));
    json_t *all = mw_options_show(mw_root_options, &settings->root);
    json_object_set_new(all, "chat", chats);
    json_object_set_new(all, "resources", resources);
    json_object_set_new(all, "llm",
                        shown(mw_llm_options, &settings->llm.common, settings->llm.ops->options,
                              settings->llm.config));
    return all;
}

/* ---- keys: for people ---- */

static void print_keys(const char *title, const struct mw_option *table)
{
    if (table == NULL || table->name == NULL)
        return;
    char *rows = mw_options_help(NULL, table, NULL);
    printf("\n## %s\n\n| key | type | default | what it is |\n|---|---|---|---|\n%s", title, rows);
    talloc_free(rows);
}

/* The root without the sections that are printed on their own. */
static void print_root(void)
{
    struct mw_option rows[40];
    size_t count = 0;
    for (const struct mw_option *row = mw_root_options; row->name != NULL; row++) {
        bool apart = strcmp(row->name, "chat") == 0 || strcmp(row->name, "resources") == 0 ||
                     strcmp(row->name, "llm") == 0;
        if (!apart && count + 1 < sizeof rows / sizeof *rows)
            rows[count++] = *row;
    }
    rows[count] = (struct mw_option){.name = NULL};
    print_keys("The file", rows);
}

static void print_all_keys(void)
{
    char title[80];
    print_root();
    print_keys("`chat`, each entry", mw_chat_options);
    for (size_t i = 0; mw_registry_chats[i] != NULL; i++) {
        snprintf(title, sizeof title, "`chat` of kind `%s`, also", mw_registry_chats[i]->kind);
        print_keys(title, mw_registry_chats[i]->options);
    }
    print_keys("`llm`", mw_llm_options);
    for (size_t i = 0; mw_registry_planners[i] != NULL; i++) {
        snprintf(title, sizeof title, "`llm` with `provider: %s`, also",
                 mw_registry_planners[i]->name);
        print_keys(title, mw_registry_planners[i]->options);
    }
    print_keys("`resources`, each entry", mw_resource_options);
    for (size_t i = 0; mw_registry_targets[i] != NULL; i++) {
        snprintf(title, sizeof title, "`resources` of kind `%s`, also",
                 mw_registry_targets[i]->kind);
        print_keys(title, mw_registry_targets[i]->options);
    }
}

static int command_config(const struct mw_invocation *invocation, const struct mw_settings *unused)
{
    const char *word = invocation->words[0];
    if (strcmp(word, "keys") == 0) {
        print_all_keys();
        return MW_EXIT_OK;
    }
    if (strcmp(word, "schema") == 0) {
        json_auto_t *schema = whole_schema();
        mw_print_json(schema);
        return MW_EXIT_OK;
    }
    if (strcmp(word, "show") != 0) {
        fprintf(stderr, "midwatch config: write schema, show or keys, not \"%.40s\"\n", word);
        return MW_EXIT_USAGE;
    }
    struct mw_settings *settings = mw_settings_load(invocation->file, stderr);
    if (settings == NULL)
        return MW_EXIT_USAGE;
    json_auto_t *values = whole_shown(settings);
    mw_print_json(values);
    talloc_free(settings);
    return MW_EXIT_OK;
}

const struct mw_subcommand mw_command_config = {
    .name = "config",
    .arguments = "schema|show|keys ",
    .help = "a JSON Schema for editors; the values in force, secrets masked; every key",
    .words_min = 1,
    .words_max = 1,
    .run = command_config,
};
