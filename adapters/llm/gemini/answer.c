/* SPDX-License-Identifier: Apache-2.0 */
/* What generateContent answers: a candidate, a block, or an error of google.rpc. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/llm/gemini/gemini.h"

#define WORDS_MAX   160
#define DELAY_MAX_S 86400.0

static bool among(const char *word, const char *const *list)
{
    while (*list != NULL && strcmp(*list, word) != 0)
        list++;
    return *list != NULL;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* ---- a candidate ---- */

/* Tokens of thinking are billed as output and are not within the candidates' count; cached ones are within
 * the prompt's. */
static void read_usage(struct mw_model_turn *turn)
{
    const json_t *usage = json_object_get(turn->answer, "usageMetadata");
    turn->input_tokens = mw_model_tokens(json_object_get(usage, "promptTokenCount")) +
                         mw_model_tokens(json_object_get(usage, "toolUsePromptTokenCount"));
    turn->output_tokens = mw_model_tokens(json_object_get(usage, "candidatesTokenCount")) +
                          mw_model_tokens(json_object_get(usage, "thoughtsTokenCount"));
    const json_t *model = json_object_get(turn->answer, "modelVersion");
    if (json_is_string(model))
        turn->model = mw_model_words(turn, model, 80);
}

/* A call without arguments may leave them out. */
static void read_call(struct mw_model_turn *turn, const json_t *call)
{
    json_t *arguments = json_object_get(call, "args");
    bool usable = arguments == NULL || json_is_object(arguments);
    turn->calls[turn->call_count++] = (struct mw_model_call){
        .id = json_string_value(json_object_get(call, "id")),
        .name = text_of(call, "name"),
        .arguments = !usable             ? NULL
                     : arguments != NULL ? json_incref(arguments)
                                         : json_object(),
        .fault = usable ? NULL : "the arguments must be an object",
    };
}

/* The text that is meant to be read, and the calls in their order. NULL, or what is wrong. */
static const char *read_parts(struct mw_model_turn *turn, const json_t *parts)
{
    char *text = talloc_strdup(turn, "");
    size_t i;
    const json_t *part;
    turn->calls = talloc_zero_array(turn, struct mw_model_call, MW_MODEL_CALLS_MAX);
    json_array_foreach(parts, i, part)
    {
        const json_t *call = json_object_get(part, "functionCall");
        if (!json_is_object(part))
            return "a part of the answer was no object";
        if (call != NULL && *text_of(call, "name") == '\0')
            return "a call had no name";
        if (call != NULL && turn->call_count == MW_MODEL_CALLS_MAX)
            return "too many calls at once";
        if (call != NULL)
            read_call(turn, call);
        else if (!json_is_true(json_object_get(part, "thought")))
            text = talloc_strdup_append_buffer(text, text_of(part, "text"));
        if (text == NULL)
            return "the answer was too long for the memory that is left";
    }
    turn->text = *text != '\0' ? text : NULL;
    return turn->text != NULL || turn->call_count > 0 ? NULL : "the answer was empty";
}

/* Whether the reason alone ends the turn: what was cut or blocked is not to be read. Reasons that are not
 * known here say nothing. */
static bool judge_reason(struct mw_model_turn *turn, const json_t *candidate)
{
    static const char *const refusals[] = {
        "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", NULL};
    static const char *const malformed[] = {"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL",
                                            "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE", NULL};
    const char *reason = text_of(candidate, "finishReason");
    char *said = mw_model_words(turn, json_object_get(candidate, "finishMessage"), WORDS_MAX);
    const char *colon = *said != '\0' ? ": " : "";
    if (among(reason, refusals))
        return mw_model_turn_end(turn, MW_MODEL_REFUSED, "Gemini blocked its own answer (%s%s%s)",
                                 reason, colon, said);
    if (among(reason, malformed))
        return mw_model_turn_end(turn, MW_MODEL_UNUSABLE, "the call was malformed (%s%s%s)", reason,
                                 colon, said);
    if (strcmp(reason, "MAX_TOKENS") == 0)
        return mw_model_turn_end(turn, MW_MODEL_UNUSABLE,
                                 "the answer was cut at the limit of tokens; think and write less");
    return false;
}

