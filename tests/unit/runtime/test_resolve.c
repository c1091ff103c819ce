/* SPDX-License-Identifier: Apache-2.0 */
#include "helper.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "runtime/resolve.h"

static TALLOC_CTX *memory;

static int open_all(void **state)
{
    memory = talloc_new(NULL);
    return open_loop(state);
}

static int close_all(void **state)
{
    TALLOC_FREE(memory);
    return close_loop(state);
}

#define test_with_memory(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)

static struct mw_addresses *resolve(const char *host, int port)
{
    struct mw_error error;
    struct mw_addresses *addresses = mw_resolve(memory, host, port, mw_deadline_in(5000), &error);
    assert_non_null(addresses);
    assert_true(addresses->count > 0);
    return addresses;
}

static void expect_four(const struct sockaddr_storage *address, const char *host, int port)
{
    const struct sockaddr_in *four = (const struct sockaddr_in *)address;
    char text[64];
    assert_int_equal(address->ss_family, AF_INET);
    inet_ntop(AF_INET, &four->sin_addr, text, sizeof text);
    assert_string_equal(text, host);
    assert_int_equal(ntohs(four->sin_port), port);
}

static void expect_six(const struct sockaddr_storage *address, const char *host, int port)
{
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
    char text[64];
    assert_int_equal(address->ss_family, AF_INET6);
    inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof text);
    assert_string_equal(text, host);
    assert_int_equal(ntohs(six->sin6_port), port);
}

static void body_numeric(void)
{
    uint64_t turns = mw_loop_stats().turns;
    expect_four(&resolve("192.0.2.7", 6379)->items[0], "192.0.2.7", 6379);
    expect_six(&resolve("::1", 1)->items[0], "::1", 1);
    expect_six(&resolve("[2001:db8::5]", 65535)->items[0], "2001:db8::5", 65535);
    assert_int_equal(mw_loop_stats().turns, turns);
}

static void test_numbers_need_no_look_up(void **state)
{
    in_fiber(body_numeric);
}

static bool has_loopback(const struct mw_addresses *addresses, int port)
{
    for (size_t i = 0; i < addresses->count; i++) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)&addresses->items[i];
        if (four->sin_family == AF_INET && four->sin_addr.s_addr == htonl(INADDR_LOOPBACK) &&
            four->sin_port == htons((uint16_t)port))
            return true;
    }
    return false;
}

static void body_localhost(void)
{
    assert_true(has_loopback(resolve("localhost", 80), 80));
    assert_true(has_loopback(resolve("LocalHost", 81), 81));
    assert_true(has_loopback(resolve("localhost", 82), 82));
}

static void test_localhost_is_known(void **state)
{
    in_fiber(body_localhost);
}

static void expect_bad(const char *host, int port)
{
    struct mw_error error = {0};
    assert_null(mw_resolve(memory, host, port, mw_deadline_in(5000), &error));
    assert_int_equal(error.class, MW_ERROR_BAD_INPUT);
}

static void body_bad(void)
{
    char longest[300];
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    expect_bad("", 80);
    expect_bad(longest, 80);
    expect_bad("localhost", 0);
    expect_bad("localhost", -1);
    expect_bad("localhost", 65536);
}

static void test_what_cannot_be_a_place_is_refused(void **state)
{
    in_fiber(body_bad);
}

static size_t failed;

static void look_up_unknown(void *host)
{
    struct mw_error error = {0};
    assert_null(mw_resolve(memory, host, 80, mw_deadline_in(300), &error));
    assert_true(error.class == MW_ERROR_RETRY || error.class == MW_ERROR_TIMEOUT);
    assert_non_null(strstr(error.text, host));
    failed++;
}

static void body_unknown(void)
{
    static char names[2][40] = {"no-such-host.invalid", "nor-this-one.invalid"};
    struct mw_group group;
    struct mw_error error;
    failed = 0;
    mw_group_init(&group);
    mw_mono_ns start = mw_mono_now();
    mw_loop_stats();
    for (int i = 0; i < 100; i++)
        mw_fiber_spawn(&group, "seeker", look_up_unknown, names[i % 2]);
    assert_true(mw_group_wait(&group, mw_deadline_in(5000), &error));
    assert_true(ms_since(start) < 3000);
    assert_int_equal(failed, 100);
    assert_true(mw_loop_stats().lag_ms_max < 500);
    look_up_unknown(names[0]);
}

static void test_an_unknown_name_fails_in_time(void **state)
{
    in_fiber(body_unknown);
}

static void seek_until_cancelled(void *argument)
{
    struct mw_error error = {0};
    struct mw_addresses *found =
        mw_resolve(memory, "still-unknown.invalid", 80, mw_deadline_in(60000), &error);
    assert_null(found);
    failed++;
}

static void body_cancel(void)
{
    struct mw_group group;
    failed = 0;
    mw_group_init(&group);
    mw_mono_ns start = mw_mono_now();
    for (int i = 0; i < 3; i++)
        mw_fiber_spawn(&group, "seeker", seek_until_cancelled, NULL);
    mw_fiber_yield();
    mw_group_finish(&group);
    assert_int_equal(failed, 3);
    assert_true(ms_since(start) < 2000);
}

static void test_a_look_up_can_be_cancelled(void **state)
{
    in_fiber(body_cancel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_memory(test_numbers_need_no_look_up),
        test_with_memory(test_localhost_is_known),
        test_with_memory(test_what_cannot_be_a_place_is_refused),
        test_with_memory(test_an_unknown_name_fails_in_time),
        test_with_memory(test_a_look_up_can_be_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
