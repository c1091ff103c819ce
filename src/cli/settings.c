/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/settings.h"

#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/dependencies.h"
#include "cli/maintenance.h"
#include "cli/places.h"
#include "config/config.h"

struct loader {
    struct mw_settings *settings;
    struct mw_faults *faults;
    char *folder;
};

/* ---- which adapter ---- */

static bool among(const char *word, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (strcmp(*list, word) == 0)
            return true;
    }
    return false;
}

/* A fault for a word that names no adapter of this version. */
static void no_adapter(struct loader *self, const struct mw_yaml *mapping, const char *key,
                       const char *path, const char *const *later, const char *known)
{
    const struct mw_yaml *word = mw_yaml_get(mapping, key);
    char *whole = talloc_asprintf(self->settings, "%s.%s", path, key);
    int line = mw_yaml_line_of(mapping, key, NULL);
    if (word->expanded)
        mw_fault_add(self->faults, line, whole, "unknown; write %s", known);
    else if (among(word->text, later))
        mw_fault_add(self->faults, line, whole, "not in this version: %s; write %s", word->text,
                     known);
    else
        mw_fault_add(self->faults, line, whole, "unknown: \"%.40s\"; write %s", word->text, known);
}

static const char *scalar(const struct mw_yaml *mapping, const char *key)
{
    const struct mw_yaml *node = mapping != NULL ? mw_yaml_get(mapping, key) : NULL;
    return node != NULL && node->type == MW_YAML_SCALAR && !mw_yaml_is_null(node) ? node->text
                                                                                  : NULL;
}

/* ---- chats ---- */

static void load_chat(struct loader *self, const struct mw_yaml *entry, size_t index)
{
    char *path = talloc_asprintf(self->settings, "chat[%zu]", index);
    const char *kind = scalar(entry, "kind");
    const struct mw_chat_ops *ops = NULL;
    for (size_t i = 0; kind != NULL && mw_registry_chats[i] != NULL; i++) {
        if (strcmp(mw_registry_chats[i]->kind, kind) == 0)
            ops = mw_registry_chats[i];
    }
    if (kind != NULL && ops == NULL) {
        no_adapter(self, entry, "kind", path, mw_later_chats, "slack or terminal");
        return;
    }
    struct mw_chat_settings *chat = &self->settings->chats[self->settings->chat_count];
    chat->ops = ops;
    chat->config = talloc_zero_size(self->settings, ops != NULL ? ops->config_size + 1 : 1);
    const struct mw_option_target targets[] = {{mw_chat_options, &chat->common},
                                               {ops != NULL ? ops->options : NULL, chat->config}};
    bool two = ops != NULL && ops->options != NULL;
    mw_options_load_several(targets, two ? 2 : 1, entry, path, self->folder, self->settings,
                            self->faults);
    for (size_t i = 0; i < self->settings->chat_count; i++) {
        if (ops != NULL && self->settings->chats[i].ops == ops)
            mw_fault_add(self->faults, entry->line, path, "a second %s; one is enough", kind);
    }
    self->settings->chat_count++;
}

/* ---- resources ---- */

/* The metric is known, or a fault says what is. */
static void check_metric(struct loader *self, const struct mw_yaml *entry, const char *path,
                         const struct mw_target_ops *ops, const char *metric)
{
    const char *names[MW_METRICS_MAX + 1] = {NULL};
    for (size_t i = 0; i < MW_METRICS_MAX && ops->metrics[i].name != NULL; i++) {
        names[i] = ops->metrics[i].name;
        if (strcmp(names[i], metric) == 0)
            return;
    }
    const char *nearest = mw_text_nearest(metric, names);
    char *key = talloc_asprintf(self->settings, "%s.thresholds.%s", path, metric);
    mw_fault_add(self->faults, mw_yaml_line_of(entry, "thresholds", metric), key,
                 "a %s has no such metric; %s `%s`", ops->kind,
                 nearest != NULL ? "did you mean" : "it has, for example,",
                 nearest != NULL ? nearest : names[0]);
}

static void check_thresholds(struct loader *self, const struct mw_yaml *entry, const char *path,
                             const struct mw_resource_settings *resource)
{
    for (size_t i = 0; i < resource->common.thresholds.count; i++)
        check_metric(self, entry, path, resource->ops, resource->common.thresholds.items[i].metric);
}

