/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One libuv loop in one thread. There is one per process; everything else here works on it.
 *
 * A turn of the loop: run the fibers that are ready, free what was deferred, wait for the world
 * (callbacks only mark fibers ready), wake those whose deadline has passed, note how long it took.
 */
#ifndef MIDWATCH_RUNTIME_H
#define MIDWATCH_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "midwatch/deadline.h"
#include "midwatch/error.h"

/* After it SIGPIPE and SIGXFSZ are ignored. With a virtual clock (base/clock.h) the loop does not wait: it jumps to
 * the next deadline when nothing is ready and no helper thread works. */
bool mw_runtime_init(struct mw_error *error);
/* All fibers must have ended. */
void mw_runtime_finish(void);

/* Runs `main` in a fiber of its own until it returns and no fiber is left. Returns what it returned. */
int mw_runtime_run(int (*main)(void *argument), void *argument);

/* Frees a talloc pointer at the end of this turn of the loop. */
void mw_free_later(void *pointer);

struct mw_loop_stats {
    uint64_t turns;
    double lag_ms_last,
        lag_ms_max; /* time in which the loop could not have answered; max since last read */
    size_t fibers, stacks;
    size_t stack_high_water; /* bytes, of the deepest stack seen; measured in builds with
                                MW_STACK_CHECK, else 0 */
};

/* Reading resets lag_ms_max. */
struct mw_loop_stats mw_loop_stats(void);

/* Suspends until one of SIGTERM, SIGINT or SIGHUP arrives; returns its number, or 0 when cancelled.
 * A signal that arrives while nobody waits is kept. */
MW_SUSPENDS int mw_signal_wait(void);

#endif
