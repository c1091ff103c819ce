/* SPDX-License-Identifier: Apache-2.0 */
/* Another configuration while midwatch runs. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/changes.h"
#include "cli/daemon.h"
#include "runtime/fiber.h"

#define ROOM   "midwatch"
#define NOTICE "configuration"

/* ---- refusing ---- */

/* "FILE:12: people[0].roles: …" → "line 12: people[0].roles: …" */
static const char *without_file(TALLOC_CTX *memory, const char *fault, const char *file)
{
    size_t length = strlen(file);
    bool named = strncmp(fault, file, length) == 0 && fault[length] == ':';
    return named ? talloc_asprintf(memory, "line %s", fault + length + 1) : fault;
}

static void refuse(struct mw_daemon *self, char *faults)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    const char *first = NULL;
    size_t count = 0;
    char *rest = NULL;
    for (char *line = strtok_r(faults, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        mw_log_error(ROOM, "%s", line);
        first = first != NULL ? first : without_file(memory, line, self->file);
        count++;
    }
    mw_log_error(ROOM, "the configuration was not reloaded; everything goes on as it was");
    char *more =
        count > 1 ? talloc_asprintf(memory, " (and %zu more in the log)", count - 1) : NULL;
    mw_converse_notice(self->converse, NOTICE,
                       talloc_asprintf(memory,
                                       "My configuration has a fault and was not reloaded, so "
                                       "everything goes on as it was: %s%s",
                                       first != NULL ? first : "it cannot be read",
                                       more != NULL ? more : ""));
    talloc_free(memory);
}

/* NULL: it was refused. */
static struct mw_settings *read_settings(struct mw_daemon *self)
{
    char *faults = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&faults, &length);
    if (to == NULL)
        return NULL;
    struct mw_settings *settings = mw_settings_load(self->file, to);
    fclose(to);
    if (settings == NULL)
        refuse(self, faults);
    free(faults);
    return settings;
}

/* ---- what changed ---- */

struct changes {
    bool reloadable; /* which of them to note */
    json_t *keys;
};

static void note(void *context, const char *path, bool reloadable)
{
    struct changes *self = context;
    if (reloadable == self->reloadable)
        json_array_append_new(self->keys, json_string(path));
}

static json_t *changed_keys(const struct mw_settings *before, const struct mw_settings *after,
                            bool reloadable)
{
    struct changes changes = {reloadable, json_array()};
    const struct mw_option_changes told = {&changes, note};
    mw_settings_compare(before, after, &told);
    return changes.keys;
}

static char *list_words(TALLOC_CTX *memory, const json_t *words)
{
    char *list = talloc_strdup(memory, "");
    size_t i;
    json_t *word;
    json_array_foreach(words, i, word)
    {
        list = talloc_asprintf_append(list, "%s%s", i > 0 ? ", " : "", json_string_value(word));
    }
    return list;
}

/* {"added": […], "removed": […], "changed": […]} */
static json_t *changed_resources(const struct mw_settings *before, const struct mw_settings *after)
{
    json_t *added = json_array(), *removed = json_array(), *changed = json_array();
    for (size_t i = 0; i < after->resource_count; i++) {
        const struct mw_resource_settings *one = &after->resources[i];
        const struct mw_resource_settings *was = mw_settings_resource(before, one->common.name);
        if (was == NULL)
            json_array_append_new(added, json_string(one->common.name));
        else if (!mw_resource_settings_equal(was, one))
            json_array_append_new(changed, json_string(one->common.name));
    }
    for (size_t i = 0; i < before->resource_count; i++) {
        if (mw_settings_resource(after, before->resources[i].common.name) == NULL)
            json_array_append_new(removed, json_string(before->resources[i].common.name));
    }
    return json_pack("{s:o, s:o, s:o}", "added", added, "removed", removed, "changed", changed);
}

