/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/maintenance.h"

#include <string.h>

#include "cli/dependencies.h"

struct place {
    const struct mw_yaml *list;
    struct mw_faults *faults;
};

static void add_fault(void *context, size_t entry, const char *key, const char *text)
{
    const struct place *place = context;
    char *path = talloc_asprintf(place->faults, "maintenance[%zu].%s", entry, key);
    mw_fault_add(place->faults, mw_yaml_line_of(place->list->items[entry], key, NULL), path, "%s",
                 text);
}

static void check_names(struct place *place, size_t entry, const struct mw_text_list *names,
                        const struct mw_yaml *resources)
{
    const struct mw_yaml *given = mw_yaml_get(place->list->items[entry], "resources");
    if (given == NULL)
        return;
    if (given->type == MW_YAML_SEQUENCE && given->count == 0)
        add_fault(place, entry, "resources", "name at least one, or \"*\" for everything");
    for (size_t i = 0; i < names->count; i++) {
        char *path = talloc_asprintf(place->faults, "maintenance[%zu].resources", entry);
        bool known = given->type == MW_YAML_SEQUENCE && i < given->count;
        if (strcmp(names->items[i], "*") != 0)
            mw_resource_name_check(names->items[i], resources,
                                   known ? given->items[i]->line : given->line, path,
                                   place->faults);
    }
}

void mw_maintenance_settings_check(const struct mw_settings *settings, const struct mw_yaml *file,
                                   struct mw_faults *faults)
{
    struct place place = {mw_yaml_get(file, "maintenance"), faults};
    const struct mw_yaml *resources = mw_yaml_get(file, "resources");
    const struct mw_section_list *entries = &settings->root.maintenance;
    const struct mw_maintenance_faults told = {&place, add_fault};
    mw_maintenance_check(entries, &told);
    for (size_t i = 0; i < entries->count; i++) {
        const struct mw_maintenance *entry = entries->items[i];
        if (resources != NULL && resources->type == MW_YAML_SEQUENCE)
            check_names(&place, i, &entry->resources, resources);
    }
}
