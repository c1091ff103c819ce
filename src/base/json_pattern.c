/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_pattern.h"

#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#define PATTERN_MAX 256
#define TEXT_MAX    4096

/* Repetition counts multiply when they nest, and each copy costs memory. */
#define REPEATS_MAX 1024

/* The end of the bracket expression that begins at `at`; NULL where it does not end. */
static const char *bracket_end(const char *at)
{
    at++;
    at += *at == '^';
    at += *at == ']';
    return strchr(at, ']');
}

static long repeat_count(const char *brace)
{
    char *end;
    long low = strtol(brace + 1, &end, 10);
    long high = *end == ',' ? strtol(end + 1, NULL, 10) : 0;
    long most = low > high ? low : high;
    return most > 1 ? most : 1;
}

/* What this dialect reads differently at one place outside of brackets; NULL: nothing. */
static const char *difference(const char *at, bool after_quantifier)
{
    if (*at == '\\' && isalnum((unsigned char)at[1])) {
        return "uses an escape such as \\d that is not supported; write [0-9] instead";
    }
    if (*at == '(' && at[1] == '?') {
        return "uses (?…), which is not supported";
    }
    if ((*at == '?' || *at == '+') && after_quantifier) {
        return "uses a lazy or possessive quantifier, which is not supported";
    }
    /* Nobody means it, and a pile of them takes the library longer than anybody waits. */
    if ((*at == '*' || *at == '{') && after_quantifier) {
        return "repeats what is repeated already";
    }
    return NULL;
}

static const char *dialect_fault(const char *pattern)
{
    long repeats = 1;
    bool after_quantifier = false;
    for (const char *at = pattern; *at != '\0'; at++) {
        const char *fault = difference(at, after_quantifier);
        if (fault != NULL) {
            return fault;
        }
        after_quantifier = strchr("*+?}", *at) != NULL;
        if (*at == '\\' && at[1] != '\0') {
            at++;
        } else if (*at == '[') {
            const char *end = bracket_end(at);
            if (end == NULL) {
                return "has a [ that does not end";
            }
            if (memchr(at, '\\', (size_t)(end - at)) != NULL) {
                return "has a backslash within [ ], which is not supported";
            }
            at = end;
        } else if (*at == '{') {
            repeats = repeat_count(at) > REPEATS_MAX ? REPEATS_MAX + 1 : repeats * repeat_count(at);
        }
        if (repeats > REPEATS_MAX) {
            return "repeats too often";
        }
    }
    return NULL;
}

const char *mw_json_pattern_fault(const char *pattern)
{
    if (strlen(pattern) > PATTERN_MAX) {
        return "is longer than 256 bytes";
    }
    const char *fault = dialect_fault(pattern);
    if (fault != NULL) {
        return fault;
    }
    regex_t compiled;
    if (regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0) {
        return "is no regular expression";
    }
    regfree(&compiled);
    return NULL;
}

bool mw_json_pattern_matches(const char *pattern, const char *text)
{
    regex_t compiled;
    if (strlen(text) > TEXT_MAX || regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0) {
        return false;
    }
    bool matches = regexec(&compiled, text, 0, NULL, 0) == 0;
    regfree(&compiled);
    return matches;
}
