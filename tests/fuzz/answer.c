/* SPDX-License-Identifier: Apache-2.0 */
/* What a model answered, in the form of the VENDOR that it is built for. */
#include "adapters/llm/model/internal.h"
#include "adapters/llm/model/proposal.h"
#include "base/json.h"
#include "fuzz.h"

#define LIMIT ((size_t)64 * 1024)

extern const struct mw_model_vendor VENDOR;

static void check_turn(const struct mw_model_turn *turn)
{
    FUZZ_HOLDS(turn->input_tokens >= 0 && turn->output_tokens >= 0, NULL);
    if (turn->model != NULL) {
        fuzz_is_clean(turn->model, 80);
        fuzz_keeps_secret(turn->model);
    }
    if (turn->end != MW_MODEL_USABLE) {
        fuzz_is_clean(turn->reason, 400);
        FUZZ_HOLDS(*turn->reason != '\0', NULL);
        fuzz_keeps_secret(turn->reason);
        return;
    }
    FUZZ_HOLDS(turn->reason == NULL && turn->message != NULL, turn->reason);
    FUZZ_HOLDS(turn->text != NULL || turn->call_count > 0, NULL);
    FUZZ_HOLDS(turn->call_count <= MW_MODEL_CALLS_MAX, NULL);
    for (size_t i = 0; i < turn->call_count; i++) {
        const struct mw_model_call *call = &turn->calls[i];
        FUZZ_HOLDS(call->name != NULL && *call->name != '\0', NULL);
        FUZZ_HOLDS((call->arguments == NULL) == (call->fault != NULL), call->fault);
        FUZZ_HOLDS(call->arguments == NULL || json_is_object(call->arguments), call->name);
    }
}

/* The conversation goes on: what is sent next is JSON that holds an answer to each call. */
static void check_sequel(TALLOC_CTX *memory, const struct mw_model_turn *turn)
{
    json_auto_t *messages = json_array();
    json_auto_t *responses = json_array();
    VENDOR.say(messages, "What is wrong?");
    json_array_append(messages, turn->message);
    for (size_t i = 0; i < turn->call_count; i++) {
        json_array_append_new(responses, json_pack("{s:s}", "result", "fine"));
    }
    if (turn->call_count > 0) {
        VENDOR.respond(messages, turn, responses);
    }
    const struct mw_model_ask ask = {.model = "m", .system = "Help.", .messages = messages};
    json_auto_t *body = VENDOR.body(&ask);
    const char *printed = body != NULL ? mw_json_canonical(memory, body) : NULL;
    fuzz_is_utf8(printed);
}

static void check_fault(const json_t *body)
{
    static const int statuses[] = {400, 401, 404, 429, 503};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct mw_model_fault fault = {.class = MW_ERROR_RETRY, .again = true, .wait_ms = -1};
        VENDOR.fault(statuses[i], body, &fault);
        fuzz_is_clean(fault.text, sizeof fault.text - 1);
        fuzz_keeps_secret(fault.text);
        FUZZ_HOLDS(fault.wait_ms >= -1 && fault.wait_ms <= 86400000, fault.text);
    }
}

void fuzz_one(TALLOC_CTX *memory, const char *bytes, size_t length)
{
    struct mw_error error = {0};
    char *text = fuzz_text(memory, bytes, length, &length);
    json_t *answer = mw_json_parse(text, length, LIMIT, &error);
    check_fault(answer);
    if (answer == NULL) {
        return;
    }
    struct mw_model_turn *turn = mw_model_turn_create(memory, answer);
    if (!VENDOR.read(turn, &error)) {
        fuzz_is_sentence(&error);
        return;
    }
    check_turn(turn);
    if (turn->end == MW_MODEL_USABLE) {
        check_sequel(memory, turn);
    }
}
