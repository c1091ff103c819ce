/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "runtime/fiber.h"
#include "runtime/internal.h"

/* On the stack of the fiber that waits, in a ring per condition or lock: first come, first. */
struct mw_condition_wait {
    struct mw_waiter waiter;
    struct mw_condition_wait *next, *previous;
    bool granted;
};

static void ring_add(struct mw_condition_wait **first, struct mw_condition_wait *wait)
{
    if (*first == NULL) {
        wait->next = wait->previous = wait;
        *first = wait;
        return;
    }
    wait->next = *first;
    wait->previous = (*first)->previous;
    wait->previous->next = wait;
    wait->next->previous = wait;
}

static void ring_remove(struct mw_condition_wait **first, struct mw_condition_wait *wait)
{
    wait->next->previous = wait->previous;
    wait->previous->next = wait->next;
    if (*first == wait)
        *first = wait->next == wait ? NULL : wait->next;
}

/* Takes the first out and wakes it. */
static void grant_first(struct mw_condition_wait **first)
{
    struct mw_condition_wait *wait = *first;
    ring_remove(first, wait);
    wait->granted = true;
    mw_unpark(&wait->waiter);
}

static enum mw_wake wait_in(struct mw_condition_wait **first, struct mw_deadline deadline,
                            bool cancellable)
{
    struct mw_condition_wait wait = {0};
    ring_add(first, &wait);
    enum mw_wake wake = cancellable ? mw_park(&wait.waiter, deadline)
                                    : mw_park_uncancellable(&wait.waiter, deadline);
    if (wait.granted)
        return MW_WAKE_READY;
    ring_remove(first, &wait);
    return wake;
}

void mw_condition_init(struct mw_condition *condition)
{
    condition->first = NULL;
}

void mw_condition_notify(struct mw_condition *condition)
{
    while (condition->first != NULL)
        grant_first(&condition->first);
}

bool mw_condition_wait(struct mw_condition *condition, struct mw_deadline deadline,
                       struct mw_error *error)
{
    return mw_wake_check(wait_in(&condition->first, deadline, true), "the wait", error);
}

enum mw_wake mw_condition_park(struct mw_condition *condition, struct mw_deadline deadline,
                               bool cancellable)
{
    return wait_in(&condition->first, deadline, cancellable);
}

void mw_lock_init(struct mw_lock *lock)
{
    *lock = (struct mw_lock){0};
}

bool mw_lock_acquire(struct mw_lock *lock, struct mw_deadline deadline, struct mw_error *error)
{
    if (!lock->held) {
        lock->held = true;
        return true;
    }
    return mw_wake_check(wait_in(&lock->first, deadline, true), "waiting for one's turn", error);
}

void mw_lock_release(struct mw_lock *lock)
{
    mw_require(lock->held, "a lock was released that nobody holds");
    /* Handed over directly, so that no newcomer gets in before who has waited. */
    if (lock->first != NULL)
        grant_first(&lock->first);
    else
        lock->held = false;
}

bool mw_sleep(int64_t ms, struct mw_error *error)
{
    struct mw_waiter waiter = {NULL};
    if (ms <= 0) {
        mw_fiber_yield();
        return mw_wake_check(mw_fiber_cancelled() ? MW_WAKE_CANCELLED : MW_WAKE_READY, "the sleep",
                             error);
    }
    enum mw_wake wake = mw_park(&waiter, mw_deadline_in(ms));
    return wake == MW_WAKE_TIMEOUT || mw_wake_check(wake, "the sleep", error);
}
