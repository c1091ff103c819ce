/* SPDX-License-Identifier: Apache-2.0 */
/* What was said to models and by them. */
#include <math.h>
#include <string.h>

#include "base/redact.h"
#include "record/record.h"
#include "record/sql.h"

/* Of a text that is longer, this much of its end is kept: what was said last. */
#define TAIL_BYTES ((size_t)(16 * 1024))
#define CUT        "\n[…]\n"

/* More of a day's questions are not added up. */
#define ADDED_MAX "100000"

static bool in_character(const char *at)
{
    return ((unsigned char)*at & 0xc0) == 0x80;
}

/* Beginning and end of a text, cut between characters. */
static char *bound(TALLOC_CTX *memory, const char *text)
{
    size_t length = strlen(text);
    if (length <= MW_EXCHANGE_BYTES_MAX) {
        return talloc_strdup(memory, text);
    }
    size_t head = MW_EXCHANGE_BYTES_MAX - TAIL_BYTES - strlen(CUT), tail = length - TAIL_BYTES;
    while (head > 0 && in_character(text + head)) {
        head--;
    }
    while (tail < length && in_character(text + tail)) {
        tail++;
    }
    return talloc_asprintf(memory, "%.*s" CUT "%s", (int)head, text, text + tail);
}

/* Masked whole before it is cut, since half a secret is no longer known as one. */
static void add_text(struct mw_sql *sql, const char *text)
{
    char *masked = text != NULL ? mw_redact(NULL, text) : NULL;
    char *bounded = masked != NULL ? bound(NULL, masked) : NULL;
    mw_sql_text(sql, bounded);
    talloc_free(masked);
    talloc_free(bounded);
}

bool mw_exchange_add(struct mw_record *record, const struct mw_exchange *exchange,
                     struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_add(&sql, "INSERT INTO exchange (id, incident, happened_at, model, request, answer,"
                     " fault, model_usage)"
                     " VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM exchange),"
                     " ?, ?, ?, ?, ?, ?, ?)");
    mw_sql_integer(&sql, exchange->incident);
    mw_sql_integer(&sql, exchange->at);
    mw_sql_text(&sql, exchange->model);
    add_text(&sql, exchange->request);
    add_text(&sql, exchange->answer);
    add_text(&sql, exchange->fault);
    mw_sql_json(&sql, exchange->usage);
    bool ok = mw_sql_commit(record, &sql, mw_sql_deadline(), error);
    mw_sql_finish(&sql);
    return ok;
}

bool mw_exchange_count(struct mw_record *record, int64_t incident, int64_t *count,
                       struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_query(&sql, "SELECT COUNT(*) FROM exchange WHERE incident = ?");
    mw_sql_integer(&sql, incident);
    bool ok = mw_sql_commit(record, &sql, mw_sql_deadline(), error);
    if (ok) {
        struct mw_row row = mw_sql_row(&sql, 0, 0);
        *count = mw_row_integer(&row);
    }
    mw_sql_finish(&sql);
    return ok;
}

bool mw_exchange_spent(struct mw_record *record, mw_wall_ms since, double *usd,
                       struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_query(&sql, "SELECT model_usage FROM exchange WHERE happened_at >= ?"
                       " AND model_usage IS NOT NULL ORDER BY happened_at DESC LIMIT " ADDED_MAX);
    mw_sql_integer(&sql, since);
    bool ok = mw_sql_commit(record, &sql, mw_sql_deadline(), error);
    double sum = 0;
    for (size_t i = 0; ok && i < mw_sql_rows(&sql, 0); i++) {
        struct mw_row row = mw_sql_row(&sql, 0, i);
        json_auto_t *usage = mw_row_json(&row);
        double cost = json_number_value(json_object_get(usage, "cost_usd"));
        sum += isfinite(cost) && cost > 0 ? cost : 0;
    }
    if (ok) {
        *usd = sum;
    }
    mw_sql_finish(&sql);
    return ok;
}
