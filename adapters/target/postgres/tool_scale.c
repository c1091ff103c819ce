/* SPDX-License-Identifier: Apache-2.0 */
/* postgres_scale_connections. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "postgres.h"
#include "runtime/room.h"

#define LEAST 10
#define MOST  10000

#define FACTOR_MIN 1.1
#define FACTOR_MAX 4.0

/* Where nobody can tell what the host has, doubling is as far as it goes. */
#define BLIND_FACTOR 2

/* What one more session takes at the least: its process, and its part of the shared memory. */
#define SESSION_BYTES (3 * 1024 * 1024)

struct change {
    int from, to;
    double clients, inside, standbys, started_at;
    bool replica, from_command_line, from_system;
    struct mw_room room;
};

/* ---- what is wanted ---- */

static bool wanted(const json_t *arguments, int now, int *to, struct mw_error *error)
{
    const json_t *number = json_object_get(arguments, "max_connections");
    const json_t *factor = json_object_get(arguments, "factor");
    if ((number == NULL) == (factor == NULL)) {
        return mw_error_set(error, MW_ERROR_BAD_INPUT,
                            "give either max_connections or factor (1.1 to 4)");
    }
    double value = json_number_value(number);
    if (factor != NULL) {
        double times = json_number_value(factor);
        if (!(times >= FACTOR_MIN && times <= FACTOR_MAX)) {
            return mw_error_set(error, MW_ERROR_BAD_INPUT, "factor: from %.1f to %.0f", FACTOR_MIN,
                                FACTOR_MAX);
        }
        value = ceil(times * now);
    }
    if (!(value >= LEAST && value <= MOST) || value != floor(value)) {
        return mw_error_set(error, MW_ERROR_BAD_INPUT, "max_connections: a number from %d to %d",
                            LEAST, MOST);
    }
    *to = (int)value;
    return true;
}

/* ---- whether it may be ---- */

static bool read_setting(struct mw_postgres *postgres, struct mw_deadline deadline,
                         struct change *change, struct mw_error *error)
{
    /* Where a setting comes from is shown to some roles only, and to all that may change it. */
    PGresult *result mw_postgres_result_auto = mw_postgres_ask(
        postgres->connection, deadline, error,
        "SELECT setting, source = 'command line', sourcefile LIKE '%postgresql.auto.conf',"
        " pg_is_in_recovery(), extract(epoch FROM pg_postmaster_start_time())::float8, p.*"
        " FROM pg_settings, (SELECT count(*) FILTER (WHERE backend_type = 'client backend'),"
        "  count(*) FILTER (WHERE backend_type = 'client backend' AND xact_start IS NOT NULL"
        "   AND pid <> pg_backend_pid()),"
        "  count(*) FILTER (WHERE backend_type = 'walsender') FROM pg_stat_get_activity(NULL)) p"
        " WHERE name = 'max_connections'",
        NULL);
    if (result == NULL) {
        return false;
    }
    double from = mw_libpq.ntuples(result) == 1 && mw_libpq.nfields(result) == 8
                      ? mw_postgres_number(result, 0, 0)
                      : NAN;
    if (!(from >= 1 && from < 1e6)) {
        return mw_error_set(error, MW_ERROR_PERMANENT, "it does not tell its max_connections");
    }
    *change = (struct change){
        .from = (int)from,
        .from_command_line = mw_postgres_is_true(result, 0, 1),
        .from_system = mw_postgres_is_true(result, 0, 2),
        .replica = mw_postgres_is_true(result, 0, 3),
        .started_at = mw_postgres_number(result, 0, 4),
        .clients = mw_postgres_count(result, 0, 5),
        .inside = mw_postgres_count(result, 0, 6),
        .standbys = mw_postgres_count(result, 0, 7),
    };
    return true;
}

