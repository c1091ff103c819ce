/* SPDX-License-Identifier: Apache-2.0 */
/* Who is connected, what they do, and who holds up whom. */
#ifndef MIDWATCH_POSTGRES_SESSIONS_H
#define MIDWATCH_POSTGRES_SESSIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "connection.h"
#include "midwatch/deadline.h"
#include "midwatch/error.h"

struct mw_postgres_session {
    int64_t pid;
    /* As the server writes them, in UTC with microseconds; NULL where it has none or our role may not
     * see it. */
    const char *backend_start, *xact_start, *query_start, *state_change;
    /* For people: clean, masked, short; never NULL. */
    const char *user, *database, *application, *client, *state, *wait, *kind, *query;
    double transaction_s, query_s, state_s; /* since when; NAN: not known */
    int64_t blocks;                         /* sessions that wait behind it, through others too */
    bool root;                              /* it blocks others and waits for no lock itself */
    bool waits;                             /* for a lock */
    bool client_backend;
    bool ours;       /* a session of midwatch */
    bool superuser;  /* its role is one */
    bool may_end;    /* our role may end it */
    bool wraparound; /* autovacuum that keeps transaction ids from running out */
};

struct mw_postgres_sessions {
    size_t count;
    struct mw_postgres_session *items;
};

/* Which sessions, and in which order. Each takes the values that its comment names. */
enum mw_postgres_which {
    MW_POSTGRES_ROOTS, /* root blockers, those that hold up most first */
    MW_POSTGRES_LONG, /* clients that run one query for $1 seconds and wait for no lock; longest first */
    MW_POSTGRES_IDLE,         /* clients that are idle for $1 seconds; longest first */
    MW_POSTGRES_IDLE_INSIDE,  /* the same, of those inside a transaction */
    MW_POSTGRES_IDLE_OUTSIDE, /* the same, of those outside of one */
    MW_POSTGRES_OLDEST,       /* clients inside of a transaction for $1 seconds; longest first */
    MW_POSTGRES_WAITING,      /* sessions that wait for a lock; longest first */
    MW_POSTGRES_NAMED,        /* the process ids in $1, as "{1,2,3}" */
};

/* At most `limit` of them (and never more than 500) on `memory`. `value` is $1, NULL where there is
 * none. */
MW_SUSPENDS struct mw_postgres_sessions *
mw_postgres_sessions_read(TALLOC_CTX *memory, struct mw_postgres_connection *connection,
                          enum mw_postgres_which which, const char *value, size_t limit,
                          struct mw_deadline deadline, struct mw_error *error);

/* How many hold a slot and how many wait for a lock. */
struct mw_postgres_crowd {
    int64_t clients, waiting;
};
MW_SUSPENDS bool mw_postgres_crowd_read(struct mw_postgres_connection *connection,
                                        struct mw_deadline deadline,
                                        struct mw_postgres_crowd *crowd, struct mw_error *error);

/* "4711 (app@shop, web)". */
char *mw_postgres_session_name(TALLOC_CTX *memory, const struct mw_postgres_session *session);
/* "idle in transaction for 5 min 20 s", "runs a query for 82.0 s". */
char *mw_postgres_session_doing(TALLOC_CTX *memory, const struct mw_postgres_session *session);
/* Why no tool may end it, for people; NULL: one may. */
const char *mw_postgres_session_spared(const struct mw_postgres_session *session);
json_t *mw_postgres_session_json(const struct mw_postgres_session *session);

#endif
