/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a PostgreSQL is and how to log in, as libpq's URIs say it (PostgreSQL manual, 34.1.1.2):
 *   postgresql://[USER[:PASSWORD]@][HOST][:PORT][/DATABASE][?OPTION=VALUE&…]
 * Without HOST, or with a percent-encoded folder in its place, it is a Unix socket.
 */
#ifndef MIDWATCH_POSTGRES_URL_H
#define MIDWATCH_POSTGRES_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <talloc.h>

#include "midwatch/error.h"

#define MW_POSTGRES_EXTRAS_MAX 24

struct mw_postgres_address {
    char *host;     /* a name or an address; NULL: a Unix socket */
    char *hostaddr; /* from the URL: no name is looked up; NULL: none */
    char *path;     /* folder of the Unix socket */
    char *port;     /* digits */
    int port_number;
    char *user, *database;
    char *password; /* NULL: none, or in a passfile */
    size_t extra_count;
    const char *extra_names[MW_POSTGRES_EXTRAS_MAX]; /* libpq's options about TLS, keepalives, … */
    const char *extra_values[MW_POSTGRES_EXTRAS_MAX];
    char *label; /* for people, without secrets: "127.0.0.1:5432" */
    bool local;  /* on this machine, as far as the address tells */
};

/* Errors never repeat the URL, which may hold a password. */
struct mw_postgres_address *mw_postgres_url_parse(TALLOC_CTX *memory, const char *url,
                                                  struct mw_error *error);

#endif
