/* SPDX-License-Identifier: Apache-2.0 */
/* Several resources in one incident: who joins whom, who leads, and what is done about all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "rig.h"
#include "runtime/fiber.h"

#define GROUP_TEST(name, count, ...)                                          \
    static void name##_body(void);                                            \
    static void name(void **state)                                            \
    {                                                                         \
        rig_run_with(name##_body, count, (const char *const[]){__VA_ARGS__}); \
    }                                                                         \
    static void name##_body(void)

#define STEP(name) \
    "{\"tool\":\"box_fix\",\"arguments\":{\"resource\":\"" name "\"},\"why\":\"it helps\"}"

static void breathe(int64_t ms)
{
    struct mw_error error = {0};
    assert_true(mw_sleep(ms, &error));
}

static size_t count_incidents(void)
{
    struct mw_error error = {0};
    size_t count = 0;
    int64_t *ids = mw_record_incidents(record, record, MW_INCIDENTS_ALL, 100, &count, &error);
    assert_non_null(ids);
    talloc_free(ids);
    return count;
}

static void allow_mass(void)
{
    static struct mw_mass_failure mass = {.percent = 30, .window = 60000};
    policy.mass_failure = &mass;
}

/* Two that turn bad at once are one incident, planned for once, with a step for each. */
GROUP_TEST(what_turns_bad_together_is_one, 1, NULL, NULL)
{
    policy.group_window = 15000;
    script.steps = "[" STEP("box") "," STEP("box1") "]";
    breathe(3000);
    box.level = 97;
    others[0].level = 98;
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_string_equal(incident->resource, "box");
    assert_int_equal(incident->member_count, 1);
    assert_string_equal(incident->members[0].resource, "box1");
    assert_true(incident->members[0].findings[0].value == 98);
    assert_int_equal(incident->plan_count, 1);
    assert_int_equal(script.asked, 1);
    const json_t *other = json_array_get(json_object_get(script.told, "others"), 0);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(other, "resource"), "name")), "box1");
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    incident = rig_until_stage(1, MW_STAGE_CLOSED, 40);
    assert_int_equal(incident->outcome, MW_OUTCOME_RECOVERED);
    assert_int_equal(box.fixes, 1);
    assert_int_equal(others[0].fixes, 1);
    assert_true(json_number_value(json_object_get(incident->members[0].after.metrics, "level")) ==
                50);
    assert_int_equal(count_incidents(), 1);
}

/* Nobody answers at one of them: how it is when it ends is known all the same. */
GROUP_TEST(tells_how_each_is_when_it_ends, 1, NULL, NULL)
{
    policy.group_window = 15000;
    script.steps = NULL;
    breathe(3000);
    box.level = 97;
    others[0].unreachable = true;
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 40);
    assert_int_equal(incident->outcome, MW_OUTCOME_HANDED_OVER);
    assert_int_equal(incident->after.health, MW_HEALTH_DEGRADED);
    const struct mw_member *member = &incident->members[0];
    assert_int_equal(member->after.health, MW_HEALTH_FAILED);
    assert_null(member->after.metrics);
    assert_true(member->after.measured_at >= member->joined_at);
}

/* What cannot be done for one of them keeps the planner from nothing that can be done for the others. */
GROUP_TEST(refuses_what_is_about_one_alone, 2, NULL, NULL, NULL)
{
    policy.group_window = 15000;
    script.first =
        "[" STEP("box") "," STEP("box1") ",{\"tool\":\"box_none\",\"arguments\":"
                                         "{\"resource\":\"box2\"},\"why\":\"it helps\"}]";
    script.steps = "[" STEP("box") "," STEP("box1") "]";
    breathe(3000);
    box.level = others[0].level = others[1].level = 97;
    rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_non_null(strstr(script.complaint, "no tool \"box_none\""));
    const json_t *refused = json_array_get(json_object_get(script.told, "previous"), 0);
    const json_t *steps = json_object_get(refused, "steps");
    assert_int_equal(json_array_size(steps), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(steps, 0), "tool")),
                        "box_none");
}

/* The second turns bad when there is a plan for the first: that one is void. */
GROUP_TEST(who_joins_later_makes_a_new_plan, 1, NULL, NULL)
{
    policy.group_window = 15000;
    script.first = FIX;
    script.steps = "[" STEP("box") "," STEP("box1") "]";
    breathe(3000);
    box.level = 97;
    rig_until_stage(1, MW_STAGE_ASK, 20);
    others[0].level = 98;
    breathe(5000);
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_int_equal(incident->plan_count, 2);
    assert_int_equal(incident->plans[0].state, MW_PLAN_VOID);
    assert_int_equal(incident->plans[1].step_count, 2);
    assert_int_equal(count_incidents(), 1);
}

