/* SPDX-License-Identifier: Apache-2.0 */
/* Private to this folder: the database as its thread sees it. */
#ifndef MIDWATCH_STORE_SQLITE_DATABASE_H
#define MIDWATCH_STORE_SQLITE_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "midwatch/error.h"
#include "midwatch/store.h"

#define MW_SQLITE_CACHE 64

struct mw_sqlite_cached {
    sqlite3_stmt *statement;
    uint64_t hash;
    uint64_t used; /* when, by the cache's own count */
};

struct mw_sqlite {
    const char *location; /* as configured, for sentences */
    enum mw_store_mode mode;
    char *path; /* without symbolic links; malloc'ed */
    int lock;   /* descriptor of the lock file, or -1 */
    sqlite3 *db;
    uint64_t uses;
    struct mw_sqlite_cached cache[MW_SQLITE_CACHE];
};

/* ---- database.c: opening and closing ---- */

bool mw_sqlite_open(struct mw_sqlite *sqlite, struct mw_error *error);
void mw_sqlite_close(struct mw_sqlite *sqlite);

/* ---- file.c: where the file lies ---- */

bool mw_sqlite_is_memory(const struct mw_sqlite *sqlite);
/* Finds the real path, refuses what cannot be a store and says why. */
bool mw_sqlite_check_place(struct mw_sqlite *sqlite, struct mw_error *error);
/* Makes the file, readable by nobody else, when it is missing. */
bool mw_sqlite_create_file(struct mw_sqlite *sqlite, struct mw_error *error);
bool mw_sqlite_lock(struct mw_sqlite *sqlite, struct mw_error *error);
void mw_sqlite_unlock(struct mw_sqlite *sqlite);

/* ---- execute.c: running transactions ---- */

/* Runs the statements in order inside whatever transaction is open; stops at the first that fails. */
bool mw_sqlite_execute(struct mw_sqlite *sqlite, struct mw_transaction *transaction,
                       struct mw_error *error);
/* One statement without values or rows. */
bool mw_sqlite_command(struct mw_sqlite *sqlite, const char *text, struct mw_error *error);
void mw_sqlite_drop_cache(struct mw_sqlite *sqlite);

/* ---- fault.c: SQLite's codes as sentences ---- */

/* Fills the error from the (extended) code of the call that failed; returns false. */
bool mw_sqlite_fault(const struct mw_sqlite *sqlite, int code, struct mw_error *error);

#endif
