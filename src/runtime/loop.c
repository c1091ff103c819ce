/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "runtime/internal.h"
#include "runtime/runtime.h"

#define NS_PER_MS INT64_C(1000000)
/* How long one turn runs fibers that can wait for another. */
#define PATIENT_MS  5
#define FILES_MAX   65536
#define DESCRIPTORS 4096
/* What libuv opens before it can say that it cannot: it aborts without a word. */
#define DESCRIPTORS_LEAST 8

struct mw_loop mw_loop;

static uv_timer_t timer;
static uv_prepare_t before_poll;
static uv_check_t after_poll;
static mw_mono_ns timer_at;

static void **deferred;
static size_t deferred_count, deferred_room;

static int64_t awake_since, busy_ns;
static double lag_ms_last, lag_ms_max;

_Noreturn void mw_broken(const char *where, const char *what)
{
    fprintf(stderr, "midwatch: bug in fiber \"%s\", %s: %s\n", mw_fiber_name(), where, what);
    mw_shortage_finish();
    abort();
}

/* Simulated time stands still while code runs, so there is no lag in it. */
static int64_t stamp(void)
{
    return mw_clock_is_virtual() ? 0 : (int64_t)uv_hrtime();
}

static void note_poll_begins(uv_prepare_t *handle)
{
    int64_t now = stamp();
    busy_ns = awake_since == 0 || now == 0 ? 0 : now - awake_since;
}

static void note_poll_ended(uv_check_t *handle)
{
    awake_since = stamp();
    /* libuv read its clock when the poll ended, before the callbacks, but in whole milliseconds. */
    int64_t callbacks = awake_since - (int64_t)uv_now(&mw_loop.uv) * NS_PER_MS - NS_PER_MS;
    if (callbacks > 0)
        awake_since -= callbacks;
}

/* libuv runs timers before it polls, too; then it must not start to wait. */
static void on_timer(uv_timer_t *handle)
{
    uv_stop(handle->loop);
}

static bool open_standard_descriptors(struct mw_error *error)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            return mw_error_set(error, MW_ERROR_PERMANENT, "cannot open /dev/null");
    return true;
}

/* A thousand targets are a thousand connections, and a login allows 1,024 files. What cannot be raised
 * is said when a descriptor is missing. */
