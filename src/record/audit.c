/* SPDX-License-Identifier: Apache-2.0 */
#include "record/audit.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/redact.h"
#include "base/text.h"
#include "record/record.h"
#include "runtime/digest.h"

#define WORD_MAX 200
#define PAGE     500

#define AUDIT_COLUMNS "id, happened_at, actor, action, incident, detail, hash"

/* What a row's hash covers, beside the hash before it. NULL: out of memory. */
static char *chained_text(TALLOC_CTX *memory, mw_wall_ms at, const char *actor, const char *action,
                          const int64_t *incident, const char *detail)
{
    json_auto_t *fields = json_array();
    json_array_append_new(fields, json_integer(at));
    json_array_append_new(fields, mw_json_text(actor));
    json_array_append_new(fields, mw_json_text(action));
    json_array_append_new(fields, incident != NULL ? json_integer(*incident) : json_null());
    json_array_append_new(fields, mw_json_text(detail));
    return mw_json_canonical(memory, fields);
}

static char *clean_word(TALLOC_CTX *memory, const char *word)
{
    return mw_text_clean(memory, word, strlen(word), WORD_MAX);
}

static char *masked_detail(TALLOC_CTX *memory, const json_t *detail)
{
    json_auto_t *masked = mw_redact_json(detail);
    char *text = mw_json_canonical(memory, masked);
    return text != NULL && strlen(text) > MW_RECORD_JSON_MAX ? talloc_strdup(memory, "\"too long\"")
                                                             : text;
}

void mw_audit_append(struct mw_sql *sql, const char *actor, const char *action, int64_t incident,
                     const json_t *detail)
{
    if (sql->failed) {
        return;
    }
    TALLOC_CTX *memory = sql->transaction;
    mw_wall_ms now = mw_wall_now();
    char *who = clean_word(memory, actor);
    char *what = clean_word(memory, action);
    char *text = detail != NULL ? masked_detail(memory, detail) : NULL;
    char *chained = chained_text(memory, now, who, what, incident != 0 ? &incident : NULL, text);
    if (who == NULL || what == NULL || chained == NULL || (detail != NULL && text == NULL)) {
        sql->failed = true;
        return;
    }

    mw_sql_add(sql, "INSERT INTO audit (id, happened_at, actor, action, incident, detail, hash)"
                    " VALUES ((SELECT row_count + 1 FROM audit_head WHERE id = 1), ?, ?, ?, ?, ?,"
                    " mw_sha256((SELECT hash FROM audit_head WHERE id = 1) || '\n' || ?))");
    mw_sql_integer(sql, now);
    mw_sql_text(sql, who);
    mw_sql_text(sql, what);
    if (incident != 0) {
        mw_sql_integer(sql, incident);
    } else {
        mw_sql_text(sql, NULL);
    }
    mw_sql_text(sql, text);
    mw_sql_text(sql, chained);
    mw_sql_add(sql, "UPDATE audit_head SET row_count = row_count + 1,"
                    " hash = (SELECT hash FROM audit WHERE audit.id = audit_head.row_count + 1)"
                    " WHERE id = 1");
    mw_sql_expect(sql, 1);
}

/* The walk along the chain, from page to page. */
struct walk {
    int64_t from;             /* where the next page begins */
    int64_t next;             /* the number that the next row must have */
    char hash[MW_SHA256_HEX]; /* of the row before it */
    int64_t broken;
};

/* The columns of a row, in the order of AUDIT_COLUMNS; it lives as long as the transaction. False: it
 * holds what cannot be there. */
static bool read_row(struct mw_row *row, TALLOC_CTX *memory, struct mw_audit_row *read)
{
    *read = (struct mw_audit_row){.id = mw_row_integer(row)};
    read->at = mw_row_integer(row);
    read->actor = mw_row_peek(row);
    read->action = mw_row_peek(row);
    bool has_incident = row->cell->type != MW_VALUE_NULL;
    read->incident = mw_row_integer(row);
    read->detail = mw_row_peek(row);
    read->hash = mw_row_peek(row);
    read->chained = chained_text(memory, read->at, read->actor, read->action,
                                 has_incident ? &read->incident : NULL, read->detail);
    return !row->damaged && read->hash != NULL && read->chained != NULL;
}

static bool row_fits(struct walk *walk, struct mw_row *row)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    struct mw_audit_row read;
    bool whole = read_row(row, memory, &read) && read.id == walk->next;
    char *covered = whole ? talloc_asprintf(memory, "%s\n%s", walk->hash, read.chained) : NULL;
    char computed[MW_SHA256_HEX] = "";
    if (covered != NULL) {
        mw_sha256_hex(covered, strlen(covered), computed);
        memcpy(walk->hash, computed, sizeof walk->hash);
    }
    bool fits = covered != NULL && strcmp(computed, read.hash) == 0;
    talloc_free(memory);
    return fits;
}

static void walk_page(struct walk *walk, const struct mw_sql *sql)
{
    for (size_t i = 0; i < mw_sql_rows(sql, 0) && walk->broken == 0; i++) {
        struct mw_row row = mw_sql_row(sql, 0, i);
        if (row_fits(walk, &row)) {
            walk->from = ++walk->next;
        } else {
            walk->broken = walk->next;
        }
    }
}

