/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "database.h"

/* A query that returns more is a mistake, and must not take all memory. */
#define CELLS_MAX (4u * 1024 * 1024)

/* FNV-1a, so that most entries are told apart without comparing texts. */
static uint64_t hash_text(const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const unsigned char *byte = (const unsigned char *)text; *byte != 0; byte++) {
        hash = (hash ^ *byte) * UINT64_C(1099511628211);
    }
    return hash;
}

/* The entry that holds this text, or the one to be replaced. */
static struct mw_sqlite_cached *find_entry(struct mw_sqlite *sqlite, const char *text,
                                           uint64_t hash)
{
    struct mw_sqlite_cached *oldest = &sqlite->cache[0];
    for (size_t i = 0; i < MW_SQLITE_CACHE; i++) {
        struct mw_sqlite_cached *entry = &sqlite->cache[i];
        if (entry->statement == NULL) {
            return entry;
        }
        if (entry->hash == hash && strcmp(sqlite3_sql(entry->statement), text) == 0) {
            return entry;
        }
        if (entry->used < oldest->used) {
            oldest = entry;
        }
    }
    sqlite3_finalize(oldest->statement);
    oldest->statement = NULL;
    return oldest;
}

void mw_sqlite_drop_cache(struct mw_sqlite *sqlite)
{
    for (size_t i = 0; i < MW_SQLITE_CACHE; i++) {
        sqlite3_finalize(sqlite->cache[i].statement);
        sqlite->cache[i] = (struct mw_sqlite_cached){0};
    }
}

static sqlite3_stmt *prepare(struct mw_sqlite *sqlite, const char *text, struct mw_error *error)
{
    uint64_t hash = hash_text(text);
    struct mw_sqlite_cached *entry = find_entry(sqlite, text, hash);
    if (entry->statement == NULL) {
        const char *rest = NULL;
        sqlite3_stmt *statement = NULL;
        int code =
            sqlite3_prepare_v3(sqlite->db, text, -1, SQLITE_PREPARE_PERSISTENT, &statement, &rest);
        if (code != SQLITE_OK) {
            mw_sqlite_fault(sqlite, code, error);
            return NULL;
        }
        if (statement == NULL || rest[strspn(rest, " \t\n;")] != '\0') {
            sqlite3_finalize(statement);
            mw_error_set(error, MW_ERROR_BAD_INPUT, "not one SQL statement: %.100s", text);
            return NULL;
        }
        *entry = (struct mw_sqlite_cached){.statement = statement, .hash = hash};
    }
    entry->used = ++sqlite->uses;
    return entry->statement;
}

static int bind_value(sqlite3_stmt *prepared, int place, const struct mw_value *value)
{
    switch (value->type) {
    case MW_VALUE_INTEGER:
        return sqlite3_bind_int64(prepared, place, value->integer);
    case MW_VALUE_REAL:
        return sqlite3_bind_double(prepared, place, value->real);
    case MW_VALUE_TEXT:
        return sqlite3_bind_text(prepared, place, value->text, -1, SQLITE_STATIC);
    case MW_VALUE_NULL:
        break;
    }
    return sqlite3_bind_null(prepared, place);
}

static bool bind_values(struct mw_sqlite *sqlite, sqlite3_stmt *prepared,
                        const struct mw_statement *statement, struct mw_error *error)
{
    if ((size_t)sqlite3_bind_parameter_count(prepared) != statement->value_count) {
        return mw_error_set(
            error, MW_ERROR_BAD_INPUT, "%zu values for the %d question marks of: %.100s",
            statement->value_count, sqlite3_bind_parameter_count(prepared), statement->sql);
    }
    for (size_t i = 0; i < statement->value_count; i++) {
        int code = bind_value(prepared, (int)i + 1, &statement->values[i]);
        if (code != SQLITE_OK) {
            return mw_sqlite_fault(sqlite, code, error);
        }
    }
    return true;
}

/* Text in a damaged or foreign row may hold NULs; they become '?', so that it cannot pass for what
 * stands before the first. */
