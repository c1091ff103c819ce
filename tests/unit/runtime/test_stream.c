/* SPDX-License-Identifier: Apache-2.0 */
#include "peers.h"

#include <dirent.h>
#include <fcntl.h>

static void echo_until_end(void *argument)
{
    struct mw_stream *stream = argument;
    struct mw_error error;
    char *buffer = talloc_size(mw_fiber_memory(), 65536);
    ssize_t got;
    while ((got = mw_stream_read(stream, buffer, 65536, false, mw_deadline_in(20000), &error)) > 0)
        if (!mw_stream_write(stream, buffer, (size_t)got, mw_deadline_in(20000), &error))
            return;
    assert_int_equal(got, 0);
    talloc_free(stream);
}

static void read_exactly(struct mw_stream *stream, char *bytes, size_t length, bool expect_wait)
{
    struct mw_error error;
    while (length > 0) {
        ssize_t got =
            mw_stream_read(stream, bytes, length, expect_wait, mw_deadline_in(20000), &error);
        assert_true(got > 0);
        bytes += got;
        length -= (size_t)got;
    }
}

struct sending {
    struct mw_stream *stream;
    const char *bytes;
    size_t length;
};

static void send_all(void *argument)
{
    const struct sending *sending = argument;
    struct mw_error error;
    assert_true(mw_stream_write(sending->stream, sending->bytes, sending->length,
                                mw_deadline_in(20000), &error));
}

static void exchange(struct mw_stream *client)
{
    struct mw_error error;
    char answer[5] = "";
    for (int i = 0; i < 100; i++) {
        assert_true(mw_stream_write(client, "ping", 4, mw_deadline_in(5000), &error));
        read_exactly(client, answer, 4, i % 2 == 0);
        assert_string_equal(answer, "ping");
    }
    struct mw_group group;
    char *large = talloc_size(memory, LARGE), *back = talloc_zero_size(memory, LARGE);
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (char)(i * 31 >> 3);
    struct sending sending = {client, large, LARGE};
    mw_group_init(&group);
    mw_fiber_spawn(&group, "sender", send_all, &sending);
    read_exactly(client, back, LARGE, false);
    assert_true(mw_group_wait(&group, mw_deadline_in(5000), &error));
    assert_memory_equal(large, back, LARGE);
}

static void body_tcp(void)
{
    struct mw_group group;
    struct mw_error error;
    int port, listener = listen_tcp(5, &port);
    mw_group_init(&group);
    struct mw_stream *client =
        mw_stream_tcp(memory, "127.0.0.1", port, mw_deadline_in(5000), &error);
    assert_non_null(client);
    mw_fiber_spawn(&group, "echo", echo_until_end, accept_one(listener));
    exchange(client);
    talloc_free(client);
    assert_true(mw_group_wait(&group, mw_deadline_in(5000), &error));

    client = mw_stream_tcp(memory, "localhost", port, mw_deadline_in(5000), &error);
    assert_non_null(client);
    talloc_free(client);
    close(listener);
}

static void test_tcp_carries_small_and_large(void **state)
{
    in_fiber(body_tcp);
}

static void body_unix(void)
{
    struct mw_group group;
    struct mw_error error;
    int listener = listen_unix(5);
    mw_group_init(&group);
    struct mw_stream *client = mw_stream_unix(memory, socket_path, mw_deadline_in(5000), &error);
    assert_non_null(client);
    mw_fiber_spawn(&group, "echo", echo_until_end, accept_one(listener));
    exchange(client);
    talloc_free(client);
    assert_true(mw_group_wait(&group, mw_deadline_in(5000), &error));
    close(listener);
}

static void test_unix_sockets_carry_small_and_large(void **state)
{
    in_fiber(body_unix);
}

