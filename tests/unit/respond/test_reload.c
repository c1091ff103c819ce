/* SPDX-License-Identifier: Apache-2.0 */
/* Another configuration while an incident is open: roles, resources and policy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
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

static const char *const the_box[] = {"box", NULL}, *const another[] = {"box1", NULL},
                         *const both[] = {"box", "box1", NULL};

static void breathe(int64_t ms)
{
    struct mw_error error = {0};
    assert_true(mw_sleep(ms, &error));
}

static void reload(void)
{
    const struct mw_respond_settings settings = rig_settings();
    mw_respond_reload(respond, &settings);
}

static void ask(void)
{
    breathe(3000);
    box.level = 97;
    rig_until_stage(1, MW_STAGE_ASK, 20);
}

/* ---- roles ---- */

RIG_TEST(a_lost_role_voids_the_approval_for_good)
{
    box.risk = MW_RISK_DESTRUCTIVE;
    ask();
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    rig_demoted = "alice";
    reload();
    const struct mw_incident *incident = rig_recorded(1);
    assert_int_equal(incident->stage, MW_STAGE_ASK);
    assert_int_equal(incident->decision_count, 2);
    assert_int_equal(incident->decisions[1].action, MW_ACTION_VOID);
    assert_string_equal(incident->decisions[1].person, "alice");
    reload();
    assert_int_equal(rig_recorded(1)->decision_count, 2);
    rig_demoted = NULL;
    reload();
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &bob));
    breathe(3000);
    assert_int_equal(box.fixes, 0);
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    assert_int_equal(rig_until_stage(1, MW_STAGE_CLOSED, 60)->outcome, MW_OUTCOME_RECOVERED);
    assert_int_equal(box.fixes, 1);
}

RIG_TEST(a_role_lost_while_midwatch_was_not_there_counts_too)
{
    box.risk = MW_RISK_DESTRUCTIVE;
    ask();
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    rig_demoted = "alice";
    rig_restart(NULL);
    rig_demoted = NULL;
    assert_int_equal(rig_recorded(1)->decisions[1].action, MW_ACTION_VOID);
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &bob));
    breathe(3000);
    assert_int_equal(box.fixes, 0);
}

/* The plan is approved and its step waits for another step on the same resource. */
RIG_TEST(an_approved_plan_that_did_not_begin_is_asked_for_again)
{
    struct mw_error error = {0};
    ask();
    struct mw_lock *lock = mw_watch_find(watch, "box")->step_lock;
    assert_true(mw_lock_acquire(lock, mw_deadline_in(1000), &error));
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    rig_until_stage(1, MW_STAGE_EXECUTE, 5);
    rig_demoted = "alice";
    reload();
    mw_lock_release(lock);
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_ASK, 5);
    assert_int_equal(incident->plans[0].state, MW_PLAN_PROPOSED);
    assert_int_equal(box.fixes, 0);
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &bob));
    incident = rig_until_stage(1, MW_STAGE_CLOSED, 60);
    assert_int_equal(incident->outcome, MW_OUTCOME_RECOVERED);
    assert_int_equal(box.fixes, 1);
    rig_demoted = NULL;
}

RIG_TEST(an_approval_that_was_used_stands)
{
    box.fix_takes = 5000;
    ask();
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    while (box.fixes == 0)
        breathe(100);
    rig_demoted = "alice";
    reload();
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 60);
    assert_int_equal(incident->outcome, MW_OUTCOME_RECOVERED);
    assert_int_equal(incident->decision_count, 1);
    rig_demoted = NULL;
}

/* ---- resources ---- */

static void expect_left(const struct mw_incident *incident)
{
    assert_int_equal(incident->outcome, MW_OUTCOME_HANDED_OVER);
    assert_string_equal(incident->outcome_reason, "box is no longer in the configuration");
}

RIG_TEST(a_removed_resource_ends_what_waits)
{
    ask();
    rig_inventory(another, false);
    reload();
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 5);
    expect_left(incident);
    assert_int_equal(incident->plans[0].state, MW_PLAN_VOID);
    assert_false(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    breathe(1000);
    assert_int_equal(rig_closed, 1);
}

RIG_TEST(a_removed_resource_ends_what_is_planned)
{
    script.takes = 5000;
    breathe(3000);
    box.level = 97;
    rig_until_stage(1, MW_STAGE_PLAN, 20);
    breathe(1000);
    rig_inventory(another, false);
    reload();
    breathe(1000);
    assert_int_equal(rig_closed, 0);
    expect_left(rig_until_stage(1, MW_STAGE_CLOSED, 20));
    breathe(1000);
    assert_int_equal(rig_closed, 1);
    assert_int_equal(script.asked, 1);
}

RIG_TEST(a_removed_resource_lets_its_step_end)
{
    box.fix_takes = 5000;
    ask();
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    while (box.fixes == 0)
        breathe(100);
    rig_inventory(another, false);
    reload();
    breathe(2000);
    assert_int_equal(rig_closed, 0);
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 20);
    expect_left(incident);
    assert_int_equal(incident->plans[0].steps[0].state, MW_STEP_DONE);
    breathe(1000);
    assert_int_equal(rig_closed, 1);
}

