/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "runtime/internal.h"
#include "runtime/resolve.h"
#include "runtime/socket.h"

/* How long one address may take while others are left to try and nobody set a deadline. */
#define TRY_MS 10000

enum mw_error_class mw_socket_error_class(int code)
{
    switch (code) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
    case EADDRNOTAVAIL:
    case EACCES:
    case EPERM:
    case EAFNOSUPPORT:
        return MW_ERROR_PERMANENT;
    case ETIMEDOUT:
        return MW_ERROR_TIMEOUT;
    default:
        return MW_ERROR_RETRY;
    }
}

const char *mw_socket_error_text(int code)
{
    switch (code) {
    case ECONNREFUSED:
        return "connection refused: nothing listens there";
    case ENOENT:
        return "there is no such socket";
    case EACCES:
    case EPERM:
        return "permission denied";
    case EMFILE:
    case ENFILE:
        return "no file descriptor is left: raise the limit on open files (LimitNOFILE)";
    case EADDRNOTAVAIL:
        return "there is no local address or port to connect from";
    case ETIMEDOUT:
        return "no answer";
    case ENETUNREACH:
    case EHOSTUNREACH:
        return "there is no route to it";
    default:
        return strerror(code);
    }
}

static bool cannot_connect(const char *peer, int code, struct mw_error *error)
{
    return mw_error_set(error, mw_socket_error_class(code), "cannot connect to %s: %s", peer,
                        mw_socket_error_text(code));
}

/* Waits until the connection under way stands. */
static bool await_connection(struct mw_stream *stream, int fd, const char *peer,
                             struct mw_deadline deadline, struct mw_error *error)
{
    if (!mw_stream_wait(stream, UV_WRITABLE, deadline, "connecting", error))
        return false;
    int code = 0;
    socklen_t size = sizeof code;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) != 0)
        code = errno;
    return code == 0 || cannot_connect(peer, code, error);
}

/* `*full` is set when the peer's queue has no room now (Unix sockets only). */
static struct mw_stream *connect_to(TALLOC_CTX *memory, const struct sockaddr *address,
                                    socklen_t size, const char *peer, struct mw_deadline deadline,
                                    bool *full, struct mw_error *error)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        cannot_connect(peer, errno, error);
        return NULL;
    }
    if (address->sa_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    bool waiting = connect(fd, address, size) != 0;
    if (waiting && errno != EINPROGRESS && errno != EINTR) {
        *full = errno == EAGAIN;
        cannot_connect(peer, errno, error);
        close(fd);
        return NULL;
    }
    struct mw_stream *stream = mw_stream_wrap(memory, fd, peer, error);
    if (stream == NULL) {
        close(fd);
        return NULL;
    }
    if (waiting && !await_connection(stream, fd, peer, deadline, error)) {
        talloc_free(stream);
        return NULL;
    }
    return stream;
}

static void describe(const struct sockaddr_storage *address, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
        inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host);
        snprintf(text, size, "[%s]:%d", host, ntohs(six->sin6_port));
    } else {
        const struct sockaddr_in *four = (const struct sockaddr_in *)address;
        inet_ntop(AF_INET, &four->sin_addr, host, sizeof host);
        snprintf(text, size, "%s:%d", host, ntohs(four->sin_port));
    }
}

/* An even share of what is left, so that one address that swallows everything leaves time for the
 * others. */
static struct mw_deadline share(struct mw_deadline deadline, size_t left)
{
    if (left <= 1)
        return deadline;
    int64_t ms = mw_deadline_left_ms(deadline);
    int64_t part = ms == INT64_MAX ? TRY_MS : ms / (int64_t)left;
    return mw_deadline_min(deadline, mw_deadline_in(part > 0 ? part : 1));
}

struct mw_stream *mw_stream_tcp(TALLOC_CTX *memory, const char *host, int port,
                                struct mw_deadline deadline, struct mw_error *error)
{
    struct mw_addresses *addresses = mw_resolve(memory, host, port, deadline, error);
    if (addresses == NULL)
        return NULL;
    struct mw_stream *stream = NULL;
    for (size_t i = 0; i < addresses->count && stream == NULL; i++) {
        const struct sockaddr_storage *address = &addresses->items[i];
        socklen_t size = address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                        : sizeof(struct sockaddr_in);
        char peer[INET6_ADDRSTRLEN + 16];
        bool full = false;
        struct mw_error tried;
        describe(address, peer, sizeof peer);
        stream = connect_to(memory, (const struct sockaddr *)address, size, peer,
                            share(deadline, addresses->count - i), &full, &tried);
        /* That IPv6 is switched off here says less than what an address answered. */
        if (stream == NULL && (i == 0 || tried.class != MW_ERROR_PERMANENT))
            *error = tried;
        if (stream == NULL && (mw_fiber_cancelled() || mw_deadline_passed(deadline)))
            break;
    }
    talloc_free(addresses);
    return stream;
}

struct mw_stream *mw_stream_unix(TALLOC_CTX *memory, const char *path, struct mw_deadline deadline,
                                 struct mw_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof address.sun_path) {
        mw_error_set(error, MW_ERROR_BAD_INPUT,
                     "\"%.200s\" cannot be a socket's path: it may have %zu bytes", path,
                     sizeof address.sun_path - 1);
        return NULL;
    }
    memcpy(address.sun_path, path, length);
    /* A Unix socket whose queue is full answers EAGAIN and nothing tells when there is room. */
    for (int64_t pause = 1;; pause = pause < 50 ? pause * 2 : pause) {
        bool full = false;
        struct mw_stream *stream = connect_to(memory, (const struct sockaddr *)&address,
                                              sizeof address, path, deadline, &full, error);
        if (!full)
            return stream;
        if (mw_deadline_passed(deadline)) {
            mw_error_set(error, MW_ERROR_TIMEOUT, "%s: connecting took too long: its queue is full",
                         path);
            return NULL;
        }
        int64_t left = mw_deadline_left_ms(deadline);
        if (!mw_sleep(pause < left ? pause : left, error))
            return NULL;
    }
}
