/* SPDX-License-Identifier: Apache-2.0 */
/* Who holds up whom, and that a tool ends exactly those whom it showed. */
#include "calls.h"

#include <stdlib.h>

#include "../../../adapters/target/postgres/end.h"

#define WAITERS 88

/* One holds a row, eighty-eight more want it: 90 of 97 slots with ours. */
static PGconn *hold_up(PGconn *waiters[WAITERS])
{
    PGconn *holder = session_as("app", "checkout");
    session_say(holder, "BEGIN");
    session_say(holder, "UPDATE item SET n = n + 1 WHERE id = 1");
    for (int i = 0; i < WAITERS; i++) {
        waiters[i] = session_as("app", "web");
        session_send(waiters[i], "UPDATE item SET n = n + 1 WHERE id = 1");
    }
    wait_for_number(WAITERS, "SELECT count(*) FROM pg_locks WHERE NOT granted");
    return holder;
}

static int64_t pid_of(PGconn *session)
{
    return PQbackendPID(session);
}

static bool is_alive(PGconn *session)
{
    return server_number("SELECT count(*) FROM pg_stat_activity WHERE pid = %d",
                         PQbackendPID(session)) == 1;
}

static const json_t *first_of(const json_t *result, const char *list)
{
    return json_array_get(json_object_get(json_object_get(result, "data"), list), 0);
}

static void the_root_blocker_is_named_body(void)
{
    PGconn *waiters[WAITERS];
    server_start("");
    struct mw_target *target = target_on(NULL);
    PGconn *holder = hold_up(waiters);
    struct mw_sample sample = probe_well(target);
    assert_true(metric_of(&sample, "connections") == WAITERS + 2);
    assert_true(metric_of(&sample, "connections_percent") > 92);
    assert_true(metric_of(&sample, "blocked") == WAITERS);

    char *pid = talloc_asprintf(test_memory, "%d (app@shop, checkout)", PQbackendPID(holder));
    json_t *result = run_text(target, "postgres_locks", "{}", true);
    assert_int_equal(data_number(result, "waiting"), WAITERS);
    assert_int_equal(json_array_size(json_object_get(json_object_get(result, "data"), "roots")), 1);
    assert_int_equal(json_integer_value(json_object_get(first_of(result, "roots"), "pid")),
                     pid_of(holder));
    assert_int_equal(json_integer_value(json_object_get(first_of(result, "roots"), "blocks")),
                     WAITERS);
    assert_says(summary_of(result), pid);
    assert_says(summary_of(result), "idle in transaction for");
    json_decref(result);

    json_t *facts = facts_of(target);
    assert_int_equal(json_integer_value(json_object_get(facts, "root_blockers")), 1);
    assert_int_equal(json_integer_value(json_object_get(facts, "blocked")), WAITERS);
    const char *named = json_string_value(json_object_get(facts, "root_blocker"));
    assert_says(named, pid);
    assert_says(named, "holds up 88");
    assert_says(named, "UPDATE item SET n = n + 1 WHERE id = 1");
    json_decref(facts);
}

static void ending_the_blocker_frees_all_body(void)
{
    PGconn *waiters[WAITERS];
    server_start("");
    struct mw_target *target = target_on(NULL);
    PGconn *holder = hold_up(waiters), *bystander = session_as("app", "bystander");
    session_say(bystander, "BEGIN; UPDATE item SET n = n + 1 WHERE id = 2");

    struct mw_assessment plan = assess_well(target, "postgres_kill_long_queries",
                                            "{\"min_seconds\": 0, \"blockers_only\": true}");
    assert_int_equal(plan.risk, MW_RISK_DISRUPTIVE);
    assert_null(plan.undo);
    assert_says(plan.effect, "ends 1 session: ");
    assert_says(plan.effect, "holds up 88");
    const json_t *pins = json_object_get(plan.arguments, "sessions");
    assert_int_equal(json_array_size(pins), 1);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(pins, 0), "pid")),
                     pid_of(holder));

    /* What is approved is assessed once more before it runs. */
    char *text = json_dumps(plan.arguments, 0);
    struct mw_assessment again = assess_well(target, "postgres_kill_long_queries", text);
    assert_true(json_equal(plan.arguments, again.arguments));
    assessment_release(&again);
    free(text);

    mw_mono_ns start = mw_mono_now();
    json_t *result = run_tool(target, "postgres_kill_long_queries", plan.arguments, true);
    assert_true(mw_mono_now() - start < 5000000000);
    assert_int_equal(data_number(result, "blocked_before"), WAITERS);
    assert_int_equal(data_number(result, "blocked"), 0);
    assert_int_equal(json_integer_value(json_object_get(first_of(result, "ended"), "pid")),
                     pid_of(holder));
    assert_string_equal(json_string_value(json_object_get(first_of(result, "ended"), "how")),
                        "session ended");
    json_decref(result);
    assessment_release(&plan);

    for (int i = 0; i < WAITERS; i++) {
        assert_int_equal(session_end_of(waiters[i]), PGRES_COMMAND_OK);
        assert_int_equal(PQstatus(waiters[i]), CONNECTION_OK);
    }
    assert_true(is_alive(bystander));
    assert_false(is_alive(holder));
    session_say(bystander, "COMMIT");
    assert_true(server_number("SELECT 1") == 1);
}