static void body_pipe(void)
{
    struct mw_error error = {0};
    char text[8] = "";
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct mw_stream *reader = mw_stream_from_fd(memory, ends[0], &error);
    struct mw_stream *writer = mw_stream_from_fd(memory, ends[1], &error);
    assert_int_equal(fcntl(ends[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(fcntl(ends[0], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    assert_true(mw_stream_write(writer, "through", 7, mw_deadline_in(5000), &error));
    read_exactly(reader, text, 7, false);
    assert_string_equal(text, "through");
    talloc_free(writer);
    assert_int_equal(mw_stream_read(reader, text, 1, true, mw_deadline_in(5000), &error), 0);
    assert_int_equal(mw_stream_read(reader, text, 1, false, mw_deadline_in(5000), &error), 0);

    assert_int_equal(pipe(ends), 0);
    writer = mw_stream_from_fd(memory, ends[1], &error);
    close(ends[0]);
    assert_false(mw_stream_write(writer, "x", 1, mw_deadline_in(5000), &error));
    assert_int_equal(error.class, MW_ERROR_RETRY);
}

static void test_pipes(void **state)
{
    in_fiber(body_pipe);
}

static void body_peer_gone(void)
{
    struct mw_error error = {0};
    char byte;
    int port, listener = listen_tcp(5, &port);
    struct mw_stream *client =
        mw_stream_tcp(memory, "127.0.0.1", port, mw_deadline_in(5000), &error);
    struct mw_stream *server = accept_one(listener);
    assert_true(mw_stream_write(server, "b", 1, mw_deadline_in(5000), &error));
    talloc_free(server);
    read_exactly(client, &byte, 1, true);
    assert_int_equal(mw_stream_read(client, &byte, 1, true, mw_deadline_in(5000), &error), 0);
    bool sent = true;
    for (int i = 0; i < 100 && sent; i++) {
        sent = mw_stream_write(client, "x", 1, mw_deadline_in(5000), &error);
        mw_sleep(1, &(struct mw_error){0});
    }
    assert_false(sent);
    assert_int_equal(error.class, MW_ERROR_RETRY);
    assert_non_null(strstr(error.text, "closed by the other side"));

    /* Unread bytes make the kernel answer with a reset instead of an end. */
    client = mw_stream_tcp(memory, "127.0.0.1", port, mw_deadline_in(5000), &error);
    server = accept_one(listener);
    assert_true(mw_stream_write(client, "unread", 6, mw_deadline_in(5000), &error));
    talloc_free(server);
    assert_int_equal(mw_stream_read(client, &byte, 1, true, mw_deadline_in(5000), &error), -1);
    assert_int_equal(error.class, MW_ERROR_RETRY);
    close(listener);
}

static void test_a_peer_that_goes_away(void **state)
{
    in_fiber(body_peer_gone);
}

static void body_unfit(void)
{
    struct mw_error error = {0};
    int fd = open("/proc/self/exe", O_RDONLY);
    assert_null(mw_stream_from_fd(memory, fd, &error));
    assert_int_equal(error.class, MW_ERROR_BAD_INPUT);
    assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    close(fd);
    fd = open("/dev/null", O_RDONLY);
    assert_null(mw_stream_from_fd(memory, fd, &error));
    assert_int_equal(error.class, MW_ERROR_BAD_INPUT);
    close(fd);
    assert_null(mw_stream_from_fd(memory, fd, &error));
    assert_int_equal(error.class, MW_ERROR_BAD_INPUT);
    assert_null(mw_stream_from_fd(memory, -1, &error));
    assert_int_equal(error.class, MW_ERROR_BAD_INPUT);
}

static void test_files_are_no_streams(void **state)
{
    in_fiber(body_unfit);
}

static void body_blocking_again(void)
{
    struct mw_error error;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int twin = dup(ends[0]);
    talloc_free(mw_stream_from_fd(memory, ends[0], &error));
    assert_int_equal(fcntl(twin, F_GETFL) & O_NONBLOCK, 0);
    close(twin);
    close(ends[1]);
}

static void test_a_shared_descriptor_is_given_back_blocking(void **state)
{
    in_fiber(body_blocking_again);
}

static void count_turns(void *argument)
{
    bool *stop = argument;
    struct mw_error error;
    mw_sleep(100, &error);
    *stop = true;
}

/* A stream that has something to say while nobody listens must not keep the loop busy. */
static void body_no_spin(void)
{
    struct mw_stream *reader, *writer;
    struct mw_error error;
    struct mw_group group;
    bool stop = false;
    char byte;
    make_pair(&reader, &writer);
    assert_true(mw_stream_write(writer, "ab", 2, mw_deadline_in(5000), &error));
    read_exactly(reader, &byte, 1, true);
    mw_group_init(&group);
    mw_fiber_spawn(&group, "counter", count_turns, &stop);
    uint64_t turns = mw_loop_stats().turns;
    assert_true(mw_group_wait(&group, mw_deadline_in(5000), &error));
    assert_true(mw_loop_stats().turns - turns < 20);
    talloc_free(writer);
    mw_fiber_spawn(&group, "counter", count_turns, &stop);
    turns = mw_loop_stats().turns;
    assert_true(mw_group_wait(&group, mw_deadline_in(5000), &error));
    assert_true(mw_loop_stats().turns - turns < 20);
    read_exactly(reader, &byte, 1, true);
    assert_int_equal(byte, 'b');
    assert_int_equal(mw_stream_read(reader, &byte, 1, true, mw_deadline_in(5000), &error), 0);
}

static void test_unread_bytes_do_not_keep_the_loop_busy(void **state)
{
    in_fiber(body_no_spin);
}

static void flood(void *argument)
{
    struct mw_stream *stream = argument;
    struct mw_error error;
    static char bytes[65536];
    while (mw_stream_write(stream, bytes, sizeof bytes, mw_deadline_in(20000), &error))
        continue;
}

/* Somebody who sends without end does not keep others from running, nor a deadline from passing. */
static void body_flood(void)
{
    struct mw_stream *reader, *writer;
    struct mw_error error = {0};
    struct mw_group group;
    char byte;
    ssize_t got;
    make_pair(&reader, &writer);
    mw_group_init(&group);
    mw_fiber_spawn(&group, "flood", flood, writer);
    mw_fiber_yield();
    mw_loop_stats();
    struct mw_deadline deadline = mw_deadline_in(50);
    do
        got = mw_stream_read(reader, &byte, 1, false, deadline, &error);
    while (got > 0);
    assert_int_equal(got, -1);
    assert_int_equal(error.class, MW_ERROR_TIMEOUT);
    assert_true(mw_loop_stats().lag_ms_max < 1000);
    mw_group_finish(&group);
}

static void test_a_flood_leaves_others_their_turn(void **state)
{
    in_fiber(body_flood);
}

/* A new descriptor with the number of one that was just closed works at once. */
static void body_reuse(void)
{
    struct mw_stream *reader, *writer;
    struct mw_error error;
    char byte;
    for (int i = 0; i < 50; i++) {
        make_pair(&reader, &writer);
        assert_int_equal(mw_stream_read(reader, &byte, 1, true, mw_deadline_in(1), &error), -1);
        assert_true(mw_stream_write(writer, "z", 1, mw_deadline_in(5000), &error));
        read_exactly(reader, &byte, 1, true);
        talloc_free(reader);
        talloc_free(writer);
    }
}

static void test_descriptor_numbers_are_used_again(void **state)
{
    in_fiber(body_reuse);
}

static size_t open_descriptors(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static struct mw_stream *left_open[2];

static void body_left_open(void)
{
    struct mw_error error;
    char byte;
    make_pair(&left_open[0], &left_open[1]);
    assert_int_equal(mw_stream_read(left_open[0], &byte, 1, true, mw_deadline_in(1), &error), -1);
}

static void test_a_stream_may_outlive_the_loop(void **state)
{
    size_t before = open_descriptors();
    in_fiber(body_left_open);
    size_t within = open_descriptors();
    mw_runtime_finish();
    TALLOC_FREE(memory);
    assert_int_equal(within, before + 2);
    open_loop(state);
    assert_int_equal(open_descriptors(), before);
    memory = talloc_new(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_memory(test_tcp_carries_small_and_large),
        test_with_memory(test_unix_sockets_carry_small_and_large),
        test_with_memory(test_pipes),
        test_with_memory(test_a_peer_that_goes_away),
        test_with_memory(test_files_are_no_streams),
        test_with_memory(test_a_shared_descriptor_is_given_back_blocking),
        test_with_memory(test_unread_bytes_do_not_keep_the_loop_busy),
        test_with_memory(test_a_flood_leaves_others_their_turn),
        test_with_memory(test_descriptor_numbers_are_used_again),
        test_with_memory(test_a_stream_may_outlive_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
