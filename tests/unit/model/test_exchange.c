/* SPDX-License-Identifier: Apache-2.0 */
/* One question to the service: what is tried again, when, and how a failure is called. */
#include "plain.h"
#include "script.h"

#define PLAN                                                                                \
    "{\"in\":1000,\"out\":100,\"calls\":[{\"name\":\"propose_plan\",\"arguments\":{\"root_" \
    "cause\":"                                                                              \
    "\"c\",\"confidence\":0.5,\"evidence\":[],\"steps\":[{\"tool\":\"redis_scale_memory\"," \
    "\"arguments\":{},"                                                                     \
    "\"why\":\"w\"}]}}]}"

static struct mw_error error;

static int open_plain(void **state)
{
    error = (struct mw_error){0};
    return script_open(state) == 0 && script_create(&plain_ops) == NULL ? 0 : -1;
}

static bool proposes(int64_t ms)
{
    json_t *proposal = script_propose(NULL, ms, &error);
    bool ok = proposal != NULL;
    json_decref(proposal);
    return ok;
}

static int64_t ms_between(size_t first, size_t second)
{
    return (script.times[second] - script.times[first]) / 1000000;
}

static void assert_fails(enum mw_error_class class, const char *says)
{
    assert_false(proposes(60000));
    if (error.class != class || strstr(error.text, says) == NULL)
        fail_msg("%s: %s", mw_error_class_name(error.class), error.text);
    assert_null(strstr(error.text, "key-abcdefgh"));
}

static void a_service_in_trouble_is_tried_three_times(void **state)
{
    script_answer(503, "{\"error\":{\"message\":\"overloaded\"}}");
    script_answer(500, "<html>");
    script_answer(200, PLAN);
    assert_true(proposes(60000));
    assert_in_range(ms_between(0, 1), 500, 1000);
    assert_in_range(ms_between(1, 2), 1000, 2000);
}

static void not_four_times(void **state)
{
    for (int i = 0; i < 4; i++)
        script_answer(503, "{\"error\":{\"message\":\"over\\u001bloaded\"}}");
    assert_fails(MW_ERROR_RETRY, "HTTP 503");
    assert_non_null(strstr(error.text, "over"));
    assert_null(strchr(error.text, '\x1b'));
    assert_int_equal(script.at, 3);
}

static void a_lost_connection_is_tried_again_a_late_answer_is_not(void **state)
{
    script_fail(MW_ERROR_RETRY);
    script_answer(200, PLAN);
    assert_true(proposes(60000));
    script_fail(MW_ERROR_TIMEOUT);
    assert_fails(MW_ERROR_TIMEOUT, "scripted");
    script_fail(MW_ERROR_PERMANENT);
    assert_fails(MW_ERROR_PERMANENT, "scripted");
    assert_int_equal(script.at, 4);
}

static void it_waits_as_long_as_it_is_told(void **state)
{
    script_answer(429, "{}");
    script_last()->retry_after_ms = 7000;
    script_answer(200, PLAN);
    assert_true(proposes(60000));
    assert_int_equal(ms_between(0, 1), 7000);
}

static void it_does_not_wait_past_its_deadline(void **state)
{
    script_answer(429, "{}");
    script_last()->retry_after_ms = 61000;
    mw_mono_ns began = mw_mono_now();
    assert_fails(MW_ERROR_RETRY, "61.0 s");
    assert_int_equal(script.at, 1);
    assert_true(mw_mono_now() - began < 1000000000);
    /* Backing off would be too long as well. */
    script_answer(503, "{}");
    assert_false(proposes(300));
    assert_int_equal(error.class, MW_ERROR_RETRY);
}

