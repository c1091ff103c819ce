/* SPDX-License-Identifier: Apache-2.0 */
/* No slot is left: what is still seen, and what can still be done. */
#include "calls.h"

#include <stdlib.h>

/* Takes slots until the server refuses an ordinary role. */
static int fill(void)
{
    char sqlstate[6] = "";
    int count = 0;
    while (session_try("app", sqlstate) != NULL) {
        count++;
    }
    assert_string_equal(sqlstate, "53300");
    return count;
}

static void check_gone(const struct mw_sample *sample)
{
    assert_string_equal(sample->source, "postgres connect");
    assert_int_equal(sample->count, 1);
    assert_true(metric_of(sample, "connections_percent") == 100);
    assert_true(mw_sample_find(sample, "connections_percent")->counts);
}

static void the_kept_connection_sees_and_mends_body(void)
{
    char text[400];
    server_start("max_connections = 20");
    struct mw_target *kept = target_on(NULL), *fresh = target_on(NULL);
    probe_well(kept);
    assert_int_equal(fill(), 16);
    struct mw_sample sample = probe_until(kept, "connections", 17);
    assert_string_equal(sample.source, "postgres statistics");
    assert_true(metric_of(&sample, "connections_percent") == 100);
    assert_true(metric_of(&sample, "latency_ms") > 0);
    json_decref(facts_of(kept));
    json_decref(run_text(kept, "postgres_activity", "{}", true));
    json_decref(run_text(kept, "postgres_locks", "{}", true));

    /* One that comes only now is turned away, which says as much. */
    sample = probe_well(fresh);
    check_gone(&sample);
    json_t *facts = NULL;
    struct mw_error error = {0};
    assert_false(mw_target_postgres.facts(fresh, mw_deadline_in(2000), &facts, &error));
    assert_int_equal(error.class, MW_ERROR_RETRY);
    assert_says(error.text, "all connection slots are taken (SQLSTATE 53300)");
    assert_int_equal(assess_badly(fresh, "postgres_terminate_idle", "{\"min_seconds\": 0}", text),
                     MW_ERROR_RETRY);

    assert_int_equal(assess_badly(kept, "postgres_kill_long_queries", "{\"min_seconds\": 0}", text),
                     MW_ERROR_REFUSED);
    json_t *result = run_text(kept, "postgres_terminate_idle", "{\"min_seconds\": 0}", true);
    assert_int_equal(data_number(result, "connections_before"), 17);
    assert_true(data_number(result, "connections") < 17);
    json_decref(result);
    sample = probe_well(fresh);
    assert_string_equal(sample.source, "postgres statistics");
}

static void vacuum_needs_a_second_connection_body(void)
{
    server_start("max_connections = 20");
    struct mw_target *kept = target_on(url_of("app"));
    probe_well(kept);
    fill();
    json_t *result = run_text(kept, "postgres_vacuum", "{}", false);
    assert_says(summary_of(result), "VACUUM needs a second connection");
    assert_says(summary_of(result), "53300");
    json_decref(result);
}

/* What failed before anything was done leaves no doubt. */
static void what_was_not_tried_is_told_body(void)
{
    server_start("max_connections = 20");
    struct mw_target *fresh = target_on(NULL);
    fill();
    static const struct {
        const char *tool, *arguments, *says;
    } cases[] = {
        {"postgres_kill_long_queries", "{\"min_seconds\": 0}", "nothing was ended: "},
        {"postgres_terminate_idle", "{\"min_seconds\": 0}", "nothing was ended: "},
        {"postgres_vacuum", "{}", "nothing was vacuumed: "},
        {"postgres_scale_connections", "{\"factor\": 2}", "nothing was changed: "},
    };
    control_with(fresh, "true");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *result = run_text(fresh, cases[i].tool, cases[i].arguments, false);
        assert_says(summary_of(result), cases[i].says);
        assert_says(summary_of(result), "53300");
        json_decref(result);
    }
}

