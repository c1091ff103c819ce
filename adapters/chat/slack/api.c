/* SPDX-License-Identifier: Apache-2.0 */
/* One call of the Web API. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "runtime/http.h"
#include "slack.h"

#define NS_PER_MS     INT64_C(1000000)
#define ANSWER_BYTES  ((size_t)(2 * 1024 * 1024))
#define REQUEST_BYTES ((size_t)(1024 * 1024))
/* What Slack says without a number means. */
#define HOLD_MS 30000
#define HOOKS   "https://hooks.slack.com/"

/* ---- methods that are left alone ---- */

static struct mw_slack_hold *find_hold(struct mw_slack *self, const char *method)
{
    for (size_t i = 0; i < MW_SLACK_HOLDS; i++) {
        if (strcmp(self->holds[i].method, method) == 0) {
            return &self->holds[i];
        }
    }
    return NULL;
}

static void hold(struct mw_slack *self, const char *method, int64_t ms)
{
    struct mw_slack_hold *chosen = find_hold(self, method);
    for (size_t i = 0; chosen == NULL && i < MW_SLACK_HOLDS; i++) {
        if (self->holds[i].until <= mw_mono_now()) {
            chosen = &self->holds[i];
        }
    }
    if (chosen != NULL) {
        snprintf(chosen->method, sizeof chosen->method, "%s", method);
        chosen->until = mw_mono_now() + ms * NS_PER_MS;
    }
}

static bool await_turn(struct mw_slack *self, const char *method, struct mw_deadline deadline,
                       struct mw_error *error)
{
    const struct mw_slack_hold *held;
    while ((held = find_hold(self, method)) != NULL && held->until > mw_mono_now()) {
        int64_t left = (held->until - mw_mono_now()) / NS_PER_MS + 1;
        if (left > mw_deadline_left_ms(deadline)) {
            return mw_error_set(error, MW_ERROR_RETRY,
                                "Slack asks to wait %lld s before %s is called again",
                                (long long)(left / 1000 + 1), method);
        }
        if (!mw_sleep(left, error)) {
            return false;
        }
    }
    return true;
}

/* ---- the request ---- */

static void append_escaped(struct mw_buffer *buffer, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     strchr("-._~", c) != NULL;
        mw_buffer_append_format(buffer, plain ? "%c" : "%%%02X", c);
    }
}

static char *write_fields(TALLOC_CTX *memory, json_t *arguments)
{
    struct mw_buffer buffer;
    const char *key;
    json_t *value;
    mw_buffer_init(&buffer, memory, REQUEST_BYTES);
    mw_buffer_append_text(&buffer, "");
    json_object_foreach(arguments, key, value)
    {
        mw_buffer_append_format(&buffer, "%s%s=", buffer.length > 0 ? "&" : "", key);
        if (json_is_string(value)) {
            append_escaped(&buffer, json_string_value(value));
        } else if (json_is_boolean(value)) {
            mw_buffer_append_text(&buffer, json_is_true(value) ? "true" : "false");
        } else {
            mw_buffer_append_format(&buffer, "%lld", (long long)json_integer_value(value));
        }
    }
    return mw_buffer_take(&buffer);
}

static char *write_json(TALLOC_CTX *memory, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    char *copy = text != NULL ? talloc_strdup(memory, text) : NULL;
    free(text);
    return copy;
}

static bool send(struct mw_slack *self, const struct mw_slack_call *call, TALLOC_CTX *memory,
                 const char *body, struct mw_deadline deadline, struct mw_http_response *response,
                 struct mw_error *error)
{
    const char *token = call->token == MW_SLACK_APP ? self->app_token : self->bot_token;
    const char *headers[] = {talloc_asprintf(memory, "Authorization: Bearer %s", token),
                             call->form == MW_SLACK_JSON
                                 ? "Content-Type: application/json; charset=utf-8"
                                 : "Content-Type: application/x-www-form-urlencoded",
                             NULL};
    const struct mw_http_request request = {
        .method = "POST",
        .url = talloc_asprintf(memory, "%s%s", self->base, call->method),
        .headers = headers,
        .body = body,
        .body_length = body != NULL ? strlen(body) : 0,
        .limit = ANSWER_BYTES,
    };
    if (body == NULL || headers[0] == NULL || request.url == NULL) {
        return mw_error_set(error, MW_ERROR_RETRY, "out of memory");
    }
    return mw_http(memory, &request, deadline, response, error) ||
           mw_error_wrap(error, "Slack, %s", call->method);
}

