/* SPDX-License-Identifier: Apache-2.0 */
#include "base/redact_value.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/redact.h"

static char char_at(const struct mw_span *word, size_t at)
{
    return at < word->length ? word->text[at] : '\0';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_quote(char c)
{
    return c == '"' || c == '\'' || c == '`';
}

static size_t skip_blanks(const struct mw_span *word, size_t at)
{
    while (is_blank(char_at(word, at))) {
        at++;
    }
    return at;
}

static size_t skip_backslashes(const struct mw_span *word, size_t at)
{
    while (char_at(word, at) == '\\') {
        at++;
    }
    return at;
}

/* Ends where the quote of the same depth of escaping does, or with the text: a cut line must not show
 * what the whole one hides. */
static bool quoted(const struct mw_span *word, size_t at, size_t *from, size_t *to)
{
    size_t quote = skip_backslashes(word, at);
    size_t escapes = quote - at;
    if (!is_quote(char_at(word, quote))) {
        return false;
    }
    size_t end = quote + 1, backslashes = 0;
    for (; end < word->length; end++) {
        char c = word->text[end];
        if (c == '\\') {
            backslashes++;
            continue;
        }
        bool escaped = escapes == 0 ? backslashes % 2 == 1 : backslashes > escapes;
        if (c == word->text[quote] && !escaped) {
            end -= escapes == 0 ? 0 : backslashes;
            break;
        }
        backslashes = 0;
    }
    *from = quote + 1;
    *to = end;
    return end > quote + 1;
}

static bool is_ordinary(const char *value, size_t length)
{
    static const char *const words[] = {
        "null",  "true",   "false",   "none",     "nil",     "undefined", "is",        "was",
        "not",   "and",    "or",      "with",     "for",     "to",        "failed",    "failure",
        "error", "called", "command", "required", "option",  "directive", "succeeded", "ok",
        "login", "plain",  "has",     "must",     "setting", "mismatch",  "invalid",   "expired",
        "from",  "by",     "at",      "in",       "on",      "—",         "·",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i]) == length && strncasecmp(value, words[i], length) == 0) {
            return true;
        }
    }
    return length > 0 && strspn(value, "*") >= length;
}

/* Up to white space or what cannot stand in a bare word; closing brackets and full stops at the end
 * belong to the sentence around it. */
static bool bare(const struct mw_span *word, size_t at, size_t *from, size_t *to)
{
    size_t end = at;
    for (; end < word->length; end++) {
        char c = word->text[end], next = char_at(word, end + 1);
        bool ends_item = (c == ',' || c == ';') && (next == '\0' || isspace((unsigned char)next));
        if ((unsigned char)c <= ' ' || is_quote(c) || c == '<' || c == '>' || c == '&' ||
            ends_item || (c == '\\' && is_quote(next))) {
            break;
        }
    }
    while (end > at && strchr(")]}.,;:!", word->text[end - 1]) != NULL) {
        end--;
    }
    *from = at;
    *to = end;
    return end > at && !is_ordinary(word->text + at, end - at) &&
           strchr("[{", word->text[at]) == NULL;
}

static bool value_at(const struct mw_span *word, size_t at, size_t *from, size_t *to)
{
    char c = char_at(word, skip_backslashes(word, at));
    return is_quote(c) ? quoted(word, at, from, to) : bare(word, at, from, to);
}

/* `Authorization: SCHEME CREDENTIALS`: all but the scheme, to the end of the line or the quote. */
static bool authorization(const struct mw_span *word, size_t at, size_t *from, size_t *to)
{
    if (!quoted(word, at, from, to)) {
        size_t end = at;
        while (end < word->length && word->text[end] != '\n' && word->text[end] != '\r' &&
               !(is_quote(word->text[end]) && word->text[end - 1] != '=')) {
            end++;
        }
        *from = at;
        *to = end;
    }
    size_t scheme = *from;
    while (scheme < *to && isalpha((unsigned char)word->text[scheme])) {
        scheme++;
    }
    size_t after = skip_blanks(word, scheme);
    if (scheme > *from && after > scheme && after < *to) {
        *from = after;
    }
    return *to > *from;
}

static bool key_ends_with(const struct mw_span *word, const char *ending)
{
    size_t length = strlen(ending);
    return word->end - word->start >= length &&
           strncasecmp(word->text + word->end - length, ending, length) == 0;
}

static bool key_is(const struct mw_span *word, const char *key)
{
    return word->end - word->start == strlen(key) && key_ends_with(word, key);
}

/* A count of tokens, or a working directory, is no secret. */
static bool is_other_meaning(const struct mw_span *word, size_t from, size_t to)
{
    if (key_ends_with(word, "token") && to - from <= 6) {
        size_t at = from;
        while (at < to && isdigit((unsigned char)word->text[at])) {
            at++;
        }
        return at == to;
    }
    return key_is(word, "pwd") && word->text[from] == '/';
}

