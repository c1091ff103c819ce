/* SPDX-License-Identifier: Apache-2.0 */
/* What planners are told of the past, what they tell, and questions from chat, over a real record. */
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

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static void break_again(void)
{
    breathe(3000);
    box.level = 97;
}

static void heal(void)
{
    box.level = 40;
    breathe(5000);
}

RIG_TEST(similar_incidents_are_told)
{
    script.uses_past = true;
    rig_restart(NULL);
    break_again();
    rig_until_stage(1, MW_STAGE_ASK, 20);
    assert_int_equal(json_array_size(json_object_get(script.told, "similar")), 0);
    TALLOC_CTX *aside = talloc_new(NULL);
    char *said = NULL;
    assert_true(mw_respond_decide(respond, 1, MW_ACTION_REJECT, 1, &alice,
                                  "it holds sessions, token=abcdefgh12345678", aside, &said,
                                  &rig_error));
    talloc_free(aside);
    rig_until_stage(1, MW_STAGE_CLOSED, 20);
    heal();

    policy.fallback = MW_VERDICT_AUTO;
    break_again();
    rig_until_stage(2, MW_STAGE_CLOSED, 60);
    heal();
    break_again();
    rig_until_stage(3, MW_STAGE_CLOSED, 60);

    const json_t *similar = json_object_get(script.told, "similar");
    assert_int_equal(json_array_size(similar), 2);
    const json_t *newest = json_array_get(similar, 0), *oldest = json_array_get(similar, 1);
    assert_string_equal(text_of(newest, "incident"), "I2");
    assert_string_equal(text_of(newest, "outcome"), "recovered");
    assert_string_equal(text_of(newest, "cause"), "too full");
    const json_t *step = json_array_get(json_object_get(newest, "steps"), 0);
    assert_string_equal(text_of(step, "tool"), "box_fix");
    assert_string_equal(text_of(step, "state"), "done");
    assert_string_equal(text_of(step, "result"), "level is 50");
    const json_t *decision = json_array_get(json_object_get(oldest, "decisions"), 0);
    assert_string_equal(text_of(oldest, "outcome"), "rejected");
    assert_string_equal(text_of(decision, "person"), "alice");
    assert_non_null(strstr(text_of(decision, "why"), "it holds sessions"));
    assert_null(strstr(text_of(decision, "why"), "abcdefgh12345678"));
    assert_true(strncmp(text_of(oldest, "symptom"), "level 97", 8) == 0);
}

RIG_TEST(who_does_not_use_the_past_is_not_told)
{
    policy.fallback = MW_VERDICT_AUTO;
    break_again();
    rig_until_stage(1, MW_STAGE_CLOSED, 60);
    assert_null(json_object_get(script.told, "similar"));
}

static int64_t count_of(int64_t incident)
{
    int64_t count = -1;
    assert_true(mw_exchange_count(record, incident, &count, &rig_error));
    return count;
}

RIG_TEST(exchanges_are_kept_and_a_record_that_fails_stops_nothing)
{
    policy.fallback = MW_VERDICT_AUTO;
    script.exchanges = 3;
    break_again();
    rig_until_stage(1, MW_STAGE_CLOSED, 60);
    assert_int_equal(count_of(1), 3);
    heal();
    /* The table is gone: the plan comes all the same. */
    rig_sql("ALTER TABLE exchange RENAME TO gone");
    break_again();
    const struct mw_incident *incident = rig_until_stage(2, MW_STAGE_CLOSED, 60);
    assert_int_equal(incident->outcome, MW_OUTCOME_RECOVERED);
    rig_sql("ALTER TABLE gone RENAME TO exchange");
    assert_int_equal(count_of(2), 0);
}

