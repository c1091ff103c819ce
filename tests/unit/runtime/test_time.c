/* SPDX-License-Identifier: Apache-2.0 */
#include "helper.h"

#include <stdlib.h>

#define CROWD 10000

static int order[64];
static size_t order_count;

struct nap {
    int64_t ms;
    int number;
};

static void take_nap(void *argument)
{
    struct nap *nap = argument;
    struct mw_error error;
    assert_true(mw_sleep(nap->ms, &error));
    order[order_count++] = nap->number;
}

static void body_naps(void)
{
    static struct nap naps[] = {{30, 3}, {10, 1}, {20, 2}, {30, 4}, {5, 0}, {30, 5}};
    struct mw_group group;
    struct mw_error error;
    order_count = 0;
    mw_group_init(&group);
    mw_mono_ns start = mw_mono_now();
    for (size_t i = 0; i < sizeof naps / sizeof *naps; i++)
        mw_fiber_spawn(&group, "nap", take_nap, &naps[i]);
    assert_true(mw_group_wait(&group, mw_deadline_in(10000), &error));
    assert_true(ms_since(start) >= 30);
    assert_int_equal(order_count, 6);
}

static void test_deadlines_pass(void **state)
{
    in_fiber(body_naps);
}

static void test_deadlines_pass_in_order(void **state)
{
    in_fiber(body_naps);
    for (size_t i = 0; i < order_count; i++)
        assert_int_equal(order[i], i);
}

static size_t rested;

static void rest(void *argument)
{
    struct mw_error error;
    int64_t ms = (int64_t)(uintptr_t)argument;
    mw_mono_ns start = mw_mono_now();
    assert_true(mw_sleep(ms, &error));
    assert_true(mw_mono_now() - start >= ms * 1000000);
    rested++;
}

static void body_crowd(void)
{
    struct mw_group group;
    struct mw_error error;
    rested = 0;
    mw_group_init(&group);
    for (size_t i = 0; i < CROWD; i++)
        mw_fiber_spawn(&group, "rest", rest, (void *)(uintptr_t)(500 + i * 7919 % 200));
    mw_fiber_yield();
    assert_true(mw_loop_stats().stacks > CROWD);
    assert_true(mw_group_wait(&group, mw_deadline_in(30000), &error));
}

static void test_a_crowd_sleeps(void **state)
{
    in_fiber(body_crowd);
    assert_int_equal(rested, CROWD);
}

static void sleep_and_fail(void *argument)
{
    struct mw_error error;
    assert_false(mw_sleep(3600000, &error));
    rested++;
}

static void body_cancelled_crowd(void)
{
    struct mw_group group;
    rested = 0;
    mw_group_init(&group);
    for (size_t i = 0; i < 1000; i++)
        mw_fiber_spawn(&group, "rest", sleep_and_fail, NULL);
    mw_fiber_yield();
    mw_group_finish(&group);
    assert_int_equal(rested, 1000);
}

static void test_a_crowd_is_cancelled(void **state)
{
    in_fiber(body_cancelled_crowd);
}

static void body_past(void)
{
    struct mw_waiter waiter = {NULL};
    struct mw_error error = {0};
    uint64_t turns = mw_loop_stats().turns;
    assert_int_equal(mw_park(&waiter, mw_deadline_in(0)), MW_WAKE_TIMEOUT);
    assert_int_equal(mw_park(&waiter, mw_deadline_in(-5)), MW_WAKE_TIMEOUT);
    assert_int_equal(mw_park_uncancellable(&waiter, mw_deadline_in(0)), MW_WAKE_TIMEOUT);
    assert_int_equal(mw_loop_stats().turns, turns);
    assert_null(waiter.fiber);
    assert_true(mw_sleep(0, &error));
    assert_true(mw_loop_stats().turns > turns);
}

static void test_a_passed_deadline_does_not_suspend(void **state)
{
    in_fiber(body_past);
}

static void body_hour(void)
{
    struct mw_error error;
    mw_wall_ms wall = mw_wall_now();
    mw_mono_ns mono = mw_mono_now();
    assert_true(mw_sleep(3600000, &error));
    assert_int_equal(mw_wall_now() - wall, 3600000);
    assert_int_equal(mw_mono_now() - mono, INT64_C(3600000000000));
    assert_true(mw_loop_stats().lag_ms_max < 0.001);
}

static void test_a_virtual_hour_takes_no_time(void **state)
{
    mw_clock_real();
    mw_mono_ns start = mw_mono_now();
    mw_clock_virtual(1000000, 7);
    in_fiber(body_hour);
    mw_clock_real();
    assert_true(ms_since(start) < 2000);
}

static mw_mono_ns seen[3];

static void tick(void *argument)
{
    struct mw_error error;
    size_t index = (size_t)(uintptr_t)argument;
    assert_true(mw_sleep(1000 * (int64_t)(index + 1), &error));
    seen[index] = mw_mono_now();
    if (index == 0)
        for (int i = 0; i < 100; i++)
            mw_fiber_yield();
    assert_int_equal(mw_mono_now(), seen[index]);
}

static void body_virtual_steps(void)
{
    struct mw_group group;
    struct mw_error error;
    mw_group_init(&group);
    mw_mono_ns start = mw_mono_now();
    for (size_t i = 3; i-- > 0;)
        mw_fiber_spawn(&group, "tick", tick, (void *)(uintptr_t)i);
    assert_true(mw_group_wait(&group, MW_NO_DEADLINE, &error));
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(seen[i] - start, (int64_t)(i + 1) * 1000000000);
}

static void test_virtual_time_stands_still_while_fibers_run(void **state)
{
    in_fiber(body_virtual_steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_loop(test_deadlines_pass),
        test_in_virtual(test_deadlines_pass_in_order),
        test_in_loop(test_a_crowd_sleeps),
        test_in_loop(test_a_crowd_is_cancelled),
        test_in_loop(test_a_passed_deadline_does_not_suspend),
        test_in_virtual(test_a_virtual_hour_takes_no_time),
        test_in_virtual(test_virtual_time_stands_still_while_fibers_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
