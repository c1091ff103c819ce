/* SPDX-License-Identifier: Apache-2.0 */
#include "sessions.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "postgres.h"

#define SESSIONS_MAX 500
#define QUERY_MAX    160

/*
 * Who waits, whom for, and the walk from each that blocks without waiting down to all behind it.
 * pg_blocking_pids names those queued ahead, too, so that most blockers wait themselves; process 0 stands
 * for a prepared transaction. Each call of it stops all locking for a moment, so that only those who wait
 * longest are asked about.
 */
#define WALK                                                                                     \
    "WITH RECURSIVE people AS (SELECT * FROM pg_stat_get_activity(NULL)),"                       \
    " waiting AS (SELECT DISTINCT pid FROM pg_locks WHERE NOT granted),"                         \
    " edges AS (SELECT w.pid AS waiter, b.pid AS blocker FROM"                                   \
    "  (SELECT pid FROM waiting LEFT JOIN people USING (pid) ORDER BY query_start LIMIT 400) w," \
    "  unnest(pg_blocking_pids(w.pid)) AS b (pid) WHERE b.pid <> w.pid),"                        \
    " walk (root, pid) AS (SELECT blocker, waiter FROM edges"                                    \
    "  WHERE blocker NOT IN (SELECT pid FROM waiting)"                                           \
    "  UNION SELECT walk.root, e.waiter FROM walk JOIN edges e ON e.blocker = walk.pid),"        \
    " roots AS (SELECT root, count(DISTINCT pid) AS blocks FROM walk GROUP BY root) "

enum column {
    PID,
    BACKEND_START,
    XACT_START,
    QUERY_START,
    STATE_CHANGE,
    USER,
    DATABASE,
    APPLICATION,
    CLIENT,
    STATE,
    WAIT,
    KIND,
    QUERY,
    TRANSACTION_S,
    QUERY_S,
    STATE_S,
    BLOCKS,
    WAITS,
    OURS,
    SUPERUSER,
    MAY_END,
    COLUMNS,
};

#define SESSION                                                                               \
    "SELECT a.pid, a.backend_start::text, a.xact_start::text, a.query_start::text,"           \
    " a.state_change::text, r.rolname, d.datname, a.application_name,"                        \
    " coalesce(host(a.client_addr), CASE WHEN a.client_port = -1 THEN 'local' END), a.state," \
    " a.wait_event_type || ' ' || a.wait_event, a.backend_type, a.query,"                     \
    " extract(epoch FROM clock_timestamp() - a.xact_start)::float8,"                          \
    " extract(epoch FROM clock_timestamp() - a.query_start)::float8,"                         \
    " extract(epoch FROM clock_timestamp() - a.state_change)::float8,"                        \
    " coalesce(k.blocks, 0), a.pid IN (SELECT pid FROM waiting), a.pid = pg_backend_pid()"    \
    "  OR (a.application_name = 'midwatch' AND r.rolname = current_user),"                    \
    " coalesce(r.rolsuper, false), current_setting('is_superuser') = 'on'"                    \
    "  OR coalesce(NOT r.rolsuper AND (pg_has_role(r.oid, 'USAGE')"                           \
    "   OR pg_has_role('pg_signal_backend', 'USAGE')), false)"                                \
    " FROM people a LEFT JOIN pg_roles r ON r.oid = a.usesysid"                               \
    " LEFT JOIN pg_database d ON d.oid = a.datid LEFT JOIN roots k ON k.root = a.pid "

#define CLIENTS "WHERE a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()"
#define IDLE_FOR                                                                   \
    " AND clock_timestamp() - a.state_change >= make_interval(secs => $1::float8)" \
    " ORDER BY a.state_change"

