/* SPDX-License-Identifier: Apache-2.0 */
/* Incidents go into the record and come out as they were. */
#include "helper.h"

#define SMILE "größer als 99 % 🔴 — «日本語»"

static void fill_incident(struct mw_incident *incident)
{
    incident->stage = MW_STAGE_CLOSED;
    incident->outcome = MW_OUTCOME_HANDED_OVER;
    incident->outcome_reason = talloc_strdup(incident, SMILE);
    incident->severity = MW_HEALTH_FAILED;
    incident->since = 1700000000001;
    incident->opened_at = 1700000000002;
    incident->closed_at = 1700000000003;
    incident->samples = 7;
    incident->finding_count = 2;
    incident->findings = talloc_zero_array(incident, struct mw_finding, 2);
    incident->findings[0] = (struct mw_finding){.metric = talloc_strdup(incident, "memory_percent"),
                                                .value = 97.25,
                                                .limit = 95,
                                                .normal = NAN,
                                                .health = MW_HEALTH_DEGRADED,
                                                .text = talloc_strdup(incident, SMILE)};
    incident->findings[1] = (struct mw_finding){.value = NAN,
                                                .limit = NAN,
                                                .normal = 0.1,
                                                .health = MW_HEALTH_FAILED,
                                                .text = talloc_strdup(incident, "no answer")};
    incident->log_count = 1;
    incident->log = talloc_zero_array(incident, struct mw_log_excerpt, 1);
    incident->log[0] = (struct mw_log_excerpt){talloc_strdup(incident, "OOM 🙈 'quoted'"), 184};
    incident->facts = json_pack("{s:s, s:i, s:n}", "policy", "noeviction", "max", 33554432, "none");
    incident->before =
        (struct mw_reading){11, MW_HEALTH_DEGRADED, json_pack("{s:f}", "memory_percent", 97.25)};
    incident->after = (struct mw_reading){12, MW_HEALTH_HEALTHY, NULL};
    incident->durations = (struct mw_durations){1, 2, 3, 4, 5, INT64_C(1) << 40};
    incident->collateral = json_pack("[s]", "web answered slower 🐌");
    incident->acknowledged_by = talloc_strdup(incident, "zoë");
}

static void fill_plan(struct mw_incident *incident, size_t steps)
{
    struct mw_plan *plan = mw_incident_add_plan(incident, steps);
    plan->digest = talloc_strdup(incident, "abc123");
    plan->planner = talloc_strdup(incident, "runbook");
    plan->root_cause = talloc_strdup(incident, SMILE);
    plan->confidence = 0.82;
    plan->evidence = json_pack("[s, s]", "one", "two");
    plan->state = MW_PLAN_SPENT;
    plan->state_reason = talloc_strdup(incident, "rule 1");
    plan->automatic = true;
    plan->undo = plan->revision == 2;
    plan->approvals_needed = 2;
    plan->proposed_at = 21;
    plan->approved_at = 22;
    plan->expires_at = 23;
    for (size_t i = 0; i < steps; i++) {
        struct mw_step *step = &plan->steps[i];
        step->tool = talloc_strdup(incident, "redis_scale_memory");
        step->resource = talloc_strdup(incident, "cache");
        step->arguments = json_pack("{s:s, s:s}", "resource", "cache", "password", "kept");
        step->why = talloc_strdup(incident, "full");
        step->expect = talloc_strdup(incident, "room");
        step->effect = i == 0 ? talloc_strdup(incident, "32 → 64 MiB") : NULL;
        step->risk = MW_RISK_DESTRUCTIVE;
        step->risk_reason = i == 0 ? talloc_strdup(incident, "no persistence") : NULL;
        step->undo = i == 0 ? json_pack("{s:s, s:{}}", "tool", "x", "arguments") : NULL;
        step->state = i == 0 ? MW_STEP_UNKNOWN : MW_STEP_SKIPPED;
        step->result = i == 0 ? json_pack("{s:b, s:s}", "ok", 1, "summary", SMILE) : NULL;
        step->started_at = 31;
        step->ended_at = 32;
    }
}

