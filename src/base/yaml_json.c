/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/yaml.h"

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (strcmp(text, *words) == 0) {
            return true;
        }
    }
    return false;
}

bool mw_yaml_is_null(const struct mw_yaml *node)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL", NULL};
    return node != NULL && node->type == MW_YAML_SCALAR && node->plain &&
           is_one_of(node->text, words);
}

static size_t digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* [-+]? [0-9]+, or 0o and 0x with their digits. */
static bool is_integer(const char *text, int *base, const char **start)
{
    *base = 10;
    *start = text;
    if (text[0] == '0' && (text[1] == 'o' || text[1] == 'x')) {
        *base = text[1] == 'o' ? 8 : 16;
        *start = text + 2;
        const char *allowed = *base == 8 ? "01234567" : "0123456789abcdefABCDEF";
        return text[2] != '\0' && text[2 + strspn(text + 2, allowed)] == '\0';
    }
    text += *text == '-' || *text == '+';
    return digits(text) > 0 && text[digits(text)] == '\0';
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool is_float(const char *text)
{
    text += *text == '-' || *text == '+';
    size_t before = digits(text), after = 0;
    text += before;
    if (*text == '.') {
        after = digits(text + 1);
        text += 1 + after;
    }
    if (before == 0 && after == 0) {
        return false;
    }
    if (*text == 'e' || *text == 'E') {
        text++;
        text += *text == '-' || *text == '+';
        size_t exponent = digits(text);
        text += exponent;
        return exponent > 0 && *text == '\0';
    }
    return *text == '\0';
}

/* NULL when the text is no number that JSON can carry. */
static json_t *number_to_json(const char *text)
{
    int base;
    const char *start;
    if (is_integer(text, &base, &start)) {
        errno = 0;
        long long integer = strtoll(start, NULL, base);
        if (errno == 0) {
            return json_integer(integer);
        }
    } else if (!is_float(text)) {
        return NULL;
    }
    double number = strtod(text, NULL);
    return isfinite(number) ? json_real(number) : NULL;
}

static json_t *scalar_to_json(const struct mw_yaml *node)
{
    static const char *const yes[] = {"true", "True", "TRUE", NULL};
    static const char *const no[] = {"false", "False", "FALSE", NULL};
    if (node->plain) {
        if (mw_yaml_is_null(node)) {
            return json_null();
        }
        if (is_one_of(node->text, yes)) {
            return json_true();
        }
        if (is_one_of(node->text, no)) {
            return json_false();
        }
        json_t *number = number_to_json(node->text);
        if (number != NULL) {
            return number;
        }
    }
    return json_string(node->text);
}

json_t *mw_yaml_to_json(const struct mw_yaml *node)
{
    if (node == NULL) {
        return json_null();
    }
    if (node->type == MW_YAML_SCALAR) {
        return scalar_to_json(node);
    }
    bool is_mapping = node->type == MW_YAML_MAPPING;
    json_t *value = is_mapping ? json_object() : json_array();
    for (size_t i = 0; i < node->count; i++) {
        json_t *item = mw_yaml_to_json(node->items[i]);
        if ((is_mapping ? json_object_set_new(value, node->keys[i], item)
                        : json_array_append_new(value, item)) != 0) {
            json_decref(value);
            return NULL;
        }
    }
    return value;
}
