/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "record/incident_columns.h"
#include "record/incident_rows.h"

/* The places of the queries in the transaction. */
enum { INCIDENT, MEMBERS, PLANS, STEPS, DECISIONS, QUERIES };

static char *which_ids(TALLOC_CTX *memory, const struct mw_rows_which *which)
{
    if (which->id_count > 0) {
        char *marks = talloc_strdup(memory, "?");
        for (size_t i = 1; marks != NULL && i < which->id_count; i++) {
            marks = talloc_strdup_append(marks, ", ?");
        }
        return marks;
    }
    return talloc_strdup(memory,
                         which->resource != NULL
                             ? "SELECT id FROM incident WHERE resource = ? AND id < ?"
                               " UNION SELECT incident FROM member WHERE resource = ?"
                               " AND incident < ? ORDER BY 1 DESC LIMIT ?"
                             : "SELECT id FROM incident WHERE id < ? ORDER BY id DESC LIMIT ?");
}

static void bind_ids(struct mw_sql *sql, const struct mw_rows_which *which)
{
    for (size_t i = 0; i < which->id_count; i++) {
        mw_sql_integer(sql, which->ids[i]);
    }
    if (which->id_count > 0) {
        return;
    }
    for (int part = 0; part < (which->resource != NULL ? 2 : 1); part++) {
        if (which->resource != NULL) {
            mw_sql_text(sql, which->resource);
        }
        mw_sql_integer(sql, which->below);
    }
    mw_sql_integer(sql, which->limit);
}

static void add_query(struct mw_sql *sql, const struct mw_rows_which *which, const char *head,
                      const char *tail)
{
    char *ids = which_ids(sql->transaction, which);
    char *text =
        ids != NULL ? talloc_asprintf(sql->transaction, "%s IN (%s) %s", head, ids, tail) : NULL;
    if (text == NULL) {
        sql->failed = true;
        return;
    }
    mw_sql_query(sql, text);
    bind_ids(sql, which);
}

void mw_rows_query_incidents(struct mw_sql *sql, const struct mw_rows_which *which)
{
    add_query(sql, which,
              which->brief ? "SELECT id, " MW_INCIDENT_COLUMNS_BRIEF " FROM incident WHERE id"
                           : "SELECT id, " MW_INCIDENT_COLUMNS " FROM incident WHERE id",
              "ORDER BY id DESC");
    add_query(sql, which,
              which->brief ? "SELECT incident, " MW_MEMBER_COLUMNS_BRIEF
                             " FROM member WHERE incident"
                           : "SELECT incident, " MW_MEMBER_COLUMNS " FROM member WHERE incident",
              "ORDER BY incident DESC, position");
    if (which->brief) {
        return;
    }
    add_query(sql, which, "SELECT incident, " MW_PLAN_COLUMNS " FROM plan WHERE incident",
              "ORDER BY incident DESC, revision");
    add_query(sql, which, "SELECT incident, revision, " MW_STEP_COLUMNS " FROM step WHERE incident",
              "ORDER BY incident DESC, revision, position");
    add_query(sql, which,
              "SELECT incident, id, " MW_DECISION_COLUMNS " FROM decision WHERE incident",
              "ORDER BY incident DESC, id");
}

static enum mw_health parse_health(struct mw_row *row, const char *text)
{
    for (int health = MW_HEALTH_UNKNOWN; text != NULL && health <= MW_HEALTH_FAILED; health++) {
        if (strcmp(text, mw_health_name(health)) == 0) {
            return health;
        }
    }
    row->damaged = true;
    return MW_HEALTH_UNKNOWN;
}

static double number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static char *text_of(TALLOC_CTX *memory, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? talloc_strdup(memory, text) : NULL;
}

static struct mw_finding *read_findings(struct mw_row *row, TALLOC_CTX *memory, size_t *count)
{
    json_auto_t *list = mw_row_json(row);
    struct mw_finding *findings =
        talloc_zero_array(memory, struct mw_finding, json_array_size(list));
    *count = findings != NULL ? json_array_size(list) : 0;
    for (size_t i = 0; i < *count; i++) {
        const json_t *item = json_array_get(list, i);
        findings[i] = (struct mw_finding){
            .metric = text_of(findings, item, "metric"),
            .value = number_of(item, "value"),
            .limit = number_of(item, "limit"),
            .normal = number_of(item, "normal"),
            .health = parse_health(row, json_string_value(json_object_get(item, "health"))),
            .text = text_of(findings, item, "text"),
        };
    }
    return findings;
}

static void read_log(struct mw_row *row, struct mw_incident *incident)
{
    json_auto_t *list = mw_row_json(row);
    size_t count = json_array_size(list);
    incident->log = talloc_zero_array(incident, struct mw_log_excerpt, count);
    for (size_t i = 0; incident->log != NULL && i < count; i++) {
        const json_t *item = json_array_get(list, i);
        incident->log[i] = (struct mw_log_excerpt){
            .line = text_of(incident->log, item, "line"),
            .times = (int)json_integer_value(json_object_get(item, "times")),
        };
        incident->log_count++;
    }
}

