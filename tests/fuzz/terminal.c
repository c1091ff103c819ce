/* SPDX-License-Identifier: Apache-2.0 */
/* A line typed at the terminal. */
#include "adapters/chat/terminal/terminal.h"

#include "fuzz.h"

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void check_parts(const struct mw_terminal_line *line)
{
    const char *const parts[] = {line->person, line->words, line->emoji, line->incident,
                                 line->revision};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i] != NULL) {
            fuzz_is_clean(parts[i], MW_TERMINAL_LINE_MAX);
        }
    }
    FUZZ_HOLDS(line->person != NULL && strlen(line->person) <= 64, line->person);
    FUZZ_HOLDS((line->words == NULL) != (line->emoji == NULL), line->words);
    FUZZ_HOLDS(line->incident == NULL || line->emoji != NULL, line->incident);
    FUZZ_HOLDS(line->revision == NULL || line->incident != NULL, line->revision);
}

void fuzz_one(TALLOC_CTX *memory, const char *bytes, size_t length)
{
    struct mw_terminal_line line, again;
    if (!mw_terminal_parse(memory, bytes, length, &line)) {
        return;
    }
    check_parts(&line);
    char *typed = line.words != NULL
                      ? talloc_asprintf(memory, "%s: %s", line.person, line.words)
                      : talloc_asprintf(memory, "%s: %s %s %s", line.person, line.emoji,
                                        line.incident != NULL ? line.incident : "?",
                                        line.revision != NULL ? line.revision : "");
    if (*line.person == '\0' || strlen(typed) > MW_TERMINAL_LINE_MAX) {
        return;
    }
    FUZZ_HOLDS(mw_terminal_parse(memory, typed, strlen(typed), &again), typed);
    FUZZ_HOLDS(same_text(again.person, line.person) && same_text(again.words, line.words), typed);
    FUZZ_HOLDS(same_text(again.emoji, line.emoji) && same_text(again.incident, line.incident) &&
                   same_text(again.revision, line.revision),
               typed);
}
