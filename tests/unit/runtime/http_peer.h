/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP peers of our own for tests: on a thread each connection, scripted by a function. */
#ifndef MIDWATCH_TEST_RUNTIME_HTTP_PEER_H
#define MIDWATCH_TEST_RUNTIME_HTTP_PEER_H

#include "helper.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/http.h"

#define CALLS_MAX   512
#define REQUEST_MAX (4u * 1024 * 1024)

struct peer;

struct call {
    struct peer *peer;
    int fd;
    SSL *tls;
    char *request; /* the last one, NUL-terminated */
    size_t length;
    pthread_t thread;
};

struct peer {
    int fd, port;
    void (*serve)(struct call *call);
    SSL_CTX *tls;
    pthread_t thread;
    pthread_mutex_t mutex;
    struct call calls[CALLS_MAX];
    int count; /* calls that were taken */
    atomic_int connections, requests;
    bool ending; /* under the mutex, as fds are */
};

static TALLOC_CTX *memory;

static inline ssize_t take(struct call *call, void *bytes, size_t size)
{
    return call->tls != NULL ? SSL_read(call->tls, bytes, (int)size)
                             : recv(call->fd, bytes, size, 0);
}

static inline bool say_bytes(struct call *call, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = call->tls != NULL ? SSL_write(call->tls, bytes, (int)length)
                                         : send(call->fd, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

static inline bool say(struct call *call, const char *text)
{
    return say_bytes(call, text, strlen(text));
}

/* Head and body by Content-Length. False at the connection's end. */
static inline bool hear(struct call *call)
{
    if (call->request == NULL)
        call->request = malloc(REQUEST_MAX);
    call->length = 0;
    for (;;) {
        ssize_t got = take(call, call->request + call->length, REQUEST_MAX - 1 - call->length);
        if (got <= 0)
            return false;
        call->length += (size_t)got;
        call->request[call->length] = '\0';
        const char *end = strstr(call->request, "\r\n\r\n");
        if (end == NULL)
            continue;
        const char *field = strcasestr(call->request, "\r\ncontent-length:");
        size_t body = field != NULL && field < end ? strtoul(field + 17, NULL, 10) : 0;
        if (call->length >= (size_t)(end + 4 - call->request) + body)
            break;
    }
    call->peer->requests++;
    return true;
}

/* Until the other side hangs up. */
static inline void hold_line(struct call *call)
{
    char bytes[512];
    while (take(call, bytes, sizeof bytes) > 0)
        continue;
}

static inline void hang_up(struct call *call)
{
    pthread_mutex_lock(&call->peer->mutex);
    if (call->fd >= 0)
        close(call->fd);
    call->fd = -1;
    pthread_mutex_unlock(&call->peer->mutex);
}

static inline void *run_call(void *argument)
{
    struct call *call = argument;
    bool good = true;
    if (call->peer->tls != NULL) {
        call->tls = SSL_new(call->peer->tls);
        SSL_set_fd(call->tls, call->fd);
        good = SSL_accept(call->tls) == 1;
    }
    if (good)
        call->peer->serve(call);
    if (call->tls != NULL) {
        if (good)
            SSL_shutdown(call->tls);
        SSL_free(call->tls);
    }
    hang_up(call);
    free(call->request);
    return NULL;
}

static inline void *run_peer(void *argument)
{
    struct peer *peer = argument;
    int fd;
    while ((fd = accept(peer->fd, NULL, NULL)) >= 0) {
        pthread_mutex_lock(&peer->mutex);
        if (peer->ending || peer->count == CALLS_MAX) {
            close(fd);
        } else {
            struct call *call = &peer->calls[peer->count++];
            peer->connections++;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
            *call = (struct call){.peer = peer, .fd = fd};
            if (pthread_create(&call->thread, NULL, run_call, call) != 0)
                abort();
        }
        pthread_mutex_unlock(&peer->mutex);
    }
    return NULL;
}

static inline struct peer *open_peer(int fd, void (*serve)(struct call *call), SSL_CTX *tls)
{
    struct peer *peer = calloc(1, sizeof *peer);
    assert_non_null(peer);
    peer->fd = fd;
    peer->serve = serve;
    peer->tls = tls;
    pthread_mutex_init(&peer->mutex, NULL);
    assert_int_equal(listen(fd, CALLS_MAX), 0);
    assert_int_equal(pthread_create(&peer->thread, NULL, run_peer, peer), 0);
    return peer;
}

/* On 127.0.0.`last`. */
static inline struct peer *start_peer_at(int last, void (*serve)(struct call *call), SSL_CTX *tls)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(0x7F000000 + (unsigned)last)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    struct peer *peer = open_peer(fd, serve, tls);
    peer->port = ntohs(address.sin_port);
    return peer;
}

static inline struct peer *start_peer(void (*serve)(struct call *call))
{
    return start_peer_at(1, serve, NULL);
}

static inline void end_peer(struct peer *peer)
{
    pthread_mutex_lock(&peer->mutex);
    peer->ending = true;
    for (int i = 0; i < peer->count; i++)
        if (peer->calls[i].fd >= 0)
            shutdown(peer->calls[i].fd, SHUT_RDWR);
    pthread_mutex_unlock(&peer->mutex);
    shutdown(peer->fd, SHUT_RDWR);
    pthread_join(peer->thread, NULL);
    for (int i = 0; i < peer->count; i++)
        pthread_join(peer->calls[i].thread, NULL);
    close(peer->fd);
    pthread_mutex_destroy(&peer->mutex);
    free(peer);
}

static inline char *url_of(const struct peer *peer, const char *scheme, const char *host,
                           const char *path)
{
    return talloc_asprintf(memory, "%s://%s:%d%s", scheme, host, peer->port, path);
}

static inline bool get_within(const char *url, int64_t ms, struct mw_http_response *response,
                              struct mw_error *error)
{
    struct mw_http_request request = {.url = url};
    return mw_http(memory, &request, mw_deadline_in(ms), response, error);
}

#define assert_answer(call, error)                                                \
    do {                                                                          \
        if (!(call))                                                              \
            fail_msg("%s: %s", mw_error_class_name((error).class), (error).text); \
    } while (0)

#define assert_failure(call, error, kind, words)                                  \
    do {                                                                          \
        assert_false(call);                                                       \
        if ((error).class != (kind) || strstr((error).text, words) == NULL)       \
            fail_msg("%s: %s", mw_error_class_name((error).class), (error).text); \
    } while (0)

static inline int open_all(void **state)
{
    memory = talloc_new(NULL);
    return open_loop(state);
}

static inline int close_all(void **state)
{
    TALLOC_FREE(memory);
    return close_loop(state);
}

#define test_with_memory(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)

#endif
