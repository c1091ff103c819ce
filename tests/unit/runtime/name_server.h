/* SPDX-License-Identifier: Apache-2.0 */
/* A name server of our own, that can also keep silent. */
#ifndef MIDWATCH_TEST_RUNTIME_NAME_SERVER_H
#define MIDWATCH_TEST_RUNTIME_NAME_SERVER_H

#include "helper.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/resolver.h"

#define ANSWERS_MAX 4

static int server_fd;
static pthread_t server_thread;
static atomic_int questions, time_to_live;
static atomic_bool silent;
static atomic_uint answers[ANSWERS_MAX]; /* IPv4 addresses; those that are 0 are not given */
static char server_address[40];

/* Answers what was asked with the addresses, or with nothing for IPv6. Names that begin with "gone" do
 * not exist. RFC 1035, section 4. */
static inline size_t answer_question(unsigned char *packet, size_t length)
{
    size_t at = 12;
    while (at < length && packet[at] != 0)
        at += packet[at] + 1u;
    if (length < 12 || at + 5 > length)
        return 0;
    bool four = packet[at + 2] == 1;
    bool gone = packet[12] >= 4 && memcmp(packet + 13, "gone", 4) == 0;
    size_t end = at + 5;
    packet[2] = 0x81;
    packet[3] = gone ? 0x83 : 0x80;
    memset(packet + 6, 0, 6);
    for (int i = 0; i < ANSWERS_MAX && !gone && four; i++) {
        unsigned address = answers[i];
        if (address == 0)
            continue;
        unsigned char record[16] = {0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4};
        record[9] = (unsigned char)time_to_live;
        for (int byte = 0; byte < 4; byte++)
            record[12 + byte] = (unsigned char)(address >> (24 - 8 * byte));
        memcpy(packet + end, record, sizeof record);
        end += sizeof record;
        packet[7]++;
    }
    return end;
}

static inline void *serve_names(void *unused)
{
    unsigned char packet[1024];
    struct sockaddr_in from;
    for (;;) {
        socklen_t size = sizeof from;
        ssize_t got = recvfrom(server_fd, packet, 512, 0, (struct sockaddr *)&from, &size);
        if (got < 12)
            return NULL;
        questions++;
        size_t length = silent ? 0 : answer_question(packet, (size_t)got);
        if (length > 0)
            sendto(server_fd, packet, length, 0, (struct sockaddr *)&from, size);
    }
}

/* Before the loop. */
static inline void open_name_server(unsigned address)
{
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof place;
    questions = 0;
    silent = false;
    time_to_live = 60;
    for (int i = 0; i < ANSWERS_MAX; i++)
        answers[i] = i == 0 ? address : 0;
    server_fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(server_fd, (struct sockaddr *)&place, size), 0);
    assert_int_equal(getsockname(server_fd, (struct sockaddr *)&place, &size), 0);
    snprintf(server_address, sizeof server_address, "127.0.0.1:%d", ntohs(place.sin_port));
    assert_int_equal(pthread_create(&server_thread, NULL, serve_names, NULL), 0);
    mw_resolver_servers(server_address);
}

/* After the loop. */
static inline void close_name_server(void)
{
    struct sockaddr_in place;
    socklen_t size = sizeof place;
    mw_resolver_servers(NULL);
    getsockname(server_fd, (struct sockaddr *)&place, &size);
    sendto(server_fd, "", 0, 0, (struct sockaddr *)&place, size);
    pthread_join(server_thread, NULL);
    close(server_fd);
}

#endif
