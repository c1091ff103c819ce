/* SPDX-License-Identifier: Apache-2.0 */
/* A message whose fate is not known: whether it stands there, and that it stands there once. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "slack.h"

/* A message of an earlier life of the same name is not meant. */
#define SEARCH_MS INT64_C(86400000)
#define PAGES_MAX 20
/* By then Slack has taken what it was still to take. */
#define LATER_MS 60000
#define CALL_MS  30000

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static bool is_meant(const struct mw_slack *self, const json_t *message, const char *key)
{
    const json_t *metadata = json_object_get(message, "metadata");
    return strcmp(text_of(message, "user"), self->user) == 0 &&
           strcmp(text_of(metadata, "event_type"), MW_SLACK_EVENT_TYPE) == 0 &&
           strcmp(text_of(json_object_get(metadata, "event_payload"), "key"), key) == 0;
}

static void delete_double(struct mw_slack *self, const char *channel, const char *ts,
                          struct mw_deadline deadline)
{
    const struct mw_slack_call call = {"chat.delete", MW_SLACK_BOT, MW_SLACK_JSON, channel};
    struct mw_error error;
    json_auto_t *answer = mw_slack_api(
        self, &call, json_pack("{s:s, s:s}", "channel", channel, "ts", ts), deadline, NULL, &error);
    if (answer != NULL) {
        mw_log_info("slack", "a message that had arrived twice was deleted");
    } else {
        mw_log_warning("slack", "a message stands there twice: %s", error.text);
    }
}

struct search {
    const char *channel, *thread_ts, *key;
    char *oldest; /* the first that was found; NULL: none yet */
};

/* The first one stays, since somebody may have reacted to it already. */
static void search_page(struct mw_slack *self, TALLOC_CTX *memory, struct search *search,
                        const json_t *answer, struct mw_deadline deadline)
{
    size_t i;
    json_t *message;
    json_array_foreach(json_object_get(answer, "messages"), i, message)
    {
        const char *ts = text_of(message, "ts");
        if (*ts == '\0' || !is_meant(self, message, search->key)) {
            continue;
        }
        bool earlier = search->oldest == NULL || strcmp(ts, search->oldest) < 0;
        if (search->oldest != NULL) {
            delete_double(self, search->channel, earlier ? search->oldest : ts, deadline);
        }
        if (earlier) {
            search->oldest = talloc_strdup(memory, ts);
        }
    }
}

static bool search_all(struct mw_slack *self, TALLOC_CTX *memory, struct search *search,
                       struct mw_deadline deadline, struct mw_error *error)
{
    const struct mw_slack_call call = {search->thread_ts != NULL ? "conversations.replies"
                                                                 : "conversations.history",
                                       MW_SLACK_BOT, MW_SLACK_FIELDS, self->wanted};
    char since[32];
    snprintf(since, sizeof since, "%" PRId64 ".000000", (mw_wall_now() - SEARCH_MS) / 1000);
    json_auto_t *cursor = NULL;
    for (int i = 0; i < PAGES_MAX; i++) {
        json_t *arguments = json_pack("{s:s, s:b, s:i}", "channel", search->channel,
                                      "include_all_metadata", 1, "limit", 200);
        json_object_set_new(arguments, search->thread_ts != NULL ? "ts" : "oldest",
                            json_string(search->thread_ts != NULL ? search->thread_ts : since));
        if (cursor != NULL) {
            json_object_set(arguments, "cursor", cursor);
        }
        json_auto_t *answer = mw_slack_api(self, &call, arguments, deadline, NULL, error);
        if (answer == NULL) {
            return false;
        }
        search_page(self, memory, search, answer, deadline);
        json_decref(cursor);
        cursor = json_incref(
            json_object_get(json_object_get(answer, "response_metadata"), "next_cursor"));
        if (json_string_length(cursor) == 0) {
            break;
        }
    }
    return true;
}

bool mw_slack_find(struct mw_chat *chat, const char *key, const char *thread,
                   struct mw_deadline deadline, TALLOC_CTX *memory, char **reference,
                   struct mw_error *error)
{
    struct mw_slack *self = chat->state;
    *reference = NULL;
    if (self->absent != NULL && strcmp(self->absent, key) == 0) {
        return true;
    }
    if (!mw_slack_self(self, deadline, error) || !mw_slack_channel(self, deadline, error)) {
        return false;
    }
    char *channel = talloc_strdup(memory, self->channel), *ts = NULL, *in = NULL;
    if (thread != NULL && mw_slack_split(memory, thread, &in, &ts)) {
        channel = in;
    }
    struct search search = {.channel = channel, .thread_ts = ts, .key = key};
    if (!search_all(self, memory, &search, deadline, error)) {
        return false;
    }
    if (search.oldest != NULL) {
        *reference = talloc_asprintf(memory, "%s/%s", channel, search.oldest);
        return true;
    }
    talloc_free(self->doubted);
    self->doubted = talloc_strdup(self, key);
    return true;
}

/* ---- one that appears after all ---- */

struct later {
    struct mw_slack *self;
    char *key, *channel, *thread_ts;
};

static void look_again(void *argument)
{
    struct later *later = argument;
    struct mw_error error;
    if (mw_sleep(LATER_MS, &error)) {
        struct search search = {
            .channel = later->channel, .thread_ts = later->thread_ts, .key = later->key};
        if (!search_all(later->self, later, &search, mw_deadline_in(CALL_MS), &error)) {
            mw_log_warning("slack", "whether a message stands there twice is not known: %s",
                           error.text);
        }
    }
    talloc_free(later);
}

void mw_slack_look_again(struct mw_slack *self, const char *key, const char *channel,
                         const char *thread_ts)
{
    bool doubted = self->doubted != NULL && strcmp(self->doubted, key) == 0;
    if (!doubted || self->errands == NULL) {
        return;
    }
    TALLOC_FREE(self->doubted);
    struct later *later = talloc_zero(self, struct later);
    later->self = self;
    later->key = talloc_strdup(later, key);
    later->channel = talloc_strdup(later, channel);
    later->thread_ts = thread_ts != NULL ? talloc_strdup(later, thread_ts) : NULL;
    mw_fiber_spawn(self->errands, "slack double", look_again, later);
}