static void fill_decision(struct mw_incident *incident)
{
    struct mw_decision *decision = mw_incident_add_decision(incident);
    decision->person = talloc_strdup(incident, "alice");
    decision->action = MW_ACTION_WITHDRAW;
    decision->revision = 1;
    decision->note = talloc_strdup(incident, "nah 🙅");
    decision->at = 41;
}

static void assert_same_text(const char *left, const char *right)
{
    if (left == NULL || right == NULL) {
        assert_ptr_equal(left, right);
    } else {
        assert_string_equal(left, right);
    }
}

static void assert_same_number(double left, double right)
{
    assert_true(left == right || (isnan(left) && isnan(right)));
}

static void assert_same_json(const json_t *left, const json_t *right)
{
    if (left == NULL || right == NULL) {
        assert_ptr_equal(left, right);
    } else {
        assert_true(json_equal(left, right));
    }
}

static void assert_same_row(const struct mw_incident *a, const struct mw_incident *b)
{
    assert_int_equal(a->id, b->id);
    assert_int_equal(a->version, b->version);
    assert_same_text(a->resource, b->resource);
    assert_same_text(a->kind, b->kind);
    assert_same_text(a->environment, b->environment);
    assert_int_equal(a->stage, b->stage);
    assert_int_equal(a->outcome, b->outcome);
    assert_same_text(a->outcome_reason, b->outcome_reason);
    assert_int_equal(a->severity, b->severity);
    assert_int_equal(a->since, b->since);
    assert_int_equal(a->opened_at, b->opened_at);
    assert_int_equal(a->closed_at, b->closed_at);
    assert_int_equal(a->samples, b->samples);
    assert_same_json(a->facts, b->facts);
    assert_int_equal(a->before.measured_at, b->before.measured_at);
    assert_int_equal(a->before.health, b->before.health);
    assert_same_json(a->before.metrics, b->before.metrics);
    assert_int_equal(a->after.measured_at, b->after.measured_at);
    assert_int_equal(a->after.health, b->after.health);
    assert_same_json(a->after.metrics, b->after.metrics);
    assert_memory_equal(&a->durations, &b->durations, sizeof a->durations);
    assert_same_json(a->collateral, b->collateral);
    assert_same_text(a->acknowledged_by, b->acknowledged_by);
}

static void assert_same_symptoms(const struct mw_incident *a, const struct mw_incident *b)
{
    assert_int_equal(a->finding_count, b->finding_count);
    for (size_t i = 0; i < a->finding_count; i++) {
        assert_same_text(a->findings[i].metric, b->findings[i].metric);
        assert_same_number(a->findings[i].value, b->findings[i].value);
        assert_same_number(a->findings[i].limit, b->findings[i].limit);
        assert_same_number(a->findings[i].normal, b->findings[i].normal);
        assert_int_equal(a->findings[i].health, b->findings[i].health);
        assert_same_text(a->findings[i].text, b->findings[i].text);
    }
    assert_int_equal(a->log_count, b->log_count);
    for (size_t i = 0; i < a->log_count; i++) {
        assert_same_text(a->log[i].line, b->log[i].line);
        assert_int_equal(a->log[i].times, b->log[i].times);
    }
}

static void assert_same_step(const struct mw_step *a, const struct mw_step *b)
{
    assert_int_equal(a->position, b->position);
    assert_same_text(a->tool, b->tool);
    assert_same_text(a->resource, b->resource);
    assert_same_json(a->arguments, b->arguments);
    assert_same_text(a->why, b->why);
    assert_same_text(a->expect, b->expect);
    assert_same_text(a->effect, b->effect);
    assert_int_equal(a->risk, b->risk);
    assert_same_text(a->risk_reason, b->risk_reason);
    assert_same_json(a->undo, b->undo);
    assert_int_equal(a->state, b->state);
    assert_same_json(a->result, b->result);
    assert_int_equal(a->started_at, b->started_at);
    assert_int_equal(a->ended_at, b->ended_at);
}