static void read_reading(struct mw_row *row, struct mw_reading *reading)
{
    json_auto_t *value = mw_row_json(row);
    if (value == NULL) {
        return;
    }
    reading->measured_at = json_integer_value(json_object_get(value, "measured_at"));
    reading->health = parse_health(row, json_string_value(json_object_get(value, "health")));
    reading->metrics = json_incref(json_object_get(value, "metrics"));
}

/* Reads the next cell with one of the _parse functions of the vocabulary. */
#define READ_NAME(row, parse, out)                 \
    do {                                           \
        const char *name_ = mw_row_peek(row);      \
        if (name_ == NULL || !parse(name_, out)) { \
            (row)->damaged = true;                 \
        }                                          \
    } while (0)

static void read_incident(struct mw_row *row, struct mw_incident *incident)
{
    incident->version = mw_row_integer(row);
    incident->resource = mw_row_text(row, incident);
    incident->kind = mw_row_text(row, incident);
    incident->environment = mw_row_text(row, incident);
    READ_NAME(row, mw_stage_parse, &incident->stage);
    if (!mw_outcome_parse(mw_row_peek(row), &incident->outcome)) {
        row->damaged = true;
    }
    incident->outcome_reason = mw_row_text(row, incident);
    incident->severity = parse_health(row, mw_row_peek(row));
    incident->since = mw_row_integer(row);
    incident->opened_at = mw_row_integer(row);
    incident->closed_at = mw_row_integer(row);
    incident->samples = (int)mw_row_integer(row);
    incident->findings = read_findings(row, incident, &incident->finding_count);
    read_log(row, incident);
    incident->facts = mw_row_json(row);
    read_reading(row, &incident->before);
    read_reading(row, &incident->after);
    incident->durations.detect = mw_row_integer(row);
    incident->durations.analyse = mw_row_integer(row);
    incident->durations.approve = mw_row_integer(row);
    incident->durations.execute = mw_row_integer(row);
    incident->durations.verify = mw_row_integer(row);
    incident->durations.total = mw_row_integer(row);
    incident->collateral = mw_row_json(row);
    incident->acknowledged_by = mw_row_text(row, incident);
    incident->mass = mw_row_integer(row) != 0;
}

static void read_member(struct mw_row *row, TALLOC_CTX *memory, struct mw_member *member)
{
    mw_row_integer(row);
    member->resource = mw_row_text(row, memory);
    member->kind = mw_row_text(row, memory);
    member->environment = mw_row_text(row, memory);
    member->severity = parse_health(row, mw_row_peek(row));
    member->since = mw_row_integer(row);
    member->joined_at = mw_row_integer(row);
    member->samples = (int)mw_row_integer(row);
    member->findings = read_findings(row, memory, &member->finding_count);
    member->facts = mw_row_json(row);
    read_reading(row, &member->before);
    read_reading(row, &member->after);
}

/* The next row of a query, where it belongs to this incident; its first cell is behind it then. */
static bool next_row(struct mw_rows_reader *reader, size_t query, int64_t id, struct mw_row *row)
{
    if (query >= reader->sql->transaction->count ||
        reader->next[query] == mw_sql_rows(reader->sql, query)) {
        return false;
    }
    *row = mw_sql_row(reader->sql, query, reader->next[query]);
    if (mw_row_integer(row) != id) {
        return false;
    }
    reader->next[query]++;
    return true;
}

static bool read_members(struct mw_rows_reader *reader, struct mw_incident *incident)
{
    struct mw_row row;
    while (next_row(reader, MEMBERS, incident->id, &row)) {
        struct mw_member *member = mw_incident_add_member(incident);
        if (member == NULL) {
            return false;
        }
        read_member(&row, incident, member);
        if (row.damaged) {
            return false;
        }
    }
    return true;
}

static void read_step(struct mw_row *row, TALLOC_CTX *memory, struct mw_step *step)
{
    step->kind = mw_row_text(row, memory);
    step->environment = mw_row_text(row, memory);
    step->position = (int)mw_row_integer(row);
    step->tool = mw_row_text(row, memory);
    step->resource = mw_row_text(row, memory);
    step->arguments = mw_row_json(row);
    step->why = mw_row_text(row, memory);
    step->expect = mw_row_text(row, memory);
    step->effect = mw_row_text(row, memory);
    READ_NAME(row, mw_risk_parse, &step->risk);
    step->risk_reason = mw_row_text(row, memory);
    step->undo = mw_row_json(row);
    READ_NAME(row, mw_step_state_parse, &step->state);
    step->result = mw_row_json(row);
    step->started_at = mw_row_integer(row);
    step->ended_at = mw_row_integer(row);
}

