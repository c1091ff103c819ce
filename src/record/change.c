/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "base/clock.h"
#include "record/audit.h"
#include "record/incident_rows.h"
#include "record/record.h"
#include "record/silence.h"
#include "record/sql.h"

/* An incident whose version in memory is to grow. */
struct growth {
    struct mw_incident *incident;
    int64_t version;
};

struct mw_change {
    struct mw_record *record;
    struct mw_sql sql;
    struct growth *grows;
    size_t grow_count;
};

/* A change that was never committed takes its transaction along. */
static int finish_change(struct mw_change *change)
{
    mw_sql_finish(&change->sql);
    return 0;
}

struct mw_change *mw_change_begin(struct mw_record *record)
{
    struct mw_change *change = talloc_zero(NULL, struct mw_change);
    if (change != NULL) {
        change->record = record;
        mw_sql_begin(&change->sql);
        talloc_set_destructor(change, finish_change);
    }
    return change;
}

/* The growth that belongs to this incident, made when it is missing. */
static struct growth *find_growth(struct mw_change *change, struct mw_incident *incident)
{
    for (size_t i = 0; i < change->grow_count; i++) {
        if (change->grows[i].incident == incident) {
            return &change->grows[i];
        }
    }
    struct growth *grown =
        talloc_realloc(change, change->grows, struct growth, change->grow_count + 1);
    if (grown == NULL) {
        return NULL;
    }
    change->grows = grown;
    struct growth *growth = &grown[change->grow_count++];
    *growth = (struct growth){.incident = incident, .version = incident->version};
    return growth;
}

void mw_change_incident(struct mw_change *change, struct mw_incident *incident)
{
    if (change == NULL) {
        return;
    }
    struct growth *growth = find_growth(change, incident);
    if (growth == NULL) {
        change->sql.failed = true;
        return;
    }
    mw_rows_write_incident(&change->sql, incident, growth->version);
    growth->version++;
}

void mw_change_plan(struct mw_change *change, const struct mw_incident *incident,
                    const struct mw_plan *plan)
{
    if (change != NULL) {
        mw_rows_write_plan(&change->sql, incident, plan);
    }
}

void mw_change_decision(struct mw_change *change, const struct mw_incident *incident,
                        const struct mw_decision *decision)
{
    if (change != NULL) {
        mw_rows_write_decision(&change->sql, incident, decision);
    }
}

void mw_change_said(struct mw_change *change, int64_t inbox)
{
    if (change == NULL || inbox == 0) {
        return;
    }
    mw_sql_add(&change->sql, "UPDATE inbox SET done_at = ? WHERE id = ? AND done_at IS NULL");
    mw_sql_integer(&change->sql, mw_wall_now());
    mw_sql_integer(&change->sql, inbox);
}

void mw_change_audit(struct mw_change *change, const char *actor, const char *action,
                     int64_t incident, const json_t *detail)
{
    if (change != NULL) {
        mw_audit_append(&change->sql, actor, action, incident, detail);
    }
}

void mw_change_setting(struct mw_change *change, const char *name, const char *value)
{
    if (change == NULL) {
        return;
    }
    mw_sql_add(&change->sql, value != NULL
                                 ? "INSERT INTO setting (name, value) VALUES (?, ?)"
                                   " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
                                 : "DELETE FROM setting WHERE name = ?");
    mw_sql_text(&change->sql, name);
    if (value != NULL) {
        mw_sql_text(&change->sql, value);
    }
}

void mw_change_healed(struct mw_change *change, const char *resource)
{
    if (change == NULL) {
        return;
    }
    mw_sql_add(&change->sql,
               "INSERT INTO setting (name, value)"
               " SELECT 'healed/' || ?, CAST(COALESCE(MAX(id), 0) AS TEXT) FROM"
               "  (SELECT id FROM incident WHERE resource = ?"
               "   UNION ALL SELECT incident FROM member WHERE resource = ?) taken WHERE id > 0"
               " ON CONFLICT (name) DO UPDATE SET value = excluded.value");
    for (int i = 0; i < 3; i++) {
        mw_sql_text(&change->sql, resource);
    }
}

void mw_change_silence(struct mw_change *change, const struct mw_silence *silence)
{
    if (change != NULL) {
        mw_silence_write(&change->sql, silence);
    }
}

void mw_change_unsilence(struct mw_change *change, const char *resource)
{
    if (change != NULL) {
        mw_silence_delete(&change->sql, resource);
    }
}

bool mw_change_commit(struct mw_change *change, bool intent, struct mw_error *error)
{
    if (change == NULL) {
        return mw_error_set(error, MW_ERROR_RETRY, "out of memory while writing to the record");
    }
    bool empty = !change->sql.failed && change->sql.transaction->count == 0;
    struct mw_deadline deadline = intent ? MW_NO_DEADLINE : mw_sql_deadline();
    bool ok = empty || mw_sql_commit(change->record, &change->sql, deadline, error);
    for (size_t i = 0; ok && i < change->grow_count; i++) {
        change->grows[i].incident->version = change->grows[i].version;
    }
    if (!ok && change->grow_count > 0) {
        mw_error_wrap(error, "recording I%" PRId64, change->grows[0].incident->id);
    }
    talloc_free(change);
    return ok;
}
