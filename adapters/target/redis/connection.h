/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to a Redis that stays open, so that it still serves when the server takes no new
 * clients. A wait that ends early does not close it: the answer is dropped when it comes. Only when it
 * does not come is a new connection tried, and the old one given up once the new one stands. Probe and tools share it, one exchange at a time. It speaks RESP2 with hiredis as the
 * codec, and trusts no reply: bytes, elements and depth are bounded.
 */
#ifndef MIDWATCH_REDIS_CONNECTION_H
#define MIDWATCH_REDIS_CONNECTION_H

#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <talloc.h>

#include "base/buffer.h"
#include "midwatch/deadline.h"
#include "midwatch/error.h"
#include "url.h"

#define MW_REDIS_REPLY_BYTES_MAX    (8 * 1024 * 1024)
#define MW_REDIS_REPLY_ELEMENTS_MAX 65536

struct mw_redis_connection;

/* `address` outlives it. Freeing it closes it. */
struct mw_redis_connection *mw_redis_connection_create(TALLOC_CTX *memory,
                                                       const struct mw_redis_address *address);
void mw_redis_connection_close(struct mw_redis_connection *connection);

/* The newest attempt to connect was turned away because of maxclients. */
bool mw_redis_connection_full(const struct mw_redis_connection *connection);
/* The newest attempt to connect found nobody who would take it: not slow, but turned away. */
bool mw_redis_connection_refused(const struct mw_redis_connection *connection);

/* ---- requests ---- */

struct mw_redis_request {
    struct mw_buffer bytes;
    size_t count;
};

void mw_redis_request_init(struct mw_redis_request *request, TALLOC_CTX *memory);
/* Adds one command; the words end with NULL. */
void mw_redis_request_add(struct mw_redis_request *request, ...) __attribute__((sentinel));
void mw_redis_request_add_words(struct mw_redis_request *request, va_list list);
void mw_redis_request_add_bytes(struct mw_redis_request *request, int count, const char **words,
                                const size_t *lengths);

/*
 * Sends the commands in one go and reads as many replies, which the caller frees with
 * freeReplyObject. An error reply is a reply. `repeatable`: where an open connection turns out to be
 * dead before any answer, it is tried once more on a new one. After a failure what was sent may
 * have happened. `*seconds` (may be NULL): from the sending to the last
 * reply, without connecting.
 */
MW_SUSPENDS bool mw_redis_exchange(struct mw_redis_connection *connection,
                                   const struct mw_redis_request *request, bool repeatable,
                                   struct mw_deadline deadline, redisReply **replies,
                                   double *seconds, struct mw_error *error);

/* One command, whose error reply is an error here. NULL on failure. */
MW_SUSPENDS redisReply *mw_redis_ask(struct mw_redis_connection *connection,
                                     struct mw_deadline deadline, struct mw_error *error, ...)
    __attribute__((sentinel));
/* The same for what must not be sent twice. */
MW_SUSPENDS redisReply *mw_redis_tell(struct mw_redis_connection *connection,
                                      struct mw_deadline deadline, struct mw_error *error, ...)
    __attribute__((sentinel));

/* True when the reply is no error; else what the error means for who asked. */
bool mw_redis_reply_check(const redisReply *reply, struct mw_error *error);

/* Scope cleanup: `redisReply *reply mw_redis_reply_auto = …`. */
void mw_redis_reply_release(redisReply **reply);
#define mw_redis_reply_auto __attribute__((cleanup(mw_redis_reply_release)))

#endif
