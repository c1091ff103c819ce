/* SPDX-License-Identifier: Apache-2.0 */
/* postgres_restart. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "postgres.h"

/* Of the time for reading the state of a server that may hang. */
#define STATE_MS 2000

/* What a restart would cut off. */
struct state {
    bool answers, full;
    double started_at; /* NAN: not known */
    double clients, inside, walsenders, backups;
};

static bool count_sessions(struct mw_postgres *postgres, struct mw_deadline deadline,
                           struct state *state, struct mw_error *error)
{
    PGresult *result mw_postgres_result_auto = mw_postgres_ask(
        postgres->connection, deadline, error,
        "SELECT count(*) FILTER (WHERE backend_type = 'client backend' AND xact_start IS NOT NULL"
        "  AND pid <> pg_backend_pid()),"
        " count(*) FILTER (WHERE backend_type = 'walsender'"
        "  AND application_name <> 'pg_basebackup'),"
        " count(*) FILTER (WHERE backend_type = 'walsender'"
        "  AND application_name = 'pg_basebackup') FROM pg_stat_get_activity(NULL)",
        NULL);
    if (result == NULL || mw_libpq.ntuples(result) != 1 || mw_libpq.nfields(result) != 3) {
        return false;
    }
    state->inside = mw_postgres_count(result, 0, 0);
    state->walsenders = mw_postgres_count(result, 0, 1);
    state->backups = mw_postgres_count(result, 0, 2);
    return true;
}

static bool read_state(struct mw_postgres *postgres, struct mw_deadline deadline,
                       struct state *state, struct mw_error *error)
{
    struct mw_deadline soon = mw_deadline_min(deadline, mw_deadline_in(STATE_MS));
    struct mw_postgres_reading reading;
    *state =
        (struct state){.started_at = postgres->measured_at != 0 ? postgres->last.started_at : NAN};
    if (mw_postgres_read(postgres, soon, &reading, NULL, error)) {
        state->answers = true;
        state->started_at = reading.started_at;
        state->clients = reading.clients;
        count_sessions(postgres, soon, state, error);
        return true;
    }
    enum mw_postgres_refusal refusal = mw_postgres_connection_refusal(postgres->connection);
    state->full = refusal == MW_POSTGRES_FULL;
    if (error->class == MW_ERROR_CANCELLED) {
        return false;
    }
    /* One that cannot finish shutting down is helped by a restart. */
    if (refusal == MW_POSTGRES_STARTING && strstr(error->text, "shutting down") == NULL) {
        struct mw_error said = *error;
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "it is starting or recovering, and a restart would begin that again: "
                            "%s",
                            said.text);
    }
    return true;
}

static char *effect(const struct mw_target *target, const struct state *state, TALLOC_CTX *memory)
{
    const char *says = target->control->restart_says;
    if (!state->answers) {
        return talloc_asprintf(memory, "%s; %s", says,
                               state->full ? "all its connection slots are taken, and all their "
                                             "sessions are cut off"
                                           : "it does not answer now");
    }
    char *text = talloc_asprintf(
        memory,
        "%s; %.0f sessions are cut off, %.0f of them inside a transaction, which is rolled "
        "back",
        says, state->clients, state->inside);
    if (text != NULL && state->walsenders > 0) {
        text = talloc_asprintf_append(text, "; replication to %.0f pauses until they come back",
                                      state->walsenders);
    }
    if (text != NULL && state->backups > 0) {
        text = talloc_asprintf_append(text, "; a base backup under way is lost");
    }
    return text;
}

MW_POSTGRES_ASSESS(mw_postgres_assess_restart)
{
    struct state state;
    if (!mw_postgres_check_control(target, error) ||
        !read_state(target->state, deadline, &state, error)) {
        return false;
    }
    *out = (struct mw_assessment){
        .risk = MW_RISK_DISRUPTIVE,
        .effect = effect(target, &state, memory),
        .arguments = json_pack("{s:s}", "resource", target->name),
    };
    return out->arguments != NULL ||
           mw_error_set(error, MW_ERROR_RETRY, "no memory left for the assessment");
}

static json_t *report(const struct state *before, const struct mw_postgres_comeback *after,
                      int64_t ms)
{
    json_t *data = json_pack(
        "{s:b, s:f, s:f, s:f}", "new_process", after->other, "connections_before", before->clients,
        "connections", after->answers ? after->reading.clients : 0, "seconds", (double)ms / 1000);
    if (after->full) {
        return mw_tool_result(false, data,
                              "the restart command ended well, and all connection slots are taken "
                              "again (SQLSTATE 53300)");
    }
    if (!after->answers) {
        return mw_tool_result(false, data,
                              "the restart command ended well, and PostgreSQL does not answer "
                              "since: %s",
                              after->unanswered);
    }
    return after->other
               ? mw_tool_result(true, data,
                                "PostgreSQL was restarted and serves again after %.1f s; %.0f "
                                "connections (before: %.0f)",
                                (double)ms / 1000, after->reading.clients, before->clients)
               : mw_tool_result(false, data,
                                "the restart command ended well, and the same postmaster still "
                                "runs");
}

MW_POSTGRES_RUN(mw_postgres_run_restart)
{
    struct mw_postgres *postgres = target->state;
    struct mw_postgres_comeback after;
    struct state before;
    if (!mw_postgres_check_control(target, error) ||
        !read_state(postgres, deadline, &before, error)) {
        return false;
    }
    mw_mono_ns start = mw_mono_now();
    if (!target->control->restart(target->control, deadline, error)) {
        if (error->class != MW_ERROR_PERMANENT) {
            return false;
        }
        *result = mw_tool_result(false, NULL, "%s", error->text);
        return true;
    }
    if (!mw_postgres_wait_served(postgres, before.started_at, deadline, &after, error)) {
        return false;
    }
    *result = report(&before, &after, (mw_mono_now() - start) / 1000000);
    return true;
}
