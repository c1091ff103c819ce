/* SPDX-License-Identifier: Apache-2.0 */
/* Somebody sets the wall clock, far and both ways, at each stage of an incident. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "rig.h"
#include "runtime/fiber.h"

#define HOUR INT64_C(3600000)
#define YEAR (INT64_C(365) * 24 * HOUR)

static int64_t jump;

static void breathe(int64_t ms)
{
    struct mw_error error = {0};
    assert_true(mw_sleep(ms, &error));
}

static void jump_now(void)
{
    mw_clock_jump_wall(jump);
}

static void check_end(const struct mw_incident *incident)
{
    const struct mw_durations *took = &incident->durations;
    assert_int_equal(incident->outcome, MW_OUTCOME_RECOVERED);
    assert_int_equal(box.fixes, 1);
    assert_int_equal(incident->plan_count, 1);
    assert_true(took->detect >= 0 && took->analyse >= 0 && took->approve >= 0);
    assert_in_range(took->execute, 0, 5000);
    assert_in_range(took->verify, 10000, 15000);
    assert_true(took->total >= took->detect + took->approve + took->verify);
    int64_t rows = 0, broken = 0;
    struct mw_error error = {0};
    assert_true(mw_audit_verify(record, &rows, &broken, &error));
    assert_int_equal(broken, 0);
}

/* Between the samples that open it. */
static void while_it_turns_bad_body(void)
{
    policy.fallback = MW_VERDICT_AUTO;
    breathe(3000);
    box.level = 97;
    breathe(500);
    jump_now();
    check_end(rig_until_stage(1, MW_STAGE_CLOSED, 60));
}

static void while_its_step_runs_body(void)
{
    policy.fallback = MW_VERDICT_AUTO;
    box.fix_takes = 2000;
    box.during_fix = jump_now;
    breathe(3000);
    box.level = 97;
    check_end(rig_until_stage(1, MW_STAGE_CLOSED, 60));
}

static void while_health_is_watched_body(void)
{
    policy.fallback = MW_VERDICT_AUTO;
    breathe(3000);
    box.level = 97;
    rig_until_stage(1, MW_STAGE_VERIFY, 20);
    breathe(3000);
    jump_now();
    check_end(rig_until_stage(1, MW_STAGE_CLOSED, 60));
}

/* Ahead, the time that people were told has passed; back, they have longer. */
static void while_it_asks_body(void)
{
    breathe(3000);
    box.level = 97;
    rig_until_stage(1, MW_STAGE_ASK, 20);
    jump_now();
    if (jump > 0) {
        assert_false(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
        const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 60);
        assert_int_equal(incident->outcome, MW_OUTCOME_EXPIRED);
        assert_int_equal(box.fixes, 0);
        return;
    }
    breathe(1000);
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    check_end(rig_until_stage(1, MW_STAGE_CLOSED, 60));
}

static void there_and_back_while_it_asks_body(void)
{
    breathe(3000);
    box.level = 97;
    rig_until_stage(1, MW_STAGE_ASK, 20);
    mw_clock_jump_wall(-2 * HOUR);
    breathe(60000);
    mw_clock_jump_wall(2 * HOUR);
    breathe(60000);
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    check_end(rig_until_stage(1, MW_STAGE_CLOSED, 60));
}

static void both_ways(void (*body)(void))
{
    static const int64_t jumps[] = {-2 * HOUR, 2 * HOUR, -10 * YEAR, 10 * YEAR};
    for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++) {
        jump = jumps[i];
        rig_run(body);
    }
}

#define TEST(name)                 \
    static void name(void **state) \
    {                              \
        both_ways(name##_body);    \
    }

TEST(while_it_turns_bad)
TEST(while_its_step_runs)
TEST(while_health_is_watched)
TEST(while_it_asks)
TEST(there_and_back_while_it_asks)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(while_it_turns_bad),           cmocka_unit_test(while_its_step_runs),
        cmocka_unit_test(while_health_is_watched),      cmocka_unit_test(while_it_asks),
        cmocka_unit_test(there_and_back_while_it_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
