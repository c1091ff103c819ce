/* SPDX-License-Identifier: Apache-2.0 */
#include "record/migrations.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"

/* Times are milliseconds since 1970 in UTC, 0 for "not yet"; truth values are 0 and 1; what is read
 * as one piece is JSON text. Numbers are given out by us, not by the database. */
static const char *const version_1[] = {
    "CREATE TABLE incident ("
    " id BIGINT NOT NULL PRIMARY KEY,"
    " version BIGINT NOT NULL,"
    " told_version BIGINT NOT NULL DEFAULT 0,"
    " resource TEXT NOT NULL,"
    " kind TEXT NOT NULL,"
    " environment TEXT NOT NULL,"
    " stage TEXT NOT NULL,"
    " outcome TEXT,"
    " outcome_reason TEXT,"
    " severity TEXT NOT NULL,"
    " since BIGINT NOT NULL,"
    " opened_at BIGINT NOT NULL,"
    " closed_at BIGINT NOT NULL,"
    " samples BIGINT NOT NULL,"
    " findings TEXT,"
    " log TEXT,"
    " facts TEXT,"
    " reading_before TEXT,"
    " reading_after TEXT,"
    " detect_ms BIGINT NOT NULL,"
    " analyse_ms BIGINT NOT NULL,"
    " approve_ms BIGINT NOT NULL,"
    " execute_ms BIGINT NOT NULL,"
    " verify_ms BIGINT NOT NULL,"
    " total_ms BIGINT NOT NULL,"
    " collateral TEXT,"
    " acknowledged_by TEXT)",
    "CREATE INDEX incident_open ON incident (id) WHERE stage <> 'closed'",
    "CREATE INDEX incident_untold ON incident (id)"
    " WHERE stage = 'closed' AND told_version < version",

    "CREATE TABLE plan ("
    " incident BIGINT NOT NULL REFERENCES incident (id),"
    " revision BIGINT NOT NULL,"
    " digest TEXT,"
    " planner TEXT,"
    " root_cause TEXT,"
    " confidence DOUBLE PRECISION,"
    " evidence TEXT,"
    " state TEXT NOT NULL,"
    " state_reason TEXT,"
    " automatic BIGINT NOT NULL,"
    " undo BIGINT NOT NULL,"
    " approvals_needed BIGINT NOT NULL,"
    " proposed_at BIGINT NOT NULL,"
    " approved_at BIGINT NOT NULL,"
    " expires_at BIGINT NOT NULL,"
    " PRIMARY KEY (incident, revision))",

    /* Kind and environment stand here too, so that a tool's track record is one walk along an
     * index, however many incidents there are. */
    "CREATE TABLE step ("
    " incident BIGINT NOT NULL,"
    " revision BIGINT NOT NULL,"
    " position BIGINT NOT NULL,"
    " kind TEXT NOT NULL,"
    " environment TEXT NOT NULL,"
    " tool TEXT NOT NULL,"
    " resource TEXT,"
    " arguments TEXT,"
    " why TEXT,"
    " expect TEXT,"
    " effect TEXT,"
    " risk TEXT NOT NULL,"
    " risk_reason TEXT,"
    " undo TEXT,"
    " state TEXT NOT NULL,"
    " result TEXT,"
    " started_at BIGINT NOT NULL,"
    " ended_at BIGINT NOT NULL,"
    " PRIMARY KEY (incident, revision, position),"
    " FOREIGN KEY (incident, revision) REFERENCES plan (incident, revision))",
    "CREATE INDEX step_track ON step (tool, kind, environment, incident, revision, state)",

    "CREATE TABLE decision ("
    " id BIGINT NOT NULL PRIMARY KEY,"
    " incident BIGINT NOT NULL REFERENCES incident (id),"
    " person TEXT NOT NULL,"
    " action TEXT NOT NULL,"
    " revision BIGINT NOT NULL,"
    " note TEXT,"
    " decided_at BIGINT NOT NULL)",
    "CREATE INDEX decision_incident ON decision (incident, id)",

    "CREATE TABLE inbox ("
    " id BIGINT NOT NULL PRIMARY KEY,"
    " chat TEXT NOT NULL,"
    " event TEXT NOT NULL,"
    " body TEXT NOT NULL,"
    " received_at BIGINT NOT NULL,"
    " done_at BIGINT,"
    " UNIQUE (chat, event))",
    "CREATE INDEX inbox_pending ON inbox (id) WHERE done_at IS NULL",
    "CREATE INDEX inbox_done ON inbox (done_at) WHERE done_at IS NOT NULL",

    "CREATE TABLE outbox ("
    " id BIGINT NOT NULL PRIMARY KEY,"
    " chat TEXT NOT NULL,"
    " incident BIGINT NOT NULL,"
    " slot TEXT NOT NULL,"
    " message TEXT NOT NULL,"
    " revision BIGINT NOT NULL,"
    " delivered_revision BIGINT NOT NULL,"
    " posting BIGINT NOT NULL,"
    " reference TEXT,"
    " UNIQUE (chat, incident, slot))",
    "CREATE INDEX outbox_due ON outbox (chat, id) WHERE delivered_revision < revision",
    "CREATE INDEX outbox_reference ON outbox (chat, reference)",

    "CREATE TABLE audit ("
    " id BIGINT NOT NULL PRIMARY KEY,"
    " happened_at BIGINT NOT NULL,"
    " actor TEXT NOT NULL,"
    " action TEXT NOT NULL,"
    " incident BIGINT,"
    " detail TEXT,"
    " hash TEXT NOT NULL)",
    /* The end of the chain, so that rows cut off its end are missed too. */
    "CREATE TABLE audit_head ("
    " id BIGINT NOT NULL PRIMARY KEY,"
    " row_count BIGINT NOT NULL,"
    " hash TEXT NOT NULL)",
    "INSERT INTO audit_head (id, row_count, hash) VALUES (1, 0, '')",
    NULL,
};

