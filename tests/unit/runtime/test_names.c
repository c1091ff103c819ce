/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups against a name server of our own, that can also keep silent. */
#include "helper.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/resolve.h"
#include "runtime/resolver.h"

static TALLOC_CTX *memory;
static int server_fd;
static pthread_t server_thread;
static atomic_int questions, time_to_live;
static atomic_bool silent;
static char server_address[40];

/* Answers what was asked with 192.0.2.9, or with nothing for IPv6 addresses. Names that begin with
 * "gone" do not exist. RFC 1035, section 4. */
static size_t answer(unsigned char *packet, size_t length)
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
    if (gone || !four)
        return end;
    packet[7] = 1;
    unsigned char record[16] = {0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 192, 0, 2, 9};
    record[9] = (unsigned char)time_to_live;
    memcpy(packet + end, record, sizeof record);
    return end + sizeof record;
}

static void *serve(void *unused)
{
    unsigned char packet[1024];
    struct sockaddr_in from;
    for (;;) {
        socklen_t size = sizeof from;
        ssize_t got = recvfrom(server_fd, packet, 512, 0, (struct sockaddr *)&from, &size);
        if (got < 12)
            return NULL;
        questions++;
        size_t length = silent ? 0 : answer(packet, (size_t)got);
        if (length > 0)
            sendto(server_fd, packet, length, 0, (struct sockaddr *)&from, size);
    }
}

static int open_all(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    memory = talloc_new(NULL);
    questions = 0;
    silent = false;
    time_to_live = 60;
    server_fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(server_fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(server_fd, (struct sockaddr *)&address, &size), 0);
    snprintf(server_address, sizeof server_address, "127.0.0.1:%d", ntohs(address.sin_port));
    assert_int_equal(pthread_create(&server_thread, NULL, serve, NULL), 0);
    mw_resolver_servers(server_address);
    return open_loop(state);
}

static int close_all(void **state)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    close_loop(state);
    mw_resolver_servers(NULL);
    TALLOC_FREE(memory);
    getsockname(server_fd, (struct sockaddr *)&address, &size);
    sendto(server_fd, "", 0, 0, (struct sockaddr *)&address, size);
    pthread_join(server_thread, NULL);
    close(server_fd);
    return 0;
}

#define test_with_server(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)

static size_t found;

static void find_database(void *argument)
{
    struct mw_error error;
    struct mw_addresses *addresses =
        mw_resolve(memory, "Database.Example.test", 5432, mw_deadline_in(5000), &error);
    assert_non_null(addresses);
    assert_int_equal(addresses->count, 1);
    const struct sockaddr_in *four = (const struct sockaddr_in *)addresses->items;
    assert_int_equal(ntohl(four->sin_addr.s_addr), 0xC0000209);
    assert_int_equal(ntohs(four->sin_port), 5432);
    found++;
}

static void body_coalesced(void)
{
    struct mw_group group;
    struct mw_error error;
    found = 0;
    mw_group_init(&group);
    for (int i = 0; i < 50; i++)
        mw_fiber_spawn(&group, "seeker", find_database, NULL);
    assert_true(mw_group_wait(&group, mw_deadline_in(5000), &error));
    assert_int_equal(found, 50);
    /* One for IPv4, one for IPv6. */
    assert_int_equal(questions, 2);
    find_database(NULL);
    assert_int_equal(questions, 2);
}

static void test_equal_look_ups_are_one_and_kept(void **state)
{
    in_fiber(body_coalesced);
}

static void body_expiry(void)
{
    struct mw_error error;
    time_to_live = 0;
    find_database(NULL);
    assert_int_equal(questions, 2);
    struct mw_deadline deadline = mw_deadline_in(10000);
    while (questions == 2 && !mw_deadline_passed(deadline)) {
        find_database(NULL);
        assert_true(mw_sleep(20, &error));
    }
    assert_int_equal(questions, 4);
}

static void test_answers_are_asked_for_again(void **state)
{
    in_fiber(body_expiry);
}

static void body_gone(void)
{
    struct mw_error error = {0};
    assert_null(mw_resolve(memory, "gone.example.test", 80, mw_deadline_in(5000), &error));
    assert_int_equal(error.class, MW_ERROR_RETRY);
    assert_non_null(strstr(error.text, "no host called gone.example.test"));
    int asked = questions;
    assert_null(mw_resolve(memory, "gone.example.test", 80, mw_deadline_in(5000), &error));
    assert_true(questions > asked);
}

static void test_a_name_that_does_not_exist(void **state)
{
    in_fiber(body_gone);
}

static size_t failed;

static void seek_in_vain(void *argument)
{
    struct mw_error error = {0};
    assert_null(mw_resolve(memory, "slow.example.test", 80, mw_deadline_in(200), &error));
    assert_int_equal(error.class, MW_ERROR_TIMEOUT);
    assert_string_equal(error.text, "looking up slow.example.test took too long");
    failed++;
}

static void body_silent(void)
{
    struct mw_group group;
    struct mw_error error;
    failed = 0;
    silent = true;
    mw_group_init(&group);
    mw_mono_ns start = mw_mono_now();
    for (int i = 0; i < 100; i++)
        mw_fiber_spawn(&group, "seeker", seek_in_vain, NULL);
    mw_fiber_yield();
    mw_loop_stats();
    assert_non_null(mw_resolve(memory, "localhost", 80, mw_deadline_in(100), &error));
    assert_true(mw_group_wait(&group, mw_deadline_in(5000), &error));
    assert_true(ms_since(start) >= 200 && ms_since(start) < 3000);
    assert_int_equal(failed, 100);
    assert_true(mw_loop_stats().lag_ms_max < 500);
    /* The question is still open: the loop ends with it. */
}

static void test_a_silent_server_holds_nobody_up(void **state)
{
    in_fiber(body_silent);
}

static void body_many(void)
{
    struct mw_error error;
    char name[40];
    for (int i = 0; i < 1200; i++) {
        snprintf(name, sizeof name, "host%d.example.test", i);
        struct mw_addresses *addresses = mw_resolve(memory, name, 80, mw_deadline_in(5000), &error);
        assert_non_null(addresses);
        talloc_free(addresses);
    }
    int asked = questions;
    assert_non_null(mw_resolve(memory, "host1199.example.test", 80, mw_deadline_in(5000), &error));
    assert_int_equal(questions, asked);
    assert_non_null(mw_resolve(memory, "host0.example.test", 80, mw_deadline_in(5000), &error));
    assert_int_equal(questions, asked + 2);
}

static void test_the_oldest_answers_make_room(void **state)
{
    in_fiber(body_many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_server(test_equal_look_ups_are_one_and_kept),
        test_with_server(test_answers_are_asked_for_again),
        test_with_server(test_a_name_that_does_not_exist),
        test_with_server(test_a_silent_server_holds_nobody_up),
        test_with_server(test_the_oldest_answers_make_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
