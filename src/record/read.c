/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/median.h"
#include "record/incident_rows.h"
#include "record/record.h"
#include "record/sql.h"

/* A track record looks back over this many incidents at most. */
#define TRACK_RUNS "1000"

/* Step states that say that the tool was called. */
#define CALLED "('done', 'failed', 'unknown', 'undone')"

/* So many whole incidents at a time: they are made in one go, and the loop waits for it. */
#define PAGE_MAX 100

struct mw_incident *mw_record_incident(struct mw_record *record, TALLOC_CTX *memory, int64_t id,
                                       struct mw_error *error)
{
    const struct mw_rows_which which = {.ids = &id, .id_count = 1};
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_rows_query_incidents(&sql, &which);
    struct mw_incident *incident = NULL;
    if (mw_sql_commit(record, &sql, mw_sql_deadline(), error)) {
        struct mw_rows_reader reader = {.sql = &sql};
        int64_t read;
        if (!mw_rows_next(&reader, memory, &read, &incident, error)) {
            mw_error_set(error, MW_ERROR_BAD_INPUT, "there is no incident I%" PRId64, id);
        }
    }
    mw_sql_finish(&sql);
    return incident;
}

/* Reads what the transaction returned; NULL: out of memory. */
static struct mw_incident **read_page(const struct mw_sql *sql, TALLOC_CTX *memory,
                                      struct mw_incident_page *page, size_t *count)
{
    size_t rows = mw_sql_rows(sql, 0);
    struct mw_incident **incidents = talloc_zero_array(memory, struct mw_incident *, rows);
    struct mw_rows_reader reader = {.sql = sql};
    struct mw_incident *incident;
    struct mw_error error;
    *count = 0;
    while (incidents != NULL && mw_rows_next(&reader, incidents, &page->below, &incident, &error)) {
        if (incident != NULL) {
            incidents[(*count)++] = incident;
        } else {
            mw_log_warning("record", "passed over: %s", error.text);
        }
    }
    page->end = page->ids != NULL || rows < page->limit;
    return incidents;
}

struct mw_incident **mw_record_page(struct mw_record *record, TALLOC_CTX *memory,
                                    struct mw_incident_page *page, size_t *count,
                                    struct mw_error *error)
{
    if (page->limit > PAGE_MAX) {
        page->limit = PAGE_MAX;
    }
    const struct mw_rows_which which = {.ids = page->ids,
                                        .id_count = page->ids != NULL ? page->limit : 0,
                                        .resource = page->resource,
                                        .below = page->below > 0 ? page->below : INT64_MAX,
                                        .limit = (int64_t)page->limit,
                                        .brief = page->brief};
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_rows_query_incidents(&sql, &which);
    struct mw_incident **incidents = NULL;
    if (mw_sql_commit(record, &sql, mw_sql_deadline(), error)) {
        incidents = read_page(&sql, memory, page, count);
        if (incidents == NULL) {
            mw_error_set(error, MW_ERROR_RETRY, "out of memory while reading incidents");
        }
    }
    mw_sql_finish(&sql);
    return incidents;
}

static const char *incidents_query(enum mw_incident_filter filter)
{
    switch (filter) {
    case MW_INCIDENTS_OPEN:
        return "SELECT id FROM incident WHERE stage <> 'closed' ORDER BY id DESC LIMIT ?";
    case MW_INCIDENTS_UNTOLD:
        return "SELECT id FROM incident WHERE stage = 'closed' AND told_version < version"
               " ORDER BY id DESC LIMIT ?";
    case MW_INCIDENTS_ALL:
        break;
    }
    return "SELECT id FROM incident ORDER BY id DESC LIMIT ?";
}

int64_t *mw_record_incidents(struct mw_record *record, TALLOC_CTX *memory,
                             enum mw_incident_filter filter, size_t limit, size_t *count,
                             struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_query(&sql, incidents_query(filter));
    mw_sql_integer(&sql, limit > INT64_MAX ? INT64_MAX : (int64_t)limit);
    int64_t *ids = NULL;
    if (mw_sql_commit(record, &sql, mw_sql_deadline(), error)) {
        size_t found = mw_sql_rows(&sql, 0);
        ids = talloc_array(memory, int64_t, found);
        if (ids == NULL) {
            mw_error_set(error, MW_ERROR_RETRY, "out of memory while listing incidents");
        }
        for (size_t i = 0; ids != NULL && i < found; i++) {
            struct mw_row row = mw_sql_row(&sql, 0, i);
            ids[i] = mw_row_integer(&row);
        }
        if (ids != NULL) {
            *count = found;
        }
    }
    mw_sql_finish(&sql);
    return ids;
}

/* Rows, newest first: outcome, closed_at, ms, revision that used the tool last, revision that ran
 * last, whether a call of the tool in it did not work or nobody knows. */
static bool sum_up(const struct mw_sql *sql, struct mw_track *track)
{
    size_t rows = mw_sql_rows(sql, 0);
    int64_t *took = talloc_array(sql->transaction, int64_t, rows);
    if (took == NULL) {
        return false;
    }
    struct mw_track sum = {0};
    bool unbroken = true;
    for (size_t i = 0; i < rows; i++) {
        struct mw_row row = mw_sql_row(sql, 0, i);
        const char *outcome = mw_row_peek(&row);
        mw_wall_ms closed_at = mw_row_integer(&row);
        int64_t ms = mw_row_integer(&row);
        int64_t used = mw_row_integer(&row);
        bool in_last_plan = used == mw_row_integer(&row);
        bool in_doubt = mw_row_integer(&row) != 0;
        sum.runs++;
        if (in_last_plan && !in_doubt && outcome != NULL && strcmp(outcome, "recovered") == 0) {
            took[sum.recovered++] = ms;
            sum.streak += unbroken;
            continue;
        }
        unbroken = false;
        if (closed_at > sum.last_failure) {
            sum.last_failure = closed_at;
        }
    }
    sum.median_ms = mw_median(took, (size_t)sum.recovered);
    *track = sum;
    return true;
}

