/* SPDX-License-Identifier: Apache-2.0 */
/* What is measured of a real server, and who may measure it. */
#include "calls.h"

#include <fcntl.h>
#include <unistd.h>

static void check_values(struct mw_target *target)
{
    struct mw_sample sample = probe_well(target);
    assert_string_equal(sample.source, "postgres statistics");
    assert_true(metric_of(&sample, "connections") == 1);
    assert_true(metric_of(&sample, "connections_percent") > 1);
    assert_true(metric_of(&sample, "connections_percent") < 1.1);
    assert_true(metric_of(&sample, "active") == 0);
    assert_true(metric_of(&sample, "idle_in_transaction") == 0);
    assert_true(metric_of(&sample, "longest_query_s") == 0);
    assert_true(metric_of(&sample, "blocked") == 0);
    assert_true(metric_of(&sample, "xid_age_percent") < 1);
    assert_true(metric_of(&sample, "latency_ms") > 0);
    assert_true(metric_of(&sample, "latency_ms") < 1000);
    assert_null(mw_sample_find(&sample, "deadlocks_per_s"));
    assert_null(mw_sample_find(&sample, "replication_lag_s"));

    PGconn *reader = session_as("app", "");
    session_say(reader, "SELECT sum(n), pg_stat_force_next_flush() FROM item");
    session_leave(reader);
    sample = probe_well(target);
    assert_true(metric_of(&sample, "deadlocks_per_s") == 0);
    assert_true(metric_of(&sample, "cache_hit_ratio") > 0);
    assert_true(metric_of(&sample, "cache_hit_ratio") <= 1);
    hang_up(target);
}

static void values_over_tcp_and_unix_body(void)
{
    server_start("");
    check_values(target_on(NULL));
    check_values(target_on(talloc_asprintf(
        test_memory, "postgresql://midwatch@/shop?host=%s&port=%d", server.folder, server.port)));
    check_values(target_on(
        talloc_asprintf(test_memory, "postgresql://midwatch@localhost:%d/shop", server.port)));
}

static void sessions_are_counted_by_what_they_do_body(void)
{
    server_start("");
    struct mw_target *target = target_on(NULL);
    PGconn *holder = session_as("app", "holder"), *sleeper = session_as("app", "sleeper");
    PGconn *waiter = session_as("app", "waiter");
    session_as("app", "idler");
    session_say(holder, "BEGIN");
    session_say(holder, "UPDATE item SET n = n + 1 WHERE id = 1");
    session_send(sleeper, "SELECT pg_sleep(60)");
    session_send(waiter, "UPDATE item SET n = n + 1 WHERE id = 1");
    probe_until(target, "blocked", 1);
    struct mw_sample sample = probe_until(target, "longest_query_s", 0.02);
    assert_true(metric_of(&sample, "connections") == 5);
    assert_true(metric_of(&sample, "active") == 2);
    assert_true(metric_of(&sample, "blocked") == 1);
    assert_true(metric_of(&sample, "idle_in_transaction") == 1);
    assert_true(metric_of(&sample, "longest_query_s") < 30);
}

static void deadlocks_are_counted_body(void)
{
    server_start("deadlock_timeout = 10ms");
    struct mw_target *target = target_on(NULL);
    probe_well(target);
    PGconn *one = session_as("app", ""), *two = session_as("app", "");
    session_say(one, "BEGIN; UPDATE item SET n = 1 WHERE id = 1");
    session_say(two, "BEGIN; UPDATE item SET n = 1 WHERE id = 2");
    session_send(one, "UPDATE item SET n = 1 WHERE id = 2; SELECT pg_stat_force_next_flush()");
    session_send(two, "UPDATE item SET n = 1 WHERE id = 1; SELECT pg_stat_force_next_flush()");
    bool first = session_end_of(one) == PGRES_FATAL_ERROR;
    bool second = session_end_of(two) == PGRES_FATAL_ERROR;
    assert_true(first != second);
    sessions_leave();
    probe_until(target, "deadlocks_per_s", 0.01);
}

/* Without pg_monitor a role sees that others are there and no more. */
static void a_role_without_rights_still_counts_body(void)
{
    server_start("");
    struct mw_target *target = target_on(url_of("plain"));
    PGconn *holder = session_as("app", "");
    session_say(holder, "BEGIN");
    struct mw_sample sample = probe_well(target);
    assert_true(metric_of(&sample, "connections") == 2);
    assert_true(metric_of(&sample, "connections_percent") > 2);
    assert_null(mw_sample_find(&sample, "active"));
    assert_null(mw_sample_find(&sample, "idle_in_transaction"));
    assert_null(mw_sample_find(&sample, "longest_query_s"));
}

