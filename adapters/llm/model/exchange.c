/* SPDX-License-Identifier: Apache-2.0 */
/* One question to the service: budget, breaker, the exchange itself, tries, and what went wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/llm/model/internal.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/redact.h"
#include "base/text.h"
#include "runtime/fiber.h"

#define TRIES_MAX       3
#define PATIENCE_NS     (5 * INT64_C(1000000000))
#define ANSWER_MAX      (2 * 1024 * 1024)
#define BACK_OFF_MS     1000
#define MESSAGE_MAX     200
#define FIRST_SERVER    500
#define LAST_SUCCESSFUL 299

/* A first judgement, which a vendor may refine. */
static void judge_status(const struct mw_model *self, int status, struct mw_model_fault *fault)
{
    fault->class = MW_ERROR_PERMANENT;
    if (status == 401 || status == 403 || status == 404)
        fault->impairment = MW_IMPAIRMENT_REFUSED;
    const char *advice = "";
    if (status == 401 || status == 403)
        advice = self->config->api_key != NULL ? "look at llm.api_key" : "it wants an llm.api_key";
    else if (status == 404)
        advice = "look at llm.model and llm.base_url";
    else if (status == 413)
        advice = "the question is too long for it";
    else if (status >= 300 && status < 400)
        advice = "redirects are not followed: look at llm.base_url";
    else if (status == 408 || status == 429 || status >= FIRST_SERVER) {
        fault->class = MW_ERROR_RETRY;
        fault->again = true;
        advice = status == 429 ? "too many requests" : "the service is in trouble";
    }
    snprintf(fault->text, sizeof fault->text, "%s", advice);
}

/* What the service says itself: {"error": {"message"}}, {"error": "…"}, {"message"}, {"detail"}. */
static char *message_of(TALLOC_CTX *memory, const json_t *body)
{
    static const char *const keys[] = {"message", "detail", NULL};
    const json_t *said = json_object_get(body, "error");
    if (json_is_object(said))
        said = json_object_get(said, "message");
    for (size_t i = 0; keys[i] != NULL && !json_is_string(said); i++)
        said = json_object_get(body, keys[i]);
    return mw_model_words(memory, said, MESSAGE_MAX);
}

void mw_model_status_fault(const struct mw_model *self, const struct mw_http_response *response,
                           struct mw_model_fault *fault, struct mw_error *error)
{
    struct mw_error ignored;
    json_auto_t *body = mw_json_parse(response->body, response->length, ANSWER_MAX, &ignored);
    *fault = (struct mw_model_fault){.wait_ms = response->retry_after_ms};
    judge_status(self, response->status, fault);
    self->vendor->fault(response->status, body, fault);
    char *said = message_of(NULL, body);
    mw_error_set(error, fault->class, "HTTP %d%s%s%s%s%s", response->status,
                 fault->text[0] != '\0' ? ": " : "", fault->text,
                 said[0] != '\0' ? " (it says: " : "", said, said[0] != '\0' ? ")" : "");
    talloc_free(said);
}

/* One try. Whether another is worth it stands in the fault. */
static bool try_once(struct mw_model *self, const char *body, struct mw_deadline deadline,
                     json_t **answer, struct mw_model_fault *fault, struct mw_error *error)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    struct mw_http_response response = {0};
    const struct mw_http_request request = {.url = self->url,
                                            .headers = self->headers,
                                            .body = body,
                                            .body_length = strlen(body),
                                            .limit = ANSWER_MAX};
    *fault = (struct mw_model_fault){.wait_ms = -1};
    bool ok = self->send(memory, &request, deadline, &response, error);
    if (!ok) {
        fault->again = error->class == MW_ERROR_RETRY;
    } else if (response.status < 200 || response.status > LAST_SUCCESSFUL) {
        mw_model_status_fault(self, &response, fault, error);
        ok = false;
    } else {
        json_t *value = mw_json_parse(response.body, response.length, ANSWER_MAX, error);
        ok = value != NULL;
        if (ok)
            *answer = value;
        else
            mw_error_wrap(error, "the answer cannot be used (HTTP %d, %s)", response.status,
                          response.content_type != NULL ? response.content_type : "no type");
    }
    talloc_free(memory);
    return ok;
}

/* Half of it is chance, so that many who failed together do not come back together. */
static int64_t back_off(int failures)
{
    int64_t most = (int64_t)BACK_OFF_MS << failures;
    return most / 2 + (int64_t)mw_random_below((uint64_t)most / 2 + 1);
}

