/* SPDX-License-Identifier: Apache-2.0 */
/* Peers for the tests of streams: listeners on places of their own, and connected pairs. */
#ifndef MIDWATCH_TEST_RUNTIME_PEERS_H
#define MIDWATCH_TEST_RUNTIME_PEERS_H

#include "helper.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/stream.h"

#define LARGE (6u * 1024 * 1024)

static TALLOC_CTX *memory;
static char socket_path[64];

static inline int open_all(void **state)
{
    memory = talloc_new(NULL);
    snprintf(socket_path, sizeof socket_path, "/tmp/mw-test-%d.sock", (int)getpid());
    unlink(socket_path);
    return open_loop(state);
}

static inline int close_all(void **state)
{
    TALLOC_FREE(memory);
    unlink(socket_path);
    return close_loop(state);
}

#define test_with_memory(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)

/* A listening socket on a port of its own. */
static inline int listen_tcp(int backlog, int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static inline int listen_unix(int backlog)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

static inline struct mw_stream *accept_one(int listener)
{
    struct mw_error error;
    int fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    struct mw_stream *stream = mw_stream_from_fd(memory, fd, &error);
    assert_non_null(stream);
    return stream;
}

static inline void make_pair(struct mw_stream **a, struct mw_stream **b)
{
    struct mw_error error;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    *a = mw_stream_from_fd(memory, ends[0], &error);
    *b = mw_stream_from_fd(memory, ends[1], &error);
    assert_non_null(*a);
    assert_non_null(*b);
}

#endif