static void who_is_not_let_in_is_told_body(void)
{
    char text[400];
    server_start("");
    assert_int_equal(probe_badly(target_on(url_of("locked")), 20000, text), MW_ERROR_REFUSED);
    assert_says(text, "asks role locked for a password");
    assert_int_equal(probe_badly(target_on(url_of("locked:wrong-secret")), 20000, text),
                     MW_ERROR_REFUSED);
    assert_says(text, "does not take the password of role locked");
    assert_null(strstr(text, "wrong-secret"));
    assert_int_equal(probe_badly(target_on(url_of("nobody:n0body-secret")), 20000, text),
                     MW_ERROR_REFUSED);
    assert_says(text, "pg_hba.conf");
    assert_null(strstr(text, "n0body-secret"));
    assert_int_equal(probe_badly(target_on(url_of("stranger")), 20000, text), MW_ERROR_REFUSED);
    assert_says(text, "create the role");
    assert_int_equal(
        probe_badly(target_on(talloc_asprintf(
                        test_memory, "postgresql://midwatch@127.0.0.1:%d/nowhere", server.port)),
                    20000, text),
        MW_ERROR_REFUSED);
    assert_says(text, "no database nowhere");
    probe_well(target_on(url_of("locked:s3cret-one")));
}

static void a_passfile_is_read_body(void)
{
    server_start("");
    char path[128];
    snprintf(path, sizeof path, "%s/pass", server.folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(dprintf(fd, "127.0.0.1:%d:*:locked:s3cret-one\n", server.port) > 0, 1);
    close(fd);
    probe_well(target_on(talloc_asprintf(
        test_memory, "postgresql://locked@127.0.0.1:%d/shop?passfile=%s", server.port, path)));
}

static void tls_that_is_not_there_is_told_body(void)
{
    char text[400];
    server_start("ssl = off");
    struct mw_target *target =
        target_on(talloc_asprintf(test_memory, "%s?sslmode=require", url_of("midwatch")));
    assert_int_equal(probe_badly(target, 20000, text), MW_ERROR_PERMANENT);
    assert_says(text, "SSL");
}

/* No setting of the database or the role may change what we ask or end our session. */
static void the_session_is_our_own_body(void)
{
    server_start("idle_session_timeout = 20ms");
    server_say("ALTER ROLE midwatch SET search_path = evil, pg_catalog");
    server_say("ALTER ROLE midwatch SET DateStyle = 'German'");
    struct mw_target *target = target_on(NULL);
    struct mw_postgres *postgres = target->state;
    probe_well(target);
    int process = mw_postgres_connection_process(postgres->connection);
    int fd = mw_postgres_connection_descriptor(postgres->connection);
    assert_true(process > 0);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_true(mw_sleep(100, NULL));
    probe_well(target);
    assert_int_equal(mw_postgres_connection_process(postgres->connection), process);

    static const struct {
        const char *name, *value;
    } settings[] = {
        {"application_name", "midwatch"},
        {"search_path", "pg_catalog, pg_temp"},
        {"default_transaction_read_only", "on"},
        {"statement_timeout", "15s"},
        {"lock_timeout", "3s"},
        {"idle_session_timeout", "0"},
        {"TimeZone", "UTC"},
        {"client_encoding", "UTF8"},
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        struct mw_error error = {0};
        PGresult *result = mw_postgres_ask(postgres->connection, mw_deadline_in(2000), &error,
                                           "SELECT current_setting($1)", settings[i].name, NULL);
        assert_non_null(result);
        assert_string_equal(PQgetvalue(result, 0, 0), settings[i].value);
        PQclear(result);
    }
    server_say("ALTER ROLE midwatch RESET ALL");
}

BODY_TEST(values_over_tcp_and_unix)
BODY_TEST(sessions_are_counted_by_what_they_do)
BODY_TEST(deadlocks_are_counted)
BODY_TEST(a_role_without_rights_still_counts)
BODY_TEST(who_is_not_let_in_is_told)
BODY_TEST(a_passfile_is_read)
BODY_TEST(tls_that_is_not_there_is_told)
BODY_TEST(the_session_is_our_own)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_on_server(values_over_tcp_and_unix),
        test_on_server(sessions_are_counted_by_what_they_do),
        test_on_server(deadlocks_are_counted),
        test_on_server(a_role_without_rights_still_counts),
        test_on_server(who_is_not_let_in_is_told),
        test_on_server(a_passfile_is_read),
        test_on_server(tls_that_is_not_there_is_told),
        test_on_server(the_session_is_our_own),
    };
    return cmocka_run_group_tests(tests, NULL, server_remove);
}
