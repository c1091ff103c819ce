/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "adapters/llm/gemini/gemini.h"

/* Thinking included. Enough for any plan, and an end to an answer that runs away. */
#define OUTPUT_TOKENS_MAX 16384

static json_t *declarations(const json_t *functions)
{
    json_t *list = json_array();
    size_t i;
    const json_t *function;
    json_array_foreach(functions, i, function)
    {
        json_array_append_new(
            list, json_pack("{s:O, s:O, s:O}", "name", json_object_get(function, "name"),
                            "description", json_object_get(function, "description"),
                            "parametersJsonSchema", json_object_get(function, "schema")));
    }
    return list;
}

json_t *mw_gemini_body(const struct mw_model_ask *ask)
{
    json_t *calling = ask->forced ? json_pack("{s:s, s:[s]}", "mode", "ANY", "allowedFunctionNames",
                                              MW_MODEL_PROPOSE)
                                  : json_pack("{s:s}", "mode", ask->words ? "NONE" : "AUTO");
    json_t *body = json_pack("{s:{s:[{s:s}]}, s:O, s:{s:i}}", "systemInstruction", "parts", "text",
                             ask->system, "contents", ask->messages, "generationConfig",
                             "maxOutputTokens", OUTPUT_TOKENS_MAX);
    json_t *config = json_pack("{s:o}", "functionCallingConfig", calling);
    if (json_array_size(ask->functions) > 0) {
        json_object_set_new(
            body, "tools",
            json_pack("[{s:o}]", "functionDeclarations", declarations(ask->functions)));
        json_object_set(body, "toolConfig", config);
    }
    json_decref(config);
    return body;
}

/* Two contents of the user never follow each other. */
void mw_gemini_say(json_t *contents, const char *text)
{
    json_t *last = json_array_get(contents, json_array_size(contents) - 1);
    const char *role = json_string_value(json_object_get(last, "role"));
    if (role != NULL && strcmp(role, "user") == 0)
        json_array_append_new(json_object_get(last, "parts"), json_pack("{s:s}", "text", text));
    else
        json_array_append_new(contents,
                              json_pack("{s:s, s:[{s:s}]}", "role", "user", "parts", "text", text));
}

void mw_gemini_respond(json_t *contents, const struct mw_model_turn *turn, const json_t *responses)
{
    json_t *parts = json_array();
    for (size_t i = 0; i < turn->call_count; i++) {
        json_t *response = json_pack("{s:s, s:O}", "name", turn->calls[i].name, "response",
                                     json_array_get(responses, i));
        if (turn->calls[i].id != NULL)
            json_object_set_new(response, "id", json_string(turn->calls[i].id));
        json_array_append_new(parts, json_pack("{s:o}", "functionResponse", response));
    }
    json_array_append_new(contents, json_pack("{s:s, s:o}", "role", "user", "parts", parts));
}
