/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/buffer.h"
#include "base/text.h"

/* Length in bytes of the character at `at` (not at the end), and its columns. A broken byte stands
 * for itself. */
static size_t measure(const char *at, size_t *columns)
{
    unsigned char first = (unsigned char)*at;
    if (first < 0x80) {
        *columns = first >= 0x20 && first != 0x7F;
        return 1;
    }
    utf8proc_int32_t point;
    utf8proc_ssize_t used =
        utf8proc_iterate((const utf8proc_uint8_t *)at, (utf8proc_ssize_t)strnlen(at, 4), &point);
    if (used <= 0) {
        *columns = 1;
        return 1;
    }
    int width = utf8proc_charwidth(point);
    *columns = width > 0 ? (size_t)width : 0;
    return (size_t)used;
}

size_t mw_text_width(const char *text)
{
    size_t total = 0, columns;
    while (*text != '\0') {
        text += measure(text, &columns);
        total += columns;
    }
    return total;
}

/* How many bytes from the start fill at most `columns`; what has no width stays with the character
 * that it follows. */
static size_t prefix_within(const char *text, size_t columns, size_t *used)
{
    size_t length = 0, total = 0;
    while (text[length] != '\0') {
        size_t width;
        size_t bytes = measure(text + length, &width);
        if (width > columns - total) {
            break;
        }
        total += width;
        length += bytes;
    }
    *used = total;
    return length;
}

/* Appends the text cut to the columns and tells how many it takes. */
static size_t append_fitted(struct mw_buffer *buffer, const char *text, size_t columns)
{
    size_t used;
    size_t length = prefix_within(text, columns, &used);
    if (text[length] == '\0') {
        mw_buffer_append(buffer, text, length);
        return used;
    }
    if (columns == 0) {
        return 0;
    }
    length = prefix_within(text, columns - 1, &used);
    mw_buffer_append(buffer, text, length);
    mw_buffer_append_text(buffer, "…");
    return used + 1;
}

char *mw_text_fit(TALLOC_CTX *memory, const char *text, size_t columns)
{
    struct mw_buffer buffer;
    mw_buffer_init(&buffer, memory, SIZE_MAX / 4);
    append_fitted(&buffer, text, columns);
    return mw_buffer_take(&buffer);
}

static void append_spaces(struct mw_buffer *buffer, size_t count)
{
    for (; count > 0; count--) {
        mw_buffer_append(buffer, " ", 1);
    }
}

char *mw_text_pad(TALLOC_CTX *memory, const char *text, size_t columns, bool right_align)
{
    size_t width = mw_text_width(text);
    struct mw_buffer buffer;
    mw_buffer_init(&buffer, memory, SIZE_MAX / 4);
    if (right_align && width < columns) {
        append_spaces(&buffer, columns - width);
    }
    size_t used = append_fitted(&buffer, text, columns);
    /* A wide character that was cut leaves a column free on either side. */
    if (!right_align || width > columns) {
        append_spaces(&buffer, columns - used);
    }
    return mw_buffer_take(&buffer);
}

struct lines {
    char **items; /* with room for the NULL at the end */
    size_t count, capacity;
};

static bool lines_add(struct lines *lines, TALLOC_CTX *memory, const char *text, size_t length,
                      size_t indent)
{
    if (lines->count + 2 > lines->capacity) {
        size_t capacity = lines->capacity == 0 ? 8 : lines->capacity * 2;
        char **items = talloc_realloc(memory, lines->items, char *, capacity);
        if (items == NULL) {
            return false;
        }
        lines->items = items;
        lines->capacity = capacity;
    }
    size_t spaces = lines->count > 0 ? indent : 0;
    char *line = talloc_asprintf(lines->items, "%*s%.*s", (int)spaces, "", (int)length, text);
    if (line == NULL) {
        return false;
    }
    lines->items[lines->count++] = line;
    lines->items[lines->count] = NULL;
    return true;
}

/* Bytes of the next line: up to a line break, else the last space that leaves it within `columns`,
 * else as many characters as fit, and never none. */
static size_t line_length(const char *text, size_t columns)
{
    size_t used;
    size_t fitting = prefix_within(text, columns, &used);
    const char *line_break = memchr(text, '\n', fitting);
    if (line_break != NULL) {
        return (size_t)(line_break - text);
    }
    if (text[fitting] == '\0' || text[fitting] == ' ' || text[fitting] == '\n') {
        return fitting;
    }
    size_t leading = strspn(text, " ");
    for (size_t at = fitting; at > leading; at--) {
        if (text[at - 1] == ' ') {
            return at - 1;
        }
    }
    if (fitting == 0) {
        size_t width;
        return measure(text, &width);
    }
    return fitting;
}

char **mw_text_wrap(TALLOC_CTX *memory, const char *text, size_t columns, size_t indent)
{
    struct lines lines = {0};
    columns = columns > 0 ? columns : 1;
    indent = indent < columns ? indent : 0;
    do {
        size_t length = line_length(text, lines.count > 0 ? columns - indent : columns);
        size_t shown = length;
        while (shown > 0 && text[shown - 1] == ' ') {
            shown--;
        }
        if (!lines_add(&lines, memory, text, shown, indent)) {
            talloc_free(lines.items);
            return NULL;
        }
        text += length;
        if (*text == '\n') {
            text++;
            continue;
        }
        while (*text == ' ') {
            text++;
        }
    } while (*text != '\0');
    return lines.items;
}
