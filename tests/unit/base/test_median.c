/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/clock.h"
#include "base/median.h"

static void the_middle_is_found(void **state)
{
    assert_int_equal(mw_median(NULL, 0), 0);
    assert_int_equal(mw_median((int64_t[]){7}, 1), 7);
    assert_int_equal(mw_median((int64_t[]){4, 1}, 2), 2);
    assert_int_equal(mw_median((int64_t[]){3, 1, 2}, 3), 2);
    assert_int_equal(mw_median((int64_t[]){INT64_MAX, 0, INT64_MAX, 1}, 4), INT64_MAX / 2 + 1);
    assert_int_equal(mw_median((int64_t[]){5, 5, 5, 5, 5}, 5), 5);
}

static int compare(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* As sorting would have it, with few and with many that are equal. */
static void it_is_what_sorting_gives(void **state)
{
    mw_clock_virtual(0, 1);
    for (int round = 0; round < 20000; round++) {
        int64_t values[50], sorted[50];
        size_t count = 1 + mw_random_below(50);
        uint64_t different = 1 + mw_random_below(60);
        for (size_t i = 0; i < count; i++) {
            values[i] = sorted[i] = (int64_t)mw_random_below(different) - 20;
        }
        qsort(sorted, count, sizeof *sorted, compare);
        int64_t low = sorted[(count - 1) / 2], high = sorted[count / 2];
        assert_int_equal(mw_median(values, count), low + (high - low) / 2);
    }
    mw_clock_real();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_middle_is_found),
        cmocka_unit_test(it_is_what_sorting_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
