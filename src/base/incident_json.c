/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "midwatch/incident.h"

/* Text that jansson would refuse is made harmless, so that no key is ever missing. */
static json_t *text_or_null(const char *text)
{
    if (text == NULL) {
        return json_null();
    }
    json_t *value = json_string(text);
    if (value == NULL) {
        size_t length = strlen(text);
        char *clean = mw_text_clean(NULL, text, length, 3 * length);
        value = json_string(clean != NULL ? clean : "");
        talloc_free(clean);
    }
    return value;
}

static json_t *time_or_null(mw_wall_ms at)
{
    if (at == 0) {
        return json_null();
    }
    char *text = mw_time_rfc3339(NULL, at);
    json_t *value = text_or_null(text);
    talloc_free(text);
    return value;
}

static json_t *number_or_null(double number)
{
    return isfinite(number) ? json_real(number) : json_null();
}

/* Shared, not copied: who reads the document does not change it. */
static json_t *value_or_null(json_t *value)
{
    return value != NULL ? json_incref(value) : json_null();
}

static json_t *value_or_empty(json_t *value, json_t *empty)
{
    if (value == NULL) {
        return empty;
    }
    json_decref(empty);
    return json_incref(value);
}

static json_t *step_to_json(const struct mw_step *step)
{
    json_t *object = json_object();
    json_object_set_new(object, "tool", text_or_null(step->tool));
    json_object_set_new(object, "resource", text_or_null(step->resource));
    json_object_set_new(object, "arguments", value_or_empty(step->arguments, json_object()));
    json_object_set_new(object, "risk", json_string(mw_risk_name(step->risk)));
    json_object_set_new(object, "state", json_string(mw_step_state_name(step->state)));
    json_object_set_new(object, "why", text_or_null(step->why));
    json_object_set_new(object, "expect", text_or_null(step->expect));
    json_object_set_new(object, "undo", value_or_null(step->undo));
    json_object_set_new(object, "result", value_or_null(step->result));
    json_object_set_new(object, "started_at", time_or_null(step->started_at));
    json_object_set_new(object, "ended_at", time_or_null(step->ended_at));
    return object;
}

static void add_number(json_t *sum, const json_t *usage, const char *name)
{
    const json_t *more = json_object_get(usage, name), *before = json_object_get(sum, name);
    if (!json_is_number(more)) {
        return;
    }
    if (json_is_integer(more) && (before == NULL || json_is_integer(before))) {
        json_object_set_new(sum, name,
                            json_integer(json_integer_value(before) + json_integer_value(more)));
    } else {
        json_object_set_new(sum, name,
                            json_real(json_number_value(before) + json_number_value(more)));
    }
}

void mw_usage_add(json_t *sum, const json_t *usage)
{
    static const char *const numbers[] = {"turns", "input_tokens", "output_tokens", "latency_ms",
                                          "cost_usd"};
    if (!json_is_object(usage)) {
        return;
    }
    json_object_set(sum, "model", json_object_get(usage, "model"));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        add_number(sum, usage, numbers[i]);
    }
}

json_t *mw_incident_usage(const struct mw_incident *incident)
{
    json_t *sum = json_object();
    for (size_t i = 0; i < incident->plan_count; i++) {
        mw_usage_add(sum, incident->plans[i].usage);
    }
    return sum;
}

static json_t *plan_to_json(const struct mw_plan *plan)
{
    json_t *steps = json_array();
    for (size_t i = 0; i < plan->step_count; i++) {
        json_array_append_new(steps, step_to_json(&plan->steps[i]));
    }
    json_t *object = json_object();
    json_object_set_new(object, "revision", json_integer(plan->revision));
    json_object_set_new(object, "digest", text_or_null(plan->digest));
    json_object_set_new(object, "planner", text_or_null(plan->planner));
    json_object_set_new(object, "state", json_string(mw_plan_state_name(plan->state)));
    json_object_set_new(object, "state_reason", text_or_null(plan->state_reason));
    json_object_set_new(object, "automatic", json_boolean(plan->automatic));
    json_object_set_new(object, "root_cause", text_or_null(plan->root_cause));
    json_object_set_new(object, "confidence", number_or_null(plan->confidence));
    json_object_set_new(object, "evidence", value_or_empty(plan->evidence, json_array()));
    json_object_set_new(object, "proposed_at", time_or_null(plan->proposed_at));
    json_object_set_new(object, "steps", steps);
    return object;
}

static json_t *decision_to_json(const struct mw_decision *decision)
{
    json_t *object = json_object();
    json_object_set_new(object, "person", text_or_null(decision->person));
    json_object_set_new(object, "action", json_string(mw_action_name(decision->action)));
    json_object_set_new(object, "revision",
                        decision->revision > 0 ? json_integer(decision->revision) : json_null());
    json_object_set_new(object, "note", text_or_null(decision->note));
    json_object_set_new(object, "at", time_or_null(decision->at));
    return object;
}

