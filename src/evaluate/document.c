/* SPDX-License-Identifier: Apache-2.0 */
/* A report for programs: report.json. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "evaluate/report.h"

static json_t *text_or_null(const char *text)
{
    json_t *value = text != NULL ? json_string(text) : NULL;
    return value != NULL ? value : json_null();
}

static json_t *seconds_or_null(int64_t ms)
{
    return ms >= 0 ? json_real((double)ms / 1000) : json_null();
}

static json_t *ratio_or_null(int64_t part, int64_t whole)
{
    return whole > 0 ? json_real((double)part / (double)whole) : json_null();
}

static json_t *time_text(mw_wall_ms at)
{
    char *text = mw_time_rfc3339(NULL, at);
    json_t *value = text_or_null(text);
    talloc_free(text);
    return value;
}

static json_t *figures_to_json(const struct mw_report_figures *figures)
{
    json_t *object = json_object(), *outcomes = json_object();
    const struct mw_past_usage *usage = &figures->usage;
    json_object_set_new(object, "runs", json_integer(figures->runs));
    json_object_set_new(object, "passed", json_integer(figures->passed));
    json_object_set_new(object, "success_rate", ratio_or_null(figures->passed, figures->runs));
    json_object_set_new(object, "tool_accuracy", json_null());
    json_object_set_new(object, "median_detect_s", seconds_or_null(figures->detect));
    json_object_set_new(object, "median_approve_s", seconds_or_null(figures->approve));
    json_object_set_new(object, "median_total_s", seconds_or_null(figures->recover));
    json_object_set_new(object, "llm_cost_usd",
                        isnan(usage->cost_usd) ? json_null() : json_real(usage->cost_usd));
    json_object_set_new(object, "llm_input_tokens", json_integer(usage->input_tokens));
    json_object_set_new(object, "llm_output_tokens", json_integer(usage->output_tokens));
    json_object_set_new(object, "incidents", json_integer(figures->incidents));
    for (int i = MW_OUTCOME_RECOVERED; i <= MW_OUTCOME_HANDED_OVER; i++) {
        json_object_set_new(outcomes, mw_outcome_name((enum mw_outcome)i),
                            json_integer(figures->outcomes[i]));
    }
    json_object_set_new(object, "outcomes", outcomes);
    json_object_set_new(object, "plans_automatic", json_integer(figures->automatic));
    json_object_set_new(object, "plans_approved", json_integer(figures->approved));
    return object;
}

static json_t *resource_to_json(const struct mw_report_resource *resource)
{
    json_t *object = json_object();
    json_object_set_new(object, "resource", text_or_null(resource->name));
    json_object_set_new(object, "kind", text_or_null(resource->kind));
    json_object_set_new(object, "environment", text_or_null(resource->environment));
    json_object_set_new(object, "incidents", json_integer(resource->incidents));
    json_object_set_new(object, "part_of_others", json_integer(resource->as_member));
    json_object_set_new(object, "runs", json_integer(resource->runs));
    json_object_set_new(object, "passed", json_integer(resource->passed));
    json_object_set_new(object, "median_total_s", seconds_or_null(resource->recover));
    json_object_set_new(object, "ill_s", seconds_or_null(resource->ill));
    return object;
}

static json_t *tool_to_json(const struct mw_report_tool *tool)
{
    json_t *object = json_object();
    json_object_set_new(object, "tool", text_or_null(tool->name));
    json_object_set_new(object, "tried", json_integer(tool->tried));
    json_object_set_new(object, "recovered", json_integer(tool->recovered));
    return object;
}

/* ---- one run ---- */

/* The newest plan of which a step was begun; NULL cannot be in a run, but in a damaged record. */
static const struct mw_plan *ran_last(const struct mw_incident *incident, json_t *tools)
{
    const struct mw_plan *last = NULL;
    for (size_t i = 0; i < incident->plan_count; i++) {
        const struct mw_plan *plan = &incident->plans[i];
        for (size_t j = 0; j < plan->step_count; j++) {
            if (plan->steps[j].started_at != 0) {
                json_array_append_new(tools, text_or_null(plan->steps[j].tool));
                last = plan->undo ? last : plan;
            }
        }
    }
    return last;
}

