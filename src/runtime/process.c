/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/process.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "runtime/child.h"
#include "runtime/internal.h"
#include "runtime/stream.h"

/* What a group that was told to end may take to do so, and what the kernel may take to kill it. */
#define GRACE_MS 500
#define KILL_MS  2000
/* After the child has ended, a grandchild may keep its output open: no longer than this. */
#define DRAIN_MS 100

#define CHUNK     ((size_t)4096)
#define LIMIT_MAX ((size_t)16 * 1024 * 1024)

struct output {
    struct mw_stream *stream;
    char *bytes;
    size_t length, room, limit;
    bool cut;
};

struct process {
    const char *name;
    pid_t pid;
    struct output out, err;
    struct mw_group readers;
};

/* A child that even SIGKILL did not end in time (it hangs in the kernel) is reaped when one looks
 * again; more of them than this would be a machine in deeper trouble. */
static pid_t strays[16];

static void reap_strays(void)
{
    for (size_t i = 0; i < sizeof strays / sizeof *strays; i++)
        if (strays[i] != 0 && waitpid(strays[i], NULL, WNOHANG) != 0)
            strays[i] = 0;
}

static void remember_stray(pid_t pid)
{
    for (size_t i = 0; i < sizeof strays / sizeof *strays; i++) {
        if (strays[i] == 0) {
            strays[i] = pid;
            return;
        }
    }
}

static void keep_last(struct output *output)
{
    if (output->length <= output->limit)
        return;
    memmove(output->bytes, output->bytes + output->length - output->limit, output->limit);
    output->length = output->limit;
    output->cut = true;
}

/* Up to twice the limit is gathered before it is cut, so that each byte is moved about once. Where there
 * is no memory for so much, the limit is what fits. */
static void make_room(struct output *output)
{
    if (output->length > 2 * output->limit)
        keep_last(output);
    if (output->room - output->length > CHUNK)
        return;
    size_t larger = output->room == 0 ? 2 * CHUNK : 2 * output->room;
    char *grown = talloc_realloc_size(output->stream, output->bytes, larger);
    if (grown == NULL) {
        output->limit = output->room / 2 - CHUNK;
        keep_last(output);
        return;
    }
    output->bytes = grown;
    output->room = larger;
}

static void read_output(void *argument)
{
    struct output *output = argument;
    struct mw_error ignored;
    ssize_t got;
    do {
        make_room(output);
        got = mw_stream_read(output->stream, output->bytes + output->length,
                             output->room - output->length - 1, false, MW_NO_DEADLINE, &ignored);
        output->length += got > 0 ? (size_t)got : 0;
    } while (got > 0);
}

static char *take_output(struct output *output, TALLOC_CTX *memory, size_t *length)
{
    keep_last(output);
    output->bytes[output->length] = '\0';
    *length = output->length;
    char *bytes = talloc_realloc_size(memory, output->bytes, output->length + 1);
    return talloc_steal(memory, bytes != NULL ? bytes : output->bytes);
}

static bool open_output(struct process *process, struct output *output, int fd, size_t limit,
                        struct mw_error *error)
{
    output->limit = limit < LIMIT_MAX ? limit : LIMIT_MAX;
    output->stream = mw_stream_from_fd(process, fd, error);
    if (output->stream == NULL) {
        close(fd);
        return false;
    }
    make_room(output);
    return true;
}

static bool start(struct process *process, const char *const *argv, const char *const *environment,
                  size_t limit, struct mw_error *error)
{
    struct mw_child child;
    reap_strays();
    if (!mw_child_start(argv, environment, &child, error))
        return false;
    process->pid = child.pid;
    bool out = open_output(process, &process->out, child.out, limit, error);
    bool err = open_output(process, &process->err, child.err, limit, error);
    if (!out || !err) {
        kill(-process->pid, SIGKILL);
        waitpid(process->pid, NULL, 0);
        return false;
    }
    mw_fiber_spawn(&process->readers, process->name, read_output, &process->out);
    mw_fiber_spawn(&process->readers, process->name, read_output, &process->err);
    return true;
}

static enum mw_wake await_exit(const struct process *process, struct mw_deadline deadline,
                               bool cancellable)
{
    for (;;) {
        siginfo_t info = {0};
        if (waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
            info.si_pid != 0)
            return MW_WAKE_READY;
        enum mw_wake wake = mw_condition_park(&mw_child_ended, deadline, cancellable);
        if (wake != MW_WAKE_READY)
            return wake;
    }
}

/* The child is reaped after its group is killed only: until then its number is nobody else's. */
static void end_group(const struct process *process)
{
    kill(-process->pid, SIGTERM);
    await_exit(process, mw_deadline_in(GRACE_MS), false);
    kill(-process->pid, SIGKILL);
    await_exit(process, mw_deadline_in(KILL_MS), false);
}

static void reap(const struct process *process, struct mw_process_result *result)
{
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) {
        remember_stray(process->pid);
        return;
    }
    result->exit_code = info.si_code == CLD_EXITED ? info.si_status : -1;
    result->signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
}

bool mw_process_run(TALLOC_CTX *memory, const char *const *argv, const char *const *environment,
                    size_t limit, struct mw_deadline deadline, struct mw_process_result *result,
                    struct mw_error *error)
{
    if (mw_fiber_cancelled())
        return mw_error_set(error, MW_ERROR_CANCELLED, "%s was cancelled", argv[0]);
    if (mw_deadline_passed(deadline))
        return mw_error_set(error, MW_ERROR_TIMEOUT, "%s: no time is left to run it", argv[0]);
    struct process *process = talloc_zero(memory, struct process);
    mw_require(process != NULL, "no memory for a process");
    process->name = argv[0];
    mw_group_init(&process->readers);
    if (!start(process, argv, environment, limit, error)) {
        talloc_free(process);
        return false;
    }

    struct mw_error ignored;
    struct mw_process_result seen = {.exit_code = -1};
    enum mw_wake wake = await_exit(process, deadline, true);
    if (wake == MW_WAKE_READY)
        mw_group_wait(&process->readers, mw_deadline_in(DRAIN_MS), &ignored);
    else
        end_group(process);
    mw_group_finish(&process->readers);
    reap(process, &seen);
    if (wake == MW_WAKE_READY) {
        seen.out = take_output(&process->out, memory, &seen.out_length);
        seen.err = take_output(&process->err, memory, &seen.err_length);
        seen.cut = process->out.cut || process->err.cut;
        *result = seen;
    } else if (wake == MW_WAKE_TIMEOUT) {
        mw_error_set(error, MW_ERROR_TIMEOUT, "%s took too long and was killed", argv[0]);
    } else {
        mw_error_set(error, MW_ERROR_CANCELLED, "%s was cancelled and killed", argv[0]);
    }
    talloc_free(process);
    return wake == MW_WAKE_READY;
}
