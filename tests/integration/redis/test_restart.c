/* SPDX-License-Identifier: Apache-2.0 */
/* redis_restart: what it would lose, and that it happens. */
#include "server.h"

#include <signal.h>

#include "watch/internal.h"

static struct mw_target *controlled(const char *command)
{
    struct mw_control_config *config = talloc_zero(test_memory, struct mw_control_config);
    const char **words = talloc_array(config, const char *, 3);
    struct mw_target *target = target_on(NULL);
    words[0] = "sh";
    words[1] = "-c";
    words[2] = command;
    config->restart = (struct mw_text_list){.count = 3, .items = words};
    target->control = mw_control_create(config, config);
    return target;
}

static enum mw_risk risk_of(struct mw_target *target, const char *reason_has)
{
    struct mw_assessment plan = assess_well(target, "redis_restart", "{}");
    assert_non_null(plan.effect);
    assert_null(plan.undo);
    if (reason_has == NULL) {
        assert_null(plan.reason);
    } else if (plan.reason == NULL || strstr(plan.reason, reason_has) == NULL) {
        fail_msg("%s", plan.reason != NULL ? plan.reason : "no reason");
    }
    enum mw_risk risk = plan.risk;
    assessment_release(&plan);
    return risk;
}

static void without_persistence_it_destroys_body(void)
{
    server_start("");
    struct mw_target *target = controlled("true");
    assert_int_equal(risk_of(target, NULL), MW_RISK_DISRUPTIVE);
    for (int i = 0; i < 1500; i++) {
        server_say("SET k:%d 1", i);
    }
    assert_int_equal(risk_of(target, "has no persistence: a restart loses 1,500 keys"),
                     MW_RISK_DESTRUCTIVE);
    target->cache = true;
    assert_int_equal(risk_of(target, NULL), MW_RISK_DISRUPTIVE);
}

static void with_persistence_it_disrupts_body(void)
{
    server_start("--save 3600 1");
    struct mw_target *target = controlled("true");
    server_say("SET a 1");
    struct mw_assessment plan = assess_well(target, "redis_restart", "{}");
    assert_int_equal(plan.risk, MW_RISK_DISRUPTIVE);
    assert_non_null(strstr(plan.effect, "1 changes since its newest snapshot"));
    assessment_release(&plan);
    server_say("CONFIG SET appendonly yes");
    assert_int_equal(risk_of(target, NULL), MW_RISK_DISRUPTIVE);
}

static void what_cannot_be_asked_is_feared_body(void)
{
    server_start("--rename-command CONFIG ''");
    server_say("SET a 1");
    assert_int_equal(risk_of(controlled("true"), "does not tell whether it persists"),
                     MW_RISK_DESTRUCTIVE);
}

static void a_hanging_server_is_judged_by_what_was_seen_body(void)
{
    server_start("");
    server_say("SET a 1");
    struct mw_target *known = controlled("true"), *unknown = controlled("true");
    probe_well(known);
    server_signal(SIGSTOP);
    assert_int_equal(risk_of(known, "1 keys"), MW_RISK_DESTRUCTIVE);
    assert_int_equal(risk_of(unknown, "may lose all"), MW_RISK_DESTRUCTIVE);
    server_signal(SIGCONT);
    /* A dead one has nothing left to lose. */
    server_kill();
    assert_int_equal(risk_of(known, NULL), MW_RISK_DISRUPTIVE);
}

static void without_a_way_it_is_refused_body(void)
{
    char text[400];
    server_start("");
    assert_int_equal(assess_badly(target_on(NULL), "redis_restart", "{}", text), MW_ERROR_REFUSED);
    assert_non_null(strstr(text, "control: {systemd: UNIT}"));
}

static void it_restarts_body(void)
{
    server_start("--save 3600 1");
    server_say("SET a 1");
    struct mw_target *target = controlled(server_restart_command());
    struct mw_sample sample = probe_well(target);
    json_t *result = run_text(target, "redis_restart", "{}", true);
    assert_int_equal(data_number(result, "keys_before"), 1);
    assert_int_equal(data_number(result, "keys"), 1);
    assert_true(json_is_true(json_object_get(json_object_get(result, "data"), "new_process")));
    assert_non_null(strstr(json_string_value(json_object_get(result, "summary")), "serves again"));
    json_decref(result);
    sample = probe_well(target);
    assert_null(mw_sample_find(&sample, "evicted_per_s"));
}

static void it_starts_a_dead_server_body(void)
{
    server_start("");
    struct mw_target *target = controlled(server_restart_command());
    server_kill();
    json_decref(run_text(target, "redis_restart", "{}", true));
    probe_well(target);
}

static void a_command_that_fails_is_told_body(void)
{
    server_start("");
    struct mw_target *target = controlled("echo 'Unit redis not found.' >&2; exit 5");
    json_t *result = run_text(target, "redis_restart", "{}", false);
    assert_non_null(strstr(json_string_value(json_object_get(result, "summary")),
                           "status 5: Unit redis not found."));
    json_decref(result);
}

/* With a short deadline, since it waits for what does not come. */
static void check_fruitless(const char *command, const char *says)
{
    struct mw_target *target = controlled(command);
    json_auto_t *arguments = json_pack("{s:s}", "resource", "cache");
    json_t *result = NULL;
    struct mw_error error = {0};
    mw_mono_ns start = mw_mono_now();
    assert_true(mw_redis_run_restart(target, arguments, mw_deadline_in(1500), &result, &error));
    assert_true(mw_mono_now() - start < 2500000000);
    assert_true(json_is_false(json_object_get(result, "ok")));
    const char *summary = json_string_value(json_object_get(result, "summary"));
    if (strstr(summary, says) == NULL) {
        fail_msg("%s", summary);
    }
    json_decref(result);
}

static void a_restart_that_does_nothing_is_told_body(void)
{
    server_start("");
    check_fruitless("true", "same Redis process");
}

static void a_restart_that_kills_is_told_body(void)
{
    server_start("");
    check_fruitless(talloc_asprintf(test_memory, "kill -9 $(cat %s/pid)", server.folder),
                    "does not answer since");
}

BODY_TEST(without_persistence_it_destroys)
BODY_TEST(with_persistence_it_disrupts)
BODY_TEST(what_cannot_be_asked_is_feared)
BODY_TEST(a_hanging_server_is_judged_by_what_was_seen)
BODY_TEST(without_a_way_it_is_refused)
BODY_TEST(it_restarts)
BODY_TEST(it_starts_a_dead_server)
BODY_TEST(a_command_that_fails_is_told)
BODY_TEST(a_restart_that_does_nothing_is_told)
BODY_TEST(a_restart_that_kills_is_told)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_on_server(without_persistence_it_destroys),
        test_on_server(with_persistence_it_disrupts),
        test_on_server(what_cannot_be_asked_is_feared),
        test_on_server(a_hanging_server_is_judged_by_what_was_seen),
        test_on_server(without_a_way_it_is_refused),
        test_on_server(it_restarts),
        test_on_server(it_starts_a_dead_server),
        test_on_server(a_command_that_fails_is_told),
        test_on_server(a_restart_that_does_nothing_is_told),
        test_on_server(a_restart_that_kills_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