/* The position of the value after `=`, `:`, `=>` or `:=`; 0 when there is no such sign. */
static size_t after_separator(const struct mw_span *word, size_t at)
{
    at = skip_blanks(word, at);
    char c = char_at(word, at), next = char_at(word, at + 1);
    if (c == '=') {
        return skip_blanks(word, at + 1 + (next == '>' || next == '='));
    }
    /* `token://` is a URL, `Token::read` a name in a program. */
    if (c != ':' || next == ':' || (next == '/' && char_at(word, at + 2) == '/')) {
        return 0;
    }
    return skip_blanks(word, at + 1 + (next == '='));
}

/* `invalid api_key "x"`. What a parser says of a token, or somebody of a secret's name, is no such thing. */
static bool is_said(const struct mw_span *word, size_t value)
{
    return is_quote(char_at(word, skip_backslashes(word, value))) &&
           (key_ends_with(word, "key") || key_ends_with(word, "password") ||
            key_ends_with(word, "passwd") || key_ends_with(word, "passphrase"));
}

/* White space is enough of a sign after an option, a directive of redis.conf, between quoted words, and
 * before a quoted one. */
static bool after_blank(const struct mw_span *word, size_t at, bool key_quoted, size_t *from,
                        size_t *to)
{
    size_t value = skip_blanks(word, at);
    if (value == at || value == word->length) {
        return false;
    }
    if (key_quoted || is_said(word, value)) {
        return quoted(word, value, from, to);
    }
    bool is_option = word->text[word->start] == '-' && char_at(word, value) != '-';
    bool is_directive = key_is(word, "requirepass") || key_is(word, "masterauth");
    return (is_option || is_directive) && value_at(word, value, from, to);
}

bool mw_value_of_key(const struct mw_span *word, size_t *from, size_t *to)
{
    size_t at = skip_backslashes(word, word->end);
    bool key_quoted = is_quote(char_at(word, at)) && word->start > 0 &&
                      word->text[word->start - 1] == char_at(word, at);
    at = key_quoted ? at + 1 : word->end;

    size_t value = after_separator(word, at);
    if (value == 0) {
        return after_blank(word, at, key_quoted, from, to);
    }
    if (key_ends_with(word, "authorization")) {
        return authorization(word, value, from, to);
    }
    /* "pass: 12, fail: 3" counts tests. */
    if (key_ends_with(word, "pass") && !key_ends_with(word, "requirepass") && !key_quoted &&
        memchr(word->text + at, '=', value - at) == NULL) {
        return false;
    }
    return value_at(word, value, from, to) && !is_other_meaning(word, *from, *to);
}

bool mw_value_next(const struct mw_span *word, size_t *from, size_t *to)
{
    size_t value = skip_blanks(word, word->end);
    return value > word->end && value_at(word, value, from, to);
}

bool mw_value_auth(const struct mw_span *word, size_t *from, size_t *to)
{
    bool in_quotes = is_quote(char_at(word, word->end));
    size_t at = word->end + in_quotes;
    size_t value = skip_blanks(word, at);
    /* In lower case and without quotes it is a word like any other. */
    if (value == at || (!in_quotes && memcmp(word->text + word->start, "AUTH", 4) != 0)) {
        return false;
    }
    if (in_quotes ? !quoted(word, value, from, to) : !value_at(word, value, from, to)) {
        return false;
    }
    /* The form with a user: the word after it is the password. Behind a mask both have been hidden. */
    size_t second_from, second_to;
    size_t second = skip_blanks(word, *to + is_quote(char_at(word, *to)));
    bool hidden = *to - *from == sizeof MW_MASK - 1 &&
                  memcmp(word->text + *from, MW_MASK, sizeof MW_MASK - 1) == 0;
    if (!hidden && second > *to &&
        (in_quotes ? quoted(word, second, &second_from, &second_to)
                   : value_at(word, second, &second_from, &second_to))) {
        *to = second_to;
    }
    return true;
}

bool mw_value_bearer(const struct mw_span *word, size_t *from, size_t *to)
{
    if (char_at(word, word->end) != ' ' || !bare(word, word->end + 1, from, to) ||
        *to - *from < 12) {
        return false;
    }
    for (size_t at = *from; at < *to; at++) {
        if (isdigit((unsigned char)word->text[at])) {
            return true;
        }
    }
    return false;
}

bool mw_value_identified(const struct mw_span *word, size_t *from, size_t *to)
{
    size_t by = skip_blanks(word, word->end);
    if (word->length - by < 3 || strncasecmp(word->text + by, "by ", 3) != 0) {
        return false;
    }
    return quoted(word, skip_blanks(word, by + 3), from, to);
}
