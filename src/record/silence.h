/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the record: silences as rows. */
#ifndef MIDWATCH_RECORD_SILENCE_H
#define MIDWATCH_RECORD_SILENCE_H

#include "record/record.h"
#include "record/sql.h"

void mw_silence_write(struct mw_sql *sql, const struct mw_silence *silence);
void mw_silence_delete(struct mw_sql *sql, const char *resource);

#endif
