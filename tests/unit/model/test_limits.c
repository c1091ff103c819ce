/* SPDX-License-Identifier: Apache-2.0 */
/* When a service is left alone: the breaker and the day's budget. Also where it may be. */
#include "script.h"

static bool enters(struct mw_breaker *breaker)
{
    struct mw_error error = {0};
    bool ok = mw_breaker_enter(breaker, &error);
    assert_true(ok || error.class == MW_ERROR_RETRY);
    return ok;
}

static void fail_times(struct mw_breaker *breaker, int times)
{
    for (int i = 0; i < times; i++) {
        assert_true(enters(breaker));
        mw_breaker_failed(breaker, "HTTP 503");
    }
}

static void three_failures_open_it(void **state)
{
    struct mw_breaker breaker = {0};
    struct mw_error error = {0};
    fail_times(&breaker, 2);
    assert_true(enters(&breaker));
    mw_breaker_worked(&breaker);
    fail_times(&breaker, 3);
    assert_false(mw_breaker_enter(&breaker, &error));
    assert_int_equal(error.class, MW_ERROR_RETRY);
    assert_non_null(strstr(error.text, "HTTP 503"));
    assert_non_null(strstr(error.text, "30 s"));
    mw_clock_advance(29999 * INT64_C(1000000));
    assert_false(enters(&breaker));
}

static void one_looks_whether_it_is_back(void **state)
{
    struct mw_breaker breaker = {0};
    fail_times(&breaker, 3);
    mw_clock_advance(30000 * INT64_C(1000000));
    assert_true(enters(&breaker));
    assert_false(enters(&breaker));
    mw_breaker_abandoned(&breaker);
    assert_true(enters(&breaker));
    mw_breaker_failed(&breaker, "HTTP 503");
    mw_clock_advance(59999 * INT64_C(1000000));
    assert_false(enters(&breaker));
    mw_clock_advance(1000000);
    assert_true(enters(&breaker));
    mw_breaker_worked(&breaker);
    assert_true(enters(&breaker));
    assert_true(enters(&breaker));
}

static void the_pause_has_an_end(void **state)
{
    struct mw_breaker breaker = {0};
    fail_times(&breaker, 3);
    for (int i = 0; i < 40; i++) {
        mw_clock_advance(600000 * INT64_C(1000000));
        assert_true(enters(&breaker));
        mw_breaker_failed(&breaker, "again");
    }
    assert_int_equal(breaker.pause_ms, 600000);
}

static void a_torn_character_does_not_survive(void **state)
{
    struct mw_breaker breaker = {0};
    char why[400];
    memset(why, 'x', 198);
    strcpy(why + 197, "ä and more");
    mw_breaker_failed(&breaker, why);
    json_t *text = json_string(breaker.last);
    assert_non_null(text);
    json_decref(text);
}

static void a_day_has_its_budget(void **state)
{
    struct mw_budget budget = {.limit = 1};
    struct mw_error error = {0};
    mw_wall_ms day = 20000LL * 86400000;
    assert_true(mw_budget_check(&budget, day, &error));
    mw_budget_charge(&budget, day + 1, 0.7);
    assert_true(mw_budget_check(&budget, day + 86399999, &error));
    mw_budget_charge(&budget, day + 86399999, 0.4);
    assert_false(mw_budget_check(&budget, day + 86399999, &error));
    assert_int_equal(error.class, MW_ERROR_REFUSED);
    assert_non_null(strstr(error.text, "$1.00"));
    assert_non_null(strstr(error.text, "$1.10"));
    assert_true(mw_budget_check(&budget, day + 86400000, &error));
    mw_budget_charge(&budget, day + 86400000, 0.5);
    assert_true(mw_budget_check(&budget, day + 86400000, &error));
}

static void without_a_budget_nothing_is_refused(void **state)
{
    struct mw_budget budget = {0};
    mw_budget_charge(&budget, 1, 1e9);
    assert_true(mw_budget_check(&budget, 1, NULL));
}

static void addresses_are_checked(void **state)
{
    static const struct {
        const char *url, *base;
    } cases[] = {
        {"https://a.example", "https://a.example"},
        {"https://a.example/x//", "https://a.example/x"},
        {"http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1"},
        {"http://127.8.9.1", "http://127.8.9.1"},
        {"http://localhost:8080/", "http://localhost:8080"},
        {"http://LOCALHOST", "http://LOCALHOST"},
        {"http://[::1]:8080", "http://[::1]:8080"},
        {"http://[::1].evil.example", NULL},
        {"http://10.0.0.1", NULL},
        {"http://localhost.evil.example", NULL},
        {"http://127.0.0.1.evil.example", NULL},
        {"http://127.0.0.1@evil.example", NULL},
        {"http://evil.example/127.0.0.1", NULL},
        {"https://user:pw@a.example", NULL},
        {"https://a.example?key=x", NULL},
        {"https://a.example/#x", NULL},
        {"https://", NULL},
        {"https:///x", NULL},
        {"ftp://a.example", NULL},
        {"a.example", NULL},
        {"https://a.example\r\nX: y", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mw_error error = {0};
        char *base = mw_model_base_url(NULL, cases[i].url, &error);
        if ((base == NULL) != (cases[i].base == NULL))
            fail_msg("%s: %s", cases[i].url, base != NULL ? base : error.text);
        if (base != NULL)
            assert_string_equal(base, cases[i].base);
        else
            assert_int_equal(error.class, MW_ERROR_BAD_INPUT);
        talloc_free(base);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_scripted(three_failures_open_it), test_scripted(one_looks_whether_it_is_back),
        test_scripted(the_pause_has_an_end),   test_scripted(a_torn_character_does_not_survive),
        test_scripted(a_day_has_its_budget),   test_scripted(without_a_budget_nothing_is_refused),
        test_scripted(addresses_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
