/* SPDX-License-Identifier: Apache-2.0 */
/* {{placeholders}} in a template. */
#ifndef MIDWATCH_LLM_TEMPLATE_H
#define MIDWATCH_LLM_TEMPLATE_H

#include <talloc.h>

/* Those of situation.md and question.md; each ends with NULL. */
extern const char *const mw_situation_places[], *const mw_question_places[];

/* Puts values[i] where {{names[i]}} stands; names end with NULL. Values are not looked through again,
 * and what has no value vanishes. */
char *mw_prompt_fill(TALLOC_CTX *memory, const char *text, const char *const *names,
                     const char *const *values);

#endif
