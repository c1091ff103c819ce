/* SPDX-License-Identifier: Apache-2.0 */
/* What we say: new messages, and changed ones. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "slack.h"

#define NS_PER_MS INT64_C(1000000)
#define PACE_MS   1000
#define ECHO_MS   10000

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

bool mw_slack_split(TALLOC_CTX *memory, const char *reference, char **channel, char **ts)
{
    const char *slash = reference != NULL ? strchr(reference, '/') : NULL;
    if (slash == NULL || slash == reference || slash[1] == '\0') {
        return false;
    }
    *channel = talloc_strndup(memory, reference, (size_t)(slash - reference));
    *ts = talloc_strdup(memory, slash + 1);
    return *channel != NULL && *ts != NULL;
}

/* ---- one message a second ---- */

static struct mw_slack_pace *find_pace(struct mw_slack *self, const char *channel)
{
    struct mw_slack_pace *oldest = &self->paces[0];
    for (size_t i = 0; i < MW_SLACK_PACES; i++) {
        if (strcmp(self->paces[i].channel, channel) == 0) {
            return &self->paces[i];
        }
        oldest = self->paces[i].next < oldest->next ? &self->paces[i] : oldest;
    }
    snprintf(oldest->channel, sizeof oldest->channel, "%s", channel);
    oldest->next = 0;
    return oldest;
}

bool mw_slack_pace(struct mw_slack *self, const char *channel, struct mw_deadline deadline,
                   struct mw_error *error)
{
    struct mw_slack_pace *pace = find_pace(self, channel);
    mw_mono_ns now = mw_mono_now(), turn = pace->next > now ? pace->next : now;
    if ((turn - now) / NS_PER_MS > mw_deadline_left_ms(deadline)) {
        return mw_error_set(error, MW_ERROR_RETRY, "there is too much to say in %s at once",
                            channel);
    }
    pace->next = turn + PACE_MS * NS_PER_MS;
    return turn == now || mw_sleep((turn - now) / NS_PER_MS + 1, error);
}

/* ---- posting ---- */

static void seed(struct mw_slack *self, const char *channel, const char *ts, const json_t *message,
                 struct mw_deadline deadline)
{
    const struct mw_slack_call call = {"reactions.add", MW_SLACK_BOT, MW_SLACK_JSON, channel};
    size_t i;
    json_t *sign;
    json_array_foreach(json_object_get(message, "reactions"), i, sign)
    {
        struct mw_error error;
        char code[64];
        const char *name = json_is_string(sign) ? mw_slack_emoji(json_string_value(sign)) : NULL;
        if (name == NULL) {
            continue;
        }
        json_auto_t *answer = mw_slack_api(
            self, &call,
            json_pack("{s:s, s:s, s:s}", "channel", channel, "timestamp", ts, "name", name),
            deadline, code, &error);
        if (answer != NULL && self->echo_due == 0) {
            self->echo_due = mw_mono_now() + ECHO_MS * NS_PER_MS;
        } else if (answer == NULL && strcmp(code, "already_reacted") != 0) {
            mw_log_warning("slack", "a reaction could not be put on a message: %s", error.text);
        }
    }
}

static json_t *post_arguments(const struct mw_slack_page *page, const char *channel,
                              const char *key, const json_t *message, const char *thread_ts)
{
    json_t *arguments =
        json_pack("{s:s, s:s, s:O, s:b, s:b, s:{s:s, s:{s:s}}}", "channel", channel, "text",
                  page->text, "blocks", page->blocks, "unfurl_links", 0, "unfurl_media", 0,
                  "metadata", "event_type", MW_SLACK_EVENT_TYPE, "event_payload", "key", key);
    if (thread_ts != NULL) {
        json_object_set_new(arguments, "thread_ts", json_string(thread_ts));
        if (json_is_true(json_object_get(message, "broadcast"))) {
            json_object_set_new(arguments, "reply_broadcast", json_true());
        }
    }
    return arguments;
}

