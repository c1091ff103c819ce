/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/text.h"

/* Words of configuration and commands are short; longer ones are only compared as prefixes. */
#define WORD_MAX 48

static unsigned char folded(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (unsigned char)(c - 'A' + 'a');
    }
    return c == '-' ? '_' : (unsigned char)c;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Changed, missing, additional and swapped neighbouring characters, each counted once. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    unsigned char rows[3][WORD_MAX + 1];
    for (size_t j = 0; j <= b_length; j++) {
        rows[0][j] = (unsigned char)j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        unsigned char *row = rows[i % 3], *above = rows[(i + 2) % 3], *second = rows[(i + 1) % 3];
        row[0] = (unsigned char)i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t changed = above[j - 1] + (folded(a[i - 1]) != folded(b[j - 1]));
            size_t best = smaller(changed, smaller(above[j], row[j - 1]) + 1u);
            if (i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
                folded(a[i - 2]) == folded(b[j - 1])) {
                best = smaller(best, second[j - 2] + 1u);
            }
            row[j] = (unsigned char)best;
        }
    }
    return rows[a_length % 3][b_length];
}

static bool starts_with(const char *word, const char *start, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (folded(word[i]) != folded(start[i])) {
            return false;
        }
    }
    return true;
}

const char *mw_text_nearest(const char *word, const char *const *candidates)
{
    const char *nearest = NULL, *begun_alike = NULL;
    size_t least = SIZE_MAX, length = strlen(word);
    for (; *candidates != NULL; candidates++) {
        size_t other = strlen(*candidates);
        size_t shorter = smaller(length, other), longer = length + other - shorter;
        if (begun_alike == NULL && shorter >= 4 && starts_with(word, *candidates, shorter)) {
            begun_alike = *candidates;
        }
        /* A third of the letters may be wrong, three at the most. */
        size_t allowed = smaller(longer / 3, 3);
        if (longer > WORD_MAX || longer - shorter > allowed) {
            continue;
        }
        size_t found = distance(word, length, *candidates, other);
        if (found <= allowed && found < least) {
            least = found;
            nearest = *candidates;
        }
    }
    return nearest != NULL ? nearest : begun_alike;
}
