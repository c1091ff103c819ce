/* SPDX-License-Identifier: Apache-2.0 */
/* Argument schemas as models take them. */
#ifndef MIDWATCH_LLM_SCHEMA_H
#define MIDWATCH_LLM_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>

/* The part of a JSON Schema that all services take: type, title, description, enum, properties, required,
 * additionalProperties, items, prefixItems, minItems, maxItems, minimum, maximum, anyOf. The rest is
 * left out, which only makes it wider; `const` becomes `enum`, a list of types and `oneOf` become `anyOf`. Without
 * `descriptions`, for schemas from strangers, titles and descriptions go too, and whatever name or value of
 * theirs is no single word. A new reference. */
json_t *mw_schema_reduce(json_t *schema, bool descriptions);

#endif
