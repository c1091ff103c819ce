/* SPDX-License-Identifier: Apache-2.0 */
/* Private to this folder: ops->check. */
#ifndef MIDWATCH_STORE_SQLITE_CHECKUP_H
#define MIDWATCH_STORE_SQLITE_CHECKUP_H

#include "midwatch/store.h"

MW_SUSPENDS bool mw_sqlite_check(const char *location, const struct mw_check *check,
                                 struct mw_deadline deadline, bool *exists, struct mw_error *error);

#endif
