/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

static void test_real_time_moves(void **state)
{
    mw_mono_ns before = mw_mono_now();
    while (mw_mono_now() == before) {
    }
    assert_true(mw_mono_now() > before);
    assert_true(mw_wall_now() > INT64_C(1700000000000));
}

static void test_virtual_time_stands_still(void **state)
{
    mw_clock_virtual(1000, 7);
    mw_mono_ns start = mw_mono_now();
    assert_true(mw_clock_is_virtual());
    assert_int_equal(mw_wall_now(), 1000);
    assert_int_equal(mw_mono_now(), start);
    mw_clock_advance(1500000);
    assert_int_equal(mw_wall_now(), 1001);
    mw_clock_advance(500000);
    assert_int_equal(mw_wall_now(), 1002);
    assert_int_equal(mw_mono_now() - start, 2000000);
    mw_clock_real();
    assert_false(mw_clock_is_virtual());
}

static void test_deadlines(void **state)
{
    mw_clock_virtual(0, 1);
    struct mw_deadline deadline = mw_deadline_in(10);
    assert_int_equal(mw_deadline_left_ms(deadline), 10);
    mw_clock_advance(1);
    assert_int_equal(mw_deadline_left_ms(deadline), 10);
    mw_clock_advance(9 * 1000000);
    assert_int_equal(mw_deadline_left_ms(deadline), 1);
    assert_false(mw_deadline_passed(deadline));
    mw_clock_advance(1000000);
    assert_true(mw_deadline_passed(deadline));
    assert_int_equal(mw_deadline_left_ms(deadline), 0);
    assert_true(mw_deadline_passed(mw_deadline_in(-5)));
    mw_clock_real();
}

static void test_endless_deadlines(void **state)
{
    assert_int_equal(mw_deadline_left_ms(MW_NO_DEADLINE), INT64_MAX);
    assert_false(mw_deadline_passed(MW_NO_DEADLINE));
    assert_int_equal(mw_deadline_in(INT64_MAX).at, INT64_MAX);
    struct mw_deadline soon = mw_deadline_in(5);
    assert_int_equal(mw_deadline_min(MW_NO_DEADLINE, soon).at, soon.at);
}

static void test_randomness_follows_the_seed(void **state)
{
    uint64_t first[8];
    unsigned char bytes[13], again[13];
    mw_clock_virtual(0, 42);
    for (size_t i = 0; i < 8; i++) {
        first[i] = mw_random_below(1000000);
        assert_true(first[i] < 1000000);
    }
    mw_random_bytes(bytes, sizeof bytes);
    mw_clock_virtual(0, 42);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(mw_random_below(1000000), first[i]);
    }
    mw_random_bytes(again, sizeof again);
    assert_memory_equal(bytes, again, sizeof bytes);
    mw_clock_virtual(0, 43);
    assert_int_not_equal(mw_random_below(1000000), first[0]);
    mw_clock_real();
    assert_int_equal(mw_random_below(1), 0);
}

static void test_random_covers_its_range(void **state)
{
    int seen[6] = {0};
    mw_clock_virtual(0, 5);
    for (int i = 0; i < 6000; i++) {
        seen[mw_random_below(6)]++;
    }
    for (int i = 0; i < 6; i++) {
        assert_in_range(seen[i], 800, 1200);
    }
    mw_clock_real();
}

static void assert_text(char *text, const char *wanted)
{
    assert_non_null(text);
    assert_string_equal(text, wanted);
    talloc_free(text);
}

static void test_times_as_text(void **state)
{
    assert_text(mw_time_rfc3339(NULL, INT64_C(1795316892345)), "2026-11-22T03:08:12.345Z");
    assert_text(mw_time_rfc3339(NULL, -1), "1969-12-31T23:59:59.999Z");
    assert_text(mw_time_rfc3339(NULL, INT64_MAX), "9999-12-31T23:59:59.999Z");
    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    assert_text(mw_time_of_day(NULL, INT64_C(1795316892345)), "04:08:12");
    assert_text(mw_time_hour_minute(NULL, INT64_C(1795316892345)), "04:08");
    assert_text(mw_time_near(NULL, INT64_C(1795316892345), INT64_C(1795300000000)), "22 Nov 04:08");
    assert_text(mw_time_near(NULL, INT64_C(1795316892345), INT64_C(1795313292345)), "04:08");
}

static void test_durations_are_parsed(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"500ms", 500},    {"10s", 10000},    {"5m", 300000}, {"2h", 7200000},
                {"7d", 604800000}, {"1w", 604800000}, {"0s", 0},      {"007s", 7000}};
    static const char *const bad[] = {"",       "5",   "s",    "10x",
                                      "-5s",    "+5s", " 5s",  "5s ",
                                      "1.5s",   "5 s", "5sec", "99999999999999999999d",
                                      "40000d", "5S"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t ms = -1;
        assert_true(mw_duration_parse(good[i].text, &ms));
        assert_int_equal(ms, good[i].ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t ms = -1;
        assert_false(mw_duration_parse(bad[i], &ms));
        assert_int_equal(ms, -1);
    }
    assert_false(mw_duration_parse(NULL, NULL));
}

static void test_durations_as_text(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "0 ms"},
        {340, "340 ms"},
        {1100, "1.1 s"},
        {82000, "82.0 s"},
        {320000, "5 min 20 s"},
        {7800000, "2 h 10 min"},
        {3599600, "1 h"},
        {300000, "5 min"},
        {-340, "-340 ms"},
        {180000000, "2 d 2 h"},
        {INT64_MIN, "-106751991167 d 7 h"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_text(mw_duration_text(NULL, cases[i].ms), cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_time_moves),
        cmocka_unit_test(test_virtual_time_stands_still),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_endless_deadlines),
        cmocka_unit_test(test_randomness_follows_the_seed),
        cmocka_unit_test(test_random_covers_its_range),
        cmocka_unit_test(test_times_as_text),
        cmocka_unit_test(test_durations_are_parsed),
        cmocka_unit_test(test_durations_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
