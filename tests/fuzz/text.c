/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign bytes made harmless, and measured in columns. */
#include "base/text.h"

#include "fuzz.h"

static void check_clean(TALLOC_CTX *memory, const char *bytes, size_t length, size_t limit)
{
    char *clean = mw_text_clean(memory, bytes, length, limit);
    fuzz_is_clean(clean, limit);
    char *again = mw_text_clean(memory, clean, strlen(clean), limit);
    FUZZ_HOLDS(strcmp(clean, again) == 0, again);
}

static void check_columns(TALLOC_CTX *memory, const char *text, size_t columns)
{
    char *cut = mw_text_fit(memory, text, columns);
    FUZZ_HOLDS(mw_text_width(cut) <= columns, cut);
    FUZZ_HOLDS(mw_text_width(text) > columns || strcmp(cut, text) == 0, cut);
    char *left = mw_text_pad(memory, text, columns, false);
    char *right = mw_text_pad(memory, text, columns, true);
    FUZZ_HOLDS(mw_text_width(left) == columns, left);
    FUZZ_HOLDS(mw_text_width(right) == columns, right);
}

/* No line is too wide, and nothing but blanks is lost. */
static void check_wrap(TALLOC_CTX *memory, const char *text, size_t columns, size_t indent)
{
    char **lines = mw_text_wrap(memory, text, columns, indent);
    const char *at = text;
    for (size_t i = 0; lines[i] != NULL; i++) {
        fuzz_is_utf8(lines[i]);
        FUZZ_HOLDS(mw_text_width(lines[i]) <= columns, lines[i]);
        for (const char *c = lines[i]; *c != '\0'; c++) {
            at += strspn(at, " \n");
            FUZZ_HOLDS(*c == ' ' || *c == *at++, lines[i]);
        }
    }
    FUZZ_HOLDS(at[strspn(at, " \n")] == '\0', at);
}

void fuzz_one(TALLOC_CTX *memory, const char *bytes, size_t length)
{
    check_clean(memory, bytes, length, 3 * length);
    check_clean(memory, bytes, length, length / 2);
    check_clean(memory, bytes, length, length % 5);
    char *clean = mw_text_clean(memory, bytes, length, 3 * length);
    char *raw = fuzz_text(memory, bytes, length, NULL);
    check_columns(memory, clean, length % 100);
    check_columns(memory, raw, length % 100);
    check_wrap(memory, clean, 2 + length % 90, length % 7);
    static const char *const names[] = {"memory_percent", "password", "é", NULL};
    const char *nearest = mw_text_nearest(raw, names);
    FUZZ_HOLDS(nearest == NULL || nearest == names[0] || nearest == names[1] || nearest == names[2],
               raw);
}
