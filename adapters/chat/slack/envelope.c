/* SPDX-License-Identifier: Apache-2.0 */
/* What Socket Mode brings becomes an event of ours. All of it is foreign. */
#include <stdlib.h>
#include <string.h>

#include "slack.h"

#define ID_MAX 60

struct reader {
    TALLOC_CTX *memory;
    const char *user; /* ours */
    struct mw_slack_envelope *out;
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* Channels, people and timestamps: a word of few characters. */
static bool is_id(const char *text)
{
    size_t length = strlen(text);
    return length > 0 && length <= ID_MAX &&
           text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.")] ==
               '\0';
}

static const char *write_place(struct reader *reader, const char *kind, const char *channel,
                               const char *user, const char *thread, const char *response_url)
{
    json_auto_t *place = json_pack("{s:s, s:s}", "k", kind, "u", user);
    if (channel != NULL && *channel != '\0') {
        json_object_set_new(place, "c", json_string(channel));
    }
    if (thread != NULL && *thread != '\0') {
        json_object_set_new(place, "t", json_string(thread));
    }
    if (response_url != NULL && *response_url != '\0') {
        json_object_set_new(place, "r", json_string(response_url));
    }
    char *text = json_dumps(place, JSON_COMPACT);
    const char *copy = text != NULL ? talloc_strdup(reader->memory, text) : NULL;
    free(text);
    return copy;
}

static void take(struct reader *reader, enum mw_chat_event_kind kind, const char *id,
                 const char *person)
{
    reader->out->kind = MW_SLACK_EVENT;
    reader->out->event.kind = kind;
    reader->out->event.id = id;
    reader->out->event.person = talloc_strdup(reader->memory, person);
}

/* ---- events ---- */

static bool is_own(const struct reader *reader, const json_t *event)
{
    return *text_of(event, "bot_id") != '\0' || strcmp(text_of(event, "user"), reader->user) == 0;
}

/* A mention comes twice, as `app_mention` and as `message`: the same message either way. */
static void read_words(struct reader *reader, const json_t *event, bool direct)
{
    const char *channel = text_of(event, "channel"), *ts = text_of(event, "ts");
    const char *thread = text_of(event, "thread_ts"), *user = text_of(event, "user");
    const char *subtype = text_of(event, "subtype");
    bool mentioned = false;
    char *words = mw_slack_plain(reader->memory, text_of(event, "text"), reader->user, &mentioned);
    if (is_own(reader, event) || words == NULL || !is_id(channel) || !is_id(ts) || !is_id(user) ||
        (*subtype != '\0' && strcmp(subtype, "thread_broadcast") != 0) || !(mentioned || direct)) {
        return;
    }
    take(reader, MW_CHAT_COMMAND, talloc_asprintf(reader->memory, "m:%s:%s", channel, ts), user);
    bool inside = is_id(thread) && strcmp(thread, ts) != 0;
    struct mw_chat_event *out = &reader->out->event;
    out->text = *words != '\0' ? words : "help";
    if (inside) {
        out->thread = talloc_asprintf(reader->memory, "%s/%s", channel, thread);
    }
    out->place = write_place(reader, "mention", channel, user,
                             inside   ? thread
                             : direct ? ""
                                      : ts,
                             NULL);
}

static void read_reaction(struct reader *reader, const json_t *event, const char *id, bool added)
{
    const json_t *item = json_object_get(event, "item");
    const char *channel = text_of(item, "channel"), *ts = text_of(item, "ts");
    const char *user = text_of(event, "user"), *name = text_of(event, "reaction");
    if (strcmp(user, reader->user) == 0) {
        reader->out->kind = MW_SLACK_ECHO;
        return;
    }
    if (strcmp(text_of(item, "type"), "message") != 0 || !is_id(channel) || !is_id(ts) ||
        !is_id(user)) {
        return;
    }
    take(reader, added ? MW_CHAT_REACTION : MW_CHAT_REACTION_REMOVED, id, user);
    struct mw_chat_event *out = &reader->out->event;
    /* "+1::skin-tone-3" */
    out->emoji = talloc_strndup(reader->memory, name, strcspn(name, ":"));
    out->message = talloc_asprintf(reader->memory, "%s/%s", channel, ts);
    out->place = write_place(reader, "reaction", channel, user, NULL, NULL);
}

static void read_event(struct reader *reader, const json_t *payload)
{
    const json_t *event = json_object_get(payload, "event");
    const char *type = text_of(event, "type"), *given = text_of(payload, "event_id");
    char *id = talloc_asprintf(reader->memory, "e:%s", given);
    if (!is_id(given)) {
        return;
    }
    if (strcmp(type, "app_mention") == 0) {
        read_words(reader, event, false);
    } else if (strcmp(type, "message") == 0) {
        read_words(reader, event, strcmp(text_of(event, "channel_type"), "im") == 0);
    } else if (strcmp(type, "reaction_added") == 0) {
        read_reaction(reader, event, id, true);
    } else if (strcmp(type, "reaction_removed") == 0) {
        read_reaction(reader, event, id, false);
    } else if (strcmp(type, "app_home_opened") == 0 && strcmp(text_of(event, "tab"), "home") == 0 &&
               is_id(text_of(event, "user"))) {
        take(reader, MW_CHAT_HOME, id, text_of(event, "user"));
        reader->out->event.place =
            write_place(reader, "home", NULL, text_of(event, "user"), NULL, NULL);
    }
}

/* ---- commands ---- */

static void read_command(struct reader *reader, const json_t *payload)
{
    const char *user = text_of(payload, "user_id"), *channel = text_of(payload, "channel_id");
    const char *trigger = text_of(payload, "trigger_id");
    bool unused;
    char *words = mw_slack_plain(reader->memory, text_of(payload, "text"), NULL, &unused);
    if (!is_id(user) || !is_id(channel) || *trigger == '\0' || words == NULL) {
        return;
    }
    const char *place =
        write_place(reader, "command", channel, user, NULL, text_of(payload, "response_url"));
    words[strcspn(words, "\r\n")] = '\0';
    const char *first = words + strspn(words, " \t");
    if (strcmp(first, "silence") == 0) {
        reader->out->kind = MW_SLACK_MODAL;
        reader->out->trigger = talloc_strdup(reader->memory, trigger);
        reader->out->view = mw_slack_silence_view(place);
        return;
    }
    take(reader, MW_CHAT_COMMAND, talloc_asprintf(reader->memory, "s:%s", trigger), user);
    reader->out->event.text = *first != '\0' ? first : "help";
    reader->out->event.place = place;
}

/* ---- buttons and dialogs ---- */

/* The words that stand for a button; NULL: it is none of ours. */
static char *button_words(TALLOC_CTX *memory, const char *id, const char *value)
{
    static const struct {
        const char *id, *word;
    } buttons[] = {
        {"midwatch_ack", "ack"}, {"midwatch_stop", "stop"}, {"midwatch_details", "show"}};
    if (strcmp(id, "midwatch_approve") == 0) {
        char *plan = mw_slack_button_plan(memory, value);
        return plan != NULL ? talloc_asprintf(memory, "approve %s", plan) : NULL;
    }
    char *incident = talloc_strndup(memory, value, strcspn(value, " "));
    for (size_t i = 0; i < sizeof buttons / sizeof *buttons; i++) {
        if (strcmp(buttons[i].id, id) == 0 && is_id(incident)) {
            return talloc_asprintf(memory, "%s %s", buttons[i].word, incident);
        }
    }
    return NULL;
}

static void read_button(struct reader *reader, const json_t *payload)
{
    const json_t *action = json_array_get(json_object_get(payload, "actions"), 0);
    const json_t *container = json_object_get(payload, "container");
    const char *user = text_of(json_object_get(payload, "user"), "id");
    const char *channel = text_of(container, "channel_id");
    const char *trigger = text_of(payload, "trigger_id");
    if (!is_id(user) || *trigger == '\0') {
        return;
    }
    /* What stands in the channel is answered there, also where it begins a thread. */
    const char *thread = text_of(container, "thread_ts");
    bool inside = is_id(thread) && strcmp(thread, text_of(container, "message_ts")) != 0;
    const char *place = write_place(reader, "button", channel, user, inside ? thread : NULL, NULL);
    const char *id = text_of(action, "action_id"), *value = text_of(action, "value");
    if (strcmp(id, "midwatch_reject") == 0) {
        reader->out->view = mw_slack_reject_view(value, place);
        reader->out->kind = reader->out->view != NULL ? MW_SLACK_MODAL : MW_SLACK_NOTHING;
        reader->out->trigger = talloc_strdup(reader->memory, trigger);
        return;
    }
    char *words = button_words(reader->memory, id, value);
    if (words != NULL) {
        take(reader, MW_CHAT_COMMAND, talloc_asprintf(reader->memory, "a:%s", trigger), user);
        reader->out->event.text = words;
        reader->out->event.place = place;
    }
}

static void read_submission(struct reader *reader, const json_t *payload)
{
    const char *user = text_of(json_object_get(payload, "user"), "id");
    const json_t *view = json_object_get(payload, "view");
    const char *id = text_of(view, "id"), *place = NULL;
    char *words = mw_slack_modal_words(reader->memory, view, &place);
    if (!is_id(user) || !is_id(id) || words == NULL) {
        return;
    }
    take(reader, MW_CHAT_COMMAND, talloc_asprintf(reader->memory, "v:%s", id), user);
    reader->out->event.text = words;
    reader->out->event.place = place;
}

static void read_interaction(struct reader *reader, const json_t *payload)
{
    const char *type = text_of(payload, "type");
    if (strcmp(type, "block_actions") == 0) {
        read_button(reader, payload);
    } else if (strcmp(type, "view_submission") == 0) {
        read_submission(reader, payload);
    }
}

void mw_slack_envelope_read(TALLOC_CTX *memory, const char *type, const json_t *payload,
                            const char *user, struct mw_slack_envelope *envelope)
{
    *envelope = (struct mw_slack_envelope){.kind = MW_SLACK_NOTHING};
    struct reader reader = {memory, user, envelope};
    if (strcmp(type, "events_api") == 0) {
        read_event(&reader, payload);
    } else if (strcmp(type, "slash_commands") == 0) {
        read_command(&reader, payload);
    } else if (strcmp(type, "interactive") == 0) {
        read_interaction(&reader, payload);
    }
    if (envelope->kind == MW_SLACK_MODAL && envelope->view == NULL) {
        envelope->kind = MW_SLACK_NOTHING;
    }
}
