/* SPDX-License-Identifier: Apache-2.0 */
/* What an emoji means. */
#include "converse/reactions.h"

#include "fuzz.h"

void fuzz_one(TALLOC_CTX *memory, const char *bytes, size_t length)
{
    const char *emoji = fuzz_text(memory, bytes, length, &length);
    enum mw_action action = MW_ACTION_UNDO, again = MW_ACTION_UNDO;
    if (!mw_reaction_parse(emoji, &action)) {
        FUZZ_HOLDS(action == MW_ACTION_UNDO, emoji);
        return;
    }
    FUZZ_HOLDS(action == MW_ACTION_APPROVE || action == MW_ACTION_REJECT ||
                   action == MW_ACTION_ACK || action == MW_ACTION_STOP || action == MW_ACTION_AGAIN,
               emoji);
    /* Colons around it, and how it is drawn, say nothing. */
    size_t name = strcspn(emoji + (*emoji == ':'), ":");
    char *other = talloc_asprintf(memory, ":%.*s\xEF\xB8\x8F:", (int)name, emoji + (*emoji == ':'));
    if (strlen(other) <= 64) {
        FUZZ_HOLDS(mw_reaction_parse(other, &again) && again == action, other);
    }
}
