/* SPDX-License-Identifier: Apache-2.0 */
#include "connection.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "reply.h"
#include "runtime/fiber.h"
#include "runtime/stream.h"

#define READ_SIZE (16 * 1024)

struct mw_redis_connection {
    const struct mw_redis_address *address;
    struct mw_stream *stream; /* NULL: not connected */
    struct mw_lock lock;
    bool full, refused;
    bool unanswered; /* the newest exchange broke before the first byte of an answer */
    /* Replies that nobody waits for any more and that must come before those of the next exchange; and what
     * has come of them. */
    size_t owed;
    struct mw_redis_decoder late;
};

static void forget_owed(struct mw_redis_connection *connection)
{
    if (connection->owed > 0) {
        mw_redis_decoder_finish(&connection->late);
        connection->owed = 0;
    }
}

static int release(struct mw_redis_connection *connection)
{
    forget_owed(connection);
    return 0;
}

struct mw_redis_connection *mw_redis_connection_create(TALLOC_CTX *memory,
                                                       const struct mw_redis_address *address)
{
    struct mw_redis_connection *connection = talloc_zero(memory, struct mw_redis_connection);
    if (connection != NULL) {
        connection->address = address;
        talloc_set_destructor(connection, release);
        mw_lock_init(&connection->lock);
    }
    return connection;
}

void mw_redis_connection_close(struct mw_redis_connection *connection)
{
    forget_owed(connection);
    TALLOC_FREE(connection->stream);
}

bool mw_redis_connection_full(const struct mw_redis_connection *connection)
{
    return connection->full;
}

bool mw_redis_connection_refused(const struct mw_redis_connection *connection)
{
    return connection->refused;
}

/* ---- exchanges ---- */

static bool read_reply(struct mw_redis_connection *connection, struct mw_redis_decoder *decoder,
                       char *buffer, bool *expect_wait, struct mw_deadline deadline,
                       redisReply **reply, struct mw_error *error)
{
    for (;;) {
        if (!mw_redis_decoder_next(decoder, reply, error)) {
            return mw_error_wrap(error, "%s", connection->address->label);
        }
        if (*reply != NULL) {
            return true;
        }
        ssize_t size =
            mw_stream_read(connection->stream, buffer, READ_SIZE, *expect_wait, deadline, error);
        if (size < 0) {
            return false;
        }
        if (size == 0) {
            return mw_error_set(error, MW_ERROR_RETRY, "%s closed the connection",
                                connection->address->label);
        }
        connection->unanswered = false;
        *expect_wait = false;
        if (!mw_redis_decoder_feed(decoder, buffer, (size_t)size, error)) {
            return mw_error_wrap(error, "%s", connection->address->label);
        }
    }
}

static bool read_replies(struct mw_redis_connection *connection, struct mw_redis_decoder *decoder,
                         char *buffer, size_t wanted, struct mw_deadline deadline,
                         redisReply **replies, size_t *count, struct mw_error *error)
{
    bool expect_wait = true;
    for (; *count < wanted; (*count)++) {
        replies[*count] = NULL;
        if (!read_reply(connection, decoder, buffer, &expect_wait, deadline, &replies[*count],
                        error)) {
            return false;
        }
    }
    if (mw_redis_decoder_has_rest(decoder)) {
        return mw_error_set(error, MW_ERROR_RETRY, "%s answered what was not asked",
                            connection->address->label);
    }
    return true;
}

/* Whether the wait ended and not the connection. */
static bool gave_up(const struct mw_error *error)
{
    return error->class == MW_ERROR_TIMEOUT || error->class == MW_ERROR_CANCELLED;
}

/* Reads what is owed and drops it. False: it did not come in time, and is owed still, or the connection
 * is closed. */
static bool settle(struct mw_redis_connection *connection, struct mw_deadline deadline,
                   struct mw_error *error)
{
    char *buffer = talloc_array(connection, char, READ_SIZE);
    bool expect_wait = true, came = buffer != NULL;
    while (came && connection->owed > 0) {
        redisReply *reply mw_redis_reply_auto = NULL;
        came = read_reply(connection, &connection->late, buffer, &expect_wait, deadline, &reply,
                          error);
        if (came && --connection->owed == 0) {
            bool rest = mw_redis_decoder_has_rest(&connection->late);
            mw_redis_decoder_finish(&connection->late);
            came = !rest || mw_error_set(error, MW_ERROR_RETRY, "%s answered what was not asked",
                                         connection->address->label);
        }
    }
    talloc_free(buffer);
    if (!came && !gave_up(error)) {
        mw_redis_connection_close(connection);
    }
    return came;
}

