/* SPDX-License-Identifier: Apache-2.0 */
/* An incident's life on virtual time: each outcome, each way to say yes and no, death and resumption. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "respond/case.h"
#include "rig.h"
#include "runtime/fiber.h"

#define RIG_TEST(name)             \
    static void name##_body(void); \
    static void name(void **state) \
    {                              \
        rig_run(name##_body);      \
    }                              \
    static void name##_body(void)

static void breathe(int64_t ms)
{
    struct mw_error error = {0};
    assert_true(mw_sleep(ms, &error));
}

static void break_box(void)
{
    breathe(3000);
    box.level = 97;
}

RIG_TEST(policy_may_let_it_act)
{
    policy.fallback = MW_VERDICT_AUTO;
    break_box();
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 60);
    assert_int_equal(incident->outcome, MW_OUTCOME_RECOVERED);
    assert_int_equal(box.fixes, 1);
    assert_int_equal(incident->samples, 2);
    assert_true(incident->plans[0].automatic);
    assert_int_equal(incident->plans[0].state, MW_PLAN_SPENT);
    assert_int_equal(incident->plans[0].steps[0].state, MW_STEP_DONE);
    assert_true(json_number_value(json_object_get(incident->before.metrics, "level")) == 97);
    assert_true(json_number_value(json_object_get(incident->after.metrics, "level")) == 50);
    assert_true(incident->durations.verify >= 10000 && incident->durations.verify < 13000);
    assert_true(incident->durations.total < 15000);
    assert_string_equal(incident->findings[0].metric, "level");
    assert_true(incident->findings[0].normal == 40);
}

RIG_TEST(waits_for_the_right_person)
{
    break_box();
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_int_equal(incident->plans[0].approvals_needed, 1);
    assert_int_equal(strlen(incident->plans[0].digest), 64);
    assert_false(rig_decide(1, MW_ACTION_APPROVE, 1, &viewer));
    assert_int_equal(rig_error.class, MW_ERROR_REFUSED);
    assert_false(rig_decide(1, MW_ACTION_APPROVE, 1, &operator_));
    assert_false(rig_decide(1, MW_ACTION_APPROVE, 2, &alice));
    assert_false(rig_decide(7, MW_ACTION_APPROVE, 1, &alice));
    breathe(60000);
    assert_int_equal(box.fixes, 0);
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 0, &alice));
    rig_decide(1, MW_ACTION_APPROVE, 1, &alice);
    incident = rig_until_stage(1, MW_STAGE_CLOSED, 60);
    assert_int_equal(incident->outcome, MW_OUTCOME_RECOVERED);
    assert_int_equal(box.fixes, 1);
    assert_int_equal(incident->decision_count, 1);
    assert_string_equal(incident->decisions[0].person, "alice");
    assert_true(incident->durations.approve >= 60000);
    assert_false(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    assert_int_equal(box.fixes, 1);
}

RIG_TEST(can_be_rejected)
{
    break_box();
    rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_false(rig_decide(1, MW_ACTION_REJECT, 1, &viewer));
    assert_true(rig_decide(1, MW_ACTION_REJECT, 1, &operator_));
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 5);
    assert_int_equal(incident->outcome, MW_OUTCOME_REJECTED);
    assert_int_equal(incident->plans[0].state, MW_PLAN_REJECTED);
    assert_int_equal(box.fixes, 0);
    breathe(60000);
    assert_null(rig_recorded(2)); /* the same symptom is not brought up again */
}

RIG_TEST(expires_when_nobody_decides)
{
    break_box();
    rig_until_stage(1, MW_STAGE_ASK, 20);
    breathe(1800000);
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 5);
    assert_int_equal(incident->outcome, MW_OUTCOME_EXPIRED);
    assert_int_equal(incident->plans[0].state, MW_PLAN_VOID);
    assert_false(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
}

RIG_TEST(withdraws_when_it_heals_by_itself)
{
    break_box();
    rig_until_stage(1, MW_STAGE_ASK, 20);
    box.level = 40;
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 10);
    assert_int_equal(incident->outcome, MW_OUTCOME_SELF_RECOVERED);
    assert_non_null(strstr(incident->outcome_reason, "the plan is withdrawn"));
    assert_int_equal(incident->plans[0].state, MW_PLAN_VOID);
    assert_int_equal(box.fixes, 0);
    box.level = 98; /* and the next time is a new incident */
    rig_until_stage(2, MW_STAGE_ASK, 20);
}