/* Joins the channel where that is what is missing, and asks again. */
static json_t *say(struct mw_slack *self, const char *channel, json_t *arguments,
                   struct mw_deadline deadline, char code[64], struct mw_error *error)
{
    const struct mw_slack_call call = {"chat.postMessage", MW_SLACK_BOT, MW_SLACK_JSON,
                                       self->wanted};
    json_t *answer = mw_slack_api(self, &call, json_incref(arguments), deadline, code, error);
    struct mw_error joining;
    if (answer == NULL && strcmp(code, "not_in_channel") == 0 &&
        mw_slack_join(self, channel, deadline, &joining)) {
        answer = mw_slack_api(self, &call, json_incref(arguments), deadline, code, error);
    }
    json_decref(arguments);
    return answer;
}

/* Which key Slack surely has no message for, so that nobody searches before the next try. */
static void note_absent(struct mw_slack *self, const char *key)
{
    talloc_free(self->absent);
    self->absent = key != NULL ? talloc_strdup(self, key) : NULL;
}

/* ---- the port ---- */

static bool post_page(struct mw_slack *self, TALLOC_CTX *memory, const char *key,
                      const json_t *message, const struct mw_slack_page *page,
                      const char *thread_ts, struct mw_deadline deadline, char **reference,
                      struct mw_error *error)
{
    char code[64];
    char *channel = talloc_strdup(memory, self->channel);
    json_auto_t *answer = say(self, channel, post_arguments(page, channel, key, message, thread_ts),
                              deadline, code, error);
    if (answer == NULL) {
        note_absent(self, *code != '\0' ? key : NULL);
        return false;
    }
    note_absent(self, NULL);
    mw_slack_look_again(self, key, channel, thread_ts);
    const char *where = text_of(answer, "channel"), *ts = text_of(answer, "ts");
    *reference = talloc_asprintf(memory, "%s/%s", *where != '\0' ? where : channel, ts);
    seed(self, *where != '\0' ? where : channel, ts, message, deadline);
    if (page->cut) {
        mw_slack_attach(self, key, *where != '\0' ? where : channel,
                        thread_ts != NULL ? thread_ts : ts, message, deadline);
    }
    return true;
}

bool mw_slack_post(struct mw_chat *chat, const char *key, const json_t *message, const char *thread,
                   struct mw_deadline deadline, TALLOC_CTX *memory, char **reference,
                   struct mw_error *error)
{
    struct mw_slack *self = chat->state;
    char *channel = NULL, *thread_ts = NULL;
    if (thread != NULL && !mw_slack_split(memory, thread, &channel, &thread_ts)) {
        return mw_error_set(error, MW_ERROR_BAD_INPUT, "\"%.60s\" is no message in Slack", thread);
    }
    if (!mw_slack_channel(self, deadline, error) ||
        !mw_slack_pace(self, self->channel, deadline, error)) {
        note_absent(self, key);
        return false;
    }
    struct mw_slack_page page;
    mw_slack_render(memory, message, &page);
    bool done = post_page(self, memory, key, message, &page, thread_ts, deadline, reference, error);
    mw_slack_page_finish(&page);
    return done;
}

bool mw_slack_edit(struct mw_chat *chat, const char *reference, const json_t *message,
                   const char *thread, struct mw_deadline deadline, struct mw_error *error)
{
    struct mw_slack *self = chat->state;
    const struct mw_slack_call call = {"chat.update", MW_SLACK_BOT, MW_SLACK_JSON, self->wanted};
    TALLOC_CTX *memory = talloc_new(self);
    char *channel = NULL, *ts = NULL;
    bool done =
        mw_slack_split(memory, reference, &channel, &ts) ||
        mw_error_set(error, MW_ERROR_BAD_INPUT, "\"%.60s\" is no message in Slack", reference);
    if (done) {
        struct mw_slack_page page;
        mw_slack_render(memory, message, &page);
        json_auto_t *answer =
            mw_slack_api(self, &call,
                         json_pack("{s:s, s:s, s:s, s:O}", "channel", channel, "ts", ts, "text",
                                   page.text, "blocks", page.blocks),
                         deadline, NULL, error);
        mw_slack_page_finish(&page);
        done = answer != NULL;
        if (done) {
            seed(self, channel, ts, message, deadline);
        }
    }
    talloc_free(memory);
    return done;
}
