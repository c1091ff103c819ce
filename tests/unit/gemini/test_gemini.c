/* SPDX-License-Identifier: Apache-2.0 */
/* generateContent: what is said, how answers are read, what errors mean. */
#include "../model/script.h"

#include <stdlib.h>

#include "adapters/llm/gemini/gemini.h"

extern const struct mw_planner_ops mw_planner_gemini;

static struct mw_error error;

static int open_gemini(void **state)
{
    error = (struct mw_error){0};
    return script_open(state) == 0 && script_create(&mw_planner_gemini) == NULL ? 0 : -1;
}

#define STEP \
    "{\"tool\":\"redis_scale_memory\",\"arguments\":{\"maxmemory\":\"64MB\"},\"why\":\"w\"}"
#define PLAN_PART                                                                     \
    "{\"functionCall\":{\"name\":\"propose_plan\",\"args\":{\"root_cause\":\"full\"," \
    "\"confidence\":"                                                                 \
    "0.75,\"evidence\":[],\"steps\":[" STEP "]}},\"thoughtSignature\":\"cGxhbg==\"}"
#define ANSWER(parts)                                                                        \
    "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[" parts                    \
    "]},\"finishReason\":\"STOP\","                                                          \
    "\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":120,\"candidatesTokenCount\":18," \
    "\"thoughtsTokenCount\":40,\"totalTokenCount\":178},\"modelVersion\":\"gemini-9\"}"
#define ENDED(reason) \
    "{\"candidates\":[{\"finishReason\":\"" reason "\",\"index\":0}],\"usageMetadata\":{}}"

static const json_t *asked(size_t request, const char *key)
{
    return json_object_get(json_array_get(script.asked, request), key);
}

static const json_t *at(const json_t *value, const char *key, size_t index)
{
    return json_array_get(json_object_get(value, key), index);
}

static bool is_json(const json_t *value, const char *text)
{
    json_t *wanted = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(wanted);
    bool same = json_equal(value, wanted);
    json_decref(wanted);
    return same;
}

static void the_whole_conversation(void **state)
{
    static const char looks[] = ANSWER(
        "{\"text\":\"hm\",\"thought\":true,\"thoughtSignature\":\"YQ==\"},{\"functionCall\":{"
        "\"id\":"
        "\"fc-1\",\"name\":\"redis_info\",\"args\":{\"section\":\"memory\"}},\"thoughtSignature\":"
        "\"c2ln\",\"futureKey\":[1,2.5]},{\"functionCall\":{\"name\":\"resource_logs\"}}");
    script_answer(200, looks);
    script_answer(200, ANSWER(PLAN_PART));
    json_t *proposal = script_propose(NULL, 60000, &error);
    assert_non_null(proposal);
    const json_t *usage = json_object_get(proposal, "usage");
    assert_int_equal(json_integer_value(json_object_get(usage, "input_tokens")), 240);
    assert_int_equal(json_integer_value(json_object_get(usage, "output_tokens")), 116);
    assert_string_equal(json_string_value(json_object_get(usage, "model")), "gemini-9");
    json_decref(proposal);

    /* What the model said goes back as it came, signatures and unknown keys included. */
    json_t *answer = json_loads(looks, 0, NULL);
    const json_t *content = json_object_get(at(answer, "candidates", 0), "content");
    assert_true(json_equal(json_array_get(asked(1, "contents"), 1), content));
    json_decref(answer);
    /* Both calls are answered in their order, the id only where one was given. */
    const json_t *responses = json_array_get(asked(1, "contents"), 2);
    assert_string_equal(json_string_value(json_object_get(responses, "role")), "user");
    assert_int_equal(json_array_size(json_object_get(responses, "parts")), 2);
    const json_t *first = json_object_get(at(responses, "parts", 0), "functionResponse");
    const json_t *second = json_object_get(at(responses, "parts", 1), "functionResponse");
    assert_string_equal(json_string_value(json_object_get(first, "id")), "fc-1");
    assert_string_equal(json_string_value(json_object_get(first, "name")), "redis_info");
    assert_true(json_is_object(json_object_get(first, "response")));
    assert_null(json_object_get(second, "id"));
    assert_string_equal(json_string_value(json_object_get(second, "name")), "resource_logs");
}