RIG_TEST(destructive_takes_two_people)
{
    box.risk = MW_RISK_DESTRUCTIVE;
    break_box();
    rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    rig_decide(1, MW_ACTION_APPROVE, 1, &alice);
    breathe(5000);
    assert_int_equal(box.fixes, 0);
    assert_true(rig_decide(1, MW_ACTION_WITHDRAW, 1, &alice));
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &bob));
    breathe(5000);
    assert_int_equal(box.fixes, 0);
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    assert_int_equal(rig_until_stage(1, MW_STAGE_CLOSED, 60)->outcome, MW_OUTCOME_RECOVERED);
    assert_int_equal(box.fixes, 1);
}

RIG_TEST(retries_twice_and_then_gives_up)
{
    box.level_after = 97;
    break_box();
    for (int revision = 1; revision <= 3; revision++) {
        const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_ASK, 60);
        while ((int)incident->plan_count < revision) {
            breathe(200);
            incident = rig_until_stage(1, MW_STAGE_ASK, 60);
        }
        assert_int_equal(box.fixes, revision - 1);
        if (revision > 1)
            assert_false(rig_decide(1, MW_ACTION_APPROVE, 0, &alice));
        assert_true(rig_decide(1, MW_ACTION_APPROVE, revision, &alice));
        breathe(1000);
    }
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 60);
    assert_int_equal(incident->outcome, MW_OUTCOME_FAILED);
    assert_int_equal(incident->plan_count, 3);
    assert_int_equal(box.fixes, 3);
}

RIG_TEST(does_not_run_what_became_riskier)
{
    break_box();
    rig_until_stage(1, MW_STAGE_ASK, 20);
    box.risk = MW_RISK_DESTRUCTIVE;
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    breathe(3000);
    assert_int_equal(box.fixes, 0);
    const struct mw_incident *incident = rig_recorded(1);
    assert_int_equal(incident->plan_count, 2);
    assert_int_equal(incident->plans[0].state, MW_PLAN_VOID);
    assert_int_equal(incident->plans[1].approvals_needed, 2);
}

RIG_TEST(what_flickers_is_not_planned_forever)
{
    box.flickers = true;
    policy.fallback = MW_VERDICT_AUTO;
    break_box();
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 600);
    assert_int_equal(incident->outcome, MW_OUTCOME_HANDED_OVER);
    assert_int_equal(incident->plan_count, MW_PLANS_MAX);
    assert_int_equal(box.fixes, 0);
    assert_non_null(strstr(incident->outcome_reason, "no more are made"));
}

RIG_TEST(asking_again_has_an_end)
{
    break_box();
    int revision = 1;
    while (rig_until_stage(1, MW_STAGE_ASK, 20) != NULL &&
           rig_decide(1, MW_ACTION_AGAIN, revision, &operator_)) {
        breathe(2000);
        revision++;
    }
    assert_int_equal(revision, MW_PLANS_MAX);
    assert_non_null(strstr(rig_error.text, "no more are made"));
    assert_true(rig_decide(1, MW_ACTION_APPROVE, revision, &alice));
    assert_int_equal(rig_until_stage(1, MW_STAGE_CLOSED, 60)->outcome, MW_OUTCOME_RECOVERED);
}

RIG_TEST(to_and_fro_has_an_end)
{
    policy.approval_timeout = INT64_C(86400000);
    script.steps = FIX;
    box.risk = MW_RISK_DESTRUCTIVE; /* two must approve, so one may change her mind */
    break_box();
    rig_until_stage(1, MW_STAGE_ASK, 20);
    int said = 0;
    while (rig_decide(1, said % 2 == 0 ? MW_ACTION_APPROVE : MW_ACTION_WITHDRAW, 1, &alice))
        said++;
    assert_int_equal(said, MW_DECISIONS_MAX);
    assert_non_null(strstr(rig_error.text, "only rejecting and stopping"));
    assert_true(rig_decide(1, MW_ACTION_REJECT, 1, &operator_));
    assert_int_equal(rig_until_stage(1, MW_STAGE_CLOSED, 60)->outcome, MW_OUTCOME_REJECTED);
}

RIG_TEST(can_be_stopped_between_steps)
{
    script.steps = "[{\"tool\":\"wait\",\"arguments\":{\"resource\":\"box\",\"seconds\":5},"
                   "\"why\":\"\"},"
                   "{\"tool\":\"box_fix\",\"arguments\":{\"resource\":\"box\"},\"why\":\"\"}]";
    break_box();
    rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    breathe(1000);
    assert_false(rig_decide(1, MW_ACTION_STOP, 0, &operator_));
    assert_true(rig_decide(1, MW_ACTION_STOP, 0, &bob));
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 20);
    assert_int_equal(incident->outcome, MW_OUTCOME_STOPPED);
    assert_int_equal(incident->plans[0].steps[0].state, MW_STEP_DONE);
    assert_int_equal(incident->plans[0].steps[1].state, MW_STEP_SKIPPED);
    assert_int_equal(box.fixes, 0);
}

