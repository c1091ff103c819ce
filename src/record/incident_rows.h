/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the record: incidents as rows. */
#ifndef MIDWATCH_RECORD_INCIDENT_ROWS_H
#define MIDWATCH_RECORD_INCIDENT_ROWS_H

#include "midwatch/incident.h"
#include "record/sql.h"

/* Adds the statements that write an incident's own row with the version after `before`; 0: it is
 * new. */
void mw_rows_write_incident(struct mw_sql *sql, const struct mw_incident *incident, int64_t before);
void mw_rows_write_plan(struct mw_sql *sql, const struct mw_incident *incident,
                        const struct mw_plan *plan);
void mw_rows_write_decision(struct mw_sql *sql, const struct mw_incident *incident,
                            const struct mw_decision *decision);

/* Which incidents are read, newest first: these, or the newest of all or of a resource. */
struct mw_rows_which {
    const int64_t *ids;
    size_t id_count; /* 0: those that the others say */
    const char *resource;
    int64_t below; /* numbers below this one */
    int64_t limit;
    bool brief; /* the rows that a list shows, without plans and decisions */
};

/* Adds the queries for these incidents and all below them. */
void mw_rows_query_incidents(struct mw_sql *sql, const struct mw_rows_which *which);

/* Walks along what these returned, when they were the transaction's first; begins with zeros. */
struct mw_rows_reader {
    const struct mw_sql *sql;
    size_t next[5];
};
/* The next incident and its number; false at the end. One that cannot be read is NULL and the error says
 * why; the walk goes on behind it. */
bool mw_rows_next(struct mw_rows_reader *reader, TALLOC_CTX *memory, int64_t *id,
                  struct mw_incident **read, struct mw_error *error);

#endif