/* The holder is itself one of a chain: only its end waits for nobody. */
static void the_walk_goes_up_the_chain_body(void)
{
    server_start("");
    struct mw_target *target = target_on(NULL);
    PGconn *one = session_as("app", "first"), *two = session_as("app", "second");
    PGconn *three = session_as("app", "third");
    session_say(one, "BEGIN; UPDATE item SET n = 1 WHERE id = 1");
    session_say(two, "BEGIN; UPDATE item SET n = 1 WHERE id = 2");
    session_send(two, "UPDATE item SET n = 1 WHERE id = 1");
    session_send(three, "UPDATE item SET n = 1 WHERE id = 2");
    wait_for_number(2, "SELECT count(*) FROM pg_locks WHERE NOT granted");
    struct mw_assessment plan = assess_well(target, "postgres_kill_long_queries",
                                            "{\"min_seconds\": 0, \"blockers_only\": true}");
    assert_says(plan.effect, "first), idle in transaction");
    assert_says(plan.effect, "holds up 2");
    assert_null(strstr(plan.effect, "second"));
    assessment_release(&plan);
}

static void an_active_blocker_is_cancelled_body(void)
{
    server_start("");
    struct mw_target *target = target_on(NULL);
    PGconn *busy = session_as("app", "report"), *waiter = session_as("app", "web");
    session_say(busy, "BEGIN; UPDATE item SET n = 1 WHERE id = 1");
    session_send(busy, "SELECT pg_sleep(60)");
    session_send(waiter, "UPDATE item SET n = 1 WHERE id = 1");
    wait_for_number(1, "SELECT count(*) FROM pg_locks WHERE NOT granted");
    json_t *result = run_text(target, "postgres_kill_long_queries",
                              "{\"min_seconds\": 0, \"blockers_only\": true}", true);
    assert_string_equal(json_string_value(json_object_get(first_of(result, "ended"), "how")),
                        "query cancelled");
    json_decref(result);
    assert_int_equal(session_end_of(waiter), PGRES_COMMAND_OK);
    assert_int_equal(session_end_of(busy), PGRES_FATAL_ERROR);
    /* Its session lives on, rolled back. */
    assert_int_equal(PQstatus(busy), CONNECTION_OK);
    session_say(busy, "ROLLBACK");
}

/* A cancel inside a savepoint leaves the locks from before it. */
static void a_cancel_that_does_not_help_is_followed_by_more_body(void)
{
    server_start("");
    struct mw_target *target = target_on(NULL);
    PGconn *busy = session_as("app", "report"), *waiter = session_as("app", "web");
    session_say(busy, "BEGIN; UPDATE item SET n = 1 WHERE id = 1; SAVEPOINT s");
    session_send(busy, "SELECT pg_sleep(60)");
    session_send(waiter, "UPDATE item SET n = 1 WHERE id = 1");
    wait_for_number(1, "SELECT count(*) FROM pg_locks WHERE NOT granted");
    json_t *result = run_text(target, "postgres_kill_long_queries",
                              "{\"min_seconds\": 0, \"blockers_only\": true}", true);
    assert_string_equal(json_string_value(json_object_get(first_of(result, "ended"), "how")),
                        "session ended");
    json_decref(result);
    assert_int_equal(session_end_of(waiter), PGRES_COMMAND_OK);
    assert_false(is_alive(busy));
}

