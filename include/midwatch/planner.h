/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The port for whoever proposes what to do: a model, or the runbooks.
 *
 * The situation a planner is given is one JSON object:
 *   {"incident": "I42", "attempt": 1,
 *    "resource": {"name", "kind", "environment", "cache", "depends_on"},
 *    "health": "DEGRADED", "findings": [{"metric", "value", "limit", "normal"}],
 *    "metrics": {…}, "facts": {…}, "log": [{"line", "times"}],
 *    "mass_failure": false,            (true: so much turned bad at once that our own network is suspected)
 *    "others": [{"resource", "health", "findings", "metrics", "facts"}],
 *                                      (those that turned bad with it, and those that one of them needs)
 *    "tools": [{"name", "risk", "description", "inputSchema"}],
 *    "previous": [{"revision", "steps": [{"tool", "arguments", "state", "result"}],
 *                  "health_after": "DEGRADED", "metrics_after": {…}, "complaint": "…"}]}
 * Everything in it that came from outside is untrusted text.
 *
 * The proposal it answers with:
 *   {"root_cause": "…", "confidence": 0..1, "evidence": ["…"],
 *    "steps": [{"tool": "…", "arguments": {…}, "why": "…", "expect": "…"}]}
 * It is checked by the core: schema, tools, arguments, resource, policy. A planner that asked a model
 * adds what it took:
 *   "usage": {"model": "…", "turns": 3, "input_tokens": 3120, "output_tokens": 410,
 *             "cost_usd": 0.005, "latency_ms": 2300}        (cost_usd only where a price is known)
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

/* What a planner may ask of the core while it investigates. */
struct mw_planner_host {
    void *context;
    /* Calls a read-only tool on the incident's resource. `*result` (a new reference) is the tool's
     * result object, masked. False: it is no such tool, not read-only, its arguments do not fit, or it
     * could not be tried; the error's sentence is for the model. */
    MW_SUSPENDS bool (*look)(void *context, const char *tool, const json_t *arguments,
                             json_t **result, struct mw_error *error);
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
                                const struct mw_planner_host *host, struct mw_deadline deadline,
                                json_t **proposal, struct mw_error *error);
};

#endif
