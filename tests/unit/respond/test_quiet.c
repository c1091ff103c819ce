/* SPDX-License-Identifier: Apache-2.0 */
/* Silences and planned work on virtual time: what they hold back, what they let through, how they end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "rig.h"
#include "runtime/fiber.h"

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)

#define RIG_TEST(name)             \
    static void name##_body(void); \
    static void name(void **state) \
    {                              \
        setenv("TZ", "UTC", 1);    \
        tzset();                   \
        rig_run(name##_body);      \
    }                              \
    static void name##_body(void)

static char *said;

static void breathe(int64_t ms)
{
    struct mw_error error = {0};
    assert_true(mw_sleep(ms, &error));
}

static bool silence(const char *resource, int64_t length, const char *why)
{
    rig_error = (struct mw_error){0};
    return mw_respond_silence(respond, resource, length, &operator_, why, record, &said,
                              &rig_error);
}

static bool unsilence(const char *resource)
{
    rig_error = (struct mw_error){0};
    return mw_respond_unsilence(respond, resource, &operator_, record, &said, &rig_error);
}

static void assert_says(const char *text, const char *part)
{
    if (text == NULL || strstr(text, part) == NULL)
        fail_msg("\"%s\" is missing in \"%s\"", part, text != NULL ? text : "nothing");
}

static void assert_quiet(const char *text)
{
    const char *quiet = mw_respond_quiet(respond, record, "box");
    if (text == NULL)
        assert_null(quiet);
    else
        assert_string_equal(quiet, text);
}

/* It is bad for long, and nothing comes of it. */
static void assert_nothing_opens(void)
{
    breathe(20000);
    assert_null(rig_recorded(1));
    assert_int_equal(mw_watch_find(watch, "box")->health, MW_HEALTH_DEGRADED);
}

RIG_TEST(a_silence_holds_back_and_its_end_lets_go)
{
    assert_true(silence("box", 10 * MINUTE, "deploying"));
    assert_says(said, "box is silenced until 22:23");
    assert_quiet("silenced by olga until 22:23: deploying");
    breathe(3000);
    box.level = 97;
    assert_nothing_opens();
    breathe(10 * MINUTE);
    assert_quiet(NULL);
    const struct mw_incident *incident = rig_recorded(1);
    assert_non_null(incident);
    assert_true(incident->opened_at >= 1700000000000 + 10 * MINUTE);
    assert_true(incident->opened_at < 1700000000000 + 10 * MINUTE + 2000);
    size_t count = 9;
    assert_non_null(mw_record_silences(record, record, &count, &rig_error));
    assert_int_equal(count, 0);
}

RIG_TEST(what_healed_meanwhile_is_no_incident)
{
    assert_true(silence("box", 5 * MINUTE, NULL));
    breathe(3000);
    box.level = 97;
    assert_nothing_opens();
    box.level = 40;
    breathe(10 * MINUTE);
    assert_null(rig_recorded(1));
    box.level = 97;
    rig_until_stage(1, MW_STAGE_ASK, 20);
}

RIG_TEST(unsilence_ends_it_at_once)
{
    assert_false(unsilence("box"));
    assert_says(rig_error.text, "box is not silenced");
    assert_true(silence("box", HOUR, NULL));
    breathe(3000);
    box.level = 97;
    assert_nothing_opens();
    assert_true(unsilence("box"));
    assert_says(said, "box is no longer silenced. It is DEGRADED, and I1 is open.");
    rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_false(unsilence("box"));
}

RIG_TEST(only_operators_may)
{
    assert_false(
        mw_respond_silence(respond, "box", HOUR, &viewer, NULL, record, &said, &rig_error));
    assert_int_equal(rig_error.class, MW_ERROR_REFUSED);
    assert_quiet(NULL);
    assert_true(silence("box", HOUR, NULL));
    assert_false(mw_respond_unsilence(respond, "box", &viewer, record, &said, &rig_error));
    assert_int_equal(rig_error.class, MW_ERROR_REFUSED);
    assert_quiet("silenced by olga until 23:13");
}

RIG_TEST(it_is_bounded_and_names_what_is_there)
{
    assert_false(silence("box", MINUTE - 1, NULL));
    assert_says(rig_error.text, "from 1m to 30d");
    assert_false(silence("box", 30 * 24 * HOUR + 1, NULL));
    assert_false(silence("bax", HOUR, NULL));
    assert_says(rig_error.text, "no resource \"bax\"");
    assert_true(silence("box", 30 * 24 * HOUR, NULL));
    assert_quiet("silenced by olga until 14 Dec 22:13");
}

