/* SPDX-License-Identifier: Apache-2.0 */
/* postgres_kill_long_queries. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "end.h"
#include "postgres.h"
#include "sessions.h"

#define MIN_SECONDS 30

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

static bool is_old(const struct mw_postgres_session *session, double seconds)
{
    double age = isnan(session->transaction_s) ? session->state_s : session->transaction_s;
    return isnan(age) || age >= seconds;
}

static bool is_among(const struct mw_postgres_sessions *sessions, int64_t pid)
{
    for (size_t i = 0; i < sessions->count; i++) {
        if (sessions->items[i].pid == pid) {
            return true;
        }
    }
    return false;
}

static void add(struct mw_postgres_sessions *to, const struct mw_postgres_session *session)
{
    if (!is_among(to, session->pid)) {
        to->items[to->count++] = *session;
    }
}

/* Those that hold up others, then those that run long. Who only waits for a lock is left alone: ending
 * what holds it up frees it. */
static struct mw_postgres_sessions *meant(struct mw_postgres *postgres, const json_t *arguments,
                                          TALLOC_CTX *memory, struct mw_deadline deadline,
                                          struct mw_error *error)
{
    char seconds[32];
    double least = min_seconds(arguments);
    snprintf(seconds, sizeof seconds, "%.3f", least);
    struct mw_postgres_sessions *roots =
        mw_postgres_sessions_read(memory, postgres->connection, MW_POSTGRES_ROOTS, NULL,
                                  MW_POSTGRES_ENDED_MAX, deadline, error);
    if (roots == NULL) {
        return NULL;
    }
    struct mw_postgres_sessions *queries = NULL;
    if (!json_is_true(json_object_get(arguments, "blockers_only"))) {
        queries = mw_postgres_sessions_read(memory, postgres->connection, MW_POSTGRES_LONG, seconds,
                                            MW_POSTGRES_ENDED_MAX, deadline, error);
        if (queries == NULL) {
            return NULL;
        }
    }
    struct mw_postgres_sessions *all = talloc_zero(memory, struct mw_postgres_sessions);
    size_t room = roots->count + (queries != NULL ? queries->count : 0);
    all->items = talloc_zero_array(all, struct mw_postgres_session, (unsigned)room);
    for (size_t i = 0; i < roots->count; i++) {
        if (is_old(&roots->items[i], least)) {
            add(all, &roots->items[i]);
        }
    }
    for (size_t i = 0; queries != NULL && i < queries->count; i++) {
        add(all, &queries->items[i]);
    }
    return all;
}

/* Locks of a prepared transaction belong to no session. */
static bool refuse(struct mw_postgres *postgres, const struct mw_postgres_doomed *doomed,
                   const json_t *arguments, struct mw_deadline deadline, struct mw_error *error)
{
    char nobody[160], prepared[64] = "";
    bool blockers_only = json_is_true(json_object_get(arguments, "blockers_only"));
    if (blockers_only && doomed->spared_count == 0 && doomed->changed == 0 &&
        !mw_postgres_prepared_read(postgres, deadline, prepared, error)) {
        return false;
    }
    if (*prepared != '\0') {
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "no session holds up others, but the prepared transaction %s holds "
                            "locks: COMMIT PREPARED or ROLLBACK PREPARED it by hand",
                            prepared);
    }
    snprintf(nobody, sizeof nobody, "no session has %sheld up others for %.0f s",
             blockers_only ? "" : "run one query or ", min_seconds(arguments));
    return mw_postgres_refuse_empty(doomed, nobody, error);
}

static struct mw_postgres_doomed *choose(struct mw_target *target, const json_t *arguments,
                                         TALLOC_CTX *memory, struct mw_deadline deadline,
                                         struct mw_error *error)
{
    struct mw_postgres *postgres = target->state;
    struct mw_postgres_sessions *sessions = meant(postgres, arguments, memory, deadline, error);
    if (sessions == NULL) {
        return NULL;
    }
    struct mw_postgres_doomed *doomed =
        mw_postgres_doom(memory, sessions, json_object_get(arguments, "sessions"));
    if (doomed->count == 0) {
        refuse(postgres, doomed, arguments, deadline, error);
        return NULL;
    }
    return doomed;
}

MW_POSTGRES_ASSESS(mw_postgres_assess_kill)
{
    struct mw_postgres_doomed *doomed = choose(target, arguments, memory, deadline, error);
    if (doomed == NULL) {
        return false;
    }
    bool blockers_only = json_is_true(json_object_get(arguments, "blockers_only"));
    *out = (struct mw_assessment){
        .risk = MW_RISK_DISRUPTIVE,
        .effect = mw_postgres_doomed_text(memory, doomed),
        .arguments = json_pack("{s:s, s:o, s:b, s:o}", "resource", target->name, "min_seconds",
                               pinned_seconds(arguments), "blockers_only", blockers_only,
                               "sessions", mw_postgres_pins(doomed)),
    };
    return out->arguments != NULL ||
           mw_error_set(error, MW_ERROR_RETRY, "no memory left for the assessment");
}

MW_POSTGRES_RUN(mw_postgres_run_kill)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    struct mw_postgres_doomed *doomed = choose(target, arguments, memory, deadline, error);
    bool done = doomed != NULL ? mw_postgres_end(target->state, doomed, deadline, result, error)
                               : mw_postgres_not_tried(error, "nothing was ended", result);
    talloc_free(memory);
    return done;
}
