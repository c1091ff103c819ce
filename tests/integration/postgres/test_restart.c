/* SPDX-License-Identifier: Apache-2.0 */
/* postgres_restart and postgres_scale_connections. */
#include "calls.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static struct mw_target *controlled(const char *role, const char *command)
{
    struct mw_target *target = target_on(url_of(role));
    control_with(target, command);
    return target;
}

static void it_restarts_body(void)
{
    server_start("");
    struct mw_target *target = controlled("midwatch", server_restart_command());
    PGconn *inside = session_as("app", "inside");
    session_as("app", "idle");
    session_say(inside, "BEGIN; SELECT 1");
    struct mw_assessment plan = assess_well(target, "postgres_restart", "{}");
    assert_int_equal(plan.risk, MW_RISK_DISRUPTIVE);
    assert_null(plan.undo);
    assert_says(plan.effect, "3 sessions are cut off, 1 of them inside a transaction");
    assert_says(plan.effect, "pg_ctl");
    assessment_release(&plan);
    json_t *result = run_text(target, "postgres_restart", "{}", true);
    assert_says(summary_of(result), "serves again");
    assert_true(json_is_true(json_object_get(json_object_get(result, "data"), "new_process")));
    assert_int_equal(data_number(result, "connections_before"), 3);
    assert_int_equal(data_number(result, "connections"), 1);
    json_decref(result);
    probe_well(target);
}

static void it_starts_a_dead_server_body(void)
{
    server_start("");
    struct mw_target *target = controlled("midwatch", server_restart_command());
    probe_well(target);
    server_kill();
    struct mw_assessment plan = assess_well(target, "postgres_restart", "{}");
    assert_says(plan.effect, "it does not answer now");
    assessment_release(&plan);
    json_decref(run_text(target, "postgres_restart", "{}", true));
    probe_well(target);
}

static void a_full_server_is_restarted_without_a_connection_body(void)
{
    char sqlstate[6];
    server_start("max_connections = 20");
    while (session_try("app", sqlstate) != NULL) {
    }
    struct mw_target *target = controlled("midwatch", server_restart_command());
    struct mw_assessment plan = assess_well(target, "postgres_restart", "{}");
    assert_says(plan.effect, "all its connection slots are taken");
    assessment_release(&plan);
    json_decref(run_text(target, "postgres_restart", "{}", true));
}

static void without_a_way_it_is_refused_body(void)
{
    char text[400];
    server_start("");
    assert_int_equal(assess_badly(target_on(NULL), "postgres_restart", "{}", text),
                     MW_ERROR_REFUSED);
    assert_says(text, "control: {systemd: UNIT}");
    assert_int_equal(assess_badly(target_on(url_of("postgres")), "postgres_scale_connections",
                                  "{\"factor\": 2}", text),
                     MW_ERROR_REFUSED);
    assert_says(text, "control: {systemd: UNIT}");
}

static void a_command_that_fails_is_told_body(void)
{
    server_start("");
    struct mw_target *target = controlled("midwatch", "echo 'Unit not found.' >&2; exit 5");
    json_t *result = run_text(target, "postgres_restart", "{}", false);
    assert_says(summary_of(result), "status 5: Unit not found.");
    json_decref(result);
}

/* With a short deadline, since it waits for what does not come. */
static void check_fruitless(const char *command, const char *says)
{
    struct mw_target *target = controlled("midwatch", command);
    json_auto_t *arguments = json_pack("{s:s}", "resource", "db");
    json_t *result = NULL;
    struct mw_error error = {0};
    mw_mono_ns start = mw_mono_now();
    assert_true(mw_postgres_run_restart(target, arguments, mw_deadline_in(2000), &result, &error));
    assert_true(mw_mono_now() - start < 3500000000);
    assert_true(json_is_false(json_object_get(result, "ok")));
    assert_says(summary_of(result), says);
    json_decref(result);
}

static void a_restart_that_does_nothing_is_told_body(void)
{
    server_start("");
    check_fruitless("true", "the same postmaster still runs");
    server_stop("fast");
    check_fruitless("true", "does not answer since");
}

/* ---- max_connections ---- */