bool mw_record_track(struct mw_record *record, const char *tool, const char *kind,
                     const char *environment, struct mw_track *track, struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_query(
        &sql, "SELECT i.outcome, i.closed_at, i.execute_ms + i.verify_ms, used.revision,"
              " (SELECT MAX(s.revision) FROM step s"
              "  JOIN plan p ON p.incident = s.incident AND p.revision = s.revision AND p.undo = 0"
              "  WHERE s.incident = i.id AND s.state IN " CALLED "),"
              " EXISTS (SELECT 1 FROM step s WHERE s.incident = i.id AND s.revision = used.revision"
              "  AND s.tool = ? AND s.kind = ? AND s.environment = ?"
              "  AND s.state IN ('failed', 'unknown'))"
              " FROM (SELECT s.incident AS incident, MAX(s.revision) AS revision FROM step s"
              "  JOIN plan p ON p.incident = s.incident AND p.revision = s.revision AND p.undo = 0"
              "  WHERE s.tool = ? AND s.kind = ? AND s.environment = ? AND s.state IN " CALLED
              "  GROUP BY s.incident ORDER BY s.incident DESC LIMIT " TRACK_RUNS ") used"
              " JOIN incident i ON i.id = used.incident WHERE i.stage = 'closed'"
              " ORDER BY i.id DESC");
    for (int i = 0; i < 2; i++) {
        mw_sql_text(&sql, tool);
        mw_sql_text(&sql, kind);
        mw_sql_text(&sql, environment);
    }
    bool ok = mw_sql_commit(record, &sql, mw_sql_deadline(), error);
    if (ok && !sum_up(&sql, track)) {
        ok = mw_error_set(error, MW_ERROR_RETRY, "out of memory while reading the track record");
    }
    mw_sql_finish(&sql);
    return ok;
}

bool mw_record_told(struct mw_record *record, int64_t incident, int64_t version,
                    struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_add(&sql, "UPDATE incident SET told_version = ? WHERE id = ? AND told_version < ?");
    mw_sql_integer(&sql, version);
    mw_sql_integer(&sql, incident);
    mw_sql_integer(&sql, version);
    bool ok = mw_sql_commit(record, &sql, mw_sql_deadline(), error);
    mw_sql_finish(&sql);
    return ok;
}

bool mw_record_automatic(struct mw_record *record, const char *resource, mw_wall_ms since,
                         int64_t *count, struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_query(&sql, resource != NULL
                           ? "SELECT COUNT(*) FROM plan p JOIN incident i ON i.id = p.incident"
                             " WHERE p.automatic = 1 AND p.approved_at > ? AND (i.resource = ?"
                             " OR EXISTS (SELECT 1 FROM step s WHERE s.incident = p.incident"
                             "  AND s.revision = p.revision AND s.resource = ?))"
                           : "SELECT COUNT(*) FROM plan p"
                             " WHERE p.automatic = 1 AND p.approved_at > ?");
    mw_sql_integer(&sql, since);
    if (resource != NULL) {
        mw_sql_text(&sql, resource);
        mw_sql_text(&sql, resource);
    }
    bool ok = mw_sql_commit(record, &sql, mw_sql_deadline(), error);
    if (ok) {
        struct mw_row row = mw_sql_row(&sql, 0, 0);
        *count = mw_row_integer(&row);
    }
    mw_sql_finish(&sql);
    return ok;
}

bool mw_record_setting(struct mw_record *record, TALLOC_CTX *memory, const char *name, char **value,
                       struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_query(&sql, "SELECT value FROM setting WHERE name = ?");
    mw_sql_text(&sql, name);
    bool ok = mw_sql_commit(record, &sql, mw_sql_deadline(), error);
    if (ok) {
        *value = NULL;
        if (mw_sql_rows(&sql, 0) > 0) {
            struct mw_row row = mw_sql_row(&sql, 0, 0);
            *value = talloc_strdup(memory, mw_row_peek(&row));
        }
    }
    mw_sql_finish(&sql);
    return ok;
}

bool mw_record_unsettled(struct mw_record *record, json_t *into, struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_query(&sql, "SELECT newest.resource, COALESCE(m.severity, i.severity)"
                       " FROM (SELECT resource, MAX(id) AS id FROM"
                       "  (SELECT resource, id FROM incident"
                       "   UNION ALL SELECT resource, incident FROM member) taken"
                       "  GROUP BY resource) newest"
                       " JOIN incident i ON i.id = newest.id"
                       " LEFT JOIN member m ON m.incident = newest.id"
                       "  AND m.resource = newest.resource"
                       " LEFT JOIN setting s ON s.name = 'healed/' || newest.resource"
                       " WHERE i.stage = 'closed'"
                       " AND (s.value IS NULL OR CAST(s.value AS BIGINT) < newest.id)"
                       " AND i.outcome NOT IN ('recovered', 'self_recovered')");
    bool ok = mw_sql_commit(record, &sql, mw_sql_deadline(), error);
    for (size_t i = 0; ok && i < mw_sql_rows(&sql, 0); i++) {
        struct mw_row row = mw_sql_row(&sql, 0, i);
        const char *resource = mw_row_peek(&row), *severity = mw_row_peek(&row);
        bool failed = severity != NULL && strcmp(severity, "FAILED") == 0;
        json_object_set_new(into, resource,
                            json_integer(failed ? MW_HEALTH_FAILED : MW_HEALTH_DEGRADED));
    }
    mw_sql_finish(&sql);
    return ok;
}
