/* SPDX-License-Identifier: Apache-2.0 */
#include "slack.h"

#include <string.h>

struct config {
    const char *app_token, *bot_token, *channel, *api_url;
};

static const struct mw_option options[] = {
    {.name = "app_token",
     .type = MW_OPTION_TEXT,
     .flags = MW_OPTION_REQUIRED | MW_OPTION_SECRET,
     .help = "the app-level token (xapp-…) with connections:write",
     .offset = offsetof(struct config, app_token)},
    {.name = "bot_token",
     .type = MW_OPTION_TEXT,
     .flags = MW_OPTION_REQUIRED | MW_OPTION_SECRET,
     .help = "the bot user's token (xoxb-…)",
     .offset = offsetof(struct config, bot_token)},
    {.name = "channel",
     .type = MW_OPTION_TEXT,
     .flags = MW_OPTION_REQUIRED,
     .help = "the channel that incidents are told in: its id (C0…) or #name",
     .offset = offsetof(struct config, channel)},
    {.name = "api_url",
     .type = MW_OPTION_TEXT,
     .fallback = "https://slack.com/api/",
     .help = "where Slack's Web API is",
     .offset = offsetof(struct config, api_url)},
    {0},
};

static int release_groups(struct mw_slack *self)
{
    for (size_t i = 0; i < self->group_count; i++) {
        json_decref(self->groups[i].users);
    }
    return 0;
}

static bool check_config(const struct config *config, struct mw_error *error)
{
    if (strncmp(config->app_token, "xapp-", 5) != 0) {
        return mw_error_set(error, MW_ERROR_BAD_INPUT,
                            "chat.app_token begins with xapp-: it is made under Basic Information, "
                            "App-Level Tokens");
    }
    if (strncmp(config->bot_token, "xoxb-", 5) != 0) {
        return mw_error_set(error, MW_ERROR_BAD_INPUT,
                            "chat.bot_token begins with xoxb-: it stands under OAuth & "
                            "Permissions once the app is installed");
    }
    if (strncmp(config->api_url, "https://", 8) != 0 &&
        strncmp(config->api_url, "http://", 7) != 0) {
        return mw_error_set(error, MW_ERROR_BAD_INPUT, "chat.api_url: write https://HOST/api/");
    }
    return true;
}

static bool create(struct mw_chat *chat, const void *given, struct mw_error *error)
{
    const struct config *config = given;
    if (!check_config(config, error)) {
        return false;
    }
    struct mw_slack *self = talloc_zero(chat, struct mw_slack);
    if (self == NULL) {
        return mw_error_set(error, MW_ERROR_RETRY, "out of memory");
    }
    talloc_set_destructor(self, release_groups);
    self->chat = chat;
    mw_lock_init(&self->asking);
    self->app_token = talloc_strdup(self, config->app_token);
    self->bot_token = talloc_strdup(self, config->bot_token);
    self->wanted = talloc_strdup(self, config->channel);
    size_t length = strlen(config->api_url);
    bool ends = length > 0 && config->api_url[length - 1] == '/';
    self->base = talloc_asprintf(self, "%s%s", config->api_url, ends ? "" : "/");
    if (self->app_token == NULL || self->bot_token == NULL || self->wanted == NULL ||
        self->base == NULL) {
        talloc_free(self);
        return mw_error_set(error, MW_ERROR_RETRY, "out of memory");
    }
    chat->state = self;
    return true;
}

const struct mw_chat_ops mw_chat_slack = {
    .kind = "slack",
    .options = options,
    .config_size = sizeof(struct config),
    .create = create,
    .run = mw_slack_run,
    .post = mw_slack_post,
    .find = mw_slack_find,
    .edit = mw_slack_edit,
    .answer = mw_slack_answer,
    .identify = mw_slack_identify,
    .in_group = mw_slack_in_group,
    .check = mw_slack_check,
};