static void a_question_has_the_form_of_the_api(void **state)
{
    script.config.max_turns = 0;
    script_answer(200, ANSWER(PLAN_PART));
    json_decref(script_propose(NULL, 60000, &error));
    assert_true(is_json(asked(0, "toolConfig"),
                        "{\"functionCallingConfig\":{\"mode\":\"ANY\",\"allowedFunctionNames\":"
                        "[\"propose_plan\"]}}"));
    const json_t *system = json_object_get(asked(0, "systemInstruction"), "parts");
    assert_true(json_is_string(json_object_get(json_array_get(system, 0), "text")));
    const json_t *functions =
        json_object_get(json_array_get(asked(0, "tools"), 0), "functionDeclarations");
    assert_int_equal(json_array_size(functions), 3);
    assert_non_null(json_object_get(json_array_get(functions, 0), "parametersJsonSchema"));
    assert_null(json_object_get(json_array_get(functions, 0), "parameters"));
    const struct mw_model *model = script.planner->state;
    assert_string_equal(model->url, "https://models.example.org/v1beta/models/m-1:generateContent");
    assert_string_equal(model->headers[1], "x-goog-api-key: key-abcdefgh");
}

static void contents_alternate_also_after_a_complaint(void **state)
{
    script_answer(200, ENDED("MALFORMED_FUNCTION_CALL"));
    script_answer(200, ANSWER(PLAN_PART));
    json_t *proposal = script_propose(NULL, 60000, &error);
    assert_non_null(proposal);
    json_decref(proposal);
    assert_int_equal(json_array_size(asked(1, "contents")), 1);
    const json_t *parts = json_object_get(json_array_get(asked(1, "contents"), 0), "parts");
    assert_int_equal(json_array_size(parts), 2);
    assert_non_null(strstr(json_string_value(json_object_get(json_array_get(parts, 1), "text")),
                           "MALFORMED_FUNCTION_CALL"));
}

static void text_without_calls_leads_to_the_forced_question(void **state)
{
    script_answer(200, ANSWER("{\"text\":\"full\",\"thoughtSignature\":\"eA==\"}"));
    script_answer(200, ANSWER(PLAN_PART));
    json_t *proposal = script_propose(NULL, 60000, &error);
    assert_non_null(proposal);
    json_decref(proposal);
    const json_t *contents = asked(1, "contents");
    assert_int_equal(json_array_size(contents), 3);
    assert_true(is_json(
        json_array_get(contents, 1),
        "{\"role\":\"model\",\"parts\":[{\"text\":\"full\",\"thoughtSignature\":\"eA==\"}]}"));
}

/* ---- answers that are none ---- */

static struct mw_model_turn *read_answer(const char *text)
{
    json_t *answer = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(answer);
    struct mw_model_turn *turn = mw_model_turn_create(NULL, answer);
    if (!mw_gemini_read(turn, &error)) {
        talloc_free(turn);
        return NULL;
    }
    return turn;
}

