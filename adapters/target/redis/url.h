/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a Redis is and how to log in:
 *   redis://[USER[:PASSWORD]@]HOST[:PORT][/DB]    HOST may be [::1]
 *   redis://:PASSWORD@HOST                        the default user
 *   unix://[USER[:PASSWORD]@]/PATH[?db=N]         also redis+unix://
 * Parts may be percent-encoded.
 */
#ifndef MIDWATCH_REDIS_URL_H
#define MIDWATCH_REDIS_URL_H

#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

#include "midwatch/error.h"

struct mw_redis_address {
    char *host; /* NULL: a Unix socket */
    int port;
    char *path;
    char *user, *password; /* NULL: none */
    bool has_database;     /* the URL names one */
    int64_t database;
    char *label; /* for people, without secrets: "127.0.0.1:6379" */
    bool local;  /* on this machine, as far as the address tells */
};

/* Errors never repeat the URL, which may hold a password. */
struct mw_redis_address *mw_redis_url_parse(TALLOC_CTX *memory, const char *url,
                                            struct mw_error *error);

#endif
