/* SPDX-License-Identifier: Apache-2.0 */
#include "helper.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char trail[200];

static void mark(const char *text)
{
    assert_true(strlen(trail) + strlen(text) < sizeof trail);
    strcat(trail, text);
}

static int clear_and_open(void **state)
{
    trail[0] = '\0';
    return open_loop(state);
}

#define test_with_trail(test) cmocka_unit_test_setup_teardown(test, clear_and_open, close_loop)

static void say_three_times(void *name)
{
    for (int i = 0; i < 3; i++) {
        mark(name);
        mw_fiber_yield();
    }
}

static void body_takes_turns(void)
{
    struct mw_group group;
    char a[] = "a", b[] = "b";
    mw_group_init(&group);
    mw_fiber_spawn(&group, "a", say_three_times, a);
    mw_fiber_spawn(&group, "b", say_three_times, b);
    assert_string_equal(trail, "");
    assert_int_equal(group.count, 2);
    struct mw_error error;
    assert_true(mw_group_wait(&group, MW_NO_DEADLINE, &error));
    assert_int_equal(group.count, 0);
}

static void test_fibers_take_turns_in_order(void **state)
{
    in_fiber(body_takes_turns);
    assert_string_equal(trail, "ababab");
}

static void work_for_two_ms(void *argument)
{
    mw_mono_ns start = mw_mono_now();
    while (mw_mono_now() - start < 2000000)
        continue;
}

/* Forty of them take 80 ms; who is not patient gets its turn many times meanwhile. */
static void body_runs_among_the_patient(void)
{
    struct mw_group group;
    mw_group_init(&group);
    group.patient = true;
    for (int i = 0; i < 40; i++)
        mw_fiber_spawn(&group, "patient", work_for_two_ms, NULL);
    int turns = 0;
    for (; group.count > 0; turns++)
        mw_fiber_yield();
    assert_in_range(turns, 10, 41);
}

static void test_the_patient_let_others_run(void **state)
{
    in_fiber(body_runs_among_the_patient);
}

static int answer(void *argument)
{
    return *(int *)argument + 1;
}

static void test_run_returns_what_main_returned(void **state)
{
    int given = 41;
    assert_int_equal(mw_runtime_run(answer, &given), 42);
    given = 1;
    assert_int_equal(mw_runtime_run(answer, &given), 2);
}

static void leave_mark(const char **text)
{
    mark(*text);
}

static void sleep_in_scope(void *argument)
{
    __attribute__((cleanup(leave_mark))) const char *outer = "outer ";
    __attribute__((cleanup(leave_mark))) const char *inner = "inner ";
    struct mw_error error = {0};
    assert_ptr_not_equal(outer, inner);
    assert_false(mw_sleep(60000, &error));
    assert_int_equal(error.class, MW_ERROR_CANCELLED);
    assert_true(mw_fiber_cancelled());
    assert_false(mw_sleep(60000, &error));
    assert_false(mw_sleep(0, &error));
}

static void body_cancels_sleeper(void)
{
    struct mw_group group;
    mw_group_init(&group);
    mw_fiber_spawn(&group, "sleeper", sleep_in_scope, NULL);
    mw_fiber_yield();
    mw_mono_ns start = mw_mono_now();
    mw_group_finish(&group);
    assert_true(ms_since(start) < 5000);
    mark("gone");
}

static void test_cancelling_leaves_scopes_in_order(void **state)
{
    in_fiber(body_cancels_sleeper);
    assert_string_equal(trail, "inner outer gone");
}

static void note_cancelled(void *argument)
{
    *(bool *)argument = mw_fiber_cancelled();
}

static void body_cancels_before_start(void)
{
    bool first = false, second = false;
    struct mw_group group;
    mw_group_init(&group);
    mw_fiber_cancel(mw_fiber_spawn(&group, "cancelled early", note_cancelled, &first));
    mw_fiber_yield();
    assert_true(first);
    mw_group_cancel(&group);
    mw_fiber_spawn(&group, "born cancelled", note_cancelled, &second);
    mw_group_finish(&group);
    assert_true(second);
    assert_false(mw_fiber_cancelled());
}

static void test_cancelled_before_it_runs(void **state)
{
    in_fiber(body_cancels_before_start);
}

static struct mw_waiter place;
static enum mw_wake woken;

static void park_here(void *argument)
{
    woken = mw_park(&place, MW_NO_DEADLINE);
    mark("woken ");
}

static void body_unparks_too_often(void)
{
    struct mw_group group;
    mw_group_init(&group);
    place.fiber = NULL;
    mw_unpark(&place);
    mw_fiber_spawn(&group, "parked", park_here, NULL);
    mw_fiber_yield();
    assert_string_equal(trail, "");
    mw_unpark(&place);
    mw_unpark(&place);
    mw_fiber_cancel(group.first);
    struct mw_error error;
    assert_true(mw_group_wait(&group, mw_deadline_in(5000), &error));
    mw_unpark(&place);
    assert_int_equal(woken, MW_WAKE_READY);
}

static void test_unparking_is_harmless_at_any_time(void **state)
{
    in_fiber(body_unparks_too_often);
    assert_string_equal(trail, "woken ");
}

static void park_stubbornly(void *argument)
{
    woken = mw_park_uncancellable(&place, mw_deadline_in(5000));
}

static void body_uncancellable(void)
{
    struct mw_group group;
    mw_group_init(&group);
    place.fiber = NULL;
    mw_fiber_spawn(&group, "stubborn", park_stubbornly, NULL);
    mw_fiber_yield();
    mw_group_cancel(&group);
    mw_fiber_yield();
    assert_int_equal(group.count, 1);
    mw_unpark(&place);
    mw_group_finish(&group);
    assert_int_equal(woken, MW_WAKE_READY);
}

