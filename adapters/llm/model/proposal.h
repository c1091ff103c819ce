/* SPDX-License-Identifier: Apache-2.0 */
/* The function propose_plan: what a model is told of it, and what it called it with. */
#ifndef MIDWATCH_LLM_PROPOSAL_H
#define MIDWATCH_LLM_PROPOSAL_H

#include <jansson.h>
#include <stdbool.h>

#include "midwatch/error.h"

/* {"name", "description", "schema"}; its steps take exactly these tools and their arguments. A new
 * reference. */
json_t *mw_proposal_function(const json_t *tools);

/* The arguments of a call as a proposal in the form of planner.h: cleaned, cut to what people read, numbers
 * that are whole written whole, `resource` filled in where it is missing. NULL with MW_ERROR_BAD_INPUT and a
 * complaint that the model can act on. A new reference. */
json_t *mw_proposal_read(const json_t *arguments, const json_t *situation, struct mw_error *error);

/* A copy in which 5.0 is 5: some services send all numbers with a fraction. */
json_t *mw_proposal_whole_numbers(const json_t *value);

#endif