RIG_TEST(what_was_spent_today_is_told_at_the_start)
{
    assert_true(script.spent == 0);
    json_t *usage = json_pack("{s:f}", "cost_usd", 1.25);
    mw_wall_ms now = mw_wall_now(), day = INT64_C(86400000);
    struct mw_exchange exchange = {.at = now, .model = "m", .request = "{}", .usage = usage};
    assert_true(mw_exchange_add(record, &exchange, &rig_error));
    exchange.at = now - now % day - 1;
    assert_true(mw_exchange_add(record, &exchange, &rig_error));
    json_decref(usage);
    rig_restart(NULL);
    assert_true(script.spent == 1.25);
}

RIG_TEST(impairments_reach_the_listener)
{
    policy.fallback = MW_VERDICT_AUTO;
    script.impairment = MW_IMPAIRMENT_SPENT;
    break_again();
    rig_until_stage(1, MW_STAGE_CLOSED, 60);
    assert_string_equal(rig_impaired, "script 3 no more money -");
}

RIG_TEST(a_question_is_answered_by_looking)
{
    json_t *answer = NULL;
    script.answers = false;
    assert_null(mw_respond_answers(respond));
    assert_false(mw_respond_ask(respond, "why?", 0, &answer, &rig_error));
    assert_int_equal(rig_error.class, MW_ERROR_REFUSED);

    script.answers = true;
    rig_restart(NULL);
    assert_string_equal(mw_respond_answers(respond), "script");
    break_again();
    rig_until_stage(1, MW_STAGE_ASK, 20);
    script.exchanges = 1;
    script.look = "resource_status";
    script.look_at = json_pack("{s:s}", "resource", "box");
    assert_true(mw_respond_ask(respond, "why?", 1, &answer, &rig_error));
    assert_true(script.looked);
    assert_string_equal(text_of(json_object_get(script.seen, "data"), "status"), "DEGRADED");
    assert_string_equal(text_of(script.told, "question"), "why?");
    assert_string_equal(text_of(json_object_get(script.told, "resource"), "name"), "box");
    assert_string_equal(text_of(json_object_get(script.told, "incident"), "id"), "I1");
    const json_t *resource = json_array_get(json_object_get(script.told, "resources"), 0);
    assert_string_equal(text_of(resource, "status"), "DEGRADED");
    const json_t *open = json_array_get(json_object_get(script.told, "incidents"), 0);
    assert_string_equal(text_of(open, "stage"), "ask");
    assert_true(json_array_size(json_object_get(script.told, "tools")) > 3);
    json_decref(answer);
    json_decref(script.look_at);
    json_decref(script.seen);
    breathe(50);
    assert_int_equal(count_of(0), 1);
}

static void assert_cannot_look(const char *tool, json_t *at, const char *says)
{
    json_t *answer = NULL;
    script.look = tool;
    script.look_at = at;
    assert_true(mw_respond_ask(respond, "why?", 0, &answer, &rig_error));
    assert_false(script.looked);
    if (strstr(script.look_error.text, says) == NULL)
        fail_msg("%s", script.look_error.text);
    json_decref(answer);
    json_decref(at);
}

RIG_TEST(a_question_changes_nothing)
{
    script.answers = true;
    rig_restart(NULL);
    breathe(3000);
    assert_cannot_look("box_fix", json_pack("{s:s}", "resource", "box"), "changes things");
    assert_cannot_look("resource_status", json_pack("{s:s}", "resource", "nowhere"),
                       "\"nowhere\" is none");
    assert_cannot_look("resource_status", json_object(), "must be the name");
    assert_int_equal(box.fixes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(similar_incidents_are_told),
        cmocka_unit_test(who_does_not_use_the_past_is_not_told),
        cmocka_unit_test(exchanges_are_kept_and_a_record_that_fails_stops_nothing),
        cmocka_unit_test(what_was_spent_today_is_told_at_the_start),
        cmocka_unit_test(impairments_reach_the_listener),
        cmocka_unit_test(a_question_is_answered_by_looking),
        cmocka_unit_test(a_question_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
