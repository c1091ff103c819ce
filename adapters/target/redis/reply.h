/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes to replies: hiredis' reader with bounds of its own. */
#ifndef MIDWATCH_REDIS_REPLY_H
#define MIDWATCH_REDIS_REPLY_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>

#include "midwatch/error.h"

struct mw_redis_decoder {
    redisReader *reader;
    size_t bytes, elements; /* so far */
};

bool mw_redis_decoder_init(struct mw_redis_decoder *decoder, struct mw_error *error);
void mw_redis_decoder_finish(struct mw_redis_decoder *decoder);
/* After it was copied to another place: the reader knows where its bounds are. */
void mw_redis_decoder_move(struct mw_redis_decoder *decoder);
bool mw_redis_decoder_feed(struct mw_redis_decoder *decoder, const char *bytes, size_t length,
                           struct mw_error *error);
/* `*reply` is NULL while more bytes are needed. */
bool mw_redis_decoder_next(struct mw_redis_decoder *decoder, redisReply **reply,
                           struct mw_error *error);
/* Bytes that belong to no reply that was asked for. */
bool mw_redis_decoder_has_rest(const struct mw_redis_decoder *decoder);

#endif
