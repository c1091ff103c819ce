/* SPDX-License-Identifier: Apache-2.0 */
/* What a proposal must pass and what policy makes of it, on virtual time. */
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

RIG_TEST(shadow_mode_drops_what_was_allowed_before)
{
    break_box();
    rig_until_stage(1, MW_STAGE_ASK, 20);
    policy.mode = MW_MODE_SHADOW;
    rig_restart(NULL);
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 60);
    assert_int_equal(incident->outcome, MW_OUTCOME_HANDED_OVER);
    assert_int_equal(incident->plans[0].state, MW_PLAN_VOID);
    assert_int_equal(box.fixes, 0);
}

RIG_TEST(shadow_mode_takes_nothing_back)
{
    break_box();
    rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    rig_until_stage(1, MW_STAGE_CLOSED, 60);
    policy.mode = MW_MODE_SHADOW;
    assert_false(rig_decide(1, MW_ACTION_UNDO, 0, &alice));
    assert_int_equal(box.unfixes, 0);
    policy.mode = MW_MODE_LIVE;
    assert_true(rig_decide(1, MW_ACTION_UNDO, 0, &alice));
}

static void freeze_now(void)
{
    char *said = NULL;
    assert_true(mw_respond_freeze(respond, &operator_, "wait", watch, &said, &rig_error));
}

/* Recording may take long: what is said meanwhile holds the step back. */
RIG_TEST(a_freeze_while_a_step_is_recorded_holds_it_back)
{
    policy.fallback = MW_VERDICT_AUTO;
    rig_when_begun = freeze_now;
    break_box();
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_ASK, 120);
    assert_null(rig_when_begun);
    assert_int_equal(box.fixes, 0);
    assert_int_equal(incident->plans[0].steps[0].state, MW_STEP_SKIPPED);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(denied_tools_never_run),
        cmocka_unit_test(the_unsure_do_not_act_alone),
        cmocka_unit_test(refuses_tools_that_are_not_there),
        cmocka_unit_test(refuses_other_resources),
        cmocka_unit_test(refuses_arguments_that_do_not_fit),
        cmocka_unit_test(refuses_a_plan_without_steps),
        cmocka_unit_test(trust_is_earned_and_lost),
        cmocka_unit_test(does_not_act_alone_without_limit),
        cmocka_unit_test(shadow_mode_touches_nothing),
        cmocka_unit_test(shadow_mode_drops_what_was_allowed_before),
        cmocka_unit_test(shadow_mode_takes_nothing_back),
        cmocka_unit_test(a_freeze_while_a_step_is_recorded_holds_it_back),
        cmocka_unit_test(frozen_means_nothing_automatic),
        cmocka_unit_test(freezing_stops_what_runs_by_itself),
        cmocka_unit_test(a_policy_that_changed_holds_an_approved_plan_back),
        cmocka_unit_test(says_what_stood_in_the_way_first),
        cmocka_unit_test(counts_what_refused_proposals_took),
        cmocka_unit_test(a_planner_may_look_and_not_touch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
