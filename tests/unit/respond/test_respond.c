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

RIG_TEST(denied_tools_never_run)
{
    static struct mw_policy_rule rule = {.tool = "box_fix", .then = MW_VERDICT_DENY};
    static void *rules[] = {&rule};
    policy.rules = (struct mw_section_list){1, rules};
    break_box();
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 20);
    assert_int_equal(incident->outcome, MW_OUTCOME_HANDED_OVER);
    assert_non_null(strstr(script.complaint, "not allowed"));
    assert_int_equal(incident->plan_count, 0);
    assert_int_equal(box.fixes, 0);
}

RIG_TEST(the_unsure_do_not_act_alone)
{
    policy.fallback = MW_VERDICT_AUTO;
    script.confidence = 0.3;
    break_box();
    rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_int_equal(box.fixes, 0);
}

static void refused(const char *steps, const char *complaint)
{
    script.steps = steps;
    box.level = 97;
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 20);
    assert_int_equal(incident->outcome, MW_OUTCOME_HANDED_OVER);
    if (strstr(script.complaint, complaint) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", script.complaint, complaint);
    assert_int_equal(box.fixes, 0);
}

RIG_TEST(refuses_tools_that_are_not_there)
{
    policy.fallback = MW_VERDICT_AUTO;
    refused("[{\"tool\":\"rm_rf\",\"arguments\":{\"resource\":\"box\"},\"why\":\"\"}]", "no tool");
}

RIG_TEST(refuses_other_resources)
{
    policy.fallback = MW_VERDICT_AUTO;
    refused("[{\"tool\":\"box_fix\",\"arguments\":{\"resource\":\"db\"},\"why\":\"\"}]",
            "must be \"box\"");
}

RIG_TEST(refuses_arguments_that_do_not_fit)
{
    policy.fallback = MW_VERDICT_AUTO;
    refused("[{\"tool\":\"box_fix\",\"arguments\":{\"resource\":\"box\",\"all\":1},\"why\":\"\"}]",
            "all");
}

RIG_TEST(refuses_a_plan_without_steps)
{
    policy.fallback = MW_VERDICT_AUTO;
    refused("[]", "steps");
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

static struct mw_policy_rule earned = {.tool = "box_fix", .then = MW_VERDICT_EARNED, .after = 2};

static void use_rule(struct mw_policy_rule *rule)
{
    static void *rules[1];
    rules[0] = rule;
    policy.rules = (struct mw_section_list){1, rules};
}

/* One incident that a person approves. */
static void approved_once(int64_t id)
{
    box.level = 97;
    rig_until_stage(id, MW_STAGE_ASK, 20);
    assert_true(rig_decide(id, MW_ACTION_APPROVE, 1, &alice));
    assert_int_equal(rig_until_stage(id, MW_STAGE_CLOSED, 60)->outcome, MW_OUTCOME_RECOVERED);
    breathe(1000);
}

RIG_TEST(trust_is_earned_and_lost)
{
    use_rule(&earned);
    approved_once(1);
    approved_once(2);
    box.level = 97;
    const struct mw_incident *incident = rig_until_stage(3, MW_STAGE_CLOSED, 60);
    assert_true(incident->plans[0].automatic);
    assert_int_equal(incident->outcome, MW_OUTCOME_RECOVERED);
    breathe(1000);
    box.level = box.level_after = 97; /* the fourth does not help */
    policy.max_retries = 0;
    assert_int_equal(rig_until_stage(4, MW_STAGE_CLOSED, 60)->outcome, MW_OUTCOME_FAILED);
    box.level = 40;
    breathe(5000);
    box.level_after = 50;
    approved_once(5);
}

RIG_TEST(does_not_act_alone_without_limit)
{
    static struct mw_auto_limits limits = {.resource = 1, .all = 9};
    policy.fallback = MW_VERDICT_AUTO;
    policy.max_auto_per_hour = &limits;
    break_box();
    assert_true(rig_until_stage(1, MW_STAGE_CLOSED, 60)->plans[0].automatic);
    breathe(1000);
    box.level = 97;
    const struct mw_incident *incident = rig_until_stage(2, MW_STAGE_ASK, 20);
    assert_non_null(strstr(incident->plans[0].state_reason, "within the hour"));
    assert_int_equal(box.fixes, 1);
    assert_true(rig_decide(2, MW_ACTION_REJECT, 1, &alice));
    box.level = 40;
    breathe(3600000);
    box.level = 97;
    assert_true(rig_until_stage(3, MW_STAGE_CLOSED, 60)->plans[0].automatic);
}

RIG_TEST(shadow_mode_touches_nothing)
{
    policy.fallback = MW_VERDICT_AUTO;
    policy.mode = MW_MODE_SHADOW;
    break_box();
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 60);
    assert_int_equal(incident->outcome, MW_OUTCOME_HANDED_OVER);
    assert_non_null(strstr(incident->plans[0].state_reason, "would have run by itself"));
    assert_int_equal(box.fixes, 0);
}

