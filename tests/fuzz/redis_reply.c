/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of what may be a Redis. In the corpus a line ends as in the protocol, with CR LF. */
#include "adapters/target/redis/reply.h"

#include "adapters/target/redis/connection.h"
#include "fuzz.h"

static size_t count_elements(const redisReply *reply)
{
    size_t count = 1;
    for (size_t i = 0; i < reply->elements && reply->type == REDIS_REPLY_ARRAY; i++) {
        count += count_elements(reply->element[i]);
    }
    return count;
}

static void check_reply(const redisReply *reply)
{
    struct mw_error error = {0};
    FUZZ_HOLDS(count_elements(reply) <= MW_REDIS_REPLY_ELEMENTS_MAX, NULL);
    if (!mw_redis_reply_check(reply, &error)) {
        fuzz_is_sentence(&error);
    }
}

/* How many replies came, and -1 - that where what came is no protocol. */
static int read_all(const char *bytes, size_t length, size_t step)
{
    struct mw_redis_decoder decoder;
    struct mw_error error = {0};
    int count = 0;
    bool sound = mw_redis_decoder_init(&decoder, &error);
    FUZZ_HOLDS(sound, error.text);
    for (size_t at = 0; sound && at < length; at += step) {
        redisReply *reply = NULL;
        size_t part = length - at < step ? length - at : step;
        sound = mw_redis_decoder_feed(&decoder, bytes + at, part, &error);
        do {
            mw_redis_reply_release(&reply);
            sound = sound && mw_redis_decoder_next(&decoder, &reply, &error);
            if (reply != NULL) {
                check_reply(reply);
                count++;
            }
        } while (reply != NULL);
    }
    mw_redis_decoder_finish(&decoder);
    if (!sound) {
        fuzz_is_sentence(&error);
    }
    return sound ? count : -1 - count;
}

void fuzz_one(TALLOC_CTX *memory, const char *bytes, size_t length)
{
    const char *text = fuzz_text(memory, bytes, length, &length);
    int whole = read_all(text, length, length + 1), pieces = read_all(text, length, 1);
    FUZZ_HOLDS(whole == pieces, text);
}