static void ends_are_told_apart(void **state)
{
    static const struct {
        const char *answer;
        enum mw_model_end end;
        const char *says;
    } cases[] = {
        {"{\"promptFeedback\":{\"blockReason\":\"PROHIBITED_CONTENT\"},\"usageMetadata\":{"
         "\"promptTokenCount\":12}}",
         MW_MODEL_REFUSED, "PROHIBITED_CONTENT"},
        {"{\"promptFeedback\":{\"blockReason\":\"SOMETHING_NEW\"},\"candidates\":[]}",
         MW_MODEL_REFUSED, "SOMETHING_NEW"},
        {ENDED("SAFETY"), MW_MODEL_REFUSED, "SAFETY"},
        {ENDED("RECITATION"), MW_MODEL_REFUSED, "RECITATION"},
        {ENDED("BLOCKLIST"), MW_MODEL_REFUSED, "BLOCKLIST"},
        {ENDED("SPII"), MW_MODEL_REFUSED, "SPII"},
        {ENDED("LANGUAGE"), MW_MODEL_REFUSED, "LANGUAGE"},
        {ENDED("STOP"), MW_MODEL_UNUSABLE, "empty"},
        {ENDED("OTHER"), MW_MODEL_UNUSABLE, "OTHER"},
        {ENDED("MISSING_THOUGHT_SIGNATURE"), MW_MODEL_UNUSABLE, "MISSING_THOUGHT_SIGNATURE"},
        {ENDED("NEVER_HEARD_OF"), MW_MODEL_UNUSABLE, "NEVER_HEARD_OF"},
        {"{\"candidates\":[{\"content\":{\"role\":\"model\"},\"finishReason\":\"MAX_TOKENS\"}]}",
         MW_MODEL_UNUSABLE, "limit of tokens"},
        {"{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[" PLAN_PART
         "]},\"finishReason\":\"MAX_TOKENS\"}]}",
         MW_MODEL_UNUSABLE, "limit of tokens"},
        {"{\"candidates\":[{\"finishReason\":\"MALFORMED_FUNCTION_CALL\",\"finishMessage\":"
         "\"Malformed "
         "call: redis_info(\"}]}",
         MW_MODEL_UNUSABLE, "redis_info("},
        {ENDED("UNEXPECTED_TOOL_CALL"), MW_MODEL_UNUSABLE, "UNEXPECTED_TOOL_CALL"},
        {ENDED("TOO_MANY_TOOL_CALLS"), MW_MODEL_UNUSABLE, "TOO_MANY_TOOL_CALLS"},
        {"{}", MW_MODEL_UNUSABLE, "no candidate"},
        {"{\"candidates\":[]}", MW_MODEL_UNUSABLE, "no candidate"},
        {"{\"candidates\":{\"0\":1}}", MW_MODEL_UNUSABLE, "no candidate"},
        {"{\"candidates\":[7]}", MW_MODEL_UNUSABLE, "no candidate"},
        {"{\"candidates\":[{\"content\":[]}]}", MW_MODEL_UNUSABLE, "empty"},
        {"{\"candidates\":[{\"content\":{\"parts\":{\"a\":1}}}]}", MW_MODEL_UNUSABLE, "empty"},
        {"{\"candidates\":[{\"finishReason\":{\"x\":1},\"finishMessage\":[2]}]}", MW_MODEL_UNUSABLE,
         "empty"},
        {ANSWER("1,2"), MW_MODEL_UNUSABLE, "no object"},
        {ANSWER("{\"text\":5}"), MW_MODEL_UNUSABLE, "empty"},
        {ANSWER("{\"text\":\"hm\",\"thought\":true}"), MW_MODEL_UNUSABLE, "empty"},
        {ANSWER("{\"functionCall\":{\"name\":[\"x\"],\"args\":{}}}"), MW_MODEL_UNUSABLE, "no name"},
        {ANSWER("{\"functionCall\":{\"args\":{}}}"), MW_MODEL_UNUSABLE, "no name"},
        {ANSWER("{\"functionCall\":7}"), MW_MODEL_UNUSABLE, "no name"},
        {ANSWER("{\"text\":\"x\"}"), MW_MODEL_USABLE, NULL},
        {"{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"}]},\"finishReason\":\"NEW\"}]}",
         MW_MODEL_USABLE, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mw_model_turn *turn = read_answer(cases[i].answer);
        assert_non_null(turn);
        if (turn->end != cases[i].end ||
            (cases[i].says != NULL && strstr(turn->reason, cases[i].says) == NULL))
            fail_msg("%s: %d %s", cases[i].answer, turn->end, turn->reason);
        talloc_free(turn);
    }
    assert_null(read_answer("[]"));
    assert_int_equal(error.class, MW_ERROR_BAD_INPUT);
}

static void numbers_of_strangers_are_bounded(void **state)
{
    struct mw_model_turn *turn = read_answer(
        "{\"usageMetadata\":{\"promptTokenCount\":1e308,\"candidatesTokenCount\":-5,"
        "\"thoughtsTokenCount\":"
        "\"7\",\"toolUsePromptTokenCount\":9223372036854775807},\"modelVersion\":{\"a\":1}}");
    assert_int_equal(turn->input_tokens, 2000000000);
    assert_int_equal(turn->output_tokens, 0);
    assert_null(turn->model);
    talloc_free(turn);
}

static void too_many_calls_are_unusable(void **state)
{
    json_t *parts = json_array();
    for (int i = 0; i < 5000; i++)
        json_array_append_new(parts, json_pack("{s:{s:s}}", "functionCall", "name", "redis_info"));
    json_t *answer = json_pack("{s:[{s:{s:o}}]}", "candidates", "content", "parts", parts);
    char *text = json_dumps(answer, 0);
    struct mw_model_turn *turn = read_answer(text);
    assert_int_equal(turn->end, MW_MODEL_UNUSABLE);
    talloc_free(turn);
    free(text);
    json_decref(answer);
}

static void bad_arguments_are_answered_and_not_fatal(void **state)
{
    script_answer(200, ANSWER("{\"functionCall\":{\"name\":\"redis_info\",\"args\":[1]}}"));
    script_answer(200, ANSWER(PLAN_PART));
    json_t *proposal = script_propose(NULL, 60000, &error);
    assert_non_null(proposal);
    json_decref(proposal);
    assert_int_equal(json_array_size(script.looked), 0);
    const json_t *response = json_object_get(
        at(json_array_get(asked(1, "contents"), 2), "parts", 0), "functionResponse");
    assert_true(is_json(json_object_get(response, "response"),
                        "{\"error\":\"the arguments must be an object\"}"));
}

/* ---- errors ---- */