RIG_TEST(frozen_means_nothing_automatic)
{
    char *said = NULL;
    policy.fallback = MW_VERDICT_AUTO;
    assert_false(mw_respond_freeze(respond, &viewer, "x", watch, &said, &rig_error));
    assert_true(mw_respond_freeze(respond, &operator_, "deploying", watch, &said, &rig_error));
    rig_restart(NULL); /* it outlives the process */
    assert_string_equal(mw_respond_frozen(respond), "frozen by olga: deploying");
    break_box();
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_string_equal(incident->plans[0].state_reason, "frozen by olga: deploying");
    assert_false(mw_respond_thaw(respond, &operator_, watch, &said, &rig_error));
    assert_true(mw_respond_thaw(respond, &alice, watch, &said, &rig_error));
    assert_null(mw_respond_frozen(respond));
    assert_false(mw_respond_thaw(respond, &alice, watch, &said, &rig_error));
    breathe(5000);
    assert_int_equal(box.fixes, 0); /* thawing approves nothing */
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    assert_int_equal(rig_until_stage(1, MW_STAGE_CLOSED, 60)->outcome, MW_OUTCOME_RECOVERED);
}

RIG_TEST(freezing_stops_what_runs_by_itself)
{
    char *said = NULL;
    policy.fallback = MW_VERDICT_AUTO;
    script.steps = "[{\"tool\":\"wait\",\"arguments\":{\"resource\":\"box\",\"seconds\":5},"
                   "\"why\":\"\"},"
                   "{\"tool\":\"box_fix\",\"arguments\":{\"resource\":\"box\"},\"why\":\"\"}]";
    break_box();
    rig_until_stage(1, MW_STAGE_EXECUTE, 20);
    breathe(1000);
    assert_true(mw_respond_freeze(respond, &operator_, NULL, watch, &said, &rig_error));
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 60);
    assert_int_equal(incident->outcome, MW_OUTCOME_STOPPED);
    assert_int_equal(incident->plans[0].steps[1].state, MW_STEP_SKIPPED);
    assert_int_equal(box.fixes, 0);
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

RIG_TEST(a_policy_that_changed_holds_an_approved_plan_back)
{
    static struct mw_policy_rule deny = {.tool = "box_fix", .then = MW_VERDICT_DENY};
    break_box();
    rig_until_stage(1, MW_STAGE_ASK, 20);
    use_rule(&deny);
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 60);
    assert_int_equal(box.fixes, 0);
    assert_int_equal(incident->outcome, MW_OUTCOME_HANDED_OVER);
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

RIG_TEST(says_what_stood_in_the_way_first)
{
    script.steps = "[{\"tool\":\"rm_rf\",\"arguments\":{\"resource\":\"box\"},\"why\":\"\"}]";
    break_box();
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 60);
    assert_non_null(strstr(incident->outcome_reason, "rm_rf"));
}