static void check_name(struct loader *self, const struct mw_yaml *entry, const char *path,
                       const char *name)
{
    if (name == NULL)
        return;
    int line = mw_yaml_line_of(entry, "name", NULL);
    char *key = talloc_asprintf(self->settings, "%s.name", path);
    if (strlen(name) > 64 ||
        name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                          "0123456789-_.")] != '\0')
        mw_fault_add(self->faults, line, key,
                     "people type it, so write at most 64 of letters, digits, - _ and .");
    for (size_t i = 0; i < self->settings->resource_count; i++) {
        const char *other = self->settings->resources[i].common.name;
        if (other != NULL && strcmp(other, name) == 0)
            mw_fault_add(self->faults, line, key, "another resource has this name too");
    }
}

/* Sections that are there and say nothing. */
static void check_emptiness(struct loader *self, const struct mw_yaml *entry, const char *path,
                            const struct mw_resource_config *config)
{
    for (size_t i = 0; i < config->logs.count; i++) {
        const struct mw_log_source_config *source = config->logs.items[i];
        if (source->file == NULL && source->command.count == 0)
            mw_fault_add(self->faults, mw_yaml_line_of(entry, "logs", NULL),
                         talloc_asprintf(self->settings, "%s.logs[%zu]", path, i),
                         "write file: PATH or command: […]");
    }
    const struct mw_control_config *control = config->control;
    if (control != NULL && control->restart.count == 0 && control->reload.count == 0 &&
        control->systemd == NULL)
        mw_fault_add(self->faults, mw_yaml_line_of(entry, "control", NULL),
                     talloc_asprintf(self->settings, "%s.control", path),
                     "write systemd: UNIT, or restart: […]");
}

static void load_resource(struct loader *self, const struct mw_yaml *entry, size_t index)
{
    char *path = talloc_asprintf(self->settings, "resources[%zu]", index);
    const char *kind = scalar(entry, "kind");
    const struct mw_target_ops *ops = NULL;
    for (size_t i = 0; kind != NULL && mw_registry_targets[i] != NULL; i++) {
        if (strcmp(mw_registry_targets[i]->kind, kind) == 0)
            ops = mw_registry_targets[i];
    }
    if (kind != NULL && ops == NULL) {
        no_adapter(self, entry, "kind", path, mw_later_kinds, "redis or postgres");
        return;
    }
    struct mw_resource_settings *resource =
        &self->settings->resources[self->settings->resource_count];
    resource->ops = ops;
    resource->config = talloc_zero_size(self->settings, ops != NULL ? ops->config_size + 1 : 1);
    const struct mw_option_target targets[] = {
        {mw_resource_options, &resource->common},
        {ops != NULL ? ops->options : NULL, resource->config}};
    mw_options_load_several(targets, ops != NULL ? 2 : 1, entry, path, self->folder, self->settings,
                            self->faults);
    if (ops != NULL)
        check_thresholds(self, entry, path, resource);
    check_name(self, entry, path, resource->common.name);
    check_emptiness(self, entry, path, &resource->common);
    self->settings->resource_count++;
}

/* ---- the planner ---- */

static void load_planner(struct loader *self, const struct mw_yaml *section)
{
    struct mw_llm_settings *llm = &self->settings->llm;
    const char *provider = scalar(section, "provider");
    provider = provider != NULL ? provider : "runbook";
    for (size_t i = 0; mw_registry_planners[i] != NULL; i++) {
        if (strcmp(mw_registry_planners[i]->name, provider) == 0)
            llm->ops = mw_registry_planners[i];
    }
    if (llm->ops == NULL) {
        no_adapter(self, section, "provider", "llm", mw_later_planners,
                   "runbook, gemini or openai");
        return;
    }
    llm->config = talloc_zero_size(self->settings, llm->ops->config_size + 1);
    const struct mw_option_target targets[] = {{mw_llm_options, &llm->common},
                                               {llm->ops->options, llm->config}};
    mw_options_load_several(targets, llm->ops->options != NULL ? 2 : 1, section, "llm",
                            self->folder, self->settings, self->faults);
    if (llm->common.runbooks == NULL)
        llm->common.runbooks = mw_place_of_runbooks(self->settings);
    if (llm->common.runbooks == NULL)
        mw_fault_add(self->faults, 0, "llm.runbooks",
                     "the runbooks that come with midwatch were not found; name their folder");
}

/* ---- the whole ---- */

/* The mapping without the keys that are read apart. */
static struct mw_yaml *without(TALLOC_CTX *memory, const struct mw_yaml *mapping,
                               const char *const *keys)
{
    struct mw_yaml *rest = talloc_memdup(memory, mapping, sizeof *mapping);
    rest->count = 0;
    rest->items = talloc_array(rest, struct mw_yaml *, mapping->count);
    rest->keys = talloc_array(rest, char *, mapping->count);
    rest->key_lines = talloc_array(rest, int, mapping->count);
    for (size_t i = 0; i < mapping->count; i++) {
        if (among(mapping->keys[i], keys))
            continue;
        rest->items[rest->count] = mapping->items[i];
        rest->keys[rest->count] = mapping->keys[i];
        rest->key_lines[rest->count++] = mapping->key_lines[i];
    }
    return rest;
}