GROUP_TEST(without_a_window_each_is_its_own, 1, NULL, NULL)
{
    breathe(3000);
    box.level = 97;
    others[0].level = 98;
    rig_until_stage(1, MW_STAGE_ASK, 20);
    /* The script knows no plan for it. */
    rig_until_stage(2, MW_STAGE_CLOSED, 20);
    assert_int_equal(rig_recorded(1)->member_count, 0);
}

GROUP_TEST(what_turns_bad_later_is_its_own, 1, NULL, NULL)
{
    policy.group_window = 15000;
    breathe(3000);
    box.level = 97;
    breathe(20000);
    others[0].level = 98;
    /* The script knows no plan for it. */
    rig_until_stage(2, MW_STAGE_CLOSED, 20);
    assert_int_equal(rig_recorded(1)->member_count, 0);
}

/* box needs box1, which needs box2. */
GROUP_TEST(the_root_leads, 2, "box1", "box2", NULL)
{
    script.steps = "[" STEP("box2") "]";
    breathe(3000);
    box.level = 97;
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_string_equal(incident->resource, "box");
    mw_wall_ms since = incident->since;
    breathe(60000);
    others[1].level = 99;
    breathe(10000);
    incident = rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_string_equal(incident->resource, "box2");
    assert_int_equal(incident->since, since);
    assert_string_equal(incident->members[0].resource, "box");
    assert_int_equal(incident->plan_count, 2);
    assert_int_equal(incident->plans[0].state, MW_PLAN_VOID);
    assert_string_equal(incident->plans[0].state_reason, "box2 turned bad too");
    assert_false(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 2, &alice));
    /* The root is mended, and what needed it comes back by itself. */
    breathe(3000);
    box.level = 40;
    incident = rig_until_stage(1, MW_STAGE_CLOSED, 40);
    assert_int_equal(incident->outcome, MW_OUTCOME_RECOVERED);
    assert_int_equal(others[1].fixes, 1);
    assert_int_equal(box.fixes, 0);
    assert_int_equal(count_incidents(), 1);
}

GROUP_TEST(it_is_not_well_before_all_are, 1, NULL, "box")
{
    policy.fallback = MW_VERDICT_AUTO;
    breathe(3000);
    box.level = 97;
    others[0].level = 98;
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 200);
    assert_int_equal(incident->outcome, MW_OUTCOME_FAILED);
    assert_int_equal(incident->plan_count, 3);
    assert_int_equal(incident->after.health, MW_HEALTH_HEALTHY);
    assert_int_equal(incident->members[0].after.health, MW_HEALTH_DEGRADED);
}

GROUP_TEST(nothing_outside_it_is_touched, 2, NULL, NULL, NULL)
{
    policy.group_window = 15000;
    script.steps = "[" STEP("box2") "]";
    breathe(3000);
    box.level = 97;
    others[0].level = 98;
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 20);
    assert_int_equal(incident->outcome, MW_OUTCOME_HANDED_OVER);
    assert_int_equal(others[1].fixes, 0);
    assert_non_null(strstr(script.complaint, "or one of its others"));
}

/* What it needs may be acted on, though that is healthy itself. */
GROUP_TEST(what_it_needs_is_within_reach, 1, "box1", NULL)
{
    script.steps = "[" STEP("box1") "]";
    others[0].during_fix = NULL;
    breathe(3000);
    box.level = 97;
    rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    breathe(1000);
    box.level = 40;
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 40);
    assert_int_equal(incident->outcome, MW_OUTCOME_RECOVERED);
    assert_int_equal(others[0].fixes, 1);
}

GROUP_TEST(a_group_outlives_a_restart, 1, NULL, "box")
{
    script.steps = "[" STEP("box") "," STEP("box1") "]";
    breathe(3000);
    box.level = 97;
    others[0].level = 98;
    rig_until_stage(1, MW_STAGE_ASK, 20);
    rig_restart(NULL);
    breathe(5000);
    assert_int_equal(count_incidents(), 1);
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 40);
    assert_int_equal(incident->outcome, MW_OUTCOME_RECOVERED);
    assert_int_equal(incident->member_count, 1);
    assert_int_equal(others[0].fixes, 1);
}

/* ---- so much at once ---- */

static void break_many(size_t count)
{
    breathe(3000);
    for (size_t i = 0; i < count; i++)
        others[i].unreachable = true;
}

GROUP_TEST(so_much_at_once_is_one_and_asks, 9, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
           NULL)
{
    allow_mass();
    policy.fallback = MW_VERDICT_AUTO;
    policy.group_window = 15000;
    script.steps = "[" STEP("box1") "]";
    break_many(4);
    breathe(10000);
    const struct mw_incident *incident = rig_recorded(1);
    assert_int_equal(count_incidents(), 1);
    assert_true(incident->mass);
    assert_int_equal(incident->member_count, 3);
    /* First it is waited whether they come back. */
    assert_int_equal(incident->stage, MW_STAGE_PLAN);
    assert_int_equal(script.asked, 0);
    incident = rig_until_stage(1, MW_STAGE_ASK, 80);
    assert_true(json_is_true(json_object_get(script.told, "mass_failure")));
    assert_non_null(strstr(incident->plans[0].state_reason, "own network"));
    assert_int_equal(others[0].fixes, 0);
}