RIG_TEST(counts_what_refused_proposals_took)
{
    script.first = "[{\"tool\":\"rm_rf\",\"arguments\":{\"resource\":\"box\"},\"why\":\"\"}]";
    break_box();
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_ASK, 60);
    json_auto_t *usage = mw_incident_usage(incident);
    assert_int_equal(json_integer_value(json_object_get(usage, "input_tokens")), 200);
    assert_true(json_real_value(json_object_get(usage, "cost_usd")) == 1.0);
    assert_string_equal(json_string_value(json_object_get(usage, "model")), "script");
}

static bool may_look(int64_t id, const char *tool, const char *resource)
{
    char *said = NULL;
    script.look = tool;
    script.look_at = json_pack("{s:s}", "resource", resource);
    box.level = 97;
    if (id > 1)
        assert_true(mw_respond_fix(respond, "box", &operator_, watch, &said, &rig_error));
    rig_until_stage(id, MW_STAGE_ASK, 20);
    assert_true(rig_decide(id, MW_ACTION_REJECT, 1, &operator_));
    rig_until_stage(id, MW_STAGE_CLOSED, 20);
    breathe(1000);
    json_decref(script.look_at);
    json_decref(script.seen);
    script.seen = NULL;
    return script.looked;
}

RIG_TEST(a_planner_may_look_and_not_touch)
{
    assert_true(may_look(1, "resource_status", "box"));
    assert_false(may_look(2, "resource_status", "other"));
    assert_false(may_look(3, "box_fix", "box"));
    assert_false(may_look(4, "no_such_tool", "box"));
    assert_int_equal(box.fixes, 0);
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
        cmocka_unit_test(denied_tools_never_run),
        cmocka_unit_test(the_unsure_do_not_act_alone),
        cmocka_unit_test(refuses_tools_that_are_not_there),
        cmocka_unit_test(refuses_other_resources),
        cmocka_unit_test(refuses_arguments_that_do_not_fit),
        cmocka_unit_test(refuses_a_plan_without_steps),
        cmocka_unit_test(retries_twice_and_then_gives_up),
        cmocka_unit_test(does_not_run_what_became_riskier),
        cmocka_unit_test(can_be_stopped_between_steps),
        cmocka_unit_test(can_be_undone_once),
        cmocka_unit_test(resumes_where_it_asked),
        cmocka_unit_test(does_not_repeat_a_step_that_death_cut_off),
        cmocka_unit_test(doubt_makes_the_automatic_ask),
        cmocka_unit_test(tells_when_the_fix_worked_though_it_died),
        cmocka_unit_test(hands_over_when_nothing_can_be_proposed),
        cmocka_unit_test(trust_is_earned_and_lost),
        cmocka_unit_test(does_not_act_alone_without_limit),
        cmocka_unit_test(shadow_mode_touches_nothing),
        cmocka_unit_test(frozen_means_nothing_automatic),
        cmocka_unit_test(freezing_stops_what_runs_by_itself),
        cmocka_unit_test(a_stop_during_a_retry_stops),
        cmocka_unit_test(a_role_taken_away_voids_its_approval),
        cmocka_unit_test(a_policy_that_changed_holds_an_approved_plan_back),
        cmocka_unit_test(asking_again_keeps_the_plan_where_there_is_no_other),
        cmocka_unit_test(a_restart_does_not_ask_again_what_was_answered),
        cmocka_unit_test(a_step_that_failed_gets_no_praise),
        cmocka_unit_test(says_what_stood_in_the_way_first),
        cmocka_unit_test(counts_what_refused_proposals_took),
        cmocka_unit_test(a_planner_may_look_and_not_touch),
        cmocka_unit_test(sees_what_cannot_be_reached),
        cmocka_unit_test(keeps_an_audit_trail_that_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
