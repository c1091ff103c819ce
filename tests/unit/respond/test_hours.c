/* SPDX-License-Identifier: Apache-2.0 */
/* When a rule applies. Times are local; the test's zone is UTC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <time.h>

#include "respond/case.h"

/* 2026-11-23 is a Monday. */
static bool holds(const char *text, int day, int hour, int minute)
{
    struct tm when = {
        .tm_year = 126, .tm_mon = 10, .tm_mday = day, .tm_hour = hour, .tm_min = minute};
    struct mw_hours hours;
    assert_true(mw_hours_parse(text, &hours));
    return mw_hours_hold(&hours, (mw_wall_ms)timegm(&when) * 1000);
}

static void working_hours(void **state)
{
    assert_true(holds("Mon-Fri 09:00-18:00", 23, 9, 0));
    assert_false(holds("Mon-Fri 09:00-18:00", 23, 8, 59));
    assert_false(holds("Mon-Fri 09:00-18:00", 23, 18, 0));
    assert_false(holds("Mon-Fri 09:00-18:00", 28, 12, 0));
    assert_true(holds("Sat,Sun", 28, 12, 0));
    assert_true(holds("Sat, Sun 00:00-24:00", 29, 23, 59));
    assert_true(holds("fri-mon", 23, 0, 0));
    assert_false(holds("fri-mon", 25, 0, 0));
}

static void over_midnight(void **state)
{
    assert_true(holds("22:00-06:00", 23, 23, 0));
    assert_true(holds("22:00-06:00", 24, 5, 59));
    assert_false(holds("22:00-06:00", 24, 6, 0));
    assert_true(holds("Fri 22:00-06:00", 28, 3, 0));
    assert_false(holds("Fri 22:00-06:00", 27, 3, 0));
}

static void nonsense_is_refused(void **state)
{
    static const char *const wrong[] = {"",           "always",          "Mon-",
                                        "9-18",       "09:00",           "09:00-25:00",
                                        "25:00-9:00", "Mon 09:00-09:00", "09:00-10:00 11:00-12:00",
                                        "Mond",       "09:60-10:00",     "-Mon"};
    struct mw_hours hours;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (mw_hours_parse(wrong[i], &hours))
            fail_msg("\"%s\" was taken", wrong[i]);
    }
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(working_hours),
        cmocka_unit_test(over_midnight),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
