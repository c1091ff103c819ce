/* SPDX-License-Identifier: Apache-2.0 */
#include "record/silence.h"

void mw_silence_write(struct mw_sql *sql, const struct mw_silence *silence)
{
    mw_sql_add(sql, "INSERT INTO silence (resource, begun_at, until_at, person, why)"
                    " VALUES (?, ?, ?, ?, ?) ON CONFLICT (resource) DO UPDATE SET"
                    " begun_at = excluded.begun_at, until_at = excluded.until_at,"
                    " person = excluded.person, why = excluded.why");
    mw_sql_text(sql, silence->resource);
    mw_sql_integer(sql, silence->begun_at);
    mw_sql_integer(sql, silence->until);
    mw_sql_text(sql, silence->person);
    mw_sql_masked(sql, silence->why);
}

void mw_silence_delete(struct mw_sql *sql, const char *resource)
{
    mw_sql_add(sql, "DELETE FROM silence WHERE resource = ?");
    mw_sql_text(sql, resource);
}

static struct mw_silence *read_rows(const struct mw_sql *sql, TALLOC_CTX *memory, size_t rows)
{
    struct mw_silence *silences = talloc_zero_array(memory, struct mw_silence, rows);
    for (size_t i = 0; silences != NULL && i < rows; i++) {
        struct mw_row row = mw_sql_row(sql, 0, i);
        silences[i].resource = mw_row_text(&row, silences);
        silences[i].begun_at = mw_row_integer(&row);
        silences[i].until = mw_row_integer(&row);
        silences[i].person = mw_row_text(&row, silences);
        silences[i].why = mw_row_text(&row, silences);
        if (silences[i].resource == NULL || silences[i].person == NULL) {
            TALLOC_FREE(silences);
        }
    }
    return silences;
}

struct mw_silence *mw_record_silences(struct mw_record *record, TALLOC_CTX *memory, size_t *count,
                                      struct mw_error *error)
{
    struct mw_sql sql;
    struct mw_silence *silences = NULL;
    mw_sql_begin(&sql);
    mw_sql_query(&sql, "SELECT resource, begun_at, until_at, person, why FROM silence"
                       " ORDER BY resource");
    if (mw_sql_commit(record, &sql, mw_sql_deadline(), error)) {
        size_t rows = mw_sql_rows(&sql, 0);
        silences = read_rows(&sql, memory, rows);
        if (silences != NULL) {
            *count = rows;
        } else {
            mw_error_set(error, MW_ERROR_RETRY, "out of memory while reading silences");
        }
    }
    mw_sql_finish(&sql);
    return silences;
}
