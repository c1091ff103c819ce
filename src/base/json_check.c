/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/json_pattern.h"
#include "base/json_schema.h"
#include "base/redact.h"
#include "base/text.h"

#define KEY_MAX        80
#define PATH_MAX_SHOWN 200
#define TEXT_MAX       190

/* The way from the checked value to the part that is looked at, as a list on the stack. */
struct place {
    const struct place *above;
    const char *key; /* NULL: an index */
    size_t index;
};

struct check {
    const char *where;
    struct mw_error *error; /* NULL while alternatives are tried */
};

static bool check_value(struct check *check, const json_t *schema, const json_t *value,
                        const struct place *place);

static void append_place(struct mw_buffer *buffer, const struct place *place)
{
    if (place == NULL) {
        return;
    }
    append_place(buffer, place->above);
    if (place->key != NULL) {
        /* Who sent the value made up its keys. */
        char *key = mw_redact_line(NULL, place->key, strlen(place->key), KEY_MAX);
        mw_buffer_append_format(buffer, "%s%s", buffer->length > 0 ? "." : "",
                                key != NULL ? key : "");
        talloc_free(key);
    } else {
        mw_buffer_append_format(buffer, "[%zu]", place->index);
    }
}

static bool fail(struct check *check, const struct place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool fail(struct check *check, const struct place *place, const char *format, ...)
{
    if (check->error == NULL) {
        return false;
    }
    struct mw_buffer buffer;
    mw_buffer_init(&buffer, NULL, 16384);
    mw_buffer_append_text(&buffer, check->where != NULL ? check->where : "");
    append_place(&buffer, place);
    char *path = mw_buffer_take(&buffer);

    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    text = talloc_vasprintf(NULL, format, arguments);
    va_end(arguments);
    size_t path_length = path != NULL ? strlen(path) : 0,
           text_length = text != NULL ? strlen(text) : 0;
    char *shown_path = mw_text_clean(path, path != NULL ? path : "", path_length, PATH_MAX_SHOWN);
    char *shown = mw_redact_line(text, text != NULL ? text : "", text_length, TEXT_MAX);
    mw_error_set(check->error, MW_ERROR_BAD_INPUT, "%s%s%s", shown_path != NULL ? shown_path : "",
                 path_length > 0 ? ": " : "", shown != NULL ? shown : "does not fit");
    talloc_free(text);
    talloc_free(path);
    return false;
}

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "object";
    case JSON_ARRAY:
        return "array";
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
        return "integer";
    case JSON_REAL:
        return "number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "boolean";
    case JSON_NULL:
        return "null";
    }
    return "value";
}

/* 1.0 is no integer here, stricter than the specification: who asks for an integer reads it with
 * json_integer_value(), which gives 0 for a real. */
static bool is_type(const json_t *value, const char *type)
{
    return strcmp(type, type_name(value)) == 0 ||
           (strcmp(type, "number") == 0 && json_is_number(value));
}

static bool check_type(struct check *check, const json_t *type, const json_t *value,
                       const struct place *place)
{
    if (json_is_string(type)) {
        const char *wanted = json_string_value(type);
        if (is_type(value, wanted)) {
            return true;
        }
        return fail(check, place, "must be %s %s, not %s %s",
                    strchr("aio", *wanted) != NULL ? "an" : "a", wanted,
                    strchr("aio", *type_name(value)) != NULL ? "an" : "a", type_name(value));
    }
    char wanted[80] = "";
    size_t index, used = 0;
    const json_t *one;
    json_array_foreach(type, index, one)
    {
        if (is_type(value, json_string_value(one))) {
            return true;
        }
        int length = snprintf(wanted + used, sizeof wanted - used, "%s%s", index > 0 ? " or " : "",
                              json_string_value(one));
        used = length > 0 && used + (size_t)length < sizeof wanted ? used + (size_t)length : used;
    }
    return fail(check, place, "must be %s, not %s", wanted, type_name(value));
}