static char *copy_text(struct mw_transaction *transaction, sqlite3_stmt *prepared, int column)
{
    const char *text = (const char *)sqlite3_column_text(prepared, column);
    size_t length = (size_t)sqlite3_column_bytes(prepared, column);
    if (text == NULL) {
        return NULL;
    }
    char *copy = talloc_size(transaction, length + 1);
    if (copy == NULL) {
        return NULL;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    for (char *nul = memchr(copy, '\0', length); nul != NULL;
         nul = memchr(nul, '\0', length - (size_t)(nul - copy))) {
        *nul = '?';
    }
    return copy;
}

static bool keep_cell(struct mw_transaction *transaction, sqlite3_stmt *prepared, int column,
                      struct mw_value *cell)
{
    switch (sqlite3_column_type(prepared, column)) {
    case SQLITE_NULL:
        *cell = (struct mw_value){.type = MW_VALUE_NULL};
        return true;
    case SQLITE_INTEGER:
        *cell = (struct mw_value){.type = MW_VALUE_INTEGER,
                                  .integer = sqlite3_column_int64(prepared, column)};
        return true;
    case SQLITE_FLOAT:
        *cell = (struct mw_value){.type = MW_VALUE_REAL,
                                  .real = sqlite3_column_double(prepared, column)};
        return true;
    default:
        *cell = (struct mw_value){.type = MW_VALUE_TEXT,
                                  .text = copy_text(transaction, prepared, column)};
        return cell->text != NULL;
    }
}

static bool keep_row(struct mw_sqlite *sqlite, struct mw_transaction *transaction,
                     struct mw_statement *statement, sqlite3_stmt *prepared, struct mw_error *error)
{
    size_t columns = (size_t)sqlite3_column_count(prepared);
    size_t filled = statement->row_count * columns;
    size_t room = statement->cells != NULL ? talloc_array_length(statement->cells) : 0;
    if (filled + columns > CELLS_MAX) {
        return mw_error_set(error, MW_ERROR_BAD_INPUT, "too many rows for one answer: %.100s",
                            statement->sql);
    }
    if (statement->cells == NULL || filled + columns > room) {
        size_t more = room == 0 ? columns * 4 : room * 2;
        struct mw_value *cells =
            talloc_realloc(transaction, statement->cells, struct mw_value, more);
        if (cells == NULL) {
            return mw_sqlite_fault(sqlite, SQLITE_NOMEM, error);
        }
        statement->cells = cells;
    }
    for (size_t i = 0; i < columns; i++) {
        if (!keep_cell(transaction, prepared, (int)i, &statement->cells[filled + i])) {
            return mw_sqlite_fault(sqlite, SQLITE_NOMEM, error);
        }
    }
    statement->column_count = columns;
    statement->row_count++;
    return true;
}

static bool step_through(struct mw_sqlite *sqlite, struct mw_transaction *transaction,
                         struct mw_statement *statement, sqlite3_stmt *prepared,
                         struct mw_error *error)
{
    for (;;) {
        int code = sqlite3_step(prepared);
        if (code == SQLITE_DONE) {
            return true;
        }
        if (code != SQLITE_ROW) {
            return mw_sqlite_fault(sqlite, sqlite3_extended_errcode(sqlite->db), error);
        }
        if (statement->returns && !keep_row(sqlite, transaction, statement, prepared, error)) {
            return false;
        }
    }
}

static bool run_statement(struct mw_sqlite *sqlite, struct mw_transaction *transaction,
                          struct mw_statement *statement, struct mw_error *error)
{
    sqlite3_stmt *prepared = prepare(sqlite, statement->sql, error);
    if (prepared == NULL) {
        return false;
    }
    bool ok = bind_values(sqlite, prepared, statement, error) &&
              step_through(sqlite, transaction, statement, prepared, error);
    sqlite3_int64 changed = sqlite3_changes64(sqlite->db);
    sqlite3_reset(prepared);
    sqlite3_clear_bindings(prepared);
    if (ok && statement->expect != MW_ROWS_ANY && changed != statement->expect) {
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "it was changed in the meantime (%" PRId64 " rows where %d should be)",
                            (int64_t)changed, statement->expect);
    }
    return ok;
}

bool mw_sqlite_execute(struct mw_sqlite *sqlite, struct mw_transaction *transaction,
                       struct mw_error *error)
{
    for (size_t i = 0; i < transaction->count; i++) {
        if (!run_statement(sqlite, transaction, &transaction->statements[i], error)) {
            return false;
        }
    }
    return true;
}

bool mw_sqlite_command(struct mw_sqlite *sqlite, const char *text, struct mw_error *error)
{
    sqlite3_stmt *prepared = prepare(sqlite, text, error);
    if (prepared == NULL) {
        return false;
    }
    int code;
    do {
        code = sqlite3_step(prepared);
    } while (code == SQLITE_ROW);
    int fault = code == SQLITE_DONE ? SQLITE_OK : sqlite3_extended_errcode(sqlite->db);
    bool ok = fault == SQLITE_OK || mw_sqlite_fault(sqlite, fault, error);
    sqlite3_reset(prepared);
    return ok;
}
