/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "runtime/internal.h"
#include "runtime/socket.h"

/* A peer that always has more must not keep the loop to itself: after so many calls in a row that
 * did not wait, others get their turn. */
#define STREAK_MAX 32

struct mw_stream {
    int fd;
    bool socket;
    bool was_blocking; /* shared with others who expect it so: given back that way */
    struct mw_poll *poll;
    unsigned streak;
    const char *peer; /* "127.0.0.1:6379", for errors */
};

static int close_stream(struct mw_stream *stream)
{
    mw_poll_close(stream->poll);
    if (stream->was_blocking) {
        int flags = fcntl(stream->fd, F_GETFL);
        if (flags >= 0)
            fcntl(stream->fd, F_SETFL, flags & ~O_NONBLOCK);
    }
    close(stream->fd);
    return 0;
}

struct mw_stream *mw_stream_wrap(TALLOC_CTX *memory, int fd, const char *peer,
                                 struct mw_error *error)
{
    struct mw_stream *stream = talloc_zero(memory, struct mw_stream);
    mw_require(stream != NULL, "no memory for a stream");
    stream->peer = talloc_strdup(stream, peer);
    mw_require(stream->peer != NULL, "no memory for a stream");
    if (!mw_poll_open(&stream->poll, fd, error)) {
        talloc_free(stream);
        return NULL;
    }
    stream->fd = fd;
    stream->socket = true;
    talloc_set_destructor(stream, close_stream);
    return stream;
}

struct mw_stream *mw_stream_from_fd(TALLOC_CTX *memory, int fd, struct mw_error *error)
{
    struct stat stat;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fstat(fd, &stat) != 0) {
        mw_error_set(error, MW_ERROR_BAD_INPUT, "descriptor %d is not open", fd);
        return NULL;
    }
    if (S_ISREG(stat.st_mode) || S_ISDIR(stat.st_mode)) {
        mw_error_set(error, MW_ERROR_BAD_INPUT,
                     "descriptor %d is a file on disk, which cannot be waited for", fd);
        return NULL;
    }
    char peer[32];
    snprintf(peer, sizeof peer, "descriptor %d", fd);
    struct mw_stream *stream = mw_stream_wrap(memory, fd, peer, error);
    if (stream == NULL) {
        fcntl(fd, F_SETFL, flags);
        return NULL;
    }
    stream->socket = S_ISSOCK(stat.st_mode);
    stream->was_blocking = (flags & O_NONBLOCK) == 0;
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    fcntl(fd, F_SETFD, fcntl(fd, F_GETFD) | FD_CLOEXEC);
    return stream;
}

bool mw_stream_wait(struct mw_stream *stream, int event, struct mw_deadline deadline,
                    const char *what, struct mw_error *error)
{
    stream->streak = 0;
    if (stream->poll == NULL)
        return mw_error_set(error, MW_ERROR_PERMANENT, "%s: the loop has ended", stream->peer);
    struct mw_error cause;
    if (mw_poll_wait(stream->poll, event, deadline, what, &cause))
        return true;
    return mw_error_set(error, cause.class, "%s: %s", stream->peer, cause.text);
}

/* Before a call that may not wait: true when it may be made. */
static bool may_go_on(struct mw_stream *stream, struct mw_deadline deadline, const char *what,
                      struct mw_error *error)
{
    enum mw_wake wake = MW_WAKE_READY;
    if (mw_fiber_cancelled()) {
        wake = MW_WAKE_CANCELLED;
    } else if (++stream->streak > STREAK_MAX) {
        stream->streak = 0;
        mw_fiber_yield();
        if (mw_deadline_passed(deadline))
            wake = MW_WAKE_TIMEOUT;
    }
    if (wake == MW_WAKE_READY)
        return true;
    struct mw_error cause;
    mw_wake_check(wake, what, &cause);
    return mw_error_set(error, cause.class, "%s: %s", stream->peer, cause.text);
}

static bool report(const struct mw_stream *stream, const char *what, int code,
                   struct mw_error *error)
{
    if (code == EPIPE || code == ECONNRESET)
        return mw_error_set(error, MW_ERROR_RETRY,
                            "%s: the connection was closed by the other side", stream->peer);
    return mw_error_set(error, mw_socket_error_class(code), "%s: %s failed: %s", stream->peer, what,
                        strerror(code));
}

ssize_t mw_stream_read(struct mw_stream *stream, void *buffer, size_t size, bool expect_wait,
                       struct mw_deadline deadline, struct mw_error *error)
{
    mw_require(size > 0, "a read into nothing");
    if (!may_go_on(stream, deadline, "reading", error))
        return -1;
    bool wait_first = expect_wait;
    for (;;) {
        if (wait_first && !mw_stream_wait(stream, UV_READABLE, deadline, "the answer", error))
            return -1;
        wait_first = false;
        ssize_t got = read(stream->fd, buffer, size);
        if (got >= 0)
            return got;
        if (errno == EAGAIN)
            wait_first = true;
        else if (errno != EINTR && !report(stream, "reading", errno, error))
            return -1;
    }
}

bool mw_stream_write(struct mw_stream *stream, const void *bytes, size_t length,
                     struct mw_deadline deadline, struct mw_error *error)
{
    const char *at = bytes;
    while (length > 0) {
        if (!may_go_on(stream, deadline, "writing", error))
            return false;
        ssize_t sent = stream->socket ? send(stream->fd, at, length, MSG_NOSIGNAL)
                                      : write(stream->fd, at, length);
        if (sent >= 0) {
            at += sent;
            length -= (size_t)sent;
        } else if (errno == EAGAIN) {
            if (!mw_stream_wait(stream, UV_WRITABLE, deadline, "writing", error))
                return false;
        } else if (errno != EINTR) {
            return report(stream, "writing", errno, error);
        }
    }
    return true;
}
