/* SPDX-License-Identifier: Apache-2.0 */
/* Reading many incidents in one go, what became of them in short, and rows of the audit trail. */
#include "past.h"
#include "record/runs.h"

/* ---- pages of whole incidents ---- */

static struct mw_incident **page_of(struct fixture *fixture, struct mw_record *record,
                                    struct mw_incident_page *page, size_t expected)
{
    size_t count = 99;
    struct mw_incident **incidents =
        mw_record_page(record, fixture->memory, page, &count, &fixture->error);
    assert_good(fixture, incidents != NULL);
    assert_int_equal(count, expected);
    return incidents;
}

static void pages_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    struct mw_incident_page page = {.limit = 2};
    page_of(fixture, record, &page, 0);
    assert_true(page.end);
    for (int i = 1; i <= 5; i++) {
        save_run(fixture, record, i % 2 == 0 ? "even" : "odd", MW_OUTCOME_RECOVERED, i);
    }

    page = (struct mw_incident_page){.limit = 2};
    struct mw_incident **read = page_of(fixture, record, &page, 2);
    assert_int_equal(read[0]->id, 5);
    assert_int_equal(read[1]->id, 4);
    assert_string_equal(read[1]->resource, "even");
    assert_int_equal(read[1]->plan_count, 1);
    assert_string_equal(read[1]->plans[0].steps[0].tool, "fix");
    assert_string_equal(read[1]->decisions[0].person, "ann");
    assert_false(page.end);
    page_of(fixture, record, &page, 2);
    read = page_of(fixture, record, &page, 1);
    assert_int_equal(read[0]->id, 1);
    assert_true(page.end);

    page = (struct mw_incident_page){.limit = 1, .brief = true};
    read = page_of(fixture, record, &page, 1);
    assert_string_equal(read[0]->resource, "odd");
    assert_int_equal(read[0]->plan_count + read[0]->decision_count, 0);

    const int64_t ids[] = {2, 77, 5};
    page = (struct mw_incident_page){.ids = ids, .limit = 3};
    read = page_of(fixture, record, &page, 2);
    assert_int_equal(read[0]->id, 5);
    assert_int_equal(read[1]->id, 2);
    mw_record_close(record);
}

static void pages_go_from_the_newest_on(void **state)
{
    in_fiber(*state, pages_body);
}

static void member_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    save_run(fixture, record, "cache", MW_OUTCOME_RECOVERED, 1);
    struct mw_incident *group = begin_past(fixture, record, "db", MW_OUTCOME_RECOVERED, 2);
    struct mw_member *member = mw_incident_add_member(group);
    member->resource = talloc_strdup(group, "cache");
    member->kind = talloc_strdup(group, "redis");
    member->environment = talloc_strdup(group, "local");
    save_past(fixture, record, group);
    save_run(fixture, record, "db", MW_OUTCOME_RECOVERED, 3);

    struct mw_incident_page page = {.resource = "cache", .limit = 10};
    struct mw_incident **read = page_of(fixture, record, &page, 2);
    assert_int_equal(read[0]->id, 2);
    assert_string_equal(read[0]->members[0].resource, "cache");
    assert_int_equal(read[1]->id, 1);
    assert_int_equal(read[1]->member_count, 0);
    mw_record_close(record);
}

static void a_resource_has_those_it_was_part_of(void **state)
{
    in_fiber(*state, member_body);
}

static void damaged_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    for (int i = 1; i <= 4; i++) {
        save_run(fixture, record, "cache", MW_OUTCOME_RECOVERED, i);
    }
    mw_record_close(record);
    tamper(fixture, "UPDATE incident SET outcome = 'vanished' WHERE id = 3;"
                    "UPDATE step SET state = 'dancing' WHERE incident = 2");
    record = open_record(fixture, MW_STORE_READER);
    struct mw_incident_page page = {.limit = 4};
    struct mw_incident **read = page_of(fixture, record, &page, 2);
    assert_int_equal(read[0]->id, 4);
    assert_int_equal(read[1]->id, 1);
    assert_string_equal(read[1]->plans[0].steps[0].tool, "fix");
    assert_int_equal(read[1]->decision_count, 1);
    assert_fails(fixture, mw_record_incident(record, fixture->memory, 3, &fixture->error) != NULL,
                 MW_ERROR_PERMANENT, "I3 is damaged");
    mw_record_close(record);
}