static void load_list(struct loader *self, const struct mw_yaml *root, const char *key,
                      void (*load)(struct loader *self, const struct mw_yaml *entry, size_t index))
{
    const struct mw_yaml *list = mw_yaml_get(root, key);
    if (list == NULL || mw_yaml_is_null(list))
        return;
    if (list->type != MW_YAML_SEQUENCE) {
        mw_fault_add(self->faults, list->line, key, "write a list: each entry begins with \"- \"");
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i]->type == MW_YAML_MAPPING)
            load(self, list->items[i], i);
        else
            mw_fault_add(self->faults, list->items[i]->line, key,
                         "entry %zu: write keys and values, like {kind: …}", i);
    }
}

static void load_resources(struct loader *self, const struct mw_yaml *root,
                           const struct mw_yaml *list)
{
    if (list == NULL || list->type != MW_YAML_SEQUENCE || list->count <= MW_RESOURCES_MAX)
        load_list(self, root, "resources", load_resource);
    else
        mw_fault_add(self->faults, list->line, "resources",
                     "these are %zu, and one midwatch watches at most %d; give some to another one",
                     list->count, MW_RESOURCES_MAX);
}

struct list_at {
    struct loader *loader;
    const struct mw_yaml *list;
};

static void add_people_fault(void *context, size_t index, const char *key, const char *text)
{
    const struct list_at *at = context;
    char *path = talloc_asprintf(at->loader->settings, "people[%zu].%s", index, key);
    mw_fault_add(at->loader->faults, mw_yaml_line_of(at->list->items[index], key, NULL), path, "%s",
                 text);
}

static void add_rule_fault(void *context, size_t rule, const char *key, const char *text)
{
    const struct list_at *at = context;
    char *path = talloc_asprintf(at->loader->settings, "policy.rules[%zu].%s", rule, key);
    mw_fault_add(at->loader->faults, mw_yaml_line_of(at->list->items[rule], key, NULL), path, "%s",
                 text);
}

static void load_root(struct loader *self, const struct mw_yaml *mapping)
{
    static const char *const apart[] = {"chat", "resources", "llm", NULL};
    struct mw_settings *settings = self->settings;
    mw_options_load(mw_root_options, without(settings, mapping, apart), "", self->folder, settings,
                    &settings->root, self->faults);
    struct list_at at = {self, mw_yaml_get(mapping, "people")};
    const struct mw_people_faults faults = {.context = &at, .add = add_people_fault};
    mw_people_check(&settings->root.people, &faults);
    const struct mw_yaml *policy = mw_yaml_get(mapping, "policy");
    struct list_at rules = {self, policy != NULL ? mw_yaml_get(policy, "rules") : NULL};
    const struct mw_policy_faults rule_faults = {.context = &rules, .add = add_rule_fault};
    if (settings->root.policy != NULL && rules.list != NULL)
        mw_policy_check(settings->root.policy, &rule_faults);
    const struct mw_heartbeat_config *heartbeat = settings->root.heartbeat;
    struct mw_error error = {.class = MW_ERROR_NONE};
    if (heartbeat != NULL && heartbeat->url != NULL &&
        !mw_heartbeat_check_url(heartbeat->url, &error))
        mw_fault_add(self->faults, mw_yaml_line_of(mapping, "heartbeat", NULL), "heartbeat.url",
                     "%s", error.text);
    const char *store = scalar(mapping, "store");
    if (store != NULL && strstr(store, "://") != NULL)
        mw_fault_add(self->faults, mw_yaml_line_of(mapping, "store", NULL), "store",
                     "not in this version: a database server; write the path of a file");
}

/* The adapters look at their own values: an address that cannot be one, say. */
static void check_targets(struct loader *self, const struct mw_yaml *mapping)
{
    const struct mw_yaml *list = mw_yaml_get(mapping, "resources");
    struct mw_watch *watch = mw_watch_create(NULL);
    for (size_t i = 0; i < self->settings->resource_count; i++) {
        const struct mw_resource_settings *one = &self->settings->resources[i];
        struct mw_error error = {0};
        if (mw_watch_add(watch, one->ops, &one->common, one->config, &error) == NULL)
            mw_fault_add(self->faults, list->items[i]->line, one->common.name, "%s", error.text);
    }
    talloc_free(watch);
}