static void assert_same_plans(const struct mw_incident *left, const struct mw_incident *right)
{
    assert_int_equal(left->plan_count, right->plan_count);
    for (size_t i = 0; i < left->plan_count; i++) {
        const struct mw_plan *a = &left->plans[i], *b = &right->plans[i];
        assert_int_equal(a->revision, b->revision);
        assert_same_text(a->digest, b->digest);
        assert_same_text(a->planner, b->planner);
        assert_same_text(a->root_cause, b->root_cause);
        assert_same_number(a->confidence, b->confidence);
        assert_same_json(a->evidence, b->evidence);
        assert_int_equal(a->state, b->state);
        assert_same_text(a->state_reason, b->state_reason);
        assert_int_equal(a->automatic, b->automatic);
        assert_int_equal(a->undo, b->undo);
        assert_int_equal(a->approvals_needed, b->approvals_needed);
        assert_int_equal(a->proposed_at, b->proposed_at);
        assert_int_equal(a->approved_at, b->approved_at);
        assert_int_equal(a->expires_at, b->expires_at);
        assert_int_equal(a->step_count, b->step_count);
        for (size_t j = 0; j < a->step_count; j++) {
            assert_same_step(&a->steps[j], &b->steps[j]);
        }
    }
}

static void assert_same_decisions(const struct mw_incident *left, const struct mw_incident *right)
{
    assert_int_equal(left->decision_count, right->decision_count);
    for (size_t i = 0; i < left->decision_count; i++) {
        const struct mw_decision *a = &left->decisions[i], *b = &right->decisions[i];
        assert_same_text(a->person, b->person);
        assert_int_equal(a->action, b->action);
        assert_int_equal(a->revision, b->revision);
        assert_same_text(a->note, b->note);
        assert_int_equal(a->at, b->at);
    }
}

static void assert_same_members(const struct mw_incident *left, const struct mw_incident *right)
{
    assert_int_equal(left->mass, right->mass);
    assert_int_equal(left->member_count, right->member_count);
    for (size_t i = 0; i < left->member_count; i++) {
        const struct mw_member *a = &left->members[i], *b = &right->members[i];
        assert_same_text(a->resource, b->resource);
        assert_same_text(a->kind, b->kind);
        assert_same_text(a->environment, b->environment);
        assert_int_equal(a->severity, b->severity);
        assert_int_equal(a->since, b->since);
        assert_int_equal(a->joined_at, b->joined_at);
        assert_int_equal(a->samples, b->samples);
        assert_int_equal(a->finding_count, b->finding_count);
        assert_same_text(a->findings[0].text, b->findings[0].text);
        assert_same_json(a->facts, b->facts);
        assert_same_json(a->before.metrics, b->before.metrics);
        assert_same_json(a->after.metrics, b->after.metrics);
    }
}

static void assert_same(const struct mw_incident *a, const struct mw_incident *b)
{
    assert_same_members(a, b);
    assert_same_row(a, b);
    assert_same_symptoms(a, b);
    assert_same_plans(a, b);
    assert_same_decisions(a, b);
}

static struct mw_incident *read_back(struct fixture *fixture, struct mw_record *record, int64_t id)
{
    struct mw_incident *incident = mw_record_incident(record, fixture->memory, id, &fixture->error);
    if (incident == NULL) {
        fail_msg("%s", fixture->error.text);
    }
    return incident;
}

static void save_all(struct fixture *fixture, struct mw_record *record,
                     struct mw_incident *incident)
{
    struct mw_change *change = mw_change_begin(record);
    mw_change_incident(change, incident);
    for (size_t i = 0; i < incident->plan_count; i++) {
        mw_change_plan(change, incident, &incident->plans[i]);
    }
    for (size_t i = 0; i < incident->decision_count; i++) {
        mw_change_decision(change, incident, &incident->decisions[i]);
    }
    assert_good(fixture, mw_change_commit(change, true, &fixture->error));
}

