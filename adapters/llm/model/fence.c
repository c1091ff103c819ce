/* SPDX-License-Identifier: Apache-2.0 */
/* Marks around foreign text. Each text gets a mark of its own, drawn after the text was there, so that no
 * text can end its own fence. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/llm/model/prompt.h"
#include "base/clock.h"
#include "base/text.h"

#define REAL_DIGITS 6

static void draw_mark(char mark[17])
{
    unsigned char bytes[8];
    static const char digits[] = "0123456789abcdef";
    mw_random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        mark[2 * i] = digits[bytes[i] >> 4];
        mark[2 * i + 1] = digits[bytes[i] & 15];
    }
    mark[16] = '\0';
}

/* Clean line by line: line breaks are the only control characters that stay. */
static char *clean_lines(TALLOC_CTX *memory, const char *text, size_t limit)
{
    char *clean = talloc_strdup(memory, "");
    for (;;) {
        size_t length = strcspn(text, "\n"), used = strlen(clean);
        if (used + 8 >= limit)
            return talloc_strdup_append_buffer(clean, "\n[cut]");
        char *line = mw_text_clean(memory, text, length, limit - used);
        clean = talloc_asprintf_append_buffer(clean, "%s%s", used > 0 ? "\n" : "", line);
        talloc_free(line);
        if (text[length] == '\0')
            return clean;
        text += length + 1;
    }
}

char *mw_fence(TALLOC_CTX *memory, const char *text, size_t limit)
{
    char mark[17];
    char *clean = clean_lines(memory, text, limit);
    do {
        draw_mark(mark);
    } while (strstr(clean, mark) != NULL);
    char *fenced = talloc_asprintf(memory, "<<<DATA %s\n%s\nDATA %s>>>", mark, clean, mark);
    talloc_free(clean);
    return fenced;
}

char *mw_fence_json(TALLOC_CTX *memory, const json_t *value, size_t limit)
{
    char *text =
        json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(REAL_DIGITS));
    char *fenced = mw_fence(memory, text != NULL ? text : "", limit);
    free(text);
    return fenced;
}
