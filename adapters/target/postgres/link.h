/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One libpq connection, driven through its non-blocking face in a fiber. A talloc object; freeing it
 * hangs up. Names are looked up by the runtime, libpq is given addresses.
 */
#ifndef MIDWATCH_POSTGRES_LINK_H
#define MIDWATCH_POSTGRES_LINK_H

#include "libpq.h"
#include <stdbool.h>
#include <talloc.h>

#include "error.h"
#include "midwatch/deadline.h"
#include "midwatch/error.h"
#include "url.h"

/* An answer that is larger is no answer to what we ask. */
#define MW_POSTGRES_ANSWER_BYTES_MAX (8 * 1024 * 1024)

/* The oldest server whose statistics are what we ask for. */
#define MW_POSTGRES_VERSION_LEAST 100000

struct mw_postgres_question {
    const char *sql;
    const char *name; /* prepared under this name at its first use; static; NULL: not prepared */
    int count;
    const char *const *values; /* as text; $1 is values[0] */
};

struct mw_postgres_link;

/* A session of its own: named midwatch, read-only, with pg_catalog alone in its search path, its
 * statements ended by the server after some seconds. `*refusal` says why where it is NULL. */
MW_SUSPENDS struct mw_postgres_link *
mw_postgres_link_open(TALLOC_CTX *memory, const struct mw_postgres_address *address,
                      struct mw_deadline deadline, enum mw_postgres_refusal *refusal,
                      struct mw_error *error);

/* The last result, which is no error. NULL: the server's complaint, or the link is dead, or the wait
 * ended and the answer is still owed. */
MW_SUSPENDS PGresult *mw_postgres_link_ask(struct mw_postgres_link *link,
                                           const struct mw_postgres_question *question,
                                           struct mw_deadline deadline, struct mw_error *error);

bool mw_postgres_link_dead(const struct mw_postgres_link *link);
/* An earlier wait ended before its answer came. */
bool mw_postgres_link_owes(const struct mw_postgres_link *link);
/* Waits for what is owed and drops it. */
MW_SUSPENDS bool mw_postgres_link_settle(struct mw_postgres_link *link, struct mw_deadline deadline,
                                         struct mw_error *error);

int mw_postgres_link_process(const struct mw_postgres_link *link); /* of the server's backend */
int mw_postgres_link_descriptor(const struct mw_postgres_link *link);

#endif
