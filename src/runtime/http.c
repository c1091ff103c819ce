/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/http.h"

#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "runtime/http_exchange.h"
#include "runtime/internal.h"

#define LIMIT_USUAL (8u * 1024 * 1024)
#define TYPE_MAX    255
/* Ten digits of seconds; who says more means never. */
#define WAIT_MAX_S 9999999999

static int release(struct mw_exchange *exchange)
{
    if (exchange->easy != NULL)
        mw_libcurl.easy_cleanup(exchange->easy);
    if (exchange->names != NULL)
        mw_libcurl.share_cleanup(exchange->names);
    if (exchange->url != NULL)
        mw_libcurl.url_cleanup(exchange->url);
    if (exchange->addresses != NULL)
        mw_libcurl.slist_free_all(exchange->addresses);
    if (exchange->headers != NULL)
        mw_libcurl.slist_free_all(exchange->headers);
    return 0;
}

static const char *find_header(const struct mw_exchange *exchange, const char *name)
{
    struct curl_header *header = NULL;
    CURLHcode code = mw_libcurl.easy_header(exchange->easy, name, 0, CURLH_HEADER, -1, &header);
    return code == CURLHE_OK ? header->value : NULL;
}

/* "text/html; charset=utf-8" → "text/html". */
static char *media_type(TALLOC_CTX *memory, const char *text)
{
    if (text == NULL)
        return NULL;
    size_t length = strcspn(text, "; \t");
    if (length == 0 || length > TYPE_MAX)
        return NULL;
    char *type = talloc_strndup(memory, text, length);
    mw_require(type != NULL, "no memory for an answer");
    for (size_t i = 0; i < length; i++)
        type[i] = (char)tolower((unsigned char)type[i]);
    return type;
}

/* RFC 9110, 10.2.3: seconds or a date. */
static int64_t retry_after_ms(const char *text)
{
    if (text == NULL)
        return -1;
    size_t digits = strspn(text, "0123456789");
    if (digits > 0 && text[digits] == '\0') {
        int64_t seconds = 0;
        for (size_t i = 0; i < digits && seconds <= WAIT_MAX_S; i++)
            seconds = seconds * 10 + (text[i] - '0');
        return (seconds < WAIT_MAX_S ? seconds : WAIT_MAX_S) * 1000;
    }
    /* Among the forms of a date that libcurl knows there are bare numbers. */
    time_t at = isalpha((unsigned char)text[0]) ? mw_libcurl.getdate(text, NULL) : -1;
    if (at < 0)
        return -1;
    int64_t ms = (int64_t)at * 1000 - mw_wall_now();
    return ms > 0 ? ms : 0;
}

static void take_answer(TALLOC_CTX *memory, struct mw_exchange *exchange, long status,
                        struct mw_http_response *response)
{
    size_t length = exchange->body.length;
    char *body = mw_buffer_take(&exchange->body);
    mw_require(body != NULL, "no memory for an answer");
    *response = (struct mw_http_response){
        .status = (int)status,
        .body = talloc_steal(memory, body),
        .length = length,
        .content_type = media_type(memory, find_header(exchange, "Content-Type")),
        .retry_after_ms = retry_after_ms(find_header(exchange, "Retry-After")),
    };
}

static bool find_authorities(struct mw_exchange *exchange, struct mw_error *error)
{
    if (!exchange->secure)
        return true;
    exchange->authorities =
        mw_authorities_find(exchange, exchange->request->authorities, exchange->deadline, error);
    return exchange->authorities != NULL;
}

static bool carry_out(TALLOC_CTX *memory, struct mw_exchange *exchange,
                      struct mw_http_response *response, struct mw_error *error)
{
    enum mw_wake wake;
    if (!mw_libcurl_load(exchange->deadline, error) || !mw_exchange_address(exchange, error) ||
        !find_authorities(exchange, error) || !mw_exchange_prepare(exchange, error) ||
        !mw_transfer_run(&exchange->transfer, exchange->easy, exchange->deadline, &wake, error))
        return false;
    if (wake != MW_WAKE_READY)
        return mw_exchange_gave_up(exchange, wake, error);
    if (exchange->transfer.code != CURLE_OK || !exchange->head_whole)
        return mw_exchange_failed(exchange, error);
    long status = 0;
    mw_libcurl.easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    take_answer(memory, exchange, status, response);
    return true;
}

bool mw_http(TALLOC_CTX *memory, const struct mw_http_request *request, struct mw_deadline deadline,
             struct mw_http_response *response, struct mw_error *error)
{
    const struct mw_http_method *method;
    if (!mw_exchange_check(request, &method, error))
        return false;
    struct mw_exchange *exchange = talloc_zero(NULL, struct mw_exchange);
    mw_require(exchange != NULL, "no memory for an exchange");
    exchange->request = request;
    exchange->method = method;
    exchange->deadline = deadline;
    exchange->limit = request->limit == 0 ? LIMIT_USUAL : request->limit;
    talloc_set_destructor(exchange, release);
    bool good = carry_out(memory, exchange, response, error);
    talloc_free(exchange);
    return good;
}

void mw_http_finish(void)
{
    mw_multi_finish();
    mw_authorities_finish();
    mw_libcurl_finish();
}
