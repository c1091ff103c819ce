/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/llm/runbook/template.h"

#include <math.h>
#include <string.h>
#include <talloc.h>

static char *append_value(char *to, const json_t *value)
{
    if (json_is_string(value))
        return talloc_strdup_append_buffer(to, json_string_value(value));
    if (json_is_boolean(value))
        return talloc_strdup_append_buffer(to, json_is_true(value) ? "true" : "false");
    double number = json_number_value(value);
    int decimals = fabs(number - round(number)) < 0.05 ? 0 : 1;
    return talloc_asprintf_append_buffer(to, "%.*f", decimals, number);
}

static const json_t *look_up(const json_t *situation, const char *name, size_t length)
{
    static const char *const places[] = {"metrics", "facts", "resource"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const json_t *value = json_object_getn(json_object_get(situation, places[i]), name, length);
        if (json_is_string(value) || json_is_number(value) || json_is_boolean(value))
            return value;
    }
    return NULL;
}

json_t *mw_template_fill(const char *text, const json_t *situation)
{
    if (text == NULL)
        return NULL;
    char *filled = talloc_strdup(NULL, "");
    json_t *result = NULL;
    for (;;) {
        const char *open = strchr(text, '{');
        const char *close = open != NULL ? strchr(open, '}') : NULL;
        if (close == NULL) {
            filled = talloc_strdup_append_buffer(filled, text);
            result = json_string(filled);
            break;
        }
        const json_t *value = look_up(situation, open + 1, (size_t)(close - open - 1));
        if (value == NULL)
            break;
        filled = talloc_strndup_append_buffer(filled, text, (size_t)(open - text));
        filled = append_value(filled, value);
        text = close + 1;
    }
    talloc_free(filled);
    return result;
}
