/* SPDX-License-Identifier: Apache-2.0 */
/* The plan that a model proposes. */
#include "adapters/llm/model/proposal.h"

#include "base/json.h"
#include "fuzz.h"

#define LIMIT ((size_t)64 * 1024)

static const char situation_text[] =
    "{\"resource\": {\"name\": \"cache\", \"kind\": \"redis\"}, \"tools\": ["
    "{\"name\": \"redis_info\", \"inputSchema\": {\"type\": \"object\", \"required\": "
    "[\"resource\"],"
    " \"properties\": {\"resource\": {\"type\": \"string\"}}, \"additionalProperties\": false}},"
    "{\"name\": \"redis_scale_memory\", \"inputSchema\": {\"type\": \"object\","
    " \"required\": [\"resource\"], \"properties\": {\"resource\": {\"type\": \"string\"},"
    " \"factor\": {\"type\": \"number\", \"exclusiveMinimum\": 1, \"maximum\": 4},"
    " \"maxmemory\": {\"type\": \"integer\", \"minimum\": 1}}, \"additionalProperties\": false}}]}";

static void check_step(const json_t *step, const json_t *tools)
{
    size_t i;
    const json_t *tool;
    bool known = false;
    json_array_foreach(tools, i, tool)
    {
        struct mw_error error = {0};
        if (json_equal(json_object_get(tool, "name"), json_object_get(step, "tool"))) {
            known = mw_json_check(json_object_get(tool, "inputSchema"),
                                  json_object_get(step, "arguments"), "arguments", &error);
            FUZZ_HOLDS(known, error.text);
        }
    }
    FUZZ_HOLDS(known, NULL);
    fuzz_json_is_clean(json_object_get(step, "why"), 600);
    fuzz_json_is_clean(json_object_get(step, "expect"), 600);
    fuzz_json_keeps_secret(json_object_get(step, "why"));
    fuzz_json_keeps_secret(json_object_get(step, "expect"));
}

static void check_proposal(const json_t *proposal, const json_t *situation)
{
    const json_t *cause = json_object_get(proposal, "root_cause");
    const json_t *evidence = json_object_get(proposal, "evidence");
    const json_t *steps = json_object_get(proposal, "steps");
    double confidence = json_number_value(json_object_get(proposal, "confidence"));
    FUZZ_HOLDS(json_is_string(cause), NULL);
    FUZZ_HOLDS(confidence >= 0 && confidence <= 1, NULL);
    FUZZ_HOLDS(json_is_array(evidence) && json_array_size(evidence) <= 10, NULL);
    FUZZ_HOLDS(json_is_array(steps) && json_array_size(steps) <= 8, NULL);
    fuzz_json_is_clean(cause, 600);
    fuzz_json_keeps_secret(cause);
    fuzz_json_is_clean(evidence, 600);
    fuzz_json_keeps_secret(evidence);
    size_t i;
    const json_t *step;
    json_array_foreach(steps, i, step)
    {
        check_step(step, json_object_get(situation, "tools"));
    }
}

void fuzz_one(TALLOC_CTX *memory, const char *bytes, size_t length)
{
    struct mw_error error = {0};
    const char *text = fuzz_text(memory, bytes, length, &length);
    json_auto_t *arguments = mw_json_parse(text, length, LIMIT, &error);
    if (arguments == NULL) {
        return;
    }
    json_auto_t *situation = json_loads(situation_text, 0, NULL);
    json_auto_t *proposal = mw_proposal_read(arguments, situation, &error);
    if (proposal != NULL) {
        check_proposal(proposal, situation);
    } else {
        FUZZ_HOLDS(error.class == MW_ERROR_BAD_INPUT, error.text);
        fuzz_is_sentence(&error);
    }
}
