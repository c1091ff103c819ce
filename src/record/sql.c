/* SPDX-License-Identifier: Apache-2.0 */
#include "record/sql.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/redact.h"
#include "base/text.h"

#define PATIENCE_MS 10000

void mw_sql_begin(struct mw_sql *sql)
{
    *sql = (struct mw_sql){.transaction = talloc_zero(NULL, struct mw_transaction)};
    sql->failed = sql->transaction == NULL;
}

void mw_sql_finish(struct mw_sql *sql)
{
    TALLOC_FREE(sql->transaction);
    sql->failed = true;
}

static size_t count_marks(const char *text)
{
    size_t count = 0;
    for (const char *mark = strchr(text, '?'); mark != NULL; mark = strchr(mark + 1, '?')) {
        count++;
    }
    return count;
}

static bool make_room(struct mw_transaction *transaction)
{
    size_t room =
        transaction->statements != NULL ? talloc_array_length(transaction->statements) : 0;
    if (transaction->count < room) {
        return true;
    }
    struct mw_statement *grown = talloc_realloc(transaction, transaction->statements,
                                                struct mw_statement, room == 0 ? 8 : room * 2);
    if (grown == NULL) {
        return false;
    }
    transaction->statements = grown;
    return true;
}

static struct mw_statement *add(struct mw_sql *sql, const char *text)
{
    if (sql->failed || !make_room(sql->transaction)) {
        sql->failed = true;
        return NULL;
    }
    struct mw_transaction *transaction = sql->transaction;
    struct mw_statement *statement = &transaction->statements[transaction->count];
    *statement = (struct mw_statement){
        .sql = talloc_strdup(transaction, text),
        .value_count = count_marks(text),
        .expect = MW_ROWS_ANY,
    };
    statement->values = talloc_zero_array(transaction, struct mw_value, statement->value_count);
    if (statement->sql == NULL || statement->values == NULL) {
        sql->failed = true;
        return NULL;
    }
    transaction->count++;
    sql->filled = 0;
    return statement;
}

void mw_sql_add(struct mw_sql *sql, const char *text)
{
    add(sql, text);
}

void mw_sql_query(struct mw_sql *sql, const char *text)
{
    struct mw_statement *statement = add(sql, text);
    if (statement != NULL) {
        statement->returns = true;
    }
}

void mw_sql_expect(struct mw_sql *sql, int rows)
{
    if (!sql->failed) {
        sql->transaction->statements[sql->transaction->count - 1].expect = rows;
    }
}

/* The place of the next value; NULL when building has failed already. */
static struct mw_value *next_value(struct mw_sql *sql)
{
    if (sql->failed) {
        return NULL;
    }
    struct mw_statement *statement = &sql->transaction->statements[sql->transaction->count - 1];
    if (sql->filled == statement->value_count) {
        sql->failed = true;
        return NULL;
    }
    return &statement->values[sql->filled++];
}

void mw_sql_integer(struct mw_sql *sql, int64_t number)
{
    struct mw_value *value = next_value(sql);
    if (value != NULL) {
        *value = (struct mw_value){.type = MW_VALUE_INTEGER, .integer = number};
    }
}

void mw_sql_real(struct mw_sql *sql, double number)
{
    struct mw_value *value = next_value(sql);
    if (value != NULL && isfinite(number)) {
        *value = (struct mw_value){.type = MW_VALUE_REAL, .real = number};
    }
}

/* Takes a text that hangs on the transaction already; NULL: it could not be made. */
static void take_text(struct mw_sql *sql, char *text)
{
    struct mw_value *value = next_value(sql);
    if (value == NULL || text == NULL) {
        sql->failed = true;
        return;
    }
    *value = (struct mw_value){.type = MW_VALUE_TEXT, .text = text};
}

/* A database that is strict about UTF-8 must not refuse a commit for a foreign byte. */
static char *copy_text(struct mw_sql *sql, const char *text)
{
    size_t length = strlen(text);
    return mw_text_is_utf8(text, length)
               ? talloc_strdup(sql->transaction, text)
               : mw_text_clean(sql->transaction, text, length, MW_RECORD_JSON_MAX);
}

void mw_sql_text(struct mw_sql *sql, const char *text)
{
    if (text == NULL) {
        next_value(sql);
    } else if (!sql->failed) {
        take_text(sql, copy_text(sql, text));
    }
}

void mw_sql_masked(struct mw_sql *sql, const char *text)
{
    if (text == NULL) {
        next_value(sql);
    } else if (!sql->failed) {
        take_text(sql, mw_redact_lines(sql->transaction, text, strlen(text)));
    }
}

