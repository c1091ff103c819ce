/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "runtime/http_exchange.h"
#include "runtime/internal.h"

/* A peer that has not taken the connection by then, TLS included, is away. */
#define CONNECT_MS 15000
/* A kept connection is not used again after that much idling, or that long after it was opened: its
 * address may be another's by then. */
#define IDLE_MAX_S        60L
#define LIFE_MAX_S        600L
#define HEADERS_TOTAL_MAX 65536

static void set_number(struct mw_exchange *exchange, CURLoption option, long value)
{
    CURLcode code = mw_libcurl.easy_setopt(exchange->easy, option, value);
    if (exchange->refused == CURLE_OK)
        exchange->refused = code;
}

static void set_size(struct mw_exchange *exchange, CURLoption option, size_t value)
{
    CURLcode code = mw_libcurl.easy_setopt(exchange->easy, option, (curl_off_t)value);
    if (exchange->refused == CURLE_OK)
        exchange->refused = code;
}

static void set_pointer(struct mw_exchange *exchange, CURLoption option, const void *value)
{
    CURLcode code = mw_libcurl.easy_setopt(exchange->easy, option, value);
    if (exchange->refused == CURLE_OK)
        exchange->refused = code;
}

#define set_function(exchange, option, function)                                    \
    do {                                                                            \
        CURLcode code = mw_libcurl.easy_setopt((exchange)->easy, option, function); \
        if ((exchange)->refused == CURLE_OK)                                        \
            (exchange)->refused = code;                                             \
    } while (0)

static size_t on_body(char *bytes, size_t one, size_t length, void *argument)
{
    struct mw_exchange *exchange = argument;
    mw_buffer_append(&exchange->body, bytes, length);
    return exchange->body.failed ? 0 : length;
}

/* Interim answers and trailers count, too. libcurl takes a head that was cut off for one. */
static size_t on_header(char *bytes, size_t one, size_t length, void *argument)
{
    struct mw_exchange *exchange = argument;
    exchange->head_begun = true;
    if (length >= 5 && memcmp(bytes, "HTTP/", 5) == 0)
        exchange->head_whole = false;
    else if (length > 0 && (bytes[0] == '\r' || bytes[0] == '\n'))
        exchange->head_whole = true;
    exchange->header_bytes += length;
    exchange->header_flood = exchange->header_bytes > HEADERS_TOTAL_MAX;
    return exchange->header_flood ? 0 : length;
}

/* Called before each sending: libcurl sends again when a kept connection turns out to be dead. What it
 * had asked there may have been done all the same. */