static void allow_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    rlim_t wanted = limit.rlim_max < FILES_MAX ? limit.rlim_max : FILES_MAX;
    if (limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* The kernel enlarges the table of descriptors step by step, and where a process has threads it waits
 * for every processor each time: on a busy machine, seconds within socket(). So it is made large once,
 * before there are any. */
static void enlarge_descriptor_table(void)
{
    int fd = fcntl(0, F_DUPFD_CLOEXEC, DESCRIPTORS - 1);
    if (fd >= 0)
        close(fd);
}

static bool has_descriptors(struct mw_error *error)
{
    int fds[DESCRIPTORS_LEAST], count = 0;
    while (count < DESCRIPTORS_LEAST && (fds[count] = fcntl(0, F_DUPFD_CLOEXEC, 0)) >= 0)
        count++;
    bool enough = count == DESCRIPTORS_LEAST;
    while (count > 0)
        close(fds[--count]);
    return enough ||
           mw_error_set(error, MW_ERROR_PERMANENT,
                        "too few file descriptors are left to begin with: raise the limit "
                        "on open files (LimitNOFILE)");
}

bool mw_runtime_init(struct mw_error *error)
{
    mw_require(!mw_loop.open, "a second loop was asked for");
    if (!open_standard_descriptors(error))
        return false;
    allow_files();
    if (!has_descriptors(error))
        return false;
    enlarge_descriptor_table();
    mw_loop = (struct mw_loop){0};
    mw_shortage_init();
    int rc = uv_loop_init(&mw_loop.uv);
    if (rc != 0)
        return mw_error_set(error, MW_ERROR_PERMANENT, "cannot start the event loop: %s",
                            uv_strerror(rc));
    mw_loop.open = true;
    uv_timer_init(&mw_loop.uv, &timer);
    uv_prepare_init(&mw_loop.uv, &before_poll);
    uv_prepare_start(&before_poll, note_poll_begins);
    uv_check_init(&mw_loop.uv, &after_poll);
    uv_check_start(&after_poll, note_poll_ended);
    lag_ms_last = lag_ms_max = 0;
    if (!mw_signal_init(error)) {
        mw_runtime_finish();
        return false;
    }
    return true;
}

void mw_free_later(void *pointer)
{
    if (pointer == NULL)
        return;
    if (deferred_count == deferred_room) {
        size_t larger = deferred_room == 0 ? 64 : deferred_room * 2;
        void **grown = realloc(deferred, larger * sizeof *deferred);
        mw_require(grown != NULL, "no memory to defer a release");
        deferred = grown;
        deferred_room = larger;
    }
    deferred[deferred_count++] = pointer;
}

static struct mw_fiber *next_ready(struct mw_queue *queue)
{
    struct mw_fiber *fiber = queue->first;
    if (fiber != NULL)
        queue->first = fiber->ready_next;
    return fiber;
}

static void run_ready(void)
{
    mw_loop.phase = MW_PHASE_FIBERS;
    struct mw_queue now = mw_loop.ready;
    mw_loop.ready = (struct mw_queue){NULL, NULL};
    struct mw_fiber *fiber;
    while ((fiber = next_ready(&now)) != NULL)
        mw_fiber_resume(fiber);

    int64_t end = stamp() + PATIENT_MS * NS_PER_MS;
    struct mw_fiber *last = mw_loop.patient.last;
    while ((fiber = next_ready(&mw_loop.patient)) != NULL) {
        mw_fiber_resume(fiber);
        if (fiber == last || stamp() > end)
            break;
    }
    mw_loop.phase = MW_PHASE_NONE;
}

static void free_deferred(void)
{
    /* A destructor may defer more. */
    for (size_t i = 0; i < deferred_count; i++)
        talloc_free(deferred[i]);
    deferred_count = 0;
}

static bool has_work(void)
{
    return mw_loop.ready.first != NULL || mw_loop.patient.first != NULL || deferred_count > 0 ||
           mw_loop.fibers == 0;
}

static void set_timer(void)
{
    mw_mono_ns next = mw_alarm_next();
    if (next == INT64_MAX) {
        uv_timer_stop(&timer);
        return;
    }
    if (next == timer_at && uv_is_active((uv_handle_t *)&timer))
        return;
    int64_t left = next - mw_mono_now();
    int64_t ms = left <= 0 ? 0 : (left - 1) / NS_PER_MS + 1;
    uv_update_time(&mw_loop.uv);
    uv_timer_start(&timer, on_timer, (uint64_t)ms, 0);
    timer_at = next;
}

/* Only when nothing can happen at this moment does the next moment come. */
static void pass_virtual_time(void)
{
    uv_timer_stop(&timer);
    uv_run(&mw_loop.uv, UV_RUN_NOWAIT);
    if (has_work())
        return;
    mw_mono_ns next = mw_alarm_next();
    if (mw_loop.helpers > 0 || next == INT64_MAX) {
        uv_run(&mw_loop.uv, UV_RUN_ONCE);
        return;
    }
    mw_mono_ns now = mw_mono_now();
    if (next > now)
        mw_clock_advance(next - now);
}

static void wait_for_world(void)
{
    mw_loop.phase = MW_PHASE_WORLD;
    if (mw_clock_is_virtual()) {
        pass_virtual_time();
    } else if (has_work()) {
        uv_run(&mw_loop.uv, UV_RUN_NOWAIT);
    } else {
        set_timer();
        uv_run(&mw_loop.uv, UV_RUN_ONCE);
    }
    mw_loop.phase = MW_PHASE_NONE;
}

static void wake_expired(void)
{
    struct mw_fiber *fiber;
    mw_mono_ns now = mw_mono_now();
    while ((fiber = mw_alarm_passed(now)) != NULL)
        mw_fiber_wake(fiber, MW_WAKE_TIMEOUT);
}

static void note_lag(void)
{
    mw_loop.turns++;
    lag_ms_last = (double)busy_ns / 1e6;
    if (lag_ms_last > lag_ms_max)
        lag_ms_max = lag_ms_last;
}

struct main_call {
    int (*run)(void *argument);
    void *argument;
    int result;
};

static void main_fiber(void *argument)
{
    struct main_call *call = argument;
    call->result = call->run(call->argument);
}

int mw_runtime_run(int (*main)(void *argument), void *argument)
{
    struct main_call call = {main, argument, 0};
    struct mw_group group;
    mw_group_init(&group);
    mw_fiber_spawn(&group, "main", main_fiber, &call);
    awake_since = stamp();
    while (mw_loop.fibers > 0) {
        run_ready();
        free_deferred();
        wait_for_world();
        wake_expired();
        note_lag();
    }
    free_deferred();
    return call.result;
}

static void close_handle(uv_handle_t *handle, void *unused)
{
    if (uv_is_closing(handle))
        return;
    if (handle->type == UV_POLL)
        mw_poll_orphan(handle);
    else
        uv_close(handle, NULL);
}

void mw_runtime_finish(void)
{
    mw_require(mw_loop.open, "the loop was ended twice");
    mw_require(mw_loop.fibers == 0, "the loop was ended before its fibers");
    mw_require(mw_loop.workers == 0, "the loop was ended before a worker");
    mw_resolve_finish();
    while (mw_loop.helpers > 0)
        uv_run(&mw_loop.uv, UV_RUN_ONCE);
    free_deferred();
    mw_websocket_finish();
    mw_http_finish();
    uv_walk(&mw_loop.uv, close_handle, NULL);
    uv_run(&mw_loop.uv, UV_RUN_DEFAULT);
    mw_require(uv_loop_close(&mw_loop.uv) == 0, "the loop was ended with something open");
    free(deferred);
    deferred = NULL;
    deferred_room = 0;
    mw_alarm_finish();
    mw_stack_finish();
    mw_shortage_finish();
    mw_loop.open = false;
}

struct mw_loop_stats mw_loop_stats(void)
{
    struct mw_loop_stats stats = {
        .turns = mw_loop.turns,
        .lag_ms_last = lag_ms_last,
        .lag_ms_max = lag_ms_max,
        .fibers = mw_loop.fibers,
        .stacks = mw_stack_count(),
        .stack_high_water = mw_stack_high_water(),
    };
    lag_ms_max = 0;
    return stats;
}