static void fill_member(struct mw_incident *incident, const char *name, mw_wall_ms since)
{
    struct mw_member *member = mw_incident_add_member(incident);
    member->resource = talloc_strdup(incident, name);
    member->kind = talloc_strdup(incident, "http");
    member->environment = talloc_strdup(incident, "staging");
    member->severity = MW_HEALTH_FAILED;
    member->since = since;
    member->joined_at = since + 2;
    member->samples = 3;
    member->finding_count = 1;
    member->findings = talloc_zero(incident, struct mw_finding);
    member->findings->value = member->findings->limit = member->findings->normal = NAN;
    member->findings->health = MW_HEALTH_FAILED;
    member->findings->text = talloc_asprintf(incident, "%s cannot be reached", name);
    member->facts = json_pack("{s:s}", "version", name);
    member->before.metrics = json_pack("{s:i}", "status", 503);
    member->after.metrics = json_pack("{s:i}", "status", 200);
}

/* Two that joined, of which one then leads. */
static void members_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    struct mw_incident *incident = make_incident(fixture, record);
    fill_incident(incident);
    incident->mass = true;
    mw_wall_ms since = incident->since;
    fill_member(incident, "shop", since + 5);
    fill_member(incident, "web", since - 7);
    save_all(fixture, record, incident);
    assert_same(incident, read_back(fixture, record, incident->id));

    mw_incident_lead(incident, mw_incident_find_member(incident, "web"));
    save_all(fixture, record, incident);
    struct mw_incident *back = read_back(fixture, record, incident->id);
    assert_same(incident, back);
    assert_string_equal(back->resource, "web");
    assert_int_equal(back->since, since - 7);
    assert_string_equal(back->findings[0].text, "web cannot be reached");
    assert_null(mw_incident_find_member(back, "web"));
    assert_true(mw_incident_has(back, "web") && mw_incident_has(back, "cache"));
    assert_false(mw_incident_has(back, "db"));
    assert_int_equal(mw_incident_find_member(back, "cache")->since, since);
    mw_record_close(record);
}

static void members_come_back_and_change_places(void **state)
{
    in_fiber(*state, members_body);
}

static void full_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    struct mw_incident *incident = make_incident(fixture, record);
    assert_int_equal(incident->id, 1);
    fill_incident(incident);
    fill_plan(incident, 2);
    fill_plan(incident, 0);
    fill_plan(incident, 1);
    fill_decision(incident);
    fill_decision(incident);
    save_all(fixture, record, incident);
    assert_int_equal(incident->version, 1);
    assert_same(incident, read_back(fixture, record, 1));
    mw_record_close(record);

    record = open_record(fixture, MW_STORE_ACTIVE);
    struct mw_incident *again = read_back(fixture, record, 1);
    assert_same(incident, again);
    assert_int_equal(again->decisions[0].id, 1);
    assert_int_equal(again->decisions[1].id, 2);
    assert_int_equal(mw_record_next_incident(record), 2);
    mw_record_close(record);
}

static void a_full_incident_comes_back_as_it_was(void **state)
{
    in_fiber(*state, full_body);
}

static void bare_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    struct mw_incident *incident = make_incident(fixture, record);
    struct mw_plan *plan = mw_incident_add_plan(incident, 1);
    plan->steps[0].tool = talloc_strdup(incident, "redis_flush");
    save_all(fixture, record, incident);
    assert_same(incident, read_back(fixture, record, incident->id));
    mw_record_close(record);
}

static void what_is_absent_stays_absent(void **state)
{
    in_fiber(*state, bare_body);
}

static void growth_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    struct mw_incident *incident = make_incident(fixture, record);
    fill_plan(incident, 2);
    incident->plans[0].steps[0].state = MW_STEP_STARTED;
    save_all(fixture, record, incident);

    incident->stage = MW_STAGE_VERIFY;
    incident->plans[0].steps[0].state = MW_STEP_DONE;
    incident->plans[0].state = MW_PLAN_VOID;
    json_decref(incident->plans[0].steps[1].arguments);
    incident->plans[0].step_count = 1;
    fill_plan(incident, 1);
    struct mw_change *change = mw_change_begin(record);
    mw_change_incident(change, incident);
    incident->samples = 99; /* not what was put above */
    mw_change_plan(change, incident, &incident->plans[0]);
    mw_change_plan(change, incident, &incident->plans[1]);
    incident->samples = 3;
    mw_change_incident(change, incident);
    assert_int_equal(incident->version, 1);
    assert_good(fixture, mw_change_commit(change, false, &fixture->error));
    assert_int_equal(incident->version, 3);
    assert_same(incident, read_back(fixture, record, incident->id));

    assert_good(fixture, mw_change_commit(mw_change_begin(record), false, &fixture->error));
    mw_record_close(record);
}

