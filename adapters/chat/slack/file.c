/* SPDX-License-Identifier: Apache-2.0 */
/* What finds no room in a message becomes a text file beside it. */
#include <string.h>

#include "base/log.h"
#include "runtime/http.h"
#include "slack.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static bool upload(struct mw_slack *self, TALLOC_CTX *memory, const char *url, const char *text,
                   struct mw_deadline deadline, struct mw_error *error)
{
    static const char *const headers[] = {"Content-Type: text/plain; charset=utf-8", NULL};
    const struct mw_http_request request = {
        .url = url, .headers = headers, .body = text, .body_length = strlen(text)};
    struct mw_http_response response;
    return mw_http(memory, &request, deadline, &response, error) &&
           (response.status == 200 ||
            mw_error_set(error, MW_ERROR_RETRY, "Slack does not take a file (status %d)",
                         response.status));
}

void mw_slack_attach(struct mw_slack *self, const char *key, const char *channel,
                     const char *thread, const json_t *message, struct mw_deadline deadline)
{
    const struct mw_slack_call begin = {"files.getUploadURLExternal", MW_SLACK_BOT, MW_SLACK_FIELDS,
                                        NULL};
    const struct mw_slack_call end = {"files.completeUploadExternal", MW_SLACK_BOT, MW_SLACK_JSON,
                                      channel};
    TALLOC_CTX *memory = talloc_new(self);
    const char *text = mw_slack_render_plain(memory, message);
    char *name = talloc_asprintf(memory, "%s.txt", key);
    for (char *at = name; *at != '\0'; at++) {
        *at = *at == '/' ? '-' : *at;
    }
    struct mw_error error = {0};
    json_auto_t *place = text == NULL ? NULL
                                      : mw_slack_api(self, &begin,
                                                     json_pack("{s:s, s:I}", "filename", name,
                                                               "length", (json_int_t)strlen(text)),
                                                     deadline, NULL, &error);
    bool good =
        place != NULL && upload(self, memory, text_of(place, "upload_url"), text, deadline, &error);
    if (good) {
        json_t *arguments =
            json_pack("{s:[{s:s, s:s}], s:s}", "files", "id", text_of(place, "file_id"), "title",
                      name, "channel_id", channel, "thread_ts", thread);
        json_auto_t *answer = mw_slack_api(self, &end, arguments, deadline, NULL, &error);
        good = answer != NULL;
    }
    if (!good) {
        mw_log_warning("slack", "the rest of a long message could not be filed: %s", error.text);
    }
    talloc_free(memory);
}
