/* SPDX-License-Identifier: Apache-2.0 */
/* Stops asking a service that keeps failing: after three failures in a row it is left alone for a
 * while, then one exchange is let through to see; each failure doubles the while, up to ten minutes. */
#ifndef MIDWATCH_LLM_BREAKER_H
#define MIDWATCH_LLM_BREAKER_H

#include "midwatch/deadline.h"
#include "midwatch/error.h"

struct mw_breaker {
    int failures;       /* in a row */
    mw_mono_ns open_to; /* nothing passes before; 0: closed */
    int64_t pause_ms;   /* of the last opening */
    bool probing;       /* the one exchange that sees */
    char last[200];     /* what failed last */
};

/* It lets nothing through now, or one at the most. */
bool mw_breaker_is_open(const struct mw_breaker *breaker);
/* False with MW_ERROR_RETRY: not now. After true, exactly one of the others follows. */
bool mw_breaker_enter(struct mw_breaker *breaker, struct mw_error *error);
void mw_breaker_worked(struct mw_breaker *breaker);
void mw_breaker_failed(struct mw_breaker *breaker, const char *why);
/* The exchange says nothing about the service: it was cancelled, or had no time. */
void mw_breaker_abandoned(struct mw_breaker *breaker);

#endif
