/* SPDX-License-Identifier: Apache-2.0 */

#include "config/values.h"

/* References stand wherever a value may: editors must not complain about `every: ${EVERY}`. */
#define REFERENCE "\\$\\{[^}]+\\}"

static json_t *text_schema(const char *pattern)
{
    json_t *schema = json_pack("{s:s}", "type", "string");
    if (pattern != NULL) {
        json_object_set_new(schema, "pattern", json_string(pattern));
    }
    return schema;
}

static json_t *either(json_t *schema, json_t *other)
{
    return json_pack("{s:[o, o]}", "anyOf", schema, other);
}

static json_t *number_schema(const struct mw_option *option, const char *type)
{
    json_t *schema = json_pack("{s:s}", "type", type);
    if (option->minimum != 0 || option->maximum != 0) {
        json_object_set_new(schema, "minimum", json_real(option->minimum));
        if (mw_value_has_maximum(option)) {
            json_object_set_new(schema, "maximum", json_real(option->maximum));
        }
    }
    return schema;
}

static json_t *choice_schema(const struct mw_option *option)
{
    json_t *choices = json_array();
    for (size_t i = 0; option->choices[i] != NULL; i++) {
        json_array_append_new(choices, json_string(option->choices[i]));
    }
    return json_pack("{s:o}", "enum", choices);
}

static json_t *thresholds_schema(void)
{
    return json_pack("{s:s, s:{s:s, s:b, s:{s:{s:s}, s:{s:s}}}}", "type", "object",
                     "additionalProperties", "type", "object", "additionalProperties", 0,
                     "properties", "degraded", "type", "number", "failed", "type", "number");
}

static json_t *value_schema(const struct mw_option *option)
{
    switch (option->type) {
    case MW_OPTION_BOOL:
        return either(json_pack("{s:s}", "type", "boolean"), text_schema(REFERENCE));
    case MW_OPTION_INTEGER:
        return either(number_schema(option, "integer"), text_schema(REFERENCE));
    case MW_OPTION_NUMBER:
        return either(number_schema(option, "number"), text_schema(REFERENCE));
    case MW_OPTION_CHOICE:
        return either(choice_schema(option), text_schema(REFERENCE));
    case MW_OPTION_DURATION:
        return text_schema("^([0-9]+(ms|s|m|h|d|w)|" REFERENCE ")$");
    case MW_OPTION_SIZE:
        return either(json_pack("{s:s}", "type", "integer"),
                      text_schema("^([0-9]+ ?([kKmMgGtTpP]([iI]?[bB])?|[bB])?|" REFERENCE ")$"));
    case MW_OPTION_TEXT:
        return json_pack("{s:[s, s, s]}", "type", "string", "number", "boolean");
    case MW_OPTION_PATH:
        return text_schema(NULL);
    case MW_OPTION_TEXT_LIST: {
        json_t *item = json_pack("{s:[s, s, s]}", "type", "string", "number", "boolean");
        json_t *list = json_pack("{s:s, s:O}", "type", "array", "items", item);
        return either(item, list);
    }
    case MW_OPTION_THRESHOLDS:
        return thresholds_schema();
    case MW_OPTION_SECTION:
        return mw_options_schema(option->children);
    case MW_OPTION_SECTIONS:
        return json_pack("{s:s, s:o}", "type", "array", "items",
                         mw_options_schema(option->children));
    }
    return json_object();
}

/* A key may stand without a value, which is as good as not at all. */
static json_t *or_nothing(json_t *schema)
{
    json_t *any = json_object_get(schema, "anyOf");
    json_t *nothing = json_pack("{s:s}", "type", "null");
    if (any != NULL) {
        json_array_append_new(any, nothing);
        return schema;
    }
    return either(schema, nothing);
}

json_t *mw_options_schema(const struct mw_option *table)
{
    json_t *properties = json_object(), *required = json_array();
    for (; table->name != NULL; table++) {
        if ((table->flags & MW_OPTION_NEXT) != 0) {
            continue;
        }
        json_t *schema = value_schema(table);
        if ((table->flags & MW_OPTION_REQUIRED) != 0) {
            json_array_append_new(required, json_string(table->name));
        } else {
            schema = or_nothing(schema);
        }
        if (table->help != NULL) {
            json_object_set_new(schema, "description", json_string(table->help));
        }
        if (table->fallback != NULL && table->children == NULL) {
            json_object_set_new(schema, "default", json_string(table->fallback));
        }
        json_object_set_new(properties, table->name, schema);
    }
    json_t *schema = json_pack("{s:s, s:o, s:b}", "type", "object", "properties", properties,
                               "additionalProperties", 0);
    if (json_array_size(required) > 0) {
        json_object_set(schema, "required", required);
    }
    json_decref(required);
    return schema;
}
