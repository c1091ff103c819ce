/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a schema uses only what json_check.c understands, with operands of the right form. */
#ifndef MIDWATCH_BASE_JSON_SCHEMA_H
#define MIDWATCH_BASE_JSON_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>

#include "midwatch/error.h"

/* False with MW_ERROR_PERMANENT and the keyword at fault. */
bool mw_json_schema_valid(const json_t *schema, struct mw_error *error);

#endif
