/* SPDX-License-Identifier: Apache-2.0 */
#include "helper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static int released;

static int count_release(char *block)
{
    released++;
    return 0;
}

static char *make_block(void)
{
    char *block = talloc_strdup(NULL, "block");
    talloc_set_destructor(block, count_release);
    return block;
}

static int defer_another(char *block)
{
    released++;
    mw_free_later(make_block());
    return 0;
}

static void body_free_later(void)
{
    released = 0;
    char *block = talloc_strdup(NULL, "first");
    talloc_set_destructor(block, defer_another);
    mw_free_later(block);
    mw_free_later(NULL);
    assert_int_equal(released, 0);
    mw_fiber_yield();
    assert_int_equal(released, 2);
    mw_free_later(make_block());
}

static void test_deferred_frees_happen_at_the_end_of_the_turn(void **state)
{
    in_fiber(body_free_later);
    assert_int_equal(released, 3);
}

static void hog(int ms)
{
    struct timespec pause = {0, ms * 1000000L};
    nanosleep(&pause, NULL);
}

static void body_lag(void)
{
    struct mw_error error;
    assert_true(mw_sleep(20, &error));
    mw_loop_stats();
    assert_true(mw_sleep(300, &error));
    assert_true(mw_loop_stats().lag_ms_max < 250);
    hog(300);
    mw_fiber_yield();
    double lag = mw_loop_stats().lag_ms_max;
    assert_true(lag >= 299 && lag < 5000);
    mw_fiber_yield();
    assert_true(mw_loop_stats().lag_ms_max < 250);
}

static void test_lag_is_what_a_fiber_hogs(void **state)
{
    in_fiber(body_lag);
}

static void body_signals(void)
{
    kill(getpid(), SIGTERM);
    assert_int_equal(mw_signal_wait(), SIGTERM);
    kill(getpid(), SIGHUP);
    assert_int_equal(mw_signal_wait(), SIGHUP);
    kill(getpid(), SIGINT);
    assert_int_equal(mw_signal_wait(), SIGINT);
}

static void test_signals_are_heard(void **state)
{
    in_fiber(body_signals);
}

static void body_kept_signals(void)
{
    struct mw_error error;
    for (int i = 0; i < 40; i++) {
        kill(getpid(), SIGHUP);
        mw_sleep(1, &error);
    }
    kill(getpid(), SIGTERM);
    mw_sleep(5, &error);
    assert_int_equal(mw_signal_wait(), SIGHUP);
    assert_int_equal(mw_signal_wait(), SIGTERM);
}

static void test_signals_are_kept(void **state)
{
    in_fiber(body_kept_signals);
}

static int heard;

static void listen_for_signal(void *argument)
{
    heard = mw_signal_wait();
}

static void body_cancelled_wait(void)
{
    struct mw_group group;
    heard = -1;
    mw_group_init(&group);
    mw_fiber_spawn(&group, "listener", listen_for_signal, NULL);
    mw_fiber_yield();
    mw_group_finish(&group);
    assert_int_equal(heard, 0);
}

static void test_waiting_for_signals_can_be_cancelled(void **state)
{
    in_fiber(body_cancelled_wait);
}

static void test_sigpipe_is_ignored(void **state)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    assert_int_equal(write(ends[1], "x", 1), -1);
    close(ends[1]);
}

static void test_a_file_that_may_not_grow_is_an_error(void **state)
{
    struct rlimit before, now;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    now = before;
    now.rlim_cur = 1;
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
    assert_int_equal(write(fileno(file), "x", 1), 1);
    assert_int_equal(write(fileno(file), "x", 1), -1);
    assert_int_equal(errno, EFBIG);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_loop(test_deferred_frees_happen_at_the_end_of_the_turn),
        test_in_loop(test_lag_is_what_a_fiber_hogs),
        test_in_loop(test_signals_are_heard),
        test_in_loop(test_signals_are_kept),
        test_in_loop(test_waiting_for_signals_can_be_cancelled),
        test_in_loop(test_sigpipe_is_ignored),
        test_in_loop(test_a_file_that_may_not_grow_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
