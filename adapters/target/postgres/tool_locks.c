/* SPDX-License-Identifier: Apache-2.0 */
/* postgres_locks. */
#include <string.h>

#include "postgres.h"
#include "sessions.h"

#define ROOTS_MAX   20
#define WAITING_MAX 20

bool mw_postgres_prepared_read(struct mw_postgres *postgres, struct mw_deadline deadline,
                               char name[64], struct mw_error *error)
{
    PGresult *result mw_postgres_result_auto =
        mw_postgres_ask(postgres->connection, deadline, error,
                        "SELECT gid FROM pg_prepared_xacts ORDER BY prepared LIMIT 1", NULL);
    if (result == NULL) {
        return false;
    }
    const char *gid = mw_libpq.ntuples(result) > 0 ? mw_postgres_cell(result, 0, 0) : NULL;
    char *clean = mw_postgres_name_text(NULL, gid);
    snprintf(name, 64, "%s", clean != NULL ? clean : "");
    talloc_free(clean);
    return true;
}

/* What each waits for: the lock, and the relation where it is one of our database. */
static json_t *read_waits(struct mw_postgres *postgres, struct mw_deadline deadline,
                          struct mw_error *error)
{
    PGresult *result mw_postgres_result_auto =
        mw_postgres_ask(postgres->connection, deadline, error,
                        "SELECT l.locktype, l.mode, CASE WHEN d.oid IS NOT NULL THEN "
                        "l.relation::regclass::text END,"
                        " count(*) FROM pg_locks l LEFT JOIN pg_database d"
                        " ON d.oid = l.database AND d.datname = current_database()"
                        " WHERE NOT l.granted GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3 LIMIT 20",
                        NULL);
    if (result == NULL) {
        return NULL;
    }
    json_t *waits = json_array();
    for (int row = 0; mw_libpq.nfields(result) == 4 && row < mw_libpq.ntuples(result); row++) {
        char *type = mw_postgres_name_text(NULL, mw_postgres_cell(result, row, 0));
        char *mode = mw_postgres_name_text(NULL, mw_postgres_cell(result, row, 1));
        char *relation = mw_postgres_name_text(NULL, mw_postgres_cell(result, row, 2));
        double count = mw_postgres_count(result, row, 3);
        json_array_append_new(waits, json_pack("{s:s, s:s, s:s, s:I}", "lock", type, "mode", mode,
                                               "relation", relation, "waiting", (json_int_t)count));
        talloc_free(type);
        talloc_free(mode);
        talloc_free(relation);
    }
    return waits;
}

static json_t *list_json(const struct mw_postgres_sessions *sessions)
{
    json_t *list = json_array();
    for (size_t i = 0; i < sessions->count; i++) {
        json_array_append_new(list, mw_postgres_session_json(&sessions->items[i]));
    }
    return list;
}

static json_t *summarise(const struct mw_postgres_sessions *roots, int64_t waiting,
                         const char *prepared, json_t *data)
{
    if (waiting == 0) {
        return mw_tool_result(true, data, "no session waits for a lock");
    }
    if (roots->count == 0) {
        return *prepared != '\0'
                   ? mw_tool_result(true, data,
                                    "%lld sessions wait for a lock; the prepared transaction %s "
                                    "holds some: COMMIT PREPARED or ROLLBACK PREPARED it by hand",
                                    (long long)waiting, prepared)
                   : mw_tool_result(true, data,
                                    "%lld sessions wait for a lock, and none of those that hold "
                                    "them up is free of waiting itself: a deadlock, which the "
                                    "server resolves, or one that is over by now",
                                    (long long)waiting);
    }
    TALLOC_CTX *memory = talloc_new(NULL);
    const struct mw_postgres_session *first = &roots->items[0];
    char *more = roots->count > 1
                     ? talloc_asprintf(memory, "; %zu more root blockers", roots->count - 1)
                     : talloc_strdup(memory, "");
    json_t *result = mw_tool_result(
        true, data,
        "%lld sessions wait for a lock; the root blocker is %s, %s: %lld wait behind it%s",
        (long long)waiting, mw_postgres_session_name(memory, first),
        mw_postgres_session_doing(memory, first), (long long)first->blocks, more);
    talloc_free(memory);
    return result;
}

MW_POSTGRES_RUN(mw_postgres_run_locks)
{
    struct mw_postgres *postgres = target->state;
    struct mw_postgres_crowd crowd;
    TALLOC_CTX *memory = talloc_new(NULL);
    char prepared[64] = "";
    struct mw_postgres_sessions *waiting = NULL;
    json_t *waits = NULL;
    struct mw_postgres_sessions *roots = mw_postgres_sessions_read(
        memory, postgres->connection, MW_POSTGRES_ROOTS, NULL, ROOTS_MAX, deadline, error);
    if (roots != NULL) {
        waiting = mw_postgres_sessions_read(memory, postgres->connection, MW_POSTGRES_WAITING, NULL,
                                            WAITING_MAX, deadline, error);
    }
    bool done = waiting != NULL &&
                mw_postgres_crowd_read(postgres->connection, deadline, &crowd, error) &&
                mw_postgres_prepared_read(postgres, deadline, prepared, error);
    waits = done ? read_waits(postgres, deadline, error) : NULL;
    if (waits != NULL) {
        json_t *data = json_pack("{s:I, s:o, s:o, s:o, s:s}", "waiting", (json_int_t)crowd.waiting,
                                 "roots", list_json(roots), "waits_for", waits, "longest_waiting",
                                 list_json(waiting), "prepared_transaction", prepared);
        *result = summarise(roots, crowd.waiting, prepared, data);
    }
    talloc_free(memory);
    return waits != NULL;
}
