/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/fiber.h"

#include "base/clock.h"
#include "runtime/internal.h"

static void make_ready(struct mw_fiber *fiber)
{
    struct mw_queue *queue = fiber->group->patient ? &mw_loop.patient : &mw_loop.ready;
    fiber->state = MW_FIBER_READY;
    fiber->ready_next = NULL;
    if (queue->first == NULL)
        queue->first = fiber;
    else
        queue->last->ready_next = fiber;
    queue->last = fiber;
}

void mw_fiber_wake(struct mw_fiber *fiber, enum mw_wake wake)
{
    mw_require(fiber->state == MW_FIBER_PARKED, "a fiber that is not parked was woken");
    mw_alarm_clear(fiber);
    if (fiber->waiter != NULL)
        fiber->waiter->fiber = NULL;
    fiber->waiter = NULL;
    fiber->wake = wake;
    make_ready(fiber);
}

static void fiber_main(void *argument)
{
    struct mw_fiber *self = argument;
    self->run(self->argument);
    talloc_free(self->memory);
    self->memory = NULL;
    self->state = MW_FIBER_ENDED;
}

static void leave_group(struct mw_fiber *fiber)
{
    struct mw_group *group = fiber->group;
    if (fiber->group_previous != NULL)
        fiber->group_previous->group_next = fiber->group_next;
    else
        group->first = fiber->group_next;
    if (fiber->group_next != NULL)
        fiber->group_next->group_previous = fiber->group_previous;
    group->count--;
    if (group->count == 0 && group->ender != NULL)
        mw_unpark(group->ender);
}

void mw_fiber_resume(struct mw_fiber *fiber)
{
    mw_require(mw_loop.phase == MW_PHASE_FIBERS && mw_loop.current == NULL,
               "a fiber was entered from outside the loop's own place for it");
    if (fiber->stack == NULL)
        fiber->stack = mw_stack_take(fiber_main, fiber);
    fiber->state = MW_FIBER_RUNNING;
    mw_loop.current = fiber;
    mw_stack_enter(fiber->stack);
    mw_loop.current = NULL;
    if (fiber->state != MW_FIBER_ENDED)
        return;
    mw_stack_give(fiber->stack);
    leave_group(fiber);
    mw_loop.fibers--;
    talloc_free(fiber);
}

void mw_group_init(struct mw_group *group)
{
    *group = (struct mw_group){0};
}

void mw_group_cancel(struct mw_group *group)
{
    group->cancelled = true;
    for (struct mw_fiber *fiber = group->first; fiber != NULL; fiber = fiber->group_next)
        mw_fiber_cancel(fiber);
}

void mw_group_finish(struct mw_group *group)
{
    mw_require(mw_loop.current == NULL || mw_loop.current->group != group,
               "a fiber waits for its own end");
    mw_group_cancel(group);
    while (group->count > 0) {
        struct mw_waiter waiter = {NULL};
        mw_require(group->ender == NULL, "two fibers wait for the end of one group");
        group->ender = &waiter;
        mw_park_uncancellable(&waiter, MW_NO_DEADLINE);
        group->ender = NULL;
    }
}

bool mw_group_wait(struct mw_group *group, struct mw_deadline deadline, struct mw_error *error)
{
    while (group->count > 0) {
        struct mw_waiter waiter = {NULL};
        mw_require(group->ender == NULL, "two fibers wait for the end of one group");
        group->ender = &waiter;
        enum mw_wake wake = mw_park(&waiter, deadline);
        group->ender = NULL;
        if (wake != MW_WAKE_READY)
            return mw_wake_check(wake, "waiting for others to end", error);
    }
    return true;
}

struct mw_fiber *mw_fiber_spawn(struct mw_group *group, const char *name, void (*run)(void *),
                                void *argument)
{
    mw_require(mw_loop.open, "a fiber was started without a loop");
    struct mw_fiber *fiber = talloc_zero(NULL, struct mw_fiber);
    mw_require(fiber != NULL, "no memory for another fiber");
    fiber->name = name;
    fiber->run = run;
    fiber->argument = argument;
    fiber->cancelled = group->cancelled;
    fiber->group = group;
    fiber->group_next = group->first;
    if (group->first != NULL)
        group->first->group_previous = fiber;
    group->first = fiber;
    group->count++;
    mw_loop.fibers++;
    make_ready(fiber);
    return fiber;
}

void mw_fiber_cancel(struct mw_fiber *fiber)
{
    fiber->cancelled = true;
    if (fiber->state == MW_FIBER_PARKED && fiber->cancellable)
        mw_fiber_wake(fiber, MW_WAKE_CANCELLED);
}

TALLOC_CTX *mw_fiber_memory(void)
{
    struct mw_fiber *self = mw_loop.current;
    mw_require(self != NULL, "only a fiber has memory of its own");
    if (self->memory == NULL) {
        self->memory = talloc_named_const(NULL, 0, self->name);
        mw_require(self->memory != NULL, "no memory for a fiber's context");
    }
    return self->memory;
}

const char *mw_fiber_name(void)
{
    return mw_loop.current == NULL ? "main" : mw_loop.current->name;
}

bool mw_fiber_cancelled(void)
{
    return mw_loop.current != NULL && mw_loop.current->cancelled;
}

void mw_fiber_yield(void)
{
    struct mw_fiber *self = mw_loop.current;
    mw_require(self != NULL, "only a fiber can wait");
    make_ready(self);
    mw_stack_leave(self->stack);
}

static enum mw_wake park(struct mw_waiter *waiter, struct mw_deadline deadline, bool cancellable)
{
    struct mw_fiber *self = mw_loop.current;
    mw_require(self != NULL, "only a fiber can wait");
    mw_require(waiter->fiber == NULL, "two fibers wait at one place");
    if (cancellable && self->cancelled)
        return MW_WAKE_CANCELLED;
    if (deadline.at != MW_NO_DEADLINE.at) {
        if (mw_deadline_passed(deadline))
            return MW_WAKE_TIMEOUT;
        mw_alarm_set(self, deadline.at);
    }
    waiter->fiber = self;
    self->waiter = waiter;
    self->cancellable = cancellable;
    self->state = MW_FIBER_PARKED;
    mw_stack_leave(self->stack);
    return self->wake;
}

enum mw_wake mw_park(struct mw_waiter *waiter, struct mw_deadline deadline)
{
    return park(waiter, deadline, true);
}

enum mw_wake mw_park_uncancellable(struct mw_waiter *waiter, struct mw_deadline deadline)
{
    return park(waiter, deadline, false);
}

void mw_unpark(struct mw_waiter *waiter)
{
    if (waiter->fiber != NULL)
        mw_fiber_wake(waiter->fiber, MW_WAKE_READY);
}

bool mw_wake_check(enum mw_wake wake, const char *what, struct mw_error *error)
{
    switch (wake) {
    case MW_WAKE_READY:
        return true;
    case MW_WAKE_TIMEOUT:
        return mw_error_set(error, MW_ERROR_TIMEOUT, "%s took too long", what);
    case MW_WAKE_CANCELLED:
        return mw_error_set(error, MW_ERROR_CANCELLED, "%s was cancelled", what);
    }
    return true;
}