static void changes_grow_the_version(void **state)
{
    in_fiber(*state, growth_body);
}

static void conflict_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    struct mw_incident *incident = make_incident(fixture, record);
    assert_good(fixture, save_incident(fixture, record, incident));
    struct mw_incident *stale = read_back(fixture, record, incident->id);
    incident->samples = 5;
    assert_good(fixture, save_incident(fixture, record, incident));

    stale->samples = 6;
    struct mw_change *change = mw_change_begin(record);
    mw_change_audit(change, "midwatch", "moved", stale->id, NULL);
    fill_decision(stale);
    mw_change_decision(change, stale, &stale->decisions[0]);
    mw_change_incident(change, stale);
    assert_fails(fixture, mw_change_commit(change, true, &fixture->error), MW_ERROR_REFUSED,
                 "I1: ");
    assert_int_equal(stale->version, 1);
    struct mw_incident *kept = read_back(fixture, record, incident->id);
    assert_int_equal(kept->samples, 5);
    assert_int_equal(kept->decision_count, 0);
    int64_t rows = -1, broken = -1;
    assert_good(fixture, mw_audit_verify(record, &rows, &broken, &fixture->error));
    assert_int_equal(rows, 0);

    struct mw_incident *twin = make_incident(fixture, record);
    twin->id = incident->id;
    assert_fails(fixture, save_incident(fixture, record, twin), MW_ERROR_REFUSED, "");
    assert_int_equal(twin->version, 0);

    assert_fails(fixture,
                 mw_record_incident(record, fixture->memory, 4711, &fixture->error) != NULL,
                 MW_ERROR_BAD_INPUT, "I4711");
    mw_record_close(record);
}

static void an_outdated_change_is_refused_whole(void **state)
{
    in_fiber(*state, conflict_body);
}

static void masked_body(struct fixture *fixture)
{
    mw_redact_secret("hunter2-sesame");
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    struct mw_incident *incident = make_incident(fixture, record);
    incident->log_count = 1;
    incident->log = talloc_zero_array(incident, struct mw_log_excerpt, 1);
    incident->log[0] = (struct mw_log_excerpt){talloc_strdup(incident, "AUTH hunter2-sesame"), 1};
    incident->outcome_reason = talloc_strdup(incident, "hunter2-sesame\xff was wrong");
    fill_plan(incident, 1);
    json_object_set_new(incident->plans[0].steps[0].result, "summary",
                        json_string("said hunter2-sesame"));
    json_object_set_new(incident->plans[0].steps[0].arguments, "value",
                        json_string("hunter2-sesame"));
    save_all(fixture, record, incident);

    struct mw_incident *read = read_back(fixture, record, incident->id);
    assert_null(strstr(read->log[0].line, "hunter2"));
    assert_non_null(strstr(read->log[0].line, "AUTH"));
    assert_null(strstr(read->outcome_reason, "hunter2"));
    const struct mw_step *step = &read->plans[0].steps[0];
    assert_null(strstr(json_string_value(json_object_get(step->result, "summary")), "hunter2"));
    assert_same_json(incident->plans[0].steps[0].arguments, step->arguments);
    mw_record_close(record);
}

static void secrets_stay_out_but_arguments_stay_whole(void **state)
{
    in_fiber(*state, masked_body);
}

static void deep_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    struct mw_incident *incident = make_incident(fixture, record);
    json_t *deep = json_array();
    for (int i = 0; i < MW_JSON_DEPTH_MAX + 5; i++) {
        json_t *outer = json_array();
        json_array_append_new(outer, deep);
        deep = outer;
    }
    incident->facts = deep;
    assert_good(fixture, save_incident(fixture, record, incident));
    assert_null(read_back(fixture, record, incident->id)->facts);
    mw_record_close(record);
}

