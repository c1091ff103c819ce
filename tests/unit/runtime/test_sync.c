/* SPDX-License-Identifier: Apache-2.0 */
#include "helper.h"

#include <string.h>

static char trail[200];
static struct mw_lock lock;
static struct mw_condition condition;
static bool open_now;

static int clear_and_open(void **state)
{
    trail[0] = '\0';
    open_now = false;
    mw_lock_init(&lock);
    mw_condition_init(&condition);
    return open_loop(state);
}

#define test_with_trail(test) cmocka_unit_test_setup_teardown(test, clear_and_open, close_loop)

static void hold_for_a_while(void *name)
{
    struct mw_error error = {0};
    if (!mw_lock_acquire(&lock, mw_deadline_in(5000), &error)) {
        assert_int_equal(error.class, MW_ERROR_CANCELLED);
        strcat(trail, "-");
        return;
    }
    strcat(trail, name);
    mw_fiber_yield();
    mw_fiber_yield();
    strcat(trail, name);
    mw_lock_release(&lock);
}

static void body_lock_in_order(void)
{
    struct mw_group group;
    struct mw_error error;
    static char names[4][2] = {"a", "b", "c", "d"};
    struct mw_fiber *third = NULL;
    mw_group_init(&group);
    for (int i = 0; i < 4; i++) {
        struct mw_fiber *fiber = mw_fiber_spawn(&group, names[i], hold_for_a_while, names[i]);
        if (i == 2)
            third = fiber;
    }
    mw_fiber_yield();
    mw_fiber_cancel(third);
    assert_true(mw_group_wait(&group, mw_deadline_in(5000), &error));
    assert_false(lock.held);
}

static void test_lock_is_handed_on_in_order(void **state)
{
    in_fiber(body_lock_in_order);
    assert_string_equal(trail, "a-abbdd");
}

static void body_lock_times_out(void)
{
    struct mw_error error = {0};
    assert_true(mw_lock_acquire(&lock, MW_NO_DEADLINE, &error));
    assert_false(mw_lock_acquire(&lock, mw_deadline_in(5), &error));
    assert_int_equal(error.class, MW_ERROR_TIMEOUT);
    mw_lock_release(&lock);
    assert_false(lock.held);
    assert_true(mw_lock_acquire(&lock, mw_deadline_in(0), &error));
    mw_lock_release(&lock);
}

static void test_lock_times_out(void **state)
{
    in_fiber(body_lock_times_out);
}

static void take_and_keep(void *argument)
{
    struct mw_error error;
    *(bool *)argument = mw_lock_acquire(&lock, mw_deadline_in(5000), &error);
}

static void body_cancel_after_grant(void)
{
    struct mw_group group;
    struct mw_error error;
    bool got = false;
    mw_group_init(&group);
    assert_true(mw_lock_acquire(&lock, MW_NO_DEADLINE, &error));
    struct mw_fiber *fiber = mw_fiber_spawn(&group, "late", take_and_keep, &got);
    mw_fiber_yield();
    /* In both orders the lock ends with the fiber, or with nobody: never lost. */
    mw_fiber_cancel(fiber);
    mw_lock_release(&lock);
    assert_true(mw_group_wait(&group, mw_deadline_in(5000), &error));
    assert_int_equal(got, lock.held);
    if (lock.held)
        mw_lock_release(&lock);

    assert_true(mw_lock_acquire(&lock, MW_NO_DEADLINE, &error));
    fiber = mw_fiber_spawn(&group, "late", take_and_keep, &got);
    mw_fiber_yield();
    mw_lock_release(&lock);
    mw_fiber_cancel(fiber);
    assert_true(mw_group_wait(&group, mw_deadline_in(5000), &error));
    assert_true(got);
    assert_true(lock.held);
}

static void test_lock_is_not_lost_by_cancelling(void **state)
{
    in_fiber(body_cancel_after_grant);
}

static void wait_until_open(void *name)
{
    struct mw_error error = {0};
    while (!open_now) {
        if (!mw_condition_wait(&condition, mw_deadline_in(5000), &error)) {
            assert_int_equal(error.class, MW_ERROR_CANCELLED);
            strcat(trail, "-");
            return;
        }
    }
    strcat(trail, name);
}

static void body_condition(void)
{
    struct mw_group group;
    struct mw_error error;
    static char names[4][2] = {"a", "b", "c", "d"};
    struct mw_fiber *second = NULL;
    mw_group_init(&group);
    for (int i = 0; i < 4; i++) {
        struct mw_fiber *fiber = mw_fiber_spawn(&group, names[i], wait_until_open, names[i]);
        if (i == 1)
            second = fiber;
    }
    mw_fiber_yield();
    mw_condition_notify(&condition);
    mw_fiber_yield();
    assert_string_equal(trail, "");
    mw_fiber_cancel(second);
    mw_fiber_yield();
    open_now = true;
    mw_condition_notify(&condition);
    assert_true(mw_group_wait(&group, mw_deadline_in(5000), &error));
    assert_null(condition.first);
    mw_condition_notify(&condition);
}

static void test_condition_wakes_all_in_order(void **state)
{
    in_fiber(body_condition);
    assert_string_equal(trail, "-acd");
}

static void body_condition_times_out(void)
{
    struct mw_error error = {0};
    assert_false(mw_condition_wait(&condition, mw_deadline_in(5), &error));
    assert_int_equal(error.class, MW_ERROR_TIMEOUT);
    assert_false(mw_condition_wait(&condition, mw_deadline_in(0), &error));
    assert_int_equal(error.class, MW_ERROR_TIMEOUT);
    assert_null(condition.first);
}

static void test_condition_times_out(void **state)
{
    in_fiber(body_condition_times_out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_trail(test_lock_is_handed_on_in_order),
        test_with_trail(test_lock_times_out),
        test_with_trail(test_lock_is_not_lost_by_cancelling),
        test_with_trail(test_condition_wakes_all_in_order),
        test_with_trail(test_condition_times_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