void mw_sql_json_new(struct mw_sql *sql, json_t *stolen)
{
    json_auto_t *value = stolen;
    if (sql->failed) {
        return;
    }
    char *text = value != NULL ? mw_json_canonical(sql->transaction, value) : NULL;
    if (text == NULL) {
        sql->failed = true;
        return;
    }
    /* What could not be read back would make the whole row unreadable: a tool's result that is
     * nested to the limit, for example, stands one level deeper here. */
    struct mw_error error = {0};
    json_auto_t *again = mw_json_parse(text, strlen(text), MW_RECORD_JSON_MAX, &error);
    if (again == NULL) {
        mw_log_warning("record", "a value is left out of the record: %s", error.text);
        talloc_free(text);
        next_value(sql);
        return;
    }
    take_text(sql, text);
}

void mw_sql_json(struct mw_sql *sql, const json_t *value)
{
    if (value == NULL) {
        next_value(sql);
        return;
    }
    /* json_incref is declared for values that may change; its count is no part of the value. */
    union {
        const json_t *read;
        json_t *count;
    } same = {.read = value};
    mw_sql_json_new(sql, json_incref(same.count));
}

void mw_sql_masked_json(struct mw_sql *sql, const json_t *value)
{
    if (value == NULL) {
        next_value(sql);
    } else {
        mw_sql_json_new(sql, mw_redact_json(value));
    }
}

struct mw_deadline mw_sql_deadline(void)
{
    return mw_deadline_in(PATIENCE_MS);
}

bool mw_sql_commit(struct mw_record *record, struct mw_sql *sql, struct mw_deadline deadline,
                   struct mw_error *error)
{
    if (sql->failed) {
        return mw_error_set(error, MW_ERROR_RETRY, "out of memory while writing to the record");
    }
    if (!record->store.ops->commit(&record->store, &sql->transaction, deadline, error)) {
        sql->failed = true;
        return false;
    }
    return true;
}

size_t mw_sql_rows(const struct mw_sql *sql, size_t statement)
{
    return sql->transaction->statements[statement].row_count;
}

struct mw_row mw_sql_row(const struct mw_sql *sql, size_t statement, size_t row)
{
    const struct mw_statement *from = &sql->transaction->statements[statement];
    const struct mw_value *first = from->cells + row * from->column_count;
    return (struct mw_row){.cell = first, .end = first + from->column_count};
}

static const struct mw_value *next_cell(struct mw_row *row, enum mw_value_type type)
{
    if (row->cell == row->end) {
        row->damaged = true;
        return NULL;
    }
    const struct mw_value *cell = row->cell++;
    if (cell->type == MW_VALUE_NULL) {
        return NULL;
    }
    if (cell->type != type) {
        row->damaged = true;
        return NULL;
    }
    return cell;
}

int64_t mw_row_integer(struct mw_row *row)
{
    const struct mw_value *cell = next_cell(row, MW_VALUE_INTEGER);
    return cell != NULL ? cell->integer : 0;
}

double mw_row_real(struct mw_row *row)
{
    const struct mw_value *cell = next_cell(row, MW_VALUE_REAL);
    return cell != NULL ? cell->real : NAN;
}

const char *mw_row_peek(struct mw_row *row)
{
    const struct mw_value *cell = next_cell(row, MW_VALUE_TEXT);
    return cell != NULL ? cell->text : NULL;
}

char *mw_row_text(struct mw_row *row, TALLOC_CTX *memory)
{
    const char *text = mw_row_peek(row);
    return text != NULL ? talloc_strdup(memory, text) : NULL;
}

json_t *mw_row_json(struct mw_row *row)
{
    const char *text = mw_row_peek(row);
    if (text == NULL) {
        return NULL;
    }
    struct mw_error error = {0};
    json_t *value = mw_json_parse(text, strlen(text), MW_RECORD_JSON_MAX, &error);
    if (value == NULL) {
        row->damaged = true;
    }
    return value;
}

json_t *mw_json_text(const char *text)
{
    if (text == NULL) {
        return json_null();
    }
    json_t *value = json_string(text);
    if (value != NULL) {
        return value;
    }
    char *clean = mw_text_clean(NULL, text, strlen(text), MW_RECORD_JSON_MAX);
    value = clean != NULL ? json_string(clean) : NULL;
    talloc_free(clean);
    return value != NULL ? value : json_null();
}