static void long_queries_end_and_waiters_do_not_body(void)
{
    server_start("");
    struct mw_target *target = target_on(NULL);
    PGconn *slow = session_as("app", "slow"), *holder = session_as("app", "holder");
    PGconn *waiter = session_as("app", "waiter"), *idle = session_as("app", "idle");
    session_send(slow, "SELECT pg_sleep(60)");
    session_say(holder, "BEGIN; UPDATE item SET n = 1 WHERE id = 1");
    session_send(waiter, "UPDATE item SET n = 1 WHERE id = 1");
    wait_for_number(1, "SELECT count(*) FROM pg_locks WHERE NOT granted");

    char text[400];
    assert_int_equal(
        assess_badly(target, "postgres_kill_long_queries", "{\"min_seconds\": 600}", text),
        MW_ERROR_REFUSED);
    assert_says(text, "no session has run one query or held up others for 600 s");

    json_t *result = run_text(target, "postgres_kill_long_queries", "{\"min_seconds\": 0}", true);
    assert_int_equal(json_array_size(json_object_get(json_object_get(result, "data"), "ended")), 2);
    json_decref(result);
    assert_int_equal(session_end_of(slow), PGRES_FATAL_ERROR);
    assert_int_equal(PQstatus(slow), CONNECTION_OK);
    assert_int_equal(session_end_of(waiter), PGRES_COMMAND_OK);
    assert_false(is_alive(holder));
    assert_true(is_alive(idle));
}

/* Between the assessment and the run everything may change. */
static void who_changed_is_left_alone_body(void)
{
    char text[400];
    server_start("");
    struct mw_target *target = target_on(NULL);
    PGconn *holder = session_as("app", "holder"), *waiter = session_as("app", "waiter");
    session_say(holder, "BEGIN; UPDATE item SET n = 1 WHERE id = 1");
    session_send(waiter, "UPDATE item SET n = 1 WHERE id = 1");
    wait_for_number(1, "SELECT count(*) FROM pg_locks WHERE NOT granted");
    struct mw_assessment plan = assess_well(target, "postgres_kill_long_queries",
                                            "{\"min_seconds\": 0, \"blockers_only\": true}");

    /* The same session, and another transaction that holds up somebody again. */
    session_say(holder, "COMMIT");
    assert_int_equal(session_end_of(waiter), PGRES_COMMAND_OK);
    session_say(holder, "BEGIN; UPDATE item SET n = 1 WHERE id = 1");
    session_send(waiter, "UPDATE item SET n = 1 WHERE id = 1");
    wait_for_number(1, "SELECT count(*) FROM pg_locks WHERE NOT granted");
    assert_int_equal(run_badly(target, "postgres_kill_long_queries", plan.arguments, 5000, text),
                     MW_ERROR_REFUSED);
    assert_says(text, "none of the sessions that were shown is as it was");
    assert_true(is_alive(holder));

    /* The same process id, and another start. */
    json_t *pin = json_array_get(json_object_get(plan.arguments, "sessions"), 0);
    json_object_del(pin, "xact_start");
    json_object_set_new(pin, "backend_start", json_string("2001-01-01 00:00:00.123456+00"));
    assert_int_equal(run_badly(target, "postgres_kill_long_queries", plan.arguments, 5000, text),
                     MW_ERROR_REFUSED);
    assert_true(is_alive(holder));
    assessment_release(&plan);
    session_say(holder, "COMMIT");
    assert_int_equal(session_end_of(waiter), PGRES_COMMAND_OK);
}

/* Even when it changes after the last look: the signal itself asks once more. */
static void the_signal_looks_for_itself_body(void)
{
    server_start("");
    struct mw_target *target = target_on(NULL);
    struct mw_postgres *postgres = target->state;
    struct mw_error error = {0};
    PGconn *holder = session_as("app", "holder"), *waiter = session_as("app", "waiter");
    session_say(holder, "BEGIN; UPDATE item SET n = 1 WHERE id = 1");
    session_send(waiter, "UPDATE item SET n = 1 WHERE id = 1");
    wait_for_number(1, "SELECT count(*) FROM pg_locks WHERE NOT granted");
    struct mw_postgres_sessions *roots =
        mw_postgres_sessions_read(test_memory, postgres->connection, MW_POSTGRES_ROOTS, NULL, 10,
                                  mw_deadline_in(2000), &error);
    assert_non_null(roots);
    struct mw_postgres_doomed *doomed = mw_postgres_doom(test_memory, roots, NULL);
    assert_int_equal(doomed->count, 1);
    session_say(holder, "COMMIT");
    session_say(holder, "BEGIN");

    json_t *result = NULL;
    assert_true(mw_postgres_end(postgres, doomed, mw_deadline_in(5000), &result, &error));
    assert_true(json_is_false(json_object_get(result, "ok")));
    assert_says(summary_of(result), "no longer as it was shown");
    json_decref(result);
    assert_true(is_alive(holder));
}

