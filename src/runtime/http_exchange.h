/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange, as the files of HTTP share it. */
#ifndef MIDWATCH_RUNTIME_HTTP_EXCHANGE_H
#define MIDWATCH_RUNTIME_HTTP_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "runtime/http.h"
#include "runtime/http_authorities.h"
#include "runtime/http_multi.h"

struct mw_http_method {
    const char *name;
    bool repeatable; /* asking twice does no more than asking once (RFC 9110, 9.2.2) */
};

/* A talloc object; freeing it frees what it has of libcurl. */
struct mw_exchange {
    const struct mw_http_request *request;
    const struct mw_http_method *method;
    struct mw_deadline deadline;

    char *host; /* of the URL */
    int port;
    bool secure;
    char *peer;   /* for sentences: "api.example.org", "10.0.0.7:8080", "/run/x.sock" */
    char *proxy;  /* NULL: straight to the peer */
    char *target; /* the host that is connected to: `host` or the proxy's */
    int target_port;
    bool looked_up; /* `target` is a name, and its addresses are known */
    char *target_peer;
    struct mw_authorities *authorities; /* where TLS is spoken */

    CURLU *url;
    CURL *easy;
    CURLSH *names; /* the addresses live as long as the exchange */
    struct curl_slist *addresses, *headers;
    CURLcode refused; /* the first option that libcurl did not take */
    int64_t connect_ms;
    bool connect_bounded; /* by connect_ms rather than by the deadline */

    struct mw_transfer transfer;
    struct mw_buffer body;
    size_t limit;
    size_t header_bytes;
    bool header_flood, head_begun, head_whole; /* of the answer */
    bool sent;
    char detail[CURL_ERROR_SIZE];
};

/* http_check.c: what can be said without libcurl. */
bool mw_exchange_check(const struct mw_http_request *request, const struct mw_http_method **method,
                       struct mw_error *error);
bool mw_header_is(const char *header, const char *name);

/* http_address.c: whom to connect to. */
MW_SUSPENDS bool mw_exchange_address(struct mw_exchange *exchange, struct mw_error *error);

/* http_prepare.c: tells libcurl all of it. */
bool mw_exchange_prepare(struct mw_exchange *exchange, struct mw_error *error);

/* http_failure.c: why there is no answer, for people. Both return false. */
bool mw_exchange_gave_up(const struct mw_exchange *exchange, enum mw_wake wake,
                         struct mw_error *error);
bool mw_exchange_failed(const struct mw_exchange *exchange, struct mw_error *error);

#endif
