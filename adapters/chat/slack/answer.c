/* SPDX-License-Identifier: Apache-2.0 */
/* Answers, where something was said: through its response_url, to one person alone, in its thread, or in
 * App Home. */
#include <string.h>

#include "base/json.h"
#include "slack.h"

#define PLACE_BYTES 4096

struct answer {
    const char *kind, *channel, *user, *thread, *response_url;
    const json_t *message;
    struct mw_slack_page page;
    bool alone; /* for that person's eyes */
};

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static json_t *arguments_of(const struct answer *answer)
{
    json_t *arguments =
        json_pack("{s:s, s:O}", "text", answer->page.text, "blocks", answer->page.blocks);
    json_object_set_new(arguments, "channel", json_string(answer->channel));
    if (answer->thread != NULL) {
        json_object_set_new(arguments, "thread_ts", json_string(answer->thread));
    }
    return arguments;
}

static bool whisper(struct mw_slack *self, const struct answer *answer, struct mw_deadline deadline,
                    struct mw_error *error)
{
    const struct mw_slack_call call = {"chat.postEphemeral", MW_SLACK_BOT, MW_SLACK_JSON,
                                       answer->channel};
    json_t *arguments = arguments_of(answer);
    json_object_set_new(arguments, "user", json_string(answer->user));
    json_auto_t *done = mw_slack_api(self, &call, arguments, deadline, NULL, error);
    return done != NULL;
}

static bool say(struct mw_slack *self, const struct answer *answer, struct mw_deadline deadline,
                struct mw_error *error)
{
    const struct mw_slack_call call = {"chat.postMessage", MW_SLACK_BOT, MW_SLACK_JSON,
                                       answer->channel};
    if (!mw_slack_pace(self, answer->channel, deadline, error)) {
        return false;
    }
    json_t *arguments = arguments_of(answer);
    json_object_set_new(arguments, "unfurl_links", json_false());
    json_object_set_new(arguments, "unfurl_media", json_false());
    json_auto_t *done = mw_slack_api(self, &call, arguments, deadline, NULL, error);
    return done != NULL;
}

static bool respond(struct mw_slack *self, const struct answer *answer, struct mw_deadline deadline,
                    struct mw_error *error)
{
    json_auto_t *body = json_pack(
        "{s:s, s:O, s:s, s:b}", "text", answer->page.text, "blocks", answer->page.blocks,
        "response_type", answer->alone ? "ephemeral" : "in_channel", "replace_original", 0);
    return mw_slack_respond(self, answer->response_url, body, deadline, error);
}

static bool publish(struct mw_slack *self, const struct answer *answer, struct mw_deadline deadline,
                    struct mw_error *error)
{
    const struct mw_slack_call call = {"views.publish", MW_SLACK_BOT, MW_SLACK_JSON, NULL};
    json_t *arguments = json_pack("{s:s, s:{s:s, s:O}}", "user_id", answer->user, "view", "type",
                                  "home", "blocks", answer->page.blocks);
    json_auto_t *done = mw_slack_api(self, &call, arguments, deadline, NULL, error);
    return done != NULL;
}

/* A response_url serves half an hour, five times, and is not there after a reaction. */
static bool deliver(struct mw_slack *self, const struct answer *answer, struct mw_deadline deadline,
                    struct mw_error *error)
{
    if (answer->user == NULL || (answer->channel == NULL && strcmp(answer->kind, "home") != 0)) {
        return mw_error_set(error, MW_ERROR_BAD_INPUT, "nobody knows where this was said");
    }
    if (strcmp(answer->kind, "home") == 0) {
        return publish(self, answer, deadline, error);
    }
    if (answer->response_url != NULL && respond(self, answer, deadline, error)) {
        return true;
    }
    if (answer->response_url != NULL && error->class == MW_ERROR_CANCELLED) {
        return false;
    }
    return answer->alone ? whisper(self, answer, deadline, error)
                         : say(self, answer, deadline, error);
}

bool mw_slack_answer(struct mw_chat *chat, const struct mw_chat_event *event, const json_t *message,
                     bool private_answer, struct mw_deadline deadline, struct mw_error *error)
{
    struct mw_slack *self = chat->state;
    struct mw_error parsed;
    json_auto_t *place = event->place != NULL ? mw_json_parse(event->place, strlen(event->place),
                                                              PLACE_BYTES, &parsed)
                                              : NULL;
    const char *kind = text_of(place, "k");
    if (kind == NULL) {
        return mw_error_set(error, MW_ERROR_BAD_INPUT, "nobody knows where this was said");
    }
    TALLOC_CTX *memory = talloc_new(self);
    struct answer answer = {
        .kind = kind,
        .channel = text_of(place, "c"),
        .user = text_of(place, "u"),
        .thread = text_of(place, "t"),
        .response_url = text_of(place, "r"),
        .message = message,
        /* Who pressed a button or reacted sees it in the card; the others need not hear of it. */
        .alone = private_answer || strcmp(kind, "button") == 0 || strcmp(kind, "reaction") == 0,
    };
    mw_slack_render(memory, message, &answer.page);
    bool done = deliver(self, &answer, deadline, error);
    if (done && answer.page.cut && !answer.alone && answer.channel != NULL) {
        mw_slack_attach(self, "answer", answer.channel, answer.thread, message, deadline);
    }
    mw_slack_page_finish(&answer.page);
    talloc_free(memory);
    return done;
}
