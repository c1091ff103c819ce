/* SPDX-License-Identifier: Apache-2.0 */
/* postgres_terminate_idle. */
#include <stdio.h>

#include "end.h"
#include "postgres.h"
#include "sessions.h"

#define MIN_SECONDS 300

static double min_seconds(const json_t *arguments)
{
    const json_t *seconds = json_object_get(arguments, "min_seconds");
    return json_is_number(seconds) ? json_number_value(seconds) : MIN_SECONDS;
}

static json_t *pinned_seconds(const json_t *arguments)
{
    json_t *seconds = json_object_get(arguments, "min_seconds");
    return json_is_number(seconds) ? json_incref(seconds) : json_integer(MIN_SECONDS);
}

/* Which of them: those inside a transaction, those outside of one, or both where nothing is said. */
static enum mw_postgres_which which(const json_t *arguments, const char **where)
{
    const json_t *inside = json_object_get(arguments, "in_transaction");
    *where = inside == NULL         ? ""
             : json_is_true(inside) ? " inside a transaction"
                                    : " outside of a transaction";
    return inside == NULL         ? MW_POSTGRES_IDLE
           : json_is_true(inside) ? MW_POSTGRES_IDLE_INSIDE
                                  : MW_POSTGRES_IDLE_OUTSIDE;
}

static struct mw_postgres_doomed *choose(struct mw_target *target, const json_t *arguments,
                                         TALLOC_CTX *memory, struct mw_deadline deadline,
                                         struct mw_error *error)
{
    struct mw_postgres *postgres = target->state;
    const char *where = NULL;
    char seconds[32], nobody[160];
    enum mw_postgres_which meant = which(arguments, &where);
    snprintf(seconds, sizeof seconds, "%.3f", min_seconds(arguments));
    struct mw_postgres_sessions *sessions = mw_postgres_sessions_read(
        memory, postgres->connection, meant, seconds, MW_POSTGRES_ENDED_MAX, deadline, error);
    if (sessions == NULL) {
        return NULL;
    }
    struct mw_postgres_doomed *doomed =
        mw_postgres_doom(memory, sessions, json_object_get(arguments, "sessions"));
    if (doomed->count == 0) {
        snprintf(nobody, sizeof nobody, "no session has been idle%s for %.0f s", where,
                 min_seconds(arguments));
        mw_postgres_refuse_empty(doomed, nobody, error);
        return NULL;
    }
    return doomed;
}

MW_POSTGRES_ASSESS(mw_postgres_assess_idle)
{
    struct mw_postgres_doomed *doomed = choose(target, arguments, memory, deadline, error);
    if (doomed == NULL) {
        return false;
    }
    json_t *inside = json_object_get(arguments, "in_transaction");
    *out = (struct mw_assessment){
        .risk = MW_RISK_DISRUPTIVE,
        .effect = mw_postgres_doomed_text(memory, doomed),
        .arguments = json_pack("{s:s, s:o, s:O*, s:o}", "resource", target->name, "min_seconds",
                               pinned_seconds(arguments), "in_transaction", inside, "sessions",
                               mw_postgres_pins(doomed)),
    };
    return out->arguments != NULL ||
           mw_error_set(error, MW_ERROR_RETRY, "no memory left for the assessment");
}

MW_POSTGRES_RUN(mw_postgres_run_idle)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    struct mw_postgres_doomed *doomed = choose(target, arguments, memory, deadline, error);
    bool done = doomed != NULL ? mw_postgres_end(target->state, doomed, deadline, result, error)
                               : mw_postgres_not_tried(error, "nothing was ended", result);
    talloc_free(memory);
    return done;
}