static void log_changes(const json_t *changes)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    const json_t *keys = json_object_get(changes, "keys");
    char *text = talloc_asprintf(memory, "the configuration was reloaded: %s",
                                 json_array_size(keys) > 0 ? list_words(memory, keys)
                                                           : "nothing is different");
    const char *what;
    json_t *names;
    json_object_foreach(json_object_get(changes, "resources"), what, names)
    {
        if (json_array_size(names) > 0)
            text = talloc_asprintf_append(text, "; %s: %s", what, list_words(memory, names));
    }
    mw_log_info(ROOM, "%s", text);
    const json_t *kept = json_object_get(changes, "need_restart");
    if (json_array_size(kept) > 0)
        mw_log_warning(ROOM, "stays as it was until midwatch is restarted: %s",
                       list_words(memory, kept));
    talloc_free(memory);
}

static void record_changes(struct mw_daemon *self, const json_t *changes)
{
    struct mw_error error = {0};
    struct mw_change *change = mw_change_begin(self->record);
    mw_change_audit(change, "midwatch", "reloaded", 0, changes);
    if (!mw_change_commit(change, false, &error) && error.class != MW_ERROR_CANCELLED)
        mw_log_warning(ROOM, "the audit trail does not say that the configuration was reloaded: %s",
                       error.text);
}

/* ---- putting it into force ---- */

static bool replace_inventory(struct mw_daemon *self, struct mw_settings *settings,
                              struct mw_error *error)
{
    size_t count = settings->resource_count;
    struct mw_watch_entry *entries = talloc_zero_array(NULL, struct mw_watch_entry, count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct mw_resource_settings *one = &settings->resources[i];
        const struct mw_resource_settings *was =
            mw_settings_resource(self->settings, one->common.name);
        bool equal = was != NULL && mw_resource_settings_equal(was, one);
        entries[i] = (struct mw_watch_entry){
            .stays = equal ? mw_watch_find(self->watch, one->common.name) : NULL,
            .ops = one->ops,
            .config = &one->common,
            .kind_config = one->config,
            .same_target = was != NULL && mw_resource_settings_same_target(was, one),
        };
    }
    bool ok = mw_watch_replace(self->watch, entries, count, settings, error);
    talloc_free(entries);
    return ok;
}

/* Nothing here suspends before all rooms follow the new settings. */
static bool put_into_force(struct mw_daemon *self, struct mw_settings *settings,
                           struct mw_error *error)
{
    void *generation = talloc_new(self->memory);
    struct mw_respond_settings respond;
    if (!mw_daemon_respond_settings(settings, generation, &respond, error) ||
        !replace_inventory(self, settings, error)) {
        talloc_free(generation);
        return false;
    }
    talloc_steal(generation, settings);
    void *before = self->generation;
    self->generation = generation;
    self->settings = settings;
    self->retention = *settings->root.retention;
    const struct mw_log_settings *log = settings->root.log;
    mw_log_setup((enum mw_log_level)log->level, log->format == 1);
    const struct mw_converse_settings converse = mw_daemon_converse_settings(self);
    mw_converse_reload(self->converse, &converse);
    mw_respond_reload(self->respond, &respond);
    mw_heartbeat_follow(&self->heartbeat, settings->root.heartbeat);
    /* Whoever still uses it has a reference. */
    talloc_unlink(self->memory, before);
    return true;
}

void mw_daemon_reload(struct mw_daemon *self)
{
    mw_log_info(ROOM, "reading %s anew (SIGHUP)", self->file);
    struct mw_settings *settings = read_settings(self);
    if (settings == NULL)
        return;
    json_auto_t *changes =
        json_pack("{s:o, s:o, s:o}", "keys", changed_keys(self->settings, settings, true),
                  "need_restart", changed_keys(self->started, settings, false), "resources",
                  changed_resources(self->settings, settings));
    struct mw_error error = {0};
    if (!put_into_force(self, settings, &error)) {
        talloc_free(settings);
        refuse(self, error.text);
        return;
    }
    log_changes(changes);
    record_changes(self, changes);
    mw_converse_notice_over(self->converse, NOTICE, "My configuration is well again and in force.");
}
