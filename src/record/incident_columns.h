/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the record: the columns in the order in which both sides, writing and reading, walk
 * them. */
#ifndef MIDWATCH_RECORD_INCIDENT_COLUMNS_H
#define MIDWATCH_RECORD_INCIDENT_COLUMNS_H

#define MW_INCIDENT_COLUMNS                                                                   \
    "version, resource, kind, environment, stage, outcome, outcome_reason, severity, since, " \
    "opened_at, closed_at, samples, findings, log, facts, reading_before, reading_after, "    \
    "detect_ms, analyse_ms, approve_ms, execute_ms, verify_ms, total_ms, collateral, "        \
    "acknowledged_by, mass"
/* What a list shows: the rest is not even read. */
#define MW_INCIDENT_COLUMNS_BRIEF                                                             \
    "version, resource, kind, environment, stage, outcome, outcome_reason, severity, since, " \
    "opened_at, closed_at, samples, findings, NULL, NULL, NULL, NULL, "                       \
    "detect_ms, analyse_ms, approve_ms, execute_ms, verify_ms, total_ms, NULL, "              \
    "acknowledged_by, mass"
#define MW_INCIDENT_MARKS \
    "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"

#define MW_MEMBER_COLUMNS                                                                    \
    "position, resource, kind, environment, severity, since, joined_at, samples, findings, " \
    "facts, reading_before, reading_after"
#define MW_MEMBER_COLUMNS_BRIEF                                                                \
    "position, resource, kind, environment, severity, since, joined_at, samples, NULL, NULL, " \
    "NULL, NULL"
#define MW_MEMBER_MARKS "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"

#define MW_PLAN_COLUMNS                                                                  \
    "revision, digest, planner, root_cause, confidence, evidence, state, state_reason, " \
    "automatic, undo, approvals_needed, proposed_at, approved_at, expires_at, model_usage"
#define MW_PLAN_MARKS "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"
#define MW_PLAN_UPDATE                                                                         \
    "digest = excluded.digest, planner = excluded.planner, root_cause = excluded.root_cause, " \
    "confidence = excluded.confidence, evidence = excluded.evidence, state = excluded.state, " \
    "state_reason = excluded.state_reason, automatic = excluded.automatic, "                   \
    "undo = excluded.undo, approvals_needed = excluded.approvals_needed, "                     \
    "proposed_at = excluded.proposed_at, approved_at = excluded.approved_at, "                 \
    "expires_at = excluded.expires_at, model_usage = excluded.model_usage"

#define MW_STEP_COLUMNS                                                                   \
    "kind, environment, position, tool, resource, arguments, why, expect, effect, risk, " \
    "risk_reason, undo, state, "                                                          \
    "result, started_at, ended_at"
#define MW_STEP_MARKS "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"
#define MW_STEP_UPDATE                                                                     \
    "tool = excluded.tool, resource = excluded.resource, arguments = excluded.arguments, " \
    "why = excluded.why, expect = excluded.expect, effect = excluded.effect, "             \
    "risk = excluded.risk, risk_reason = excluded.risk_reason, undo = excluded.undo, "     \
    "state = excluded.state, result = excluded.result, started_at = excluded.started_at, " \
    "ended_at = excluded.ended_at"

#define MW_DECISION_COLUMNS "person, action, revision, note, decided_at"

#endif
