/* SPDX-License-Identifier: Apache-2.0 */
/* How what a planner answers becomes a plan: nothing in it is taken on trust. */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/redact.h"
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
    return mw_redact_line(memory, value, json_string_length(text), SENTENCE_MAX);
}

/* The resource that a stranger named, if the incident has to do with it. */
static struct mw_resource *known_resource(const struct mw_case *self, const char *tool,
                                          const json_t *arguments, struct mw_error *error)
{
    const char *name = json_string_value(json_object_get(arguments, "resource"));
    struct mw_resource *resource = name != NULL ? mw_group_scope(self, name) : NULL;
    if (resource == NULL)
        mw_error_set(error, MW_ERROR_REFUSED,
                     "%.60s: the resource must be \"%s\"%s, which this incident is about", tool,
                     self->incident->resource,
                     self->incident->member_count > 0 ? " or one of its others" : "");
    return resource;
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
    return tool;
}

static bool look_at(struct mw_resource *resource, const char *name, const json_t *arguments,
                    json_t **result, struct mw_error *error)
{
    const struct mw_tool *tool = known_call(resource, name, arguments, error);
    if (tool == NULL)
        return false;
    if (tool->floor != MW_RISK_READ)
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "%s changes things: propose it as a step instead", tool->name);
    json_auto_t *raw = NULL;
    TALLOC_CTX *held = talloc_new(NULL);
    mw_watch_hold(resource, held);
    bool ok = tool->run(&resource->target, arguments, mw_deadline_in(LOOK_TIME_MS), &raw, error);
    talloc_free(held);
    if (ok)
        *result = mw_redact_json(raw);
    return ok;
}

bool mw_look(const struct mw_case *self, const char *name, const json_t *arguments, json_t **result,
             struct mw_error *error)
{
    struct mw_resource *resource = known_resource(self, name, arguments, error);
    return resource != NULL && look_at(resource, name, arguments, result, error);
}

bool mw_look_anywhere(const struct mw_watch *watch, const char *tool, const json_t *arguments,
                      json_t **result, struct mw_error *error)
{
    const char *name = json_string_value(json_object_get(arguments, "resource"));
    struct mw_resource *resource = name != NULL ? mw_watch_find(watch, name) : NULL;
    if (resource == NULL)
        return mw_error_set(error, MW_ERROR_BAD_INPUT,
                            "%.60s: `resource` must be the name of a resource that is watched; "
                            "\"%.60s\" is none",
                            tool, name != NULL ? name : "");
    return look_at(resource, tool, arguments, result, error);
}

static bool accept_step(struct mw_case *self, const json_t *proposed, struct mw_step *step,
                        TALLOC_CTX *memory, struct mw_error *error)
{
    const json_t *arguments = json_object_get(proposed, "arguments");
    const char *name = json_string_value(json_object_get(proposed, "tool"));
    struct mw_resource *resource = known_resource(self, name, arguments, error);
    const struct mw_tool *tool =
        resource != NULL ? known_call(resource, name, arguments, error) : NULL;
    if (tool == NULL)
        return false;

    struct mw_assessment assessment;
    if (!mw_tool_assess(tool, resource, arguments, memory, &assessment, error))
        return mw_error_wrap(error, "%s", tool->name);
    step->tool = talloc_strdup(memory, tool->name);
    step->resource = talloc_strdup(memory, resource->name);
    step->kind = talloc_strdup(memory, resource->kind);
    step->environment = talloc_strdup(memory, resource->environment);
    step->arguments = assessment.arguments;
    step->undo = assessment.undo;
    step->risk = assessment.risk;
    step->risk_reason = talloc_strdup(memory, assessment.reason);
    step->effect = talloc_strdup(memory, assessment.effect);
    step->why = sentence(memory, json_object_get(proposed, "why"));
    step->expect = sentence(memory, json_object_get(proposed, "expect"));

    struct mw_judgement judgement = mw_policy_judge(mw_case_settings(self)->policy, tool->name,
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

void mw_plan_seal(struct mw_plan *plan, const struct mw_watch *watch)
{
    json_auto_t *sealed = json_array();
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct mw_step *step = &plan->steps[i];
        const struct mw_resource *resource = mw_watch_find(watch, step->resource);
        const struct mw_tool *tool =
            resource != NULL ? mw_catalogue_find(resource->target.ops, step->tool) : NULL;
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

bool mw_proposal_accept(struct mw_case *self, const json_t *proposal, const char *planner,
                        const char **refused, struct mw_error *error)
{
    *refused = NULL;
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
        if (!accept_step(self, json_array_get(proposed, i), &steps[i], steps, error)) {
            const json_t *arguments = json_object_get(json_array_get(proposed, i), "arguments");
            *refused = json_string_value(json_object_get(arguments, "resource"));
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
    mw_plan_seal(plan, self->respond->watch);
    return true;
}
