/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cron.h"

#define HOUR INT64_C(3600000)
#define DAY  (24 * HOUR)

/* 2026-11-22, a Sunday, at that time in Berlin, where it is winter: UTC + 1 h. */
#define SUNDAY           INT64_C(1795302000000)
#define AT(hour, minute) (SUNDAY + (hour)*HOUR + (minute)*INT64_C(60000))

static int in_berlin(void **state)
{
    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    return 0;
}

static struct mw_cron read_good(const char *text)
{
    struct mw_cron cron;
    struct mw_error error = {0};
    if (!mw_cron_parse(text, &cron, &error)) {
        fail_msg("\"%s\": %s", text, error.text);
    }
    return cron;
}

/* The newest moment at `now`, or 0 where it had none within that time. */
static mw_wall_ms last(const char *text, mw_wall_ms now, int64_t within)
{
    struct mw_cron cron = read_good(text);
    mw_wall_ms at = 0;
    return mw_cron_last(&cron, now, within, &at) ? at : 0;
}

static void assert_refused(const char *text, const char *part)
{
    struct mw_cron cron;
    struct mw_error error = {0};
    if (mw_cron_parse(text, &cron, &error)) {
        fail_msg("\"%s\" was taken", text);
    }
    assert_int_equal(error.class, MW_ERROR_BAD_INPUT);
    if (strstr(error.text, part) == NULL) {
        fail_msg("\"%s\": \"%s\" is missing in \"%s\"", text, part, error.text);
    }
}

static void test_fields_are_read(void **state)
{
    struct mw_cron cron = read_good("*/15 9-17/4 1,15 Jan,mar-APR mon-Fri");
    assert_true(cron.minutes == (1ULL | 1ULL << 15 | 1ULL << 30 | 1ULL << 45));
    assert_int_equal(cron.hours, 1u << 9 | 1u << 13 | 1u << 17);
    assert_int_equal(cron.days, 1u << 1 | 1u << 15);
    assert_int_equal(cron.months, 1u << 1 | 1u << 3 | 1u << 4);
    assert_int_equal(cron.weekdays, 0x3e);
    assert_true(cron.either_day);
    assert_int_equal(read_good("0 0 * * 7").weekdays, 1);
    assert_int_equal(read_good("0 0 * * 5-7").weekdays, 0x61);
    assert_false(read_good("0 0 * * 0").either_day);
    assert_false(read_good("0 0 */2 * 0").either_day);
    assert_true(read_good("  59\t23 31 12 6 ").minutes == 1ULL << 59);
}

static void test_wrong_ones_say_what_to_write(void **state)
{
    assert_refused("", "five fields");
    assert_refused("0 3 * *", "five fields");
    assert_refused("0 3 * * 0 2026", "five fields");
    assert_refused("@weekly", "is no minute");
    assert_refused("60 3 * * 0", "from 0 to 59");
    assert_refused("0 24 * * 0", "from 0 to 23");
    assert_refused("0 3 0 * 0", "from 1 to 31");
    assert_refused("0 3 * 13 0", "from 1 to 12");
    assert_refused("0 3 * * 8", "from 0 to 7");
    assert_refused("0 3 * * Fryday", "is no day of the week");
    assert_refused("0 3 * * Monday", "is no day of the week");
    assert_refused("0 3 * Sun *", "is no month");
    assert_refused("5-1 3 * * 0", "backwards");
    assert_refused("5- 3 * * 0", "no end");
    assert_refused("5/15 3 * * 0", "a step follows");
    assert_refused("*/0 3 * * 0", "from 1 on");
    assert_refused("*/x 3 * * 0", "from 1 on");
    assert_refused("1,,2 3 * * 0", "empty place");
    assert_refused("1, 3 * * 0", "empty place");
    assert_refused("-1 3 * * 0", "number");
    assert_refused("99999999999999999999 3 * * 0", "from 0 to 59");
    assert_refused("0 0 30 2 *", "never comes");
    assert_refused("0 0 31 4,6 *", "never comes");
    read_good("0 0 31 4,6 Mon");
    read_good("0 0 29 2 *");
}

