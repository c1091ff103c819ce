/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fibers: functions that may wait. Each has a stack of its own with a guard page and runs on the
 * one thread until it suspends; nothing needs a lock against other fibers between two suspensions.
 *
 * A fiber belongs to a group, and who owns the group waits for it: no fiber outlives what it uses.
 * Cancelling makes the wait that the fiber is in, and each later one, fail with MW_ERROR_CANCELLED;
 * its scopes are left in order.
 */
#ifndef MIDWATCH_FIBER_H
#define MIDWATCH_FIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <talloc.h>

#include "midwatch/deadline.h"
#include "midwatch/error.h"

struct mw_fiber;

struct mw_group {
    struct mw_fiber *first; /* members */
    size_t count;
    struct mw_waiter *ender;
    bool cancelled; /* new members start cancelled */
    /* Set after mw_group_init: its members do long work that may wait some turns, so that however many
     * of them are ready, other fibers run every few milliseconds. */
    bool patient;
};

/* An embedded group. finish() cancels all members and waits until the last has ended. */
void mw_group_init(struct mw_group *group);
void mw_group_cancel(struct mw_group *group);
MW_SUSPENDS void mw_group_finish(struct mw_group *group);
/* Waits until the group is empty, without cancelling. */
MW_SUSPENDS bool mw_group_wait(struct mw_group *group, struct mw_deadline deadline,
                               struct mw_error *error);

/* Starts a fiber; it runs at the next turn. `name` must stay valid as long as the fiber. The pointer
 * is valid until `run` returns. Never fails: without memory for a stack the process ends, since no
 * promise could be kept any more. */
struct mw_fiber *mw_fiber_spawn(struct mw_group *group, const char *name, void (*run)(void *),
                                void *argument);
void mw_fiber_cancel(struct mw_fiber *fiber);

/* The running fiber's own memory, freed when it ends. */
TALLOC_CTX *mw_fiber_memory(void);
const char *mw_fiber_name(void); /* "main" outside of fibers */
bool mw_fiber_cancelled(void);

MW_SUSPENDS void mw_fiber_yield(void);
/* False when cancelled. */
MW_SUSPENDS bool mw_sleep(int64_t ms, struct mw_error *error);

/* The primitive below all waiting: one fiber, parked until woken. For the runtime and adapters that
 * drive a vendor library; others use conditions. */
enum mw_wake { MW_WAKE_READY, MW_WAKE_TIMEOUT, MW_WAKE_CANCELLED };

struct mw_waiter {
    struct mw_fiber *fiber; /* NULL: nobody is parked here */
};

MW_SUSPENDS enum mw_wake mw_park(struct mw_waiter *waiter, struct mw_deadline deadline);
/* The same, but cancelling does not end it: only for the commit of an intent to act. */
MW_SUSPENDS enum mw_wake mw_park_uncancellable(struct mw_waiter *waiter,
                                               struct mw_deadline deadline);
/* Marks the parked fiber ready; safe from any callback of a library, never runs it. */
void mw_unpark(struct mw_waiter *waiter);
/* Fills the error for a wake that was not READY and returns false; true for READY. */
bool mw_wake_check(enum mw_wake wake, const char *what, struct mw_error *error);

/* A condition: who waits is woken when something may have changed, and looks again. */
struct mw_condition {
    struct mw_condition_wait *first;
};

void mw_condition_init(struct mw_condition *condition);
void mw_condition_notify(struct mw_condition *condition); /* wakes all that wait now */
MW_SUSPENDS bool mw_condition_wait(struct mw_condition *condition, struct mw_deadline deadline,
                                   struct mw_error *error);

/* A lock that fibers hold across suspensions, first come first served. */
struct mw_lock {
    bool held;
    struct mw_condition_wait *first, *last;
};

void mw_lock_init(struct mw_lock *lock);
MW_SUSPENDS bool mw_lock_acquire(struct mw_lock *lock, struct mw_deadline deadline,
                                 struct mw_error *error);
void mw_lock_release(struct mw_lock *lock);

#endif
