/* SPDX-License-Identifier: Apache-2.0 */
/* What a planner is told, and how its answer becomes a plan: nothing in it is taken on trust. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/redact.h"
#include "base/text.h"
#include "respond/case.h"
#include "runtime/digest.h"

#define STEPS_MAX      8
#define SENTENCE_MAX   600
#define ASSESS_TIME_MS 10000
#define LOOK_TIME_MS   15000

static const char proposal_schema[] =
    "{\"type\":\"object\",\"required\":[\"root_cause\",\"confidence\",\"steps\"],"
    "\"additionalProperties\":false,\"properties\":{\"usage\":{\"type\":\"object\"},"
    "\"root_cause\":{\"type\":\"string\",\"minLength\":1},"
    "\"confidence\":{\"type\":\"number\",\"minimum\":0,\"maximum\":1},"
    "\"evidence\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"maxItems\":20},"
    "\"steps\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":8,\"items\":{\"type\":\"object\","
    "\"required\":[\"tool\",\"arguments\",\"why\"],\"additionalProperties\":false,\"properties\":{"
    "\"tool\":{\"type\":\"string\"},\"arguments\":{\"type\":\"object\"},"
    "\"why\":{\"type\":\"string\"},\"expect\":{\"type\":\"string\"}}}}}}";

/* ---- what a planner is told ---- */

static json_t *number_or_null(double value)
{
    return isnan(value) ? json_null() : json_real(value);
}

static json_t *situation_findings(const struct mw_incident *incident)
{
    json_t *findings = json_array();
    for (size_t i = 0; i < incident->finding_count; i++) {
        const struct mw_finding *f = &incident->findings[i];
        json_array_append_new(findings,
                              json_pack("{s:s?, s:o, s:o, s:o, s:s?}", "metric", f->metric, "value",
                                        number_or_null(f->value), "limit", number_or_null(f->limit),
                                        "normal", number_or_null(f->normal), "text", f->text));
    }
    return findings;
}

static json_t *situation_log(const struct mw_incident *incident)
{
    json_t *log = json_array();
    for (size_t i = 0; i < incident->log_count; i++)
        json_array_append_new(log, json_pack("{s:s, s:i}", "line", incident->log[i].line, "times",
                                             incident->log[i].times));
    return log;
}

static json_t *situation_previous(const struct mw_incident *incident, json_t *complaints)
{
    json_t *previous = json_array();
    for (size_t i = 0; i < incident->plan_count; i++) {
        const struct mw_plan *plan = &incident->plans[i];
        json_t *steps = json_array();
        for (size_t j = 0; j < plan->step_count; j++) {
            const struct mw_step *step = &plan->steps[j];
            json_array_append_new(steps, json_pack("{s:s, s:O, s:s, s:O?}", "tool", step->tool,
                                                   "arguments", step->arguments, "state",
                                                   mw_step_state_name(step->state), "result",
                                                   step->result));
        }
        json_t *entry = json_pack("{s:i, s:o, s:s?}", "revision", plan->revision, "steps", steps,
                                  "complaint", plan->state_reason);
        if (i + 1 == incident->plan_count && incident->after.metrics != NULL) {
            json_object_set_new(entry, "health_after",
                                json_string(mw_health_name(incident->after.health)));
            json_object_set(entry, "metrics_after", incident->after.metrics);
        }
        json_array_append_new(previous, entry);
    }
    json_array_extend(previous, complaints);
    return previous;
}

json_t *mw_situation(const struct mw_case *self, const struct mw_resource *resource,
                     json_t *complaints)
{
    const struct mw_incident *incident = self->incident;
    const struct mw_target_ops *kinds[] = {resource->target.ops, NULL};
    char id[24];
    snprintf(id, sizeof id, "I%lld", (long long)incident->id);
    json_auto_t *situation = json_pack(
        "{s:s, s:i, s:{s:s, s:s, s:s, s:b}, s:s, s:o, s:o, s:O?, s:o, s:o, s:o}", "incident", id,
        "attempt", (int)incident->plan_count + 1, "resource", "name", resource->name, "kind",
        resource->kind, "environment", resource->environment, "cache", resource->target.cache,
        "health", mw_health_name(resource->health), "findings", situation_findings(incident),
        "metrics", mw_sample_to_json(&resource->last), "facts", incident->facts, "log",
        situation_log(incident), "tools", mw_catalogue_to_json(kinds), "previous",
        situation_previous(incident, complaints));
    return mw_redact_json(situation);
}

/* ---- what became of its answer ---- */