RIG_TEST(can_be_undone_once)
{
    policy.fallback = MW_VERDICT_AUTO;
    break_box();
    rig_until_stage(1, MW_STAGE_CLOSED, 60);
    assert_false(rig_decide(1, MW_ACTION_UNDO, 0, &operator_));
    assert_true(rig_decide(1, MW_ACTION_UNDO, 0, &alice));
    breathe(2000);
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 10);
    assert_int_equal(box.unfixes, 1);
    assert_int_equal(incident->plan_count, 2);
    assert_true(incident->plans[1].undo);
    assert_int_equal(incident->plans[0].steps[0].state, MW_STEP_UNDONE);
    assert_int_equal(incident->outcome, MW_OUTCOME_RECOVERED);
    assert_false(rig_decide(1, MW_ACTION_UNDO, 0, &alice));
    assert_int_equal(box.unfixes, 1);
}

RIG_TEST(a_decision_that_was_recorded_counts_though_nobody_said_so)
{
    break_box();
    rig_until_stage(1, MW_STAGE_ASK, 20);
    rig_unanswered = "INSERT INTO decision";
    assert_true(rig_decide(1, MW_ACTION_REJECT, 1, &operator_));
    assert_null(rig_unanswered);
    assert_int_equal(rig_until_stage(1, MW_STAGE_CLOSED, 10)->outcome, MW_OUTCOME_REJECTED);
    assert_int_equal(box.fixes, 0);
}

RIG_TEST(an_undo_that_was_recorded_runs_though_nobody_said_so)
{
    break_box();
    rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    rig_until_stage(1, MW_STAGE_CLOSED, 60);
    rig_unanswered = "INSERT INTO decision";
    assert_true(rig_decide(1, MW_ACTION_UNDO, 0, &alice));
    assert_null(rig_unanswered);
    breathe(2000);
    rig_until_stage(1, MW_STAGE_CLOSED, 10);
    assert_int_equal(box.unfixes, 1);
}

static size_t unheard(void)
{
    size_t count = 99;
    struct mw_error error = {0};
    talloc_free(mw_inbox_pending(record, watch, &count, &error));
    return count;
}

static struct mw_person saying(const struct mw_person *person, const char *event)
{
    struct mw_person speaker = *person;
    json_auto_t *body = json_object();
    struct mw_error error = {0};
    bool fresh;
    assert_true(mw_inbox_add(record, "chat", event, body, &speaker.said, &fresh, &error));
    assert_int_equal(unheard(), 1);
    return speaker;
}

/* A death right after must not find the word still to be done. */
RIG_TEST(a_word_is_done_with_what_it_decides)
{
    break_box();
    rig_until_stage(1, MW_STAGE_ASK, 20);
    struct mw_person speaker = saying(&viewer, "e1");
    assert_false(rig_decide(1, MW_ACTION_APPROVE, 1, &speaker));
    assert_int_equal(unheard(), 0);
    speaker = saying(&alice, "e2");
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &speaker));
    assert_int_equal(unheard(), 0);
    rig_until_stage(1, MW_STAGE_CLOSED, 60);
    speaker = saying(&alice, "e3");
    assert_true(rig_decide(1, MW_ACTION_UNDO, 0, &speaker));
    assert_int_equal(unheard(), 0);
}

RIG_TEST(resumes_where_it_asked)
{
    break_box();
    rig_until_stage(1, MW_STAGE_ASK, 20);
    rig_restart(NULL);
    breathe(3000);
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_ASK, 5);
    assert_int_equal(incident->plan_count, 1);
    assert_null(rig_recorded(2));
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    assert_int_equal(rig_until_stage(1, MW_STAGE_CLOSED, 60)->outcome, MW_OUTCOME_RECOVERED);
    assert_int_equal(box.fixes, 1);
}

static char snapshot[240];

static void take_snapshot(void)
{
    snprintf(snapshot, sizeof snapshot, "%s.then", rig_store());
    rig_copy_store(snapshot);
}