static bool read_candidate(struct mw_model_turn *turn, json_t *candidate)
{
    if (judge_reason(turn, candidate))
        return true;
    json_t *content = json_object_get(candidate, "content");
    json_t *parts = json_object_get(content, "parts");
    if (json_array_size(parts) == 0) {
        char *reason = mw_model_words(turn, json_object_get(candidate, "finishReason"), 40);
        return mw_model_turn_end(turn, MW_MODEL_UNUSABLE, "the answer was empty%s%s",
                                 *reason != '\0' ? ", finishReason " : "", reason);
    }
    const char *wrong = read_parts(turn, parts);
    if (wrong != NULL)
        return mw_model_turn_end(turn, MW_MODEL_UNUSABLE, "%s", wrong);
    if (!json_is_string(json_object_get(content, "role")))
        json_object_set_new(content, "role", json_string("model"));
    turn->message = json_incref(content);
    return true;
}

bool mw_gemini_read(struct mw_model_turn *turn, struct mw_error *error)
{
    if (!json_is_object(turn->answer))
        return mw_error_set(error, MW_ERROR_BAD_INPUT,
                            "what answers at llm.base_url is not the Gemini API");
    read_usage(turn);
    json_t *candidate = json_array_get(json_object_get(turn->answer, "candidates"), 0);
    const json_t *feedback = json_object_get(turn->answer, "promptFeedback");
    const json_t *block = json_object_get(feedback, "blockReason");
    if (candidate == NULL && json_is_string(block)) {
        char *reason = mw_model_words(turn, block, 40);
        return mw_model_turn_end(turn, MW_MODEL_REFUSED, "Gemini blocked the question (%s)",
                                 reason);
    }
    if (!json_is_object(candidate))
        return mw_model_turn_end(turn, MW_MODEL_UNUSABLE, "the answer had no candidate");
    return read_candidate(turn, candidate);
}

/* ---- an error ---- */

static const json_t *find_detail(const json_t *details, const char *type)
{
    size_t i;
    const json_t *detail;
    json_array_foreach(details, i, detail)
    {
        const char *name = text_of(detail, "@type"), *slash = strrchr(name, '/');
        if (slash != NULL && strcmp(slash + 1, type) == 0)
            return detail;
    }
    return NULL;
}

/* google.protobuf.Duration: "34.5s". -1: none. */
static int64_t delay_ms(const json_t *info)
{
    const char *text = text_of(info, "retryDelay");
    char *end = NULL;
    double seconds = strtod(text, &end);
    if (end == text || strcmp(end, "s") != 0 || !(seconds >= 0) || seconds > DELAY_MAX_S)
        return -1;
    return (int64_t)(seconds * 1000 + 0.999);
}

static bool is_daily(const json_t *failure)
{
    size_t i;
    const json_t *violation;
    json_array_foreach(json_object_get(failure, "violations"), i, violation)
    {
        if (strstr(text_of(violation, "quotaId"), "PerDay") != NULL)
            return true;
    }
    return false;
}

static void say(struct mw_model_fault *fault, const char *text)
{
    snprintf(fault->text, sizeof fault->text, "%s", text);
}

void mw_gemini_fault(int status, const json_t *body, struct mw_model_fault *fault)
{
    const json_t *said = json_object_get(body, "error");
    const json_t *details = json_object_get(said, "details");
    if (status == 400 && strcmp(text_of(find_detail(details, "google.rpc.ErrorInfo"), "reason"),
                                "API_KEY_INVALID") == 0) {
        say(fault, "look at llm.api_key");
        fault->impairment = MW_IMPAIRMENT_REFUSED;
    } else if (status == 400 && strcmp(text_of(said, "status"), "FAILED_PRECONDITION") == 0) {
        say(fault, "look at the project's billing");
        fault->impairment = MW_IMPAIRMENT_REFUSED;
    } else if (status == 429) {
        int64_t wait = delay_ms(find_detail(details, "google.rpc.RetryInfo"));
        if (wait >= 0)
            fault->wait_ms = wait;
        if (is_daily(find_detail(details, "google.rpc.QuotaFailure"))) {
            fault->class = MW_ERROR_REFUSED;
            fault->again = false;
            fault->impairment = MW_IMPAIRMENT_SPENT;
            say(fault, "the day's quota of requests is used up");
        }
    }
}