/* Waits before the next try; false where that would be past the deadline, or cancelled. */
static bool wait_for_next(const struct mw_model_fault *fault, int failures,
                          struct mw_deadline deadline, struct mw_error *error)
{
    int64_t wait = fault->wait_ms >= 0 ? fault->wait_ms : back_off(failures - 1);
    if (wait >= mw_deadline_left_ms(deadline)) {
        if (fault->wait_ms >= 0)
            mw_error_wrap(error, "it asks to wait %.1f s, longer than this plan may take",
                          (double)wait / 1000);
        return false;
    }
    struct mw_error cancelled;
    if (mw_sleep(wait, &cancelled))
        return true;
    *error = cancelled;
    return false;
}

static bool try_some(struct mw_model *self, const char *body, struct mw_deadline deadline,
                     json_t **answer, struct mw_model_fault *fault, struct mw_error *error)
{
    for (int tries = 1;; tries++) {
        if (try_once(self, body, deadline, answer, fault, error))
            return true;
        if (!fault->again || tries == TRIES_MAX || !wait_for_next(fault, tries, deadline, error))
            return false;
    }
}

/* A service is not to blame for a deadline that left it no time. */
static bool is_its_fault(const struct mw_error *error, mw_mono_ns began)
{
    return error->class != MW_ERROR_CANCELLED &&
           (error->class != MW_ERROR_TIMEOUT || mw_mono_now() - began >= PATIENCE_NS);
}

/* ---- what it tells about the service ---- */

static void tell(struct mw_model_tidings *tidings, enum mw_impairment impairment, const char *why)
{
    tidings->told = true;
    tidings->impairment = impairment;
    snprintf(tidings->why, sizeof tidings->why, "%s", why);
}

/* While it is left alone, what failed last is worth more than when it is asked again. */
static void tell_open(const struct mw_model *self, struct mw_model_tidings *tidings)
{
    tell(tidings, self->refused ? MW_IMPAIRMENT_REFUSED : MW_IMPAIRMENT_UNREACHABLE,
         self->breaker.last);
}

static void conclude(struct mw_model *self, const struct mw_model_fault *fault, bool ok,
                     mw_mono_ns began, struct mw_model_tidings *tidings,
                     const struct mw_error *error)
{
    if (ok) {
        mw_breaker_worked(&self->breaker);
        self->refused = false;
        tell(tidings, MW_IMPAIRMENT_NONE, "");
        return;
    }
    if (!is_its_fault(error, began)) {
        mw_breaker_abandoned(&self->breaker);
        return;
    }
    mw_breaker_failed(&self->breaker, error->text);
    self->refused = fault->impairment == MW_IMPAIRMENT_REFUSED;
    if (fault->impairment != MW_IMPAIRMENT_NONE)
        tell(tidings, fault->impairment, error->text);
    else if (mw_breaker_is_open(&self->breaker))
        tell_open(self, tidings);
}

/* Whether anything may be sent now. */
static bool may_send(struct mw_model *self, struct mw_deadline deadline,
                     struct mw_model_tidings *tidings, struct mw_error *error)
{
    if (!mw_budget_check(&self->budget, mw_wall_now(), error)) {
        tell(tidings, MW_IMPAIRMENT_SPENT, error->text);
        return false;
    }
    if (mw_deadline_passed(deadline))
        return mw_error_set(
            error, MW_ERROR_TIMEOUT,
            "the time for an answer is up; raise llm.timeout where the model needs longer");
    if (mw_breaker_enter(&self->breaker, error))
        return true;
    tell_open(self, tidings);
    return false;
}

bool mw_model_exchange(struct mw_model *self, const json_t *body, struct mw_deadline deadline,
                       json_t **answer, struct mw_model_tidings *tidings, struct mw_error *error)
{
    mw_mono_ns began = mw_mono_now();
    struct mw_model_fault fault = {0};
    *tidings = (struct mw_model_tidings){0};
    char *text = json_dumps(body, JSON_COMPACT);
    if (text == NULL)
        return mw_error_set(error, MW_ERROR_RETRY, "no memory left for the question");
    bool ok = may_send(self, deadline, tidings, error);
    if (ok) {
        tidings->sent = true;
        ok = try_some(self, text, deadline, answer, &fault, error);
        conclude(self, &fault, ok, began, tidings, error);
    }
    free(text);
    return ok;
}