static void read_plan(struct mw_row *row, TALLOC_CTX *memory, struct mw_plan *plan)
{
    plan->revision = (int)mw_row_integer(row);
    plan->digest = mw_row_text(row, memory);
    plan->planner = mw_row_text(row, memory);
    plan->root_cause = mw_row_text(row, memory);
    plan->confidence = mw_row_real(row);
    plan->evidence = mw_row_json(row);
    READ_NAME(row, mw_plan_state_parse, &plan->state);
    plan->state_reason = mw_row_text(row, memory);
    plan->automatic = mw_row_integer(row) != 0;
    plan->undo = mw_row_integer(row) != 0;
    plan->approvals_needed = (int)mw_row_integer(row);
    plan->proposed_at = mw_row_integer(row);
    plan->approved_at = mw_row_integer(row);
    plan->expires_at = mw_row_integer(row);
    plan->usage = mw_row_json(row);
}

/* How many of the next step rows belong to this revision. */
static size_t count_steps(const struct mw_rows_reader *reader, int64_t id, int64_t revision)
{
    struct mw_rows_reader ahead = *reader;
    size_t count = 0;
    struct mw_row row;
    while (next_row(&ahead, STEPS, id, &row) && mw_row_integer(&row) == revision) {
        count++;
    }
    return count;
}

static bool read_plans(struct mw_rows_reader *reader, struct mw_incident *incident)
{
    struct mw_row row, step;
    while (next_row(reader, PLANS, incident->id, &row)) {
        struct mw_row ahead = row;
        size_t steps = count_steps(reader, incident->id, mw_row_integer(&ahead));
        struct mw_plan *plan = mw_incident_add_plan(incident, steps);
        if (plan == NULL) {
            return false;
        }
        read_plan(&row, incident, plan);
        for (size_t i = 0; i < steps && next_row(reader, STEPS, incident->id, &step); i++) {
            mw_row_integer(&step);
            read_step(&step, incident, &plan->steps[i]);
            row.damaged |= step.damaged;
        }
        if (row.damaged) {
            return false;
        }
    }
    return !next_row(reader, STEPS, incident->id, &step);
}

static bool read_decisions(struct mw_rows_reader *reader, struct mw_incident *incident)
{
    struct mw_row row;
    while (next_row(reader, DECISIONS, incident->id, &row)) {
        struct mw_decision *decision = mw_incident_add_decision(incident);
        if (decision == NULL) {
            return false;
        }
        decision->id = mw_row_integer(&row);
        decision->person = mw_row_text(&row, incident);
        READ_NAME(&row, mw_action_parse, &decision->action);
        decision->revision = (int)mw_row_integer(&row);
        decision->note = mw_row_text(&row, incident);
        decision->at = mw_row_integer(&row);
        if (row.damaged) {
            return false;
        }
    }
    return true;
}

/* From being judged until it is verified, a stage is about a plan; lists are read without plans. */
static bool lacks_its_plan(const struct mw_rows_reader *reader, const struct mw_incident *incident)
{
    bool about_one = incident->stage >= MW_STAGE_JUDGE && incident->stage <= MW_STAGE_VERIFY;
    bool read = reader->sql->transaction->count > PLANS;
    return read && about_one && incident->plan_count == 0;
}

/* What is left of this incident after damage was met. */
static void skip_rest(struct mw_rows_reader *reader, int64_t id)
{
    struct mw_row row;
    for (size_t query = MEMBERS; query < QUERIES; query++) {
        while (next_row(reader, query, id, &row)) {
        }
    }
}

bool mw_rows_next(struct mw_rows_reader *reader, TALLOC_CTX *memory, int64_t *id,
                  struct mw_incident **read, struct mw_error *error)
{
    *read = NULL;
    if (reader->next[INCIDENT] == mw_sql_rows(reader->sql, INCIDENT)) {
        return false;
    }
    struct mw_row row = mw_sql_row(reader->sql, INCIDENT, reader->next[INCIDENT]++);
    *id = mw_row_integer(&row);
    struct mw_incident *incident = mw_incident_create(memory);
    if (incident == NULL) {
        mw_error_set(error, MW_ERROR_RETRY, "out of memory while reading I%" PRId64, *id);
        skip_rest(reader, *id);
        return true;
    }
    incident->id = *id;
    read_incident(&row, incident);
    if (row.damaged || !read_plans(reader, incident) || !read_decisions(reader, incident) ||
        !read_members(reader, incident) || lacks_its_plan(reader, incident)) {
        talloc_free(incident);
        skip_rest(reader, *id);
        mw_error_set(error, MW_ERROR_PERMANENT,
                     "I%" PRId64 " is damaged in the record and cannot be read: restore a backup",
                     *id);
        return true;
    }
    *read = incident;
    return true;
}