bool mw_tool_assess(const struct mw_tool *tool, struct mw_resource *resource,
                    const json_t *arguments, TALLOC_CTX *memory, struct mw_assessment *out,
                    struct mw_error *error)
{
    struct mw_assessment assessment = {.risk = tool->floor};
    if (tool->assess == NULL) {
        assessment.arguments = json_deep_copy(arguments);
        *out = assessment;
        return true;
    }
    if (!tool->assess(&resource->target, arguments, mw_deadline_in(ASSESS_TIME_MS), memory,
                      &assessment, error))
        return false;
    if (assessment.risk < tool->floor)
        assessment.risk = tool->floor;
    *out = assessment;
    return true;
}

static char *sentence(TALLOC_CTX *memory, const json_t *text)
{
    const char *value = json_string_value(text);
    if (value == NULL)
        return NULL;
    char *clean = mw_text_clean(memory, value, json_string_length(text), SENTENCE_MAX);
    return mw_redact(memory, clean);
}

/* The tool that a stranger named, if it is one of the resource's and the arguments fit it. */
static const struct mw_tool *known_call(const struct mw_resource *resource, const char *name,
                                        const json_t *arguments, struct mw_error *error)
{
    const struct mw_tool *tool = mw_catalogue_find(resource->target.ops, name);
    if (tool == NULL) {
        mw_error_set(error, MW_ERROR_BAD_INPUT, "there is no tool \"%.60s\" for a %s", name,
                     resource->kind);
        return NULL;
    }
    json_auto_t *schema = json_loads(tool->schema, 0, NULL);
    if (!mw_json_check(schema, arguments, "arguments", error)) {
        mw_error_wrap(error, "%s", tool->name);
        return NULL;
    }
    const char *target = json_string_value(json_object_get(arguments, "resource"));
    if (target == NULL || strcmp(target, resource->name) != 0) {
        mw_error_set(error, MW_ERROR_REFUSED,
                     "%s: the resource must be \"%s\", which this incident is about", tool->name,
                     resource->name);
        return NULL;
    }
    return tool;
}

bool mw_look(struct mw_resource *resource, const char *name, const json_t *arguments,
             json_t **result, struct mw_error *error)
{
    const struct mw_tool *tool = known_call(resource, name, arguments, error);
    if (tool == NULL)
        return false;
    if (tool->floor != MW_RISK_READ)
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "%s changes things: propose it as a step instead", tool->name);
    json_auto_t *raw = NULL;
    if (!tool->run(&resource->target, arguments, mw_deadline_in(LOOK_TIME_MS), &raw, error))
        return false;
    *result = mw_redact_json(raw);
    return true;
}

static bool accept_step(struct mw_case *self, struct mw_resource *resource, const json_t *proposed,
                        struct mw_step *step, TALLOC_CTX *memory, struct mw_error *error)
{
    const json_t *arguments = json_object_get(proposed, "arguments");
    const struct mw_tool *tool = known_call(
        resource, json_string_value(json_object_get(proposed, "tool")), arguments, error);
    if (tool == NULL)
        return false;

    struct mw_assessment assessment;
    if (!mw_tool_assess(tool, resource, arguments, memory, &assessment, error))
        return mw_error_wrap(error, "%s", tool->name);
    step->tool = talloc_strdup(memory, tool->name);
    step->resource = talloc_strdup(memory, resource->name);
    step->arguments = assessment.arguments;
    step->undo = assessment.undo;
    step->risk = assessment.risk;
    step->risk_reason = talloc_strdup(memory, assessment.reason);
    step->effect = talloc_strdup(memory, assessment.effect);
    step->why = sentence(memory, json_object_get(proposed, "why"));
    step->expect = sentence(memory, json_object_get(proposed, "expect"));

    struct mw_judgement judgement = mw_policy_judge(self->respond->settings.policy, tool->name,
                                                    step->risk, resource, mw_wall_now());
    if (judgement.verdict == MW_VERDICT_DENY)
        return mw_error_set(error, MW_ERROR_REFUSED, "%s is not allowed: %s", tool->name,
                            judgement.why);
    return true;
}

static void release_steps(struct mw_step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_decref(steps[i].arguments);
        json_decref(steps[i].undo);
    }
}

