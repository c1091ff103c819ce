/* SPDX-License-Identifier: Apache-2.0 */
/* The templates of prompts/ as they were when midwatch was built (embed.py writes them). */
#ifndef MIDWATCH_LLM_BUILTIN_H
#define MIDWATCH_LLM_BUILTIN_H

extern const char mw_builtin_system[];
extern const char mw_builtin_situation[];
extern const char mw_builtin_propose[];
extern const char mw_builtin_again[];
extern const char mw_builtin_ask[];
extern const char mw_builtin_question[];
extern const char mw_builtin_answer[];

#endif