static const char *const questions[] = {
    [MW_POSTGRES_ROOTS] = WALK SESSION "WHERE k.blocks > 0 ORDER BY k.blocks DESC, a.xact_start",
    [MW_POSTGRES_LONG] = WALK SESSION CLIENTS
    " AND a.state = 'active' AND a.pid NOT IN (SELECT pid FROM waiting)"
    " AND clock_timestamp() - a.query_start >= make_interval(secs => $1::float8)"
    " ORDER BY a.query_start",
    [MW_POSTGRES_IDLE] = WALK SESSION CLIENTS " AND a.state LIKE 'idle%'" IDLE_FOR,
    [MW_POSTGRES_IDLE_INSIDE] =
        WALK SESSION CLIENTS " AND a.state LIKE 'idle in transaction%'" IDLE_FOR,
    [MW_POSTGRES_IDLE_OUTSIDE] = WALK SESSION CLIENTS " AND a.state = 'idle'" IDLE_FOR,
    [MW_POSTGRES_OLDEST] = WALK SESSION CLIENTS
    " AND clock_timestamp() - a.xact_start >= make_interval(secs => $1::float8)"
    " ORDER BY a.xact_start",
    [MW_POSTGRES_WAITING] =
        WALK SESSION "WHERE a.pid IN (SELECT pid FROM waiting) ORDER BY a.query_start",
    [MW_POSTGRES_NAMED] = WALK SESSION "WHERE a.pid = ANY ($1::int[])",
};

/* ---- reading ---- */

static const char *text_of(TALLOC_CTX *memory, const PGresult *result, int row, int column)
{
    const char *cell = mw_postgres_cell(result, row, column);
    return cell != NULL ? talloc_strndup(memory, cell, 64) : NULL;
}

static const char *name_of(TALLOC_CTX *memory, const PGresult *result, int row, int column)
{
    return mw_postgres_name_text(memory, mw_postgres_cell(result, row, column));
}

static int64_t integer_of(const PGresult *result, int row, int column)
{
    return (int64_t)mw_postgres_count(result, row, column);
}

static void read_session(TALLOC_CTX *memory, const PGresult *result, int row,
                         struct mw_postgres_session *session)
{
    const char *query = mw_postgres_cell(result, row, QUERY);
    const char *kind = mw_postgres_cell(result, row, KIND);
    *session = (struct mw_postgres_session){
        .pid = integer_of(result, row, PID),
        .backend_start = text_of(memory, result, row, BACKEND_START),
        .xact_start = text_of(memory, result, row, XACT_START),
        .query_start = text_of(memory, result, row, QUERY_START),
        .state_change = text_of(memory, result, row, STATE_CHANGE),
        .user = name_of(memory, result, row, USER),
        .database = name_of(memory, result, row, DATABASE),
        .application = name_of(memory, result, row, APPLICATION),
        .client = name_of(memory, result, row, CLIENT),
        .state = name_of(memory, result, row, STATE),
        .wait = name_of(memory, result, row, WAIT),
        .kind = name_of(memory, result, row, KIND),
        .query = mw_postgres_query_text(memory, query != NULL ? query : "", QUERY_MAX),
        .transaction_s = mw_postgres_number(result, row, TRANSACTION_S),
        .query_s = mw_postgres_number(result, row, QUERY_S),
        .state_s = mw_postgres_number(result, row, STATE_S),
        .blocks = integer_of(result, row, BLOCKS),
        .waits = mw_postgres_is_true(result, row, WAITS),
        .client_backend = kind != NULL && strcmp(kind, "client backend") == 0,
        .ours = mw_postgres_is_true(result, row, OURS),
        .superuser = mw_postgres_is_true(result, row, SUPERUSER),
        .may_end = mw_postgres_is_true(result, row, MAY_END),
        .wraparound = query != NULL && strstr(query, "to prevent wraparound") != NULL,
    };
    session->root = session->blocks > 0 && !session->waits;
}

struct mw_postgres_sessions *
mw_postgres_sessions_read(TALLOC_CTX *memory, struct mw_postgres_connection *connection,
                          enum mw_postgres_which which, const char *value, size_t limit,
                          struct mw_deadline deadline, struct mw_error *error)
{
    size_t most = limit < SESSIONS_MAX ? limit : SESSIONS_MAX;
    struct mw_postgres_sessions *sessions = talloc_zero(memory, struct mw_postgres_sessions);
    char *sql = talloc_asprintf(sessions, "%s LIMIT %zu", questions[which], most);
    PGresult *result mw_postgres_result_auto =
        sql != NULL ? mw_postgres_ask(connection, deadline, error, sql, value, NULL) : NULL;
    if (sql == NULL) {
        mw_error_set(error, MW_ERROR_RETRY, "no memory left");
    }
    if (result != NULL && mw_libpq.nfields(result) != COLUMNS) {
        mw_postgres_result_release(&result);
        mw_error_set(error, MW_ERROR_PERMANENT, "it tells of its sessions in an unknown shape");
    }
    if (result == NULL) {
        talloc_free(sessions);
        return NULL;
    }
    size_t rows = (size_t)mw_libpq.ntuples(result);
    sessions->items = talloc_zero_array(sessions, struct mw_postgres_session,
                                        (unsigned)(rows < most ? rows : most));
    while (sessions->items != NULL && sessions->count < rows && sessions->count < most) {
        read_session(sessions, result, (int)sessions->count, &sessions->items[sessions->count]);
        sessions->count++;
    }
    return sessions;
}