static void test_uncancellable_park_ignores_cancelling(void **state)
{
    in_fiber(body_uncancellable);
}

static void slow_end(void *argument)
{
    struct mw_error error;
    mw_sleep(60000, &error);
    for (int i = 0; i < 5; i++)
        mw_fiber_yield();
    mark("member ");
}

static void own_a_group(void *argument)
{
    struct mw_group inner;
    struct mw_error error;
    mw_group_init(&inner);
    mw_fiber_spawn(&inner, "member", slow_end, NULL);
    assert_false(mw_sleep(60000, &error));
    assert_false(mw_group_wait(&inner, MW_NO_DEADLINE, &error));
    assert_int_equal(error.class, MW_ERROR_CANCELLED);
    mw_group_finish(&inner);
    mark("owner ");
}

static void body_cancelled_owner(void)
{
    struct mw_group group;
    mw_group_init(&group);
    mw_fiber_spawn(&group, "owner", own_a_group, NULL);
    mw_fiber_yield();
    mw_fiber_yield();
    mw_group_finish(&group);
}

static void test_a_cancelled_fiber_still_waits_for_its_group(void **state)
{
    in_fiber(body_cancelled_owner);
    assert_string_equal(trail, "member owner ");
}

static void body_group_wait_times_out(void)
{
    struct mw_group group;
    struct mw_error error = {0};
    mw_group_init(&group);
    mw_fiber_spawn(&group, "member", slow_end, NULL);
    assert_false(mw_group_wait(&group, mw_deadline_in(10), &error));
    assert_int_equal(error.class, MW_ERROR_TIMEOUT);
    assert_int_equal(group.count, 1);
    assert_false(group.cancelled);
    mw_group_finish(&group);
}

static void test_group_wait_times_out(void **state)
{
    in_fiber(body_group_wait_times_out);
}

static int freed;

static int count_freed(char *block)
{
    freed++;
    return 0;
}

static void use_memory(void *argument)
{
    char *block = talloc_strdup(mw_fiber_memory(), "mine");
    talloc_set_destructor(block, count_freed);
    assert_string_equal(mw_fiber_name(), "rich");
    mw_fiber_yield();
    assert_int_equal(freed, 0);
}

static void body_memory(void)
{
    struct mw_group group;
    struct mw_error error;
    freed = 0;
    mw_group_init(&group);
    assert_string_equal(mw_fiber_name(), "main");
    mw_fiber_spawn(&group, "rich", use_memory, NULL);
    assert_true(mw_group_wait(&group, mw_deadline_in(5000), &error));
    assert_int_equal(freed, 1);
}

static void test_memory_goes_with_the_fiber(void **state)
{
    in_fiber(body_memory);
    assert_string_equal(mw_fiber_name(), "main");
}

/* From the top down, so that an overflow meets the guard before anything else. */
static __attribute__((noinline)) void use_stack(size_t bytes)
{
    volatile char *block = __builtin_alloca(bytes);
    for (size_t i = bytes; i-- > 0;)
        block[i] = 1;
}

static void go_deep(void *argument)
{
    use_stack((size_t)100 * 1024);
}

static void body_many(void)
{
    struct mw_group group;
    struct mw_error error;
    mw_group_init(&group);
    for (int i = 0; i < 500; i++)
        mw_fiber_spawn(&group, "deep", go_deep, NULL);
    assert_int_equal(mw_loop_stats().fibers, 501);
    assert_true(mw_group_wait(&group, mw_deadline_in(20000), &error));
    assert_int_equal(mw_loop_stats().fibers, 1);
}

static void test_ended_fibers_give_their_stacks_to_others(void **state)
{
    in_fiber(body_many);
    struct mw_loop_stats stats = mw_loop_stats();
    assert_int_equal(stats.fibers, 0);
    assert_int_equal(stats.stacks, 2);
    if (stats.stack_high_water > 0)
        assert_in_range(stats.stack_high_water, 100 * 1024, 256 * 1024 * 4);
}

static void yield_once(void *argument)
{
    mw_fiber_yield();
}

static void body_pool(void)
{
    struct mw_group group;
    struct mw_error error;
    mw_group_init(&group);
    for (int i = 0; i < 300; i++)
        mw_fiber_spawn(&group, "brief", yield_once, NULL);
    mw_fiber_yield();
    assert_int_equal(mw_loop_stats().stacks, 301);
    assert_true(mw_group_wait(&group, mw_deadline_in(20000), &error));
    assert_int_equal(mw_loop_stats().stacks, 65);
}

static void test_the_pool_of_stacks_is_bounded(void **state)
{
    in_fiber(body_pool);
}

static void overflow(void)
{
    use_stack((size_t)2 * 1024 * 1024);
}

static void test_an_overflow_hits_the_guard(void **state)
{
    pid_t pid = fork();
    if (pid == 0) {
        close(2);
        in_fiber(overflow);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_trail(test_fibers_take_turns_in_order),
        test_in_loop(test_the_patient_let_others_run),
        test_with_trail(test_run_returns_what_main_returned),
        test_with_trail(test_cancelling_leaves_scopes_in_order),
        test_with_trail(test_cancelled_before_it_runs),
        test_with_trail(test_unparking_is_harmless_at_any_time),
        test_with_trail(test_uncancellable_park_ignores_cancelling),
        test_with_trail(test_a_cancelled_fiber_still_waits_for_its_group),
        test_with_trail(test_group_wait_times_out),
        test_with_trail(test_memory_goes_with_the_fiber),
        test_with_trail(test_ended_fibers_give_their_stacks_to_others),
        test_with_trail(test_the_pool_of_stacks_is_bounded),
        test_with_trail(test_an_overflow_hits_the_guard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
