/* SPDX-License-Identifier: Apache-2.0 */
/* Servers that die, hang and come back. */
#include "calls.h"

#include <signal.h>

static double seconds_of(mw_mono_ns start)
{
    return (double)(mw_mono_now() - start) / 1e9;
}

static int process_of(struct mw_target *target)
{
    const struct mw_postgres *postgres = target->state;
    return mw_postgres_connection_process(postgres->connection);
}

static void a_killed_server_comes_back_body(void)
{
    char text[400];
    server_start("");
    struct mw_target *target = target_on(NULL);
    probe_well(target);
    probe_well(target);
    server_kill();
    mw_mono_ns start = mw_mono_now();
    assert_int_equal(probe_badly(target, 2000, text), MW_ERROR_RETRY);
    assert_true(seconds_of(start) < 1);
    assert_says(text, "127.0.0.1:");
    assert_says(text, "Connection refused");
    server_start_again();
    struct mw_sample sample = probe_well(target);
    /* Its counters have begun anew. */
    assert_null(mw_sample_find(&sample, "deadlocks_per_s"));
}

static void over_the_socket_too_body(void)
{
    char text[400];
    server_start("");
    struct mw_target *target = target_on(talloc_asprintf(
        test_memory, "postgresql://midwatch@/shop?host=%s&port=%d", server.folder, server.port));
    probe_well(target);
    server_stop("immediate");
    assert_int_equal(probe_badly(target, 2000, text), MW_ERROR_RETRY);
    server_start_again();
    probe_well(target);
}

/* A connection that somebody ended is replaced within the same probe. */
static void an_ended_connection_is_replaced_body(void)
{
    server_start("");
    struct mw_target *target = target_on(NULL);
    probe_well(target);
    int process = process_of(target);
    server_say("SELECT pg_terminate_backend(%d)", process);
    probe_well(target);
    assert_int_not_equal(process_of(target), process);
}

static void a_stopped_postmaster_keeps_old_friends_body(void)
{
    char text[400];
    server_start("");
    struct mw_target *kept = target_on(NULL), *fresh = target_on(NULL);
    probe_well(kept);
    server_signal(SIGSTOP);
    probe_well(kept);
    mw_mono_ns start = mw_mono_now();
    assert_int_equal(probe_badly(fresh, 500, text), MW_ERROR_TIMEOUT);
    assert_true(seconds_of(start) < 1.5);
    server_signal(SIGCONT);
    probe_well(fresh);
}

/* Our own backend hangs: the next probe finds out that the server does not. */
static void a_stopped_backend_is_left_behind_body(void)
{
    char text[400];
    server_start("");
    struct mw_target *target = target_on(NULL);
    probe_well(target);
    int stopped = process_of(target);
    assert_int_equal(kill(stopped, SIGSTOP), 0);
    mw_mono_ns start = mw_mono_now();
    assert_int_equal(probe_badly(target, 500, text), MW_ERROR_TIMEOUT);
    assert_true(seconds_of(start) < 1.5);
    struct mw_sample sample = {.count = 0};
    struct mw_error error = {0};
    bool done = mw_target_postgres.probe(target, mw_deadline_in(4000), &sample, &error);
    kill(stopped, SIGCONT);
    if (!done) {
        fail_msg("%s", error.text);
    }
    assert_int_not_equal(process_of(target), stopped);
}

/* Both hang: as late as the deadline says and no later, however often. */
static void a_server_that_hangs_whole_costs_no_more_than_the_deadline_body(void)
{
    char text[400];
    server_start("");
    struct mw_target *target = target_on(NULL);
    probe_well(target);
    int stopped = process_of(target);
    server_signal(SIGSTOP);
    kill(stopped, SIGSTOP);
    for (int i = 0; i < 4; i++) {
        mw_mono_ns start = mw_mono_now();
        enum mw_error_class class = probe_badly(target, 300, text);
        double taken = seconds_of(start);
        if (class != MW_ERROR_TIMEOUT || taken > 1) {
            kill(stopped, SIGCONT);
            server_signal(SIGCONT);
            fail_msg("after %.1f s: %s", taken, text);
        }
    }
    kill(stopped, SIGCONT);
    server_signal(SIGCONT);
    probe_well(target);
    assert_int_equal(process_of(target), stopped);
}

static struct mw_target *shared;

static void probe_until_cancelled(void *argument)
{
    struct mw_sample sample = {.count = 0};
    struct mw_error error = {0};
    assert_false(mw_target_postgres.probe(shared, mw_deadline_in(60000), &sample, &error));
    assert_int_equal(error.class, MW_ERROR_CANCELLED);
    *(bool *)argument = true;
}

static void cancelling_ends_a_probe_body(void)
{
    bool ended = false;
    struct mw_group group;
    server_start("");
    shared = target_on(NULL);
    probe_well(shared);
    int stopped = process_of(shared);
    kill(stopped, SIGSTOP);
    mw_group_init(&group);
    mw_fiber_spawn(&group, "probe", probe_until_cancelled, &ended);
    mw_sleep(30, NULL);
    mw_group_finish(&group);
    kill(stopped, SIGCONT);
    assert_true(ended);
    probe_well(shared);
}

/* Probe and tools share the connection, one after the other. */
static void ask_often(void *argument)
{
    int *asked = argument;
    for (int i = 0; i < 20; i++) {
        probe_well(shared);
        json_decref(facts_of(shared));
        ++*asked;
    }
}

static void many_may_ask_at_once_body(void)
{
    int asked = 0;
    struct mw_group group;
    server_start("");
    shared = target_on(NULL);
    mw_group_init(&group);
    for (int i = 0; i < 5; i++) {
        mw_fiber_spawn(&group, "asker", ask_often, &asked);
    }
    assert_true(mw_group_wait(&group, mw_deadline_in(60000), NULL));
    assert_int_equal(asked, 100);
    assert_true(server_number("SELECT count(*) FROM pg_stat_activity"
                              " WHERE application_name = 'midwatch'") == 1);
}

static void names_are_looked_up_by_us_body(void)
{
    char text[400];
    server_start("");
    probe_well(target_on(
        talloc_asprintf(test_memory, "postgresql://midwatch@localhost:%d/shop", server.port)));
    struct mw_target *target =
        target_on("postgresql://midwatch:n4me-secret@no-such-host.invalid/shop");
    mw_mono_ns start = mw_mono_now();
    probe_badly(target, 1000, text);
    assert_true(seconds_of(start) < 2);
    assert_null(strstr(text, "n4me-secret"));
}

BODY_TEST(a_killed_server_comes_back)
BODY_TEST(over_the_socket_too)
BODY_TEST(an_ended_connection_is_replaced)
BODY_TEST(a_stopped_postmaster_keeps_old_friends)
BODY_TEST(a_stopped_backend_is_left_behind)
BODY_TEST(a_server_that_hangs_whole_costs_no_more_than_the_deadline)
BODY_TEST(cancelling_ends_a_probe)
BODY_TEST(many_may_ask_at_once)
BODY_TEST(names_are_looked_up_by_us)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_on_server(a_killed_server_comes_back),
        test_on_server(over_the_socket_too),
        test_on_server(an_ended_connection_is_replaced),
        test_on_server(a_stopped_postmaster_keeps_old_friends),
        test_on_server(a_stopped_backend_is_left_behind),
        test_on_server(a_server_that_hangs_whole_costs_no_more_than_the_deadline),
        test_on_server(cancelling_ends_a_probe),
        test_on_server(many_may_ask_at_once),
        test_on_server(names_are_looked_up_by_us),
    };
    return cmocka_run_group_tests(tests, NULL, server_remove);
}
