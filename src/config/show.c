/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "base/redact.h"
#include "config/values.h"

#define MASK "•••"

static json_t *take_text(char *text)
{
    json_t *value = text != NULL ? json_string(text) : json_null();
    talloc_free(text);
    return value;
}

static json_t *show_url(const char *url)
{
    size_t from, to;
    if (!mw_value_url_password(url, &from, &to)) {
        return take_text(mw_redact(NULL, url));
    }
    /* Other parts of it may be secret too. */
    char *masked = talloc_asprintf(NULL, "%.*s" MASK "%s", (int)from, url, url + to);
    char *shown = masked != NULL ? mw_redact(NULL, masked) : NULL;
    talloc_free(masked);
    return take_text(shown);
}

static json_t *show_text(const struct mw_option *option, const char *text)
{
    if (text == NULL) {
        return json_null();
    }
    if ((option->flags & MW_OPTION_SECRET) != 0) {
        return json_string(MASK);
    }
    if ((option->flags & MW_OPTION_HAS_SECRET) != 0) {
        return show_url(text);
    }
    return take_text(mw_redact(NULL, text));
}

static json_t *show_text_list(const struct mw_option *option, const struct mw_text_list *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++) {
        json_array_append_new(array, show_text(option, list->items[i]));
    }
    return array;
}

static json_t *show_thresholds(const struct mw_threshold_list *list)
{
    json_t *object = json_object();
    for (size_t i = 0; i < list->count; i++) {
        const struct mw_threshold *threshold = &list->items[i];
        json_t *limits = json_object();
        if (!isnan(threshold->degraded)) {
            json_object_set_new(limits, "degraded", json_real(threshold->degraded));
        }
        if (!isnan(threshold->failed)) {
            json_object_set_new(limits, "failed", json_real(threshold->failed));
        }
        json_object_set_new(object, threshold->metric, limits);
    }
    return object;
}

static json_t *show_sections(const struct mw_option *option, const struct mw_section_list *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++) {
        json_array_append_new(array, mw_options_show(option->children, list->items[i]));
    }
    return array;
}

static json_t *show_value(const struct mw_option *option, const void *slot)
{
    switch (option->type) {
    case MW_OPTION_BOOL:
        return json_boolean(*(const bool *)slot);
    case MW_OPTION_INTEGER:
        return json_integer(*(const int64_t *)slot);
    case MW_OPTION_NUMBER:
        return json_real(*(const double *)slot);
    case MW_OPTION_TEXT:
    case MW_OPTION_PATH:
        return show_text(option, *(const char *const *)slot);
    case MW_OPTION_CHOICE:
        return json_string(option->choices[*(const int *)slot]);
    case MW_OPTION_DURATION:
        return take_text(mw_value_duration(NULL, *(const int64_t *)slot));
    case MW_OPTION_SIZE:
        return take_text(mw_value_size(NULL, *(const int64_t *)slot));
    case MW_OPTION_TEXT_LIST:
        return show_text_list(option, slot);
    case MW_OPTION_THRESHOLDS:
        return show_thresholds(slot);
    case MW_OPTION_SECTION: {
        const void *section = *(void *const *)slot;
        return section != NULL ? mw_options_show(option->children, section) : json_null();
    }
    case MW_OPTION_SECTIONS:
        return show_sections(option, slot);
    }
    return json_null();
}

json_t *mw_options_show(const struct mw_option *table, const void *values)
{
    json_t *object = json_object();
    for (; table->name != NULL; table++) {
        if ((table->flags & MW_OPTION_NEXT) == 0) {
            const char *base = values;
            json_object_set_new(object, table->name, show_value(table, base + table->offset));
        }
    }
    return object;
}
