/* SPDX-License-Identifier: Apache-2.0 */
/* What happened while nobody listened: reactions on the messages of open incidents, words in their threads.
 * Slack tells what is there now, not when it came; what is known already does nothing. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "slack.h"

#define CALL_MS   30000
#define PAGES_MAX 5

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static void hand_in(struct mw_slack *self, const struct mw_chat_event *event)
{
    struct mw_error error;
    if (!self->chat->host->event(self->chat->host->context, self->chat, event, &error)) {
        mw_log_warning("slack", "what was missed could not be recorded: %s", error.text);
    }
}

/* The same shape as what comes through the socket, so that it is understood by the same code. */
static void hand_in_reaction(struct mw_slack *self, TALLOC_CTX *memory, const char *channel,
                             const char *ts, const char *name, const char *user)
{
    struct mw_slack_envelope envelope;
    json_auto_t *payload =
        json_pack("{s:s, s:{s:s, s:s, s:s, s:{s:s, s:s, s:s}}}", "event_id", "missed", "event",
                  "type", "reaction_added", "user", user, "reaction", name, "item", "type",
                  "message", "channel", channel, "ts", ts);
    mw_slack_envelope_read(memory, "events_api", payload, self->user, &envelope);
    if (envelope.kind == MW_SLACK_EVENT) {
        envelope.event.id =
            talloc_asprintf(memory, "r:%s:%s:%s:%s", channel, ts, envelope.event.emoji, user);
        hand_in(self, &envelope.event);
    }
}

static void read_reactions(struct mw_slack *self, TALLOC_CTX *memory, const char *channel,
                           const char *ts)
{
    const struct mw_slack_call call = {"reactions.get", MW_SLACK_BOT, MW_SLACK_FIELDS, channel};
    struct mw_error error;
    json_auto_t *answer = mw_slack_api(
        self, &call, json_pack("{s:s, s:s, s:b}", "channel", channel, "timestamp", ts, "full", 1),
        mw_deadline_in(CALL_MS), NULL, &error);
    size_t i, j;
    json_t *reaction, *user;
    if (answer == NULL) {
        mw_log_warning("slack", "reactions that were missed cannot be read: %s", error.text);
        return;
    }
    json_array_foreach(json_object_get(json_object_get(answer, "message"), "reactions"), i,
                       reaction)
    {
        json_array_foreach(json_object_get(reaction, "users"), j, user)
        {
            if (json_is_string(user)) {
                hand_in_reaction(self, memory, channel, ts, text_of(reaction, "name"),
                                 json_string_value(user));
            }
        }
    }
}

static void read_reply(struct mw_slack *self, TALLOC_CTX *memory, const char *channel,
                       json_t *message)
{
    struct mw_slack_envelope envelope;
    json_auto_t *event = json_copy(message);
    json_object_set_new(event, "channel", json_string(channel));
    json_auto_t *payload = json_pack("{s:s, s:O}", "event_id", "missed", "event", event);
    mw_slack_envelope_read(memory, "events_api", payload, self->user, &envelope);
    if (envelope.kind == MW_SLACK_EVENT) {
        hand_in(self, &envelope.event);
    }
}

static void read_thread(struct mw_slack *self, TALLOC_CTX *memory, const char *channel,
                        const char *ts)
{
    const struct mw_slack_call call = {"conversations.replies", MW_SLACK_BOT, MW_SLACK_FIELDS,
                                       channel};
    json_auto_t *cursor = NULL;
    for (int i = 0; i < PAGES_MAX; i++) {
        struct mw_error error;
        json_t *arguments =
            json_pack("{s:s, s:s, s:i}", "channel", channel, "ts", ts, "limit", 200);
        if (cursor != NULL) {
            json_object_set(arguments, "cursor", cursor);
        }
        json_auto_t *answer =
            mw_slack_api(self, &call, arguments, mw_deadline_in(CALL_MS), NULL, &error);
        if (answer == NULL) {
            mw_log_warning("slack", "replies that were missed cannot be read: %s", error.text);
            return;
        }
        size_t j;
        json_t *message;
        json_array_foreach(json_object_get(answer, "messages"), j, message)
        {
            read_reply(self, memory, channel, message);
        }
        json_decref(cursor);
        cursor = json_incref(
            json_object_get(json_object_get(answer, "response_metadata"), "next_cursor"));
        if (json_string_length(cursor) == 0) {
            return;
        }
    }
}

void mw_slack_catch_up(struct mw_slack *self)
{
    const struct mw_chat_host *host = self->chat->host;
    TALLOC_CTX *memory = talloc_new(self);
    struct mw_chat_standing *list = NULL;
    size_t count = 0;
    struct mw_error error;
    if (!host->standing(host->context, self->chat, memory, &list, &count, &error)) {
        mw_log_warning("slack", "what was missed cannot be looked for: %s", error.text);
    }
    for (size_t i = 0; i < count && !mw_fiber_cancelled(); i++) {
        char *channel, *ts;
        if (!mw_slack_split(memory, list[i].reference, &channel, &ts)) {
            continue;
        }
        if (list[i].waits) {
            read_reactions(self, memory, channel, ts);
        }
        if (list[i].thread) {
            read_thread(self, memory, channel, ts);
        }
    }
    talloc_free(memory);
}