static bool said_full(const redisReply *reply)
{
    static const char start[] = "ERR max number of clients";
    return reply->type == REDIS_REPLY_ERROR && reply->len >= sizeof start - 1 &&
           memcmp(reply->str, start, sizeof start - 1) == 0;
}

/* A server that is full answers before it is asked and hangs up: what it said may wait to be read
 * although nothing can be written any more. So a failed write still reads. */
static bool transact(struct mw_redis_connection *connection, const struct mw_redis_request *request,
                     struct mw_deadline deadline, redisReply **replies, struct mw_error *error)
{
    struct mw_redis_decoder decoder;
    size_t count = 0;
    char *buffer = talloc_array(connection, char, READ_SIZE);
    connection->unanswered = true;
    bool ready = buffer != NULL && mw_redis_decoder_init(&decoder, error);
    if (!ready) {
        talloc_free(buffer);
        return mw_error_set(error, MW_ERROR_RETRY, "no memory left to talk to Redis");
    }
    struct mw_error write_error = {.class = MW_ERROR_NONE};
    bool written = mw_stream_write(connection->stream, request->bytes.text, request->bytes.length,
                                   deadline, &write_error);
    bool done = false;
    if (written || write_error.class == MW_ERROR_RETRY) {
        done = read_replies(connection, &decoder, buffer, request->count, deadline, replies, &count,
                            error);
    }
    if (!written && count == 0) {
        done = false;
        *error = write_error;
    }
    connection->full = count > 0 && said_full(replies[0]);
    for (size_t i = 0; !done && i < count; i++) {
        /* The first reply may say why the others did not come. */
        if (i == 0) {
            mw_redis_reply_check(replies[0], error);
        }
        mw_redis_reply_release(&replies[i]);
    }
    if (!done && written && gave_up(error)) {
        connection->late = decoder;
        mw_redis_decoder_move(&connection->late);
        connection->owed = request->count - count;
    } else {
        mw_redis_decoder_finish(&decoder);
    }
    talloc_free(buffer);
    return done;
}

/* Whether the replies to AUTH (if sent), SELECT (if sent) and CLIENT SETNAME let us go on. */
static bool check_login(struct mw_redis_connection *connection, redisReply **replies, size_t count,
                        struct mw_error *error)
{
    const struct mw_redis_address *address = connection->address;
    size_t at = 0;
    if (address->password != NULL) {
        /* A server without a password says so with a plain ERR, and serves us all the same. */
        const redisReply *reply = replies[at++];
        bool plain = reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "ERR ", 4) == 0 &&
                     strstr(reply->str, "without any password") != NULL;
        bool older = reply->type == REDIS_REPLY_ERROR && strstr(reply->str, "no password is set");
        if (!plain && !older && !mw_redis_reply_check(reply, error)) {
            return false;
        }
    }
    if (address->has_database && !mw_redis_reply_check(replies[at++], error)) {
        return mw_error_wrap(error, "SELECT %lld", (long long)address->database);
    }
    /* The name is a courtesy, but its reply may be the first to say that nothing goes. */
    const redisReply *named = replies[at];
    bool minor = named->type == REDIS_REPLY_ERROR && (strncmp(named->str, "NOPERM", 6) == 0 ||
                                                      strncmp(named->str, "ERR unknown", 11) == 0);
    return minor || mw_redis_reply_check(named, error);
}

static bool log_in(struct mw_redis_connection *connection, struct mw_deadline deadline,
                   struct mw_error *error)
{
    const struct mw_redis_address *address = connection->address;
    TALLOC_CTX *memory = talloc_new(NULL);
    struct mw_redis_request request;
    redisReply *replies[3] = {NULL};
    mw_redis_request_init(&request, memory);
    if (address->user != NULL) {
        mw_redis_request_add(&request, "AUTH", address->user, address->password, NULL);
    } else if (address->password != NULL) {
        mw_redis_request_add(&request, "AUTH", address->password, NULL);
    }
    if (address->has_database) {
        char number[24];
        snprintf(number, sizeof number, "%lld", (long long)address->database);
        mw_redis_request_add(&request, "SELECT", number, NULL);
    }
    mw_redis_request_add(&request, "CLIENT", "SETNAME", "midwatch", NULL);

    bool done = !request.bytes.failed && transact(connection, &request, deadline, replies, error);
    done = done && check_login(connection, replies, request.count, error);
    for (size_t i = 0; i < 3; i++) {
        mw_redis_reply_release(&replies[i]);
    }
    talloc_free(memory);
    return done;
}

