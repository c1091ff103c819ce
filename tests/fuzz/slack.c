/* SPDX-License-Identifier: Apache-2.0 */
/* What Slack sends, and text that it is sent. */
#include <string.h>

#include "adapters/chat/slack/slack.h"
#include "base/json.h"
#include "base/text.h"

#include "fuzz.h"

#define LIMIT 300

static void show(TALLOC_CTX *memory, const char *text)
{
    bool unused;
    FUZZ_HOLDS(mw_slack_plain(memory, text, "U0BOT", &unused) != NULL, text);
    text = mw_text_clean(memory, text, strlen(text), 4096);
    char *escaped = mw_slack_escape(memory, text, LIMIT);
    FUZZ_HOLDS(strlen(escaped) <= LIMIT, escaped);
    FUZZ_HOLDS(mw_text_is_utf8(escaped, strlen(escaped)), escaped);
    FUZZ_HOLDS(strpbrk(escaped, "<>") == NULL, escaped);
    FUZZ_HOLDS(strstr(mw_slack_escape_code(memory, text, LIMIT), "```") == NULL, text);
}

static void read_envelope(TALLOC_CTX *memory, const char *type, const json_t *message)
{
    struct mw_slack_envelope envelope;
    mw_slack_envelope_read(memory, type, message, "U0BOT", &envelope);
    if (envelope.kind == MW_SLACK_EVENT) {
        FUZZ_HOLDS(envelope.event.id != NULL && *envelope.event.id != '\0', type);
        FUZZ_HOLDS(envelope.event.person != NULL && *envelope.event.person != '\0', type);
        FUZZ_HOLDS(envelope.event.place != NULL, type);
        FUZZ_HOLDS(strcmp(envelope.event.person, "U0BOT") != 0 || strcmp(type, "events_api") != 0,
                   "our own words");
    }
    FUZZ_HOLDS((envelope.kind == MW_SLACK_MODAL) == (envelope.view != NULL), type);
    json_decref(envelope.view);
}

void fuzz_one(TALLOC_CTX *memory, const char *bytes, size_t length)
{
    static const char *const types[] = {"events_api", "slash_commands", "interactive"};
    struct mw_error error;
    json_auto_t *message = mw_json_parse(bytes, length, length, &error);
    for (size_t i = 0; message != NULL && i < sizeof types / sizeof *types; i++) {
        read_envelope(memory, types[i], message);
    }
    show(memory, fuzz_text(memory, bytes, length, &length));
}
