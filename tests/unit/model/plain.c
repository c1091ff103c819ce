/* SPDX-License-Identifier: Apache-2.0 */
#include "plain.h"

#include "script.h"

static char *plain_url(TALLOC_CTX *memory, const char *base, const char *model,
                       struct mw_error *error)
{
    return talloc_asprintf(memory, "%s/%s", base, model);
}

static json_t *plain_body(const struct mw_model_ask *ask)
{
    json_t *names = json_array();
    size_t i;
    const json_t *function;
    json_array_foreach(ask->functions, i, function)
    {
        json_array_append(names, json_object_get(function, "name"));
    }
    /* A copy: the conversation goes on growing. */
    return json_pack("{s:s, s:o, s:o, s:b, s:b}", "system", ask->system, "messages",
                     json_deep_copy(ask->messages), "functions", names, "forced", ask->forced,
                     "words", ask->words);
}

static void plain_say(json_t *messages, const char *text)
{
    json_array_append_new(messages, json_pack("{s:s}", "say", text));
}

static void plain_respond(json_t *messages, const struct mw_model_turn *turn,
                          const json_t *responses)
{
    assert_int_equal(json_array_size(responses), turn->call_count);
    json_array_append_new(messages,
                          json_pack("{s:O}", "responses", (json_t *)(uintptr_t)responses));
}

static bool plain_read(struct mw_model_turn *turn, struct mw_error *error)
{
    if (!json_is_object(turn->answer))
        return mw_error_set(error, MW_ERROR_BAD_INPUT, "not plain");
    const char *unusable = json_string_value(json_object_get(turn->answer, "unusable"));
    const char *refused = json_string_value(json_object_get(turn->answer, "refused"));
    turn->input_tokens = mw_model_tokens(json_object_get(turn->answer, "in"));
    turn->output_tokens = mw_model_tokens(json_object_get(turn->answer, "out"));
    if (unusable != NULL)
        return mw_model_turn_end(turn, MW_MODEL_UNUSABLE, "%s", unusable);
    if (refused != NULL)
        return mw_model_turn_end(turn, MW_MODEL_REFUSED, "%s", refused);
    turn->text = json_string_value(json_object_get(turn->answer, "text"));
    turn->calls = talloc_zero_array(turn, struct mw_model_call, MW_MODEL_CALLS_MAX);
    size_t i;
    const json_t *call;
    json_array_foreach(json_object_get(turn->answer, "calls"), i, call)
    {
        json_t *arguments = json_object_get(call, "arguments");
        turn->calls[turn->call_count++] = (struct mw_model_call){
            .name = json_string_value(json_object_get(call, "name")),
            .arguments = json_is_object(arguments) ? json_incref(arguments) : NULL,
            .fault = json_is_object(arguments) ? NULL : "no object"};
    }
    turn->message = json_incref(turn->answer);
    return true;
}

static void plain_fault(int status, const json_t *body, struct mw_model_fault *fault)
{
    if (json_is_true(json_object_get(body, "never")))
        fault->again = false;
    if (json_is_true(json_object_get(body, "spent")))
        fault->impairment = MW_IMPAIRMENT_SPENT;
}

static const struct mw_model_vendor plain = {
    .name = "plain",
    .name_limit = 64,
    .name_marks = "_",
    .url = plain_url,
    .key_header = "X-Key: ",
    .body = plain_body,
    .say = plain_say,
    .respond = plain_respond,
    .read = plain_read,
    .fault = plain_fault,
    .forces_calls = true,
};

static bool create(struct mw_planner *planner, const void *config, const char *runbooks,
                   struct mw_error *error)
{
    return mw_model_create(planner, &plain, config, runbooks, error);
}

const struct mw_planner_ops plain_ops = {
    .name = "plain",
    .create = create,
    .propose = mw_model_propose,
    .ask = mw_model_answer,
    .spent = mw_model_spent,
};