static bool connect_and_log_in(struct mw_redis_connection *connection, struct mw_deadline deadline,
                               struct mw_error *error)
{
    const struct mw_redis_address *address = connection->address;
    connection->full = connection->refused = false;
    connection->stream =
        address->path != NULL
            ? mw_stream_unix(connection, address->path, deadline, error)
            : mw_stream_tcp(connection, address->host, address->port, deadline, error);
    if (connection->stream == NULL) {
        connection->refused = error->class == MW_ERROR_RETRY;
        return false;
    }
    if (!log_in(connection, deadline, error)) {
        mw_redis_connection_close(connection);
        return false;
    }
    return true;
}

/* A server that takes no new clients still answers the old connection, if late: it is given up only once
 * a new one stands. */
static bool replace(struct mw_redis_connection *connection, struct mw_deadline deadline,
                    struct mw_error *error)
{
    struct mw_stream *stream = connection->stream;
    struct mw_redis_decoder late = connection->late;
    size_t owed = connection->owed;
    connection->stream = NULL;
    connection->owed = 0;
    bool done = connect_and_log_in(connection, deadline, error);
    if (done) {
        mw_redis_decoder_finish(&late);
        talloc_free(stream);
        return true;
    }
    connection->stream = stream;
    connection->late = late;
    mw_redis_decoder_move(&connection->late);
    connection->owed = owed;
    return false;
}

/* A connection that owes nothing. `*fresh`: it was opened just now. */
static bool make_ready(struct mw_redis_connection *connection, bool *fresh,
                       struct mw_deadline deadline, struct mw_error *error)
{
    if (connection->owed > 0) {
        struct mw_deadline half = mw_deadline_in(mw_deadline_left_ms(deadline) / 2);
        if (settle(connection, half, error)) {
            return true;
        }
        if (error->class == MW_ERROR_CANCELLED) {
            return false;
        }
    }
    *fresh = connection->owed > 0 || connection->stream == NULL;
    return connection->owed > 0 ? replace(connection, deadline, error)
           : *fresh             ? connect_and_log_in(connection, deadline, error)
                                : true;
}

static bool exchange_locked(struct mw_redis_connection *connection,
                            const struct mw_redis_request *request, bool repeatable,
                            struct mw_deadline deadline, redisReply **replies, double *seconds,
                            struct mw_error *error)
{
    for (;;) {
        bool fresh = false;
        if (!make_ready(connection, &fresh, deadline, error)) {
            return false;
        }
        mw_mono_ns start = mw_mono_now();
        if (transact(connection, request, deadline, replies, error)) {
            if (seconds != NULL) {
                *seconds = (double)(mw_mono_now() - start) / 1e9;
            }
            return true;
        }
        if (connection->owed > 0) {
            return false;
        }
        mw_redis_connection_close(connection);
        bool dead = connection->unanswered && error->class == MW_ERROR_RETRY;
        if (fresh || !repeatable || !dead) {
            return false;
        }
    }
}

bool mw_redis_exchange(struct mw_redis_connection *connection,
                       const struct mw_redis_request *request, bool repeatable,
                       struct mw_deadline deadline, redisReply **replies, double *seconds,
                       struct mw_error *error)
{
    if (request->bytes.failed || request->count == 0) {
        return mw_error_set(error, MW_ERROR_PERMANENT, "the request to Redis is too long");
    }
    memset(replies, 0, request->count * sizeof *replies);
    if (!mw_lock_acquire(&connection->lock, deadline, error)) {
        return mw_error_wrap(error, "another request to the same Redis is under way");
    }
    bool done = exchange_locked(connection, request, repeatable, deadline, replies, seconds, error);
    mw_lock_release(&connection->lock);
    return done;
}

static redisReply *one(struct mw_redis_connection *connection, bool repeatable,
                       struct mw_deadline deadline, struct mw_error *error, va_list words)
{
    struct mw_redis_request request;
    redisReply *reply = NULL;
    mw_redis_request_init(&request, NULL);
    mw_redis_request_add_words(&request, words);
    if (mw_redis_exchange(connection, &request, repeatable, deadline, &reply, NULL, error) &&
        !mw_redis_reply_check(reply, error)) {
        mw_redis_reply_release(&reply);
    }
    talloc_free(request.bytes.text);
    return reply;
}

redisReply *mw_redis_ask(struct mw_redis_connection *connection, struct mw_deadline deadline,
                         struct mw_error *error, ...)
{
    va_list words;
    va_start(words, error);
    redisReply *reply = one(connection, true, deadline, error, words);
    va_end(words);
    return reply;
}

redisReply *mw_redis_tell(struct mw_redis_connection *connection, struct mw_deadline deadline,
                          struct mw_error *error, ...)
{
    va_list words;
    va_start(words, error);
    redisReply *reply = one(connection, false, deadline, error, words);
    va_end(words);
    return reply;
}
