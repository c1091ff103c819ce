/* SPDX-License-Identifier: Apache-2.0 */
/* Which earlier incidents are like one: of the same kind and led by the same metric. */
#include <stdlib.h>
#include <string.h>

#include "record/record.h"
#include "record/sql.h"

/* What is looked through, newest first, so that it stays quick whatever the record holds. */
#define OF_RESOURCE "50"
#define OF_KIND     "200"

#define COLUMNS "SELECT id, resource, environment, findings FROM incident"

/* What is looked for: a copy, since the incident may change while the record is asked. */
struct likeness {
    char *resource, *environment;
    char *metric; /* NULL: the resource could not be reached */
};

struct candidate {
    int64_t id;
    int likeness; /* 2: the same resource, 1: the same environment, 0: another */
};

static bool led_by(const json_t *findings, const char *metric)
{
    const char *led = json_string_value(json_object_get(json_array_get(findings, 0), "metric"));
    return led == NULL || metric == NULL ? led == metric : strcmp(led, metric) == 0;
}

static bool is_known(const struct candidate *found, size_t count, int64_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (found[i].id == id) {
            return true;
        }
    }
    return false;
}

static int compare(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    int by_likeness = b->likeness - a->likeness;
    return by_likeness != 0 ? by_likeness : (b->id > a->id) - (b->id < a->id);
}

static size_t collect(const struct mw_sql *sql, const struct likeness *to, struct candidate *found)
{
    size_t count = 0;
    for (size_t query = 0; query < 2; query++) {
        for (size_t i = 0; i < mw_sql_rows(sql, query); i++) {
            struct mw_row row = mw_sql_row(sql, query, i);
            int64_t id = mw_row_integer(&row);
            const char *resource = mw_row_peek(&row), *environment = mw_row_peek(&row);
            json_auto_t *findings = mw_row_json(&row);
            if (resource == NULL || environment == NULL || !led_by(findings, to->metric) ||
                is_known(found, count, id)) {
                continue;
            }
            int likeness = strcmp(resource, to->resource) == 0         ? 2
                           : strcmp(environment, to->environment) == 0 ? 1
                                                                       : 0;
            found[count++] = (struct candidate){id, likeness};
        }
    }
    qsort(found, count, sizeof *found, compare);
    return count;
}

int64_t *mw_record_similar(struct mw_record *record, TALLOC_CTX *memory,
                           const struct mw_incident *to, size_t limit, size_t *count,
                           struct mw_error *error)
{
    TALLOC_CTX *aside = talloc_new(NULL);
    const struct likeness likeness = {
        .resource = talloc_strdup(aside, to->resource),
        .environment = talloc_strdup(aside, to->environment),
        .metric = talloc_strdup(aside, to->finding_count > 0 ? to->findings[0].metric : NULL),
    };
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_query(&sql, COLUMNS " WHERE resource = ? AND kind = ? AND stage = 'closed' AND id <> ?"
                               " ORDER BY id DESC LIMIT " OF_RESOURCE);
    mw_sql_text(&sql, to->resource);
    mw_sql_text(&sql, to->kind);
    mw_sql_integer(&sql, to->id);
    mw_sql_query(&sql, COLUMNS " WHERE kind = ? AND stage = 'closed' AND id <> ?"
                               " ORDER BY id DESC LIMIT " OF_KIND);
    mw_sql_text(&sql, to->kind);
    mw_sql_integer(&sql, to->id);
    int64_t *ids = NULL;
    if (mw_sql_commit(record, &sql, mw_sql_deadline(), error)) {
        size_t most = mw_sql_rows(&sql, 0) + mw_sql_rows(&sql, 1);
        struct candidate *found = talloc_zero_array(sql.transaction, struct candidate, most + 1);
        size_t known = found != NULL ? collect(&sql, &likeness, found) : 0;
        known = known < limit ? known : limit;
        ids = found != NULL ? talloc_array(memory, int64_t, known) : NULL;
        for (size_t i = 0; ids != NULL && i < known; i++) {
            ids[i] = found[i].id;
        }
        if (ids != NULL) {
            *count = known;
        } else {
            mw_error_set(error, MW_ERROR_RETRY,
                         "out of memory while looking for similar incidents");
        }
    }
    mw_sql_finish(&sql);
    talloc_free(aside);
    return ids;
}
