/* SPDX-License-Identifier: Apache-2.0 */
/* JSON from strangers, and whether it has the shape that was asked for. */
#ifndef MIDWATCH_BASE_JSON_H
#define MIDWATCH_BASE_JSON_H

#include <jansson.h>
#include <stddef.h>

#include "midwatch/error.h"

/* Nesting past which foreign JSON is refused before it is parsed: jansson recurses, and fibers have
 * small stacks. */
#define MW_JSON_DEPTH_MAX 64

/* Parses foreign text; refuses more than `limit` bytes, deeper nesting, duplicate keys and what comes
 * after the value. A new reference, or NULL with MW_ERROR_BAD_INPUT. */
json_t *mw_json_parse(const char *text, size_t length, size_t limit, struct mw_error *error);

/* Compact text with sorted keys, so that equal values are equal text. On `memory`; NULL only when
 * memory has run out. */
char *mw_json_canonical(void *memory, const json_t *value);

/*
 * Checks a value against a JSON Schema (2020-12) and names the first place that does not fit:
 * "arguments.maxmemory: …". Understands type (also a list of them), enum, const, properties,
 * required, additionalProperties, items, minItems, maxItems, minLength, maxLength, pattern (the part
 * that POSIX extended expressions share), minimum, maximum, exclusiveMinimum, exclusiveMaximum,
 * minProperties, maxProperties, anyOf, oneOf, allOf, not. A schema with any other keyword that asserts
 * something is an error of the schema (MW_ERROR_PERMANENT), never silently accepted; annotations
 * (title, description, default, examples, format, "x-…") are passed over. An integer is one that is
 * written without a fraction: 5, not 5.0.
 */
bool mw_json_check(const json_t *schema, const json_t *value, const char *where,
                   struct mw_error *error);

#endif
