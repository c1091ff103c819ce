/* SPDX-License-Identifier: Apache-2.0 */
/* Services that hang, lie, flood or are gone: a clear error within the deadline, and the breaker. */
#include "fake.h"

extern const struct mw_planner_ops mw_planner_gemini;

static int open_gemini(void **state)
{
    return fake_open("gemini", &mw_planner_gemini);
}

static int64_t ms_since(mw_mono_ns began)
{
    return (mw_mono_now() - began) / 1000000;
}

static void bodies_that_no_service_sends(void **state)
{
    static const struct {
        const char *script, *says;
    } cases[] = {
        {"[{\"huge\":50}]", "large"},
        {"[{\"deep\":10000}]", "deep"},
        {"[{\"bytes\":\"7b2261223a22fffe227d\"}]", "JSON"},
        {"[{\"bytes\":\"\"}]", "JSON"},
        {"[{\"bytes\":\"7b0061\"}]", "JSON"},
        {"[{\"raw\":\"<html>Sign in</html>\",\"type\":\"text/html\"}]", "text/html"},
        {"[{\"raw\":\"{\\\"candidates\\\":[],\\\"candidates\\\":[]}\"}]", "JSON"},
        {"[{\"raw\":\"{\\\"a\\\":1e999}\"}]", "JSON"},
        {"[{\"raw\":\"{\\\"a\\\":99999999999999999999999}\"}]", "JSON"},
        {"[{\"raw\":\"{\\\"candidates\\\":7,\\\"usageMetadata\\\":[]}\"},{\"raw\":\"{"
         "\\\"candidates\\\":[[]]}\"}]",
         "no candidate"},
        {"[{\"raw\":\"{\\\"candidates\\\":[{\\\"content\\\":{\\\"parts\\\":[{\\\"functionCall\\\":{"
         "\\\"name\\\":"
         "{}}}]}}]}\"},{\"raw\":\"{\\\"candidates\\\":[{\\\"content\\\":{\\\"parts\\\":[[]]}}]}\"}"
         "]",
         "no object"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        print_message("%s\n", cases[i].script);
        fake_start(cases[i].script);
        assert_fails_with(20000, MW_ERROR_BAD_INPUT, cases[i].says);
        json_decref(fake_log());
        talloc_free(fake.planner);
        fake.planner = NULL;
    }
}

static void a_service_that_hangs_costs_the_deadline_and_no_more(void **state)
{
    fake_start("[{\"stall\":true}]");
    mw_mono_ns began = mw_mono_now();
    assert_fails_with(700, MW_ERROR_TIMEOUT, "");
    assert_in_range(ms_since(began), 600, 5000);
    json_decref(fake_log());
}

static void a_slow_service_is_waited_for(void **state)
{
    struct mw_error error = {0};
    fake_start(
        "[{\"slow\":0.4,\"calls\":[{\"name\":\"propose_plan\",\"args\":{\"root_cause\":\"x\","
        "\"confidence\":1,\"steps\":[{\"tool\":\"redis_scale_memory\",\"arguments\":{},\"why\":"
        "\"w\"}]}}]}]");
    json_t *proposal = fake_propose(20000, &error);
    assert_non_null(proposal);
    const json_t *usage = json_object_get(proposal, "usage");
    assert_in_range(json_integer_value(json_object_get(usage, "latency_ms")), 390, 15000);
    json_decref(proposal);
    json_decref(fake_log());
}

static void nobody_is_there(void **state)
{
    fake_start("[]");
    json_decref(fake_log());
    /* The service has ended, so its port is closed. */
    assert_fails_with(20000, MW_ERROR_RETRY, "");
    assert_fails_with(20000, MW_ERROR_RETRY, "");
    assert_fails_with(20000, MW_ERROR_RETRY, "");
    mw_mono_ns began = mw_mono_now();
    assert_fails_with(20000, MW_ERROR_RETRY, "3 times in a row");
    assert_true(ms_since(began) < 400);
}

static void answers_that_are_cut_three_times_end_it(void **state)
{
    fake_start(
        "[{\"cut\":10,\"body\":{\"a\":\"0123456789\"}},{\"drop\":true},{\"cut\":1,\"body\":{}}]");
    assert_fails_with(20000, MW_ERROR_RETRY, "");
    json_decref(fake_log());
}

#define test(name) cmocka_unit_test_setup_teardown(name, open_gemini, fake_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(bodies_that_no_service_sends),
        test(a_service_that_hangs_costs_the_deadline_and_no_more),
        test(a_slow_service_is_waited_for),
        test(nobody_is_there),
        test(answers_that_are_cut_three_times_end_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
