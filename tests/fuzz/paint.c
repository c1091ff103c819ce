/* SPDX-License-Identifier: Apache-2.0 */
/* A message at the terminal: whatever its strings hold, nothing in them moves the cursor. */
#include "adapters/chat/terminal/terminal.h"

#include "base/json.h"
#include "base/text.h"
#include "fuzz.h"

#define LIMIT ((size_t)64 * 1024)

static void check_text(TALLOC_CTX *memory, const json_t *message, size_t columns)
{
    const struct mw_terminal_look look = {.columns = columns};
    const struct mw_terminal_picture *picture = mw_terminal_paint(memory, message, &look);
    char *rest = mw_terminal_text(memory, picture);
    for (char *line = fuzz_line(&rest); line != NULL; line = fuzz_line(&rest)) {
        fuzz_is_clean(line, SIZE_MAX);
        FUZZ_HOLDS(mw_text_width(line) <= columns, line);
    }
    FUZZ_HOLDS(!mw_terminal_differs(picture, picture), NULL);
    FUZZ_HOLDS(*mw_terminal_changes(memory, picture, picture) == '\0', NULL);
}

/* The colours are ours, and are the only escape sequences. */
static void check_colours(TALLOC_CTX *memory, const json_t *message, size_t columns)
{
    const struct mw_terminal_look look = {.columns = columns, .colour = true};
    const char *text = mw_terminal_text(memory, mw_terminal_paint(memory, message, &look));
    fuzz_is_utf8(text);
    for (const char *at = strchr(text, '\033'); at != NULL; at = strchr(at + 1, '\033')) {
        FUZZ_HOLDS(at[1] == '[' && at[2 + strspn(at + 2, "0123456789;")] == 'm', text);
    }
}

void fuzz_one(TALLOC_CTX *memory, const char *bytes, size_t length)
{
    struct mw_error ignored;
    json_auto_t *message = mw_json_parse(bytes, length, LIMIT, &ignored);
    if (message != NULL) {
        check_text(memory, message, 40 + length % 100);
        check_colours(memory, message, 40 + length % 100);
    }
}
