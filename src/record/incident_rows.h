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

/* Adds the queries for an incident and all below it. */
void mw_rows_query_incident(struct mw_sql *sql, int64_t id);
/* Makes the incident out of what these returned, when they were the transaction's first. */
struct mw_incident *mw_rows_read_incident(const struct mw_sql *sql, TALLOC_CTX *memory, int64_t id,
                                          struct mw_error *error);

#endif
