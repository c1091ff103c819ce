/* SPDX-License-Identifier: Apache-2.0 */
/* Who we are in the workspace, and which channel is ours. */
#include <string.h>

#include "base/log.h"
#include "slack.h"

#define PAGES_MAX 50

static bool is_id(const char *text)
{
    return strchr("CDG", text[0]) != NULL && strlen(text) >= 3 &&
           text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")] == '\0';
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static bool ask_self(struct mw_slack *self, struct mw_deadline deadline, struct mw_error *error)
{
    const struct mw_slack_call call = {"auth.test", MW_SLACK_BOT, MW_SLACK_FIELDS, NULL};
    json_auto_t *answer = mw_slack_api(self, &call, NULL, deadline, NULL, error);
    if (answer == NULL) {
        return false;
    }
    const char *user = text_of(answer, "user_id"), *team = text_of(answer, "team_id");
    if (*user == '\0' || *team == '\0') {
        return mw_error_set(error, MW_ERROR_RETRY, "Slack, auth.test: it does not say who we are");
    }
    TALLOC_FREE(self->team);
    self->team = talloc_strdup(self, team);
    self->user = talloc_strdup(self, user);
    return self->user != NULL && self->team != NULL;
}

bool mw_slack_self(struct mw_slack *self, struct mw_deadline deadline, struct mw_error *error)
{
    if (self->user != NULL) {
        return true;
    }
    if (!mw_lock_acquire(&self->asking, deadline, error)) {
        return false;
    }
    bool known = self->user != NULL || ask_self(self, deadline, error);
    mw_lock_release(&self->asking);
    return known;
}

/* On `self`; NULL with no error class: it is not on this page. */
static char *find_in_page(struct mw_slack *self, const json_t *answer, const char *name)
{
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(answer, "channels"), i, one)
    {
        if (strcmp(text_of(one, "name"), name) == 0 && is_id(text_of(one, "id"))) {
            return talloc_strdup(self, text_of(one, "id"));
        }
    }
    return NULL;
}

static char *look_up(struct mw_slack *self, const char *name, struct mw_deadline deadline,
                     struct mw_error *error)
{
    const struct mw_slack_call call = {"conversations.list", MW_SLACK_BOT, MW_SLACK_FIELDS, NULL};
    json_auto_t *cursor = NULL;
    for (int i = 0; i < PAGES_MAX; i++) {
        json_t *arguments = json_pack("{s:s, s:b, s:i}", "types", "public_channel,private_channel",
                                      "exclude_archived", 1, "limit", 200);
        if (cursor != NULL) {
            json_object_set(arguments, "cursor", cursor);
        }
        json_auto_t *answer = mw_slack_api(self, &call, arguments, deadline, NULL, error);
        if (answer == NULL) {
            return NULL;
        }
        char *id = find_in_page(self, answer, name);
        if (id != NULL) {
            return id;
        }
        json_decref(cursor);
        cursor = json_incref(
            json_object_get(json_object_get(answer, "response_metadata"), "next_cursor"));
        if (json_string_length(cursor) == 0) {
            break;
        }
    }
    mw_error_set(error, MW_ERROR_PERMANENT,
                 "Slack has no channel %s that the bot can see: check chat.channel; if it is "
                 "private, write /invite @midwatch there",
                 self->wanted);
    return NULL;
}

bool mw_slack_channel(struct mw_slack *self, struct mw_deadline deadline, struct mw_error *error)
{
    if (self->channel != NULL) {
        return true;
    }
    char *id = is_id(self->wanted)
                   ? talloc_strdup(self, self->wanted)
                   : look_up(self, self->wanted + (*self->wanted == '#'), deadline, error);
    if (id == NULL) {
        return false;
    }
    talloc_free(self->channel);
    self->channel = id;
    return true;
}

bool mw_slack_join(struct mw_slack *self, const char *channel, struct mw_deadline deadline,
                   struct mw_error *error)
{
    const struct mw_slack_call call = {"conversations.join", MW_SLACK_BOT, MW_SLACK_JSON, channel};
    json_auto_t *answer =
        mw_slack_api(self, &call, json_pack("{s:s}", "channel", channel), deadline, NULL, error);
    if (answer != NULL) {
        mw_log_info("slack", "joined the channel %s", self->wanted);
    }
    return answer != NULL;
}
