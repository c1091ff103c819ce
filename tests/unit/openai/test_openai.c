/* SPDX-License-Identifier: Apache-2.0 */
/* Chat completions: what is said, how answers of different servers are read, what errors mean. */
#include "../model/script.h"

#include <stdlib.h>

#include "adapters/llm/openai/openai.h"

extern const struct mw_planner_ops mw_planner_openai;

static struct mw_error error;

static int open_openai(void **state)
{
    error = (struct mw_error){0};
    return script_open(state) == 0 && script_create(&mw_planner_openai) == NULL ? 0 : -1;
}

#define PLAN_ARGUMENTS                                                                       \
    "{\\\"root_cause\\\":\\\"full\\\",\\\"confidence\\\":0.75,\\\"steps\\\":[{\\\"tool\\\":" \
    "\\\"redis_scale_memory\\\",\\\"arguments\\\":{},\\\"why\\\":\\\"w\\\"}]}"
#define CALL(id, name, arguments)                                       \
    "{\"id\":" id ",\"type\":\"function\",\"function\":{\"name\":" name \
    ",\"arguments\":" arguments "}}"
#define PLAN CALL("\"c9\"", "\"propose_plan\"", "\"" PLAN_ARGUMENTS "\"")
#define ANSWER(message, reason)                                                                    \
    "{\"id\":\"x\",\"object\":\"chat.completion\",\"model\":\"served-1\",\"choices\":[{\"index\":" \
    "0,"                                                                                           \
    "\"message\":" message ",\"finish_reason\":\"" reason                                          \
    "\"}],\"usage\":{\"prompt_tokens\":50,\"completion_tokens\":7,\"total_tokens\":57}}"
#define CALLS(calls) \
    ANSWER("{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[" calls "]}", "tool_calls")

