/* SPDX-License-Identifier: Apache-2.0 */
/* postgres_vacuum, and what holds for a server that is followed or follows. */
#include "calls.h"

#include <stdlib.h>

static void it_vacuums_a_table_body(void)
{
    server_start("");
    struct mw_target *target = target_on(url_of("app"));
    PGconn *owner = session_as("app", "");
    session_say(owner, "CREATE SCHEMA \"odd \"\" one\"");
    session_say(owner, "CREATE TABLE \"odd \"\" one\".\"a; DROP TABLE item\" AS"
                       " SELECT generate_series(1, 1000) AS n");
    session_say(owner, "DELETE FROM \"odd \"\" one\".\"a; DROP TABLE item\" WHERE n > 10;"
                       " SELECT pg_stat_force_next_flush()");
    session_leave(owner);
    struct mw_assessment plan =
        assess_well(target, "postgres_vacuum", "{\"table\": \"a; DROP TABLE item\"}");
    assert_int_equal(plan.risk, MW_RISK_REVERSIBLE);
    assert_string_equal(json_string_value(json_object_get(plan.arguments, "table")),
                        "odd \" one.a; DROP TABLE item");
    assert_says(plan.effect, "990 dead rows");
    json_t *result = run_tool(target, "postgres_vacuum", plan.arguments, true);
    assert_says(summary_of(result), "dead rows 990 → 0");
    assert_int_equal(data_number(result, "dead_rows"), 0);
    json_decref(result);
    assessment_release(&plan);
    owner = session_as("app", "");
    session_say(owner, "DROP SCHEMA \"odd \"\" one\" CASCADE");
    session_say(owner, "SELECT count(*) FROM item");
    /* The second connection was for the VACUUM alone. */
    wait_for_number(-1, "SELECT -count(*) FROM pg_stat_activity"
                        " WHERE application_name = 'midwatch'");
}

static void it_vacuums_what_our_role_owns_body(void)
{
    char text[400];
    server_start("");
    json_t *result = run_text(target_on(url_of("app")), "postgres_vacuum", "{}", true);
    assert_int_equal(data_number(result, "tables"), 1);
    json_decref(result);
    assert_int_equal(assess_badly(target_on(NULL), "postgres_vacuum", "{}", text),
                     MW_ERROR_REFUSED);
    assert_says(text, "owns no table");
    assert_int_equal(
        assess_badly(target_on(NULL), "postgres_vacuum", "{\"table\": \"item\"}", text),
        MW_ERROR_REFUSED);
    assert_says(text, "does not own that table");
    assert_int_equal(
        assess_badly(target_on(NULL), "postgres_vacuum", "{\"table\": \"nothing\"}", text),
        MW_ERROR_REFUSED);
    assert_says(text, "there is no table nothing");
}

static void an_ambiguous_name_is_refused_body(void)
{
    char text[400];
    server_start("");
    PGconn *owner = session_as("app", "");
    session_say(owner, "CREATE SCHEMA other; CREATE TABLE other.item (n int)");
    struct mw_target *target = target_on(url_of("app"));
    assert_int_equal(assess_badly(target, "postgres_vacuum", "{\"table\": \"item\"}", text),
                     MW_ERROR_REFUSED);
    assert_says(text, "write schema.table");
    struct mw_assessment plan =
        assess_well(target, "postgres_vacuum", "{\"table\": \"other.item\"}");
    assessment_release(&plan);
    session_say(owner, "DROP SCHEMA other CASCADE");
}

/* One that another holds is waited for a little, and said. */
static void a_locked_table_is_told_body(void)
{
    server_start("");
    struct mw_target *target = target_on(url_of("app"));
    PGconn *holder = session_as("app", "");
    session_say(holder, "BEGIN; LOCK TABLE item IN ACCESS EXCLUSIVE MODE");
    json_auto_t *arguments = json_pack("{s:s, s:s}", "resource", "db", "table", "public.item");
    json_t *result = run_tool(target, "postgres_vacuum", arguments, false);
    assert_says(summary_of(result), "lock timeout");
    json_decref(result);
    /* The whole database passes it by. */
    json_decref(run_text(target, "postgres_vacuum", "{}", true));
}

