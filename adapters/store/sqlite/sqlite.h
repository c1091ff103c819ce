/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite as the store. The database lives on a thread of its own; transactions that wait there are
 * committed together, each in a savepoint, so that many cost one flush to the disk.
 *
 * A location is a file's path, or ":memory:" for a store that goes when it is closed.
 */
#ifndef MIDWATCH_STORE_SQLITE_H
#define MIDWATCH_STORE_SQLITE_H

#include "midwatch/store.h"

extern const struct mw_store_ops mw_store_sqlite;

#endif
