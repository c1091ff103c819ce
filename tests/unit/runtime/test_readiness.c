/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for descriptors that belong to somebody else. */
#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/readiness.h"

static void open_pair(int pair[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
}

static void close_pair(const int pair[2])
{
    /* Still open, and still its owner's. */
    assert_int_equal(close(pair[0]), 0);
    assert_int_equal(close(pair[1]), 0);
}

static struct mw_readiness *watch(int fd)
{
    struct mw_error error = {0};
    struct mw_readiness *readiness = mw_readiness_create(NULL, fd, &error);
    if (readiness == NULL)
        fail_msg("%s", error.text);
    return readiness;
}

static bool waits_well(struct mw_readiness *readiness, enum mw_ready ready, int64_t ms)
{
    struct mw_error error = {0};
    bool came = mw_readiness_wait(readiness, ready, mw_deadline_in(ms), "looking", &error);
    assert_true(came || error.class == MW_ERROR_TIMEOUT);
    return came;
}

static void write_later(void *argument)
{
    const int *fd = argument;
    assert_true(mw_sleep(20, NULL));
    assert_int_equal(write(*fd, "x", 1), 1);
}

static void it_wakes_who_waits_body(void)
{
    int pair[2];
    char byte;
    struct mw_group group;
    open_pair(pair);
    struct mw_readiness *readiness = watch(pair[0]);
    mw_group_init(&group);
    assert_true(waits_well(readiness, MW_READY_TO_WRITE, 1000));
    for (int i = 0; i < 3; i++) {
        mw_fiber_spawn(&group, "writer", write_later, &pair[1]);
        assert_true(waits_well(readiness, MW_READY_TO_READ, 5000));
        assert_int_equal(read(pair[0], &byte, 1), 1);
        /* The descriptor never blocks. */
        assert_int_equal(read(pair[0], &byte, 1), -1);
        assert_int_equal(errno, EAGAIN);
    }
    mw_group_finish(&group);
    talloc_free(readiness);
    close_pair(pair);
}

static void a_deadline_ends_the_wait_body(void)
{
    int pair[2];
    open_pair(pair);
    struct mw_readiness *readiness = watch(pair[0]);
    mw_mono_ns start = mw_mono_now();
    assert_false(waits_well(readiness, MW_READY_TO_READ, 30));
    assert_in_range(ms_since(start), 25, 2000);
    struct mw_error error = {0};
    assert_false(
        mw_readiness_wait(readiness, MW_READY_TO_READ, mw_deadline_in(1), "connecting", &error));
    assert_non_null(strstr(error.text, "connecting"));
    talloc_free(readiness);
    close_pair(pair);
}

static void the_other_end_leaving_wakes_body(void)
{
    int pair[2];
    char byte;
    open_pair(pair);
    struct mw_readiness *readiness = watch(pair[0]);
    close(pair[1]);
    assert_true(waits_well(readiness, MW_READY_TO_READ, 5000));
    assert_int_equal(read(pair[0], &byte, 1), 0);
    talloc_free(readiness);
    close(pair[0]);
}

/* A library may close its socket and get the same number for its next one. */
static void a_number_may_be_used_again_body(void)
{
    for (int i = 0; i < 50; i++) {
        int pair[2], other[2];
        open_pair(pair);
        struct mw_readiness *readiness = watch(pair[0]);
        assert_false(waits_well(readiness, MW_READY_TO_READ, 0));
        talloc_free(readiness);
        int number = pair[0];
        close_pair(pair);
        open_pair(other);
        assert_int_equal(other[0], number);
        readiness = watch(other[0]);
        assert_int_equal(write(other[1], "x", 1), 1);
        assert_true(waits_well(readiness, MW_READY_TO_READ, 5000));
        talloc_free(readiness);
        close_pair(other);
    }
}

static struct mw_readiness *shared;

static void wait_until_cancelled(void *argument)
{
    struct mw_error error = {0};
    assert_false(
        mw_readiness_wait(shared, MW_READY_TO_READ, mw_deadline_in(60000), "looking", &error));
    assert_int_equal(error.class, MW_ERROR_CANCELLED);
    *(bool *)argument = true;
}

static void cancelling_ends_the_wait_body(void)
{
    int pair[2];
    bool ended = false;
    struct mw_group group;
    open_pair(pair);
    shared = watch(pair[0]);
    mw_group_init(&group);
    mw_fiber_spawn(&group, "waiter", wait_until_cancelled, &ended);
    assert_true(mw_sleep(5, NULL));
    mw_group_finish(&group);
    assert_true(ended);
    talloc_free(shared);
    close_pair(pair);
}

static void what_cannot_be_waited_for_is_said_body(void)
{
    struct mw_error error = {0};
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_null(mw_readiness_create(NULL, fd, &error));
    assert_int_equal(error.class, MW_ERROR_BAD_INPUT);
    close(fd);
}

#define IN_FIBER(name)             \
    static void name(void **state) \
    {                              \
        in_fiber(name##_body);     \
    }

IN_FIBER(it_wakes_who_waits)
IN_FIBER(a_deadline_ends_the_wait)
IN_FIBER(the_other_end_leaving_wakes)
IN_FIBER(a_number_may_be_used_again)
IN_FIBER(cancelling_ends_the_wait)
IN_FIBER(what_cannot_be_waited_for_is_said)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_loop(it_wakes_who_waits),          test_in_loop(a_deadline_ends_the_wait),
        test_in_loop(the_other_end_leaving_wakes), test_in_loop(a_number_may_be_used_again),
        test_in_loop(cancelling_ends_the_wait),    test_in_loop(what_cannot_be_waited_for_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