static const json_t *asked(size_t request, const char *key)
{
    return json_object_get(json_array_get(script.asked, request), key);
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static bool is_json(const json_t *value, const char *text)
{
    json_t *wanted = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(wanted);
    bool same = json_equal(value, wanted);
    json_decref(wanted);
    return same;
}

static bool proposes(void)
{
    json_t *proposal = script_propose(NULL, 60000, &error);
    bool ok = proposal != NULL;
    json_decref(proposal);
    return ok;
}

static void the_whole_conversation(void **state)
{
    script_answer(
        200,
        CALLS(CALL("\"c1\"", "\"redis_info\"", "\"{\\\"section\\\": \\\"memory\\\"}\"") "," CALL(
            "\"c2\"", "\"resource_logs\"", "\"{}\"")));
    script_answer(200, CALLS(PLAN));
    json_t *proposal = script_propose(NULL, 60000, &error);
    assert_non_null(proposal);
    const json_t *usage = json_object_get(proposal, "usage");
    assert_int_equal(json_integer_value(json_object_get(usage, "input_tokens")), 100);
    assert_string_equal(json_string_value(json_object_get(usage, "model")), "served-1");
    json_decref(proposal);
    const json_t *messages = asked(1, "messages");
    assert_int_equal(json_array_size(messages), 5);
    assert_string_equal(text_at(json_array_get(messages, 0), "role"), "system");
    assert_string_equal(text_at(json_array_get(messages, 1), "role"), "user");
    assert_true(
        is_json(json_array_get(messages, 2),
                "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":"
                "\"function\",\"function\":{\"name\":\"redis_info\",\"arguments\":"
                "\"{\\\"section\\\":\\\"memory\\\"}\"}},{\"id\":\"c2\",\"type\":\"function\","
                "\"function\":{\"name\":\"resource_logs\",\"arguments\":\"{}\"}}]}"));
    assert_string_equal(text_at(json_array_get(messages, 3), "tool_call_id"), "c1");
    assert_string_equal(text_at(json_array_get(messages, 4), "tool_call_id"), "c2");
    assert_non_null(strstr(text_at(json_array_get(messages, 3), "content"), "<<<DATA"));
}

static void a_question_has_the_form_of_the_api(void **state)
{
    script_answer(200, CALLS(CALL("\"c1\"", "\"redis_info\"", "\"{}\"")));
    script_answer(200, CALLS(PLAN));
    script.config.max_turns = 1;
    assert_true(proposes());
    assert_string_equal(json_string_value(asked(0, "model")), "m-1");
    assert_string_equal(json_string_value(asked(0, "tool_choice")), "auto");
    assert_int_equal(json_array_size(asked(0, "tools")), 3);
    assert_true(json_is_false(asked(0, "stream")));
    assert_string_equal(json_string_value(asked(1, "tool_choice")), "required");
    assert_int_equal(json_array_size(asked(1, "tools")), 1);
    const json_t *tool = json_array_get(asked(1, "tools"), 0);
    assert_string_equal(text_at(json_object_get(tool, "function"), "name"), "propose_plan");
    /* A server that cannot force is told in words. */
    const json_t *messages = asked(1, "messages");
    const json_t *last = json_array_get(messages, json_array_size(messages) - 1);
    assert_string_equal(text_at(last, "role"), "user");
    assert_non_null(strstr(text_at(last, "content"), "propose_plan"));
}

static void what_servers_leave_out_or_do_otherwise(void **state)
{
    script_answer(
        200, CALLS(CALL("\"\"", "\"redis_info\"", "{\"section\":\"memory\"}") "," CALL(
                 "null", "\"resource_logs\"", "null") "," CALL("7", "\"resource_logs\"", "\"\"")));
    script_answer(200, CALLS(PLAN));
    assert_true(proposes());
    assert_int_equal(json_array_size(script.looked), 3);
    const json_t *messages = asked(1, "messages");
    const json_t *calls = json_object_get(json_array_get(messages, 2), "tool_calls");
    for (size_t i = 0; i < 3; i++) {
        const char *id = text_at(json_array_get(calls, i), "id");
        assert_true(*id != '\0');
        assert_string_equal(id, text_at(json_array_get(messages, 3 + i), "tool_call_id"));
    }
    assert_string_not_equal(text_at(json_array_get(calls, 0), "id"),
                            text_at(json_array_get(calls, 1), "id"));
}

static void broken_arguments_are_not_sent_back(void **state)
{
    script_answer(200, CALLS(CALL("\"c1\"", "\"redis_info\"", "\"{\\\"section\\\": \"") "," CALL(
                           "\"c2\"", "\"redis_info\"", "\"[1]\"")));
    script_answer(200, CALLS(PLAN));
    assert_true(proposes());
    assert_int_equal(json_array_size(script.looked), 0);
    const json_t *messages = asked(1, "messages");
    const json_t *call =
        json_array_get(json_object_get(json_array_get(messages, 2), "tool_calls"), 0);
    assert_string_equal(text_at(json_object_get(call, "function"), "arguments"), "{}");
    assert_non_null(
        strstr(text_at(json_array_get(messages, 3), "content"), "must be a JSON object"));
    assert_non_null(
        strstr(text_at(json_array_get(messages, 4), "content"), "must be a JSON object"));
}

static struct mw_model_turn *read_answer(const char *text)
{
    json_t *answer = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(answer);
    struct mw_model_turn *turn = mw_model_turn_create(NULL, answer);
    if (!mw_openai_read(turn, &error)) {
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
        {ANSWER("{\"content\":null,\"refusal\":\"I will\\nnot\"}", "stop"), MW_MODEL_REFUSED,
         "I will not"},
        {ANSWER("{\"content\":\"half\"}", "content_filter"), MW_MODEL_REFUSED, "content_filter"},
        {ANSWER("{\"content\":\"half\"}", "length"), MW_MODEL_UNUSABLE, "limit of tokens"},
        {ANSWER("{\"content\":null}", "stop"), MW_MODEL_UNUSABLE, "empty"},
        {ANSWER("{\"content\":\"\",\"tool_calls\":[]}", "stop"), MW_MODEL_UNUSABLE, "empty"},
        {ANSWER("{\"content\":[{\"text\":\"x\"}],\"tool_calls\":{}}", "stop"), MW_MODEL_UNUSABLE,
         "empty"},
        {ANSWER("null", "stop"), MW_MODEL_UNUSABLE, "no message"},
        {ANSWER("[1]", "stop"), MW_MODEL_UNUSABLE, "no message"},
        {ANSWER("{\"tool_calls\":[7]}", "stop"), MW_MODEL_UNUSABLE, "no name"},
        {ANSWER("{\"tool_calls\":[{\"function\":{\"name\":{}}}]}", "stop"), MW_MODEL_UNUSABLE,
         "no name"},
        {"{}", MW_MODEL_UNUSABLE, "no message"},
        {"{\"choices\":[]}", MW_MODEL_UNUSABLE, "no message"},
        {"{\"choices\":\"x\",\"usage\":[1]}", MW_MODEL_UNUSABLE, "no message"},
        {ANSWER("{\"content\":\"x\"}", "never heard of"), MW_MODEL_USABLE, NULL},
        {"{\"choices\":[{\"finish_reason\":3,\"message\":{\"content\":\"x\",\"refusal\":null}}]}",
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
    assert_null(read_answer("\"hello\""));
    assert_int_equal(error.class, MW_ERROR_BAD_INPUT);
}

static void too_many_calls_are_unusable(void **state)
{
    json_t *calls = json_array();
    for (int i = 0; i < 5000; i++)
        json_array_append_new(calls, json_pack("{s:{s:s}}", "function", "name", "redis_info"));
    json_t *answer = json_pack("{s:[{s:{s:o}}]}", "choices", "message", "tool_calls", calls);
    char *text = json_dumps(answer, 0);
    struct mw_model_turn *turn = read_answer(text);
    assert_int_equal(turn->end, MW_MODEL_UNUSABLE);
    talloc_free(turn);
    free(text);
    json_decref(answer);
}

static void errors_have_their_meaning(void **state)
{
    script_answer(
        429, "{\"error\":{\"message\":\"You exceeded your quota\",\"type\":\"insufficient_quota\","
             "\"code\":\"insufficient_quota\"}}");
    assert_false(proposes());
    assert_int_equal(error.class, MW_ERROR_REFUSED);
    assert_int_equal(script.at, 1);
    script_answer(400, "{\"error\":{\"message\":\"filtered\",\"code\":\"content_filter\"}}");
    assert_false(proposes());
    assert_int_equal(error.class, MW_ERROR_REFUSED);
    script_answer(
        404, "{\"error\":{\"message\":\"model \\\"m-1\\\" not found, try pulling it first\"}}");
    assert_false(proposes());
    assert_int_equal(error.class, MW_ERROR_PERMANENT);
    assert_non_null(strstr(error.text, "pulling"));
    assert_non_null(strstr(error.text, "llm.model"));
}

static const char *url_for(const char *base)
{
    talloc_free(script.planner);
    script.config.base_url = base;
    const char *says = script_create(&mw_planner_openai);
    return says != NULL ? says : ((struct mw_model *)script.planner->state)->url;
}

static void addresses_are_completed(void **state)
{
    assert_string_equal(url_for("https://api.openai.com/v1"),
                        "https://api.openai.com/v1/chat/completions");
    assert_string_equal(url_for("http://127.0.0.1:11434"),
                        "http://127.0.0.1:11434/v1/chat/completions");
    assert_string_equal(url_for("http://127.0.0.1:11434/"),
                        "http://127.0.0.1:11434/v1/chat/completions");
    assert_string_equal(url_for("https://gateway.example/openai/"),
                        "https://gateway.example/openai/chat/completions");
    assert_non_null(strstr(url_for("http://gpu.example:8000/v1"), "llm.base_url"));
}

static void a_key_is_not_needed(void **state)
{
    script.config.api_key = NULL;
    talloc_free(script.planner);
    assert_null(script_create(&mw_planner_openai));
    assert_null(((struct mw_model *)script.planner->state)->headers[1]);
    script_answer(401, "{}");
    assert_false(proposes());
    assert_non_null(strstr(error.text, "wants an llm.api_key"));
}

#define test(name) cmocka_unit_test_setup_teardown(name, open_openai, script_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_whole_conversation),
        test(a_question_has_the_form_of_the_api),
        test(what_servers_leave_out_or_do_otherwise),
        test(broken_arguments_are_not_sent_back),
        test(ends_are_told_apart),
        test(too_many_calls_are_unusable),
        test(errors_have_their_meaning),
        test(addresses_are_completed),
        test(a_key_is_not_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