/* As mathematics sees it: 1 and 1.0 are the same number. */
static bool same_value(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b) && json_typeof(a) != json_typeof(b)) {
        return json_number_value(a) == json_number_value(b);
    }
    return json_equal(a, b);
}

static bool check_enum(struct check *check, const json_t *choices, const json_t *value,
                       const struct place *place)
{
    size_t index;
    const json_t *choice;
    json_array_foreach(choices, index, choice)
    {
        if (same_value(choice, value)) {
            return true;
        }
    }
    char *list = mw_json_canonical(NULL, choices);
    fail(check, place, "must be one of %.150s", list != NULL ? list : "the listed values");
    talloc_free(list);
    return false;
}

static bool check_const(struct check *check, const json_t *only, const json_t *value,
                        const struct place *place)
{
    if (same_value(only, value)) {
        return true;
    }
    char *text = mw_json_canonical(NULL, only);
    fail(check, place, "must be %.150s", text != NULL ? text : "the one allowed value");
    talloc_free(text);
    return false;
}

/* -1, 0 or 1; exact between integers, where a double would round. */
static int compare(const json_t *a, const json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b)) {
        json_int_t x = json_integer_value(a), y = json_integer_value(b);
        return x < y ? -1 : x > y;
    }
    double x = json_number_value(a), y = json_number_value(b);
    return x < y ? -1 : x > y;
}

static bool check_number(struct check *check, const json_t *schema, const json_t *value,
                         const struct place *place)
{
    static const struct {
        const char *keyword, *says;
        int sign;
        bool or_equal;
    } rules[] = {
        {"minimum", "at least", 1, true},
        {"maximum", "at most", -1, true},
        {"exclusiveMinimum", "more than", 1, false},
        {"exclusiveMaximum", "less than", -1, false},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const json_t *limit = json_object_get(schema, rules[i].keyword);
        if (limit == NULL) {
            continue;
        }
        int side = compare(value, limit) * rules[i].sign;
        if (side < 0 || (side == 0 && !rules[i].or_equal)) {
            char *text = mw_json_canonical(NULL, limit);
            fail(check, place, "must be %s %s", rules[i].says, text != NULL ? text : "the limit");
            talloc_free(text);
            return false;
        }
    }
    return true;
}

/* Checks a count against a pair of keywords such as minItems and maxItems. */
static bool check_count(struct check *check, const json_t *schema, const char *least,
                        const char *most, size_t count, const char *what, const struct place *place)
{
    const json_t *minimum = json_object_get(schema, least),
                 *maximum = json_object_get(schema, most);
    if (minimum != NULL && (double)count < json_number_value(minimum)) {
        return fail(check, place, "must have at least %.0f %s", json_number_value(minimum), what);
    }
    if (maximum != NULL && (double)count > json_number_value(maximum)) {
        return fail(check, place, "must have at most %.0f %s", json_number_value(maximum), what);
    }
    return true;
}

static size_t count_characters(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return count;
}

static bool check_string(struct check *check, const json_t *schema, const json_t *value,
                         const struct place *place)
{
    const char *text = json_string_value(value);
    if (!check_count(check, schema, "minLength", "maxLength", count_characters(text), "characters",
                     place)) {
        return false;
    }
    const char *pattern = json_string_value(json_object_get(schema, "pattern"));
    if (pattern != NULL && !mw_json_pattern_matches(pattern, text)) {
        return fail(check, place, "must match the pattern %.150s", pattern);
    }
    return true;
}

static bool check_array(struct check *check, const json_t *schema, const json_t *value,
                        const struct place *place)
{
    if (!check_count(check, schema, "minItems", "maxItems", json_array_size(value), "items",
                     place)) {
        return false;
    }
    const json_t *items = json_object_get(schema, "items");
    size_t index;
    const json_t *item;
    json_array_foreach(value, index, item)
    {
        struct place here = {.above = place, .index = index};
        if (items != NULL && !check_value(check, items, item, &here)) {
            return false;
        }
    }
    return true;
}

