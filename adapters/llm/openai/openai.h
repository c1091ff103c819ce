/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chat completions with tools, as OpenAI's API speaks them and Ollama, llama.cpp, vLLM and others too.
 * Only what all of them take is sent.
 */
#ifndef MIDWATCH_OPENAI_H
#define MIDWATCH_OPENAI_H

#include "adapters/llm/model/model.h"

/* "/v1" where the address has no path of its own. */
const char *mw_openai_version(const char *base);

/* request.c */
json_t *mw_openai_body(const struct mw_model_ask *ask);
void mw_openai_say(json_t *messages, const char *text);
void mw_openai_respond(json_t *messages, const struct mw_model_turn *turn, const json_t *responses);

/* answer.c */
bool mw_openai_read(struct mw_model_turn *turn, struct mw_error *error);
void mw_openai_fault(int status, const json_t *body, struct mw_model_fault *fault);

/* checkup.c */
char *mw_openai_check_url(TALLOC_CTX *memory, const char *base, const char *model);
bool mw_openai_check(const json_t *answer, const char *model, const struct mw_check *check,
                     struct mw_error *error);

extern const struct mw_model_vendor mw_openai;

#endif