RIG_TEST(a_removed_resource_ends_verification)
{
    policy.verify_hold = 60000;
    ask();
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    rig_until_stage(1, MW_STAGE_VERIFY, 20);
    breathe(2000);
    rig_inventory(another, false);
    reload();
    expect_left(rig_until_stage(1, MW_STAGE_CLOSED, 5));
}

RIG_TEST(what_comes_back_and_is_bad_is_an_incident_again)
{
    ask();
    rig_inventory(another, false);
    reload();
    rig_until_stage(1, MW_STAGE_CLOSED, 5);
    rig_inventory(both, false);
    reload();
    rig_until_stage(2, MW_STAGE_ASK, 20);
}

RIG_TEST(a_changed_resource_keeps_its_incident)
{
    ask();
    for (int i = 0; i < 3; i++) {
        rig_inventory(the_box, true);
        reload();
    }
    breathe(3000);
    assert_int_equal(rig_closed, 3);
    assert_int_equal(rig_recorded(1)->stage, MW_STAGE_ASK);
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    rig_until_stage(1, MW_STAGE_VERIFY, 20);
    rig_inventory(the_box, true);
    reload();
    assert_int_equal(rig_until_stage(1, MW_STAGE_CLOSED, 30)->outcome, MW_OUTCOME_RECOVERED);
    assert_int_equal(box.fixes, 1);
    breathe(1000);
    assert_int_equal(rig_closed, 4);
    assert_int_equal(mw_watch_find(watch, "box")->haste, 0);
}

/* Steps on what it was and on what it is do not overlap. */
RIG_TEST(a_changed_resource_keeps_its_lock)
{
    struct mw_error error = {0};
    ask();
    struct mw_resource *before = mw_watch_find(watch, "box");
    TALLOC_CTX *held = talloc_new(NULL);
    mw_watch_hold(before, held);
    assert_true(mw_lock_acquire(before->step_lock, mw_deadline_in(1000), &error));
    rig_inventory(the_box, true);
    reload();
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    breathe(5000);
    assert_int_equal(box.fixes, 0);
    mw_lock_release(before->step_lock);
    talloc_free(held);
    assert_int_equal(rig_until_stage(1, MW_STAGE_CLOSED, 60)->outcome, MW_OUTCOME_RECOVERED);
    assert_int_equal(box.fixes, 1);
}

/* ---- policy and planners ---- */

RIG_TEST(shadow_mode_holds_for_what_was_asked_before)
{
    ask();
    struct mw_policy shadow = policy;
    shadow.mode = MW_MODE_SHADOW;
    struct mw_respond_settings settings = rig_settings();
    settings.policy = &shadow;
    mw_respond_reload(respond, &settings);
    assert_int_equal(rig_until_stage(1, MW_STAGE_CLOSED, 60)->outcome, MW_OUTCOME_HANDED_OVER);
    assert_false(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    assert_int_equal(box.fixes, 0);
    reload();
}

static bool gone;

static int note_end(struct mw_planner *planner)
{
    gone = true;
    return 0;
}

/* A planner and a policy of their own, on one talloc pointer. */
static struct mw_respond_settings generation(void)
{
    struct mw_respond_settings settings = rig_settings();
    struct mw_planner *planner = talloc_memdup(NULL, settings.planner, sizeof *planner);
    talloc_set_destructor(planner, note_end);
    settings.planner = planner;
    settings.policy = talloc_memdup(planner, settings.policy, sizeof *settings.policy);
    settings.keeper = planner;
    gone = false;
    return settings;
}

RIG_TEST(a_planner_that_thinks_outlives_its_settings)
{
    const struct mw_respond_settings first = generation();
    mw_respond_reload(respond, &first);
    script.takes = 5000;
    breathe(3000);
    box.level = 97;
    rig_until_stage(1, MW_STAGE_PLAN, 20);
    breathe(1000);
    reload();
    talloc_unlink(NULL, first.planner);
    assert_false(gone);
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_int_equal(incident->plan_count, 1);
    assert_true(gone);
}

RIG_TEST(settings_that_nobody_uses_go_at_once)
{
    const struct mw_respond_settings first = generation();
    mw_respond_reload(respond, &first);
    ask();
    reload();
    talloc_unlink(NULL, first.planner);
    breathe(100);
    assert_true(gone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_role_voids_the_approval_for_good),
        cmocka_unit_test(a_role_lost_while_midwatch_was_not_there_counts_too),
        cmocka_unit_test(an_approved_plan_that_did_not_begin_is_asked_for_again),
        cmocka_unit_test(an_approval_that_was_used_stands),
        cmocka_unit_test(a_removed_resource_ends_what_waits),
        cmocka_unit_test(a_removed_resource_ends_what_is_planned),
        cmocka_unit_test(a_removed_resource_lets_its_step_end),
        cmocka_unit_test(a_removed_resource_ends_verification),
        cmocka_unit_test(what_comes_back_and_is_bad_is_an_incident_again),
        cmocka_unit_test(a_changed_resource_keeps_its_incident),
        cmocka_unit_test(a_changed_resource_keeps_its_lock),
        cmocka_unit_test(shadow_mode_holds_for_what_was_asked_before),
        cmocka_unit_test(a_planner_that_thinks_outlives_its_settings),
        cmocka_unit_test(settings_that_nobody_uses_go_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
