/* SPDX-License-Identifier: Apache-2.0 */
/* The functions that a model may call: read-only tools under names that its service takes, and the one
 * that proposes. */
#ifndef MIDWATCH_LLM_TOOLBOX_H
#define MIDWATCH_LLM_TOOLBOX_H

#include "adapters/llm/model/model.h"

struct mw_toolbox {
    json_t *functions;  /* [{"name", "description", "schema"}]; propose_plan, if any, is the last */
    const char **tools; /* what functions[i] is called by the core; NULL for propose_plan */
    size_t count;
};

/* On `memory`. From a situation or a question that went through mw_prompt_situation(); with propose_plan where
 * it `proposes`. */
struct mw_toolbox *mw_toolbox_create(TALLOC_CTX *memory, const struct mw_model_vendor *vendor,
                                     const json_t *situation, bool proposes, bool logs);

/* The core's name of a function; NULL: there is no such function, or it is propose_plan. */
const char *mw_toolbox_find(const struct mw_toolbox *toolbox, const char *function);

#endif