RIG_TEST(does_not_repeat_a_step_that_death_cut_off)
{
    box.during_fix = take_snapshot; /* the record as a death in the middle of the tool leaves it */
    box.level_after = 97;
    break_box();
    rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    breathe(1000);
    assert_int_equal(box.fixes, 1);
    box.during_fix = NULL;
    rig_restart(snapshot);

    const struct mw_incident *incident = rig_recorded(1);
    while (incident->plan_count < 2 || incident->stage != MW_STAGE_ASK) {
        breathe(200);
        incident = rig_recorded(1);
    }
    assert_int_equal(box.fixes, 1);
    assert_int_equal(incident->plans[0].steps[0].state, MW_STEP_UNKNOWN);
    assert_false(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    box.level_after = 50;
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 2, &alice));
    incident = rig_until_stage(1, MW_STAGE_CLOSED, 60);
    assert_int_equal(incident->outcome, MW_OUTCOME_RECOVERED);
    assert_int_equal(box.fixes, 2);
}

RIG_TEST(doubt_makes_the_automatic_ask)
{
    policy.fallback = MW_VERDICT_AUTO;
    box.during_fix = take_snapshot;
    box.level_after = 97;
    break_box();
    while (box.fixes == 0)
        breathe(100);
    box.during_fix = NULL;
    rig_restart(snapshot);
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_ASK, 60);
    assert_int_equal(incident->plans[incident->plan_count - 1].approvals_needed, 1);
}

RIG_TEST(tells_when_the_fix_worked_though_it_died)
{
    box.during_fix = take_snapshot;
    break_box();
    rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    breathe(1000);
    box.during_fix = NULL;
    rig_restart(snapshot);
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 60);
    assert_int_equal(incident->outcome, MW_OUTCOME_RECOVERED);
    assert_non_null(strstr(incident->outcome_reason, "not known"));
    assert_int_equal(box.fixes, 1);
}

RIG_TEST(hands_over_when_nothing_can_be_proposed)
{
    script.steps = NULL;
    break_box();
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 20);
    assert_int_equal(incident->outcome, MW_OUTCOME_HANDED_OVER);
    assert_non_null(strstr(incident->outcome_reason, "no idea"));
    char *said = NULL;
    TALLOC_CTX *memory = talloc_new(NULL);
    assert_false(mw_respond_fix(respond, "box", &viewer, memory, &said, &rig_error));
    script.steps = FIX;
    assert_true(mw_respond_fix(respond, "box", &operator_, memory, &said, &rig_error));
    rig_until_stage(2, MW_STAGE_ASK, 20);
    assert_false(mw_respond_fix(respond, "box", &operator_, memory, &said, &rig_error));
    talloc_free(memory);
}

/* The planner is slow, so that people can speak while it thinks. */
RIG_TEST(a_stop_during_a_retry_stops)
{
    policy.fallback = MW_VERDICT_AUTO;
    box.level_after = 97;
    script.takes = 5000;
    break_box();
    while (box.fixes == 0)
        breathe(100);
    rig_until_stage(1, MW_STAGE_PLAN, 60);
    assert_true(rig_decide(1, MW_ACTION_STOP, 0, &alice));
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 60);
    assert_int_equal(incident->outcome, MW_OUTCOME_STOPPED);
    assert_int_equal(box.fixes, 1);
}

RIG_TEST(a_role_taken_away_voids_its_approval)
{
    box.risk = MW_RISK_DESTRUCTIVE;
    break_box();
    rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    rig_demoted = "alice";
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &bob));
    breathe(5000);
    assert_int_equal(box.fixes, 0);
    rig_demoted = NULL;
}

RIG_TEST(asking_again_keeps_the_plan_where_there_is_no_other)
{
    break_box();
    rig_until_stage(1, MW_STAGE_ASK, 20);
    script.steps = NULL;
    assert_true(rig_decide(1, MW_ACTION_AGAIN, 1, &operator_));
    breathe(2000);
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_int_equal(incident->plan_count, 2);
    assert_int_equal(incident->plans[0].state, MW_PLAN_VOID);
    assert_non_null(strstr(incident->plans[1].root_cause, "no other plan"));
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 2, &alice));
    assert_int_equal(rig_until_stage(1, MW_STAGE_CLOSED, 60)->outcome, MW_OUTCOME_RECOVERED);
}

RIG_TEST(a_restart_does_not_ask_again_what_was_answered)
{
    break_box();
    rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_true(rig_decide(1, MW_ACTION_REJECT, 1, &alice));
    rig_until_stage(1, MW_STAGE_CLOSED, 5);
    rig_restart(NULL);
    breathe(10000);
    assert_null(rig_recorded(2));
    box.level = 40;
    breathe(5000);
    box.level = 97;
    rig_until_stage(2, MW_STAGE_ASK, 20);
}