/* ---- replication ---- */

struct standby {
    int port;
};

static struct standby start_standby(void)
{
    struct standby standby = {.port = server_free_port()};
    server_shell(
        "%s", server_program(talloc_asprintf(test_memory,
                                             "pg_basebackup -h %s -p %d -U postgres -D %s/standby "
                                             "-R -c fast --no-sync",
                                             server.folder, server.port, server.folder)));
    server_shell("echo 'port = %d' >>standby/postgresql.auto.conf", standby.port);
    server_shell("%s", server_program(talloc_asprintf(
                           test_memory, "pg_ctl -D %s/standby -l %s/standby.log -w -t 20 start",
                           server.folder, server.folder)));
    return standby;
}

static void stop_standby(void)
{
    server_shell("%s", server_program(talloc_asprintf(
                           test_memory, "pg_ctl -D %s/standby -m fast -w stop", server.folder)));
    server_shell("rm -rf standby");
}

static void check_primary(void)
{
    char text[400];
    struct mw_target *primary = target_on(url_of("postgres"));
    control_with(primary, "true");
    json_t *facts = facts_of(primary);
    assert_true(json_is_false(json_object_get(facts, "is_replica")));
    assert_int_equal(json_integer_value(json_object_get(facts, "walsenders")), 1);
    json_decref(facts);
    assert_int_equal(assess_badly(primary, "postgres_scale_connections", "{\"factor\": 2}", text),
                     MW_ERROR_REFUSED);
    assert_says(text, "1 standbys follow it");
    struct mw_assessment plan = assess_well(primary, "postgres_restart", "{}");
    assert_says(plan.effect, "replication to 1 pauses");
    assessment_release(&plan);
    /* Nothing that ends sessions ends replication. */
    assert_int_equal(
        assess_badly(primary, "postgres_kill_long_queries", "{\"min_seconds\": 0}", text),
        MW_ERROR_REFUSED);
    assert_int_equal(assess_badly(primary, "postgres_terminate_idle", "{\"min_seconds\": 0}", text),
                     MW_ERROR_REFUSED);
}

static void check_standby(const struct standby *standby)
{
    char text[400];
    struct mw_target *target = target_on(
        talloc_asprintf(test_memory, "postgresql://postgres@127.0.0.1:%d/shop", standby->port));
    control_with(target, "true");
    struct mw_sample sample = probe_well(target);
    assert_true(metric_of(&sample, "replication_lag_s") >= 0);
    assert_true(metric_of(&sample, "replication_lag_s") < 60);
    json_t *facts = facts_of(target);
    assert_true(json_is_true(json_object_get(facts, "is_replica")));
    json_decref(facts);
    assert_int_equal(assess_badly(target, "postgres_vacuum", "{}", text), MW_ERROR_REFUSED);
    assert_says(text, "on its primary");
    assert_int_equal(
        assess_badly(target, "postgres_scale_connections", "{\"max_connections\": 50}", text),
        MW_ERROR_REFUSED);
    assert_says(text, "it is a replica");
}

static void replication_is_seen_and_spared_body(void)
{
    server_start("");
    struct standby standby = start_standby();
    wait_for_number(1, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'");
    server_say("CREATE TABLE written (n int)");
    wait_for_number(1, "SELECT count(*) FROM pg_stat_replication"
                       " WHERE replay_lsn >= pg_current_wal_flush_lsn()");
    check_primary();
    check_standby(&standby);
    server_say("DROP TABLE written");
    assert_true(server_number("SELECT count(*) FROM pg_stat_replication") == 1);
    stop_standby();
}

BODY_TEST(it_vacuums_a_table)
BODY_TEST(it_vacuums_what_our_role_owns)
BODY_TEST(an_ambiguous_name_is_refused)
BODY_TEST(a_locked_table_is_told)
BODY_TEST(replication_is_seen_and_spared)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_on_server(it_vacuums_a_table),
        test_on_server(it_vacuums_what_our_role_owns),
        test_on_server(an_ambiguous_name_is_refused),
        test_on_server(a_locked_table_is_told),
        test_on_server(replication_is_seen_and_spared),
    };
    return cmocka_run_group_tests(tests, NULL, server_remove);
}