/* ---- rules that could never match ---- */

static bool known_tool(const char *name)
{
    for (size_t i = 0; mw_registry_targets[i] != NULL; i++) {
        if (mw_catalogue_find(mw_registry_targets[i], name) != NULL)
            return true;
    }
    return false;
}

static bool known_kind(const char *name)
{
    for (size_t i = 0; mw_registry_targets[i] != NULL; i++) {
        if (strcmp(mw_registry_targets[i]->kind, name) == 0)
            return true;
    }
    return false;
}

static bool known_resource(const struct mw_settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->resource_count; i++) {
        const char *known = settings->resources[i].common.name;
        if (known != NULL && strcmp(known, name) == 0)
            return true;
    }
    return false;
}

/* A mistyped `deny` would otherwise let through what it was to keep out. */
static void check_rules(struct loader *self, const struct mw_yaml *mapping)
{
    const struct mw_settings *settings = self->settings;
    const struct mw_yaml *policy = mw_yaml_get(mapping, "policy");
    struct list_at at = {self, policy != NULL ? mw_yaml_get(policy, "rules") : NULL};
    if (settings->root.policy == NULL || at.list == NULL)
        return;
    const struct mw_section_list *rules = &settings->root.policy->rules;
    for (size_t i = 0; i < rules->count; i++) {
        const struct mw_policy_rule *rule = rules->items[i];
        if (rule->tool != NULL && !known_tool(rule->tool))
            add_rule_fault(&at, i, "tool", "there is no such tool; midwatch tools lists them");
        if (rule->kind != NULL && !known_kind(rule->kind))
            add_rule_fault(&at, i, "kind", "this version has no such kind");
        if (rule->resource != NULL && !known_resource(settings, rule->resource))
            add_rule_fault(&at, i, "resource", "no resource has that name");
    }
}

static void check_planner(struct loader *self, const struct mw_yaml *mapping)
{
    const struct mw_llm_settings *llm = &self->settings->llm;
    struct mw_planner *planner = talloc_zero(NULL, struct mw_planner);
    struct mw_error error = {0};
    planner->ops = llm->ops;
    if (!llm->ops->create(planner, llm->config, llm->common.runbooks, &error))
        mw_fault_add(self->faults, mw_yaml_line_of(mapping, "llm", NULL), "llm", "%s", error.text);
    talloc_free(planner);
}

struct mw_settings *mw_settings_load(const char *file, FILE *faults)
{
    struct loader self = {.settings = talloc_zero(NULL, struct mw_settings)};
    self.faults = mw_faults_create(self.settings);
    self.folder = mw_config_folder(self.settings, file);
    struct mw_yaml *mapping = mw_config_read(self.settings, file, self.faults);
    if (mapping != NULL) {
        const struct mw_yaml *chats = mw_yaml_get(mapping, "chat");
        const struct mw_yaml *resources = mw_yaml_get(mapping, "resources");
        self.settings->chats = talloc_zero_array(self.settings, struct mw_chat_settings,
                                                 chats != NULL ? chats->count + 1 : 1);
        self.settings->resources = talloc_zero_array(self.settings, struct mw_resource_settings,
                                                     resources != NULL ? resources->count + 1 : 1);
        load_root(&self, mapping);
        load_list(&self, mapping, "chat", load_chat);
        load_resources(&self, mapping, resources);
        load_planner(&self, mw_yaml_get(mapping, "llm"));
        check_rules(&self, mapping);
        mw_dependencies_check(self.settings, resources, self.faults);
        mw_maintenance_settings_check(self.settings, mapping, self.faults);
        if (self.faults->count == 0) {
            check_targets(&self, mapping);
            check_planner(&self, mapping);
        }
    }
    if (self.faults->count == 0) {
        /* All values were copied out of it. */
        talloc_free(mapping);
        TALLOC_FREE(self.faults);
        return self.settings;
    }
    mw_faults_print(self.faults, file, faults);
    talloc_free(self.settings);
    return NULL;
}

struct mw_watch *mw_settings_watch(TALLOC_CTX *memory, const struct mw_settings *settings,
                                   struct mw_error *error)
{
    struct mw_watch *watch = mw_watch_create(memory);
    for (size_t i = 0; i < settings->resource_count; i++) {
        const struct mw_resource_settings *one = &settings->resources[i];
        if (mw_watch_add(watch, one->ops, &one->common, one->config, error) == NULL) {
            mw_error_wrap(error, "%s", one->common.name);
            talloc_free(watch);
            return NULL;
        }
    }
    return watch;
}