static void statuses_have_their_class_and_advice(void **state)
{
    static const struct {
        int status;
        enum mw_error_class class;
        const char *says;
    } cases[] = {
        {400, MW_ERROR_PERMANENT, "HTTP 400"},    {401, MW_ERROR_PERMANENT, "llm.api_key"},
        {403, MW_ERROR_PERMANENT, "llm.api_key"}, {404, MW_ERROR_PERMANENT, "llm.model"},
        {413, MW_ERROR_PERMANENT, "too long"},    {302, MW_ERROR_PERMANENT, "redirect"},
        {418, MW_ERROR_PERMANENT, "HTTP 418"},    {101, MW_ERROR_PERMANENT, "HTTP 101"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mw_breaker_worked(&((struct mw_model *)script.planner->state)->breaker);
        script_answer(cases[i].status, "{}");
        assert_fails(cases[i].class, cases[i].says);
        assert_int_equal(script.at, i + 1);
    }
    mw_breaker_worked(&((struct mw_model *)script.planner->state)->breaker);
    script_answer(503, "{\"never\":true}");
    assert_fails(MW_ERROR_RETRY, "503");
    assert_int_equal(script.at, sizeof cases / sizeof *cases + 1);
}

static void a_message_does_not_show_the_key(void **state)
{
    script_answer(400, "{\"error\":{\"message\":\"the key key-abcdefgh is wrong\"}}");
    assert_fails(MW_ERROR_PERMANENT, "is wrong");
    script_answer(400, "{\"error\":\"just words\"}");
    assert_fails(MW_ERROR_PERMANENT, "just words");
    script_answer(400, "{\"error\":[7],\"message\":{},\"detail\":\"told here\"}");
    assert_fails(MW_ERROR_PERMANENT, "told here");
}

static void what_is_no_json_is_bad_input(void **state)
{
    static const char *const bodies[] = {
        "",   "<html>hello", "{\"a\":", "{\"a\":1}x", "{\"a\":\"\xff\"}", "{\"a\":1,\"a\":2}",
        "[]", "7",           NULL};
    for (size_t i = 0; bodies[i] != NULL; i++) {
        mw_breaker_worked(&((struct mw_model *)script.planner->state)->breaker);
        script_answer(200, bodies[i]);
        assert_fails(MW_ERROR_BAD_INPUT, "");
    }
    char *deep = talloc_zero_size(NULL, 20001);
    memset(deep, '[', 20000);
    script_answer(200, deep);
    mw_breaker_worked(&((struct mw_model *)script.planner->state)->breaker);
    assert_fails(MW_ERROR_BAD_INPUT, "deep");
    talloc_free(deep);
}

static void a_service_that_keeps_failing_is_left_alone(void **state)
{
    for (int i = 0; i < 3; i++) {
        script_answer(401, "{}");
        assert_fails(MW_ERROR_PERMANENT, "401");
    }
    assert_fails(MW_ERROR_RETRY, "3 times in a row");
    assert_int_equal(script.at, 3);
    mw_clock_advance(31 * INT64_C(1000000000));
    script_answer(200, PLAN);
    assert_true(proposes(60000));
    script_answer(200, PLAN);
    assert_true(proposes(60000));
}

static void the_budget_is_kept(void **state)
{
    script.price = (struct mw_model_price){.input_per_mtok = 1000, .output_per_mtok = 5000};
    script.config.price = &script.price;
    script.config.daily_budget_usd = 2;
    talloc_free(script.planner);
    assert_null(script_create(&plain_ops));
    script_answer(200, PLAN);
    script_answer(200, PLAN);
    for (int i = 0; i < 2; i++) {
        json_t *proposal = script_propose(NULL, 60000, &error);
        const json_t *usage = json_object_get(proposal, "usage");
        double cost = json_number_value(json_object_get(usage, "cost_usd"));
        assert_true(cost > 1.499 && cost < 1.501);
        assert_int_equal(json_integer_value(json_object_get(usage, "input_tokens")), 1000);
        assert_int_equal(json_integer_value(json_object_get(usage, "output_tokens")), 100);
        json_decref(proposal);
    }
    assert_fails(MW_ERROR_REFUSED, "budget");
    assert_int_equal(script.at, 2);
    mw_clock_advance(86400 * INT64_C(1000000000));
    script_answer(200, PLAN);
    assert_true(proposes(60000));
}

static void an_answer_that_cannot_be_used_costs_too(void **state)
{
    script.price = (struct mw_model_price){.input_per_mtok = 1000};
    script.config.price = &script.price;
    script.config.daily_budget_usd = 2;
    talloc_free(script.planner);
    assert_null(script_create(&plain_ops));
    script_answer(200, "{\"in\":1000,\"unusable\":\"cut\"}");
    script_answer(200, "{\"in\":1000,\"unusable\":\"cut\"}");
    assert_fails(MW_ERROR_BAD_INPUT, "cut");
    assert_fails(MW_ERROR_REFUSED, "budget");
}

static void only_a_service_that_had_time_is_blamed(void **state)
{
    struct mw_breaker *breaker = &((struct mw_model *)script.planner->state)->breaker;
    script_fail(MW_ERROR_TIMEOUT);
    script_last()->takes_ms = 4000;
    assert_fails(MW_ERROR_TIMEOUT, "scripted");
    assert_int_equal(breaker->failures, 0);
    script_fail(MW_ERROR_TIMEOUT);
    script_last()->takes_ms = 5000;
    assert_fails(MW_ERROR_TIMEOUT, "scripted");
    assert_int_equal(breaker->failures, 1);
    assert_false(proposes(0));
    assert_int_equal(error.class, MW_ERROR_TIMEOUT);
    assert_int_equal(breaker->failures, 1);
    assert_int_equal(script.at, 2);
}

static void ask_in_fiber(void *argument)
{
    json_t *proposal = NULL, *situation = script_situation();
    assert_false(script.planner->ops->propose(script.planner, situation, NULL,
                                              mw_deadline_in(60000), &proposal, &error));
    assert_null(proposal);
    json_decref(situation);
}

static void cancel_body(void)
{
    struct mw_group group;
    mw_group_init(&group);
    mw_fiber_spawn(&group, "asking", ask_in_fiber, NULL);
    mw_sleep(200, NULL);
    mw_group_finish(&group);
}

static void cancelling_ends_it_and_says_nothing_about_the_service(void **state)
{
    struct mw_breaker *breaker = &((struct mw_model *)script.planner->state)->breaker;
    breaker->failures = 2;
    script_answer(200, PLAN);
    script_last()->takes_ms = 10000;
    script_in_fiber(cancel_body);
    assert_int_equal(error.class, MW_ERROR_CANCELLED);
    assert_int_equal(breaker->failures, 2);
    /* While it waits before the next try. */
    script_answer(503, "{}");
    error = (struct mw_error){0};
    script_in_fiber(cancel_body);
    assert_int_equal(error.class, MW_ERROR_CANCELLED);
    assert_int_equal(breaker->failures, 2);
}

static void the_configuration_is_checked(void **state)
{
    struct mw_model_config good = script.config;
    static const char *const keys[] = {"", "a b", "a\r\nX: y", "käse"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        talloc_free(script.planner);
        script.config.api_key = keys[i];
        const char *says = script_create(&plain_ops);
        assert_non_null(says);
        assert_non_null(strstr(says, "llm.api_key"));
    }
    script.config = good;
    script.config.daily_budget_usd = 5;
    talloc_free(script.planner);
    assert_non_null(strstr(script_create(&plain_ops), "llm.price"));
    script.config = good;
    script.config.base_url = "http://10.0.0.1";
    talloc_free(script.planner);
    assert_non_null(strstr(script_create(&plain_ops), "llm.base_url"));
    script.config = good;
    script.config.prompts = "/nowhere";
    talloc_free(script.planner);
    assert_non_null(strstr(script_create(&plain_ops), "/nowhere"));
    script.config = good;
    talloc_free(script.planner);
    assert_null(script_create(&plain_ops));
    assert_string_equal(script.planner->label, "plain:m-1");
    const struct mw_model *model = script.planner->state;
    assert_string_equal(model->headers[1], "X-Key: key-abcdefgh");
    assert_null(strstr(model->url, "key-abcdefgh"));
}

#define test(name) cmocka_unit_test_setup_teardown(name, open_plain, script_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_service_in_trouble_is_tried_three_times),
        test(not_four_times),
        test(a_lost_connection_is_tried_again_a_late_answer_is_not),
        test(it_waits_as_long_as_it_is_told),
        test(it_does_not_wait_past_its_deadline),
        test(statuses_have_their_class_and_advice),
        test(a_message_does_not_show_the_key),
        test(what_is_no_json_is_bad_input),
        test(a_service_that_keeps_failing_is_left_alone),
        test(the_budget_is_kept),
        test(an_answer_that_cannot_be_used_costs_too),
        test(only_a_service_that_had_time_is_blamed),
        test(cancelling_ends_it_and_says_nothing_about_the_service),
        test(the_configuration_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
