/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "record/record.h"
#include "record/sql.h"

bool mw_outbox_put(struct mw_record *record, const char *chat, int64_t incident,
                   const struct mw_outbox_item *items, size_t count, struct mw_error *error)
{
    if (count == 0) {
        return true;
    }
    struct mw_sql sql;
    mw_sql_begin(&sql);
    for (size_t i = 0; i < count; i++) {
        mw_sql_add(&sql,
                   "INSERT INTO outbox (id, chat, incident, slot, message, revision,"
                   " delivered_revision, posting)"
                   " VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM outbox), ?, ?, ?, ?, 1, 0, 0)"
                   " ON CONFLICT (chat, incident, slot) DO UPDATE"
                   " SET message = excluded.message, revision = outbox.revision + 1"
                   " WHERE outbox.message <> excluded.message");
        mw_sql_text(&sql, chat);
        mw_sql_integer(&sql, incident);
        mw_sql_text(&sql, items[i].slot);
        mw_sql_json(&sql, items[i].message);
    }
    bool ok = mw_sql_commit(record, &sql, mw_sql_deadline(), error);
    mw_sql_finish(&sql);
    return ok || mw_error_wrap(error, "recording what %s is to say", chat);
}

static int release_messages(struct mw_outbox_row *rows)
{
    for (size_t i = 0; i < talloc_array_length(rows); i++) {
        json_decref(rows[i].message);
    }
    return 0;
}

static struct mw_outbox_row *read_due(const struct mw_sql *sql, TALLOC_CTX *memory, size_t *count)
{
    size_t found = mw_sql_rows(sql, 0);
    struct mw_outbox_row *rows = talloc_zero_array(memory, struct mw_outbox_row, found);
    if (rows == NULL) {
        return NULL;
    }
    talloc_set_destructor(rows, release_messages);
    size_t read = 0;
    for (size_t i = 0; i < found; i++) {
        struct mw_row from = mw_sql_row(sql, 0, i);
        struct mw_outbox_row *row = &rows[read];
        row->id = mw_row_integer(&from);
        row->incident = mw_row_integer(&from);
        row->slot = mw_row_text(&from, rows);
        row->message = mw_row_json(&from);
        row->revision = mw_row_integer(&from);
        row->in_doubt = mw_row_integer(&from) != 0;
        row->reference = mw_row_text(&from, rows);
        if (row->message != NULL) {
            read++;
        } else {
            mw_log_warning("record",
                           "the message %s of an incident cannot be read and is "
                           "passed over",
                           row->slot);
        }
    }
    *count = read;
    return rows;
}

struct mw_outbox_row *mw_outbox_due(struct mw_record *record, TALLOC_CTX *memory, const char *chat,
                                    size_t limit, size_t *count, struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_query(&sql, "SELECT id, incident, slot, message, revision, posting, reference"
                       " FROM outbox WHERE chat = ? AND delivered_revision < revision"
                       " ORDER BY id LIMIT ?");
    mw_sql_text(&sql, chat);
    mw_sql_integer(&sql, limit > INT64_MAX ? INT64_MAX : (int64_t)limit);
    struct mw_outbox_row *rows = NULL;
    if (mw_sql_commit(record, &sql, mw_sql_deadline(), error)) {
        rows = read_due(&sql, memory, count);
        if (rows == NULL) {
            mw_error_set(error, MW_ERROR_RETRY, "out of memory while reading the outbox");
        }
    }
    mw_sql_finish(&sql);
    return rows;
}

bool mw_outbox_posting(struct mw_record *record, const struct mw_outbox_row *row,
                       struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_add(&sql, "UPDATE outbox SET posting = 1 WHERE id = ?");
    mw_sql_integer(&sql, row->id);
    mw_sql_expect(&sql, 1);
    bool ok = mw_sql_commit(record, &sql, mw_sql_deadline(), error);
    mw_sql_finish(&sql);
    return ok;
}

bool mw_outbox_delivered(struct mw_record *record, const struct mw_outbox_row *row,
                         const char *reference, struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    /* Only what this row said is delivered: what was put since stays due. */
    mw_sql_add(&sql, "UPDATE outbox SET posting = 0, reference = COALESCE(?, reference),"
                     " delivered_revision = CASE WHEN delivered_revision < ? THEN ?"
                     " ELSE delivered_revision END WHERE id = ?");
    mw_sql_text(&sql, reference);
    mw_sql_integer(&sql, row->revision);
    mw_sql_integer(&sql, row->revision);
    mw_sql_integer(&sql, row->id);
    mw_sql_expect(&sql, 1);
    bool ok = mw_sql_commit(record, &sql, mw_sql_deadline(), error);
    mw_sql_finish(&sql);
    return ok;
}

bool mw_outbox_in_doubt(struct mw_record *record, const char *chat, bool *doubt,
                        struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_query(&sql, "SELECT COUNT(*) FROM outbox WHERE chat = ? AND"
                       " delivered_revision < revision AND posting = 1 AND reference IS NULL");
    mw_sql_text(&sql, chat);
    bool ok = mw_sql_commit(record, &sql, mw_sql_deadline(), error);
    if (ok && mw_sql_rows(&sql, 0) == 1) {
        struct mw_row row = mw_sql_row(&sql, 0, 0);
        *doubt = mw_row_integer(&row) > 0;
    }
    mw_sql_finish(&sql);
    return ok;
}

bool mw_outbox_reference(struct mw_record *record, TALLOC_CTX *memory, const char *chat,
                         int64_t incident, const char *slot, char **reference,
                         struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_query(&sql, "SELECT reference FROM outbox WHERE chat = ? AND incident = ? AND slot = ?");
    mw_sql_text(&sql, chat);
    mw_sql_integer(&sql, incident);
    mw_sql_text(&sql, slot);
    bool ok = mw_sql_commit(record, &sql, mw_sql_deadline(), error);
    if (ok) {
        *reference = NULL;
        if (mw_sql_rows(&sql, 0) == 1) {
            struct mw_row row = mw_sql_row(&sql, 0, 0);
            *reference = mw_row_text(&row, memory);
        }
    }
    mw_sql_finish(&sql);
    return ok;
}

bool mw_outbox_find(struct mw_record *record, TALLOC_CTX *memory, const char *chat,
                    const char *reference, int64_t *incident, char **slot, struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_query(&sql, "SELECT incident, slot FROM outbox WHERE chat = ? AND reference = ?"
                       " ORDER BY id LIMIT 1");
    mw_sql_text(&sql, chat);
    mw_sql_text(&sql, reference);
    bool ok = mw_sql_commit(record, &sql, mw_sql_deadline(), error);
    if (ok) {
        *incident = 0;
        *slot = NULL;
        if (mw_sql_rows(&sql, 0) == 1) {
            struct mw_row row = mw_sql_row(&sql, 0, 0);
            *incident = mw_row_integer(&row);
            *slot = mw_row_text(&row, memory);
        }
    }
    mw_sql_finish(&sql);
    return ok;
}