static void what_could_not_be_read_is_not_written(void **state)
{
    in_fiber(*state, deep_body);
}

static void damaged_body(struct fixture *fixture)
{
    static const char *const harms[] = {
        "UPDATE incident SET stage = 'dancing'",
        "UPDATE incident SET stage = 'open', findings = '[{'",
        "UPDATE incident SET findings = '[]', version = 'x'",
        "UPDATE incident SET version = 1, severity = 'POORLY'",
        "UPDATE incident SET severity = 'DEGRADED', stage = 'ask'",
    };
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    struct mw_incident *incident = make_incident(fixture, record);
    assert_good(fixture, save_incident(fixture, record, incident));
    for (size_t i = 0; i < sizeof harms / sizeof harms[0]; i++) {
        tamper(fixture, harms[i]);
        assert_fails(fixture,
                     mw_record_incident(record, fixture->memory, 1, &fixture->error) != NULL,
                     MW_ERROR_PERMANENT, "I1");
    }
    mw_record_close(record);
}

static void a_damaged_row_is_an_error_not_a_guess(void **state)
{
    in_fiber(*state, damaged_body);
}

static size_t list(struct fixture *fixture, struct mw_record *record,
                   enum mw_incident_filter filter, size_t limit, int64_t *first)
{
    size_t count = 77;
    int64_t *ids =
        mw_record_incidents(record, fixture->memory, filter, limit, &count, &fixture->error);
    if (ids == NULL) {
        fail_msg("%s", fixture->error.text);
    }
    *first = count > 0 ? ids[0] : 0;
    return count;
}

static void list_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    int64_t first;
    assert_int_equal(list(fixture, record, MW_INCIDENTS_ALL, 10, &first), 0);
    struct mw_incident *incidents[4];
    for (int i = 0; i < 4; i++) {
        incidents[i] = make_incident(fixture, record);
        incidents[i]->stage = i < 2 ? MW_STAGE_CLOSED : MW_STAGE_ASK;
        assert_good(fixture, save_incident(fixture, record, incidents[i]));
    }
    assert_int_equal(list(fixture, record, MW_INCIDENTS_ALL, 10, &first), 4);
    assert_int_equal(first, 4);
    assert_int_equal(list(fixture, record, MW_INCIDENTS_ALL, 3, &first), 3);
    assert_int_equal(list(fixture, record, MW_INCIDENTS_OPEN, 10, &first), 2);
    assert_int_equal(list(fixture, record, MW_INCIDENTS_UNTOLD, 10, &first), 2);
    assert_int_equal(first, 2);

    assert_good(fixture, mw_record_told(record, 2, 1, &fixture->error));
    assert_int_equal(list(fixture, record, MW_INCIDENTS_UNTOLD, 10, &first), 1);
    assert_int_equal(first, 1);
    assert_good(fixture, save_incident(fixture, record, incidents[1]));
    assert_int_equal(list(fixture, record, MW_INCIDENTS_UNTOLD, 10, &first), 2);
    assert_good(fixture, mw_record_told(record, 2, 2, &fixture->error));
    assert_good(fixture, mw_record_told(record, 2, 1, &fixture->error));
    assert_int_equal(list(fixture, record, MW_INCIDENTS_UNTOLD, 10, &first), 1);
    mw_record_close(record);
}

static void lists_know_open_and_untold(void **state)
{
    in_fiber(*state, list_body);
}

static void virtual_body(struct fixture *fixture)
{
    mw_clock_virtual(1700000000000, 7);
    full_body(fixture);
}

static void the_store_works_on_virtual_time(void **state)
{
    in_fiber(*state, virtual_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_record(a_full_incident_comes_back_as_it_was),
        test_record(what_is_absent_stays_absent),
        test_record(changes_grow_the_version),
        test_record(members_come_back_and_change_places),
        test_record(an_outdated_change_is_refused_whole),
        test_record(secrets_stay_out_but_arguments_stay_whole),
        test_record(what_could_not_be_read_is_not_written),
        test_record(a_damaged_row_is_an_error_not_a_guess),
        test_record(lists_know_open_and_untold),
        test_record(the_store_works_on_virtual_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
