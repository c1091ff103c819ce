/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "config/values.h"

#define EXAMPLE "{degraded: 95, failed: 99}"

/* The row that stands for both limits in messages: a plain value without bounds or secrets. */
static const struct mw_option limit_option = {.name = "limit", .type = MW_OPTION_NUMBER};

static bool read_limit(const char *key, int key_line, const struct mw_yaml *node,
                       const struct mw_reading_place *place, struct mw_threshold *threshold)
{
    static const char *const known[] = {"degraded", "failed", NULL};
    char *path = talloc_asprintf(NULL, "%s.%s", place->path, key);
    bool ok = true;
    double *slot = strcmp(key, known[0]) == 0   ? &threshold->degraded
                   : strcmp(key, known[1]) == 0 ? &threshold->failed
                                                : NULL;
    if (slot == NULL) {
        const char *nearest = mw_text_nearest(key, known);
        mw_fault_add(place->faults, key_line, path,
                     nearest != NULL ? "unknown key; did you mean `%s`?"
                                     : "unknown key; a metric takes `degraded` and `failed`%.0s",
                     nearest != NULL ? nearest : "");
        ok = false;
    } else if (node->broken) {
        ok = false;
    } else if (!mw_yaml_is_null(node) &&
               (node->type != MW_YAML_SCALAR || !mw_value_number(node->text, slot))) {
        char *found = mw_value_found(NULL, &limit_option, node);
        mw_fault_add(place->faults, node->line, path, "must be a number%s; for example `95`",
                     found != NULL ? found : "");
        talloc_free(found);
        ok = false;
    }
    talloc_free(path);
    return ok;
}

static bool read_metric(const struct mw_yaml *node, int line, const struct mw_reading_place *place,
                        struct mw_threshold *threshold)
{
    if (node->type != MW_YAML_MAPPING || node->count == 0) {
        if (!node->broken) {
            mw_fault_add(place->faults, line, place->path,
                         "must say from which value on; for example `" EXAMPLE "`");
        }
        return false;
    }
    bool ok = true;
    for (size_t i = 0; i < node->count; i++) {
        ok &= read_limit(node->keys[i], node->key_lines[i], node->items[i], place, threshold);
    }
    return ok;
}

bool mw_thresholds_read(const struct mw_yaml *node, const struct mw_reading_place *place,
                        struct mw_threshold_list *list)
{
    if (node->type != MW_YAML_MAPPING) {
        mw_fault_add(place->faults, node->line, place->path,
                     "must be a mapping of metrics; for example `{memory_percent: " EXAMPLE "}`");
        return false;
    }
    struct mw_threshold *items = talloc_zero_array(place->memory, struct mw_threshold, node->count);
    bool ok = items != NULL;
    for (size_t i = 0; items != NULL && i < node->count; i++) {
        struct mw_reading_place inner = *place;
        char *path = talloc_asprintf(NULL, "%s.%s", place->path, node->keys[i]);
        inner.path = path;
        items[i] = (struct mw_threshold){
            .metric = talloc_strdup(items, node->keys[i]),
            .degraded = NAN,
            .failed = NAN,
        };
        ok &= read_metric(node->items[i], node->key_lines[i], &inner, &items[i]);
        talloc_free(path);
    }
    *list = (struct mw_threshold_list){.count = items != NULL ? node->count : 0, .items = items};
    return ok;
}
