/* SPDX-License-Identifier: Apache-2.0 */
#include "base/redact.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/redact_shapes.h"
#include "base/text.h"

#define SECRET_LEAST 4

/* Behind a line's limit, for the ends of secrets that begin before it. */
#define LOOK_FARTHER ((size_t)16 * 1024)

/* JSON that comes from outside is not deeper than MW_JSON_DEPTH_MAX; beyond this it is not ours. */
#define DEPTH_MAX 200

struct secret {
    struct secret *next; /* with the same first byte */
    size_t length;
    char text[];
};

/* By first byte, so that a text is looked through once however many secrets there are. */
static struct secret *secrets[256];

static void remember(const char *text, size_t length)
{
    /* Half a character must never be masked: what stays of it would be broken text. */
    if (length < SECRET_LEAST || !mw_text_is_utf8(text, length)) {
        return;
    }
    struct secret **list = &secrets[(unsigned char)*text];
    for (const struct secret *known = *list; known != NULL; known = known->next) {
        if (known->length == length && memcmp(known->text, text, length) == 0) {
            return;
        }
    }
    struct secret *secret = talloc_size(NULL, sizeof *secret + length);
    if (secret == NULL) {
        return;
    }
    secret->length = length;
    memcpy(secret->text, text, length);
    secret->next = *list;
    *list = secret;
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/* As it stands in a URL. */
static void remember_encoded(const char *secret, const char *hex)
{
    struct mw_buffer buffer;
    mw_buffer_init(&buffer, NULL, SIZE_MAX / 8);
    for (const char *at = secret; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        char escaped[] = {'%', hex[byte >> 4], hex[byte & 15]};
        if (is_unreserved(*at)) {
            mw_buffer_append(&buffer, at, 1);
        } else {
            mw_buffer_append(&buffer, escaped, sizeof escaped);
        }
    }
    char *text = mw_buffer_take(&buffer);
    if (text != NULL) {
        remember(text, strlen(text));
    }
    talloc_free(text);
}

/* As it stands in JSON text, without the quotes around it. */
static void remember_json(const char *secret)
{
    json_auto_t *value = json_string(secret);
    char *text = value != NULL ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
    if (text != NULL) {
        remember(text + 1, strlen(text) - 2);
    }
    free(text);
}

/* As it stands on one line. */
static void remember_cleaned(const char *secret)
{
    size_t length = strlen(secret);
    char *text = mw_text_clean(NULL, secret, length, 3 * length);
    if (text != NULL) {
        remember(text, strlen(text));
    }
    talloc_free(text);
}

void mw_redact_secret(const char *secret)
{
    if (secret == NULL || strlen(secret) < SECRET_LEAST) {
        return;
    }
    remember(secret, strlen(secret));
    remember_encoded(secret, "0123456789ABCDEF");
    remember_encoded(secret, "0123456789abcdef");
    remember_json(secret);
    remember_cleaned(secret);
}

void mw_redact_forget_all(void)
{
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        while (secrets[i] != NULL) {
            struct secret *secret = secrets[i];
            secrets[i] = secret->next;
            talloc_free(secret);
        }
    }
}

/* Length of the longest remembered secret that begins here; 0: none. */
static size_t secret_at(const char *text, size_t length)
{
    size_t longest = 0;
    for (const struct secret *secret = secrets[(unsigned char)*text]; secret != NULL;
         secret = secret->next) {
        if (secret->length > longest && secret->length <= length &&
            memcmp(secret->text, text, secret->length) == 0) {
            longest = secret->length;
        }
    }
    return longest;
}

static void append_mask(struct mw_buffer *buffer)
{
    size_t size = sizeof MW_MASK - 1;
    bool just_masked =
        buffer->length >= size && memcmp(buffer->text + buffer->length - size, MW_MASK, size) == 0;
    if (!just_masked) {
        mw_buffer_append(buffer, MW_MASK, size);
    }
}

/* Known secrets, and where wanted also what looks like one. */
static char *mask(TALLOC_CTX *memory, const char *text, bool by_shape)
{
    struct mw_buffer buffer;
    struct mw_shapes shapes = {.text = text, .length = strlen(text)};
    mw_buffer_init(&buffer, memory, SIZE_MAX / 8);

    size_t copied = 0;       /* up to here the text is in the buffer, or masked */
    size_t masked_to = 0;    /* where the masked part ends that was begun last */
    size_t from = 0, to = 0; /* what a shape announced, here or farther on */
    for (size_t at = 0; at < shapes.length; at++) {
        size_t until = masked_to, secret = secret_at(text + at, shapes.length - at);
        if (by_shape && at >= shapes.next && at >= shapes.known_to &&
            !mw_shapes_at(&shapes, at, &from, &to)) {
            from = to = 0;
        }
        if (secret > 0 && at + secret > shapes.known_to) {
            shapes.known_to = at + secret;
        }
        if (at + secret > until) {
            until = at + secret;
        }
        if (at >= from && at < to && to > until) {
            until = to;
        }
        if (until > at) {
            if (at >= masked_to) {
                mw_buffer_append(&buffer, text + copied, at - copied);
                append_mask(&buffer);
            }
            copied = at + 1;
        }
        masked_to = until;
    }
    mw_buffer_append(&buffer, text + copied, shapes.length - copied);
    return mw_buffer_take(&buffer);
}

