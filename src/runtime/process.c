/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/process.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "runtime/child.h"
#include "runtime/internal.h"
#include "runtime/stream.h"

/* What a group that was told to end may take to do so, and what the kernel may take to kill it. */
#define GRACE_MS 500
#define KILL_MS  2000
/* After the child has ended, a grandchild may keep its output open: no longer than this. */
#define DRAIN_MS 100

#define CHUNK     4096
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
    int pidfd;
    struct mw_poll *exit;
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

/* Up to twice the limit is gathered before it is cut, so that each byte is moved about once. */
static void make_room(struct output *output)
{
    if (output->length > 2 * output->limit)
        keep_last(output);
    if (output->room - output->length > CHUNK)
        return;
    output->room = output->room == 0 ? 2 * CHUNK : 2 * output->room;
    output->bytes = talloc_realloc_size(output->stream, output->bytes, output->room);
    mw_require(output->bytes != NULL, "no memory for a program's output");
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
    return talloc_steal(memory, output->bytes);
}

static int close_process(struct process *process)
{
    mw_poll_close(process->exit);
    if (process->pidfd >= 0)
        close(process->pidfd);
    return 0;
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

static bool watch_child(struct process *process, const struct mw_child *child, size_t limit,
                        struct mw_error *error)
{
    bool out = open_output(process, &process->out, child->out, limit, error);
    bool err = open_output(process, &process->err, child->err, limit, error);
    if (!out || !err)
        return false;
    process->pidfd = pidfd_open(process->pid, 0);
    if (process->pidfd < 0)
        return mw_error_set(error, MW_ERROR_PERMANENT, "%s: cannot be watched: %s", process->name,
                            strerror(errno));
    return mw_poll_open(&process->exit, process->pidfd, error);
}

static bool start(struct process *process, const char *const *argv, const char *const *environment,
                  size_t limit, struct mw_error *error)
{
    struct mw_child child;
    reap_strays();
    if (!mw_child_start(argv, environment, &child, error))
        return false;
    process->pid = child.pid;
    if (!watch_child(process, &child, limit, error)) {
        kill(-process->pid, SIGKILL);
        waitpid(process->pid, NULL, 0);
        return false;
    }
    mw_fiber_spawn(&process->readers, process->name, read_output, &process->out);
    mw_fiber_spawn(&process->readers, process->name, read_output, &process->err);
    return true;
}

static bool await_exit(struct process *process, struct mw_deadline deadline, bool cancellable,
                       struct mw_error *error)
{
    for (;;) {
        siginfo_t info = {0};
        if (waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
            info.si_pid != 0)
            return true;
        if (!mw_poll_wait(process->exit, UV_READABLE, deadline, cancellable, process->name, error))
            return false;
    }
}

/* The child is reaped after its group is killed only: until then its number is nobody else's. */
static void end_group(struct process *process)
{
    struct mw_error ignored;
    kill(-process->pid, SIGTERM);
    await_exit(process, mw_deadline_in(GRACE_MS), false, &ignored);
    kill(-process->pid, SIGKILL);
    await_exit(process, mw_deadline_in(KILL_MS), false, &ignored);
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
    process->pidfd = -1;
    mw_group_init(&process->readers);
    talloc_set_destructor(process, close_process);
    if (!start(process, argv, environment, limit, error)) {
        talloc_free(process);
        return false;
    }

    struct mw_error cause, ignored;
    struct mw_process_result seen = {.exit_code = -1};
    bool ended = await_exit(process, deadline, true, &cause);
    if (ended)
        mw_group_wait(&process->readers, mw_deadline_in(DRAIN_MS), &ignored);
    else
        end_group(process);
    mw_group_finish(&process->readers);
    reap(process, &seen);
    if (ended) {
        seen.out = take_output(&process->out, memory, &seen.out_length);
        seen.err = take_output(&process->err, memory, &seen.err_length);
        seen.cut = process->out.cut || process->err.cut;
        *result = seen;
    } else {
        mw_error_set(error, cause.class, "%s %s and was killed", argv[0],
                     cause.class == MW_ERROR_TIMEOUT ? "took too long" : "was cancelled");
    }
    talloc_free(process);
    return ended;
}
