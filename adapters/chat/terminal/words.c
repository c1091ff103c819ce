/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "terminal.h"

#define NAME_BYTES_MAX 64

/* Signs from arrows to symbols (U+2190 to U+2BFF) and pictographs (U+1F000 on): nobody begins a word
 * of a language with one. */
static bool is_sign(const char *word)
{
    const unsigned char *at = (const unsigned char *)word;
    if (at[0] == 0xE2) {
        return at[1] >= 0x86 && at[1] <= 0xAF;
    }
    return at[0] == 0xF0 && at[1] == 0x9F;
}

static bool is_emoji(const char *word)
{
    static const char *const names[] = {"white_check_mark", "+1",   "x",     "-1",
                                        "octagonal_sign",   "eyes", "repeat"};
    size_t length = strlen(word);
    if (is_sign(word) || (length > 2 && *word == ':' && word[length - 1] == ':')) {
        return true;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcasecmp(word, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Takes the next word from `*rest`; NULL at the end. */
static char *next_word(TALLOC_CTX *memory, const char **rest)
{
    const char *start = *rest + strspn(*rest, " ");
    size_t length = strcspn(start, " ");
    *rest = start + length;
    return length > 0 ? talloc_strndup(memory, start, length) : NULL;
}

/* "NAME:" at the start, with or without a space after it. */
static const char *take_name(TALLOC_CTX *memory, const char *text, char **name)
{
    size_t length = strcspn(text, ": ");
    bool is_name = length > 0 && length <= NAME_BYTES_MAX && text[length] == ':' &&
                   !(length == strlen("midwatch") && strncasecmp(text, "midwatch", length) == 0);
    *name = talloc_strndup(memory, text, is_name ? length : 0);
    return is_name ? text + length + 1 : text;
}

static bool is_id(const char *word)
{
    return (*word == 'I' || *word == 'i') && word[1] != '\0' &&
           word[1 + strspn(word + 1, "0123456789")] == '\0';
}

static bool is_revision(const char *word)
{
    return (*word == 'r' || *word == 'R') && word[1] != '\0' &&
           word[1 + strspn(word + 1, "0123456789")] == '\0';
}

/* Anything after the emoji that is not exactly an ID and a revision leaves the incident open, so that
 * nothing is decided by half-understood words. */
static void read_reaction(TALLOC_CTX *memory, const char *rest, struct mw_terminal_line *line)
{
    char *incident = next_word(memory, &rest);
    char *revision = incident != NULL ? next_word(memory, &rest) : NULL;
    bool understood = incident != NULL && is_id(incident) &&
                      (revision == NULL || is_revision(revision)) &&
                      next_word(memory, &rest) == NULL;
    if (understood) {
        line->incident = incident;
        line->revision = revision;
    }
}

bool mw_terminal_parse(TALLOC_CTX *memory, const char *bytes, size_t length,
                       struct mw_terminal_line *line)
{
    *line = (struct mw_terminal_line){0};
    char *clean = mw_text_clean(memory, bytes, length, MW_TERMINAL_LINE_MAX);
    if (clean == NULL) {
        return false;
    }
    const char *text = clean + strspn(clean, " ");
    if (*text == '\0') {
        return false;
    }
    const char *rest = take_name(memory, text, &line->person);
    rest += strspn(rest, " ");
    const char *after = rest;
    char *first = next_word(memory, &after);
    if (first != NULL && is_emoji(first)) {
        line->emoji = first;
        read_reaction(memory, after, line);
    } else {
        line->words = talloc_strdup(memory, rest);
    }
    return true;
}
