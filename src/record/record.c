/* SPDX-License-Identifier: Apache-2.0 */
#include "record/record.h"

#include "record/migrations.h"
#include "record/sql.h"

MW_SUSPENDS static bool read_next_incident(struct mw_record *record, struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_query(&sql, "SELECT COALESCE(MAX(id), 0) FROM incident");
    bool ok = mw_sql_commit(record, &sql, mw_sql_deadline(), error);
    if (ok) {
        struct mw_row row = mw_sql_row(&sql, 0, 0);
        record->next_incident = mw_row_integer(&row) + 1;
    }
    mw_sql_finish(&sql);
    return ok;
}

struct mw_record *mw_record_open(TALLOC_CTX *memory, const struct mw_store_ops *ops,
                                 const char *location, enum mw_store_mode mode,
                                 struct mw_error *error)
{
    struct mw_record *record = talloc_zero(memory, struct mw_record);
    if (record == NULL) {
        mw_error_set(error, MW_ERROR_RETRY, "out of memory while opening %s", location);
        return NULL;
    }
    record->store.ops = ops;
    record->mode = mode;
    if (!ops->open(&record->store, location, mode, error)) {
        talloc_free(record);
        return NULL;
    }
    bool ready = mode == MW_STORE_ACTIVE ? mw_migrate(record, location, error)
                                         : mw_migrate_check(record, location, error);
    if (!ready || !read_next_incident(record, error)) {
        mw_record_close(record);
        return NULL;
    }
    return record;
}

void mw_record_close(struct mw_record *record)
{
    if (record == NULL) {
        return;
    }
    record->store.ops->close(&record->store);
    talloc_free(record);
}

int64_t mw_record_next_incident(struct mw_record *record)
{
    return record->next_incident++;
}
