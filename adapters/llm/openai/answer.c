/* SPDX-License-Identifier: Apache-2.0 */
/* What chat completions answer: a choice, or an error in one of several forms. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/llm/openai/openai.h"
#include "base/json.h"

#define ARGUMENTS_MAX ((size_t)1024 * 1024)
#define ID_MAX        200
#define WORDS_MAX     160

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* ---- a choice ---- */

static void read_usage(struct mw_model_turn *turn)
{
    const json_t *usage = json_object_get(turn->answer, "usage");
    turn->input_tokens = mw_model_tokens(json_object_get(usage, "prompt_tokens"));
    turn->output_tokens = mw_model_tokens(json_object_get(usage, "completion_tokens"));
    const json_t *model = json_object_get(turn->answer, "model");
    if (json_is_string(model))
        turn->model = mw_model_words(turn, model, 80);
}

/* Arguments are JSON in a string; some servers send the object itself, or nothing. A new reference, or NULL
 * with the fault. */
static json_t *parse_arguments(struct mw_model_turn *turn, json_t *said, const char **fault)
{
    struct mw_error error = {0};
    const char *text = json_string_value(said);
    if (json_is_object(said))
        return json_incref(said);
    if (said == NULL || json_is_null(said) || (text != NULL && *text == '\0'))
        return json_object();
    json_t *arguments =
        text != NULL ? mw_json_parse(text, json_string_length(said), ARGUMENTS_MAX, &error) : NULL;
    if (json_is_object(arguments))
        return arguments;
    json_decref(arguments);
    *fault = talloc_asprintf(turn, "the arguments must be a JSON object%s%s",
                             error.text[0] != '\0' ? ": " : "", error.text);
    return NULL;
}

/* Notes the call, and gives it in the form in which it is sent back: ids that are missing are made up, and
 * what was no JSON is left out, since servers parse it again. */
static json_t *read_call(struct mw_model_turn *turn, const json_t *said, const json_t *function)
{
    struct mw_model_call *call = &turn->calls[turn->call_count++];
    const char *id = text_of(said, "id");
    bool has_id = *id != '\0' && strlen(id) <= ID_MAX;
    call->name = text_of(function, "name");
    call->id = has_id ? id : talloc_asprintf(turn, "call_%zu", turn->call_count);
    call->arguments = parse_arguments(turn, json_object_get(function, "arguments"), &call->fault);
    char *text = call->arguments != NULL ? json_dumps(call->arguments, JSON_COMPACT) : strdup("{}");
    json_t *sent = json_pack("{s:s, s:s, s:{s:s, s:s}}", "id", call->id, "type", "function",
                             "function", "name", call->name, "arguments", text);
    free(text);
    return sent;
}

static bool read_message(struct mw_model_turn *turn, const json_t *message)
{
    const json_t *said = json_object_get(message, "tool_calls");
    json_t *content = json_object_get(message, "content");
    json_auto_t *calls = json_array();
    size_t i;
    const json_t *call;
    if (json_array_size(said) > MW_MODEL_CALLS_MAX)
        return mw_model_turn_end(turn, MW_MODEL_UNUSABLE, "too many calls at once");
    turn->calls = talloc_zero_array(turn, struct mw_model_call, MW_MODEL_CALLS_MAX);
    json_array_foreach(said, i, call)
    {
        const json_t *function = json_object_get(call, "function");
        if (*text_of(function, "name") == '\0')
            return mw_model_turn_end(turn, MW_MODEL_UNUSABLE, "a call had no name");
        if (json_array_append_new(calls, read_call(turn, call, function)) != 0)
            return mw_model_turn_end(turn, MW_MODEL_UNUSABLE,
                                     "a call was too long for the memory that is left");
    }
    turn->text = json_string_length(content) > 0 ? json_string_value(content) : NULL;
    if (turn->call_count == 0 && turn->text == NULL)
        return mw_model_turn_end(turn, MW_MODEL_UNUSABLE, "the answer was empty");
    turn->message = json_pack("{s:s, s:o}", "role", "assistant", "content",
                              turn->text != NULL ? json_incref(content) : json_null());
    if (turn->call_count > 0)
        json_object_set(turn->message, "tool_calls", calls);
    return true;
}

bool mw_openai_read(struct mw_model_turn *turn, struct mw_error *error)
{
    if (!json_is_object(turn->answer))
        return mw_error_set(error, MW_ERROR_BAD_INPUT,
                            "what answers at llm.base_url does not speak chat completions");
    read_usage(turn);
    const json_t *choice = json_array_get(json_object_get(turn->answer, "choices"), 0);
    const json_t *message = json_object_get(choice, "message");
    const char *reason = text_of(choice, "finish_reason");
    const json_t *refusal = json_object_get(message, "refusal");
    if (json_string_length(refusal) > 0)
        return mw_model_turn_end(turn, MW_MODEL_REFUSED, "the model declined: %s",
                                 mw_model_words(turn, refusal, WORDS_MAX));
    if (strcmp(reason, "content_filter") == 0)
        return mw_model_turn_end(turn, MW_MODEL_REFUSED,
                                 "the service blocked the answer (content_filter)");
    if (strcmp(reason, "length") == 0)
        return mw_model_turn_end(turn, MW_MODEL_UNUSABLE,
                                 "the answer was cut at the limit of tokens; think and write less");
    if (!json_is_object(message))
        return mw_model_turn_end(turn, MW_MODEL_UNUSABLE, "the answer had no message");
    return read_message(turn, message);
}

/* ---- an error ---- */

void mw_openai_fault(int status, const json_t *body, struct mw_model_fault *fault)
{
    const char *code = text_of(json_object_get(body, "error"), "code");
    if (status == 429 && strcmp(code, "insufficient_quota") == 0) {
        fault->class = MW_ERROR_REFUSED;
        fault->again = false;
        fault->impairment = MW_IMPAIRMENT_SPENT;
        snprintf(fault->text, sizeof fault->text, "the account's quota is used up");
    } else if (status == 400 && strcmp(code, "content_filter") == 0) {
        fault->class = MW_ERROR_REFUSED;
        snprintf(fault->text, sizeof fault->text, "the service blocked the question");
    }
}
