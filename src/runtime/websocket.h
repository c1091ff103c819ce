/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A websocket to a server (RFC 6455), by libwebsockets on the loop. Names are looked up by resolve.h; TLS
 * is verified against the system's authorities; plain ws:// is for loopback only. HTTPS_PROXY and NO_PROXY
 * are heeded for wss:// to others than this machine.
 *
 * A websocket is a talloc object; freeing it closes it: what was written is sent, then the close frame,
 * and two seconds later the connection is gone in any case. One fiber reads; any may write.
 */
#ifndef MIDWATCH_WEBSOCKET_H
#define MIDWATCH_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "midwatch/deadline.h"
#include "midwatch/error.h"

struct mw_websocket;

struct mw_websocket_request {
    const char *url; /* ws:// or wss://; never quoted in an error: it may hold a ticket */
    size_t
        limit; /* bytes of a message that are taken; 0: 1 MiB. A larger one ends the connection */
    int64_t ping_ms; /* a ping is sent once nothing was heard for that long; 0: never */
    int64_t
        pong_ms; /* and when nothing is heard for that long after it, the connection has ended */
};

/* RETRY: not connected, not upgraded; TIMEOUT; PERMANENT: TLS or the URL is wrong. */
MW_SUSPENDS struct mw_websocket *mw_websocket_connect(TALLOC_CTX *memory,
                                                      const struct mw_websocket_request *request,
                                                      struct mw_deadline deadline,
                                                      struct mw_error *error);

/* The next whole message, NUL-terminated foreign bytes on `memory`; does not suspend where one is there
 * already. TIMEOUT: none came; the connection is as it was. RETRY: it has ended. Pings are sent while
 * somebody reads. */
MW_SUSPENDS bool mw_websocket_read(struct mw_websocket *websocket, TALLOC_CTX *memory, char **text,
                                   size_t *length, struct mw_deadline deadline,
                                   struct mw_error *error);

/* True: it is on its way, in the order of the calls. Suspends only where 1 MiB is on its way already. */
MW_SUSPENDS bool mw_websocket_write(struct mw_websocket *websocket, const char *text, size_t length,
                                    struct mw_deadline deadline, struct mw_error *error);

#endif
