/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The port for the database. Its unit is a whole transaction: a list of SQL statements with bound
 * values, run in order, all or none. A statement may demand how many rows it changes; if it does
 * not hold, everything is rolled back and the commit fails with MW_ERROR_REFUSED.
 *
 * SQL is the subset that SQLite and PostgreSQL both understand, with `?` for values and
 * mw_sha256(TEXT), which the driver provides and which yields lower-case hex.
 */
#ifndef MIDWATCH_STORE_H
#define MIDWATCH_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "midwatch/check.h"
#include "midwatch/deadline.h"
#include "midwatch/error.h"

#define MW_ROWS_ANY (-1)

enum mw_value_type { MW_VALUE_NULL, MW_VALUE_INTEGER, MW_VALUE_REAL, MW_VALUE_TEXT };

struct mw_value {
    enum mw_value_type type;
    int64_t integer;
    double real;
    char *text; /* child of the transaction */
};

struct mw_statement {
    char *sql;
    size_t value_count;
    struct mw_value *values;
    int expect;   /* rows it must change; MW_ROWS_ANY */
    bool returns; /* a query: its rows are kept */
    size_t column_count, row_count;
    struct mw_value *cells; /* row by row */
};

/* A talloc root of its own: it is handed to the driver's thread whole and comes back whole. */
struct mw_transaction {
    size_t count;
    struct mw_statement *statements;
};

enum mw_store_mode { MW_STORE_READER, MW_STORE_ACTIVE };

struct mw_store {
    const struct mw_store_ops *ops;
    void *state;
};

struct mw_store_ops {
    const char *name;

    /* `location` is what `store:` says. An ACTIVE opening makes the store when it is missing and holds
     * it alone: a second one fails with MW_ERROR_REFUSED while the first lives. A READER changes
     * nothing and may stand beside the active one. */
    MW_SUSPENDS bool (*open)(struct mw_store *store, const char *location, enum mw_store_mode mode,
                             struct mw_error *error);

    /* Waits for what is under way. */
    MW_SUSPENDS void (*close)(struct mw_store *store);

    /* Runs the transaction. Not cancellable while it runs; a cancelled fiber may still commit, so
     * that an intent is never half recorded. When the deadline passes first, the error is TIMEOUT,
     * the transaction may still happen, and the driver keeps and frees it: `*transaction` becomes
     * NULL. */
    MW_SUSPENDS bool (*commit)(struct mw_store *store, struct mw_transaction **transaction,
                               struct mw_deadline deadline, struct mw_error *error);

    /* Optional; for `doctor`: whether the place may be written to and has room, and who holds it.
     * `*exists`: there is something to open. Changes nothing. Fails with what is to be mended. */
    MW_SUSPENDS bool (*check)(const char *location, const struct mw_check *check,
                              struct mw_deadline deadline, bool *exists, struct mw_error *error);
};

#endif
