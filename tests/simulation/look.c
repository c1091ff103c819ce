/* SPDX-License-Identifier: Apache-2.0 */
#include "simulation/look.h"

#include <sqlite3.h>

#include "simulation/sim.h"

#define QUERIES_MAX 40

static sqlite3 *database;
static struct {
    const char *sql;
    sqlite3_stmt *query;
} queries[QUERIES_MAX];
static size_t query_count;

void sim_look_open(const char *path)
{
    if (database != NULL)
        return;
    if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK)
        sim_broken("the record cannot be read: %s", sqlite3_errmsg(database));
}

void sim_look_close(void)
{
    for (size_t i = 0; i < query_count; i++)
        sqlite3_finalize(queries[i].query);
    query_count = 0;
    sqlite3_close(database);
    database = NULL;
}

bool sim_look_is_open(void)
{
    return database != NULL;
}

sqlite3_stmt *sim_look(const char *sql)
{
    for (size_t i = 0; i < query_count; i++) {
        if (queries[i].sql == sql)
            return queries[i].query;
    }
    sim_require(query_count < QUERIES_MAX, "too many queries are kept");
    sqlite3_stmt *query = NULL;
    if (sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &query, NULL) != SQLITE_OK)
        sim_broken("%s: %s", sql, sqlite3_errmsg(database));
    queries[query_count].sql = sql;
    queries[query_count++].query = query;
    return query;
}

void sim_look_integer(sqlite3_stmt *query, int at, int64_t value)
{
    sqlite3_bind_int64(query, at, value);
}

void sim_look_text(sqlite3_stmt *query, int at, const char *value)
{
    sqlite3_bind_text(query, at, value, -1, SQLITE_TRANSIENT);
}

bool sim_look_next(sqlite3_stmt *query)
{
    int code = sqlite3_step(query);
    if (code == SQLITE_ROW)
        return true;
    sqlite3_reset(query);
    if (code != SQLITE_DONE)
        sim_broken("the record cannot be read: %s", sqlite3_errmsg(database));
    return false;
}

int64_t sim_look_number(sqlite3_stmt *query, int column)
{
    return sqlite3_column_int64(query, column);
}

double sim_look_real(sqlite3_stmt *query, int column)
{
    return sqlite3_column_double(query, column);
}

const char *sim_look_word(sqlite3_stmt *query, int column)
{
    const char *text = (const char *)sqlite3_column_text(query, column);
    return text != NULL ? text : "";
}

bool sim_look_is_null(sqlite3_stmt *query, int column)
{
    return sqlite3_column_type(query, column) == SQLITE_NULL;
}

int64_t sim_look_count(const char *sql, int64_t first, int64_t second)
{
    sqlite3_stmt *query = sim_look(sql);
    sim_look_integer(query, 1, first);
    if (sqlite3_bind_parameter_count(query) > 1)
        sim_look_integer(query, 2, second);
    int64_t count = sim_look_next(query) ? sim_look_number(query, 0) : 0;
    sqlite3_reset(query);
    return count;
}
