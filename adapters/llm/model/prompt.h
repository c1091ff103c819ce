/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a model is told: templates from prompts/, filled with the situation. What came from outside
 * stands between marks that it cannot contain.
 */
#ifndef MIDWATCH_LLM_PROMPT_H
#define MIDWATCH_LLM_PROMPT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <talloc.h>

#include "midwatch/error.h"

/* Each is the text of the file of that name in prompts/. */
struct mw_prompts {
    const char *system;    /* system.md: who the model is and what the rules are */
    const char *situation; /* situation.md: the incident */
    const char *propose;   /* propose.md: said when it must propose now */
    const char *again;     /* again.md: said when its answer could not be used */
};

/* From a folder, or the ones built in (NULL). PERMANENT: a file is missing, or names a placeholder that
 * there is not. */
bool mw_prompts_read(TALLOC_CTX *memory, const char *folder, struct mw_prompts *prompts,
                     struct mw_error *error);

/* The situation without what must not leave: secrets always, log lines where `logs` is false. A new
 * reference. */
json_t *mw_prompt_situation(const json_t *situation, bool logs);
/* A tool's result under the same rules. */
json_t *mw_prompt_result(const json_t *result, bool logs);

/* Whether a tool exists to hand out log lines, or could: tools of other servers may. */
bool mw_prompt_tool_has_logs(const char *name);

/* situation.md filled. `situation` comes from mw_prompt_situation(), `runbooks` is the list of those that
 * are about it. */
char *mw_prompt_render(TALLOC_CTX *memory, const struct mw_prompts *prompts,
                       const json_t *situation, const json_t *runbooks);
/* again.md filled. */
char *mw_prompt_again(TALLOC_CTX *memory, const struct mw_prompts *prompts, const char *complaint);

/* Text from outside between two lines that carry a mark made up for it alone. Cut at `limit` bytes. */
char *mw_fence(TALLOC_CTX *memory, const char *text, size_t limit);
/* JSON on one line, fenced. */
char *mw_fence_json(TALLOC_CTX *memory, const json_t *value, size_t limit);

#endif
