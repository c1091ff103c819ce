/* SPDX-License-Identifier: Apache-2.0 */
/* For doctor: tokens, scopes and channel, without sending anything. */
#include <string.h>

#include "slack.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static bool check_bot(struct mw_slack *self, const struct mw_check *check,
                      struct mw_deadline deadline, struct mw_error *error)
{
    const struct mw_slack_call call = {"auth.test", MW_SLACK_BOT, MW_SLACK_FIELDS, NULL};
    json_auto_t *answer = mw_slack_api(self, &call, NULL, deadline, NULL, error);
    if (answer == NULL) {
        return false;
    }
    mw_check_say(check, MW_CHECK_OK, "it is @%s in the workspace %s", text_of(answer, "user"),
                 text_of(answer, "team"));
    return true;
}

static bool check_app(struct mw_slack *self, const struct mw_check *check,
                      struct mw_deadline deadline, struct mw_error *error)
{
    const struct mw_slack_call call = {"apps.connections.open", MW_SLACK_APP, MW_SLACK_FIELDS,
                                       NULL};
    json_auto_t *answer = mw_slack_api(self, &call, NULL, deadline, NULL, error);
    if (answer == NULL) {
        return false;
    }
    mw_check_say(check, MW_CHECK_OK, "Socket Mode is on and gives connections");
    return true;
}

static bool check_channel(struct mw_slack *self, const struct mw_check *check,
                          struct mw_deadline deadline, struct mw_error *error)
{
    const struct mw_slack_call call = {"conversations.info", MW_SLACK_BOT, MW_SLACK_FIELDS,
                                       self->wanted};
    if (!mw_slack_channel(self, deadline, error)) {
        return false;
    }
    json_auto_t *answer = mw_slack_api(self, &call, json_pack("{s:s}", "channel", self->channel),
                                       deadline, NULL, error);
    const json_t *channel = json_object_get(answer, "channel");
    if (answer == NULL) {
        return false;
    }
    if (json_is_true(json_object_get(channel, "is_archived"))) {
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "the channel %s is archived: bring it back, or name another",
                            self->wanted);
    }
    if (!json_is_true(json_object_get(channel, "is_member"))) {
        mw_check_say(check, MW_CHECK_NOTE,
                     "the bot is not in %s yet: it joins with its first message; until then nobody "
                     "is heard there (or write /invite @midwatch)",
                     self->wanted);
        return true;
    }
    mw_check_say(check, MW_CHECK_OK, "channel: #%s, and the bot is in it",
                 text_of(channel, "name"));
    return true;
}

/* A method that reads, for each scope that is not needed before somebody reacts or writes. */
static void check_scope(struct mw_slack *self, const struct mw_check *check, const char *method,
                        json_t *arguments, const char *what, struct mw_deadline deadline)
{
    const struct mw_slack_call call = {method, MW_SLACK_BOT, MW_SLACK_FIELDS, self->wanted};
    struct mw_error error;
    char code[64];
    json_auto_t *answer = mw_slack_api(self, &call, arguments, deadline, code, &error);
    if (answer == NULL && strcmp(code, "missing_scope") == 0) {
        mw_check_say(check, MW_CHECK_FAULT, "%s: %s", what, error.text);
    }
}

bool mw_slack_check(struct mw_chat *chat, const struct mw_check *check, struct mw_deadline deadline,
                    struct mw_error *error)
{
    struct mw_slack *self = chat->state;
    if (!check_bot(self, check, deadline, error) || !check_app(self, check, deadline, error) ||
        !mw_slack_self(self, deadline, error) || !check_channel(self, check, deadline, error)) {
        return false;
    }
    check_scope(self, check, "users.info", json_pack("{s:s}", "user", self->user), "who people are",
                deadline);
    check_scope(self, check, "usergroups.list", json_pack("{s:b}", "include_disabled", 0),
                "user groups", deadline);
    check_scope(self, check, "conversations.history",
                json_pack("{s:s, s:i}", "channel", self->channel, "limit", 1),
                "what was said while offline", deadline);
    check_scope(self, check, "reactions.get",
                json_pack("{s:s, s:s}", "channel", self->channel, "timestamp", "1000000000.000100"),
                "reactions that were missed", deadline);
    return true;
}
