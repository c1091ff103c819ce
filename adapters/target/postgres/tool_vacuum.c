/* SPDX-License-Identifier: Apache-2.0 */
/* postgres_vacuum. */
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/text.h"
#include "postgres.h"

/* What the server may take less than we wait, so that it is the one to end it. */
#define SPARE_MS  1500
#define CANCEL_MS 2000

/* What is to be vacuumed: one table, or all that our role may. */
struct work {
    char *schema, *table; /* NULL: the database */
    double tables, dead, live, bytes;
    bool skips_locked; /* the server can pass by tables that others hold */
};

/* Owners of the table and of the database may, and from version 17 on who has been made its caretaker. */
#define MAY_VACUUM                                                                \
    "(current_setting('is_superuser') = 'on' OR pg_has_role(c.relowner, 'USAGE')" \
    " OR (NOT c.relisshared AND pg_has_role((SELECT datdba FROM pg_database"      \
    "  WHERE datname = current_database()), 'USAGE'))"                            \
    " OR EXISTS (SELECT FROM pg_roles m WHERE m.rolname = 'pg_maintain'"          \
    "  AND pg_has_role(m.oid, 'USAGE')))"

#define IS_TABLE "c.relkind IN ('r', 'm') AND n.nspname !~ '^pg_toast'"

/* ---- what is meant ---- */

static bool refuse_table(const char *table, int found, struct mw_error *error)
{
    char *clean = mw_postgres_name_text(NULL, table);
    mw_error_set(error, MW_ERROR_REFUSED,
                 found == 0 ? "there is no table %s in this database"
                            : "several tables are meant by %s: write schema.table",
                 clean != NULL ? clean : "");
    talloc_free(clean);
    return false;
}

static bool find_table(struct mw_postgres *postgres, TALLOC_CTX *memory, const char *table,
                       struct mw_deadline deadline, struct work *work, struct mw_error *error)
{
    PGresult *result mw_postgres_result_auto = mw_postgres_ask(
        postgres->connection, deadline, error,
        "SELECT n.nspname, c.relname, " MAY_VACUUM ", pg_stat_get_dead_tuples(c.oid),"
        " pg_stat_get_live_tuples(c.oid), c.relpages::float8 * "
        "current_setting('block_size')::float8"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE " IS_TABLE
        " AND (n.nspname || '.' || c.relname = $1"
        "  OR (c.relname = $1 AND n.nspname NOT IN ('pg_catalog', 'information_schema'))) LIMIT 2",
        table, NULL);
    if (result == NULL) {
        return false;
    }
    if (mw_libpq.ntuples(result) != 1 || mw_libpq.nfields(result) != 6) {
        return refuse_table(table, mw_libpq.ntuples(result), error);
    }
    if (!mw_postgres_is_true(result, 0, 2)) {
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "role %s does not own that table: GRANT it the owner's role%s",
                            postgres->address->user, ", or pg_maintain from version 17 on");
    }
    work->schema = talloc_strdup(memory, mw_libpq.getvalue(result, 0, 0));
    work->table = talloc_strdup(memory, mw_libpq.getvalue(result, 0, 1));
    work->tables = 1;
    work->dead = mw_postgres_count(result, 0, 3);
    work->live = mw_postgres_count(result, 0, 4);
    work->bytes = mw_postgres_count(result, 0, 5);
    return true;
}

static bool find_all(struct mw_postgres *postgres, struct mw_deadline deadline, struct work *work,
                     struct mw_error *error)
{
    PGresult *result mw_postgres_result_auto = mw_postgres_ask(
        postgres->connection, deadline, error,
        "SELECT count(*), sum(pg_stat_get_dead_tuples(c.oid)), sum(pg_stat_get_live_tuples(c.oid)),"
        " sum(c.relpages::float8) * current_setting('block_size')::float8"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE " IS_TABLE
        " AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND " MAY_VACUUM,
        NULL);
    if (result == NULL) {
        return false;
    }
    bool shaped = mw_libpq.ntuples(result) == 1 && mw_libpq.nfields(result) == 4;
    work->tables = shaped ? mw_postgres_count(result, 0, 0) : 0;
    if (!(work->tables > 0)) {
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "role %s owns no table of this database: GRANT it the owner's role, or "
                            "pg_maintain from version 17 on",
                            postgres->address->user);
    }
    work->dead = mw_postgres_count(result, 0, 1);
    work->live = mw_postgres_count(result, 0, 2);
    work->bytes = mw_postgres_count(result, 0, 3);
    return true;
}

