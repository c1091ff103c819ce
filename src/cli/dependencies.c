/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dependencies.h"

#include <string.h>

#include "base/text.h"

static const char *name_of(const struct mw_yaml *entry)
{
    const struct mw_yaml *name = entry->type == MW_YAML_MAPPING ? mw_yaml_get(entry, "name") : NULL;
    return name != NULL && name->type == MW_YAML_SCALAR ? name->text : NULL;
}

/* In the file, so that one whose entry is faulty is there all the same; `*index` of its entry. */
static bool in_file(const struct mw_yaml *list, const char *name, size_t *index)
{
    for (size_t i = 0; i < list->count; i++) {
        const char *other = name_of(list->items[i]);
        if (other != NULL && strcmp(other, name) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

static const char *nearest(TALLOC_CTX *memory, const struct mw_yaml *list, const char *name)
{
    const char **names = talloc_zero_array(memory, const char *, list->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const char *other = name_of(list->items[i]);
        if (other != NULL)
            names[count++] = other;
    }
    return mw_text_nearest(name, names);
}

void mw_resource_name_check(const char *name, const struct mw_yaml *list, int line,
                            const char *path, struct mw_faults *faults)
{
    size_t index;
    if (in_file(list, name, &index))
        return;
    const char *near = nearest(faults, list, name);
    mw_fault_add(faults, line, path, "there is no resource \"%.60s\"%s%s%s", name,
                 near != NULL ? "; did you mean `" : "; name one of resources:",
                 near != NULL ? near : "", near != NULL ? "`?" : "");
}

static size_t find(const struct mw_settings *settings, const char *name)
{
    size_t i = 0;
    while (i < settings->resource_count && (settings->resources[i].common.name == NULL ||
                                            strcmp(settings->resources[i].common.name, name) != 0))
        i++;
    return i;
}

/* Whether what `from` needs leads to `to`; `seen` are those that were looked at already. */
static bool leads_to(const struct mw_settings *settings, size_t from, const char *to, bool *seen)
{
    if (from == settings->resource_count || seen[from])
        return false;
    seen[from] = true;
    const struct mw_text_list *needs = &settings->resources[from].common.depends_on;
    for (size_t i = 0; i < needs->count; i++) {
        if (strcmp(needs->items[i], to) == 0 ||
            leads_to(settings, find(settings, needs->items[i]), to, seen))
            return true;
    }
    return false;
}

static void check_one(const struct mw_settings *settings, const struct mw_yaml *list,
                      const struct mw_resource_config *one, struct mw_faults *faults)
{
    size_t index = 0;
    if (one->name == NULL || one->depends_on.count == 0 || !in_file(list, one->name, &index))
        return;
    int line = mw_yaml_line_of(list->items[index], "depends_on", NULL);
    char *path = talloc_asprintf(faults, "resources[%zu].depends_on", index);
    for (size_t i = 0; i < one->depends_on.count; i++)
        mw_resource_name_check(one->depends_on.items[i], list, line, path, faults);
    bool *seen = talloc_zero_array(faults, bool, settings->resource_count);
    if (leads_to(settings, find(settings, one->name), one->name, seen))
        mw_fault_add(faults, line, path,
                     "%s needs itself in the end, by way of what it needs; leave one of them out",
                     one->name);
}

void mw_dependencies_check(const struct mw_settings *settings, const struct mw_yaml *list,
                           struct mw_faults *faults)
{
    if (list == NULL || list->type != MW_YAML_SEQUENCE)
        return;
    for (size_t i = 0; i < settings->resource_count; i++)
        check_one(settings, list, &settings->resources[i].common, faults);
}
