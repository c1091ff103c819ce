/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the runtime share with each other and with nobody else. */
#ifndef MIDWATCH_RUNTIME_INTERNAL_H
#define MIDWATCH_RUNTIME_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>
#include <uv.h>

#include "midwatch/deadline.h"
#include "midwatch/error.h"
#include "runtime/fiber.h"

/* Which part of a turn is running: fibers are entered in one phase only, and libraries call back in
 * the other only. */
enum mw_phase { MW_PHASE_NONE, MW_PHASE_FIBERS, MW_PHASE_WORLD };

struct mw_queue {
    struct mw_fiber *first, *last;
};

struct mw_loop {
    uv_loop_t uv;
    bool open; /* between mw_runtime_init and mw_runtime_finish */
    enum mw_phase phase;
    struct mw_fiber *current; /* NULL: no fiber is running */
    struct mw_queue ready;    /* run in the next turn, in this order */
    struct mw_queue patient;  /* after those, as many as a turn has time for */
    size_t fibers;            /* that have not ended */
    size_t helpers; /* jobs on threads and look-ups under way; virtual time stands still for them */
    size_t workers; /* worker threads; each must be gone before the loop is */
    uint64_t turns;
};

extern struct mw_loop mw_loop;

/* A broken promise of the program itself: says which and ends the process. */
_Noreturn void mw_broken(const char *where, const char *what);
#define mw_require(condition, what) ((condition) ? (void)0 : mw_broken(__func__, what))

/* While libuv is used, its abort() for want of descriptors, memory or threads is a sentence and status 1. */
void mw_shortage_init(void);
void mw_shortage_finish(void);

enum mw_fiber_state { MW_FIBER_READY, MW_FIBER_RUNNING, MW_FIBER_PARKED, MW_FIBER_ENDED };

struct mw_stack;

struct mw_fiber {
    enum mw_fiber_state state;
    struct mw_fiber *ready_next;
    struct mw_group *group;
    struct mw_fiber *group_next, *group_previous;
    const char *name;
    void (*run)(void *argument);
    void *argument;
    struct mw_stack *stack; /* NULL until it first runs */
    TALLOC_CTX *memory;     /* NULL until somebody asks for it */
    bool cancelled;

    struct mw_waiter *waiter; /* where it is parked; NULL when it is not */
    bool cancellable;         /* whether cancelling ends this park */
    enum mw_wake wake;        /* why the last park ended */
    mw_mono_ns alarm_at;
    uint64_t alarm_order; /* equal deadlines pass in the order in which they were set */
    size_t alarm_slot;    /* place in the heap, from 1; 0: none */
};

/* fiber.c */
void mw_fiber_resume(struct mw_fiber *fiber);
void mw_fiber_wake(struct mw_fiber *fiber, enum mw_wake wake);

/* alarm.c: the deadlines of parked fibers. */
void mw_alarm_set(struct mw_fiber *fiber, mw_mono_ns at);
void mw_alarm_clear(struct mw_fiber *fiber);
mw_mono_ns mw_alarm_next(void);                   /* INT64_MAX: none */
struct mw_fiber *mw_alarm_passed(mw_mono_ns now); /* the first that has passed, cleared; or NULL */
void mw_alarm_finish(void);

/* stack.c: the only file that switches stacks. */
struct mw_stack *mw_stack_take(void (*entry)(void *argument), void *argument);
void mw_stack_enter(struct mw_stack *stack); /* from the loop; returns when the fiber leaves */
void mw_stack_leave(struct mw_stack *stack); /* from the fiber; returns when it is entered again */
void mw_stack_give(struct mw_stack *stack);  /* its entry function has returned */
size_t mw_stack_count(void);
size_t mw_stack_high_water(void);
void mw_stack_finish(void);

/* sync.c */
MW_SUSPENDS enum mw_wake mw_condition_park(struct mw_condition *condition,
                                           struct mw_deadline deadline, bool cancellable);

/* signal.c */
bool mw_signal_init(struct mw_error *error);
/* Notified when a child of ours may have ended. */
extern struct mw_condition mw_child_ended;

/* poll.c: waiting for a descriptor. It stays armed between waits as long as nothing happens that
 * nobody waits for, which spares two system calls per wait. Close it before its descriptor. */
struct mw_poll;

/* `*owner` receives the poll, and NULL again when the loop ends before it is closed. */
bool mw_poll_open(struct mw_poll **owner, int fd, struct mw_error *error);
void mw_poll_close(struct mw_poll *poll); /* NULL: nothing to do */
/* `event` is UV_READABLE or UV_WRITABLE. True also when the descriptor has an error to report: the
 * next system call on it tells. */
MW_SUSPENDS bool mw_poll_wait(struct mw_poll *poll, int event, struct mw_deadline deadline,
                              const char *what, struct mw_error *error);
void mw_poll_orphan(uv_handle_t *handle);

/* resolve.c */
void mw_resolve_finish(void);

/* http.c: kept connections, authorities, libcurl. No helper thread works any more. */
void mw_http_finish(void);

/* websocket_host.c: libwebsockets, with what is open. */
void mw_websocket_finish(void);

#endif
