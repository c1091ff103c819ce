/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/text.h"
#include "config/values.h"

struct load {
    const struct mw_option_target *targets;
    size_t count;
    const struct mw_yaml *mapping; /* NULL: all keys are absent */
    bool unreadable;               /* no mapping where one should be, which was reported */
    const char *path, *folder;
    TALLOC_CTX *memory;
    struct mw_faults *faults;
};

static char *join(const char *path, const char *key)
{
    bool top = path == NULL || *path == '\0';
    return talloc_asprintf(NULL, "%s%s%s", top ? "" : path, top ? "" : ".", key);
}

static const struct mw_option *find_option(const struct mw_option *table, const char *key)
{
    for (; table->name != NULL; table++) {
        if (strcmp(table->name, key) == 0) {
            return table;
        }
    }
    return NULL;
}

static bool is_known(const struct load *load, const char *key)
{
    for (size_t i = 0; i < load->count; i++) {
        if (find_option(load->targets[i].table, key) != NULL) {
            return true;
        }
    }
    return false;
}

/* The keys of all tables, ended with NULL. */
static const char **known_keys(TALLOC_CTX *memory, const struct load *load)
{
    size_t count = 0;
    for (size_t i = 0; i < load->count; i++) {
        for (const struct mw_option *row = load->targets[i].table; row->name != NULL; row++) {
            count++;
        }
    }
    const char **keys = talloc_zero_array(memory, const char *, count + 1);
    for (size_t i = 0, at = 0; keys != NULL && i < load->count; i++) {
        for (const struct mw_option *row = load->targets[i].table; row->name != NULL; row++) {
            keys[at++] = row->name;
        }
    }
    return keys;
}

static char *list_keys(TALLOC_CTX *memory, const char *const *keys)
{
    char *list = talloc_strdup(memory, "");
    for (size_t i = 0; list != NULL && keys[i] != NULL; i++) {
        list = talloc_asprintf_append(list, "%s%s", i > 0 ? ", " : "", keys[i]);
    }
    return list;
}

static void report_unknown(const struct load *load, const char *key, int line)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    const char **keys = known_keys(memory, load);
    const char *nearest = keys != NULL ? mw_text_nearest(key, keys) : NULL;
    char *path = talloc_steal(memory, join(load->path, key));
    if (nearest != NULL) {
        mw_fault_add(load->faults, line, path, "unknown key; did you mean `%s`?", nearest);
    } else {
        char *list = keys != NULL ? list_keys(memory, keys) : NULL;
        mw_fault_add(load->faults, line, path, "unknown key; known here are: %s",
                     list != NULL ? list : "other keys");
    }
    talloc_free(memory);
}

static void report_all_unknown(const struct load *load)
{
    for (size_t i = 0; load->mapping != NULL && i < load->mapping->count; i++) {
        if (!is_known(load, load->mapping->keys[i])) {
            report_unknown(load, load->mapping->keys[i], load->mapping->key_lines[i]);
        }
    }
}

/* A key that this version does not have asks for nothing when it says what would hold without it. */
static bool asks_for_nothing(const struct mw_option *option, const struct mw_yaml *node)
{
    if (node->type != MW_YAML_SCALAR) {
        return node->count == 0;
    }
    return mw_yaml_is_null(node) ||
           (option->fallback != NULL && strcmp(node->text, option->fallback) == 0);
}

static void load_section(const struct load *load, const struct mw_option *option,
                         const struct mw_yaml *node, const char *path, void **slot)
{
    if (node != NULL && node->type != MW_YAML_MAPPING && !mw_yaml_is_null(node)) {
        const struct mw_option *first = option->children;
        mw_fault_add(load->faults, node->line, path,
                     "must be a mapping of keys with values; for example `{%s: …}`", first->name);
        return;
    }
    *slot = talloc_zero_size(load->memory, option->size);
    if (*slot != NULL) {
        mw_options_load(option->children, node, path, load->folder, load->memory, *slot,
                        load->faults);
    }
}