static bool check_rights(struct mw_postgres *postgres, struct mw_deadline deadline,
                         struct mw_error *error)
{
    struct mw_postgres_rights rights;
    if (!mw_postgres_read_rights(postgres, deadline, &rights, error)) {
        return false;
    }
    return rights.alter_system ||
           mw_error_set(
               error, MW_ERROR_REFUSED,
               "role %s may not change max_connections: GRANT ALTER SYSTEM ON PARAMETER "
               "max_connections (from version 15), or change it in postgresql.conf by hand",
               postgres->address->user);
}

static bool check_state(const struct change *change, struct mw_error *error)
{
    if (change->from_command_line) {
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "max_connections is set on the server's command line, which wins over "
                            "ALTER SYSTEM: change it where the server is started");
    }
    if (change->to > change->from && change->standbys > 0) {
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "%.0f standbys follow it, and replication stops on any whose "
                            "max_connections is lower than the primary's: raise theirs first, then "
                            "this one by hand",
                            change->standbys);
    }
    if (change->to < change->from && change->replica) {
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "it is a replica and must not have fewer connections than its primary");
    }
    if (change->to < change->from && change->to <= change->clients) {
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "%.0f sessions are connected: with max_connections %d some of them "
                            "could not come back",
                            change->clients, change->to);
    }
    return true;
}

static bool check_room(const struct change *change, struct mw_error *error)
{
    int64_t more = (int64_t)(change->to - change->from) * SESSION_BYTES;
    if (change->to <= change->from) {
        return true;
    }
    if (!change->room.known) {
        return change->to / BLIND_FACTOR <= change->from ||
               mw_error_set(error, MW_ERROR_REFUSED,
                            "what memory its host has is not known from here, so at most double is "
                            "done at once: %d",
                            change->from * BLIND_FACTOR);
    }
    if (more <= change->room.free_bytes) {
        return true;
    }
    char *needs = mw_size_text(NULL, more), *has = mw_size_text(NULL, change->room.free_bytes);
    mw_error_set(
        error, MW_ERROR_REFUSED, "its %s has %s free, and %d more sessions take %s at the least",
        change->room.container ? "container" : "host", has, change->to - change->from, needs);
    talloc_free(needs);
    talloc_free(has);
    return false;
}

static bool prepare(struct mw_target *target, const json_t *arguments, struct mw_deadline deadline,
                    struct change *change, struct mw_error *error)
{
    static const char *const names[] = {"postgres", "postmaster", NULL};
    struct mw_postgres *postgres = target->state;
    if (!mw_postgres_check_control(target, error) || !check_rights(postgres, deadline, error) ||
        !read_setting(postgres, deadline, change, error) ||
        !wanted(arguments, change->from, &change->to, error) || !check_state(change, error)) {
        return false;
    }
    if (postgres->address->local && change->to > change->from &&
        !mw_room_of_process(mw_postgres_connection_process(postgres->connection), names, deadline,
                            &change->room, error)) {
        return false;
    }
    return check_room(change, error);
}

/* ---- the tool ---- */

static char *effect(const struct mw_target *target, const struct change *change, TALLOC_CTX *memory)
{
    char *room =
        change->room.known
            ? talloc_asprintf(memory, " (%s has %s free)",
                              change->room.container ? "container" : "host",
                              mw_size_text(memory, change->room.free_bytes))
            : talloc_strdup(memory, change->to > change->from ? " (host memory not known)" : "");
    return talloc_asprintf(memory,
                           "%d → %d%s, then %s: %.0f sessions are cut off, %.0f of them inside a "
                           "transaction, which is rolled back",
                           change->from, change->to, room, target->control->restart_says,
                           change->clients, change->inside);
}

