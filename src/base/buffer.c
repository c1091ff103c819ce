/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mw_buffer_init(struct mw_buffer *buffer, TALLOC_CTX *memory, size_t limit)
{
    *buffer = (struct mw_buffer){.memory = memory, .limit = limit};
}

static bool make_room(struct mw_buffer *buffer, size_t length)
{
    if (buffer->failed || length > buffer->limit || buffer->length > buffer->limit - length) {
        return false;
    }
    size_t needed = buffer->length + length + 1;
    if (needed <= buffer->capacity) {
        return true;
    }
    size_t capacity = buffer->capacity < 64 ? 64 : buffer->capacity * 2;
    if (capacity < needed) {
        capacity = needed;
    }
    char *text = talloc_realloc(buffer->memory, buffer->text, char, capacity);
    if (text == NULL) {
        return false;
    }
    buffer->text = text;
    buffer->capacity = capacity;
    return true;
}

void mw_buffer_append(struct mw_buffer *buffer, const char *bytes, size_t length)
{
    if (!make_room(buffer, length)) {
        buffer->failed = true;
        return;
    }
    if (length > 0) {
        memcpy(buffer->text + buffer->length, bytes, length);
    }
    buffer->length += length;
    buffer->text[buffer->length] = '\0';
}

void mw_buffer_append_text(struct mw_buffer *buffer, const char *text)
{
    mw_buffer_append(buffer, text, strlen(text));
}

void mw_buffer_append_format(struct mw_buffer *buffer, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        buffer->failed = true;
        return;
    }
    mw_buffer_append(buffer, text, (size_t)length);
    free(text);
}

char *mw_buffer_take(struct mw_buffer *buffer)
{
    mw_buffer_append(buffer, "", 0);
    if (buffer->failed) {
        TALLOC_FREE(buffer->text);
        return NULL;
    }
    char *text = talloc_realloc(buffer->memory, buffer->text, char, buffer->length + 1);
    return text != NULL ? text : buffer->text;
}