static void load_sections(const struct load *load, const struct mw_option *option,
                          const struct mw_yaml *node, const char *path,
                          struct mw_section_list *list)
{
    if (node->type != MW_YAML_SEQUENCE) {
        const struct mw_option *first = option->children;
        mw_fault_add(load->faults, node->line, path,
                     "must be a list of mappings; for example `[{%s: …}]`", first->name);
        return;
    }
    list->items = talloc_zero_array(load->memory, void *, node->count + 1);
    list->count = 0;
    for (size_t i = 0; list->items != NULL && i < node->count; i++) {
        char *inner = talloc_asprintf(NULL, "%s[%zu]", path, i);
        const struct mw_yaml *item = node->items[i];
        void *section = NULL;
        if (item->broken) {
            section = NULL;
        } else if (mw_yaml_is_null(item)) {
            mw_fault_add(load->faults, item->line, inner, "is empty; fill it in or leave it out");
        } else {
            load_section(load, option, item, inner, &section);
        }
        talloc_free(inner);
        if (section != NULL) {
            list->items[list->count++] = section;
        }
    }
}

static void load_value(const struct load *load, const struct mw_option *option,
                       const struct mw_yaml *node, const char *path, void *slot)
{
    if (option->type == MW_OPTION_SECTION) {
        load_section(load, option, node, path, slot);
    } else if (option->type == MW_OPTION_SECTIONS) {
        load_sections(load, option, node, path, slot);
    } else {
        struct mw_reading_place place = {path, load->folder, load->memory, load->faults};
        mw_value_read(option, node, &place, slot);
    }
}

static void load_fallback(const struct load *load, const struct mw_option *option, const char *path,
                          void *slot)
{
    bool is_list = option->type == MW_OPTION_TEXT_LIST || option->type == MW_OPTION_SECTIONS ||
                   option->type == MW_OPTION_THRESHOLDS;
    if (option->fallback == NULL || (is_list && strchr("[{", *option->fallback) != NULL)) {
        return;
    }
    if (option->type == MW_OPTION_SECTION) {
        load_section(load, option, NULL, path, slot);
        return;
    }
    char *text = talloc_strdup(NULL, option->fallback);
    struct mw_yaml node = {.type = MW_YAML_SCALAR, .text = text};
    load_value(load, option, &node, path, slot);
    talloc_free(text);
}

static void load_option(const struct load *load, const struct mw_option *option, void *out)
{
    const struct mw_yaml *node = mw_yaml_get(load->mapping, option->name);
    bool present = node != NULL && !mw_yaml_is_null(node);
    int line = mw_yaml_line_of(load->mapping, option->name, NULL);
    char *path = join(load->path, option->name);
    void *slot = (char *)out + option->offset;

    if ((option->flags & MW_OPTION_NEXT) != 0) {
        if (present && !node->broken && !asks_for_nothing(option, node)) {
            mw_fault_add(load->faults, line, path, "not in this version: %s; leave it out",
                         option->help);
        }
    } else if (!present && (option->flags & MW_OPTION_REQUIRED) != 0) {
        if (!load->unreadable) {
            mw_fault_add(load->faults, line, path, "is required and missing: %s", option->help);
        }
    } else {
        /* A value that cannot be read leaves the fallback; a section has none beside its own. */
        if (!present || option->type != MW_OPTION_SECTION) {
            load_fallback(load, option, path, slot);
        }
        if (present && !node->broken) {
            load_value(load, option, node, path, slot);
        }
    }
    talloc_free(path);
}

bool mw_options_load_several(const struct mw_option_target *targets, size_t count,
                             const struct mw_yaml *mapping, const char *path, const char *folder,
                             TALLOC_CTX *memory, struct mw_faults *faults)
{
    size_t before = faults->count;
    struct load load = {
        .targets = targets,
        .count = count,
        .mapping = mapping,
        .path = path,
        .folder = folder,
        .memory = memory,
        .faults = faults,
    };
    if (mapping != NULL && mapping->type != MW_YAML_MAPPING) {
        load.mapping = NULL;
        load.unreadable = !mw_yaml_is_null(mapping);
        if (load.unreadable && !mapping->broken) {
            mw_fault_add(faults, mapping->line, path, "must be a mapping of keys with values");
        }
    }
    report_all_unknown(&load);
    for (size_t i = 0; i < count; i++) {
        for (const struct mw_option *row = targets[i].table; row->name != NULL; row++) {
            load_option(&load, row, targets[i].out);
        }
    }
    return faults->count == before;
}

bool mw_options_load(const struct mw_option *table, const struct mw_yaml *mapping, const char *path,
                     const char *folder, TALLOC_CTX *memory, void *out, struct mw_faults *faults)
{
    struct mw_option_target target = {.table = table, .out = out};
    return mw_options_load_several(&target, 1, mapping, path, folder, memory, faults);
}
