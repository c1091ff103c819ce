/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <math.h>

static void set_text(void *owner, char **place, const char *text)
{
    talloc_free(*place);
    *place = talloc_strdup(owner, text);
}

struct mw_incident *fixture_incident(TALLOC_CTX *memory)
{
    struct mw_incident *incident = mw_incident_create(memory);
    incident->id = 42;
    set_text(incident, &incident->resource, "cache");
    set_text(incident, &incident->kind, "redis");
    set_text(incident, &incident->environment, "local");
    incident->stage = MW_STAGE_OPEN;
    incident->severity = MW_HEALTH_DEGRADED;
    incident->since = FIXTURE_SINCE;
    incident->opened_at = FIXTURE_SINCE + 1100;
    incident->samples = 2;
    incident->finding_count = 1;
    incident->findings = talloc_zero_array(incident, struct mw_finding, 1);
    incident->findings[0] = (struct mw_finding){
        .metric = talloc_strdup(incident, "memory_percent"),
        .value = 97.2,
        .limit = 95,
        .normal = 41,
        .health = MW_HEALTH_DEGRADED,
        .text = talloc_strdup(incident, "memory 97.2 % of maxmemory"),
    };
    incident->log_count = 2;
    incident->log = talloc_zero_array(incident, struct mw_log_excerpt, 2);
    incident->log[0] = (struct mw_log_excerpt){
        talloc_strdup(incident,
                      "03:08:05 # OOM command not allowed when used memory > 'maxmemory'"),
        184};
    incident->log[1] =
        (struct mw_log_excerpt){talloc_strdup(incident, "03:07:31 # Background saving error"), 1};
    incident->before.measured_at = FIXTURE_SINCE;
    incident->before.health = MW_HEALTH_DEGRADED;
    incident->before.metrics = json_pack("{s:f, s:f, s:f}", "memory_percent", 97.2,
                                         "connected_clients", 12.0, "latency_ms", 0.42);
    return incident;
}

struct mw_plan *fixture_propose(struct mw_incident *incident)
{
    struct mw_plan *plan = mw_incident_add_plan(incident, 1);
    plan->revision = (int)incident->plan_count;
    set_text(incident, &plan->digest,
             "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    set_text(incident, &plan->planner, "runbook");
    set_text(incident, &plan->root_cause,
             "sessions without expiry filled the instance; nothing may be evicted, so writes fail");
    plan->confidence = 0.82;
    plan->evidence = json_pack("[s]", "maxmemory-policy is noeviction");
    plan->proposed_at = FIXTURE_SINCE + 3400;
    struct mw_step *step = &plan->steps[0];
    step->position = 1;
    set_text(incident, &step->tool, "redis_scale_memory");
    set_text(incident, &step->resource, "cache");
    set_text(incident, &step->why, "there is room on the host");
    set_text(incident, &step->expect, "memory falls below 60 %");
    set_text(incident, &step->effect, "32 → 64 MiB (host has 5.1 GiB free)");
    step->risk = MW_RISK_REVERSIBLE;
    step->arguments = json_pack("{s:s, s:i}", "resource", "cache", "maxmemory", 67108864);
    step->undo = json_pack("{s:s, s:{s:s, s:i}}", "tool", "redis_scale_memory", "arguments",
                           "resource", "cache", "maxmemory", 33554432);
    incident->stage = MW_STAGE_JUDGE;
    return plan;
}

void fixture_ask(struct mw_incident *incident, int approvers)
{
    struct mw_plan *plan = mw_incident_plan(incident);
    plan->approvals_needed = approvers;
    plan->expires_at = plan->proposed_at + 1800000;
    incident->stage = MW_STAGE_ASK;
}

void fixture_approve(struct mw_incident *incident, const char *person)
{
    struct mw_decision *decision = mw_incident_add_decision(incident);
    decision->person = talloc_strdup(incident, person);
    decision->action = MW_ACTION_APPROVE;
    decision->revision = mw_incident_plan(incident)->revision;
    decision->at = FIXTURE_SINCE + 88000;
}

void fixture_start_step(struct mw_incident *incident)
{
    struct mw_plan *plan = mw_incident_plan(incident);
    plan->state = MW_PLAN_SPENT;
    plan->approved_at = FIXTURE_SINCE + 88000;
    plan->steps[0].state = MW_STEP_STARTED;
    plan->steps[0].started_at = FIXTURE_SINCE + 88100;
    incident->stage = MW_STAGE_EXECUTE;
}

void fixture_end_step(struct mw_incident *incident)
{
    struct mw_step *step = &mw_incident_plan(incident)->steps[0];
    step->state = MW_STEP_DONE;
    step->ended_at = FIXTURE_SINCE + 88300;
    step->result =
        json_pack("{s:b, s:s, s:{}}", "ok", 1, "summary", "maxmemory is 64 MiB now", "data");
    incident->stage = MW_STAGE_VERIFY;
}

void fixture_recover(struct mw_incident *incident)
{
    incident->stage = MW_STAGE_CLOSED;
    incident->outcome = MW_OUTCOME_RECOVERED;
    incident->closed_at = FIXTURE_SINCE + 98500;
    incident->after.measured_at = FIXTURE_SINCE + 98400;
    incident->after.health = MW_HEALTH_HEALTHY;
    incident->after.metrics = json_pack("{s:f, s:f, s:f}", "memory_percent", 48.6,
                                        "connected_clients", 12.0, "latency_ms", 0.4);
    incident->durations = (struct mw_durations){.detect = 1100,
                                                .analyse = 2300,
                                                .approve = 82000,
                                                .execute = 200,
                                                .verify = 10100,
                                                .total = 95700};
    incident->collateral = json_array();
    set_text(incident, &incident->outcome_reason, "healthy for 10 s");
}

/* ---- a resource that needs no server ---- */

static bool target_create(struct mw_target *target, const void *config, struct mw_error *error)
{
    return true;
}

static bool target_probe(struct mw_target *target, struct mw_deadline deadline,
                         struct mw_sample *sample, struct mw_error *error)
{
    return mw_error_set(error, MW_ERROR_RETRY, "nobody there");
}

static const struct mw_metric_spec metrics[] = {
    {"memory_percent", "memory", "%", "maxmemory", 95, 99.5, false},
    {"connected_clients", "clients", "", NULL, NAN, NAN, false},
    {"latency_ms", "latency", "ms", NULL, NAN, NAN, false},
    {"slots_percent", "connection slots", "%", NULL, 80, NAN, false},
    {0},
};

static const struct mw_tool tools[] = {{0}};

static const struct mw_option options[] = {{0}};

static const struct mw_target_ops target_ops = {.kind = "redis",
                                                .environment = "local",
                                                .options = options,
                                                .config_size = 1,
                                                .metrics = metrics,
                                                .tools = tools,
                                                .create = target_create,
                                                .probe = target_probe};

static const struct mw_resource_config resource_config = {
    .name = "cache", .kind = "redis", .every = 5000, .timeout = 2000, .hold = 2};

struct mw_watch *fixture_watch(TALLOC_CTX *memory)
{
    struct mw_error error;
    struct mw_watch *watch = mw_watch_create(memory);
    return mw_watch_add(watch, &target_ops, &resource_config, "", &error) != NULL ? watch : NULL;
}