#define QUOTA(id, delay)                                                                           \
    "{\"error\":{\"code\":429,\"message\":\"quota\",\"status\":\"RESOURCE_EXHAUSTED\","            \
    "\"details\":[{"                                                                               \
    "\"@type\":\"type.googleapis.com/google.rpc.QuotaFailure\",\"violations\":[{\"quotaId\":\"" id \
    "\"}]},{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":" delay "}]}}"

static void assert_fault(int status, const char *body, enum mw_error_class class, const char *says,
                         size_t requests)
{
    script.count = script.at = 0;
    for (int i = 0; i < 3; i++)
        script_answer(status, body);
    ((struct mw_model *)script.planner->state)->breaker = (struct mw_breaker){0};
    json_t *proposal = script_propose(NULL, 60000, &error);
    assert_null(proposal);
    if (error.class != class || strstr(error.text, says) == NULL || script.at != requests)
        fail_msg("%s %zu: %s", mw_error_class_name(error.class), script.at, error.text);
}

static void errors_have_their_meaning(void **state)
{
    assert_fault(400,
                 "{\"error\":{\"code\":400,\"message\":\"API key not "
                 "valid.\",\"status\":\"INVALID_ARGUMENT\","
                 "\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":"
                 "\"API_KEY_INVALID\"}]}}",
                 MW_ERROR_PERMANENT, "llm.api_key", 1);
    assert_fault(400, "{\"error\":{\"status\":\"FAILED_PRECONDITION\"}}", MW_ERROR_PERMANENT,
                 "billing", 1);
    assert_fault(400, "{\"error\":{\"message\":\"Unknown name \\\"foo\\\"\"}}", MW_ERROR_PERMANENT,
                 "foo", 1);
    assert_fault(403, "{\"error\":{\"status\":\"PERMISSION_DENIED\"}}", MW_ERROR_PERMANENT,
                 "llm.api_key", 1);
    assert_fault(404, "{\"error\":{\"message\":\"models/x is not found\"}}", MW_ERROR_PERMANENT,
                 "llm.model", 1);
    assert_fault(503, "{\"error\":{\"message\":\"overloaded\"}}", MW_ERROR_RETRY, "overloaded", 3);
    assert_fault(429, QUOTA("RequestsPerDayPerProject-FreeTier", "\"41s\""), MW_ERROR_REFUSED,
                 "day", 1);
    assert_fault(429, QUOTA("RequestsPerMinute", "\"61.5s\""), MW_ERROR_RETRY, "61.5 s", 1);
    assert_fault(429, "{\"error\":[{\"details\":{}}]}", MW_ERROR_RETRY, "429", 3);
}

static void the_delay_is_honoured(void **state)
{
    static const struct {
        const char *delay;
        int64_t from, to;
    } cases[] = {
        {"\"3.5s\"", 3500, 3500}, {"\"0s\"", 0, 0},         {"\"x\"", 500, 1000},
        {"\"5\"", 500, 1000},     {"7", 500, 1000},         {"\"-1s\"", 500, 1000},
        {"\"nans\"", 500, 1000},  {"\"1e99s\"", 500, 1000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *body = talloc_asprintf(NULL, QUOTA("PerMinute", "%s"), cases[i].delay);
        script.count = script.at = 0;
        script_answer(429, body);
        script_answer(200, ANSWER(PLAN_PART));
        json_t *proposal = script_propose(NULL, 60000, &error);
        assert_non_null(proposal);
        json_decref(proposal);
        assert_in_range((script.times[1] - script.times[0]) / 1000000, cases[i].from, cases[i].to);
        talloc_free(body);
    }
}

static void a_model_has_a_plain_name(void **state)
{
    static const char *const wrong[] = {"", "a/b", "x?key=1", "../x", "a b", "x:y", "ä"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        talloc_free(script.planner);
        script.config.model = wrong[i];
        assert_non_null(strstr(script_create(&mw_planner_gemini), "llm.model"));
    }
    talloc_free(script.planner);
    script.config.model = "models/gemini-3.8-flash";
    assert_null(script_create(&mw_planner_gemini));
    assert_non_null(strstr(((struct mw_model *)script.planner->state)->url,
                           "/models/gemini-3.8-flash:generateContent"));
}

#define test(name) cmocka_unit_test_setup_teardown(name, open_gemini, script_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_whole_conversation),
        test(a_question_has_the_form_of_the_api),
        test(contents_alternate_also_after_a_complaint),
        test(text_without_calls_leads_to_the_forced_question),
        test(ends_are_told_apart),
        test(numbers_of_strangers_are_bounded),
        test(too_many_calls_are_unusable),
        test(bad_arguments_are_answered_and_not_fatal),
        test(errors_have_their_meaning),
        test(the_delay_is_honoured),
        test(a_model_has_a_plain_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
