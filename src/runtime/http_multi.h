/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's transfers on the loop. Its callbacks note what happened and mark fibers ready; handles are
 * added, removed and freed by fibers. */
#ifndef MIDWATCH_RUNTIME_HTTP_MULTI_H
#define MIDWATCH_RUNTIME_HTTP_MULTI_H

#include <stdbool.h>

#include "runtime/fiber.h"
#include "runtime/libcurl.h"

struct mw_transfer {
    CURL *easy;
    struct mw_transfer *next, *previous; /* those under way */
    struct mw_waiter waiter;
    bool done;
    bool lost_socket; /* one that it opened was closed just now */
    CURLcode code;    /* where done */
    int socket_error; /* errno of a socket that could not be made */
};

/* Carries out what the handle was prepared for, and takes it out again also where it did not come to
 * its end. The handle's private pointer and its functions for sockets are set here. False: libcurl
 * cannot be driven. */
MW_SUSPENDS bool mw_transfer_run(struct mw_transfer *transfer, CURL *easy,
                                 struct mw_deadline deadline, enum mw_wake *wake,
                                 struct mw_error *error);

/* Closes the kept connections. */
void mw_multi_finish(void);

#endif