/* At the end of the rows: is this where the chain was when it was last written to? */
static void compare_end(struct walk *walk, const struct mw_sql *sql)
{
    if (mw_sql_rows(sql, 1) != 1) {
        walk->broken = walk->next;
        return;
    }
    struct mw_row head = mw_sql_row(sql, 1, 0);
    int64_t count = mw_row_integer(&head);
    const char *hash = mw_row_peek(&head);
    int64_t walked = walk->next - 1;
    if (count != walked) {
        walk->broken = count < walked ? count + 1 : walk->next;
    } else if (hash == NULL || strcmp(hash, walk->hash) != 0) {
        walk->broken = walked > 0 ? walked : 1;
    }
}

/* One page and the end of the chain, both of the same moment. */
MW_SUSPENDS static bool verify_page(struct mw_record *record, struct walk *walk, bool *done,
                                    struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_query(&sql, "SELECT " AUDIT_COLUMNS " FROM audit WHERE id >= ? ORDER BY id LIMIT ?");
    mw_sql_integer(&sql, walk->from);
    mw_sql_integer(&sql, PAGE);
    mw_sql_query(&sql, "SELECT row_count, hash FROM audit_head WHERE id = 1");
    bool ok = mw_sql_commit(record, &sql, mw_sql_deadline(), error);
    if (ok) {
        walk_page(walk, &sql);
        bool last = mw_sql_rows(&sql, 0) < PAGE;
        if (last && walk->broken == 0) {
            compare_end(walk, &sql);
        }
        *done = last || walk->broken != 0;
    }
    mw_sql_finish(&sql);
    return ok;
}

MW_SUSPENDS static bool count_rows(struct mw_record *record, int64_t *rows, struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_query(&sql, "SELECT COUNT(*) FROM audit");
    bool ok = mw_sql_commit(record, &sql, mw_sql_deadline(), error);
    if (ok) {
        struct mw_row row = mw_sql_row(&sql, 0, 0);
        *rows = mw_row_integer(&row);
    }
    mw_sql_finish(&sql);
    return ok;
}

bool mw_audit_verify(struct mw_record *record, int64_t *rows, int64_t *broken,
                     struct mw_error *error)
{
    struct walk walk = {.from = INT64_MIN, .next = 1};
    for (bool done = false; !done;) {
        if (!verify_page(record, &walk, &done, error)) {
            return mw_error_wrap(error, "reading the audit trail");
        }
    }
    int64_t count = walk.next - 1;
    if (walk.broken != 0 && !count_rows(record, &count, error)) {
        return mw_error_wrap(error, "reading the audit trail");
    }
    *rows = count;
    *broken = walk.broken;
    return true;
}

/* ---- reading ---- */

static void query_rows(struct mw_sql *sql, const struct mw_audit_page *page)
{
    if (page->newest && page->incident != 0) {
        mw_sql_query(sql, "SELECT " AUDIT_COLUMNS " FROM audit WHERE incident = ?"
                          " ORDER BY id DESC LIMIT ?");
        mw_sql_integer(sql, page->incident);
    } else if (page->newest) {
        mw_sql_query(sql, "SELECT " AUDIT_COLUMNS " FROM audit ORDER BY id DESC LIMIT ?");
    } else {
        mw_sql_query(sql, "SELECT " AUDIT_COLUMNS " FROM audit WHERE id > ? ORDER BY id LIMIT ?");
        mw_sql_integer(sql, page->after);
    }
    mw_sql_integer(sql, (int64_t)page->limit);
}

static struct mw_audit_row *copy_rows(const struct mw_sql *sql, TALLOC_CTX *memory, bool newest)
{
    size_t count = mw_sql_rows(sql, 0);
    struct mw_audit_row *rows = talloc_zero_array(memory, struct mw_audit_row, count);
    for (size_t i = 0; rows != NULL && i < count; i++) {
        struct mw_row from = mw_sql_row(sql, 0, newest ? count - 1 - i : i);
        struct mw_audit_row *row = &rows[i];
        /* What was changed behind our back is shown as it is; whoever follows the chain sees it. */
        read_row(&from, rows, row);
        row->actor = talloc_strdup(rows, row->actor != NULL ? row->actor : "");
        row->action = talloc_strdup(rows, row->action != NULL ? row->action : "");
        row->detail = row->detail != NULL ? talloc_strdup(rows, row->detail) : NULL;
        row->hash = talloc_strdup(rows, row->hash != NULL ? row->hash : "");
    }
    return rows;
}

struct mw_audit_row *mw_audit_rows(struct mw_record *record, TALLOC_CTX *memory,
                                   const struct mw_audit_page *page, size_t *count,
                                   struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    query_rows(&sql, page);
    struct mw_audit_row *rows = NULL;
    if (mw_sql_commit(record, &sql, mw_sql_deadline(), error)) {
        *count = mw_sql_rows(&sql, 0);
        rows = copy_rows(&sql, memory, page->newest);
        if (rows == NULL) {
            mw_error_set(error, MW_ERROR_RETRY, "out of memory");
        }
    }
    mw_sql_finish(&sql);
    if (rows == NULL) {
        mw_error_wrap(error, "reading the audit trail");
    }
    return rows;
}
