/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/redact.h"
#include "base/text.h"
#include "watch/internal.h"

/* Templates told apart; beyond them only worse lines push out milder ones. */
#define ENTRIES_MAX 256

/* A line is masked before it is cut, and shortened before it is cut to what is shown. */
#define LINE_MAX_KEPT  1024
#define LINE_MAX_SHOWN 300

/* Letters in a row that are all hexadecimal: an id, and no word has so many. */
#define HEX_WORD_MIN 8

struct entry {
    uint64_t template;
    enum mw_log_severity severity;
    size_t age;
    int times;
    char *line;
};

struct mw_fold {
    size_t count;
    struct entry entries[ENTRIES_MAX];
};

struct mw_fold *mw_fold_create(TALLOC_CTX *memory)
{
    return talloc_zero(memory, struct mw_fold);
}

/* ---- templates ---- */

static void mix(uint64_t *hash, char byte)
{
    *hash = (*hash ^ (unsigned char)byte) * UINT64_C(0x100000001b3);
}

static bool is_word(char byte)
{
    return isalnum((unsigned char)byte) || byte == '_';
}

/* A word with a digit in it, or of hexadecimal letters alone, is a value and not a name. */
static size_t mix_word(uint64_t *hash, const char *word)
{
    size_t length = 0;
    bool digit = false, hex = true;
    for (; is_word(word[length]); length++) {
        digit = digit || isdigit((unsigned char)word[length]);
        hex = hex && isxdigit((unsigned char)word[length]);
    }
    if (digit || (hex && length >= HEX_WORD_MIN)) {
        mix(hash, '0');
        return length;
    }
    for (size_t i = 0; i < length; i++) {
        mix(hash, word[i]);
    }
    return length;
}

/* The length of a quoted part with its quotes, 0 where none begins: the one in "can't" is none. */
static size_t quoted_length(const char *line, const char *at)
{
    if (strchr("'\"`", *at) == NULL || (at > line && is_word(at[-1]))) {
        return 0;
    }
    const char *end = strchr(at + 1, *at);
    return end != NULL ? (size_t)(end - at) + 1 : 0;
}

static uint64_t template_of(const char *line)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *at = line; *at != '\0';) {
        size_t quoted = quoted_length(line, at);
        if (quoted > 0) {
            mix(&hash, '"');
            at += quoted;
        } else if (is_word(*at)) {
            at += mix_word(&hash, at);
        } else if (isspace((unsigned char)*at)) {
            mix(&hash, ' ');
            at += strspn(at, " \t\r\n\v\f");
        } else {
            mix(&hash, *at++);
        }
    }
    return hash;
}

/* ---- entries ---- */

static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;
    if (left->severity != right->severity) {
        return left->severity > right->severity ? -1 : 1;
    }
    return (left->age > right->age) - (left->age < right->age);
}

/* Where a new entry goes; NULL: it is no worse than what there is. */
static struct entry *place_for(struct mw_fold *fold, enum mw_log_severity severity, size_t age)
{
    if (fold->count < ENTRIES_MAX) {
        return &fold->entries[fold->count++];
    }
    struct entry wanted = {.severity = severity, .age = age}, *last = &fold->entries[0];
    for (size_t i = 1; i < fold->count; i++) {
        last = compare_entries(last, &fold->entries[i]) < 0 ? &fold->entries[i] : last;
    }
    if (compare_entries(&wanted, last) >= 0) {
        return NULL;
    }
    TALLOC_FREE(last->line);
    return last;
}

void mw_fold_add(struct mw_fold *fold, const char *line, enum mw_log_severity severity, size_t age)
{
    uint64_t template = template_of(line);
    for (size_t i = 0; i < fold->count; i++) {
        struct entry *entry = &fold->entries[i];
        if (entry->template == template && entry->severity == severity) {
            entry->times++;
            return;
        }
    }
    struct entry *entry = place_for(fold, severity, age);
    if (entry != NULL) {
        *entry = (struct entry){.template = template,
                                .severity = severity,
                                .age = age,
                                .times = 1,
                                .line = mw_redact_line(fold, line, strlen(line), LINE_MAX_KEPT)};
    }
}

static char *shown(TALLOC_CTX *memory, const char *line)
{
    char *brief = line != NULL ? mw_log_shorten(NULL, line) : NULL;
    char *text = brief != NULL ? mw_text_clean(memory, brief, strlen(brief), LINE_MAX_SHOWN) : NULL;
    talloc_free(brief);
    return text;
}

struct mw_log_excerpt *mw_fold_take(struct mw_fold *fold, TALLOC_CTX *memory, size_t limit,
                                    size_t *count)
{
    size_t wanted = fold->count < limit ? fold->count : limit;
    *count = 0;
    if (wanted == 0) {
        return NULL;
    }
    qsort(fold->entries, fold->count, sizeof fold->entries[0], compare_entries);
    struct mw_log_excerpt *lines =
        talloc_zero_array(memory, struct mw_log_excerpt, (unsigned)wanted);
    for (size_t i = 0; lines != NULL && i < wanted; i++) {
        char *line = shown(lines, fold->entries[i].line);
        if (line != NULL) {
            lines[(*count)++] =
                (struct mw_log_excerpt){.line = line, .times = fold->entries[i].times};
        }
    }
    return lines;
}
