/* SPDX-License-Identifier: Apache-2.0 */
/* What a planner tells beside its plans: each exchange, and when its service cannot be used. */
#include "plain.h"
#include "script.h"

#define PLAN                                                                                \
    "{\"in\":1000,\"out\":100,\"calls\":[{\"name\":\"propose_plan\",\"arguments\":{\"root_" \
    "cause\":"                                                                              \
    "\"c\",\"confidence\":0.5,\"evidence\":[],\"steps\":[{\"tool\":\"redis_scale_memory\"," \
    "\"arguments\":{},\"why\":\"w\"}]}}]}"
#define LOOK "{\"in\":10,\"out\":1,\"calls\":[{\"name\":\"redis_info\",\"arguments\":{}}]}"

static struct mw_error error;

static int open_plain(void **state)
{
    error = (struct mw_error){0};
    script_open(state);
    script.config.price = &script.price;
    script.price = (struct mw_model_price){.input_per_mtok = 1000, .output_per_mtok = 0};
    script.config.daily_budget_usd = 1.5;
    return script_create(&plain_ops) == NULL ? 0 : -1;
}

static bool proposes(void)
{
    json_t *proposal = script_propose(NULL, 60000, &error);
    bool ok = proposal != NULL;
    json_decref(proposal);
    return ok;
}

static const json_t *exchange(size_t index, const char *key)
{
    return json_object_get(json_array_get(script.exchanges, index), key);
}

/* What was told last, after that many. */
static void assert_told(size_t count, enum mw_impairment impairment, const char *why)
{
    const json_t *last = json_array_get(script.tidings, json_array_size(script.tidings) - 1);
    const char *said = json_string_value(json_object_get(last, "why"));
    assert_int_equal(json_array_size(script.tidings), count);
    assert_int_equal(json_integer_value(json_object_get(last, "impairment")), impairment);
    assert_true((why == NULL) == (said == NULL));
    if (why != NULL && strstr(said, why) == NULL)
        fail_msg("%s", said);
}

static void each_exchange_is_told(void **state)
{
    script_answer(200, LOOK);
    script_answer(200, PLAN);
    assert_true(proposes());
    assert_int_equal(json_array_size(script.exchanges), 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(json_equal(exchange(i, "request"), json_array_get(script.asked, i)));
        assert_true(json_is_object(exchange(i, "answer")));
        assert_true(json_is_null(exchange(i, "fault")));
    }
    const json_t *usage = exchange(1, "usage");
    assert_int_equal(json_integer_value(json_object_get(usage, "input_tokens")), 1000);
    double cost = json_number_value(json_object_get(usage, "cost_usd"));
    assert_true(cost > 0.999 && cost < 1.001);
}

static void so_is_what_went_wrong(void **state)
{
    script_answer(400, "{\"error\":\"no such thing\"}");
    assert_false(proposes());
    assert_int_equal(json_array_size(script.exchanges), 1);
    assert_true(json_is_null(exchange(0, "answer")));
    assert_non_null(strstr(json_string_value(exchange(0, "fault")), "no such thing"));
    script_answer(200, "{\"refused\":\"I will not\"}");
    assert_false(proposes());
    assert_string_equal(json_string_value(exchange(1, "fault")), "I will not");
    assert_true(json_is_object(exchange(1, "answer")));
    script_answer(200, "[]");
    assert_false(proposes());
    assert_string_equal(json_string_value(exchange(2, "fault")), "not plain");
}

static void a_chance_failure_tells_nothing(void **state)
{
    script_answer(400, "{}");
    assert_false(proposes());
    assert_int_equal(json_array_size(script.tidings), 0);
    script_answer(200, PLAN);
    assert_true(proposes());
    assert_told(1, MW_IMPAIRMENT_NONE, NULL);
}

static void a_service_that_is_left_alone_is_told(void **state)
{
    for (int i = 0; i < 9; i++)
        script_answer(503, "{\"error\":{\"message\":\"overloaded\"}}");
    assert_false(proposes());
    assert_false(proposes());
    assert_int_equal(json_array_size(script.tidings), 0);
    assert_false(proposes());
    assert_told(1, MW_IMPAIRMENT_UNREACHABLE, "overloaded");
    size_t exchanges = json_array_size(script.exchanges);
    assert_false(proposes());
    assert_told(2, MW_IMPAIRMENT_UNREACHABLE, "overloaded");
    /* It was not asked. */
    assert_int_equal(json_array_size(script.exchanges), exchanges);
    mw_clock_advance(31 * INT64_C(1000000000));
    script_answer(200, PLAN);
    assert_true(proposes());
    assert_told(3, MW_IMPAIRMENT_NONE, NULL);
}

static void a_service_that_refuses_us_is_told_at_once(void **state)
{
    for (int i = 0; i < 3; i++) {
        script_answer(401, "{\"error\":\"who are you\"}");
        assert_false(proposes());
        assert_told((size_t)i + 1, MW_IMPAIRMENT_REFUSED, "look at llm.api_key");
    }
    /* It is left alone now, for that reason. */
    assert_false(proposes());
    assert_told(4, MW_IMPAIRMENT_REFUSED, "who are you");
}

static void a_budget_that_is_spent_is_told(void **state)
{
    script_answer(200, PLAN);
    script_answer(200, PLAN);
    assert_true(proposes());
    assert_true(proposes());
    assert_false(proposes());
    assert_told(3, MW_IMPAIRMENT_SPENT, "today's budget of $1.50");
    mw_clock_advance(INT64_C(86400) * 1000000000);
    script_answer(200, PLAN);
    assert_true(proposes());
    assert_told(4, MW_IMPAIRMENT_NONE, NULL);
    script_answer(429, "{\"never\":true,\"spent\":true}");
    assert_false(proposes());
    assert_told(5, MW_IMPAIRMENT_SPENT, "HTTP 429");
}

static void what_was_spent_before_counts(void **state)
{
    script.planner->ops->spent(script.planner, 1.4);
    script_answer(200, PLAN);
    assert_true(proposes());
    assert_false(proposes());
    assert_told(2, MW_IMPAIRMENT_SPENT, "$2.40 spent");
}

#define test(name) cmocka_unit_test_setup_teardown(name, open_plain, script_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(each_exchange_is_told),
        test(so_is_what_went_wrong),
        test(a_chance_failure_tells_nothing),
        test(a_service_that_is_left_alone_is_told),
        test(a_service_that_refuses_us_is_told_at_once),
        test(a_budget_that_is_spent_is_told),
        test(what_was_spent_before_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