static json_t *finding_to_json(const struct mw_finding *finding)
{
    json_t *object = json_object();
    bool measured = finding->metric != NULL;
    json_object_set_new(object, "metric", text_or_null(finding->metric));
    json_object_set_new(object, "value", measured ? number_or_null(finding->value) : json_null());
    json_object_set_new(object, "limit", measured ? number_or_null(finding->limit) : json_null());
    json_object_set_new(object, "normal", measured ? number_or_null(finding->normal) : json_null());
    json_object_set_new(object, "status", json_string(mw_health_name(finding->health)));
    json_object_set_new(object, "text", text_or_null(finding->text));
    return object;
}

static json_t *log_to_json(const struct mw_log_excerpt *excerpt)
{
    json_t *object = json_object();
    json_object_set_new(object, "line", text_or_null(excerpt->line));
    json_object_set_new(object, "times", json_integer(excerpt->times));
    return object;
}

json_t *mw_durations_to_json(const struct mw_durations *durations)
{
    const struct {
        const char *name;
        int64_t ms;
    } parts[] = {
        {"detect", durations->detect},   {"analyse", durations->analyse},
        {"approve", durations->approve}, {"execute", durations->execute},
        {"verify", durations->verify},   {"total", durations->total},
    };
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        json_object_set_new(object, parts[i].name, json_real((double)parts[i].ms / 1000));
    }
    return object;
}

static void add_lists(json_t *object, const struct mw_incident *incident)
{
    json_t *findings = json_array(), *log = json_array(), *plans = json_array(),
           *decisions = json_array();
    for (size_t i = 0; i < incident->finding_count; i++) {
        json_array_append_new(findings, finding_to_json(&incident->findings[i]));
    }
    for (size_t i = 0; i < incident->log_count; i++) {
        json_array_append_new(log, log_to_json(&incident->log[i]));
    }
    for (size_t i = 0; i < incident->plan_count; i++) {
        json_array_append_new(plans, plan_to_json(&incident->plans[i]));
    }
    for (size_t i = 0; i < incident->decision_count; i++) {
        json_array_append_new(decisions, decision_to_json(&incident->decisions[i]));
    }
    json_object_set_new(object, "findings", findings);
    json_object_set_new(object, "log", log);
    json_object_set_new(object, "plans", plans);
    json_object_set_new(object, "decisions", decisions);
}

static json_t *member_to_json(const struct mw_member *member)
{
    json_t *object = json_object(), *findings = json_array();
    for (size_t i = 0; i < member->finding_count; i++) {
        json_array_append_new(findings, finding_to_json(&member->findings[i]));
    }
    json_object_set_new(object, "resource", text_or_null(member->resource));
    json_object_set_new(object, "kind", text_or_null(member->kind));
    json_object_set_new(object, "environment", text_or_null(member->environment));
    json_object_set_new(object, "severity", json_string(mw_health_name(member->severity)));
    json_object_set_new(object, "since", time_or_null(member->since));
    json_object_set_new(object, "joined_at", time_or_null(member->joined_at));
    json_object_set_new(object, "findings", findings);
    json_object_set_new(object, "before", value_or_empty(member->before.metrics, json_object()));
    json_object_set_new(object, "after", value_or_empty(member->after.metrics, json_object()));
    return object;
}

json_t *mw_incident_to_json(const struct mw_incident *incident)
{
    json_t *object = json_object(), *resources = json_array(), *members = json_array();
    if (incident->resource != NULL) {
        json_array_append_new(resources, text_or_null(incident->resource));
    }
    for (size_t i = 0; i < incident->member_count; i++) {
        json_array_append_new(resources, text_or_null(incident->members[i].resource));
        json_array_append_new(members, member_to_json(&incident->members[i]));
    }
    json_object_set_new(object, "id", json_sprintf("I%lld", (long long)incident->id));
    json_object_set_new(object, "resources", resources);
    json_object_set_new(object, "kind", text_or_null(incident->kind));
    json_object_set_new(object, "environment", text_or_null(incident->environment));
    json_object_set_new(object, "stage", json_string(mw_stage_name(incident->stage)));
    json_object_set_new(object, "outcome", text_or_null(mw_outcome_name(incident->outcome)));
    json_object_set_new(object, "outcome_reason", text_or_null(incident->outcome_reason));
    json_object_set_new(object, "severity", json_string(mw_health_name(incident->severity)));
    json_object_set_new(object, "since", time_or_null(incident->since));
    json_object_set_new(object, "opened_at", time_or_null(incident->opened_at));
    json_object_set_new(object, "closed_at", time_or_null(incident->closed_at));
    json_object_set_new(object, "acknowledged_by", text_or_null(incident->acknowledged_by));
    add_lists(object, incident);
    json_object_set_new(object, "seconds", mw_durations_to_json(&incident->durations));
    json_object_set_new(object, "before", value_or_empty(incident->before.metrics, json_object()));
    json_object_set_new(object, "after", value_or_empty(incident->after.metrics, json_object()));
    json_object_set_new(object, "members", members);
    json_object_set_new(object, "mass_failure", json_boolean(incident->mass));
    json_object_set_new(object, "collateral", value_or_empty(incident->collateral, json_array()));
    json_object_set_new(object, "llm", mw_incident_usage(incident));
    return object;
}
