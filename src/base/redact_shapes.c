/* SPDX-License-Identifier: Apache-2.0 */
#include "base/redact_shapes.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/redact_value.h"

/* Passwords with a raw "/" in a URL are looked for this far. */
#define URL_PASSWORD_MAX 256

/* Whether a word is a token shows in so many of its characters. */
#define TOKEN_LOOK 64

static bool is_alnum(char c)
{
    return isalnum((unsigned char)c) && (unsigned char)c < 0x80;
}

static bool is_word(char c)
{
    return is_alnum(c) || c == '_' || c == '-';
}

static bool begins(const struct mw_shapes *shapes, size_t at, const char *what)
{
    size_t length = strlen(what);
    return shapes->length - at >= length && memcmp(shapes->text + at, what, length) == 0;
}

/* Ends the way a URL's first part does. */
static size_t authority_end(const struct mw_shapes *shapes, size_t at)
{
    while (at < shapes->length && (unsigned char)shapes->text[at] > ' ' &&
           strchr("/?#\"'<>`", shapes->text[at]) == NULL) {
        at++;
    }
    return at;
}

static const char *find_last(const char *from, const char *to, char c)
{
    return to > from ? memrchr(from, c, (size_t)(to - from)) : NULL;
}

/* A password with a raw "/", "?" or "#" in it, which belongs there only escaped but does occur. */
static const char *late_at_sign(const struct mw_shapes *shapes, size_t colon)
{
    size_t at = colon + 1;
    while (at < shapes->length && isdigit((unsigned char)shapes->text[at])) {
        at++;
    }
    /* host:8080/path is no password. */
    if (at > colon + 1 && (at == shapes->length || strchr("/?#", shapes->text[at]) != NULL)) {
        return NULL;
    }
    for (size_t tried = 0; at < shapes->length && tried < URL_PASSWORD_MAX; at++, tried++) {
        char c = shapes->text[at];
        if (c == '@') {
            /* From here on it reads like any authority, which the last one ends. */
            size_t end = authority_end(shapes, at);
            return find_last(shapes->text + at, shapes->text + end, '@');
        }
        if ((unsigned char)c <= ' ' || strchr("\"'<>`", c) != NULL) {
            return NULL;
        }
    }
    return NULL;
}

/* "://user:PASSWORD@". */
static bool url_password(const struct mw_shapes *shapes, size_t at, size_t *from, size_t *to)
{
    size_t start = at + 3, end = authority_end(shapes, start);
    const char *text = shapes->text;
    const char *colon = memchr(text + start, ':', end - start);
    if (colon == NULL || text[start] == '[') {
        return false;
    }
    const char *sign = find_last(colon, text + end, '@');
    if (sign == NULL && end < shapes->length && strchr("/?#", text[end]) != NULL) {
        sign = late_at_sign(shapes, (size_t)(colon - text));
    }
    if (sign == NULL || sign == colon + 1) {
        return false;
    }
    *from = (size_t)(colon + 1 - text);
    *to = (size_t)(sign - text);
    return true;
}

/* From after the line that begins a private key up to the one that ends it, or to the text's end. */
static bool private_key(const struct mw_shapes *shapes, size_t at, size_t *from, size_t *to)
{
    static const char name[] = "PRIVATE KEY-----";
    size_t window = shapes->length - at < 64 ? shapes->length - at : 64;
    const char *line_end = memchr(shapes->text + at, '\n', window);
    window = line_end != NULL ? (size_t)(line_end - shapes->text) - at : window;
    const char *head = memmem(shapes->text + at, window, name, sizeof name - 1);
    if (head == NULL) {
        return false;
    }
    const char *body = head + sizeof name - 1, *end = shapes->text + shapes->length;
    const char *tail = memmem(body, (size_t)(end - body), "-----END ", 9);
    *from = (size_t)(body - shapes->text);
    *to = (size_t)((tail != NULL ? tail : end) - shapes->text);
    return *to > *from;
}

static bool is_token(char c)
{
    return is_word(c);
}

static size_t token_run(struct mw_shapes *shapes, size_t at)
{
    if (at >= shapes->token_run_end) {
        size_t end = at;
        while (end < shapes->length && is_token(shapes->text[end])) {
            end++;
        }
        shapes->token_run_end = end;
    }
    return shapes->token_run_end;
}

/* Three parts with dots between, the first of which is JSON in base64: eyJ… */
static bool web_token(struct mw_shapes *shapes, size_t at, size_t *to)
{
    size_t end = token_run(shapes, at);
    if (end - at < 10 || end == shapes->length || shapes->text[end] != '.') {
        return false;
    }
    size_t second = end + 1, third = second;
    while (third < shapes->length && is_token(shapes->text[third])) {
        third++;
    }
    if (third - second < 4) {
        return false;
    }
    if (third < shapes->length && shapes->text[third] == '.') {
        third++;
        while (third < shapes->length && is_token(shapes->text[third])) {
            third++;
        }
    }
    *to = third;
    return true;
}

