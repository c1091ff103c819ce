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
 *                  "health_after": "DEGRADED", "metrics_after": {…}, "complaint": "…"}],
 *                                      (a proposal that was refused: revision 0, and of its steps those about the
 *                                       resource that the complaint is about)
 *    "similar": [{"incident", "when", "resource", "environment", "symptom", "cause",
 *                 "steps": [{"tool", "arguments", "state", "result"}], "outcome", "reason",
 *                 "decisions": [{"person", "action", "why"}]}]}
 *                                      (closed incidents like this one, most alike first; only for a planner that
 *                                       uses the past)
 * Everything in it that came from outside is untrusted text.
 *
 * The proposal it answers with:
 *   {"root_cause": "…", "confidence": 0..1, "evidence": ["…"],
 *    "steps": [{"tool": "…", "arguments": {…}, "why": "…", "expect": "…"}]}
 * It is checked by the core: schema, tools, arguments, resource, policy. A planner that asked a model
 * adds what it took:
 *   "usage": {"model": "…", "turns": 3, "input_tokens": 3120, "output_tokens": 410,
 *             "cost_usd": 0.005, "latency_ms": 2300}        (cost_usd only where a price is known)
 *
 * A question that somebody asked in chat:
 *   {"question": "…", "now": RFC 3339,
 *    "resource": {"name"}, "incident": {…},  (where it was asked inside an incident's thread)
 *    "resources": [{"name", "kind", "environment", "status", "reason", "metrics", …}],
 *    "incidents": [{"incident", "resource", "when", "symptom", "stage", "outcome"}],
 *    "tools": [{"name", "risk", "description", "inputSchema"}]}
 * and its answer:
 *   {"text": "lines of plain text", "looked": ["redis_info cache"], "usage": {…}}
 */
#ifndef MIDWATCH_PLANNER_H
#define MIDWATCH_PLANNER_H

#include <jansson.h>
#include <stddef.h>

#include "midwatch/check.h"
#include "midwatch/deadline.h"
#include "midwatch/error.h"
#include "midwatch/option.h"

struct mw_planner {
    const struct mw_planner_ops *ops;
    const char *label; /* what people see: "runbook", "gemini:gemini-3.8-flash" */
    void *state;
};

/* Why a planner cannot answer now, whatever it is asked. */
enum mw_impairment {
    MW_IMPAIRMENT_NONE,        /* it can */
    MW_IMPAIRMENT_UNREACHABLE, /* it failed so often that it is left alone for a while */
    MW_IMPAIRMENT_REFUSED,     /* its service refuses us: the key, the account, the model's name */
    MW_IMPAIRMENT_SPENT,       /* what a day may cost, or its quota, is used up */
};

/* One request to a model's service and what came back. */
struct mw_planner_exchange {
    const char *model;
    const json_t *request; /* as sent */
    const json_t *answer;  /* NULL: none, or none that could be read */
    const char *fault;     /* what was wrong; NULL: nothing */
    const json_t *usage;   /* of this one; NULL: not known */
};

/* What a planner may ask of the core while it investigates, and what it tells it. */
struct mw_planner_host {
    void *context;
    /* Calls a read-only tool on the incident's resource. `*result` (a new reference) is the tool's
     * result object, masked. False: it is no such tool, not read-only, its arguments do not fit, or it
     * could not be tried; the error's sentence is for the model. */
    MW_SUSPENDS bool (*look)(void *context, const char *tool, const json_t *arguments,
                             json_t **result, struct mw_error *error);
    /* Both optional; neither suspends, and all is borrowed. `impaired` is told of each exchange that tells
     * something about it; `why` is a sentence, NULL for NONE. */
    void (*exchanged)(void *context, const struct mw_planner_exchange *exchange);
    void (*impaired)(void *context, enum mw_impairment impairment, const char *why);
};

struct mw_planner_ops {
    const char *name;
    const struct mw_option *options; /* keys of `llm:` that are this planner's own */
    size_t config_size;
    bool uses_past; /* wants similar incidents in the situation */

    /* Mandatory; does not suspend. `runbooks` is the folder of the runbook files. */
    bool (*create)(struct mw_planner *planner, const void *config, const char *runbooks,
                   struct mw_error *error);

    /* Mandatory. `*proposal` is a new reference. MW_ERROR_REFUSED: it has nothing to propose, with
     * the reason. */
    MW_SUSPENDS bool (*propose)(struct mw_planner *planner, const json_t *situation,
                                const struct mw_planner_host *host, struct mw_deadline deadline,
                                json_t **proposal, struct mw_error *error);

    /* Optional: who cannot answer questions has none. Changes nothing. `*answer` is a new reference. */
    MW_SUSPENDS bool (*ask)(struct mw_planner *planner, const json_t *question,
                            const struct mw_planner_host *host, struct mw_deadline deadline,
                            json_t **answer, struct mw_error *error);

    /* Optional; does not suspend. What was spent since 00:00 UTC before this planner was made. */
    void (*spent)(struct mw_planner *planner, double usd);

    /* Optional; for `doctor`: whether it can be asked, by a request that costs nothing. Fails with what
     * is to be mended. */
    MW_SUSPENDS bool (*check)(struct mw_planner *planner, const struct mw_check *check,
                              struct mw_deadline deadline, struct mw_error *error);
};

#endif
