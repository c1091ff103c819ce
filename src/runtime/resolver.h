/* SPDX-License-Identifier: Apache-2.0 */
/* c-ares on the loop (resolver.c), asked by the cache in resolve.c. */
#ifndef MIDWATCH_RUNTIME_RESOLVER_H
#define MIDWATCH_RUNTIME_RESOLVER_H

#include <ares.h>
#include <stdbool.h>

#include "midwatch/error.h"

/* Asks for all addresses of a name; `answer` may be called before this returns. While `idle`,
 * settings that have changed on disk are read again. */
bool mw_resolver_ask(const char *host, bool idle, ares_addrinfo_callback answer, void *argument,
                     struct mw_error *error);
/* Servers to ask ("127.0.0.1:5300,…") instead of those that /etc/resolv.conf names; NULL: those.
 * Valid from the first question after mw_runtime_init on; the text must stay. */
void mw_resolver_servers(const char *list);
/* No question is open any more. */
void mw_resolver_rest(void);
/* Answers what is open with ARES_EDESTRUCTION. */
void mw_resolver_finish(void);

#endif