static void who_may_not_be_ended_is_told_body(void)
{
    char text[400];
    server_start("");
    PGconn *root = session_as("postgres", "maintenance"), *waiter = session_as("app", "web");
    session_say(root, "BEGIN; UPDATE item SET n = 1 WHERE id = 1");
    session_send(waiter, "UPDATE item SET n = 1 WHERE id = 1");
    wait_for_number(1, "SELECT count(*) FROM pg_locks WHERE NOT granted");
    static const char arguments[] = "{\"min_seconds\": 0, \"blockers_only\": true}";

    assert_int_equal(assess_badly(target_on(NULL), "postgres_kill_long_queries", arguments, text),
                     MW_ERROR_REFUSED);
    assert_says(text, "it is a superuser's, which only a superuser may end");
    assert_int_equal(
        assess_badly(target_on(url_of("plain")), "postgres_kill_long_queries", arguments, text),
        MW_ERROR_REFUSED);
    assert_says(text, "GRANT pg_monitor");
    assert_true(is_alive(root));

    struct mw_target *super = target_on(url_of("postgres"));
    json_decref(run_text(super, "postgres_kill_long_queries", arguments, true));
    assert_false(is_alive(root));
    assert_int_equal(session_end_of(waiter), PGRES_COMMAND_OK);
}

static void a_role_that_sees_but_may_not_signal_is_told_body(void)
{
    char text[400];
    server_start("");
    server_say("GRANT pg_monitor TO plain");
    PGconn *holder = session_as("app", "holder"), *waiter = session_as("app", "web");
    session_say(holder, "BEGIN; UPDATE item SET n = 1 WHERE id = 1");
    session_send(waiter, "UPDATE item SET n = 1 WHERE id = 1");
    wait_for_number(1, "SELECT count(*) FROM pg_locks WHERE NOT granted");
    struct mw_target *target = target_on(url_of("plain"));
    assert_int_equal(assess_badly(target, "postgres_kill_long_queries",
                                  "{\"min_seconds\": 0, \"blockers_only\": true}", text),
                     MW_ERROR_REFUSED);
    assert_says(text, "GRANT pg_signal_backend");
    json_t *facts = facts_of(target);
    assert_string_equal(json_string_value(json_object_get(facts, "midwatch_role")), "pg_monitor");
    assert_true(json_is_false(json_object_get(facts, "can_end_sessions")));
    json_decref(facts);
    server_say("REVOKE pg_monitor FROM plain");
}

static void midwatch_never_ends_itself_body(void)
{
    char text[400];
    server_start("");
    struct mw_target *target = target_on(url_of("app")), *other = target_on(url_of("app"));
    server_say("GRANT pg_monitor, pg_signal_backend TO app");
    probe_well(target);
    probe_well(other);
    PGconn *idle = session_as("app", "idle");
    json_t *result = run_text(target, "postgres_terminate_idle", "{\"min_seconds\": 0}", true);
    assert_int_equal(json_array_size(json_object_get(json_object_get(result, "data"), "ended")), 1);
    assert_int_equal(json_integer_value(json_object_get(first_of(result, "ended"), "pid")),
                     pid_of(idle));
    json_decref(result);
    assert_int_equal(assess_badly(target, "postgres_terminate_idle", "{\"min_seconds\": 0}", text),
                     MW_ERROR_REFUSED);
    assert_says(text, "it is midwatch itself");
    server_say("REVOKE pg_monitor, pg_signal_backend FROM app");
}

static void a_prepared_transaction_is_named_body(void)
{
    char text[400];
    server_start("");
    struct mw_target *target = target_on(NULL);
    PGconn *gone = session_as("app", "gone"), *waiter = session_as("app", "web");
    session_say(gone, "BEGIN; UPDATE item SET n = 1 WHERE id = 1");
    session_say(gone, "PREPARE TRANSACTION 'left behind'");
    session_leave(gone);
    session_send(waiter, "UPDATE item SET n = 1 WHERE id = 1");
    wait_for_number(1, "SELECT count(*) FROM pg_locks WHERE NOT granted");
    json_t *result = run_text(target, "postgres_locks", "{}", true);
    assert_says(summary_of(result), "the prepared transaction left behind holds some");
    json_decref(result);
    assert_int_equal(assess_badly(target, "postgres_kill_long_queries",
                                  "{\"min_seconds\": 0, \"blockers_only\": true}", text),
                     MW_ERROR_REFUSED);
    assert_says(text, "ROLLBACK PREPARED");
    PGconn *owner = session_as("app", "");
    session_say(owner, "ROLLBACK PREPARED 'left behind'");
    assert_int_equal(session_end_of(waiter), PGRES_COMMAND_OK);
}