MW_POSTGRES_ASSESS(mw_postgres_assess_scale)
{
    struct change change;
    if (!prepare(target, arguments, deadline, &change, error)) {
        return false;
    }
    if (change.to == change.from) {
        return mw_error_set(error, MW_ERROR_REFUSED, "max_connections is %d already", change.to);
    }
    *out = (struct mw_assessment){
        .risk = MW_RISK_DISRUPTIVE,
        .effect = effect(target, &change, memory),
        .arguments =
            json_pack("{s:s, s:i}", "resource", target->name, "max_connections", change.to),
        .undo = json_pack("{s:s, s:{s:s, s:i}}", "tool", "postgres_scale_connections", "arguments",
                          "resource", target->name, "max_connections", change.from),
    };
    return out->arguments != NULL ||
           mw_error_set(error, MW_ERROR_RETRY, "no memory left for the assessment");
}

/* Written to postgresql.auto.conf, which is read when the server starts. */
static bool write_setting(struct mw_postgres *postgres, const char *statement,
                          struct mw_deadline deadline, struct mw_error *error)
{
    PGresult *result mw_postgres_result_auto =
        mw_postgres_ask(postgres->connection, deadline, error, statement, NULL);
    return result != NULL || mw_error_wrap(error, "ALTER SYSTEM");
}

/* The restart did not happen: the next one, whoever asks for it, must not bring the new value. */
static const char *take_back(struct mw_postgres *postgres, const struct change *change,
                             struct mw_deadline deadline)
{
    struct mw_error error;
    char statement[80];
    snprintf(statement, sizeof statement, "ALTER SYSTEM SET max_connections = %d", change->from);
    bool done = write_setting(
        postgres, change->from_system ? statement : "ALTER SYSTEM RESET max_connections", deadline,
        &error);
    return done ? "the setting was taken back"
                : "the new setting still stands in postgresql.auto.conf";
}

static json_t *report(const struct change *change, const struct mw_postgres_comeback *after,
                      int64_t ms)
{
    int seen = after->answers ? (int)after->reading.max_connections : 0;
    json_t *data =
        json_pack("{s:i, s:i, s:f, s:f, s:f}", "max_connections_before", change->from,
                  "max_connections", seen, "connections_before", change->clients, "connections",
                  after->answers ? after->reading.clients : 0, "seconds", (double)ms / 1000);
    if (!after->answers) {
        return mw_tool_result(false, data,
                              "max_connections %d was written to postgresql.auto.conf and the "
                              "restart command ended well, but PostgreSQL does not serve since: %s",
                              change->to, after->unanswered);
    }
    if (!after->other) {
        return mw_tool_result(false, data,
                              "the restart command ended well, and the same postmaster still runs; "
                              "max_connections %d takes effect when it is restarted",
                              change->to);
    }
    return mw_tool_result(
        seen == change->to, data,
        "max_connections %d → %d; PostgreSQL was restarted and serves again after "
        "%.1f s",
        change->from, seen, (double)ms / 1000);
}

MW_POSTGRES_RUN(mw_postgres_run_scale)
{
    struct mw_postgres *postgres = target->state;
    struct mw_postgres_comeback after;
    struct change change;
    char statement[80];
    if (!prepare(target, arguments, deadline, &change, error)) {
        return mw_postgres_not_tried(error, "nothing was changed", result);
    }
    snprintf(statement, sizeof statement, "ALTER SYSTEM SET max_connections = %d", change.to);
    if (!write_setting(postgres, statement, deadline, error)) {
        return false;
    }
    mw_mono_ns start = mw_mono_now();
    if (!target->control->restart(target->control, deadline, error)) {
        if (error->class != MW_ERROR_PERMANENT) {
            return mw_error_wrap(error, "max_connections %d was written, and the restart",
                                 change.to);
        }
        *result = mw_tool_result(false, NULL, "%s; %s", error->text,
                                 take_back(postgres, &change, deadline));
        return true;
    }
    if (!mw_postgres_wait_served(postgres, change.started_at, deadline, &after, error)) {
        return false;
    }
    *result = report(&change, &after, (mw_mono_now() - start) / 1000000);
    return true;
}
