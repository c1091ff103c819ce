/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The port for whoever proposes what to do: a model, or the runbooks.
 *
 * The situation a planner is given is one JSON object:
 *   {"incident": "I42", "attempt": 1,
 *    "resource": {"name", "kind", "environment", "cache"},
 *    "health": "DEGRADED", "findings": [{"metric", "value", "limit", "normal"}],
 *    "metrics": {…}, "facts": {…}, "log": [{"line", "times"}],
 *    "tools": [{"name", "risk", "description", "inputSchema"}],
 *    "previous": [{"revision", "steps": [{"tool", "arguments", "state", "result"}],
 *                  "health_after": "DEGRADED", "metrics_after": {…}, "complaint": "…"}]}
 * Everything in it that came from outside is untrusted text.
 *
 * The proposal it answers with:
 *   {"root_cause": "…", "confidence": 0..1, "evidence": ["…"],
 *    "steps": [{"tool": "…", "arguments": {…}, "why": "…", "expect": "…"}]}
 * It is checked by the core: schema, tools, arguments, resource, policy.
 */
#ifndef MIDWATCH_PLANNER_H
#define MIDWATCH_PLANNER_H

#include <jansson.h>
#include <stddef.h>

#include "midwatch/deadline.h"
#include "midwatch/error.h"
#include "midwatch/option.h"

struct mw_planner {
    const struct mw_planner_ops *ops;
    const char *label; /* what people see: "runbook", "gemini:gemini-3.8-flash" */
    void *state;
};

struct mw_planner_ops {
    const char *name;
    const struct mw_option *options; /* keys of `llm:` that are this planner's own */
    size_t config_size;

    /* Mandatory; does not suspend. `runbooks` is the folder of the runbook files. */
    bool (*create)(struct mw_planner *planner, const void *config, const char *runbooks,
                   struct mw_error *error);

    /* Mandatory. `*proposal` is a new reference. MW_ERROR_REFUSED: it has nothing to propose, with
     * the reason. */
    MW_SUSPENDS bool (*propose)(struct mw_planner *planner, const json_t *situation,
                                struct mw_deadline deadline, json_t **proposal,
                                struct mw_error *error);
};

#endif
