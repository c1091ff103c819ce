/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "runtime/internal.h"
#include "runtime/runtime.h"
#include "runtime/work.h"

/* One job under way; made and freed by the loop's thread. */
struct call {
    struct call *next;
    void *job;
    struct mw_waiter waiter;
    bool done, abandoned;
};

struct call_list {
    struct call *first, *last;
    size_t count;
};

struct mw_worker {
    const char *name;
    size_t bound;
    void (*batch)(void *context, void **jobs, size_t count);
    void *context;
    bool threaded;     /* false: made under the virtual clock, jobs run inline */
    size_t inline_now; /* such jobs that have not run yet */

    struct mw_waiter ender; /* who waits for the thread's end */
    uv_async_t async;
    pthread_t thread;
    void **jobs; /* of the batch in hand; the thread's own */

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t something;
    struct call_list waiting, finished;
    bool closing, ended;
};

static void append(struct call_list *list, struct call *call)
{
    call->next = NULL;
    if (list->first == NULL)
        list->first = call;
    else
        list->last->next = call;
    list->last = call;
    list->count++;
}

static struct call_list take_all(struct call_list *list)
{
    struct call_list taken = *list;
    *list = (struct call_list){0};
    return taken;
}

/* Waits for jobs, runs them as one batch and hands them back. False when the worker is closing and
 * nothing is left. Called and left with the mutex held. */
static bool serve_once(struct mw_worker *worker)
{
    while (worker->waiting.count == 0 && !worker->closing)
        pthread_cond_wait(&worker->something, &worker->mutex);
    if (worker->waiting.count == 0)
        return false;
    struct call_list batch = take_all(&worker->waiting);
    pthread_mutex_unlock(&worker->mutex);

    size_t count = 0;
    for (struct call *call = batch.first; call != NULL; call = call->next)
        worker->jobs[count++] = call->job;
    worker->batch(worker->context, worker->jobs, count);

    pthread_mutex_lock(&worker->mutex);
    while (batch.first != NULL) {
        struct call *call = batch.first;
        batch.first = call->next;
        append(&worker->finished, call);
    }
    uv_async_send(&worker->async);
    return true;
}

static void *worker_thread(void *argument)
{
    struct mw_worker *worker = argument;
    pthread_mutex_lock(&worker->mutex);
    while (serve_once(worker))
        continue;
    worker->ended = true;
    uv_async_send(&worker->async);
    pthread_mutex_unlock(&worker->mutex);
    return NULL;
}

static void on_news(uv_async_t *async)
{
    struct mw_worker *worker = async->data;
    pthread_mutex_lock(&worker->mutex);
    struct call_list finished = take_all(&worker->finished);
    bool ended = worker->ended;
    pthread_mutex_unlock(&worker->mutex);

    while (finished.first != NULL) {
        struct call *call = finished.first;
        finished.first = call->next;
        mw_loop.helpers--;
        call->done = true;
        if (call->abandoned) {
            mw_free_later(call->job);
            free(call);
        } else {
            mw_unpark(&call->waiter);
        }
    }
    if (ended)
        mw_unpark(&worker->ender);
}

static void free_worker(struct mw_worker *worker)
{
    pthread_mutex_destroy(&worker->mutex);
    pthread_cond_destroy(&worker->something);
    free(worker->jobs);
    free(worker);
}

static void on_async_closed(uv_handle_t *handle)
{
    free_worker(handle->data);
}

/* The thread takes no signals: they are the loop's. */
static int start_thread(struct mw_worker *worker)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&worker->thread, NULL, worker_thread, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0) {
        char name[16] = {0};
        for (size_t i = 0; i < sizeof name - 1 && worker->name[i] != '\0'; i++)
            name[i] = worker->name[i];
        pthread_setname_np(worker->thread, name);
    }
    return rc;
}

