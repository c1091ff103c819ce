/* SPDX-License-Identifier: Apache-2.0 */
/* Which way to an https peer the environment asks for. */
#ifndef MIDWATCH_RUNTIME_HTTP_PROXY_H
#define MIDWATCH_RUNTIME_HTTP_PROXY_H

#include <stdbool.h>

/* The value of https_proxy, HTTPS_PROXY, all_proxy or ALL_PROXY, whichever comes first; NULL: none,
 * or no_proxy (NO_PROXY) names the host, or the host is this machine. */
const char *mw_proxy_for(const char *host);

/* Whether a list as in NO_PROXY ("corp.example, .lab, 10.0.0.0/8, *") names the host. A name stands
 * for itself and all below it. */
bool mw_proxy_bypassed(const char *list, const char *host);

/* By name or number: localhost, 127.0.0.1, ::1. */
bool mw_host_is_loopback(const char *host);

#endif
