/* SPDX-License-Identifier: Apache-2.0 */
/* Names to addresses by c-ares on the loop. Equal look-ups under way are one; answers are kept for a
 * short while (at most 60 s, at most 1,024 names). Numeric addresses need no look-up. */
#ifndef MIDWATCH_RESOLVE_H
#define MIDWATCH_RESOLVE_H

#include <stddef.h>
#include <sys/socket.h>
#include <talloc.h>

#include "midwatch/deadline.h"
#include "midwatch/error.h"

struct mw_addresses {
    size_t count;
    struct sockaddr_storage *items; /* with the port set; IPv4 and IPv6 in the order to try */
};

MW_SUSPENDS struct mw_addresses *mw_resolve(TALLOC_CTX *memory, const char *host, int port,
                                            struct mw_deadline deadline, struct mw_error *error);

#endif