RIG_TEST(a_second_one_takes_the_place_of_the_first)
{
    assert_true(silence("box", HOUR, "first"));
    assert_true(silence("box", 2 * MINUTE, "second"));
    assert_quiet("silenced by olga until 22:15: second");
    size_t count = 0;
    struct mw_silence *kept = mw_record_silences(record, record, &count, &rig_error);
    assert_int_equal(count, 1);
    assert_string_equal(kept[0].why, "second");
    box.level = 97;
    breathe(3 * MINUTE);
    assert_non_null(rig_recorded(1));
}

RIG_TEST(it_outlives_a_restart)
{
    assert_true(silence("box", 10 * MINUTE, "deploying"));
    rig_restart(NULL);
    assert_quiet("silenced by olga until 22:23: deploying");
    box.level = 97;
    assert_nothing_opens();
    rig_restart(NULL);
    assert_nothing_opens();
    assert_true(unsilence("box"));
    rig_until_stage(1, MW_STAGE_ASK, 20);
}

RIG_TEST(what_people_knew_before_a_silence_that_ended_unseen_is_told_again)
{
    box.level = 97;
    rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_true(rig_decide(1, MW_ACTION_REJECT, 1, &operator_));
    rig_until_stage(1, MW_STAGE_CLOSED, 20);
    rig_restart(NULL);
    breathe(20000);
    assert_null(rig_recorded(2)); /* without a silence it is known */
    assert_true(silence("box", 5 * MINUTE, NULL));
    breathe(20000);
    assert_null(rig_recorded(2));
    mw_clock_jump_wall(10 * MINUTE);
    rig_restart(NULL);
    rig_until_stage(2, MW_STAGE_ASK, 20);
}

RIG_TEST(an_open_incident_stays_open_and_asks)
{
    policy.fallback = MW_VERDICT_AUTO;
    script.takes = 5000;
    breathe(3000);
    box.level = 97;
    rig_until_stage(1, MW_STAGE_PLAN, 20);
    assert_true(silence("box", HOUR, "see redis://me:hunter22@10.0.0.1/"));
    assert_says(said, "I1 stays open");
    assert_null(strstr(mw_respond_quiet(respond, record, "box"), "hunter22"));
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_string_equal(incident->plans[0].state_reason, "box is silenced by olga until 23:13");
    breathe(20000);
    assert_int_equal(box.fixes, 0);
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    assert_int_equal(rig_until_stage(1, MW_STAGE_CLOSED, 60)->outcome, MW_OUTCOME_RECOVERED);
}

RIG_TEST(it_stops_what_runs_by_itself)
{
    policy.fallback = MW_VERDICT_AUTO;
    script.steps = "[{\"tool\":\"wait\",\"arguments\":{\"resource\":\"box\",\"seconds\":5},"
                   "\"why\":\"\"},"
                   "{\"tool\":\"box_fix\",\"arguments\":{\"resource\":\"box\"},\"why\":\"\"}]";
    breathe(3000);
    box.level = 97;
    rig_until_stage(1, MW_STAGE_EXECUTE, 20);
    breathe(1000);
    assert_true(silence("box", HOUR, NULL));
    const struct mw_incident *incident = rig_until_stage(1, MW_STAGE_CLOSED, 60);
    assert_int_equal(incident->outcome, MW_OUTCOME_STOPPED);
    assert_int_equal(box.fixes, 0);
    /* It was stopped and not healed, so the end of the silence brings it up. */
    breathe(HOUR);
    assert_non_null(rig_recorded(2));
}

RIG_TEST(everything_can_be_silenced)
{
    assert_true(silence("*", HOUR, NULL));
    assert_says(said, "Everything is silenced until 23:13");
    assert_true(silence("box", 2 * MINUTE, NULL));
    assert_quiet("silenced by olga until 23:13"); /* the one that lasts longer */
    box.level = 97;
    breathe(5 * MINUTE);
    assert_nothing_opens();
    assert_false(unsilence("box"));
    assert_says(rig_error.text, "unsilence * ends that");
    rig_restart(NULL);
    assert_nothing_opens();
    assert_true(unsilence("*"));
    rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_false(unsilence("*"));
    assert_says(rig_error.text, "no silence over everything");
}

