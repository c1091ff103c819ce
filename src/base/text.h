/* SPDX-License-Identifier: Apache-2.0 */
/* Text: foreign bytes made harmless, measured in terminal columns, cut, wrapped, compared. */
#ifndef MIDWATCH_BASE_TEXT_H
#define MIDWATCH_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

/* Valid UTF-8 on one line: terminal escape sequences are dropped, tabs and line breaks become a
 * space (those at the end are dropped). U+FFFD stands for each other control character, each broken byte, what
 * turns the direction of text, what cannot be seen (joiners stay between letters that join), and each
 * combining mark beyond the eighth on a letter. At most `limit` bytes of result, cut between characters with
 * "…" at the end. */
char *mw_text_clean(TALLOC_CTX *memory, const char *bytes, size_t length, size_t limit);
bool mw_text_is_utf8(const char *bytes, size_t length);
/* Whether cleaning would leave it as it is. */
bool mw_text_is_clean(const char *text);

/* Columns on a terminal: 0 for combining, 2 for wide characters and emoji. Expects valid UTF-8. */
size_t mw_text_width(const char *text);
/* Cuts to that many columns, ending with "…" when something was cut. */
char *mw_text_fit(TALLOC_CTX *memory, const char *text, size_t columns);
/* Cuts or pads with spaces to exactly that many columns. */
char *mw_text_pad(TALLOC_CTX *memory, const char *text, size_t columns, bool right_align);
/* Breaks at spaces so that no line is wider; a longer word is cut apart. Lines after the first begin
 * with `indent` spaces. Returns a NULL-terminated array. */
char **mw_text_wrap(TALLOC_CTX *memory, const char *text, size_t columns, size_t indent);

/* The candidate (NULL-terminated list) that is nearest to the word by edit distance, when it is near
 * enough to be meant; NULL otherwise. */
const char *mw_text_nearest(const char *word, const char *const *candidates);

/* "64MB" "1GiB" "65536" "512kb" → bytes, in powers of 1024. False: not a size, or out of range. */
bool mw_size_parse(const char *text, int64_t *bytes);
/* "64 MiB", "5.1 GiB", "812 KiB", "100 B". */
char *mw_size_text(TALLOC_CTX *memory, int64_t bytes);
/* A metric's value for people: "97.2 %", "0.42 ms", "12", "3.1 /s". `unit` as in mw_metric_spec. */
char *mw_value_text(TALLOC_CTX *memory, double value, const char *unit);

#endif
