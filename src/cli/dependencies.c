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

/* ---- who needs whom ---- */

/* Of one resource, by their numbers in the settings. */
struct needs {
    size_t count;
    size_t *on;
};

struct graph {
    const struct mw_settings *settings;
    const struct mw_yaml *list;
    struct mw_faults *faults;
    json_t *entries; /* name → number of its entry in the file, faulty ones too */
    struct needs *needs;
    int *
        length; /* of the longest chain of needs that begins here, itself included; 0: longer than any */
};

static json_t *number_entries(const struct mw_yaml *list)
{
    json_t *entries = json_object();
    for (size_t i = 0; i < list->count; i++) {
        const char *name = name_of(list->items[i]);
        if (name != NULL && json_object_get(entries, name) == NULL)
            json_object_set_new(entries, name, json_integer((json_int_t)i));
    }
    return entries;
}

static const struct mw_resource_config *resource_at(const struct graph *graph, size_t number)
{
    return &graph->settings->resources[number].common;
}

static void number_needs(struct graph *graph)
{
    size_t count = graph->settings->resource_count;
    json_auto_t *numbers = json_object();
    for (size_t i = count; i > 0; i--) {
        if (resource_at(graph, i - 1)->name != NULL)
            json_object_set_new(numbers, resource_at(graph, i - 1)->name,
                                json_integer((json_int_t)i - 1));
    }
    graph->needs = talloc_zero_array(graph->faults, struct needs, count);
    for (size_t i = 0; i < count; i++) {
        const struct mw_text_list *names = &resource_at(graph, i)->depends_on;
        struct needs *needs = &graph->needs[i];
        needs->on = talloc_array(graph->needs, size_t, names->count);
        for (size_t j = 0; j < names->count; j++) {
            const json_t *number = json_object_get(numbers, names->items[j]);
            if (number != NULL)
                needs->on[needs->count++] = (size_t)json_integer_value(number);
        }
    }
}

/* Each round settles those whose needs are all settled, so this ends however they are tangled. */
static void measure_chains(struct graph *graph)
{
    size_t count = graph->settings->resource_count;
    graph->length = talloc_zero_array(graph->needs, int, count);
    for (int round = 1; round <= MW_NEEDS_CHAIN_MAX + 1; round++) {
        for (size_t i = 0; i < count; i++) {
            bool settled = graph->length[i] == 0;
            for (size_t j = 0; settled && j < graph->needs[i].count; j++) {
                int below = graph->length[graph->needs[i].on[j]];
                settled = below != 0 && below < round;
            }
            if (settled)
                graph->length[i] = round;
        }
    }
}

/* Without recursion: the way may lead through every resource. */
static bool needs_itself(const struct graph *graph, size_t number)
{
    size_t count = graph->settings->resource_count, waiting = 0;
    bool *seen = talloc_zero_array(NULL, bool, count), found = false;
    size_t *next = talloc_array(seen, size_t, count);
    next[waiting++] = number;
    while (waiting > 0 && !found) {
        const struct needs *needs = &graph->needs[next[--waiting]];
        for (size_t i = 0; i < needs->count; i++) {
            found = found || needs->on[i] == number;
            if (!seen[needs->on[i]])
                next[waiting++] = needs->on[i];
            seen[needs->on[i]] = true;
        }
    }
    talloc_free(seen);
    return found;
}

static void check_names(const struct graph *graph, const struct mw_resource_config *one, int line,
                        const char *path)
{
    for (size_t i = 0; i < one->depends_on.count; i++) {
        const char *name = one->depends_on.items[i];
        if (json_object_get(graph->entries, name) == NULL)
            mw_resource_name_check(name, graph->list, line, path, graph->faults);
    }
}

static void check_one(const struct graph *graph, size_t number)
{
    const struct mw_resource_config *one = resource_at(graph, number);
    const json_t *entry = one->name != NULL ? json_object_get(graph->entries, one->name) : NULL;
    if (entry == NULL || one->depends_on.count == 0 || graph->faults->count >= MW_FAULTS_MAX)
        return;
    size_t index = (size_t)json_integer_value(entry);
    int line = mw_yaml_line_of(graph->list->items[index], "depends_on", NULL);
    char *path = talloc_asprintf(graph->needs, "resources[%zu].depends_on", index);
    check_names(graph, one, line, path);
    if (graph->length[number] == 0 && needs_itself(graph, number))
        mw_fault_add(graph->faults, line, path,
                     "%s needs itself in the end, by way of what it needs; leave one of them out",
                     one->name);
    else if (graph->length[number] > MW_NEEDS_CHAIN_MAX)
        mw_fault_add(graph->faults, line, path,
                     "%s begins a chain of needs that is longer than %d; leave some of them out",
                     one->name, MW_NEEDS_CHAIN_MAX);
}

void mw_dependencies_check(const struct mw_settings *settings, const struct mw_yaml *list,
                           struct mw_faults *faults)
{
    if (list == NULL || list->type != MW_YAML_SEQUENCE)
        return;
    struct graph graph = {
        .settings = settings, .list = list, .faults = faults, .entries = number_entries(list)};
    number_needs(&graph);
    measure_chains(&graph);
    for (size_t i = 0; i < settings->resource_count; i++)
        check_one(&graph, i);
    talloc_free(graph.needs);
    json_decref(graph.entries);
}