GROUP_TEST(so_much_at_once_may_come_back, 9, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
           NULL)
{
    allow_mass();
    policy.group_window = 15000;
    break_many(5);
    breathe(20000);
    for (size_t i = 0; i < 5; i++)
        others[i].unreachable = false;
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 40);
    assert_int_equal(incident->outcome, MW_OUTCOME_SELF_RECOVERED);
    assert_string_equal(incident->outcome_reason, "it healed before anything was done");
    assert_true(incident->mass);
    assert_int_equal(incident->plan_count, 0);
    assert_int_equal(count_incidents(), 1);
}

GROUP_TEST(two_of_five_are_no_mass, 4, NULL, NULL, NULL, NULL, NULL)
{
    allow_mass();
    break_many(2);
    breathe(10000);
    assert_int_equal(count_incidents(), 2);
    assert_false(rig_recorded(1)->mass || rig_recorded(2)->mass);
}

/* ---- what made it worse is taken back ---- */

GROUP_TEST(worse_is_taken_back_before_a_retry, 0, NULL)
{
    box.level_after = 99.9;
    breathe(3000);
    box.level = 96;
    rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    breathe(5000);
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_ASK, 60);
    assert_int_equal(box.unfixes, 1);
    assert_int_equal(incident->plan_count, 3);
    assert_int_equal(incident->plans[0].steps[0].state, MW_STEP_UNDONE);
    assert_true(incident->plans[1].undo);
    assert_int_equal(incident->plans[1].state, MW_PLAN_SPENT);
    assert_string_equal(incident->plans[1].root_cause,
                        "it is worse than before r1, so r1 is taken back");
    box.level_after = 50;
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 3, &alice));
    incident = rig_until_stage(1, MW_STAGE_CLOSED, 60);
    assert_int_equal(incident->outcome, MW_OUTCOME_RECOVERED);
}

GROUP_TEST(no_worse_is_left_as_it_is, 0, NULL)
{
    policy.max_retries = 0;
    box.level_after = 97;
    breathe(3000);
    box.level = 97;
    rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 60);
    assert_int_equal(incident->outcome, MW_OUTCOME_FAILED);
    assert_int_equal(box.unfixes, 0);
}

GROUP_TEST(each_undo_leaves_the_retries_as_they_are, 0, NULL)
{
    policy.fallback = MW_VERDICT_AUTO;
    box.level_after = 99.9;
    breathe(3000);
    box.level = 96;
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 200);
    assert_int_equal(incident->outcome, MW_OUTCOME_FAILED);
    assert_int_equal(box.fixes, 3);
}

/* ---- collateral ---- */

static void crowd_box1(void)
{
    others[0].level = 80;
}

static void crowd_box1_a_little(void)
{
    others[0].level = 50;
}

GROUP_TEST(what_moved_elsewhere_is_said, 1, NULL, NULL)
{
    policy.fallback = MW_VERDICT_AUTO;
    box.during_fix = crowd_box1;
    breathe(3000);
    box.level = 97;
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 60);
    assert_int_equal(json_array_size(incident->collateral), 1);
    assert_string_equal(json_string_value(json_array_get(incident->collateral, 0)),
                        "box1: level 40 → 80 %");
}

GROUP_TEST(what_moved_a_little_is_not, 1, NULL, NULL)
{
    policy.fallback = MW_VERDICT_AUTO;
    box.during_fix = crowd_box1_a_little;
    breathe(3000);
    box.level = 97;
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 60);
    assert_int_equal(json_array_size(incident->collateral), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_turns_bad_together_is_one),
        cmocka_unit_test(tells_how_each_is_when_it_ends),
        cmocka_unit_test(refuses_what_is_about_one_alone),
        cmocka_unit_test(who_joins_later_makes_a_new_plan),
        cmocka_unit_test(without_a_window_each_is_its_own),
        cmocka_unit_test(what_turns_bad_later_is_its_own),
        cmocka_unit_test(the_root_leads),
        cmocka_unit_test(it_is_not_well_before_all_are),
        cmocka_unit_test(nothing_outside_it_is_touched),
        cmocka_unit_test(what_it_needs_is_within_reach),
        cmocka_unit_test(a_group_outlives_a_restart),
        cmocka_unit_test(so_much_at_once_is_one_and_asks),
        cmocka_unit_test(so_much_at_once_may_come_back),
        cmocka_unit_test(two_of_five_are_no_mass),
        cmocka_unit_test(worse_is_taken_back_before_a_retry),
        cmocka_unit_test(no_worse_is_left_as_it_is),
        cmocka_unit_test(each_undo_leaves_the_retries_as_they_are),
        cmocka_unit_test(what_moved_elsewhere_is_said),
        cmocka_unit_test(what_moved_a_little_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