static void a_superuser_has_slots_of_its_own_body(void)
{
    server_start("max_connections = 20");
    struct mw_target *target = target_on(url_of("postgres"));
    fill();
    struct mw_sample sample = probe_until(target, "connections", 18);
    assert_true(metric_of(&sample, "connections_percent") == 100);
    json_t *facts = facts_of(target);
    assert_string_equal(json_string_value(json_object_get(facts, "midwatch_role")), "superuser");
    assert_int_equal(json_integer_value(json_object_get(facts, "max_connections")), 20);
    assert_int_equal(json_integer_value(json_object_get(facts, "reserved_connections")), 3);
    assert_int_equal(json_integer_value(json_object_get(facts, "client_slots")), 17);
    json_decref(facts);
    json_decref(run_text(target, "postgres_terminate_idle", "{\"min_seconds\": 0}", true));
}

/* Not even superusers get in. */
static void every_slot_is_taken_body(void)
{
    char sqlstate[6];
    server_start("max_connections = 10");
    struct mw_target *target = target_on(url_of("postgres"));
    fill();
    while (session_try("postgres", sqlstate) != NULL) {
    }
    struct mw_sample sample = probe_well(target);
    check_gone(&sample);
}

/* The same SQLSTATE where it is our own limit says nothing about the server. */
static void our_own_limit_is_not_the_servers_body(void)
{
    char text[400];
    server_start("");
    server_say("ALTER ROLE midwatch CONNECTION LIMIT 1");
    struct mw_target *one = target_on(NULL), *two = target_on(NULL);
    probe_well(one);
    assert_int_equal(probe_badly(two, 20000, text), MW_ERROR_REFUSED);
    assert_says(text, "CONNECTION LIMIT");
    server_say("ALTER ROLE midwatch CONNECTION LIMIT -1");
    probe_well(two);
}

static void a_database_that_takes_no_more_is_full_body(void)
{
    server_start("");
    server_say("ALTER DATABASE shop CONNECTION LIMIT 2");
    fill();
    struct mw_sample sample = probe_well(target_on(NULL));
    check_gone(&sample);
    server_say("ALTER DATABASE shop CONNECTION LIMIT -1");
}

/* A slow answer must not cost the one connection that there is. */
static void a_timeout_does_not_give_the_connection_away_body(void)
{
    char text[400];
    server_start("max_connections = 20");
    struct mw_target *kept = target_on(NULL);
    struct mw_postgres *postgres = kept->state;
    probe_well(kept);
    int process = mw_postgres_connection_process(postgres->connection);
    fill();
    PGconn *root = session_as("postgres", "");
    session_say(root, "BEGIN; LOCK TABLE pg_database IN ACCESS EXCLUSIVE MODE");
    assert_int_equal(probe_badly(kept, 300, text), MW_ERROR_TIMEOUT);
    session_say(root, "ROLLBACK");
    struct mw_sample sample = probe_well(kept);
    assert_string_equal(sample.source, "postgres statistics");
    assert_int_equal(mw_postgres_connection_process(postgres->connection), process);
}

BODY_TEST(the_kept_connection_sees_and_mends)
BODY_TEST(vacuum_needs_a_second_connection)
BODY_TEST(what_was_not_tried_is_told)
BODY_TEST(a_superuser_has_slots_of_its_own)
BODY_TEST(every_slot_is_taken)
BODY_TEST(our_own_limit_is_not_the_servers)
BODY_TEST(a_database_that_takes_no_more_is_full)
BODY_TEST(a_timeout_does_not_give_the_connection_away)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_on_server(the_kept_connection_sees_and_mends),
        test_on_server(vacuum_needs_a_second_connection),
        test_on_server(what_was_not_tried_is_told),
        test_on_server(a_superuser_has_slots_of_its_own),
        test_on_server(every_slot_is_taken),
        test_on_server(our_own_limit_is_not_the_servers),
        test_on_server(a_database_that_takes_no_more_is_full),
        test_on_server(a_timeout_does_not_give_the_connection_away),
    };
    return cmocka_run_group_tests(tests, NULL, server_remove);
}