static void damage_is_passed_over_and_harms_no_other(void **state)
{
    in_fiber(*state, damaged_body);
}

/* ---- what became of them ---- */

struct seen {
    int count, ordered;
    int64_t ids[16];
    struct mw_past last;
    char tools[200];
    mw_wall_ms newest;
};

static void see(void *context, const struct mw_past *past)
{
    struct seen *seen = context;
    if (seen->count < 16) {
        seen->ids[seen->count] = past->id;
    }
    seen->count++;
    seen->ordered += past->closed_at >= seen->newest;
    seen->newest = past->closed_at;
    seen->last = *past;
    seen->tools[0] = '\0';
    for (size_t i = 0; i < past->tool_count; i++) {
        size_t length = strlen(seen->tools);
        snprintf(seen->tools + length, sizeof seen->tools - length, "%s%s ", past->tools[i].name,
                 past->tools[i].last ? "!" : "");
    }
}

static struct seen look(struct fixture *fixture, struct mw_record *record, mw_wall_ms from,
                        mw_wall_ms to)
{
    struct seen seen = {0};
    assert_good(fixture, mw_record_runs(record, from, to, see, &seen, &fixture->error));
    return seen;
}

static void period_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    assert_int_equal(look(fixture, record, 0, INT64_MAX).count, 0);
    save_run(fixture, record, "cache", MW_OUTCOME_RECOVERED, 300);
    save_run(fixture, record, "cache", MW_OUTCOME_FAILED, 100);
    save_run(fixture, record, "cache", MW_OUTCOME_RECOVERED, 200);
    struct mw_incident *open = make_incident(fixture, record);
    assert_good(fixture, save_incident(fixture, record, open));
    struct seen seen = look(fixture, record, 100, 300);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.ids[0], 2);
    assert_int_equal(seen.ids[1], 3);
    assert_int_equal(look(fixture, record, 0, INT64_MAX).count, 3);
    mw_record_close(record);
}

static void a_period_begins_and_ends(void **state)
{
    in_fiber(*state, period_body);
}

static void plans_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    struct mw_incident *incident = begin_past(fixture, record, "db", MW_OUTCOME_RECOVERED, 10);
    add_run(incident, "first", true);
    add_run(incident, "first", false)->undo = true;
    add_run(incident, "second", false)->usage =
        json_pack("{s:i, s:i, s:f}", "input_tokens", 10, "output_tokens", 2, "cost_usd", 0.5);
    add_run(incident, "look", true)->steps[0].risk = MW_RISK_READ;
    add_run(incident, "never", true)->steps[0].state = MW_STEP_SKIPPED;
    save_past(fixture, record, incident);
    struct seen seen = look(fixture, record, 0, 11);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.tools, "first second! ");
    assert_int_equal(seen.last.automatic, 1);
    assert_int_equal(seen.last.approved, 1);
    assert_int_equal(seen.last.usage.input_tokens, 10);
    assert_true(seen.last.usage.cost_usd == 0.5);
    assert_int_equal(seen.last.durations.total, 1000);
    mw_record_close(record);
}

static void plans_count_by_what_they_did(void **state)
{
    in_fiber(*state, plans_body);
}