/* It was handed over, somebody mended it, and the next trouble comes while midwatch is not there. */
RIG_TEST(what_was_well_in_between_is_news_after_a_restart)
{
    script.steps = NULL;
    break_box();
    rig_until_stage(1, MW_STAGE_CLOSED, 20);
    box.level = 40;
    breathe(10000);
    box.level = 97;
    rig_restart(NULL);
    rig_until_stage(2, MW_STAGE_CLOSED, 20);
}

/* The same where it was well already when the incident ended. */
RIG_TEST(what_ended_well_is_news_after_a_restart)
{
    break_box();
    rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    while (rig_recorded(1)->stage != MW_STAGE_VERIFY)
        breathe(100);
    breathe(3000);
    assert_true(rig_decide(1, MW_ACTION_STOP, 0, &alice));
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 20);
    assert_int_equal(incident->outcome, MW_OUTCOME_STOPPED);
    breathe(1000);
    box.level = 97;
    rig_restart(NULL);
    rig_until_stage(2, MW_STAGE_ASK, 20);
}

RIG_TEST(a_step_that_failed_gets_no_praise)
{
    box.fix_fails = true;
    box.level_after = 97;
    break_box();
    rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    while (rig_recorded(1)->plan_count < 2)
        breathe(100);
    box.level = 40;
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 60);
    assert_int_equal(incident->outcome, MW_OUTCOME_SELF_RECOVERED);
    assert_non_null(strstr(incident->outcome_reason, "did not work"));
}

RIG_TEST(sees_what_cannot_be_reached)
{
    breathe(3000);
    box.unreachable = true;
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_int_equal(incident->severity, MW_HEALTH_FAILED);
    assert_null(incident->findings[0].metric);
    assert_non_null(strstr(incident->findings[0].text, "nobody there"));
}

RIG_TEST(keeps_an_audit_trail_that_holds)
{
    break_box();
    rig_until_stage(1, MW_STAGE_ASK, 20);
    rig_decide(1, MW_ACTION_APPROVE, 1, &viewer);
    rig_decide(1, MW_ACTION_APPROVE, 1, &alice);
    rig_until_stage(1, MW_STAGE_CLOSED, 60);
    int64_t rows = 0, broken = 0;
    struct mw_error error = {0};
    assert_true(mw_audit_verify(record, &rows, &broken, &error));
    assert_int_equal(broken, 0);
    assert_true(rows >= 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy_may_let_it_act),
        cmocka_unit_test(waits_for_the_right_person),
        cmocka_unit_test(can_be_rejected),
        cmocka_unit_test(expires_when_nobody_decides),
        cmocka_unit_test(withdraws_when_it_heals_by_itself),
        cmocka_unit_test(destructive_takes_two_people),
        cmocka_unit_test(retries_twice_and_then_gives_up),
        cmocka_unit_test(does_not_run_what_became_riskier),
        cmocka_unit_test(what_flickers_is_not_planned_forever),
        cmocka_unit_test(asking_again_has_an_end),
        cmocka_unit_test(to_and_fro_has_an_end),
        cmocka_unit_test(can_be_stopped_between_steps),
        cmocka_unit_test(can_be_undone_once),
        cmocka_unit_test(a_decision_that_was_recorded_counts_though_nobody_said_so),
        cmocka_unit_test(an_undo_that_was_recorded_runs_though_nobody_said_so),
        cmocka_unit_test(a_word_is_done_with_what_it_decides),
        cmocka_unit_test(resumes_where_it_asked),
        cmocka_unit_test(does_not_repeat_a_step_that_death_cut_off),
        cmocka_unit_test(doubt_makes_the_automatic_ask),
        cmocka_unit_test(tells_when_the_fix_worked_though_it_died),
        cmocka_unit_test(hands_over_when_nothing_can_be_proposed),
        cmocka_unit_test(a_stop_during_a_retry_stops),
        cmocka_unit_test(a_role_taken_away_voids_its_approval),
        cmocka_unit_test(asking_again_keeps_the_plan_where_there_is_no_other),
        cmocka_unit_test(a_restart_does_not_ask_again_what_was_answered),
        cmocka_unit_test(what_was_well_in_between_is_news_after_a_restart),
        cmocka_unit_test(what_ended_well_is_news_after_a_restart),
        cmocka_unit_test(a_step_that_failed_gets_no_praise),
        cmocka_unit_test(sees_what_cannot_be_reached),
        cmocka_unit_test(keeps_an_audit_trail_that_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
