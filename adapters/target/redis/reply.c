/* SPDX-License-Identifier: Apache-2.0 */
#include "reply.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/redact.h"
#include "connection.h"

/* ---- bounds: hiredis makes the objects, but asks here first ---- */

static redisReplyObjectFunctions plain, bounded;

static bool allowed(const redisReadTask *task, size_t elements)
{
    struct mw_redis_decoder *decoder = task->privdata;
    decoder->elements += elements;
    return elements <= MW_REDIS_REPLY_ELEMENTS_MAX &&
           decoder->elements <= MW_REDIS_REPLY_ELEMENTS_MAX;
}

static void *create_string(const redisReadTask *task, char *text, size_t length)
{
    return allowed(task, 1) ? plain.createString(task, text, length) : NULL;
}

static void *create_array(const redisReadTask *task, int elements)
{
    /* The elements count when they come; here only their pointers are made. */
    bool fits = elements >= 0 && elements <= MW_REDIS_REPLY_ELEMENTS_MAX && allowed(task, 1);
    return fits ? plain.createArray(task, elements) : NULL;
}

static void *create_integer(const redisReadTask *task, long long value)
{
    return allowed(task, 1) ? plain.createInteger(task, value) : NULL;
}

static void *create_nil(const redisReadTask *task)
{
    return allowed(task, 1) ? plain.createNil(task) : NULL;
}

bool mw_redis_decoder_init(struct mw_redis_decoder *decoder, struct mw_error *error)
{
    *decoder = (struct mw_redis_decoder){.reader = redisReaderCreate()};
    if (decoder->reader == NULL) {
        return mw_error_set(error, MW_ERROR_RETRY, "no memory left to read a reply");
    }
    if (plain.createString == NULL) {
        plain = *decoder->reader->fn;
        bounded = (redisReplyObjectFunctions){.createString = create_string,
                                              .createArray = create_array,
                                              .createInteger = create_integer,
                                              .createNil = create_nil,
                                              .freeObject = plain.freeObject};
    }
    decoder->reader->fn = &bounded;
    decoder->reader->privdata = decoder;
    return true;
}

void mw_redis_decoder_finish(struct mw_redis_decoder *decoder)
{
    if (decoder->reader != NULL) {
        redisReaderFree(decoder->reader);
        decoder->reader = NULL;
    }
}

void mw_redis_decoder_move(struct mw_redis_decoder *decoder)
{
    decoder->reader->privdata = decoder;
}

static bool too_big(struct mw_error *error)
{
    return mw_error_set(error, MW_ERROR_PERMANENT,
                        "it answered with more than %d MiB or %d elements, which was dropped",
                        MW_REDIS_REPLY_BYTES_MAX / (1024 * 1024), MW_REDIS_REPLY_ELEMENTS_MAX);
}

bool mw_redis_decoder_feed(struct mw_redis_decoder *decoder, const char *bytes, size_t length,
                           struct mw_error *error)
{
    decoder->bytes += length;
    if (decoder->bytes > MW_REDIS_REPLY_BYTES_MAX) {
        return too_big(error);
    }
    if (redisReaderFeed(decoder->reader, bytes, length) != REDIS_OK) {
        return mw_error_set(error, MW_ERROR_RETRY, "no memory left to read a reply");
    }
    return true;
}

bool mw_redis_decoder_next(struct mw_redis_decoder *decoder, redisReply **reply,
                           struct mw_error *error)
{
    void *next = NULL;
    if (redisReaderGetReply(decoder->reader, &next) == REDIS_OK) {
        *reply = next;
        return true;
    }
    if (decoder->reader->err == REDIS_ERR_OOM) {
        return too_big(error);
    }
    return mw_error_set(error, MW_ERROR_RETRY,
                        "what answers there does not speak the Redis protocol");
}

bool mw_redis_decoder_has_rest(const struct mw_redis_decoder *decoder)
{
    return decoder->reader->len > decoder->reader->pos;
}

/* ---- what an error reply means ---- */

static const struct {
    const char *start;
    enum mw_error_class class;
    const char *says; /* NULL: the server's own words */
} meanings[] = {
    {"LOADING", MW_ERROR_RETRY, "loading its data set into memory"},
    {"BUSY", MW_ERROR_RETRY, "busy with a script that does not end"},
    {"NOAUTH", MW_ERROR_REFUSED,
     "it asks for a password: put one into the url, redis://:PASSWORD@host"},
    {"WRONGPASS", MW_ERROR_REFUSED,
     "it does not accept the user or password in the url: correct them"},
    {"ERR invalid password", MW_ERROR_REFUSED,
     "it does not accept the password in the url: correct it"},
    {"DENIED", MW_ERROR_REFUSED,
     "it is in protected mode and takes local connections alone: give it a password or a bind "
     "address"},
    {"ERR max number of clients", MW_ERROR_RETRY,
     "it takes no more connections: maxclients is reached"},
    {"NOPERM", MW_ERROR_REFUSED, NULL},
    {"ERR unknown command", MW_ERROR_REFUSED, NULL},
    {"ERR unknown subcommand", MW_ERROR_REFUSED, NULL},
    {"READONLY", MW_ERROR_REFUSED, "it is a replica and takes no writes: act on its master"},
    {"MISCONF", MW_ERROR_REFUSED, NULL},
    {"OOM", MW_ERROR_REFUSED, NULL},
    {"MASTERDOWN", MW_ERROR_RETRY, NULL},
    {"CLUSTERDOWN", MW_ERROR_RETRY, NULL},
};

bool mw_redis_reply_check(const redisReply *reply, struct mw_error *error)
{
    if (reply->type != REDIS_REPLY_ERROR) {
        return true;
    }
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        size_t length = strlen(meanings[i].start);
        if (reply->len < length || memcmp(reply->str, meanings[i].start, length) != 0) {
            continue;
        }
        if (meanings[i].says != NULL) {
            return mw_error_set(error, meanings[i].class, "%s", meanings[i].says);
        }
        char *text = mw_redact_line(NULL, reply->str, reply->len, 200);
        const char *hint =
            meanings[i].class == MW_ERROR_REFUSED && strncmp(meanings[i].start, "NOPERM", 6) == 0
                ? "; let the user do it with ACL SETUSER"
                : "";
        mw_error_set(error, meanings[i].class, "it answered: %s%s", text != NULL ? text : "", hint);
        talloc_free(text);
        return false;
    }
    char *text = mw_redact_line(NULL, reply->str, reply->len, 200);
    mw_error_set(error, MW_ERROR_PERMANENT, "it answered: %s", text != NULL ? text : "");
    talloc_free(text);
    return false;
}

void mw_redis_reply_release(redisReply **reply)
{
    if (*reply != NULL) {
        freeReplyObject(*reply);
        *reply = NULL;
    }
}