/* ---- the answer ---- */

static bool refuse(const struct mw_slack_call *call, char code[64], const char *word,
                   const json_t *answer, struct mw_error *error)
{
    snprintf(code, 64, "%s", word);
    return mw_slack_refusal(call, word, answer, error);
}

static json_t *read_answer(struct mw_slack *self, const struct mw_slack_call *call,
                           const struct mw_http_response *response, char code[64],
                           struct mw_error *error)
{
    if (response->status == 429) {
        hold(self, call->method,
             response->retry_after_ms >= 0 ? response->retry_after_ms : HOLD_MS);
        refuse(call, code, "ratelimited", NULL, error);
        return NULL;
    }
    if (response->status >= 500) {
        mw_error_set(error, MW_ERROR_RETRY, "Slack, %s: it is in trouble itself (status %d)",
                     call->method, response->status);
        return NULL;
    }
    struct mw_error parsed;
    json_t *answer = mw_json_parse(response->body, response->length, ANSWER_BYTES, &parsed);
    const json_t *ok = json_object_get(answer, "ok");
    if (!json_is_boolean(ok)) {
        json_decref(answer);
        mw_error_set(
            error, response->status < 300 ? MW_ERROR_RETRY : MW_ERROR_PERMANENT,
            "Slack, %s: what answers there (status %d) is no Slack: check chat.api_url, or "
            "a proxy on the way",
            call->method, response->status);
        return NULL;
    }
    if (json_is_true(ok)) {
        return answer;
    }
    const char *word = json_string_value(json_object_get(answer, "error"));
    refuse(call, code, word != NULL ? word : "unknown_error", answer, error);
    json_decref(answer);
    return NULL;
}

json_t *mw_slack_api(struct mw_slack *self, const struct mw_slack_call *call, json_t *arguments,
                     struct mw_deadline deadline, char code[64], struct mw_error *error)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    json_auto_t *given = arguments != NULL ? arguments : json_object();
    const char *body =
        call->form == MW_SLACK_JSON ? write_json(memory, given) : write_fields(memory, given);
    char unused[64];
    char *word = code != NULL ? code : unused;
    snprintf(word, 64, "not_sent");
    struct mw_http_response response;
    json_t *answer = NULL;
    if (await_turn(self, call->method, deadline, error)) {
        *word = '\0';
        if (send(self, call, memory, body, deadline, &response, error)) {
            answer = read_answer(self, call, &response, word, error);
        }
    }
    talloc_free(memory);
    return answer;
}

/* ---- response_url ---- */

/* Scheme, host and port of our own API, or Slack's host for hooks. */
bool mw_slack_is_ours(const struct mw_slack *self, const char *url)
{
    const char *host = strstr(self->base, "://");
    size_t length = host != NULL ? strcspn(host + 3, "/") + (size_t)(host + 3 - self->base) : 0;
    return strncmp(url, HOOKS, strlen(HOOKS)) == 0 ||
           (length > 0 && strncmp(url, self->base, length) == 0 && url[length] == '/');
}

bool mw_slack_respond(struct mw_slack *self, const char *url, const json_t *body,
                      struct mw_deadline deadline, struct mw_error *error)
{
    static const char *const headers[] = {"Content-Type: application/json; charset=utf-8", NULL};
    if (!mw_slack_is_ours(self, url)) {
        return mw_error_set(error, MW_ERROR_BAD_INPUT, "an answer was to go elsewhere than Slack");
    }
    TALLOC_CTX *memory = talloc_new(NULL);
    char *text = write_json(memory, body);
    const struct mw_http_request request = {.url = url,
                                            .headers = headers,
                                            .body = text,
                                            .body_length = text != NULL ? strlen(text) : 0,
                                            .limit = ANSWER_BYTES};
    struct mw_http_response response = {0};
    bool good = text != NULL && mw_http(memory, &request, deadline, &response, error);
    if (good && response.status >= 300) {
        good = mw_error_set(error, response.status < 500 ? MW_ERROR_REFUSED : MW_ERROR_RETRY,
                            "Slack takes no answer there any more (status %d)", response.status);
    }
    talloc_free(memory);
    return good;
}
