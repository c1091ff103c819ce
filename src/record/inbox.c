/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/log.h"
#include "record/record.h"
#include "record/sql.h"

/* Events that are done stay for 30 days, so that a late redelivery is still recognised. Each
 * hundredth addition removes up to 1,000 older ones. */
#define KEEP_MS     (INT64_C(30) * 24 * 3600 * 1000)
#define SWEEP_EVERY 100

static void add_sweep(struct mw_record *record, struct mw_sql *sql)
{
    if (++record->inbox_adds % SWEEP_EVERY != 0) {
        return;
    }
    mw_sql_add(sql, "DELETE FROM inbox WHERE id IN (SELECT id FROM inbox"
                    " WHERE done_at IS NOT NULL AND done_at < ? ORDER BY done_at LIMIT 1000)");
    mw_sql_integer(sql, mw_wall_now() - KEEP_MS);
}

bool mw_inbox_add(struct mw_record *record, const char *chat, const char *event, const json_t *body,
                  int64_t *id, bool *fresh, struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_query(&sql, "INSERT INTO inbox (id, chat, event, body, received_at)"
                       " VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM inbox), ?, ?, ?, ?)"
                       " ON CONFLICT (chat, event) DO NOTHING RETURNING id");
    mw_sql_text(&sql, chat);
    mw_sql_text(&sql, event);
    mw_sql_masked_json(&sql, body);
    mw_sql_integer(&sql, mw_wall_now());
    mw_sql_query(&sql, "SELECT id FROM inbox WHERE chat = ? AND event = ?");
    mw_sql_text(&sql, chat);
    mw_sql_text(&sql, event);
    add_sweep(record, &sql);

    bool ok = mw_sql_commit(record, &sql, mw_sql_deadline(), error);
    if (ok && mw_sql_rows(&sql, 1) == 1) {
        struct mw_row row = mw_sql_row(&sql, 1, 0);
        *id = mw_row_integer(&row);
        *fresh = mw_sql_rows(&sql, 0) == 1;
    }
    mw_sql_finish(&sql);
    return ok || mw_error_wrap(error, "recording an event of %s", chat);
}

bool mw_inbox_done(struct mw_record *record, int64_t id, struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_add(&sql, "UPDATE inbox SET done_at = ? WHERE id = ? AND done_at IS NULL");
    mw_sql_integer(&sql, mw_wall_now());
    mw_sql_integer(&sql, id);
    bool ok = mw_sql_commit(record, &sql, mw_sql_deadline(), error);
    mw_sql_finish(&sql);
    return ok;
}

static int release_bodies(struct mw_inbox_event *events)
{
    for (size_t i = 0; i < talloc_array_length(events); i++) {
        json_decref(events[i].body);
    }
    return 0;
}

static struct mw_inbox_event *read_events(const struct mw_sql *sql, TALLOC_CTX *memory,
                                          size_t *count)
{
    size_t rows = mw_sql_rows(sql, 0);
    struct mw_inbox_event *events = talloc_zero_array(memory, struct mw_inbox_event, rows);
    if (events == NULL) {
        return NULL;
    }
    talloc_set_destructor(events, release_bodies);
    size_t read = 0;
    for (size_t i = 0; i < rows; i++) {
        struct mw_row row = mw_sql_row(sql, 0, i);
        struct mw_inbox_event *event = &events[read];
        event->id = mw_row_integer(&row);
        event->chat = mw_row_text(&row, events);
        event->body = mw_row_json(&row);
        if (event->body != NULL) {
            read++;
        } else {
            mw_log_warning("record", "an event of %s cannot be read and is passed over",
                           event->chat);
        }
    }
    *count = read;
    return events;
}

/* Finishes the question. */
static struct mw_inbox_event *ask(struct mw_record *record, struct mw_sql *sql, TALLOC_CTX *memory,
                                  size_t *count, struct mw_error *error)
{
    struct mw_inbox_event *events = NULL;
    if (mw_sql_commit(record, sql, mw_sql_deadline(), error)) {
        events = read_events(sql, memory, count);
        if (events == NULL) {
            mw_error_set(error, MW_ERROR_RETRY, "out of memory while reading events");
        }
    }
    mw_sql_finish(sql);
    return events;
}

struct mw_inbox_event *mw_inbox_pending(struct mw_record *record, TALLOC_CTX *memory, size_t *count,
                                        struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_query(&sql, "SELECT id, chat, body FROM inbox WHERE done_at IS NULL"
                       " ORDER BY id LIMIT ?");
    mw_sql_integer(&sql, MW_INBOX_MAX);
    return ask(record, &sql, memory, count, error);
}

struct mw_inbox_event *mw_inbox_later(struct mw_record *record, TALLOC_CTX *memory,
                                      const char *chat, int64_t after, size_t *count,
                                      struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_query(&sql, "SELECT id, chat, body FROM inbox WHERE chat = ? AND id > ?"
                       " AND done_at IS NULL ORDER BY id LIMIT ?");
    mw_sql_text(&sql, chat);
    mw_sql_integer(&sql, after);
    mw_sql_integer(&sql, MW_INBOX_MAX);
    return ask(record, &sql, memory, count, error);
}
