/* SPDX-License-Identifier: Apache-2.0 */
/* Commands as bytes. */
#include <string.h>

#include "connection.h"

#define REQUEST_BYTES (4 * 1024 * 1024)
#define WORDS_MAX     8

void mw_redis_request_init(struct mw_redis_request *request, TALLOC_CTX *memory)
{
    *request = (struct mw_redis_request){.count = 0};
    mw_buffer_init(&request->bytes, memory, REQUEST_BYTES);
}

void mw_redis_request_add_bytes(struct mw_redis_request *request, int count, const char **words,
                                const size_t *lengths)
{
    char *bytes = NULL;
    int size = redisFormatCommandArgv(&bytes, count, words, lengths);
    if (size < 0) {
        request->bytes.failed = true;
        return;
    }
    mw_buffer_append(&request->bytes, bytes, (size_t)size);
    request->count++;
    redisFreeCommand(bytes);
}

void mw_redis_request_add_words(struct mw_redis_request *request, va_list list)
{
    const char *words[WORDS_MAX];
    size_t lengths[WORDS_MAX];
    int count = 0;
    for (const char *word = va_arg(list, const char *); word != NULL && count < WORDS_MAX;
         word = va_arg(list, const char *)) {
        lengths[count] = strlen(word);
        words[count++] = word;
    }
    mw_redis_request_add_bytes(request, count, words, lengths);
}

void mw_redis_request_add(struct mw_redis_request *request, ...)
{
    va_list list;
    va_start(list, request);
    mw_redis_request_add_words(request, list);
    va_end(list);
}