char *mw_redact(TALLOC_CTX *memory, const char *text)
{
    return mask(memory, text, true);
}

/* Each line cleaned by itself: some secrets end with their line. */
static char *clean_lines(TALLOC_CTX *memory, const char *bytes, size_t length)
{
    struct mw_buffer buffer;
    mw_buffer_init(&buffer, memory, SIZE_MAX / 8);
    mw_buffer_append_text(&buffer, "");
    while (length > 0) {
        const char *end = memchr(bytes, '\n', length);
        size_t part = end != NULL ? (size_t)(end - bytes) : length;
        char *line = mw_text_clean(NULL, bytes, part, 3 * part);
        mw_buffer_append_text(&buffer, line != NULL ? line : "");
        mw_buffer_append(&buffer, "\n", end != NULL);
        buffer.failed = buffer.failed || line == NULL;
        talloc_free(line);
        part += end != NULL;
        bytes += part;
        length -= part;
    }
    return mw_buffer_take(&buffer);
}

char *mw_redact_lines(TALLOC_CTX *memory, const char *bytes, size_t length)
{
    char *lines = clean_lines(memory, bytes, length);
    char *masked = lines != NULL ? mw_redact(memory, lines) : NULL;
    talloc_free(lines);
    return masked;
}

static char *mask_line(TALLOC_CTX *memory, const char *bytes, size_t length)
{
    char *masked = mw_redact_lines(memory, bytes, length);
    if (masked == NULL || strchr(masked, '\n') == NULL) {
        return masked;
    }
    /* A secret of several lines is known as it stands on one, too. */
    char *line = mw_text_clean(memory, masked, strlen(masked), SIZE_MAX / 8);
    talloc_free(masked);
    masked = line != NULL ? mask(memory, line, false) : NULL;
    talloc_free(line);
    return masked;
}

char *mw_redact_line(TALLOC_CTX *memory, const char *bytes, size_t length, size_t limit)
{
    TALLOC_CTX *aside = talloc_new(NULL);
    size_t looked_at = limit < SIZE_MAX / 8 - LOOK_FARTHER ? limit + LOOK_FARTHER : length;
    char *masked = mask_line(aside, bytes, length < looked_at ? length : looked_at);
    /* Masks are shorter than what they hide; what is shown must stay far from where looking ended. */
    while (looked_at < length && masked != NULL && strlen(masked) < limit + LOOK_FARTHER / 2) {
        looked_at = looked_at < length / 2 ? looked_at * 2 : length;
        talloc_free(masked);
        masked = mask_line(aside, bytes, looked_at);
    }
    char *shown = masked != NULL ? mw_text_clean(memory, masked, strlen(masked), limit) : NULL;
    talloc_free(aside);
    return shown;
}

static json_t *redact_text(const char *text, size_t length)
{
    char *masked = mw_redact_lines(NULL, text, length);
    json_t *value = json_string(masked != NULL ? masked : MW_MASK);
    talloc_free(masked);
    return value;
}

static json_t *redact_value(const json_t *value, size_t depth);

static bool names_secret(const char *key)
{
    return key != NULL && mw_shapes_key(key, strlen(key));
}

static json_t *redact_member(const char *key, const char *masked, const json_t *member,
                             size_t depth)
{
    bool says_something = !json_is_null(member) && !json_is_boolean(member) &&
                          !(json_is_string(member) && json_string_length(member) == 0);
    return says_something && (names_secret(key) || names_secret(masked))
               ? json_string(MW_MASK)
               : redact_value(member, depth);
}

static json_t *redact_object(json_t *value, size_t depth)
{
    json_t *copy = json_object();
    const char *key;
    json_t *member;
    json_object_foreach(value, key, member)
    {
        char *masked = mw_redact_lines(NULL, key, strlen(key));
        json_object_set_new(copy, masked != NULL ? masked : MW_MASK,
                            redact_member(key, masked, member, depth + 1));
        talloc_free(masked);
    }
    return copy;
}

static json_t *redact_array(const json_t *value, size_t depth)
{
    json_t *copy = json_array();
    size_t index;
    const json_t *item;
    json_array_foreach(value, index, item)
    {
        json_array_append_new(copy, redact_value(item, depth + 1));
    }
    return copy;
}

static json_t *redact_value(const json_t *value, size_t depth)
{
    if (depth > DEPTH_MAX) {
        return json_string(MW_MASK);
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return redact_object((json_t *)(uintptr_t)value, depth);
    case JSON_ARRAY:
        return redact_array(value, depth);
    case JSON_STRING:
        return redact_text(json_string_value(value), json_string_length(value));
    default:
        return json_copy((json_t *)(uintptr_t)value);
    }
}

json_t *mw_redact_json(const json_t *value)
{
    return value != NULL ? redact_value(value, 0) : NULL;
}
