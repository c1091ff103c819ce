/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_schema.h"

#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/json_pattern.h"

/* What a keyword's operand must be. */
enum operand {
    OPERAND_ANY,
    OPERAND_NOTE, /* an annotation: passed over */
    OPERAND_TYPE,
    OPERAND_LIST, /* an array that is not empty */
    OPERAND_NAMES,
    OPERAND_NUMBER,
    OPERAND_COUNT,
    OPERAND_PATTERN,
    OPERAND_SCHEMA,
    OPERAND_SCHEMA_LIST,
    OPERAND_SCHEMA_MAP,
};

/* `format` is among the annotations: by the 2020-12 specification it asserts nothing unless a
 * vocabulary is named that says so. */
static const struct {
    const char *keyword;
    enum operand operand;
} keywords[] = {
    {"type", OPERAND_TYPE},
    {"enum", OPERAND_LIST},
    {"const", OPERAND_ANY},
    {"properties", OPERAND_SCHEMA_MAP},
    {"required", OPERAND_NAMES},
    {"additionalProperties", OPERAND_SCHEMA},
    {"minProperties", OPERAND_COUNT},
    {"maxProperties", OPERAND_COUNT},
    {"items", OPERAND_SCHEMA},
    {"minItems", OPERAND_COUNT},
    {"maxItems", OPERAND_COUNT},
    {"minLength", OPERAND_COUNT},
    {"maxLength", OPERAND_COUNT},
    {"pattern", OPERAND_PATTERN},
    {"minimum", OPERAND_NUMBER},
    {"maximum", OPERAND_NUMBER},
    {"exclusiveMinimum", OPERAND_NUMBER},
    {"exclusiveMaximum", OPERAND_NUMBER},
    {"anyOf", OPERAND_SCHEMA_LIST},
    {"oneOf", OPERAND_SCHEMA_LIST},
    {"allOf", OPERAND_SCHEMA_LIST},
    {"not", OPERAND_SCHEMA},
    {"title", OPERAND_NOTE},
    {"description", OPERAND_NOTE},
    {"default", OPERAND_NOTE},
    {"examples", OPERAND_NOTE},
    {"format", OPERAND_NOTE},
    {"deprecated", OPERAND_NOTE},
    {"readOnly", OPERAND_NOTE},
    {"writeOnly", OPERAND_NOTE},
    {"$schema", OPERAND_NOTE},
    {"$id", OPERAND_NOTE},
    {"$comment", OPERAND_NOTE},
};

static bool schema_valid(const json_t *schema, size_t depth, struct mw_error *error);

static bool is_type_word(const json_t *value)
{
    static const char *const words[] = {"object", "array",   "string", "integer",
                                        "number", "boolean", "null"};
    const char *text = json_string_value(value);
    for (size_t i = 0; text != NULL && i < sizeof words / sizeof *words; i++) {
        if (strcmp(text, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool all_of(const json_t *list, bool (*test)(const json_t *value))
{
    size_t index;
    const json_t *item;
    json_array_foreach(list, index, item)
    {
        if (!test(item)) {
            return false;
        }
    }
    return json_is_array(list);
}

static bool is_text(const json_t *value)
{
    return json_is_string(value);
}

static bool schemas_valid(const json_t *list, size_t depth, struct mw_error *error)
{
    size_t index;
    const json_t *item;
    json_array_foreach(list, index, item)
    {
        if (!schema_valid(item, depth, error)) {
            return false;
        }
    }
    return true;
}

static bool schema_map_valid(json_t *map, size_t depth, struct mw_error *error)
{
    const char *key;
    json_t *member;
    json_object_foreach(map, key, member)
    {
        if (!schema_valid(member, depth, error)) {
            return false;
        }
    }
    return true;
}

static bool has_form(const json_t *operand, enum operand form)
{
    switch (form) {
    case OPERAND_ANY:
    case OPERAND_NOTE:
        return true;
    case OPERAND_TYPE:
        return is_type_word(operand) ||
               (json_array_size(operand) > 0 && all_of(operand, is_type_word));
    case OPERAND_LIST:
    case OPERAND_SCHEMA_LIST:
        return json_array_size(operand) > 0;
    case OPERAND_NAMES:
        return all_of(operand, is_text);
    case OPERAND_NUMBER:
        return json_is_number(operand);
    case OPERAND_COUNT:
        return json_is_integer(operand) && json_integer_value(operand) >= 0;
    case OPERAND_PATTERN:
        return json_is_string(operand);
    case OPERAND_SCHEMA:
        return json_is_object(operand) || json_is_boolean(operand);
    case OPERAND_SCHEMA_MAP:
        return json_is_object(operand);
    }
    return false;
}

static bool keyword_valid(const char *key, json_t *operand, size_t depth, struct mw_error *error)
{
    size_t i = 0, count = sizeof keywords / sizeof *keywords;
    while (i < count && strcmp(keywords[i].keyword, key) != 0) {
        i++;
    }
    if (i == count) {
        /* Extensions of vendors, "x-…", assert nothing. */
        return strncmp(key, "x-", 2) == 0 ||
               mw_error_set(error, MW_ERROR_PERMANENT,
                            "the JSON schema uses the keyword \"%.60s\", which is not supported",
                            key);
    }
    if (!has_form(operand, keywords[i].operand)) {
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "the JSON schema's keyword \"%s\" has a value of the wrong form", key);
    }
    switch (keywords[i].operand) {
    case OPERAND_PATTERN: {
        const char *fault = mw_json_pattern_fault(json_string_value(operand));
        return fault == NULL ||
               mw_error_set(error, MW_ERROR_PERMANENT, "the JSON schema's pattern \"%.100s\" %s",
                            json_string_value(operand), fault);
    }
    case OPERAND_SCHEMA:
        return schema_valid(operand, depth, error);
    case OPERAND_SCHEMA_LIST:
        return schemas_valid(operand, depth, error);
    case OPERAND_SCHEMA_MAP:
        return schema_map_valid(operand, depth, error);
    default:
        return true;
    }
}

static bool schema_valid(const json_t *schema, size_t depth, struct mw_error *error)
{
    if (json_is_boolean(schema)) {
        return true;
    }
    if (!json_is_object(schema)) {
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "the JSON schema must be an object, true or false");
    }
    if (depth >= MW_JSON_DEPTH_MAX) {
        return mw_error_set(error, MW_ERROR_PERMANENT, "the JSON schema nests too deep");
    }
    const char *key;
    json_t *operand;
    json_object_foreach((json_t *)(uintptr_t)schema, key, operand)
    {
        if (!keyword_valid(key, operand, depth + 1, error)) {
            return false;
        }
    }
    return true;
}

bool mw_json_schema_valid(const json_t *schema, struct mw_error *error)
{
    return schema_valid(schema, 0, error);
}