static bool prepare(struct mw_postgres *postgres, TALLOC_CTX *memory, const json_t *arguments,
                    struct mw_deadline deadline, struct work *work, struct mw_error *error)
{
    const char *table = json_string_value(json_object_get(arguments, "table"));
    PGresult *result mw_postgres_result_auto =
        mw_postgres_ask(postgres->connection, deadline, error,
                        "SELECT pg_is_in_recovery(),"
                        " current_setting('server_version_num')::int >= 120000",
                        NULL);
    *work = (struct work){.table = NULL};
    if (result == NULL) {
        return false;
    }
    if (mw_libpq.ntuples(result) == 1 && mw_postgres_is_true(result, 0, 0)) {
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "it is a replica, which cannot be vacuumed: do it on its primary");
    }
    work->skips_locked = mw_libpq.ntuples(result) == 1 && mw_postgres_is_true(result, 0, 1);
    return table != NULL ? find_table(postgres, memory, table, deadline, work, error)
                         : find_all(postgres, deadline, work, error);
}

/* ---- the tool ---- */

static char *count_text(TALLOC_CTX *memory, double number)
{
    return mw_postgres_number_text(memory, (int64_t)number);
}

static char *what_text(TALLOC_CTX *memory, const struct work *work)
{
    if (work->table == NULL) {
        return talloc_asprintf(memory, "%s tables", count_text(memory, work->tables));
    }
    char *name = talloc_asprintf(memory, "%s.%s", work->schema, work->table);
    return mw_postgres_name_text(memory, name);
}

MW_POSTGRES_ASSESS(mw_postgres_assess_vacuum)
{
    struct work work;
    if (!prepare(target->state, memory, arguments, deadline, &work, error)) {
        return false;
    }
    json_t *pinned = json_pack("{s:s}", "resource", target->name);
    if (pinned != NULL && work.table != NULL) {
        json_object_set_new(pinned, "table", json_sprintf("%s.%s", work.schema, work.table));
    }
    *out = (struct mw_assessment){
        .risk = MW_RISK_REVERSIBLE,
        .effect =
            talloc_asprintf(memory, "%s, %s: %s dead rows beside %s live ones",
                            what_text(memory, &work), mw_size_text(memory, (int64_t)work.bytes),
                            count_text(memory, work.dead), count_text(memory, work.live)),
        .arguments = pinned,
    };
    return out->arguments != NULL ||
           mw_error_set(error, MW_ERROR_RETRY, "no memory left for the assessment");
}

/* An identifier as the server reads it back (PostgreSQL manual, 4.1.1). */
static char *quoted(TALLOC_CTX *memory, const char *name)
{
    struct mw_buffer buffer;
    mw_buffer_init(&buffer, memory, 1024);
    mw_buffer_append_text(&buffer, "\"");
    for (; *name != '\0'; name++) {
        mw_buffer_append(&buffer, "\"", *name == '"');
        mw_buffer_append(&buffer, name, 1);
    }
    mw_buffer_append_text(&buffer, "\"");
    return mw_buffer_take(&buffer);
}

static char *statement_of(TALLOC_CTX *memory, const struct work *work)
{
    return work->table == NULL
               ? talloc_asprintf(memory, "VACUUM (ANALYZE%s)",
                                 work->skips_locked ? ", SKIP_LOCKED" : "")
               : talloc_asprintf(memory, "VACUUM (ANALYZE) %s.%s", quoted(memory, work->schema),
                                 quoted(memory, work->table));
}

