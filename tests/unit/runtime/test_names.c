/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups against a name server of our own, that can also keep silent. */
#include "name_server.h"

#include "runtime/resolve.h"

static TALLOC_CTX *memory;

static int open_all(void **state)
{
    memory = talloc_new(NULL);
    open_name_server(0xC0000209);
    return open_loop(state);
}

static int close_all(void **state)
{
    close_loop(state);
    TALLOC_FREE(memory);
    close_name_server();
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