static int retries_of(const struct mw_incident *incident)
{
    int plans = 0;
    for (size_t i = 0; i < incident->plan_count; i++) {
        plans += incident->plans[i].state == MW_PLAN_SPENT && !incident->plans[i].undo;
    }
    return plans > 1 ? plans - 1 : 0;
}

static json_t *seconds_of(const struct mw_durations *durations)
{
    json_t *object = mw_durations_to_json(durations);
    json_object_set_new(object, "reset", json_null());
    return object;
}

static json_t *usage_of(const struct mw_incident *incident)
{
    static const char *const numbers[] = {"input_tokens", "output_tokens", "cost_usd"};
    json_auto_t *usage = mw_incident_usage(incident);
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        json_t *value = json_object_get(usage, numbers[i]);
        /* Where no model was asked, that cost nothing. */
        json_object_set_new(object, numbers[i],
                            value != NULL                  ? json_incref(value)
                            : json_object_size(usage) == 0 ? json_integer(0)
                                                           : json_null());
    }
    return object;
}

static json_t *metrics_of(const struct mw_reading *reading)
{
    return reading->metrics != NULL ? json_incref(reading->metrics) : json_object();
}

static json_t *run_to_json(const struct mw_incident *incident)
{
    bool passed = incident->outcome == MW_OUTCOME_RECOVERED;
    json_t *object = json_object(), *tools = json_array();
    const struct mw_plan *plan = ran_last(incident, tools);
    json_object_set_new(object, "scenario", json_null());
    json_object_set_new(object, "incident", json_sprintf("I%lld", (long long)incident->id));
    json_object_set_new(object, "closed_at", time_text(incident->closed_at));
    json_object_set_new(object, "resource", text_or_null(incident->resource));
    json_object_set_new(object, "environment", text_or_null(incident->environment));
    json_object_set_new(object, "status", json_string(passed ? "PASS" : "FAIL"));
    json_object_set_new(object, "outcome", text_or_null(mw_outcome_name(incident->outcome)));
    json_object_set_new(object, "seconds", seconds_of(&incident->durations));
    json_object_set_new(object, "planner", text_or_null(plan != NULL ? plan->planner : NULL));
    json_object_set_new(object, "tools", tools);
    json_object_set_new(object, "tools_expected", json_null());
    json_object_set_new(object, "retries", json_integer(retries_of(incident)));
    json_object_set_new(object, "final_status",
                        json_string(mw_health_name(incident->after.health)));
    json_object_set_new(object, "root_cause", text_or_null(plan != NULL ? plan->root_cause : NULL));
    json_object_set_new(object, "diagnosis_ok", json_null());
    json_object_set_new(object, "collateral",
                        incident->collateral != NULL ? json_incref(incident->collateral)
                                                     : json_array());
    json_object_set_new(object, "before", metrics_of(&incident->before));
    json_object_set_new(object, "after", metrics_of(&incident->after));
    json_object_set_new(object, "llm", usage_of(incident));
    return object;
}

json_t *mw_report_to_json(const struct mw_report *report)
{
    json_t *object = json_object(), *resources = json_array(), *tools = json_array(),
           *runs = json_array();
    for (size_t i = 0; i < report->resource_count; i++) {
        json_array_append_new(resources, resource_to_json(&report->resources[i]));
    }
    for (size_t i = 0; i < report->tool_count; i++) {
        json_array_append_new(tools, tool_to_json(&report->tools[i]));
    }
    for (size_t i = 0; i < report->run_count; i++) {
        json_array_append_new(runs, run_to_json(report->runs[i]));
    }
    json_object_set_new(object, "name", text_or_null(report->name));
    json_object_set_new(object, "generated_at", time_text(report->at));
    json_object_set_new(object, "since", time_text(report->from));
    json_object_set_new(object, "summary", figures_to_json(&report->now));
    json_object_set_new(object, "before", figures_to_json(&report->before));
    json_object_set_new(object, "resources", resources);
    json_object_set_new(object, "tools", tools);
    json_object_set_new(object, "runs", runs);
    json_object_set_new(object, "runs_left_out",
                        json_integer(report->now.runs - (int64_t)report->run_count));
    return object;
}