static void it_scales_and_undoes_body(void)
{
    server_start("");
    struct mw_target *target = controlled("postgres", server_restart_command());
    struct mw_assessment plan =
        assess_well(target, "postgres_scale_connections", "{\"factor\": 1.5}");
    assert_int_equal(plan.risk, MW_RISK_DISRUPTIVE);
    assert_int_equal(json_integer_value(json_object_get(plan.arguments, "max_connections")), 150);
    assert_says(plan.effect, "100 → 150 (");
    assert_says(plan.effect, "free)");
    json_t *result = run_tool(target, "postgres_scale_connections", plan.arguments, true);
    assert_int_equal(data_number(result, "max_connections_before"), 100);
    assert_int_equal(data_number(result, "max_connections"), 150);
    json_decref(result);
    assert_true(server_number("SHOW max_connections") == 150);

    json_t *back = json_object_get(plan.undo, "arguments");
    assert_string_equal(json_string_value(json_object_get(plan.undo, "tool")),
                        "postgres_scale_connections");
    json_decref(run_tool(target, "postgres_scale_connections", back, true));
    assert_true(server_number("SHOW max_connections") == 100);
    assessment_release(&plan);
}

static void what_cannot_be_scaled_is_refused_body(void)
{
    char text[400];
    server_start("");
    struct mw_target *target = controlled("postgres", "true");
    static const struct {
        const char *arguments;
        enum mw_error_class class;
        const char *says;
    } cases[] = {
        {"{}", MW_ERROR_BAD_INPUT, "either"},
        {"{\"max_connections\": 200, \"factor\": 2}", MW_ERROR_BAD_INPUT, "either"},
        {"{\"factor\": 9}", MW_ERROR_BAD_INPUT, "factor"},
        {"{\"max_connections\": 5}", MW_ERROR_BAD_INPUT, "from 10 to 10000"},
        {"{\"max_connections\": 100}", MW_ERROR_REFUSED, "100 already"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(
            assess_badly(target, "postgres_scale_connections", cases[i].arguments, text),
            cases[i].class);
        assert_says(text, cases[i].says);
    }
    for (int i = 0; i < 20; i++) {
        session_as("app", "");
    }
    assert_int_equal(
        assess_badly(target, "postgres_scale_connections", "{\"max_connections\": 15}", text),
        MW_ERROR_REFUSED);
    assert_says(text, "could not come back");
    assert_int_equal(assess_badly(controlled("midwatch", "true"), "postgres_scale_connections",
                                  "{\"factor\": 2}", text),
                     MW_ERROR_REFUSED);
    assert_says(text, "GRANT ALTER SYSTEM ON PARAMETER");
}

static void one_setting_may_be_granted_body(void)
{
    server_start("");
    server_say("GRANT ALTER SYSTEM ON PARAMETER max_connections TO midwatch");
    struct mw_target *target = controlled("midwatch", server_restart_command());
    json_t *facts = facts_of(target);
    assert_true(json_is_true(json_object_get(facts, "can_set_max_connections")));
    assert_true(json_is_true(json_object_get(facts, "can_restart")));
    json_decref(facts);
    json_decref(run_text(target, "postgres_scale_connections", "{\"max_connections\": 120}", true));
    server_say("REVOKE ALTER SYSTEM ON PARAMETER max_connections FROM midwatch");
}

static void a_failed_restart_takes_the_setting_back_body(void)
{
    server_start("");
    struct mw_target *target = controlled("postgres", "exit 3");
    json_t *result =
        run_text(target, "postgres_scale_connections", "{\"max_connections\": 150}", false);
    assert_says(summary_of(result), "status 3");
    assert_says(summary_of(result), "the setting was taken back");
    json_decref(result);
    assert_true(server_number("SELECT count(*) FROM pg_file_settings WHERE name = "
                              "'max_connections' AND sourcefile LIKE '%%auto.conf'") == 0);
}

BODY_TEST(it_restarts)
BODY_TEST(it_starts_a_dead_server)
BODY_TEST(a_full_server_is_restarted_without_a_connection)
BODY_TEST(without_a_way_it_is_refused)
BODY_TEST(a_command_that_fails_is_told)
BODY_TEST(a_restart_that_does_nothing_is_told)
BODY_TEST(it_scales_and_undoes)
BODY_TEST(what_cannot_be_scaled_is_refused)
BODY_TEST(one_setting_may_be_granted)
BODY_TEST(a_failed_restart_takes_the_setting_back)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_on_server(it_restarts),
        test_on_server(it_starts_a_dead_server),
        test_on_server(a_full_server_is_restarted_without_a_connection),
        test_on_server(without_a_way_it_is_refused),
        test_on_server(a_command_that_fails_is_told),
        test_on_server(a_restart_that_does_nothing_is_told),
        test_on_server(it_scales_and_undoes),
        test_on_server(what_cannot_be_scaled_is_refused),
        test_on_server(one_setting_may_be_granted),
        test_on_server(a_failed_restart_takes_the_setting_back),
    };
    return cmocka_run_group_tests(tests, NULL, server_remove);
}
