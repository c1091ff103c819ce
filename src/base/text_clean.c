/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <utf8proc.h>

#include "base/buffer.h"
#include "base/text.h"

#define BELL   0x07
#define CANCEL 0x18
#define SUB    0x1A
#define ESC    0x1B

/* The same sequences begin with one character of C1 as with ESC and a letter. */
#define C1_DCS 0x90
#define C1_SOS 0x98
#define C1_CSI 0x9B
#define C1_ST  0x9C
#define C1_OSC 0x9D
#define C1_PM  0x9E
#define C1_APC 0x9F

static const char replacement[] = "\xEF\xBF\xBD";

bool mw_text_is_utf8(const char *bytes, size_t length)
{
    const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)bytes;
    while (length > 0) {
        if (*at < 0x80) {
            at++;
            length--;
            continue;
        }
        utf8proc_int32_t point;
        size_t part = length < 4 ? length : 4;
        utf8proc_ssize_t used = utf8proc_iterate(at, (utf8proc_ssize_t)part, &point);
        if (used <= 0) {
            return false;
        }
        at += used;
        length -= (size_t)used;
    }
    return true;
}

/* One character of foreign bytes; a broken byte is a character of its own with `point` -1. */
static size_t next_character(const unsigned char *at, const unsigned char *end, int32_t *point)
{
    if (*at < 0x80) {
        *point = *at;
        return 1;
    }
    utf8proc_ssize_t left = end - at < 4 ? end - at : 4;
    utf8proc_ssize_t used = utf8proc_iterate(at, left, point);
    if (used <= 0) {
        *point = -1;
        return 1;
    }
    return (size_t)used;
}

static const unsigned char *skip_range(const unsigned char *at, const unsigned char *end,
                                       unsigned char low, unsigned char high)
{
    while (at < end && *at >= low && *at <= high) {
        at++;
    }
    return at;
}

/* After "ESC [": parameters, intermediates, final. What is no such sequence keeps its text. */
static const unsigned char *skip_csi(const unsigned char *at, const unsigned char *end)
{
    at = skip_range(at, end, 0x30, 0x3F);
    at = skip_range(at, end, 0x20, 0x2F);
    return at < end && *at >= 0x40 && *at <= 0x7E ? at + 1 : at;
}

/* After "ESC ]" and its like: up to BEL or ST. Where no end comes on this line the text stays, so
 * that nobody hides a line behind an unfinished sequence. Stops at the next ESC
 * or C1 control, which keeps the whole linear. */
static const unsigned char *skip_string(const unsigned char *start, const unsigned char *end)
{
    for (const unsigned char *at = start; at < end; at++) {
        if (*at == BELL) {
            return at + 1;
        }
        if (*at == ESC) {
            return at + 1 < end && at[1] == '\\' ? at + 2 : start;
        }
        if (*at == 0xC2 && at + 1 < end && at[1] >= 0x80 && at[1] <= 0x9F) {
            return at[1] == C1_ST ? at + 2 : start;
        }
        if (*at == '\n' || *at == '\r' || *at == CANCEL || *at == SUB) {
            return start;
        }
    }
    return start;
}

static const unsigned char *skip_escape(const unsigned char *at, const unsigned char *end)
{
    if (at == end) {
        return at;
    }
    switch (*at) {
    case '[':
        return skip_csi(at + 1, end);
    case ']':
    case 'P':
    case 'X':
    case '^':
    case '_':
        return skip_string(at + 1, end);
    default:
        at = skip_range(at, end, 0x20, 0x2F);
        return at < end && *at >= 0x30 && *at <= 0x7E ? at + 1 : at;
    }
}

static bool is_line_break(int32_t point)
{
    return point == '\n' || point == '\r' || point == '\v' || point == '\f' || point == 0x85 ||
           point == 0x2028 || point == 0x2029;
}

/* Joiners belong between letters of some scripts and within emoji, and nowhere else. */
#define ZERO_WIDTH_NON_JOINER 0x200C
#define ZERO_WIDTH_JOINER     0x200D

/* No language puts more of them on one letter; a pile of them climbs over the lines around it. */
#define MARKS_MAX 8

struct range {
    int32_t first, last;
};

/* Controls, what turns the direction of text around, and what cannot be seen: in it instructions to a model
 * can be hidden, and words from whoever looks for them. */
