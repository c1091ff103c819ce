/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "runtime/http_exchange.h"
#include "runtime/socket.h"

bool mw_exchange_gave_up(const struct mw_exchange *exchange, enum mw_wake wake,
                         struct mw_error *error)
{
    if (wake == MW_WAKE_CANCELLED)
        return mw_error_set(error, MW_ERROR_CANCELLED, "the exchange with %s was cancelled",
                            exchange->peer);
    if (!exchange->sent)
        return mw_error_set(error, MW_ERROR_TIMEOUT, "cannot connect to %s: no answer in time",
                            exchange->target_peer);
    return mw_error_set(error, MW_ERROR_TIMEOUT,
                        exchange->head_begun ? "the answer of %s did not come to its end in time"
                                             : "%s did not answer in time",
                        exchange->peer);
}

static long ask_number(const struct mw_exchange *exchange, CURLINFO what)
{
    long value = 0;
    mw_libcurl.easy_getinfo(exchange->easy, what, &value);
    return value;
}

static bool not_connected(const struct mw_exchange *exchange, struct mw_error *error)
{
    int code = exchange->transfer.socket_error;
    if (code == 0)
        code = (int)ask_number(exchange, CURLINFO_OS_ERRNO);
    if (code == 0)
        return mw_error_set(error, MW_ERROR_RETRY, "cannot connect to %s", exchange->target_peer);
    /* Of several addresses, one that kept silent says no more than one that refused. */
    enum mw_error_class class = mw_socket_error_class(code);
    return mw_error_set(error, class == MW_ERROR_TIMEOUT ? MW_ERROR_RETRY : class,
                        "cannot connect to %s: %s", exchange->target_peer,
                        mw_socket_error_text(code));
}

static bool too_slow(const struct mw_exchange *exchange, struct mw_error *error)
{
    if (!exchange->connect_bounded || exchange->sent)
        return mw_exchange_gave_up(exchange, MW_WAKE_TIMEOUT, error);
    return mw_error_set(error, MW_ERROR_RETRY, "cannot connect to %s: no answer within %d s",
                        exchange->target_peer, (int)(exchange->connect_ms / 1000));
}

static bool cut_off(const struct mw_exchange *exchange, struct mw_error *error)
{
    long proxy_status =
        exchange->proxy == NULL ? 0 : ask_number(exchange, CURLINFO_HTTP_CONNECTCODE);
    if (proxy_status == 407)
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "%s wants a user and a password: http://USER:PASSWORD@HOST:PORT in "
                            "HTTPS_PROXY",
                            exchange->target_peer);
    if (proxy_status >= 300)
        return mw_error_set(error, proxy_status < 500 ? MW_ERROR_PERMANENT : MW_ERROR_RETRY,
                            "%s does not connect us to %s (status %ld)", exchange->target_peer,
                            exchange->peer, proxy_status);
    if (!exchange->sent)
        return mw_error_set(error, MW_ERROR_RETRY, "%s cut the connection off",
                            exchange->target_peer);
    return mw_error_set(error, MW_ERROR_RETRY,
                        exchange->head_begun
                            ? "%s cut the connection off before the end of its answer"
                            : "%s cut the connection off without an answer",
                        exchange->peer);
}

static bool too_large(const struct mw_exchange *exchange, struct mw_error *error)
{
    if (exchange->header_flood || exchange->transfer.code == CURLE_OUT_OF_MEMORY)
        return mw_error_set(error, MW_ERROR_BAD_INPUT,
                            "the headers of the answer of %s are longer than any that make sense",
                            exchange->peer);
    /* libcurl hands over so much at once: short of the limit by more, it was not the limit. */
    if (exchange->body.failed && exchange->body.length + CURL_MAX_WRITE_SIZE < exchange->limit)
        return mw_error_set(error, MW_ERROR_RETRY, "there is no memory left for the answer of %s",
                            exchange->peer);
    char *size = mw_size_text(NULL, (int64_t)exchange->limit);
    mw_error_set(error, MW_ERROR_BAD_INPUT, "the answer of %s is larger than the %s that are taken",
                 exchange->peer, size == NULL ? "bytes" : size);
    talloc_free(size);
    return false;
}

/* The host was checked by libcurl, the rest by OpenSSL. */
static bool not_verified(const struct mw_exchange *exchange, struct mw_error *error)
{
    const char *peer = exchange->peer;
    long result = ask_number(exchange, CURLINFO_SSL_VERIFYRESULT);
    if (result == X509_V_OK && exchange->proxy != NULL) {
        result = ask_number(exchange, CURLINFO_PROXY_SSL_VERIFYRESULT);
        peer = result == X509_V_OK ? peer : exchange->target_peer;
    }
    return mw_certificate_refused(result, peer, error);
}

/* "…error:0A00010B:SSL routines::wrong version number": what stands last. */
static const char *tls_reason(const char *detail)
{
    const char *begin = strstr(detail, "error:");
    if (begin == NULL)
        return NULL;
    const char *last = strrchr(begin, ':');
    return last != NULL && last[1] != '\0' ? last + 1 : NULL;
}

static bool no_tls(const struct mw_exchange *exchange, struct mw_error *error)
{
    const char *reason = tls_reason(exchange->detail);
    if (reason == NULL || strstr(reason, "unexpected eof") != NULL)
        return mw_error_set(error, MW_ERROR_RETRY,
                            "%s cut the connection off while TLS was agreed on", exchange->peer);
    char *clean = mw_text_clean(NULL, reason, strlen(reason), 100);
    mw_error_set(error, MW_ERROR_PERMANENT,
                 "no TLS 1.2 or later can be agreed on with %s (%s): is it https:// that is spoken "
                 "there?",
                 exchange->peer, clean == NULL ? "" : clean);
    talloc_free(clean);
    return false;
}

static bool not_http(const struct mw_exchange *exchange, struct mw_error *error)
{
    return mw_error_set(
        error, MW_ERROR_PERMANENT,
        "what answers at %s does not speak HTTP: check the host and port in the URL",
        exchange->peer);
}

bool mw_exchange_failed(const struct mw_exchange *exchange, struct mw_error *error)
{
    CURLcode code = exchange->transfer.code;
    switch (code) {
    case CURLE_OK:
        return cut_off(exchange, error); /* within the head */
    case CURLE_COULDNT_CONNECT:
        return not_connected(exchange, error);
    case CURLE_OPERATION_TIMEDOUT:
        return too_slow(exchange, error);
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_FAIL_REWIND:
        return cut_off(exchange, error);
    case CURLE_ABORTED_BY_CALLBACK:
        return mw_error_set(error, MW_ERROR_RETRY,
                            "%s cut a kept connection off without an answer; whether it did what "
                            "was asked is not known",
                            exchange->peer);
    case CURLE_WRITE_ERROR:
    case CURLE_FILESIZE_EXCEEDED:
    case CURLE_OUT_OF_MEMORY: /* what libcurl says of one header that is too long */
        return too_large(exchange, error);
    case CURLE_PEER_FAILED_VERIFICATION:
        return not_verified(exchange, error);
    case CURLE_SSL_CONNECT_ERROR:
        return no_tls(exchange, error);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        return not_http(exchange, error);
    default:
        return mw_error_set(error, MW_ERROR_RETRY, "the exchange with %s failed: %s",
                            exchange->peer, mw_libcurl.easy_strerror(code));
    }
}
