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

#endif