/* What each database words in its own way. */
static const char *const version_1_sqlite[] = {
    "CREATE TRIGGER audit_keep BEFORE UPDATE ON audit"
    " BEGIN SELECT RAISE(ABORT, 'the audit trail is never changed'); END",
    "CREATE TRIGGER audit_keep_rows BEFORE DELETE ON audit"
    " BEGIN SELECT RAISE(ABORT, 'the audit trail is never shortened'); END",
    NULL,
};

/* What policy has to know: what ran by itself lately, and words that outlive the process; and what
 * asking a model took. */
static const char *const version_2[] = {
    "ALTER TABLE plan ADD COLUMN model_usage TEXT",
    "CREATE INDEX plan_automatic ON plan (approved_at) WHERE automatic = 1",
    "CREATE TABLE setting (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)",
    NULL,
};

/* Several resources in one incident, silences, what was said to models and by them, and indexes for
 * reports, retention and the like of an incident. */
static const char *const version_3[] = {
    "ALTER TABLE incident ADD COLUMN mass BIGINT NOT NULL DEFAULT 0",
    "CREATE INDEX incident_closed ON incident (closed_at, id)",
    "CREATE INDEX incident_resource ON incident (resource, id)",
    "CREATE INDEX incident_kind ON incident (kind, id)",
    "CREATE INDEX audit_incident ON audit (incident, id)",
    "CREATE INDEX outbox_incident ON outbox (incident)",
    /* The resources beside the incident's own. */
    "CREATE TABLE member ("
    " incident BIGINT NOT NULL REFERENCES incident (id),"
    " position BIGINT NOT NULL,"
    " resource TEXT NOT NULL,"
    " kind TEXT NOT NULL,"
    " environment TEXT NOT NULL,"
    " severity TEXT NOT NULL,"
    " since BIGINT NOT NULL,"
    " joined_at BIGINT NOT NULL,"
    " samples BIGINT NOT NULL,"
    " findings TEXT,"
    " facts TEXT,"
    " reading_before TEXT,"
    " reading_after TEXT,"
    " PRIMARY KEY (incident, position))",
    "CREATE INDEX member_resource ON member (resource, incident)",
    "CREATE TABLE silence ("
    " resource TEXT NOT NULL PRIMARY KEY,"
    " begun_at BIGINT NOT NULL,"
    " until_at BIGINT NOT NULL,"
    " person TEXT NOT NULL,"
    " why TEXT)",
    "CREATE TABLE exchange ("
    " id BIGINT NOT NULL PRIMARY KEY,"
    " incident BIGINT NOT NULL," /* 0: a question that was asked in chat */
    " happened_at BIGINT NOT NULL,"
    " model TEXT NOT NULL,"
    " request TEXT,"
    " answer TEXT,"
    " fault TEXT,"
    " model_usage TEXT)",
    "CREATE INDEX exchange_incident ON exchange (incident, id)",
    "CREATE INDEX exchange_happened ON exchange (happened_at)",
    NULL,
};

