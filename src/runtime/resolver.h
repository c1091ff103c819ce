/* SPDX-License-Identifier: Apache-2.0 */
/* c-ares on the loop (resolver.c), asked by the cache in resolve.c. */
#ifndef MIDWATCH_RUNTIME_RESOLVER_H
#define MIDWATCH_RUNTIME_RESOLVER_H

#include <ares.h>
#include <stdbool.h>

#include "midwatch/error.h"

/* Asks for all addresses of a name; `answer` may be called before this returns. While `idle`, settings
 * that have changed on disk are read again. */
bool mw_resolver_ask(const char *host, bool idle, ares_addrinfo_callback answer, void *argument,
                     struct mw_error *error);
/* No question is open any more. */
void mw_resolver_rest(void);
/* Answers what is open with ARES_EDESTRUCTION. */
void mw_resolver_finish(void);

#endif