static void test_the_newest_moment_is_found(void **state)
{
    assert_int_equal(last("0 3 * * 0", AT(3, 0), HOUR), AT(3, 0));
    assert_int_equal(last("0 3 * * 0", AT(3, 59), HOUR), AT(3, 0));
    assert_int_equal(last("0 3 * * 0", AT(4, 0), HOUR), AT(3, 0));
    assert_int_equal(last("0 3 * * 0", AT(4, 0) + 1, HOUR), 0);
    assert_int_equal(last("0 3 * * 0", AT(3, 0) - 1, HOUR), 0);
    assert_int_equal(last("0 3 * * 0", AT(3, 0) - 1, 7 * DAY), AT(3, 0) - 7 * DAY);
    assert_int_equal(last("*/20 * * * *", AT(5, 59), HOUR), AT(5, 40));
    assert_int_equal(last("* * * * *", AT(5, 59) + 59999, HOUR), AT(5, 59));
    /* Over midnight, and over many days. */
    assert_int_equal(last("30 22 * * Sat", AT(0, 10), 2 * HOUR), AT(0, 0) - HOUR - HOUR / 2);
    assert_int_equal(last("0 12 1 * *", AT(12, 0), 30 * DAY), AT(12, 0) - 21 * DAY);
}

static void test_either_kind_of_day_is_enough(void **state)
{
    assert_int_equal(last("0 3 22 * Mon", AT(3, 30), HOUR), AT(3, 0)); /* the 22nd, no Monday */
    assert_int_equal(last("0 3 1 * Sun", AT(3, 30), HOUR), AT(3, 0));
    assert_int_equal(last("0 3 1 * Mon", AT(3, 30), HOUR), 0);
    assert_int_equal(last("0 3 * 11 Mon", AT(3, 30), HOUR), 0);
    /* An asterisk with a step counts as one, as in cron: both must fit then. */
    assert_int_equal(last("0 3 */2 * Sun", AT(3, 30), HOUR), 0);
    assert_int_equal(last("0 3 */3 * Sun", AT(3, 30), HOUR), AT(3, 0));
}

/* 2026-03-29: at 02:00 the clock jumps to 03:00, which is 01:00 UTC. */
static void test_a_time_that_the_clock_skips(void **state)
{
    const mw_wall_ms jump = INT64_C(1774746000000);
    assert_int_equal(last("30 2 29 3 *", jump + HOUR / 2, HOUR), jump);
    assert_int_equal(last("30 2 29 3 *", jump - 1, HOUR), 0);
    assert_int_equal(last("10 3 29 3 *", jump + HOUR / 2, HOUR), jump + 10 * 60000);
    assert_int_equal(last("30 2 * * *", jump + DAY, DAY), jump + DAY - HOUR / 2);
}

/* 2026-10-25: at 03:00 the clock goes back to 02:00, which is 01:00 UTC. */
static void test_a_time_that_comes_twice(void **state)
{
    const mw_wall_ms back = INT64_C(1792890000000);
    assert_int_equal(last("30 2 * * *", back - HOUR / 2, HOUR), back - HOUR / 2);
    assert_int_equal(last("30 2 * * *", back + HOUR / 4, HOUR), back - HOUR / 2);
    assert_int_equal(last("30 2 * * *", back + HOUR - 1, HOUR), 0);
    assert_int_equal(last("0 3 * * *", back + HOUR, 0), back + HOUR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_are_read),
        cmocka_unit_test(test_wrong_ones_say_what_to_write),
        cmocka_unit_test(test_the_newest_moment_is_found),
        cmocka_unit_test(test_either_kind_of_day_is_enough),
        cmocka_unit_test(test_a_time_that_the_clock_skips),
        cmocka_unit_test(test_a_time_that_comes_twice),
    };
    return cmocka_run_group_tests(tests, in_berlin, NULL);
}
