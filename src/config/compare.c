/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "config/config.h"

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_number(double a, double b)
{
    return fabs(a - b) <= 0 || (isnan(a) && isnan(b));
}

static bool same_list(const struct mw_text_list *a, const struct mw_text_list *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        same = same_text(a->items[i], b->items[i]);
    }
    return same;
}

static bool same_thresholds(const struct mw_threshold_list *a, const struct mw_threshold_list *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        same = same_text(a->items[i].metric, b->items[i].metric) &&
               same_number(a->items[i].degraded, b->items[i].degraded) &&
               same_number(a->items[i].failed, b->items[i].failed);
    }
    return same;
}

static bool same_sections(const struct mw_option *option, const struct mw_section_list *a,
                          const struct mw_section_list *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        same = mw_options_equal(option->children, a->items[i], b->items[i]);
    }
    return same;
}

/* Of all types but MW_OPTION_SECTION. */
static bool same_value(const struct mw_option *option, const void *a, const void *b)
{
    switch (option->type) {
    case MW_OPTION_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case MW_OPTION_INTEGER:
    case MW_OPTION_DURATION:
    case MW_OPTION_SIZE:
        return *(const int64_t *)a == *(const int64_t *)b;
    case MW_OPTION_NUMBER:
        return same_number(*(const double *)a, *(const double *)b);
    case MW_OPTION_TEXT:
    case MW_OPTION_PATH:
        return same_text(*(const char *const *)a, *(const char *const *)b);
    case MW_OPTION_CHOICE:
        return *(const int *)a == *(const int *)b;
    case MW_OPTION_TEXT_LIST:
        return same_list(a, b);
    case MW_OPTION_THRESHOLDS:
        return same_thresholds(a, b);
    case MW_OPTION_SECTIONS:
        return same_sections(option, a, b);
    case MW_OPTION_SECTION:
        break;
    }
    return true;
}

static void compare_row(const struct mw_option *option, const void *before, const void *after,
                        const char *path, const struct mw_option_changes *changes)
{
    const void *a = (const char *)before + option->offset;
    const void *b = (const char *)after + option->offset;
    char *key = talloc_asprintf(NULL, "%s%s%s", path, *path != '\0' ? "." : "", option->name);
    bool same;
    if (option->type == MW_OPTION_SECTION) {
        const void *old = *(void *const *)a, *new = *(void *const *)b;
        same = (old == NULL) == (new == NULL);
        if (old != NULL && new != NULL) {
            mw_options_compare(option->children, old, new, key, changes);
        }
    } else {
        same = same_value(option, a, b);
    }
    if (!same) {
        changes->add(changes->context, key, (option->flags & MW_OPTION_RELOADABLE) != 0);
    }
    talloc_free(key);
}

void mw_options_compare(const struct mw_option *table, const void *before, const void *after,
                        const char *path, const struct mw_option_changes *changes)
{
    for (; table != NULL && table->name != NULL; table++) {
        if ((table->flags & MW_OPTION_NEXT) == 0) {
            compare_row(table, before, after, path, changes);
        }
    }
}

static void note_difference(void *context, const char *path, bool reloadable)
{
    *(bool *)context = true;
}

bool mw_options_equal(const struct mw_option *table, const void *a, const void *b)
{
    bool differ = false;
    const struct mw_option_changes changes = {&differ, note_difference};
    mw_options_compare(table, a, b, "", &changes);
    return !differ;
}