bool mw_postgres_crowd_read(struct mw_postgres_connection *connection, struct mw_deadline deadline,
                            struct mw_postgres_crowd *crowd, struct mw_error *error)
{
    PGresult *result mw_postgres_result_auto = mw_postgres_ask(
        connection, deadline, error,
        "SELECT count(*) FILTER (WHERE backend_type = 'client backend'"
        " OR (backend_type IS NULL AND datid IS NOT NULL AND usesysid IS NOT NULL)),"
        " (SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted)"
        " FROM pg_stat_get_activity(NULL)",
        NULL);
    if (result == NULL) {
        return false;
    }
    bool shaped = mw_libpq.ntuples(result) == 1 && mw_libpq.nfields(result) == 2;
    crowd->clients = shaped ? integer_of(result, 0, 0) : 0;
    crowd->waiting = shaped ? integer_of(result, 0, 1) : 0;
    return true;
}

/* ---- telling ---- */

char *mw_postgres_session_name(TALLOC_CTX *memory, const struct mw_postgres_session *session)
{
    bool application = *session->application != '\0';
    return talloc_asprintf(memory, "%lld (%s%s%s%s%s)", (long long)session->pid, session->user,
                           *session->database != '\0' ? "@" : "", session->database,
                           application ? ", " : "", session->application);
}

char *mw_postgres_session_doing(TALLOC_CTX *memory, const struct mw_postgres_session *session)
{
    bool active = strcmp(session->state, "active") == 0;
    if (*session->state == '\0') {
        return talloc_strdup(memory, "what it does is not shown to our role");
    }
    char *age = mw_postgres_age_text(memory, active ? session->query_s : session->state_s);
    char *text =
        talloc_asprintf(memory, "%s for %s", active ? "runs a query" : session->state, age);
    talloc_free(age);
    return text;
}

const char *mw_postgres_session_spared(const struct mw_postgres_session *session)
{
    if (session->ours) {
        return "it is midwatch itself";
    }
    if (session->wraparound && !session->client_backend) {
        return "it is autovacuum against wraparound, which no tool ends";
    }
    if (*session->kind == '\0') {
        return "our role may not see what it is: GRANT pg_monitor";
    }
    if (strcmp(session->kind, "walsender") == 0) {
        return "it is replication, which no tool ends";
    }
    if (!session->client_backend) {
        return "it is a process of the server itself";
    }
    if (!session->may_end) {
        return session->superuser ? "it is a superuser's, which only a superuser may end"
                                  : "our role may not end it: GRANT pg_signal_backend";
    }
    return NULL;
}

static void set_number(json_t *object, const char *name, double value)
{
    if (isfinite(value)) {
        json_object_set_new(object, name, json_real(round(value * 1000) / 1000));
    }
}

json_t *mw_postgres_session_json(const struct mw_postgres_session *session)
{
    json_t *object = json_pack(
        "{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "pid", (json_int_t)session->pid, "user",
        session->user, "database", session->database, "application", session->application, "client",
        session->client, "state", session->state, "wait", session->wait, "query", session->query);
    set_number(object, "transaction_s", session->transaction_s);
    set_number(object, "query_s", session->query_s);
    set_number(object, "state_s", session->state_s);
    if (!session->client_backend) {
        json_object_set_new(object, "kind", json_string(session->kind));
    }
    if (session->blocks > 0) {
        json_object_set_new(object, "blocks", json_integer(session->blocks));
    }
    const char *spared = mw_postgres_session_spared(session);
    if (spared != NULL) {
        json_object_set_new(object, "spared", json_string(spared));
    }
    return object;
}