static const char *const nothing[] = {NULL};

/* Forward only: a row is never changed once a release had it. */
static const struct {
    const char *const *common;
    const char *const *sqlite;
} migrations[] = {
    {version_1, version_1_sqlite},
    {version_2, nothing},
    {version_3, nothing},
};

#define NEWEST ((int64_t)(sizeof migrations / sizeof migrations[0]))

/* 0: no tables yet. */
MW_SUSPENDS static bool read_version(struct mw_record *record, int64_t *version,
                                     struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    if (record->mode == MW_STORE_ACTIVE) {
        mw_sql_add(&sql, "CREATE TABLE IF NOT EXISTS meta"
                         " (name TEXT NOT NULL PRIMARY KEY, value BIGINT NOT NULL)");
        mw_sql_add(&sql, "INSERT INTO meta (name, value) VALUES ('version', 0)"
                         " ON CONFLICT (name) DO NOTHING");
    }
    mw_sql_query(&sql, "SELECT value FROM meta WHERE name = 'version'");
    size_t query = record->mode == MW_STORE_ACTIVE ? 2 : 0;
    bool ok = mw_sql_commit(record, &sql, mw_sql_deadline(), error);
    if (ok) {
        *version = 0;
        if (mw_sql_rows(&sql, query) == 1) {
            struct mw_row row = mw_sql_row(&sql, query, 0);
            *version = mw_row_integer(&row);
        }
    }
    mw_sql_finish(&sql);
    return ok;
}

bool mw_migrate_read(struct mw_record *record, int64_t *version, int64_t *newest,
                     struct mw_error *error)
{
    *newest = NEWEST;
    return read_version(record, version, error);
}

MW_SUSPENDS static bool raise_version(struct mw_record *record, int64_t from,
                                      struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_add(&sql, "UPDATE meta SET value = ? WHERE name = 'version' AND value = ?");
    mw_sql_integer(&sql, from + 1);
    mw_sql_integer(&sql, from);
    mw_sql_expect(&sql, 1);
    for (const char *const *text = migrations[from].common; *text != NULL; text++) {
        mw_sql_add(&sql, *text);
    }
    if (strcmp(record->store.ops->name, "sqlite") == 0) {
        for (const char *const *text = migrations[from].sqlite; *text != NULL; text++) {
            mw_sql_add(&sql, *text);
        }
    }
    /* Rewriting the tables of a large record takes as long as it takes. */
    bool ok = mw_sql_commit(record, &sql, MW_NO_DEADLINE, error);
    mw_sql_finish(&sql);
    return ok || mw_error_wrap(error, "bringing the record to version %" PRId64, from + 1);
}

static bool check_not_newer(int64_t version, const char *location, struct mw_error *error)
{
    return version <= NEWEST ||
           mw_error_set(error, MW_ERROR_PERMANENT,
                        "%s was written by a newer midwatch (its version is %" PRId64
                        ", this program knows %" PRId64
                        "): run the newer program, or name another file under store:",
                        location, version, NEWEST);
}

bool mw_migrate(struct mw_record *record, const char *location, struct mw_error *error)
{
    int64_t version;
    if (!read_version(record, &version, error) || !check_not_newer(version, location, error)) {
        return false;
    }
    if (version < 0) {
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "%s says that its version is %" PRId64 ": restore a backup", location,
                            version);
    }
    int64_t before = version;
    for (; version < NEWEST; version++) {
        if (!raise_version(record, version, error)) {
            return false;
        }
    }
    if (before > 0 && before < NEWEST) {
        mw_log_info("record", "%s was brought from version %" PRId64 " to %" PRId64, location,
                    before, NEWEST);
    }
    return true;
}

bool mw_migrate_check(struct mw_record *record, const char *location, struct mw_error *error)
{
    int64_t version;
    if (!read_version(record, &version, error) || !check_not_newer(version, location, error)) {
        return false;
    }
    return version == NEWEST ||
           mw_error_set(error, MW_ERROR_PERMANENT,
                        "%s has the tables of an older midwatch (version %" PRId64
                        ", this program reads %" PRId64
                        "): start `midwatch run` once to bring it up to date",
                        location, version, NEWEST);
}
