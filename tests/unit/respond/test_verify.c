/* SPDX-License-Identifier: Apache-2.0 */
/* Which samples count for verification, and that it does not mind what the wall clock does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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
    policy.fallback = MW_VERDICT_AUTO;
    breathe(3000);
    box.level = 97;
}

RIG_TEST(bad_samples_from_before_the_end_do_not_count)
{
    box.fix_fails = true; /* so that the first bad sample that counts ends it */
    break_box();
    rig_until_stage(1, MW_STAGE_CLOSED, 60);
    assert_int_equal(box.fixes, 1);
    assert_int_equal(script.asked, 1);
}

static void heal(void)
{
    box.level = 40;
}

RIG_TEST(good_samples_from_before_the_end_do_not_count)
{
    box.during_fix = heal;
    box.fix_takes = 4700;
    break_box();
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 60);
    assert_int_equal(incident->outcome, MW_OUTCOME_RECOVERED);
    assert_true(incident->durations.verify >= 10000);
    assert_true(incident->durations.verify < 13000);
}

RIG_TEST(a_jump_back_does_not_hang_it)
{
    break_box();
    rig_until_stage(1, MW_STAGE_VERIFY, 20);
    breathe(2000);
    mw_clock_jump_wall(-3600000);
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 12);
    assert_int_equal(incident->outcome, MW_OUTCOME_RECOVERED);
    assert_true(incident->durations.verify >= 10000);
}

RIG_TEST(a_jump_forward_does_not_make_health_last)
{
    break_box();
    rig_until_stage(1, MW_STAGE_VERIFY, 20);
    breathe(2000);
    mw_clock_jump_wall(3600000);
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 12);
    assert_int_equal(incident->outcome, MW_OUTCOME_RECOVERED);
    assert_true(incident->durations.verify >= 10000);
}

RIG_TEST(a_jump_forward_does_not_end_patience)
{
    box.level_after = 97;
    break_box();
    rig_until_stage(1, MW_STAGE_VERIFY, 20);
    breathe(2000);
    mw_clock_jump_wall(3600000);
    breathe(2000);
    box.level = 50;
    assert_int_equal(rig_until_stage(1, MW_STAGE_CLOSED, 30)->outcome, MW_OUTCOME_RECOVERED);
    assert_int_equal(box.fixes, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_samples_from_before_the_end_do_not_count),
        cmocka_unit_test(good_samples_from_before_the_end_do_not_count),
        cmocka_unit_test(a_jump_back_does_not_hang_it),
        cmocka_unit_test(a_jump_forward_does_not_make_health_last),
        cmocka_unit_test(a_jump_forward_does_not_end_patience),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