static const struct range harmful[] = {
    {0x00, 0x1F},     {0x7F, 0x9F},     {0xAD, 0xAD},       {0x034F, 0x034F}, {0x061C, 0x061C},
    {0x115F, 0x1160}, {0x17B4, 0x17B5}, {0x180B, 0x180F},   {0x200B, 0x200B}, {0x200E, 0x200F},
    {0x202A, 0x202E}, {0x2060, 0x206F}, {0x3164, 0x3164},   {0xFE00, 0xFE0D}, {0xFEFF, 0xFEFF},
    {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFB}, {0xE0000, 0xE0FFF},
};

static bool is_harmful(int32_t point)
{
    for (size_t i = 0; i < sizeof harmful / sizeof *harmful; i++) {
        if (point <= harmful[i].last) {
            return point < 0 || point >= harmful[i].first;
        }
    }
    return false;
}

/* What was shown last, which decides what may follow it. */
struct before {
    int32_t point; /* 0: nothing, or something that was replaced */
    int marks;     /* how many combining marks stand there */
};

static bool is_mark(int32_t point)
{
    utf8proc_category_t category = point >= 0x300 ? utf8proc_category(point) : UTF8PROC_CATEGORY_CN;
    return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME;
}

/* Whether it may be shown where it stands. */
static bool fits_there(struct before *before, int32_t point)
{
    bool joins = point == ZERO_WIDTH_NON_JOINER || point == ZERO_WIDTH_JOINER;
    bool after_joiner =
        before->point == ZERO_WIDTH_NON_JOINER || before->point == ZERO_WIDTH_JOINER;
    before->marks = is_mark(point) ? before->marks + 1 : 0;
    bool fits = !is_harmful(point) && before->marks <= MARKS_MAX &&
                (!joins || (before->point >= 0x80 && !after_joiner));
    *before = fits ? (struct before){point, before->marks} : (struct before){0};
    return fits;
}

/* Appends while it fits, with "…" where it no longer does. False: full. */
static bool append_limited(struct mw_buffer *buffer, const char *bytes, size_t length, size_t limit)
{
    static const char ellipsis[] = "…";
    const size_t reserve = sizeof ellipsis - 1;
    if (length <= limit && buffer->length <= limit - length) {
        mw_buffer_append(buffer, bytes, length);
        return true;
    }
    if (limit < reserve) {
        return false;
    }
    size_t end = buffer->length < limit - reserve ? buffer->length : limit - reserve;
    while (end > 0 && end < buffer->length && ((unsigned char)buffer->text[end] & 0xC0) == 0x80) {
        end--;
    }
    buffer->length = end;
    mw_buffer_append(buffer, ellipsis, reserve);
    return false;
}

char *mw_text_clean(TALLOC_CTX *memory, const char *bytes, size_t length, size_t limit)
{
    struct mw_buffer buffer;
    mw_buffer_init(&buffer, memory, limit);
    const unsigned char *at = (const unsigned char *)bytes, *end = at + length;
    while (end > at && (end[-1] == '\n' || end[-1] == '\r')) {
        end--;
    }
    bool fits = true;
    struct before before = {0};
    while (at < end && fits && !buffer.failed) {
        int32_t point;
        size_t used = next_character(at, end, &point);
        const unsigned char *next = at + used;
        if (point == ESC) {
            next = skip_escape(next, end);
        } else if (point == C1_CSI) {
            next = skip_csi(next, end);
        } else if (point == C1_OSC || point == C1_DCS || point == C1_SOS || point == C1_PM ||
                   point == C1_APC) {
            next = skip_string(next, end);
        } else if (point == '\t' || is_line_break(point)) {
            next += point == '\r' && next < end && *next == '\n';
            fits = append_limited(&buffer, " ", 1, limit);
            before = (struct before){.point = ' '};
        } else if (!fits_there(&before, point)) {
            fits = append_limited(&buffer, replacement, sizeof replacement - 1, limit);
        } else {
            fits = append_limited(&buffer, (const char *)at, used, limit);
        }
        at = next;
    }
    return mw_buffer_take(&buffer);
}

bool mw_text_is_clean(const char *text)
{
    size_t length = strlen(text);
    char *clean = mw_text_clean(NULL, text, length, length);
    bool same = clean != NULL && strcmp(clean, text) == 0;
    talloc_free(clean);
    return same;
}
