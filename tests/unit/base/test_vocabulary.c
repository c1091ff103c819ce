/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "midwatch/health.h"
#include "midwatch/incident.h"
#include "midwatch/message.h"
#include "midwatch/person.h"

static void test_samples(void **state)
{
    struct mw_sample sample = {0};
    mw_sample_add(&sample, "latency_ms", 0.4, true);
    mw_sample_add(&sample, "broken", NAN, true);
    mw_sample_add(&sample, "endless", INFINITY, true);
    assert_int_equal(sample.count, 1);
    for (int i = 0; i < 2 * MW_METRICS_MAX; i++) {
        mw_sample_add(&sample, "more", i, false);
    }
    assert_int_equal(sample.count, MW_METRICS_MAX);
    assert_true(mw_sample_find(&sample, "latency_ms")->counts);
    assert_null(mw_sample_find(&sample, "broken"));
}

static void test_names_come_back(void **state)
{
    for (int i = MW_STAGE_OPEN; i <= MW_STAGE_CLOSED; i++) {
        enum mw_stage stage;
        assert_true(mw_stage_parse(mw_stage_name((enum mw_stage)i), &stage));
        assert_int_equal(stage, i);
    }
    for (int i = MW_OUTCOME_NONE; i <= MW_OUTCOME_HANDED_OVER; i++) {
        enum mw_outcome outcome;
        assert_true(mw_outcome_parse(mw_outcome_name((enum mw_outcome)i), &outcome));
        assert_int_equal(outcome, i);
    }
    for (int i = MW_STEP_PLANNED; i <= MW_STEP_UNDONE; i++) {
        enum mw_step_state step;
        assert_true(mw_step_state_parse(mw_step_state_name((enum mw_step_state)i), &step));
        assert_int_equal(step, i);
    }
    for (int i = MW_PLAN_PROPOSED; i <= MW_PLAN_SPENT; i++) {
        enum mw_plan_state plan;
        assert_true(mw_plan_state_parse(mw_plan_state_name((enum mw_plan_state)i), &plan));
        assert_int_equal(plan, i);
    }
    for (int i = MW_ACTION_APPROVE; i <= MW_ACTION_VOID; i++) {
        enum mw_action action;
        assert_true(mw_action_parse(mw_action_name((enum mw_action)i), &action));
        assert_int_equal(action, i);
    }
    for (int i = MW_RISK_READ; i <= MW_RISK_DESTRUCTIVE; i++) {
        enum mw_risk risk;
        assert_true(mw_risk_parse(mw_risk_name((enum mw_risk)i), &risk));
        assert_int_equal(risk, i);
    }
}

static void test_unknown_words(void **state)
{
    enum mw_stage stage = MW_STAGE_ASK;
    enum mw_risk risk = MW_RISK_READ;
    assert_false(mw_stage_parse("asking", &stage));
    assert_false(mw_stage_parse(NULL, &stage));
    assert_int_equal(stage, MW_STAGE_ASK);
    assert_false(mw_risk_parse("harmless", &risk));
    assert_false(mw_risk_parse(NULL, &risk));
    assert_string_equal(mw_health_name(MW_HEALTH_DEGRADED), "DEGRADED");
    assert_string_equal(mw_role_name(MW_ROLE_APPROVER), "approver");
    assert_string_equal(mw_message_mark(MW_STATE_FIRING), "🔴");
    assert_string_equal(mw_message_mark(MW_STATE_INFO), "");
    assert_string_equal(mw_message_mark(NULL), "");
}

static void test_incident_ids(void **state)
{
    assert_int_equal(mw_incident_id_parse("I42"), 42);
    assert_int_equal(mw_incident_id_parse("i7"), 7);
    static const char *const bad[] = {
        "", "I", "42", "I0", "I-1", "I4x", "I 4", "II4", "I9223372036854775808"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(mw_incident_id_parse(bad[i]), 0);
    }
    assert_int_equal(mw_incident_id_parse(NULL), 0);
}