/* On a connection of its own: the probe's must not wait for it. */
static bool vacuum(struct mw_postgres *postgres, TALLOC_CTX *memory, const struct work *work,
                   struct mw_deadline deadline, struct mw_error *error)
{
    struct mw_postgres_connection *own = mw_postgres_connection_create(memory, postgres->address);
    int64_t left = mw_deadline_left_ms(deadline);
    char timeout[64], pid[24];
    if (own == NULL) {
        return mw_error_set(error, MW_ERROR_RETRY, "no memory left for a connection");
    }
    left = left > 3600000 ? 3600000 : left;
    snprintf(timeout, sizeof timeout, "SET statement_timeout = %lld",
             (long long)(left > 2 * SPARE_MS ? left - SPARE_MS : left / 2 + 1));
    PGresult *set mw_postgres_result_auto = mw_postgres_ask(own, deadline, error, timeout, NULL);
    if (set == NULL) {
        return mw_error_wrap(error, "VACUUM needs a second connection");
    }
    PGresult *done mw_postgres_result_auto =
        mw_postgres_ask(own, deadline, error, statement_of(memory, work), NULL);
    if (done == NULL && error->class == MW_ERROR_TIMEOUT) {
        struct mw_error ignored;
        snprintf(pid, sizeof pid, "%d", mw_postgres_connection_process(own));
        PGresult *cancelled =
            mw_postgres_ask(postgres->connection, mw_deadline_in(CANCEL_MS), &ignored,
                            "SELECT pg_cancel_backend($1::int)", pid, NULL);
        mw_libpq.clear(cancelled);
    }
    mw_postgres_connection_close(own);
    return done != NULL;
}

static json_t *report(TALLOC_CTX *memory, const struct work *before, const struct work *after,
                      const struct mw_error *error, int64_t ms)
{
    double freed = before->dead - after->dead;
    json_t *data =
        json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "tables", before->tables, "dead_rows_before",
                  before->dead, "dead_rows", after->dead, "bytes_before", before->bytes, "bytes",
                  after->bytes, "seconds", (double)ms / 1000);
    if (error->class != MW_ERROR_NONE) {
        return mw_tool_result(false, data, "not finished after %.1f s, what was done stays: %s",
                              (double)ms / 1000, error->text);
    }
    return mw_tool_result(true, data, "%s vacuumed and analysed in %.1f s; dead rows %s → %s%s",
                          what_text(memory, before), (double)ms / 1000,
                          count_text(memory, before->dead), count_text(memory, after->dead),
                          before->dead > 0 && freed < before->dead / 2
                              ? "; old transactions, replicas or slots still need the others"
                              : "");
}

static bool run(struct mw_postgres *postgres, TALLOC_CTX *memory, const json_t *arguments,
                struct mw_deadline deadline, json_t **result, struct mw_error *error)
{
    struct work before, after;
    struct mw_error vacuumed = {.class = MW_ERROR_NONE};
    mw_mono_ns start = mw_mono_now();
    if (!prepare(postgres, memory, arguments, deadline, &before, error)) {
        return mw_postgres_not_tried(error, "nothing was vacuumed", result);
    }
    /* Too long, held up by a lock, cut off: it leaves no doubt, since half of it does no harm. */
    if (!vacuum(postgres, memory, &before, deadline, &vacuumed) &&
        vacuumed.class != MW_ERROR_TIMEOUT && vacuumed.class != MW_ERROR_RETRY) {
        *error = vacuumed;
        return false;
    }
    if (!prepare(postgres, memory, arguments, mw_deadline_in(CANCEL_MS), &after, error)) {
        after = before;
    }
    *result = report(memory, &before, &after, &vacuumed, (mw_mono_now() - start) / 1000000);
    return true;
}

MW_POSTGRES_RUN(mw_postgres_run_vacuum)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    bool done = run(target->state, memory, arguments, deadline, result, error);
    talloc_free(memory);
    return done;
}
