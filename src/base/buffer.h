/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows up to a limit. Once it did not fit or memory ran out, it stays `failed` and further
 * appends do nothing, so that callers ask once, at the end. */
#ifndef MIDWATCH_BASE_BUFFER_H
#define MIDWATCH_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <talloc.h>

struct mw_buffer {
    TALLOC_CTX *memory;
    char *text; /* NULL until something was appended */
    size_t length, capacity, limit;
    bool failed;
};

/* `limit` is the most bytes that the text may have, without its end. */
void mw_buffer_init(struct mw_buffer *buffer, TALLOC_CTX *memory, size_t limit);
void mw_buffer_append(struct mw_buffer *buffer, const char *bytes, size_t length);
void mw_buffer_append_text(struct mw_buffer *buffer, const char *text);
void mw_buffer_append_format(struct mw_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The text, ended with NUL and owned by the context; NULL when an append failed. */
char *mw_buffer_take(struct mw_buffer *buffer);

#endif
