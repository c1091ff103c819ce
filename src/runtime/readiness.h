/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for a descriptor that belongs to somebody else: the socket of a vendor's library that is
 * driven through its non-blocking face. It is a talloc object. Free it before its owner closes the
 * descriptor or calls what may close it: a number that is used again must not be waited for under its
 * old meaning. One object per descriptor, one fiber per direction.
 */
#ifndef MIDWATCH_READINESS_H
#define MIDWATCH_READINESS_H

#include <stdbool.h>
#include <talloc.h>

#include "midwatch/deadline.h"
#include "midwatch/error.h"

struct mw_readiness;

enum mw_ready { MW_READY_TO_READ, MW_READY_TO_WRITE };

/* Makes the descriptor non-blocking and leaves it open always. NULL: it cannot be waited for. */
struct mw_readiness *mw_readiness_create(TALLOC_CTX *memory, int fd, struct mw_error *error);

/* True also when the descriptor has an error or its end to report: the next call on it tells. `what`
 * begins the error's sentence: "connecting". */
MW_SUSPENDS bool mw_readiness_wait(struct mw_readiness *readiness, enum mw_ready ready,
                                   struct mw_deadline deadline, const char *what,
                                   struct mw_error *error);

#endif
