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
    const char *ask;       /* ask.md: as system.md, for a question from chat */
    const char *question;  /* question.md: the question and what is known */
    const char *answer;    /* answer.md: said when it must answer in words now */
};

/* From a folder, or the ones built in (NULL). A folder without one of the three about questions gets the
 * one built in. PERMANENT: another file is missing, or one names a placeholder that there is not. */
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
/* question.md filled, of a question that went through mw_prompt_situation(). */
char *mw_prompt_question(TALLOC_CTX *memory, const struct mw_prompts *prompts,
                         const json_t *question);
/* again.md filled. */
char *mw_prompt_again(TALLOC_CTX *memory, const struct mw_prompts *prompts, const char *complaint);

/* Values as sections of a template: fenced, one a line where it is a list of at most `most`; "none" where there is
 * nothing. */
char *mw_prompt_section(TALLOC_CTX *memory, const json_t *value);
char *mw_prompt_list(TALLOC_CTX *memory, const json_t *items, size_t most);
/* Of tools only what a plan is made of; the form of the arguments stands with the function. */
char *mw_prompt_tools(TALLOC_CTX *memory, const json_t *tools);

/* Text from outside between two lines that carry a mark made up for it alone. Cut at `limit` bytes. */
char *mw_fence(TALLOC_CTX *memory, const char *text, size_t limit);
/* JSON on one line, fenced. */
char *mw_fence_json(TALLOC_CTX *memory, const json_t *value, size_t limit);

#endif
