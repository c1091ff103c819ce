/* SPDX-License-Identifier: Apache-2.0 */
/* What Slack's words for a refusal mean, and what is to be done. */
#include <string.h>

#include "base/text.h"
#include "slack.h"

static const struct {
    const char *code;
    enum mw_error_class class;
    const char *words; /* NULL: written below */
} refusals[] = {
    {"invalid_auth", MW_ERROR_PERMANENT, NULL},
    {"not_authed", MW_ERROR_PERMANENT, NULL},
    {"token_revoked", MW_ERROR_PERMANENT, NULL},
    {"token_expired", MW_ERROR_PERMANENT, NULL},
    {"not_allowed_token_type", MW_ERROR_PERMANENT, NULL},
    {"account_inactive", MW_ERROR_PERMANENT, NULL},
    {"user_removed_from_team", MW_ERROR_PERMANENT, NULL},
    {"team_disabled", MW_ERROR_PERMANENT, NULL},
    {"missing_scope", MW_ERROR_PERMANENT, NULL},
    {"no_permission", MW_ERROR_PERMANENT, NULL},
    {"invalid_blocks", MW_ERROR_PERMANENT, NULL},
    {"invalid_arguments", MW_ERROR_PERMANENT, NULL},
    {"channel_not_found", MW_ERROR_PERMANENT,
     "there is no such channel, or it is private and the bot is not in it: check chat.channel, and "
     "in a private channel write /invite @midwatch"},
    {"not_in_channel", MW_ERROR_PERMANENT, "the bot is not in it: write /invite @midwatch there"},
    {"is_archived", MW_ERROR_PERMANENT,
     "the channel is archived: bring it back, or name another in chat.channel"},
    {"restricted_action", MW_ERROR_PERMANENT,
     "the workspace lets only some people post there: allow the app in the channel's settings"},
    {"user_not_in_channel", MW_ERROR_PERMANENT, "that person is not in the channel"},
    {"msg_too_long", MW_ERROR_PERMANENT, "the message is too long for it"},
    {"msg_blocks_too_long", MW_ERROR_PERMANENT, "the message is too long for it"},
    {"message_not_found", MW_ERROR_PERMANENT,
     "the message is not there any more: somebody has deleted it"},
    {"thread_not_found", MW_ERROR_PERMANENT, "the thread is not there any more"},
    {"cant_update_message", MW_ERROR_PERMANENT, "the message is not ours to change"},
    {"edit_window_closed", MW_ERROR_PERMANENT,
     "the workspace does not let a message of that age be changed"},
    {"link_disabled", MW_ERROR_PERMANENT,
     "Socket Mode is switched off: switch it on in the app's settings"},
    {"ratelimited", MW_ERROR_RETRY, "it was asked too often and wants a pause"},
    {"rate_limited", MW_ERROR_RETRY, "it was told too much at once and wants a pause"},
    {"message_limit_exceeded", MW_ERROR_RETRY, "the workspace has reached its limit of messages"},
    {"internal_error", MW_ERROR_RETRY, "it is in trouble itself"},
    {"fatal_error", MW_ERROR_RETRY, "it is in trouble itself"},
    {"service_unavailable", MW_ERROR_RETRY, "it is not available for a while"},
    {"request_timeout", MW_ERROR_RETRY, "our request did not reach it whole"},
    {"team_added_to_org", MW_ERROR_RETRY, "the workspace is being moved"},
};

static bool refuse_token(const struct mw_slack_call *call, const char *code, struct mw_error *error)
{
    bool app = call->token == MW_SLACK_APP;
    return mw_error_set(
        error, MW_ERROR_PERMANENT,
        "Slack does not accept chat.%s (%s): copy %s again from the app's settings%s",
        app ? "app_token" : "bot_token", code,
        app ? "an app-level token (xapp-…) with connections:write"
            : "the bot user's token (xoxb-…)",
        app ? "" : ", and install the app anew if it was removed");
}

static bool refuse_scope(const struct mw_slack_call *call, const json_t *answer,
                         struct mw_error *error)
{
    const char *needed = json_string_value(json_object_get(answer, "needed"));
    char *clean = needed != NULL ? mw_text_clean(NULL, needed, strlen(needed), 120) : NULL;
    mw_error_set(error, MW_ERROR_PERMANENT,
                 "the Slack app lacks the scope %s for %s: add it under OAuth & Permissions and "
                 "install the app anew",
                 clean != NULL ? clean : "that is needed", call->method);
    talloc_free(clean);
    return false;
}

/* The first thing that Slack found wrong with what we sent. */
static bool refuse_form(const struct mw_slack_call *call, const char *code, const json_t *answer,
                        struct mw_error *error)
{
    const json_t *list = json_object_get(answer, "errors");
    if (json_array_size(list) == 0) {
        list = json_object_get(json_object_get(answer, "response_metadata"), "messages");
    }
    const char *first = json_string_value(json_array_get(list, 0));
    char *clean = first != NULL ? mw_text_clean(NULL, first, strlen(first), 200) : NULL;
    mw_error_set(error, MW_ERROR_PERMANENT,
                 "Slack takes no such %s (%s%s%s): this is a fault of midwatch, please report it",
                 call->method, code, clean != NULL ? ": " : "", clean != NULL ? clean : "");
    talloc_free(clean);
    return false;
}

bool mw_slack_refusal(const struct mw_slack_call *call, const char *code, const json_t *answer,
                      struct mw_error *error)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        if (strcmp(refusals[i].code, code) != 0) {
            continue;
        }
        if (refusals[i].words != NULL) {
            return mw_error_set(error, refusals[i].class, "Slack, %s%s%s: %s (%s)", call->method,
                                call->channel != NULL ? " in " : "",
                                call->channel != NULL ? call->channel : "", refusals[i].words,
                                code);
        }
        if (strcmp(code, "missing_scope") == 0 || strcmp(code, "no_permission") == 0) {
            return refuse_scope(call, answer, error);
        }
        return strncmp(code, "invalid_a", 9) == 0 && strcmp(code, "invalid_auth") != 0
                   ? refuse_form(call, code, answer, error)
               : strcmp(code, "invalid_blocks") == 0 ? refuse_form(call, code, answer, error)
                                                     : refuse_token(call, code, error);
    }
    char *clean = mw_text_clean(NULL, code, strlen(code), 60);
    mw_error_set(error, MW_ERROR_PERMANENT, "Slack refuses %s: %s", call->method,
                 clean != NULL ? clean : "");
    talloc_free(clean);
    return false;
}
