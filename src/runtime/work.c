/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/work.h"

#include <stdlib.h>

#include "base/clock.h"
#include "runtime/internal.h"
#include "runtime/runtime.h"

/* Between the fiber that waits and the thread that works; the loop frees it. */
struct task {
    uv_work_t request;
    void (*run)(void *job);
    void *job;
    struct mw_waiter waiter;
    bool done, abandoned;
};

static void on_pool(uv_work_t *request)
{
    struct task *task = request->data;
    task->run(task->job);
}

static void on_done(uv_work_t *request, int status)
{
    struct task *task = request->data;
    mw_loop.helpers--;
    task->done = true;
    if (task->abandoned) {
        mw_free_later(task->job);
        free(task);
    } else {
        mw_unpark(&task->waiter);
    }
}

/* Simulated time cannot wait for a thread, and a replay must not depend on one. */
static void run_inline(void (*run)(void *job), void *job)
{
    mw_fiber_yield();
    run(job);
}

/* A job that will not be run any more goes as one that was. */
static bool give_up(void **job, enum mw_wake wake, struct mw_error *error)
{
    mw_free_later(*job);
    *job = NULL;
    return mw_wake_check(wake, "work on a helper thread", error);
}

bool mw_work(void (*run)(void *job), void **job, struct mw_deadline deadline,
             struct mw_error *error)
{
    if (mw_fiber_cancelled())
        return give_up(job, MW_WAKE_CANCELLED, error);
    if (mw_deadline_passed(deadline))
        return give_up(job, MW_WAKE_TIMEOUT, error);
    if (mw_clock_is_virtual()) {
        run_inline(run, *job);
        return true;
    }

    struct task *task = calloc(1, sizeof *task);
    mw_require(task != NULL, "no memory for a job");
    task->request.data = task;
    task->run = run;
    task->job = *job;
    int rc = uv_queue_work(&mw_loop.uv, &task->request, on_pool, on_done);
    mw_require(rc == 0, "libuv refused a job");
    mw_loop.helpers++;

    while (!task->done) {
        enum mw_wake wake = mw_park(&task->waiter, deadline);
        if (wake == MW_WAKE_READY || task->done)
            continue;
        task->abandoned = true;
        *job = NULL;
        uv_cancel((uv_req_t *)&task->request); /* only helps while no thread has begun it */
        return mw_wake_check(wake, "work on a helper thread", error);
    }
    free(task);
    return true;
}