void mw_plan_seal(struct mw_plan *plan, const struct mw_target_ops *ops)
{
    json_auto_t *sealed = json_array();
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct mw_step *step = &plan->steps[i];
        const struct mw_tool *tool = mw_catalogue_find(ops, step->tool);
        json_array_append_new(sealed, json_pack("{s:s, s:s, s:O, s:O?, s:s}", "tool", step->tool,
                                                "resource", step->resource, "arguments",
                                                step->arguments, "undo", step->undo, "schema",
                                                tool != NULL ? tool->schema : ""));
    }
    char *text = mw_json_canonical(plan->steps, sealed);
    char digest[MW_SHA256_HEX];
    mw_sha256_hex(text, strlen(text), digest);
    plan->digest = talloc_strdup(plan->steps, digest);
    talloc_free(text);
}

bool mw_proposal_accept(struct mw_case *self, struct mw_resource *resource, const json_t *proposal,
                        const char *planner, struct mw_error *error)
{
    json_auto_t *schema = json_loads(proposal_schema, 0, NULL);
    if (!mw_json_check(schema, proposal, "proposal", error))
        return false;
    const json_t *proposed = json_object_get(proposal, "steps");
    size_t count = json_array_size(proposed);

    /* The steps are made aside and moved once all are accepted: assessing suspends, and others may
     * look at the incident meanwhile. */
    struct mw_incident *incident = self->incident;
    struct mw_step *steps = talloc_zero_array(incident, struct mw_step, count);
    for (size_t i = 0; i < count; i++) {
        steps[i].position = (int)i + 1;
        if (!accept_step(self, resource, json_array_get(proposed, i), &steps[i], steps, error)) {
            release_steps(steps, count);
            talloc_free(steps);
            return false;
        }
    }
    struct mw_plan *plan = mw_incident_add_plan(incident, count);
    memcpy(plan->steps, steps, count * sizeof *steps);
    talloc_steal(plan->steps, steps); /* the strings hang on it */
    plan->planner = talloc_strdup(plan->steps, planner);
    plan->root_cause = sentence(plan->steps, json_object_get(proposal, "root_cause"));
    plan->confidence = json_number_value(json_object_get(proposal, "confidence"));
    const json_t *evidence = json_object_get(proposal, "evidence");
    json_decref(plan->evidence);
    plan->evidence = evidence != NULL ? mw_redact_json(evidence) : json_array();
    plan->usage = json_deep_copy(json_object_get(proposal, "usage"));
    plan->state = MW_PLAN_PROPOSED;
    plan->proposed_at = mw_wall_now();
    mw_plan_seal(plan, resource->target.ops);
    return true;
}

struct mw_plan *mw_plan_undo(struct mw_case *self, const char *person, struct mw_error *error)
{
    struct mw_incident *incident = self->incident;
    const struct mw_resource *resource = mw_case_resource(self);
    size_t count = 0;
    int revision = 0;
    for (size_t i = incident->plan_count; i > 0 && count == 0; i--) {
        const struct mw_plan *plan = &incident->plans[i - 1];
        revision = plan->revision;
        for (size_t j = 0; j < plan->step_count && !plan->undo; j++)
            count += plan->steps[j].state == MW_STEP_DONE && plan->steps[j].undo != NULL;
    }
    if (resource == NULL || count == 0) {
        mw_error_set(error, MW_ERROR_REFUSED, "nothing was done in I%lld that can be undone",
                     (long long)incident->id);
        return NULL;
    }
    struct mw_plan *plan = mw_incident_add_plan(incident, count);
    const struct mw_plan *done = mw_incident_find_plan(incident, revision);
    size_t at = 0;
    for (size_t j = done->step_count; j > 0; j--) {
        const struct mw_step *step = &done->steps[j - 1];
        if (step->state != MW_STEP_DONE || step->undo == NULL)
            continue;
        struct mw_step *undo = &plan->steps[at];
        const char *tool = json_string_value(json_object_get(step->undo, "tool"));
        undo->position = (int)++at;
        undo->tool = talloc_strdup(plan->steps, tool);
        undo->resource = talloc_strdup(plan->steps, step->resource);
        undo->arguments = json_deep_copy(json_object_get(step->undo, "arguments"));
        undo->why = talloc_asprintf(plan->steps, "takes back step %d of r%d", step->position,
                                    done->revision);
        undo->risk = step->risk;
    }
    plan->planner = talloc_asprintf(plan->steps, "undo by %s", person);
    plan->root_cause = talloc_asprintf(plan->steps, "%s asked to take r%d back", person, revision);
    plan->confidence = 1;
    plan->undo = true;
    plan->state = MW_PLAN_APPROVED;
    plan->proposed_at = plan->approved_at = mw_wall_now();
    mw_plan_seal(plan, resource->target.ops);
    return plan;
}
