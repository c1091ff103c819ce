/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to the record: building a transaction and reading what it returned.
 *
 * A statement is added, then its values in the order of its question marks. Out of memory is kept
 * until the commit, which reports it, so that building needs no checks.
 */
#ifndef MIDWATCH_RECORD_SQL_H
#define MIDWATCH_RECORD_SQL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "midwatch/error.h"
#include "midwatch/store.h"

/* JSON in the record is at most this long; more is left out when written. */
#define MW_RECORD_JSON_MAX (4 * 1024 * 1024)

struct mw_record {
    struct mw_store store;
    enum mw_store_mode mode;
    int64_t next_incident;
    unsigned inbox_adds;
};

struct mw_sql {
    struct mw_transaction *transaction;
    size_t filled; /* values given to the newest statement */
    bool failed;
};

void mw_sql_begin(struct mw_sql *sql);
void mw_sql_finish(struct mw_sql *sql);

/* A statement that changes rows, and one whose rows are kept. */
void mw_sql_add(struct mw_sql *sql, const char *text);
void mw_sql_query(struct mw_sql *sql, const char *text);
/* The newest statement must change that many rows, or nothing happens at all. */
void mw_sql_expect(struct mw_sql *sql, int rows);

void mw_sql_integer(struct mw_sql *sql, int64_t value);
void mw_sql_real(struct mw_sql *sql, double value);      /* NAN and infinities become NULL */
void mw_sql_text(struct mw_sql *sql, const char *value); /* may be NULL */
/* Foreign or free text: it is cleaned, its line breaks apart, and secrets are masked. */
void mw_sql_masked(struct mw_sql *sql, const char *value);
/* As canonical text; NULL stays NULL. */
void mw_sql_json(struct mw_sql *sql, const json_t *value);
void mw_sql_masked_json(struct mw_sql *sql, const json_t *value);
/* The same for a value made for this call: steals it. */
void mw_sql_json_new(struct mw_sql *sql, json_t *value);

/* Runs what was built; the rows can be read until finish(). */
MW_SUSPENDS bool mw_sql_commit(struct mw_record *record, struct mw_sql *sql,
                               struct mw_deadline deadline, struct mw_error *error);

/* The deadline of everything that is no intent to act. */
struct mw_deadline mw_sql_deadline(void);

/* Walks the cells of one row from left to right. */
struct mw_row {
    const struct mw_value *cell, *end;
    bool damaged; /* a cell held what cannot be there */
};

size_t mw_sql_rows(const struct mw_sql *sql, size_t statement);
struct mw_row mw_sql_row(const struct mw_sql *sql, size_t statement, size_t row);

int64_t mw_row_integer(struct mw_row *row);  /* NULL: 0 */
double mw_row_real(struct mw_row *row);      /* NULL: NAN */
const char *mw_row_peek(struct mw_row *row); /* lives as long as the transaction */
char *mw_row_text(struct mw_row *row, TALLOC_CTX *memory);
json_t *mw_row_json(struct mw_row *row); /* a new reference; NULL for NULL */

/* A JSON string whatever the bytes are; null for NULL. */
json_t *mw_json_text(const char *text);

#endif
