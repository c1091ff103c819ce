/* SPDX-License-Identifier: Apache-2.0 */
/* What happens where no connection comes about, or nothing on it. */
#include "peers.h"

static void write_until_full(void *argument)
{
    struct mw_error *error = argument;
    struct mw_stream *reader, *writer;
    char *bytes = talloc_zero_size(mw_fiber_memory(), LARGE);
    make_pair(&reader, &writer);
    assert_false(mw_stream_write(writer, bytes, LARGE, mw_deadline_in(60000), error));
    talloc_free(writer);
    talloc_free(reader);
}

static void read_forever(void *argument)
{
    struct mw_error *error = argument;
    struct mw_stream *reader, *writer;
    char byte;
    make_pair(&reader, &writer);
    assert_int_equal(mw_stream_read(reader, &byte, 1, false, mw_deadline_in(60000), error), -1);
    /* Also where bytes are waiting: otherwise a peer that always has some could keep us. */
    struct mw_error second;
    assert_int_equal(mw_stream_read(reader, &byte, 1, false, mw_deadline_in(60000), &second), -1);
    assert_int_equal(second.class, error->class);
    talloc_free(writer);
    talloc_free(reader);
}

/* A TCP listener whose queue is full: further connections get no answer. */
static int fill_backlog(int *port, struct mw_stream *clients[8])
{
    struct mw_error error;
    int listener = listen_tcp(0, port);
    size_t count = 0;
    while (count < 8) {
        clients[count] = mw_stream_tcp(memory, "127.0.0.1", *port, mw_deadline_in(100), &error);
        if (clients[count] == NULL)
            return listener;
        count++;
    }
    fail_msg("a queue of length 0 took 8 connections");
    return -1;
}

static int full_port;

static void connect_forever(void *argument)
{
    struct mw_error *error = argument;
    assert_null(mw_stream_tcp(memory, "127.0.0.1", full_port, mw_deadline_in(60000), error));
}

static void connect_unix_forever(void *argument)
{
    struct mw_error *error = argument;
    assert_null(mw_stream_unix(memory, socket_path, mw_deadline_in(60000), error));
}

static void body_cancel(void)
{
    void (*const waits[])(void *) = {write_until_full, read_forever, connect_forever,
                                     connect_unix_forever};
    struct mw_stream *clients[8], *first;
    struct mw_error errors[4] = {0}, error;
    struct mw_group group;
    int listener = fill_backlog(&full_port, clients);
    int unix_listener = listen_unix(0);
    first = mw_stream_unix(memory, socket_path, mw_deadline_in(5000), &error);
    assert_non_null(first);
    mw_group_init(&group);
    for (int i = 0; i < 4; i++)
        mw_fiber_spawn(&group, "waiting", waits[i], &errors[i]);
    assert_true(mw_sleep(20, &error));
    assert_int_equal(group.count, 4);
    mw_mono_ns start = mw_mono_now();
    mw_group_finish(&group);
    assert_true(ms_since(start) < 5000);
    for (int i = 0; i < 4; i++)
        assert_int_equal(errors[i].class, MW_ERROR_CANCELLED);
    close(listener);
    close(unix_listener);
}

static void test_every_wait_can_be_cancelled(void **state)
{
    in_fiber(body_cancel);
}

static void body_timeouts(void)
{
    struct mw_stream *clients[8], *reader, *writer, *first;
    struct mw_error error = {0};
    char byte;
    int port, listener = fill_backlog(&port, clients);
    mw_mono_ns start = mw_mono_now();
    assert_null(mw_stream_tcp(memory, "127.0.0.1", port, mw_deadline_in(30), &error));
    assert_int_equal(error.class, MW_ERROR_TIMEOUT);
    assert_non_null(strstr(error.text, "127.0.0.1:"));
    assert_true(ms_since(start) >= 30 && ms_since(start) < 5000);
    close(listener);

    int unix_listener = listen_unix(0);
    first = mw_stream_unix(memory, socket_path, mw_deadline_in(5000), &error);
    assert_non_null(first);
    assert_null(mw_stream_unix(memory, socket_path, mw_deadline_in(30), &error));
    assert_int_equal(error.class, MW_ERROR_TIMEOUT);
    close(unix_listener);

    make_pair(&reader, &writer);
    assert_int_equal(mw_stream_read(reader, &byte, 1, true, mw_deadline_in(10), &error), -1);
    assert_int_equal(error.class, MW_ERROR_TIMEOUT);
    char *bytes = talloc_zero_size(memory, LARGE);
    assert_false(mw_stream_write(writer, bytes, LARGE, mw_deadline_in(10), &error));
    assert_int_equal(error.class, MW_ERROR_TIMEOUT);
    assert_int_equal(mw_stream_read(reader, &byte, 1, false, mw_deadline_in(0), &error), 1);
}

static void test_every_wait_has_its_end(void **state)
{
    in_fiber(body_timeouts);
}

static void body_refused(void)
{
    struct mw_error error = {0};
    int port;
    close(listen_tcp(1, &port));
    assert_null(mw_stream_tcp(memory, "127.0.0.1", port, mw_deadline_in(5000), &error));
    assert_int_equal(error.class, MW_ERROR_RETRY);
    assert_non_null(strstr(error.text, "refused"));
    assert_null(mw_stream_unix(memory, "/no/such.sock", mw_deadline_in(5000), &error));
    assert_int_equal(error.class, MW_ERROR_RETRY);
    assert_null(mw_stream_unix(memory, "/etc/passwd", mw_deadline_in(5000), &error));
    assert_int_equal(error.class, MW_ERROR_RETRY);
    char longest[200];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_null(mw_stream_unix(memory, longest, mw_deadline_in(5000), &error));
    assert_int_equal(error.class, MW_ERROR_BAD_INPUT);
    assert_null(mw_stream_unix(memory, "", mw_deadline_in(5000), &error));
    assert_int_equal(error.class, MW_ERROR_BAD_INPUT);
    assert_null(mw_stream_tcp(memory, "127.0.0.1", 70000, mw_deadline_in(5000), &error));
    assert_int_equal(error.class, MW_ERROR_BAD_INPUT);
}

static void test_refusals_say_why(void **state)
{
    in_fiber(body_refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_memory(test_every_wait_can_be_cancelled),
        test_with_memory(test_every_wait_has_its_end),
        test_with_memory(test_refusals_say_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
