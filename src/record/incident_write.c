/* SPDX-License-Identifier: Apache-2.0 */
#include "base/redact.h"
#include "record/incident_columns.h"
#include "record/incident_rows.h"

static json_t *number_or_null(double value)
{
    json_t *number = json_real(value);
    return number != NULL ? number : json_null();
}

static json_t *findings_to_json(const struct mw_finding *findings, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct mw_finding *finding = &findings[i];
        json_t *item = json_object();
        json_object_set_new(item, "metric", mw_json_text(finding->metric));
        json_object_set_new(item, "value", number_or_null(finding->value));
        json_object_set_new(item, "limit", number_or_null(finding->limit));
        json_object_set_new(item, "normal", number_or_null(finding->normal));
        json_object_set_new(item, "health", mw_json_text(mw_health_name(finding->health)));
        json_object_set_new(item, "text", mw_json_text(finding->text));
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *log_to_json(const struct mw_incident *incident)
{
    json_t *list = json_array();
    for (size_t i = 0; i < incident->log_count; i++) {
        json_t *item = json_object();
        json_object_set_new(item, "line", mw_json_text(incident->log[i].line));
        json_object_set_new(item, "times", json_integer(incident->log[i].times));
        json_array_append_new(list, item);
    }
    return list;
}

static void write_reading(struct mw_sql *sql, const struct mw_reading *reading)
{
    json_t *value = json_object();
    json_object_set_new(value, "measured_at", json_integer(reading->measured_at));
    json_object_set_new(value, "health", mw_json_text(mw_health_name(reading->health)));
    if (reading->metrics != NULL) {
        json_object_set(value, "metrics", reading->metrics);
    }
    mw_sql_json_new(sql, value);
}

/* Masks, and releases what it was made from. */
static void write_masked_new(struct mw_sql *sql, json_t *stolen)
{
    json_auto_t *value = stolen;
    mw_sql_json_new(sql, mw_redact_json(value));
}

/* The values of MW_INCIDENT_COLUMNS. */
static void write_incident_values(struct mw_sql *sql, const struct mw_incident *incident,
                                  int64_t version)
{
    mw_sql_integer(sql, version);
    mw_sql_text(sql, incident->resource);
    mw_sql_text(sql, incident->kind);
    mw_sql_text(sql, incident->environment);
    mw_sql_text(sql, mw_stage_name(incident->stage));
    mw_sql_text(sql, mw_outcome_name(incident->outcome));
    mw_sql_masked(sql, incident->outcome_reason);
    mw_sql_text(sql, mw_health_name(incident->severity));
    mw_sql_integer(sql, incident->since);
    mw_sql_integer(sql, incident->opened_at);
    mw_sql_integer(sql, incident->closed_at);
    mw_sql_integer(sql, incident->samples);
    write_masked_new(sql, findings_to_json(incident->findings, incident->finding_count));
    write_masked_new(sql, log_to_json(incident));
    mw_sql_masked_json(sql, incident->facts);
    write_reading(sql, &incident->before);
    write_reading(sql, &incident->after);
    mw_sql_integer(sql, incident->durations.detect);
    mw_sql_integer(sql, incident->durations.analyse);
    mw_sql_integer(sql, incident->durations.approve);
    mw_sql_integer(sql, incident->durations.execute);
    mw_sql_integer(sql, incident->durations.verify);
    mw_sql_integer(sql, incident->durations.total);
    mw_sql_masked_json(sql, incident->collateral);
    mw_sql_text(sql, incident->acknowledged_by);
    mw_sql_integer(sql, incident->mass);
}

static void write_member(struct mw_sql *sql, int64_t incident, size_t position,
                         const struct mw_member *member)
{
    mw_sql_add(sql, "INSERT INTO member (incident, " MW_MEMBER_COLUMNS ")"
                    " VALUES (?, " MW_MEMBER_MARKS ")");
    mw_sql_integer(sql, incident);
    mw_sql_integer(sql, (int64_t)position);
    mw_sql_text(sql, member->resource);
    mw_sql_text(sql, member->kind);
    mw_sql_text(sql, member->environment);
    mw_sql_text(sql, mw_health_name(member->severity));
    mw_sql_integer(sql, member->since);
    mw_sql_integer(sql, member->joined_at);
    mw_sql_integer(sql, member->samples);
    write_masked_new(sql, findings_to_json(member->findings, member->finding_count));
    mw_sql_masked_json(sql, member->facts);
    write_reading(sql, &member->before);
    write_reading(sql, &member->after);
}

/* They may change places with the one that leads, so all are written anew. */
static void write_members(struct mw_sql *sql, const struct mw_incident *incident)
{
    if (incident->member_count == 0) {
        return;
    }
    mw_sql_add(sql, "DELETE FROM member WHERE incident = ?");
    mw_sql_integer(sql, incident->id);
    for (size_t i = 0; i < incident->member_count; i++) {
        write_member(sql, incident->id, i + 1, &incident->members[i]);
    }
}

void mw_rows_write_incident(struct mw_sql *sql, const struct mw_incident *incident, int64_t before)
{
    if (before == 0) {
        mw_sql_add(sql, "INSERT INTO incident (" MW_INCIDENT_COLUMNS ", id)"
                        " VALUES (" MW_INCIDENT_MARKS ", ?)");
        write_incident_values(sql, incident, 1);
        mw_sql_integer(sql, incident->id);
    } else {
        mw_sql_add(sql, "UPDATE incident SET (" MW_INCIDENT_COLUMNS ") = (" MW_INCIDENT_MARKS ")"
                        " WHERE id = ? AND version = ?");
        write_incident_values(sql, incident, before + 1);
        mw_sql_integer(sql, incident->id);
        mw_sql_integer(sql, before);
    }
    mw_sql_expect(sql, 1);
    write_members(sql, incident);
}

static void write_step(struct mw_sql *sql, const struct mw_incident *incident, int revision,
                       const struct mw_step *step)
{
    mw_sql_add(sql, "INSERT INTO step (incident, revision, " MW_STEP_COLUMNS ")"
                    " VALUES (?, ?, " MW_STEP_MARKS ")"
                    " ON CONFLICT (incident, revision, position) DO UPDATE SET " MW_STEP_UPDATE);
    mw_sql_integer(sql, incident->id);
    mw_sql_integer(sql, revision);

    mw_sql_text(sql, step->kind != NULL ? step->kind : incident->kind);
    mw_sql_text(sql, step->environment != NULL ? step->environment : incident->environment);
    mw_sql_integer(sql, step->position);
    mw_sql_text(sql, step->tool);
    mw_sql_text(sql, step->resource);
    /* Never masked: this is what runs after a restart, and what the digest covers. */
    mw_sql_json(sql, step->arguments);
    mw_sql_masked(sql, step->why);
    mw_sql_masked(sql, step->expect);
    mw_sql_masked(sql, step->effect);
    mw_sql_text(sql, mw_risk_name(step->risk));
    mw_sql_masked(sql, step->risk_reason);
    mw_sql_json(sql, step->undo);
    mw_sql_text(sql, mw_step_state_name(step->state));
    mw_sql_masked_json(sql, step->result);
    mw_sql_integer(sql, step->started_at);
    mw_sql_integer(sql, step->ended_at);
}

void mw_rows_write_plan(struct mw_sql *sql, const struct mw_incident *incident,
                        const struct mw_plan *plan)
{
    mw_sql_add(sql, "INSERT INTO plan (incident, " MW_PLAN_COLUMNS ")"
                    " VALUES (?, " MW_PLAN_MARKS ")"
                    " ON CONFLICT (incident, revision) DO UPDATE SET " MW_PLAN_UPDATE);
    mw_sql_integer(sql, incident->id);
    mw_sql_integer(sql, plan->revision);
    mw_sql_text(sql, plan->digest);
    mw_sql_text(sql, plan->planner);
    mw_sql_masked(sql, plan->root_cause);
    mw_sql_real(sql, plan->confidence);
    mw_sql_masked_json(sql, plan->evidence);
    mw_sql_text(sql, mw_plan_state_name(plan->state));
    mw_sql_masked(sql, plan->state_reason);
    mw_sql_integer(sql, plan->automatic);
    mw_sql_integer(sql, plan->undo);
    mw_sql_integer(sql, plan->approvals_needed);
    mw_sql_integer(sql, plan->proposed_at);
    mw_sql_integer(sql, plan->approved_at);
    mw_sql_integer(sql, plan->expires_at);
    mw_sql_masked_json(sql, plan->usage);

    mw_sql_add(sql, "DELETE FROM step WHERE incident = ? AND revision = ? AND position > ?");
    mw_sql_integer(sql, incident->id);
    mw_sql_integer(sql, plan->revision);
    mw_sql_integer(sql, (int64_t)plan->step_count);
    for (size_t i = 0; i < plan->step_count; i++) {
        write_step(sql, incident, plan->revision, &plan->steps[i]);
    }
}

void mw_rows_write_decision(struct mw_sql *sql, const struct mw_incident *incident,
                            const struct mw_decision *decision)
{
    mw_sql_add(sql, "INSERT INTO decision (id, incident, " MW_DECISION_COLUMNS ")"
                    " VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM decision), ?, ?, ?, ?, ?, ?)");
    mw_sql_integer(sql, incident->id);
    mw_sql_text(sql, decision->person);
    mw_sql_text(sql, mw_action_name(decision->action));
    mw_sql_integer(sql, decision->revision);
    mw_sql_masked(sql, decision->note);
    mw_sql_integer(sql, decision->at);
}