static void test_tool_result(void **state)
{
    json_auto_t *result =
        mw_tool_result(true, json_pack("{s:i}", "bytes", 5), "raised to %d\nMiB \xff", 64);
    char *text = json_dumps(result, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(
        text, "{\"data\":{\"bytes\":5},\"ok\":true,\"summary\":\"raised to 64 MiB \xEF\xBF\xBD\"}");
    free(text);
    json_auto_t *empty = mw_tool_result(false, NULL, "no");
    assert_true(json_is_object(json_object_get(empty, "data")));
    assert_true(json_is_false(json_object_get(empty, "ok")));
}

static struct mw_incident *example(void)
{
    struct mw_incident *incident = mw_incident_create(NULL);
    incident->id = 42;
    incident->resource = talloc_strdup(incident, "cache");
    incident->kind = talloc_strdup(incident, "redis");
    incident->environment = talloc_strdup(incident, "local");
    incident->stage = MW_STAGE_CLOSED;
    incident->outcome = MW_OUTCOME_RECOVERED;
    incident->severity = MW_HEALTH_DEGRADED;
    incident->opened_at = INT64_C(1795316892345);
    incident->before.metrics = json_pack("{s:f}", "memory_percent", 97.5);
    incident->durations.detect = 1100;
    struct mw_plan *first = mw_incident_add_plan(incident, 1);
    first->steps[0].tool = talloc_strdup(incident, "redis_scale_memory");
    first->steps[0].arguments = json_pack("{s:i}", "maxmemory", 64);
    first->steps[0].result = mw_tool_result(true, NULL, "raised");
    first->evidence = json_pack("[s]", "it is full");
    mw_incident_add_plan(incident, 2)->confidence = 0.5;
    struct mw_decision *decision = mw_incident_add_decision(incident);
    decision->person = talloc_strdup(incident, "alice");
    decision->revision = 1;
    return incident;
}

static void test_plans(void **state)
{
    struct mw_incident *incident = mw_incident_create(NULL);
    assert_null(mw_incident_plan(incident));
    assert_int_equal(mw_incident_add_plan(incident, 0)->revision, 1);
    struct mw_plan *second = mw_incident_add_plan(incident, 3);
    assert_int_equal(second->revision, 2);
    assert_int_equal(second->steps[2].position, 3);
    assert_ptr_equal(mw_incident_plan(incident), second);
    assert_int_equal(mw_incident_find_plan(incident, 1)->revision, 1);
    assert_null(mw_incident_find_plan(incident, 3));
    talloc_free(incident);
}

static void test_json_keeps_the_promised_shape(void **state)
{
    struct mw_incident *incident = example();
    json_auto_t *value = mw_incident_to_json(incident);
    static const char *const keys[] = {"id",        "resources", "stage", "outcome",
                                       "opened_at", "closed_at", "plans", "decisions",
                                       "seconds",   "before",    "after", "llm"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        assert_non_null(json_object_get(value, keys[i]));
    }
    const char *id, *stage, *outcome, *opened, *resource, *tool, *person, *action;
    double detect, memory;
    json_t *closed, *after;
    assert_int_equal(
        json_unpack(value,
                    "{s:s, s:[s], s:s, s:s, s:s, s:o, s:[{s:[{s:s}]}, o*], s:[{s:s, s:s}], s:{s:F},"
                    " s:{s:F}, s:o}",
                    "id", &id, "resources", &resource, "stage", &stage, "outcome", &outcome,
                    "opened_at", &opened, "closed_at", &closed, "plans", "steps", "tool", &tool,
                    &after, "decisions", "person", &person, "action", &action, "seconds", "detect",
                    &detect, "before", "memory_percent", &memory, "after", &after),
        0);
    assert_string_equal(id, "I42");
    assert_string_equal(resource, "cache");
    assert_string_equal(stage, "closed");
    assert_string_equal(outcome, "recovered");
    assert_string_equal(opened, "2026-11-22T03:08:12.345Z");
    assert_true(json_is_null(closed));
    assert_string_equal(tool, "redis_scale_memory");
    assert_string_equal(person, "alice");
    assert_string_equal(action, "approve");
    assert_float_equal(detect, 1.1, 1e-9);
    assert_float_equal(memory, 97.5, 1e-9);
    assert_int_equal(json_object_size(after), 0);
    talloc_free(incident);
    assert_string_equal(json_string_value(json_object_get(value, "id")), "I42");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_names_come_back),
        cmocka_unit_test(test_unknown_words),
        cmocka_unit_test(test_incident_ids),
        cmocka_unit_test(test_tool_result),
        cmocka_unit_test(test_plans),
        cmocka_unit_test(test_json_keeps_the_promised_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
