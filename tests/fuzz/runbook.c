/* SPDX-License-Identifier: Apache-2.0 */
/* A runbook file, and the plan that is made from it. */
#include "adapters/llm/model/runbooks.h"

#include "adapters/llm/runbook/template.h"
#include "fuzz.h"
#include "midwatch/planner.h"

extern const struct mw_planner_ops mw_planner_runbook;

static const char situation_text[] =
    "{\"incident\": \"I42\", \"attempt\": 1, \"health\": \"DEGRADED\","
    " \"resource\": {\"name\": \"cache\", \"kind\": \"redis\", \"cache\": true},"
    " \"findings\": [{\"metric\": \"memory_percent\", \"value\": 97.2}],"
    " \"metrics\": {\"memory_percent\": 97.25}, \"facts\": {\"maxmemory_policy\": \"noeviction\"},"
    " \"previous\": [{\"steps\": [{\"tool\": \"redis_info\", \"arguments\": {}}]}]}";

static void check_proposal(const json_t *proposal)
{
    FUZZ_HOLDS(json_is_string(json_object_get(proposal, "root_cause")), NULL);
    FUZZ_HOLDS(json_is_number(json_object_get(proposal, "confidence")), NULL);
    FUZZ_HOLDS(json_is_array(json_object_get(proposal, "evidence")), NULL);
    FUZZ_HOLDS(json_array_size(json_object_get(proposal, "steps")) > 0, NULL);
}

void fuzz_one(TALLOC_CTX *memory, const char *bytes, size_t length)
{
    struct mw_error error = {0};
    json_auto_t *situation = json_loads(situation_text, 0, NULL);
    const char *text = fuzz_text(memory, bytes, length, NULL);
    json_decref(mw_template_fill(text, situation));

    fuzz_file("redis.yaml", bytes, length);
    struct mw_planner *planner = talloc_zero(memory, struct mw_planner);
    if (!mw_planner_runbook.create(planner, NULL, fuzz_folder(), &error)) {
        FUZZ_HOLDS(error.text[0] != '\0', NULL);
        fuzz_is_utf8(error.text);
        return;
    }
    json_t *proposal = NULL;
    const struct mw_deadline never = {0};
    if (mw_planner_runbook.propose(planner, situation, NULL, never, &proposal, &error)) {
        check_proposal(proposal);
        json_decref(proposal);
    } else {
        FUZZ_HOLDS(error.class == MW_ERROR_REFUSED, error.text);
        fuzz_is_utf8(error.text);
    }
}
