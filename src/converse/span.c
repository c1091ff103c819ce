/* SPDX-License-Identifier: Apache-2.0 */
#include "converse/span.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DIGITS "0123456789"

/* Beyond all bounds, and far from overflowing when parts are summed. */
#define NUMBER_DIGITS 7
#define SECOND_MS     INT64_C(1000)

static const struct {
    const char *name;
    int64_t ms;
} units[] = {{"s", SECOND_MS},
             {"sec", SECOND_MS},
             {"secs", SECOND_MS},
             {"second", SECOND_MS},
             {"seconds", SECOND_MS},
             {"m", 60 * SECOND_MS},
             {"min", 60 * SECOND_MS},
             {"mins", 60 * SECOND_MS},
             {"minute", 60 * SECOND_MS},
             {"minutes", 60 * SECOND_MS},
             {"h", 3600 * SECOND_MS},
             {"hr", 3600 * SECOND_MS},
             {"hrs", 3600 * SECOND_MS},
             {"hour", 3600 * SECOND_MS},
             {"hours", 3600 * SECOND_MS},
             {"d", 86400 * SECOND_MS},
             {"day", 86400 * SECOND_MS},
             {"days", 86400 * SECOND_MS},
             {"w", 604800 * SECOND_MS},
             {"week", 604800 * SECOND_MS},
             {"weeks", 604800 * SECOND_MS}};

static bool find_unit(const char *name, size_t length, int64_t *ms)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strlen(units[i].name) == length && strncasecmp(units[i].name, name, length) == 0) {
            *ms = units[i].ms;
            return true;
        }
    }
    return false;
}

/* "1h30m": numbers with their units, and nothing else. */
static bool read_word(const char *word, int64_t *sum)
{
    *sum = 0;
    if (*word == '\0') {
        return false;
    }
    while (*word != '\0') {
        size_t digits = strspn(word, DIGITS);
        size_t length = strcspn(word + digits, DIGITS);
        int64_t unit;
        if (digits == 0 || digits > NUMBER_DIGITS || !find_unit(word + digits, length, &unit)) {
            return false;
        }
        *sum += atoll(word) * unit;
        word += digits + length;
    }
    return true;
}

bool mw_span_lacks_unit(const char *word)
{
    size_t digits = strspn(word, DIGITS);
    return digits > 0 && digits <= NUMBER_DIGITS && word[digits] == '\0';
}

/* One word that says it all, or a number and its unit. */
static size_t read_part(char *const *words, size_t count, int64_t *ms)
{
    if (count > 0 && read_word(words[0], ms)) {
        return 1;
    }
    if (count > 1 && mw_span_lacks_unit(words[0]) && find_unit(words[1], strlen(words[1]), ms)) {
        *ms *= atoll(words[0]);
        return 2;
    }
    return 0;
}

bool mw_span_parse(char *const *words, size_t count, int64_t *ms, size_t *used)
{
    size_t at = count > 0 && strcasecmp(words[0], "for") == 0;
    size_t first = at;
    int64_t sum = 0, part;
    for (size_t taken; (taken = read_part(words + at, count - at, &part)) > 0; at += taken) {
        sum += part;
    }
    if (at == first) {
        return false;
    }
    *ms = sum;
    *used = at;
    return true;
}