static void many_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    save_run(fixture, record, "cache", MW_OUTCOME_RECOVERED, 5);
    mw_record_close(record);
    /* Many that close in one millisecond, so that a portion ends between them. */
    tamper(
        fixture,
        "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)"
        " INSERT INTO incident SELECT i, version, told_version, resource, kind, environment, stage,"
        " outcome, outcome_reason, severity, since, opened_at, 5 + i / 2000, samples, findings, "
        "log,"
        " facts, reading_before, reading_after, detect_ms, analyse_ms, approve_ms, execute_ms,"
        " verify_ms, total_ms, collateral, acknowledged_by, mass FROM incident, n");
    record = open_record(fixture, MW_STORE_READER);
    struct seen seen = look(fixture, record, 0, INT64_MAX);
    assert_int_equal(seen.count, 2500);
    assert_int_equal(seen.ordered, 2500);
    assert_int_equal(seen.last.id, 2500);
    assert_int_equal(look(fixture, record, 6, 7).count, 501);
    mw_record_close(record);
}

static void portions_lose_and_repeat_nothing(void **state)
{
    in_fiber(*state, many_body);
}

static void questions_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    mw_record_close(record);
    tamper(fixture,
           "INSERT INTO exchange (id, incident, happened_at, model, model_usage) VALUES"
           " (1, 0, 10, 'm', '{\"input_tokens\":7,\"output_tokens\":1,\"cost_usd\":0.25}'),"
           " (2, 1, 10, 'm', '{\"input_tokens\":900}'), (3, 0, 10, 'm', NULL),"
           " (4, 0, 10, 'm', '['), (5, 0, 20, 'm', '{\"input_tokens\":3}')");
    record = open_record(fixture, MW_STORE_READER);
    struct mw_past_usage usage;
    assert_good(fixture, mw_record_questions(record, 0, 20, &usage, &fixture->error));
    assert_int_equal(usage.input_tokens, 7);
    assert_true(usage.cost_usd == 0.25);
    assert_good(fixture, mw_record_questions(record, 0, 21, &usage, &fixture->error));
    assert_int_equal(usage.input_tokens, 10);
    assert_true(isnan(usage.cost_usd));
    mw_record_close(record);
}

static void questions_cost_too(void **state)
{
    in_fiber(*state, questions_body);
}

/* ---- the trail ---- */

static void trail_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    for (int i = 1; i <= 6; i++) {
        json_auto_t *detail = json_pack("{s:s}", "why", "\"quoted\" 🔴");
        struct mw_change *change = mw_change_begin(record);
        mw_change_audit(change, "zoë", "refused", i % 2, i == 6 ? NULL : detail);
        assert_good(fixture, mw_change_commit(change, true, &fixture->error));
    }
    size_t count;
    struct mw_audit_page page = {.newest = true, .incident = 1, .limit = 2};
    struct mw_audit_row *rows =
        mw_audit_rows(record, fixture->memory, &page, &count, &fixture->error);
    assert_good(fixture, rows != NULL);
    assert_int_equal(count, 2);
    assert_int_equal(rows[0].id, 3);
    assert_int_equal(rows[1].id, 5);
    assert_string_equal(rows[1].detail, "{\"why\":\"\\\"quoted\\\" 🔴\"}");

    page = (struct mw_audit_page){.after = 4, .limit = 100};
    rows = mw_audit_rows(record, fixture->memory, &page, &count, &fixture->error);
    assert_int_equal(count, 2);
    assert_int_equal(rows[0].id, 5);
    assert_int_equal(rows[0].incident, 1);
    assert_int_equal(rows[1].incident, 0);
    assert_null(rows[1].detail);
    assert_string_equal(rows[1].actor, "zoë");
    assert_non_null(strstr(rows[1].chained, ",\"zoë\",\"refused\",null,null]"));
    mw_record_close(record);
}

static void rows_of_the_trail_are_found(void **state)
{
    in_fiber(*state, trail_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_record(pages_go_from_the_newest_on),
        test_record(a_resource_has_those_it_was_part_of),
        test_record(damage_is_passed_over_and_harms_no_other),
        test_record(a_period_begins_and_ends),
        test_record(plans_count_by_what_they_did),
        test_record(portions_lose_and_repeat_nothing),
        test_record(questions_cost_too),
        test_record(rows_of_the_trail_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