static const struct {
    const char *prefix;
    size_t least;   /* characters that must follow */
    bool has_digit; /* one of them must be a digit: words may begin the same way */
} token_kinds[] = {
    {"xoxb-", 6, false},      {"xoxp-", 6, false},     {"xoxa-", 6, false},
    {"xoxr-", 6, false},      {"xoxs-", 6, false},     {"xoxe-", 6, false},
    {"xoxe.", 6, false},      {"xapp-", 6, false},     {"ghp_", 10, false},
    {"gho_", 10, false},      {"ghu_", 10, false},     {"ghs_", 10, false},
    {"ghr_", 10, false},      {"glpat-", 10, false},   {"github_pat_", 10, false},
    {"sk-", 16, true},        {"sk_live_", 10, false}, {"rk_live_", 10, false},
    {"AKIA", 16, true},       {"ASIA", 16, true},      {"AIza", 30, false},
    {"ya29.", 16, false},     {"syt_", 16, false},     {"npm_", 30, false},
    {"dckr_pat_", 16, false}, {"GOCSPX-", 16, false},  {"hf_", 30, false},
};

static bool known_token(struct mw_shapes *shapes, size_t at, size_t *to)
{
    if (begins(shapes, at, "eyJ") && web_token(shapes, at, to)) {
        return true;
    }
    for (size_t i = 0; i < sizeof token_kinds / sizeof *token_kinds; i++) {
        const char *prefix = token_kinds[i].prefix;
        if (shapes->text[at] != *prefix || !begins(shapes, at, prefix)) {
            continue;
        }
        size_t start = at + strlen(prefix), end = start;
        bool digit = false;
        for (; end < shapes->length && is_token(shapes->text[end]) && end - start < TOKEN_LOOK;
             end++) {
            digit = digit || isdigit((unsigned char)shapes->text[end]);
        }
        if (end - start < token_kinds[i].least || (token_kinds[i].has_digit && !digit)) {
            return false;
        }
        while (end < shapes->length && (is_token(shapes->text[end]) || shapes->text[end] == '.')) {
            end++;
        }
        *to = end;
        return true;
    }
    return false;
}

static bool word_is(const struct mw_shapes *shapes, size_t at, size_t end, const char *word)
{
    return end - at == strlen(word) && strncasecmp(shapes->text + at, word, end - at) == 0;
}

/* A word that says what follows it: a key with its value, an option, a command. */
static bool after_word(struct mw_shapes *shapes, size_t at, size_t *from, size_t *to)
{
    size_t end = at;
    while (end < shapes->length && is_word(shapes->text[end])) {
        end++;
    }
    struct mw_span word = {shapes->text, shapes->length, at, end};
    if (word_is(shapes, at, end, "redis-cli")) {
        shapes->redis_cli = true;
    } else if (shapes->redis_cli && word_is(shapes, at, end, "-a")) {
        return mw_value_next(&word, from, to);
    } else if (word_is(shapes, at, end, "auth")) {
        return mw_value_auth(&word, from, to);
    } else if (word_is(shapes, at, end, "bearer")) {
        return mw_value_bearer(&word, from, to);
    } else if (word_is(shapes, at, end, "identified")) {
        return mw_value_identified(&word, from, to);
    } else if (mw_shapes_key(shapes->text + at, end - at)) {
        return mw_value_of_key(&word, from, to);
    }
    return false;
}

static bool find(struct mw_shapes *shapes, size_t at, size_t *from, size_t *to)
{
    const char *text = shapes->text;
    char c = text[at], before = at > 0 && at != shapes->known_to ? text[at - 1] : ' ';
    if (c == '\n') {
        shapes->redis_cli = false;
        return false;
    }
    if (c == ':' && begins(shapes, at, "://")) {
        return url_password(shapes, at, from, to);
    }
    if (c == '-' && begins(shapes, at, "-----BEGIN ") && private_key(shapes, at, from, to)) {
        return true;
    }
    if (is_alnum(c) && !is_alnum(before) && known_token(shapes, at, to)) {
        *from = at;
        return true;
    }
    return is_word(c) && !is_word(before) && after_word(shapes, at, from, to);
}

bool mw_shapes_at(struct mw_shapes *shapes, size_t at, size_t *from, size_t *to)
{
    if (!find(shapes, at, from, to)) {
        return false;
    }
    /* A quote that a cut line left open must not hide what the next line says by itself. */
    bool is_key = begins(shapes, at, "-----BEGIN ");
    const char *line_end = is_key ? NULL : memchr(shapes->text + *from, '\n', *to - *from);
    shapes->next = line_end != NULL ? (size_t)(line_end - shapes->text) : *to;
    return true;
}

bool mw_shapes_key(const char *key, size_t length)
{
    static const char *const endings[] = {
        "password",   "passwd",      "passphrase",    "pwd",        "token",       "secret",
        "apikey",     "accesskey",   "secretkey",     "privatekey", "requirepass", "masterauth",
        "credential", "credentials", "authorization", "cliauth",    "sshpass",     "secretkeybase",
    };
    if (length >= 4 && strncasecmp(key + length - 4, "pass", 4) == 0 &&
        (length == 4 || key[length - 5] == '_' || key[length - 5] == '-')) {
        return true;
    }
    /* The last letters, lower case and without - and _, from the end to the start. */
    char folded[16];
    size_t count = 0;
    for (size_t i = length; i > 0 && count < sizeof folded; i--) {
        if (is_alnum(key[i - 1])) {
            folded[count++] = (char)tolower((unsigned char)key[i - 1]);
        }
    }
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t size = strlen(endings[i]), same = 0;
        while (same < size && same < count && folded[same] == endings[i][size - 1 - same]) {
            same++;
        }
        if (same == size) {
            return true;
        }
    }
    return false;
}
