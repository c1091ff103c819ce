/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chat completions with tools, as OpenAI's API speaks them and Ollama, llama.cpp, vLLM and others too.
 * Only what all of them take is sent.
 */
#ifndef MIDWATCH_OPENAI_H
#define MIDWATCH_OPENAI_H

#include "adapters/llm/model/model.h"

/* request.c */
json_t *mw_openai_body(const struct mw_model_ask *ask);
void mw_openai_say(json_t *messages, const char *text);
void mw_openai_respond(json_t *messages, const struct mw_model_turn *turn, const json_t *responses);

/* answer.c */
bool mw_openai_read(struct mw_model_turn *turn, struct mw_error *error);
void mw_openai_fault(int status, const json_t *body, struct mw_model_fault *fault);

extern const struct mw_model_vendor mw_openai;

#endif