static bool check_required(struct check *check, const json_t *schema, const json_t *value,
                           const struct place *place)
{
    size_t index;
    const json_t *name;
    json_array_foreach(json_object_get(schema, "required"), index, name)
    {
        if (json_object_get(value, json_string_value(name)) == NULL) {
            struct place here = {.above = place, .key = json_string_value(name)};
            return fail(check, &here, "is required and missing");
        }
    }
    return true;
}

static bool check_object(struct check *check, const json_t *schema, const json_t *value,
                         const struct place *place)
{
    if (!check_required(check, schema, value, place) ||
        !check_count(check, schema, "minProperties", "maxProperties", json_object_size(value),
                     "keys", place)) {
        return false;
    }
    const json_t *properties = json_object_get(schema, "properties");
    const json_t *others = json_object_get(schema, "additionalProperties");
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        struct place here = {.above = place, .key = key};
        const json_t *rule = json_object_get(properties, key);
        if (rule == NULL && json_is_false(others)) {
            return fail(check, &here, "is not a known key");
        }
        rule = rule != NULL ? rule : others;
        if (rule != NULL && !check_value(check, rule, member, &here)) {
            return false;
        }
    }
    return true;
}

/* How many of the alternatives the value fits. */
static size_t count_fitting(const json_t *schemas, const json_t *value, const struct place *place)
{
    struct check quiet = {0};
    size_t index, fitting = 0;
    const json_t *schema;
    json_array_foreach(schemas, index, schema)
    {
        fitting += check_value(&quiet, schema, value, place);
    }
    return fitting;
}

static bool check_combined(struct check *check, const json_t *schema, const json_t *value,
                           const struct place *place)
{
    size_t index;
    const json_t *one;
    json_array_foreach(json_object_get(schema, "allOf"), index, one)
    {
        if (!check_value(check, one, value, place)) {
            return false;
        }
    }
    const json_t *any = json_object_get(schema, "anyOf");
    if (any != NULL && count_fitting(any, value, place) == 0) {
        return fail(check, place, "fits none of the allowed forms");
    }
    const json_t *exactly_one = json_object_get(schema, "oneOf");
    if (exactly_one != NULL) {
        size_t fitting = count_fitting(exactly_one, value, place);
        if (fitting != 1) {
            return fail(check, place,
                        fitting == 0 ? "fits none of the allowed forms"
                                     : "fits more than one of the allowed forms");
        }
    }
    const json_t *not = json_object_get(schema, "not");
    struct check quiet = {0};
    if (not != NULL && check_value(&quiet, not, value, place)) {
        return fail(check, place, "has a form that is not allowed");
    }
    return true;
}

static bool check_value(struct check *check, const json_t *schema, const json_t *value,
                        const struct place *place)
{
    if (json_is_boolean(schema)) {
        return json_is_true(schema) || fail(check, place, "is not allowed");
    }
    const json_t *type = json_object_get(schema, "type");
    const json_t *choices = json_object_get(schema, "enum");
    const json_t *only = json_object_get(schema, "const");
    if ((type != NULL && !check_type(check, type, value, place)) ||
        (choices != NULL && !check_enum(check, choices, value, place)) ||
        (only != NULL && !check_const(check, only, value, place)) ||
        (json_is_number(value) && !check_number(check, schema, value, place)) ||
        (json_is_string(value) && !check_string(check, schema, value, place)) ||
        (json_is_array(value) && !check_array(check, schema, value, place)) ||
        (json_is_object(value) && !check_object(check, schema, value, place))) {
        return false;
    }
    return check_combined(check, schema, value, place);
}

bool mw_json_check(const json_t *schema, const json_t *value, const char *where,
                   struct mw_error *error)
{
    if (!mw_json_schema_valid(schema, error)) {
        return false;
    }
    struct check check = {.where = where, .error = error};
    return check_value(&check, schema, value, NULL);
}