static void a_silenced_one_joins_nobody_body(void)
{
    policy.group_window = 15000;
    assert_true(silence("box1", 10 * MINUTE, NULL));
    breathe(3000);
    box.level = others[0].level = 97;
    rig_until_stage(1, MW_STAGE_ASK, 30);
    assert_int_equal(rig_recorded(1)->member_count, 0);
    assert_true(rig_decide(1, MW_ACTION_APPROVE, 1, &alice));
    rig_until_stage(1, MW_STAGE_CLOSED, 60);
    assert_null(rig_recorded(2));
    assert_true(unsilence("box1"));
    breathe(2000);
    assert_string_equal(rig_recorded(2)->resource, "box1");
}

static void a_silenced_one_joins_nobody(void **state)
{
    rig_run_with(a_silenced_one_joins_nobody_body, 1, NULL);
}

/* The rig's clock begins on a Tuesday at 22:13:20. */
static void plan_work(const char *resource, const char *cron, int64_t length)
{
    static const char *names[1];
    static struct mw_maintenance entry;
    static void *entries[] = {&entry};
    names[0] = resource;
    entry = (struct mw_maintenance){{1, names}, cron, length};
    maintenance = (struct mw_section_list){1, entries};
    rig_restart(NULL);
}

RIG_TEST(planned_work_holds_back_and_its_end_lets_go)
{
    plan_work("box", "15 22 * * Tue", 5 * MINUTE);
    assert_quiet(NULL);
    breathe(2 * MINUTE);
    assert_quiet("in maintenance until 22:20");
    box.level = 97;
    assert_nothing_opens();
    assert_false(unsilence("box"));
    assert_says(rig_error.text, "in maintenance");
    breathe(5 * MINUTE);
    const struct mw_incident *incident = rig_recorded(1);
    assert_non_null(incident);
    mw_wall_ms end = 1700000000000 - 20000 + 7 * MINUTE; /* 22:20:00 */
    assert_true(incident->opened_at >= end && incident->opened_at < end + 1000);
}

RIG_TEST(planned_work_that_is_on_at_the_start_counts)
{
    plan_work("*", "0 22 * * *", HOUR);
    assert_quiet("in maintenance until 23:00");
    box.level = 97;
    assert_nothing_opens();
    breathe(HOUR);
    assert_non_null(rig_recorded(1));
}

RIG_TEST(planned_work_on_something_else_does_not)
{
    plan_work("other", "0 22 * * *", HOUR);
    assert_quiet(NULL);
    box.level = 97;
    rig_until_stage(1, MW_STAGE_ASK, 20);
}

RIG_TEST(a_silence_that_ends_in_planned_work_goes_on)
{
    plan_work("box", "0 22 * * *", HOUR);
    assert_true(silence("box", 2 * MINUTE, NULL));
    box.level = 97;
    breathe(10 * MINUTE);
    assert_nothing_opens();
    assert_true(silence("box", 2 * HOUR, NULL));
    breathe(HOUR);
    assert_nothing_opens();
    assert_true(unsilence("box"));
    rig_until_stage(1, MW_STAGE_ASK, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silence_holds_back_and_its_end_lets_go),
        cmocka_unit_test(what_healed_meanwhile_is_no_incident),
        cmocka_unit_test(unsilence_ends_it_at_once),
        cmocka_unit_test(only_operators_may),
        cmocka_unit_test(it_is_bounded_and_names_what_is_there),
        cmocka_unit_test(a_second_one_takes_the_place_of_the_first),
        cmocka_unit_test(it_outlives_a_restart),
        cmocka_unit_test(what_people_knew_before_a_silence_that_ended_unseen_is_told_again),
        cmocka_unit_test(an_open_incident_stays_open_and_asks),
        cmocka_unit_test(it_stops_what_runs_by_itself),
        cmocka_unit_test(everything_can_be_silenced),
        cmocka_unit_test(a_silenced_one_joins_nobody),
        cmocka_unit_test(planned_work_holds_back_and_its_end_lets_go),
        cmocka_unit_test(planned_work_that_is_on_at_the_start_counts),
        cmocka_unit_test(planned_work_on_something_else_does_not),
        cmocka_unit_test(a_silence_that_ends_in_planned_work_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