struct mw_worker *mw_worker_create(const char *name, size_t bound,
                                   void (*batch)(void *context, void **jobs, size_t count),
                                   void *context, struct mw_error *error)
{
    mw_require(mw_loop.open, "a worker was made without a loop");
    mw_require(bound > 0, "a worker's queue must have room");
    struct mw_worker *worker = calloc(1, sizeof *worker);
    mw_require(worker != NULL, "no memory for a worker");
    worker->name = name;
    worker->bound = bound;
    worker->batch = batch;
    worker->context = context;
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_cond_init(&worker->something, NULL);
    mw_loop.workers++;
    if (mw_clock_is_virtual())
        return worker;

    worker->threaded = true;
    worker->jobs = calloc(bound, sizeof *worker->jobs);
    mw_require(worker->jobs != NULL, "no memory for a worker's queue");
    worker->async.data = worker;
    int rc = uv_async_init(&mw_loop.uv, &worker->async, on_news);
    if (rc != 0) {
        mw_error_set(error, MW_ERROR_PERMANENT, "cannot start the %s thread: %s", name,
                     uv_strerror(rc));
        mw_loop.workers--;
        free_worker(worker);
        return NULL;
    }
    rc = start_thread(worker);
    if (rc != 0) {
        mw_error_set(error, MW_ERROR_PERMANENT, "cannot start the %s thread: %s", name,
                     uv_strerror(-rc));
        mw_loop.workers--;
        uv_close((uv_handle_t *)&worker->async, on_async_closed);
        return NULL;
    }
    return worker;
}

void mw_worker_destroy(struct mw_worker *worker)
{
    if (worker == NULL)
        return;
    if (!worker->threaded) {
        while (worker->inline_now > 0)
            mw_fiber_yield();
        mw_loop.workers--;
        free_worker(worker);
        return;
    }
    pthread_mutex_lock(&worker->mutex);
    mw_require(!worker->closing, "a worker was ended twice");
    worker->closing = true;
    bool ended = worker->ended;
    pthread_cond_signal(&worker->something);
    pthread_mutex_unlock(&worker->mutex);
    while (!ended) {
        mw_park_uncancellable(&worker->ender, MW_NO_DEADLINE);
        pthread_mutex_lock(&worker->mutex);
        ended = worker->ended;
        pthread_mutex_unlock(&worker->mutex);
    }
    pthread_join(worker->thread, NULL);
    mw_loop.workers--;
    uv_close((uv_handle_t *)&worker->async, on_async_closed);
}

/* NULL when the queue is full. */
static struct call *enqueue(struct mw_worker *worker, void *job)
{
    struct call *call = calloc(1, sizeof *call);
    mw_require(call != NULL, "no memory for a job");
    call->job = job;
    pthread_mutex_lock(&worker->mutex);
    bool room = worker->waiting.count < worker->bound && !worker->closing;
    if (room) {
        append(&worker->waiting, call);
        pthread_cond_signal(&worker->something);
    }
    pthread_mutex_unlock(&worker->mutex);
    if (!room) {
        free(call);
        return NULL;
    }
    mw_loop.helpers++;
    return call;
}

static bool give_up(void **job, enum mw_wake wake, struct mw_error *error)
{
    mw_free_later(*job);
    *job = NULL;
    return mw_wake_check(wake, "work on a helper thread", error);
}

static bool wait_for_call(struct call *call, void **job, bool uncancellable,
                          struct mw_deadline deadline, struct mw_error *error)
{
    while (!call->done) {
        enum mw_wake wake = uncancellable ? mw_park_uncancellable(&call->waiter, deadline)
                                          : mw_park(&call->waiter, deadline);
        if (wake == MW_WAKE_READY || call->done)
            continue;
        call->abandoned = true;
        *job = NULL;
        return mw_wake_check(wake, "work on a helper thread", error);
    }
    free(call);
    return true;
}

bool mw_worker_call(struct mw_worker *worker, void **job, bool uncancellable,
                    struct mw_deadline deadline, struct mw_error *error)
{
    if (!uncancellable && mw_fiber_cancelled())
        return give_up(job, MW_WAKE_CANCELLED, error);
    if (mw_deadline_passed(deadline))
        return give_up(job, MW_WAKE_TIMEOUT, error);
    if (!worker->threaded) {
        worker->inline_now++;
        mw_fiber_yield();
        worker->batch(worker->context, job, 1);
        worker->inline_now--;
        return true;
    }
    struct call *call = enqueue(worker, *job);
    if (call == NULL)
        return mw_error_set(error, MW_ERROR_RETRY, "the %s thread has too much to do",
                            worker->name);
    return wait_for_call(call, job, uncancellable, deadline, error);
}
