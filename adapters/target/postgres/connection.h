/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to a PostgreSQL that stays open, so that it still serves when the server has no slot
 * left. Probe and tools share it, one exchange at a time. A wait that ends early does not close it: the
 * answer is dropped when it comes. Only when it does not come is a new connection tried, and the old one
 * is given up once the new one stands.
 */
#ifndef MIDWATCH_POSTGRES_CONNECTION_H
#define MIDWATCH_POSTGRES_CONNECTION_H

#include "libpq.h"
#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

#include "link.h"
#include "midwatch/deadline.h"
#include "midwatch/error.h"
#include "url.h"

struct mw_postgres_connection;

/* `address` outlives it. Freeing it closes it. */
struct mw_postgres_connection *
mw_postgres_connection_create(TALLOC_CTX *memory, const struct mw_postgres_address *address);
void mw_postgres_connection_close(struct mw_postgres_connection *connection);

/* Why the newest exchange found no way in; LET_IN where it had a connection, whatever became of it. */
enum mw_postgres_refusal
mw_postgres_connection_refusal(const struct mw_postgres_connection *connection);
/* The server's process for this connection; 0: not connected. */
int mw_postgres_connection_process(const struct mw_postgres_connection *connection);
/* The socket; -1: not connected. */
int mw_postgres_connection_descriptor(const struct mw_postgres_connection *connection);

/*
 * Asks and returns the last result, which the caller clears; a complaint of the server is an error here.
 * What is asked must do no harm when it is done twice: where the open connection turns out to be dead it
 * is asked once more on a new one. After a failure it may have been done. `*seconds` (may be NULL): from
 * the sending to the answer, without connecting.
 */
MW_SUSPENDS PGresult *mw_postgres_exchange(struct mw_postgres_connection *connection,
                                           const struct mw_postgres_question *question,
                                           struct mw_deadline deadline, double *seconds,
                                           struct mw_error *error);

/* The same for a statement with text values, which end with NULL. */
MW_SUSPENDS PGresult *mw_postgres_ask(struct mw_postgres_connection *connection,
                                      struct mw_deadline deadline, struct mw_error *error,
                                      const char *sql, ...) __attribute__((sentinel));

/* Scope cleanup: `PGresult *result mw_postgres_result_auto = …`. */
void mw_postgres_result_release(PGresult **result);
#define mw_postgres_result_auto __attribute__((cleanup(mw_postgres_result_release)))

#endif
