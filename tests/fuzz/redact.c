/* SPDX-License-Identifier: Apache-2.0 */
/* Masking, by what is known and by what secrets look like. */
#include "base/redact.h"

#include "base/text.h"
#include "fuzz.h"

/* Not known: only what announces it tells. */
#define UNKNOWN "Vy3sesamstrasse"

#define SHORT 64

static const char *const announcements[] = {
    "password=" UNKNOWN,
    "\"api_key\": \"" UNKNOWN "\"",
    "--password " UNKNOWN,
    "requirepass " UNKNOWN,
    "redis://user:" UNKNOWN "@host",
    "Authorization: Bearer " UNKNOWN,
    "ALTER ROLE a PASSWORD '" UNKNOWN "'",
    "AUTH " UNKNOWN,
};

/* On a line of its own it is masked, whatever stands above and below. */
static void check_announced(TALLOC_CTX *memory, const char *above, const char *below)
{
    for (size_t i = 0; i < sizeof announcements / sizeof *announcements; i++) {
        char *text = talloc_asprintf(memory, "%s\n%s\n%s", above, announcements[i], below);
        char *masked = mw_redact(memory, text);
        FUZZ_HOLDS(strstr(masked, UNKNOWN) == NULL, masked);
    }
}

void fuzz_one(TALLOC_CTX *memory, const char *bytes, size_t length)
{
    char *text = fuzz_text(memory, bytes, length, &length);
    char *clean = mw_text_clean(memory, text, length, 3 * length);
    char *masked = mw_redact(memory, clean);
    fuzz_is_clean(masked, 12 * length);
    fuzz_keeps_secret(masked);
    /* Where a mask swallowed one of two quotes, the other may begin another part; and masks are shorter than
     * what they hide, so that the second time a shape may fit into how far it is looked for. */
    if (strpbrk(clean, "'\"`\\") == NULL && strlen(clean) <= SHORT) {
        char *again = mw_redact(memory, masked);
        FUZZ_HOLDS(strcmp(masked, again) == 0, masked);
    }
    if (strstr(text, "Vy3") == NULL) {
        check_announced(memory, text, text);
    }
}