static int on_send(void *argument, char *peer_ip, char *own_ip, int peer_port, int own_port)
{
    struct mw_exchange *exchange = argument;
    bool again = exchange->sent;
    exchange->sent = true;
    return again && !exchange->method->repeatable ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* libcurl's own look-ups would hold up the loop. Of numeric addresses it asks, too. */
static int on_look_up(void *resolver, void *reserved, void *argument)
{
    const struct mw_exchange *exchange = argument;
    return exchange->looked_up ? 1 : 0;
}

static CURLcode on_tls(CURL *easy, void *context, void *argument)
{
    const struct mw_exchange *exchange = argument;
    mw_libcurl.ssl_ctx_set1_cert_store(context, exchange->authorities->store);
    return CURLE_OK;
}

static void add_header(struct mw_exchange *exchange, const char *header)
{
    struct curl_slist *longer = mw_libcurl.slist_append(exchange->headers, header);
    mw_require(longer != NULL, "no memory for a header");
    exchange->headers = longer;
}

/* libcurl reads "Name:" as the wish for no such header, and "Name;" as an empty one. */
static void add_own_header(struct mw_exchange *exchange, const char *header)
{
    size_t name = strcspn(header, ":");
    if (header[name + 1 + strspn(header + name + 1, " \t")] != '\0') {
        add_header(exchange, header);
        return;
    }
    char *empty = talloc_asprintf(exchange, "%.*s;", (int)name, header);
    mw_require(empty != NULL, "no memory for a header");
    add_header(exchange, empty);
    talloc_free(empty);
}

static void prepare_headers(struct mw_exchange *exchange)
{
    bool typed = false;
    const char *const *headers = exchange->request->headers;
    for (size_t i = 0; headers != NULL && headers[i] != NULL; i++) {
        typed = typed || mw_header_is(headers[i], "Content-Type");
        add_own_header(exchange, headers[i]);
    }
    /* No waiting for "100 Continue", and no type that nobody named. */
    add_header(exchange, "Expect:");
    if (!typed)
        add_header(exchange, "Content-Type:");
    set_pointer(exchange, CURLOPT_HTTPHEADER, exchange->headers);
}

static void prepare_request(struct mw_exchange *exchange)
{
    const struct mw_http_request *request = exchange->request;
    const char *method = exchange->method->name;
    bool writes =
        strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
    set_pointer(exchange, CURLOPT_CURLU, exchange->url);
    if (request->body != NULL || writes) {
        set_size(exchange, CURLOPT_POSTFIELDSIZE_LARGE,
                 request->body == NULL ? 0 : request->body_length);
        set_pointer(exchange, CURLOPT_POSTFIELDS, request->body == NULL ? "" : request->body);
    } else if (strcmp(method, "HEAD") == 0) {
        set_number(exchange, CURLOPT_NOBODY, 1);
    }
    set_pointer(exchange, CURLOPT_CUSTOMREQUEST, method);
    set_pointer(exchange, CURLOPT_USERAGENT, "midwatch");
    prepare_headers(exchange);
}

static void prepare_connection(struct mw_exchange *exchange)
{
    int64_t left = mw_deadline_left_ms(exchange->deadline);
    exchange->connect_bounded = left > CONNECT_MS;
    exchange->connect_ms = exchange->connect_bounded ? CONNECT_MS : left > 0 ? left : 1;
    set_number(exchange, CURLOPT_CONNECTTIMEOUT_MS, (long)exchange->connect_ms);
    set_number(exchange, CURLOPT_NOSIGNAL, 1);
    set_pointer(exchange, CURLOPT_PROTOCOLS_STR, "http,https");
    set_number(exchange, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    set_number(exchange, CURLOPT_FOLLOWLOCATION, 0);
    set_number(exchange, CURLOPT_MAXAGE_CONN, IDLE_MAX_S);
    set_number(exchange, CURLOPT_MAXLIFETIME_CONN, LIFE_MAX_S);
    set_function(exchange, CURLOPT_RESOLVER_START_FUNCTION, on_look_up);
    set_pointer(exchange, CURLOPT_RESOLVER_START_DATA, exchange);
    set_function(exchange, CURLOPT_PREREQFUNCTION, on_send);
    set_pointer(exchange, CURLOPT_PREREQDATA, exchange);
    if (exchange->addresses != NULL) {
        set_pointer(exchange, CURLOPT_SHARE, exchange->names);
        set_pointer(exchange, CURLOPT_RESOLVE, exchange->addresses);
    }
    if (exchange->request->unix_socket != NULL)
        set_pointer(exchange, CURLOPT_UNIX_SOCKET_PATH, exchange->request->unix_socket);
    /* Empty texts keep libcurl from looking into the environment itself. */
    set_pointer(exchange, CURLOPT_PROXY, exchange->proxy == NULL ? "" : exchange->proxy);
    set_pointer(exchange, CURLOPT_NOPROXY, "");
    set_number(exchange, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1);
}

static void prepare_tls(struct mw_exchange *exchange)
{
    const struct mw_authorities *authorities = exchange->authorities;
    set_number(exchange, CURLOPT_SSL_VERIFYPEER, 1);
    set_number(exchange, CURLOPT_SSL_VERIFYHOST, 2);
    set_number(exchange, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    set_number(exchange, CURLOPT_PROXY_SSL_VERIFYPEER, 1);
    set_number(exchange, CURLOPT_PROXY_SSL_VERIFYHOST, 2);
    set_number(exchange, CURLOPT_PROXY_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    set_pointer(exchange, CURLOPT_CAINFO, NULL);
    set_pointer(exchange, CURLOPT_CAPATH, NULL);
    set_pointer(exchange, CURLOPT_PROXY_CAINFO, NULL);
    set_pointer(exchange, CURLOPT_PROXY_CAPATH, NULL);
    set_function(exchange, CURLOPT_SSL_CTX_FUNCTION, on_tls);
    set_pointer(exchange, CURLOPT_SSL_CTX_DATA, exchange);
    if (authorities->text == NULL)
        return;
    /* Not for what it verifies by, which is the store: kept connections and sessions are only used again
     * by exchanges with the same text here. */
    struct curl_blob text = {authorities->text, authorities->length, CURL_BLOB_NOCOPY};
    set_pointer(exchange, CURLOPT_CAINFO_BLOB, &text);
}

static void prepare_answer(struct mw_exchange *exchange)
{
    /* Refuses at once what says that it is too large, but HEAD asks for just that. */
    if (strcmp(exchange->method->name, "HEAD") != 0)
        set_size(exchange, CURLOPT_MAXFILESIZE_LARGE, exchange->limit);
    mw_buffer_init(&exchange->body, exchange, exchange->limit);
    set_function(exchange, CURLOPT_WRITEFUNCTION, on_body);
    set_pointer(exchange, CURLOPT_WRITEDATA, exchange);
    set_function(exchange, CURLOPT_HEADERFUNCTION, on_header);
    set_pointer(exchange, CURLOPT_HEADERDATA, exchange);
    set_pointer(exchange, CURLOPT_ERRORBUFFER, exchange->detail);
}

bool mw_exchange_prepare(struct mw_exchange *exchange, struct mw_error *error)
{
    exchange->easy = mw_libcurl.easy_init();
    exchange->names = mw_libcurl.share_init();
    mw_require(exchange->easy != NULL && exchange->names != NULL, "no memory for an exchange");
    mw_libcurl.share_setopt(exchange->names, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    prepare_connection(exchange);
    if (exchange->authorities != NULL)
        prepare_tls(exchange);
    prepare_request(exchange);
    prepare_answer(exchange);
    return exchange->refused == CURLE_OK ||
           mw_error_set(error, MW_ERROR_PERMANENT,
                        "the libcurl of this machine cannot ask %s as it must: %s", exchange->peer,
                        mw_libcurl.easy_strerror(exchange->refused));
}
