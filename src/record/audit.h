/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to the record: the audit trail. The hash of row n is
 *     SHA-256 of: hash of row n-1 ("" for the first), a line feed, [at, actor, action, incident, detail]
 * the last being compact JSON text; `detail` in it is the text of the column, or null.
 */
#ifndef MIDWATCH_RECORD_AUDIT_H
#define MIDWATCH_RECORD_AUDIT_H

#include "record/sql.h"

void mw_audit_append(struct mw_sql *sql, const char *actor, const char *action, int64_t incident,
                     const json_t *detail);

#endif
