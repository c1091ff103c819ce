/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Google's generateContent (v1beta), in the words of the Gemini API: what is sent, and what comes back.
 * Facts: the API's discovery document, revision 20260325, and ai.google.dev.
 */
#ifndef MIDWATCH_GEMINI_H
#define MIDWATCH_GEMINI_H

#include "adapters/llm/model/model.h"

/* The name without "models/" before it. */
const char *mw_gemini_model(const char *model);

/* request.c. Contents alternate between user and model; the model's are sent back unchanged, since their
 * parts carry signatures that the service checks. */
json_t *mw_gemini_body(const struct mw_model_ask *ask);
void mw_gemini_say(json_t *contents, const char *text);
void mw_gemini_respond(json_t *contents, const struct mw_model_turn *turn, const json_t *responses);

/* answer.c */
bool mw_gemini_read(struct mw_model_turn *turn, struct mw_error *error);
void mw_gemini_fault(int status, const json_t *body, struct mw_model_fault *fault);

/* checkup.c */
char *mw_gemini_check_url(TALLOC_CTX *memory, const char *base, const char *model);
bool mw_gemini_check(const json_t *answer, const char *model, const struct mw_check *check,
                     struct mw_error *error);

extern const struct mw_model_vendor mw_gemini;

#endif
