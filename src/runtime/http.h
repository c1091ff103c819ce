/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP exchanges by libcurl's multi interface on the loop: one call, one answer, in a fiber. Names are
 * looked up by resolve.h and given to libcurl as addresses; redirects are not followed; TLS is verified
 * against the system's authorities, which are loaded once, on a helper thread, at the first use. Plain
 * http:// is for loopback only, unless the caller says that the peer is a target. HTTPS_PROXY and
 * NO_PROXY are heeded for https:// to others than this machine.
 *
 * Connections are kept for the next exchange with the same peer. Where one turns out to be dead, what may
 * be repeated without harm (GET, HEAD, PUT, DELETE, OPTIONS) is sent again over a new one; POST and PATCH
 * fail with MW_ERROR_RETRY instead, since the peer may have heard them.
 */
#ifndef MIDWATCH_HTTP_H
#define MIDWATCH_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <talloc.h>

#include "midwatch/deadline.h"
#include "midwatch/error.h"

struct mw_http_request {
    const char *method; /* GET HEAD POST PUT PATCH DELETE OPTIONS; NULL: GET, or POST with a body */
    const char *url;    /* http:// or https:// */
    const char *const
        *headers;     /* "Name: value", ends with NULL; may be NULL. No line breaks inside */
    const void *body; /* NULL: none */
    size_t body_length;
    size_t limit; /* bytes of body that are taken; 0: 8 MiB. More is MW_ERROR_BAD_INPUT */
    const char *unix_socket; /* NULL: TCP */
    const char *authorities; /* PEM file of further authorities; NULL: the system's alone */
    bool plain_allowed;      /* http:// to any address: a target that the owner configured */
};

struct mw_http_response {
    int status;
    char *body; /* NUL-terminated foreign bytes */
    size_t length;
    char *content_type;     /* lower case, without parameters; may be NULL */
    int64_t retry_after_ms; /* from Retry-After (seconds or date); -1: not said */
};

/* True for any answer that was received whole, whatever its status. The strings of `response` hang on
 * `memory`. RETRY: not connected, cut off; TIMEOUT; PERMANENT: TLS or the URL is wrong. */
MW_SUSPENDS bool mw_http(TALLOC_CTX *memory, const struct mw_http_request *request,
                         struct mw_deadline deadline, struct mw_http_response *response,
                         struct mw_error *error);

#endif
