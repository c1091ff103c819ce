/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the record: how its tables came to be as they are. */
#ifndef MIDWATCH_RECORD_MIGRATIONS_H
#define MIDWATCH_RECORD_MIGRATIONS_H

#include "record/sql.h"

/* Brings the store up to the newest version, one transaction each; a store that is newer is
 * refused. `location` is for the sentences. */
MW_SUSPENDS bool mw_migrate(struct mw_record *record, const char *location, struct mw_error *error);
/* For a reader, who changes nothing: the store must have the newest version. */
MW_SUSPENDS bool mw_migrate_check(struct mw_record *record, const char *location,
                                  struct mw_error *error);

/* The version of its tables (0: none yet), and of those that this program writes. */
MW_SUSPENDS bool mw_migrate_read(struct mw_record *record, int64_t *version, int64_t *newest,
                                 struct mw_error *error);

#endif
