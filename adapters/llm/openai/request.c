/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "adapters/llm/openai/openai.h"

/* When the plan is forced it is the only function there is: "required" is understood by servers that do not
 * know how to force one of several. */
static json_t *tools(const struct mw_model_ask *ask)
{
    json_t *list = json_array();
    size_t i;
    const json_t *function;
    json_array_foreach(ask->functions, i, function)
    {
        const char *name = json_string_value(json_object_get(function, "name"));
        if (ask->forced && strcmp(name, MW_MODEL_PROPOSE) != 0)
            continue;
        json_array_append_new(list, json_pack("{s:s, s:{s:s, s:O, s:O}}", "type", "function",
                                              "function", "name", name, "description",
                                              json_object_get(function, "description"),
                                              "parameters", json_object_get(function, "schema")));
    }
    return list;
}

json_t *mw_openai_body(const struct mw_model_ask *ask)
{
    json_t *messages = json_pack("[{s:s, s:s}]", "role", "system", "content", ask->system);
    json_array_extend(messages, (json_t *)(uintptr_t)ask->messages);
    json_t *body =
        json_pack("{s:s, s:o, s:b}", "model", ask->model, "messages", messages, "stream", 0);
    const char *choice = ask->forced ? "required" : ask->words ? "none" : "auto";
    if (json_array_size(ask->functions) > 0) {
        json_object_set_new(body, "tools", tools(ask));
        json_object_set_new(body, "tool_choice", json_string(choice));
    }
    return body;
}

void mw_openai_say(json_t *messages, const char *text)
{
    json_array_append_new(messages, json_pack("{s:s, s:s}", "role", "user", "content", text));
}

void mw_openai_respond(json_t *messages, const struct mw_model_turn *turn, const json_t *responses)
{
    for (size_t i = 0; i < turn->call_count; i++) {
        char *content = json_dumps(json_array_get(responses, i), JSON_COMPACT);
        json_array_append_new(messages, json_pack("{s:s, s:s, s:s}", "role", "tool", "tool_call_id",
                                                  turn->calls[i].id, "content", content));
        free(content);
    }
}