static void idle_sessions_are_told_apart_body(void)
{
    char text[400];
    server_start("");
    struct mw_target *target = target_on(NULL);
    PGconn *idle = session_as("app", "pool"), *inside = session_as("app", "forgotten");
    PGconn *busy = session_as("app", "busy");
    session_say(inside, "BEGIN; SELECT 1");
    session_send(busy, "SELECT pg_sleep(60)");
    wait_for_number(1, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'busy'"
                       " AND state = 'active'");
    assert_int_equal(
        assess_badly(target, "postgres_terminate_idle", "{\"min_seconds\": 600}", text),
        MW_ERROR_REFUSED);
    assert_says(text, "no session has been idle for 600 s");
    struct mw_assessment both =
        assess_well(target, "postgres_terminate_idle", "{\"min_seconds\": 0}");
    assert_int_equal(json_array_size(json_object_get(both.arguments, "sessions")), 2);
    assessment_release(&both);

    struct mw_assessment plan = assess_well(target, "postgres_terminate_idle",
                                            "{\"min_seconds\": 0, \"in_transaction\": true}");
    assert_says(plan.effect, "forgotten), idle in transaction for");
    assert_null(strstr(plan.effect, "pool"));
    json_decref(run_tool(target, "postgres_terminate_idle", plan.arguments, true));
    assessment_release(&plan);
    assert_false(is_alive(inside));
    assert_true(is_alive(idle));

    /* One that worked meanwhile is no longer the idle one. */
    plan = assess_well(target, "postgres_terminate_idle",
                       "{\"min_seconds\": 0, \"in_transaction\": false}");
    session_say(idle, "SELECT 1");
    assert_int_equal(run_badly(target, "postgres_terminate_idle", plan.arguments, 5000, text),
                     MW_ERROR_REFUSED);
    assessment_release(&plan);
    json_decref(run_text(target, "postgres_terminate_idle", "{\"min_seconds\": 0}", true));
    assert_false(is_alive(idle));
    assert_true(is_alive(busy));
}

static void activity_tells_and_masks_body(void)
{
    server_start("");
    struct mw_target *target = target_on(NULL);
    PGconn *one = session_as("app", "billing");
    session_say(one, "BEGIN");
    session_say(one, "SELECT 'hunter2-secret', 4111111111111111, E'it\\'s', $$dollar$$, 42");
    json_t *result = run_text(target, "postgres_activity", "{\"limit\": 5}", true);
    char *text = json_dumps(result, 0);
    assert_says(text, "billing");
    assert_says(text, "42");
    assert_null(strstr(text, "hunter2"));
    assert_null(strstr(text, "4111"));
    assert_null(strstr(text, "dollar"));
    assert_says(summary_of(result), "2 of 97 client slots taken");
    free(text);
    json_decref(result);

    result = run_text(target_on(url_of("plain")), "postgres_activity", "{}", true);
    assert_says(summary_of(result), "GRANT pg_monitor");
    json_decref(result);
}

BODY_TEST(the_root_blocker_is_named)
BODY_TEST(ending_the_blocker_frees_all)
BODY_TEST(the_walk_goes_up_the_chain)
BODY_TEST(an_active_blocker_is_cancelled)
BODY_TEST(a_cancel_that_does_not_help_is_followed_by_more)
BODY_TEST(long_queries_end_and_waiters_do_not)
BODY_TEST(who_changed_is_left_alone)
BODY_TEST(the_signal_looks_for_itself)
BODY_TEST(who_may_not_be_ended_is_told)
BODY_TEST(a_role_that_sees_but_may_not_signal_is_told)
BODY_TEST(midwatch_never_ends_itself)
BODY_TEST(a_prepared_transaction_is_named)
BODY_TEST(idle_sessions_are_told_apart)
BODY_TEST(activity_tells_and_masks)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_on_server(the_root_blocker_is_named),
        test_on_server(ending_the_blocker_frees_all),
        test_on_server(the_walk_goes_up_the_chain),
        test_on_server(an_active_blocker_is_cancelled),
        test_on_server(a_cancel_that_does_not_help_is_followed_by_more),
        test_on_server(long_queries_end_and_waiters_do_not),
        test_on_server(who_changed_is_left_alone),
        test_on_server(the_signal_looks_for_itself),
        test_on_server(who_may_not_be_ended_is_told),
        test_on_server(a_role_that_sees_but_may_not_signal_is_told),
        test_on_server(midwatch_never_ends_itself),
        test_on_server(a_prepared_transaction_is_named),
        test_on_server(idle_sessions_are_told_apart),
        test_on_server(activity_tells_and_masks),
    };
    return cmocka_run_group_tests(tests, NULL, server_remove);
}
