/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of ws://HOST[:PORT][/PATH] and of wss://…. */
#ifndef MIDWATCH_RUNTIME_WEBSOCKET_URL_H
#define MIDWATCH_RUNTIME_WEBSOCKET_URL_H

#include <stdbool.h>
#include <talloc.h>

#include "midwatch/error.h"

struct mw_websocket_url {
    bool secure;
    char *host; /* a name in ASCII, or a numeric address without brackets */
    int port;
    char *path; /* with what follows it, beginning with "/" */
};

/* The URL itself is never quoted: it may hold a ticket. */
bool mw_websocket_url_parse(TALLOC_CTX *memory, const char *text, struct mw_websocket_url *url,
                            struct mw_error *error);

#endif
