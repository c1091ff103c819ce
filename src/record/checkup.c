/* SPDX-License-Identifier: Apache-2.0 */
/* The record looked at for `doctor`. */
#include <inttypes.h>

#include "base/clock.h"
#include "record/migrations.h"
#include "record/record.h"

/* A clock may be a little off without anybody's fault. */
#define AHEAD_MS 60000

MW_SUSPENDS static bool check_content(struct mw_record *record, const struct mw_check *check,
                                      struct mw_deadline deadline, struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_query(&sql, "SELECT COUNT(*) FROM incident WHERE stage <> 'closed'");
    mw_sql_query(&sql, "SELECT COALESCE(MAX(id), 0) FROM incident");
    mw_sql_query(&sql, "SELECT happened_at FROM audit ORDER BY id DESC LIMIT 1");
    bool ok = mw_sql_commit(record, &sql, deadline, error);
    if (ok) {
        struct mw_row open = mw_sql_row(&sql, 0, 0), newest = mw_sql_row(&sql, 1, 0);
        mw_check_say(check, MW_CHECK_OK, "%" PRId64 " open incidents; the newest is I%" PRId64,
                     mw_row_integer(&open), mw_row_integer(&newest));
    }
    if (ok && mw_sql_rows(&sql, 2) == 1) {
        struct mw_row last = mw_sql_row(&sql, 2, 0);
        mw_wall_ms at = mw_row_integer(&last);
        char *text = mw_time_rfc3339(NULL, at);
        if (at > mw_wall_now() + AHEAD_MS) {
            mw_check_say(
                check, MW_CHECK_NOTE,
                "its newest entry is of %s, which is still to come: is this machine's clock "
                "right?",
                text);
        }
        talloc_free(text);
    }
    mw_sql_finish(&sql);
    return ok;
}

MW_SUSPENDS static bool check_inside(struct mw_record *record, const struct mw_check *check,
                                     struct mw_deadline deadline, struct mw_error *error)
{
    int64_t version, newest;
    if (!mw_migrate_read(record, &version, &newest, error)) {
        return false;
    }
    if (version > newest) {
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "it was written by a newer midwatch (version %" PRId64
                            ", this program knows %" PRId64 "): run the newer program",
                            version, newest);
    }
    if (version < newest) {
        mw_check_say(check, MW_CHECK_NOTE,
                     "its tables have version %" PRId64 ": `midwatch run` brings them to %" PRId64
                     ", and there is no way back but a backup, so make one first",
                     version, newest);
        return true;
    }
    return check_content(record, check, deadline, error);
}

void mw_record_check(const struct mw_store_ops *ops, const char *location,
                     const struct mw_check *check, struct mw_deadline deadline)
{
    struct mw_error error = {.class = MW_ERROR_NONE};
    struct mw_record record = {.store = {.ops = ops}, .mode = MW_STORE_READER};
    bool exists = true;
    bool ok = ops->check == NULL || ops->check(location, check, deadline, &exists, &error);
    if (ok && exists) {
        ok = ops->open(&record.store, location, MW_STORE_READER, &error);
        if (ok) {
            ok = check_inside(&record, check, deadline, &error);
            ops->close(&record.store);
        }
    }
    if (!ok) {
        mw_check_say(check, MW_CHECK_FAULT, "%s", error.text);
    }
}
