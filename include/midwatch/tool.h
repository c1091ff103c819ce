/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tool: one thing that can be done to, or asked of, a resource. Names and argument schemas are
 * public (`midwatch tools`), in the shape of the Model Context Protocol's tool listing.
 */
#ifndef MIDWATCH_TOOL_H
#define MIDWATCH_TOOL_H

#include <jansson.h>
#include <stdbool.h>
#include <talloc.h>

#include "midwatch/deadline.h"
#include "midwatch/error.h"

struct mw_target;

enum mw_risk {
    MW_RISK_READ,        /* changes nothing */
    MW_RISK_REVERSIBLE,  /* can be taken back */
    MW_RISK_DISRUPTIVE,  /* users notice: a restart, ended sessions */
    MW_RISK_DESTRUCTIVE, /* data may be lost */
};

/* "read", "reversible", "disruptive", "destructive". */
const char *mw_risk_name(enum mw_risk risk);
bool mw_risk_parse(const char *text, enum mw_risk *risk);

/*
 * What a call would do on this resource with these arguments now. Strings hang on the context given
 * to assess(); JSON values are new references that the receiver releases.
 */
struct mw_assessment {
    enum mw_risk risk;  /* at least the tool's floor */
    const char *reason; /* why it is riskier than the floor; NULL otherwise */
    const char
        *effect; /* for the card: "32 → 64 MiB (host has 5.1 GiB free)"; NULL: nothing to add */
    json_t *arguments; /* the arguments pinned to what was seen, which is what gets approved
                               and run; never NULL after success */
    json_t *undo;      /* {"tool": …, "arguments": {…}} on the same resource; NULL: none */
};

/* A table of tools ends with a NULL name. */
struct mw_tool {
    const char *name;
    enum mw_risk floor;
    const char *description; /* one or two sentences, for people and models */
    const char *undo;        /* how it is taken back, for people; NULL: it cannot be */
    const char *schema;      /* JSON Schema text of the arguments; always has "resource" */
    int64_t timeout_ms;      /* longest run; 0: 30 s */

    /* Optional; without it the risk is the floor, the arguments stay and there is no undo. A call
     * that cannot work here fails with MW_ERROR_REFUSED and the way that does. */
    MW_SUSPENDS bool (*assess)(struct mw_target *target, const json_t *arguments,
                               struct mw_deadline deadline, TALLOC_CTX *memory,
                               struct mw_assessment *out, struct mw_error *error);

    /* Mandatory. On success `*result` is {"ok": bool, "summary": "one sentence", "data": {…}}, a new
     * reference. Failure (false) means that it could not be tried or its outcome is not known; that
     * it ran and did not help is ok: false. */
    MW_SUSPENDS bool (*run)(struct mw_target *target, const json_t *arguments,
                            struct mw_deadline deadline, json_t **result, struct mw_error *error);
};

/* Makes a result; steals `data` (NULL: an empty object). NULL only when memory has run out. */
json_t *mw_tool_result(bool ok, json_t *data, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
