/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that lie, flood, dawdle and leave. */
#include "http_peer.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"

static struct mw_error fail_at(struct peer *peer, int64_t ms)
{
    struct mw_http_response response = {.status = -7};
    struct mw_error error = {0};
    mw_mono_ns start = mw_mono_now();
    assert_false(get_within(url_of(peer, "http", "127.0.0.1", "/"), ms, &response, &error));
    assert_int_equal(response.status, -7);
    assert_true(ms_since(start) < ms + 3000);
    return error;
}

static void expect_failure(void (*serve)(struct call *call), int64_t ms, enum mw_error_class class,
                           const char *words)
{
    struct peer *peer = start_peer(serve);
    struct mw_error error = fail_at(peer, ms);
    if (error.class != class || strstr(error.text, words) == NULL)
        fail_msg("%s: %s", mw_error_class_name(error.class), error.text);
    end_peer(peer);
}

static void serve_large(struct call *call)
{
    hear(call);
    say(call, OK_HEAD "Content-Length: 52428800\r\n\r\n");
    hold_line(call);
}

static void serve_endless(struct call *call)
{
    char chunk[4096 + 8];
    hear(call);
    say(call, OK_HEAD "Transfer-Encoding: chunked\r\n\r\n");
    memcpy(chunk, "1000\r\n", 6);
    memset(chunk + 6, 'x', 4096);
    memcpy(chunk + 6 + 4096, "\r\n", 2);
    while (say_bytes(call, chunk, 6 + 4096 + 2))
        continue;
}

static void serve_until_close(struct call *call)
{
    char bytes[4096];
    memset(bytes, 'x', sizeof bytes);
    hear(call);
    say(call, "HTTP/1.0 200 OK\r\n\r\n");
    for (size_t sent = 0; sent < 52428800 && say_bytes(call, bytes, sizeof bytes);)
        sent += sizeof bytes;
}

static void body_limits(void)
{
    const char *words = "larger than the 8 MiB that are taken";
    expect_failure(serve_large, 5000, MW_ERROR_BAD_INPUT, words);
    expect_failure(serve_endless, 20000, MW_ERROR_BAD_INPUT, words);
    expect_failure(serve_until_close, 20000, MW_ERROR_BAD_INPUT, words);
}

static void test_fifty_megabytes_are_refused(void **state)
{
    in_fiber(body_limits);
}

static void serve_exactly(struct call *call)
{
    while (hear(call))
        say(call, OK_HEAD "Content-Length: 10\r\n\r\n0123456789");
}

static void body_exact(void)
{
    struct peer *peer = start_peer(serve_exactly);
    struct mw_http_response response;
    struct mw_error error = {0};
    struct mw_http_request request = {.url = url_of(peer, "http", "127.0.0.1", "/"), .limit = 10};
    assert_answer(mw_http(memory, &request, mw_deadline_in(5000), &response, &error), error);
    assert_string_equal(response.body, "0123456789");
    request.limit = 9;
    assert_failure(mw_http(memory, &request, mw_deadline_in(5000), &response, &error), error,
                   MW_ERROR_BAD_INPUT, "larger than the 9 B");
    end_peer(peer);
}

static void test_the_limit_to_the_byte(void **state)
{
    in_fiber(body_exact);
}

static void serve_drip(struct call *call)
{
    hear(call);
    say(call, OK_HEAD "Content-Length: 1000\r\n\r\n");
    while (say(call, "x"))
        usleep(20000);
}

static void serve_header_drip(struct call *call)
{
    hear(call);
    say(call, OK_HEAD);
    while (say(call, "X"))
        usleep(20000);
}

static void serve_nothing(struct call *call)
{
    hold_line(call);
}

static void body_slow(void)
{
    expect_failure(serve_drip, 200, MW_ERROR_TIMEOUT, "did not come to its end in time");
    expect_failure(serve_header_drip, 200, MW_ERROR_TIMEOUT, "in time");
    expect_failure(serve_nothing, 200, MW_ERROR_TIMEOUT, "did not answer in time");
}

static void test_the_slow_run_into_the_deadline(void **state)
{
    in_fiber(body_slow);
}

static void serve_cut_body(struct call *call)
{
    hear(call);
    say(call, OK_HEAD "Content-Length: 1000\r\n\r\nhalf");
}

static void serve_cut_chunk(struct call *call)
{
    hear(call);
    say(call, OK_HEAD "Transfer-Encoding: chunked\r\n\r\n10\r\nhalf");
}

static void serve_cut_head(struct call *call)
{
    hear(call);
    say(call, OK_HEAD "Content-Le");
}

static void serve_cut_at_once(struct call *call)
{
    hear(call);
}

static void serve_reset(struct call *call)
{
    const struct linger now = {.l_onoff = 1};
    hear(call);
    setsockopt(call->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static void body_cut(void)
{
    expect_failure(serve_cut_body, 5000, MW_ERROR_RETRY, "before the end of its answer");
    expect_failure(serve_cut_chunk, 5000, MW_ERROR_RETRY, "before the end of its answer");
    expect_failure(serve_cut_at_once, 5000, MW_ERROR_RETRY, "without an answer");
    expect_failure(serve_reset, 5000, MW_ERROR_RETRY, "without an answer");
    expect_failure(serve_cut_head, 5000, MW_ERROR_RETRY, "cut the connection off");
}

static void test_cut_connections(void **state)
{
    in_fiber(body_cut);
}

static void serve_ssh(struct call *call)
{
    say(call, "SSH-2.0-OpenSSH_9.2p1\r\n");
    hold_line(call);
}

static void serve_redis(struct call *call)
{
    hear(call);
    say(call, "-ERR unknown command\r\n");
    hold_line(call);
}

static void serve_status_garbage(struct call *call)
{
    hear(call);
    say(call, "HTTP/1.1 abc what\r\n\r\n");
}

static void serve_version_garbage(struct call *call)
{
    hear(call);
    say(call, "HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n");
}

static void serve_bytes(struct call *call)
{
    hear(call);
    say_bytes(call, "\0\xFF\xFE\0\0\0\0\0\0\0\0\0\0\r\n\r\n", 17);
}

static void serve_negative(struct call *call)
{
    hear(call);
    say(call, OK_HEAD "Content-Length: -5\r\n\r\nhello");
}

static void serve_bad_chunk(struct call *call)
{
    hear(call);
    say(call, OK_HEAD "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\nx");
    hold_line(call);
}

static void body_garbage(void)
{
    const char *words = "does not speak HTTP";
    expect_failure(serve_ssh, 5000, MW_ERROR_PERMANENT, words);
    expect_failure(serve_redis, 5000, MW_ERROR_PERMANENT, words);
    expect_failure(serve_status_garbage, 5000, MW_ERROR_PERMANENT, words);
    expect_failure(serve_version_garbage, 5000, MW_ERROR_PERMANENT, words);
    expect_failure(serve_bytes, 5000, MW_ERROR_PERMANENT, words);
    expect_failure(serve_negative, 5000, MW_ERROR_PERMANENT, words);
    expect_failure(serve_bad_chunk, 5000, MW_ERROR_RETRY, "before the end of its answer");
}

static void test_what_is_not_http(void **state)
{
    in_fiber(body_garbage);
}

static void serve_many_headers(struct call *call)
{
    hear(call);
    say(call, OK_HEAD);
    while (say(call, "X-More: 0123456789012345678901234567890123456789\r\n"))
        continue;
}

static void serve_long_header(struct call *call)
{
    hear(call);
    say(call, OK_HEAD "X-Long: ");
    while (say(call, "0123456789012345678901234567890123456789"))
        continue;
}

static void serve_interim(struct call *call)
{
    hear(call);
    while (say(call, "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"))
        continue;
}

static void serve_trailers(struct call *call)
{
    hear(call);
    say(call, OK_HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n");
    while (say(call, "X-More: 0123456789012345678901234567890123456789\r\n"))
        continue;
}

static void body_floods(void)
{
    const char *words = "the headers of the answer";
    expect_failure(serve_many_headers, 10000, MW_ERROR_BAD_INPUT, words);
    expect_failure(serve_long_header, 10000, MW_ERROR_BAD_INPUT, words);
    expect_failure(serve_interim, 10000, MW_ERROR_BAD_INPUT, words);
    expect_failure(serve_trailers, 10000, MW_ERROR_BAD_INPUT, words);
}

static void test_header_floods(void **state)
{
    in_fiber(body_floods);
}

/* Answers the first request of a connection and hangs up on the second without a word. */
static void serve_once(struct call *call)
{
    if (!hear(call))
        return;
    say(call, OK_HEAD "Content-Length: 2\r\n\r\nok");
    hear(call);
}

static void body_repeat(void)
{
    struct peer *peer = start_peer(serve_once);
    struct mw_http_response response;
    struct mw_error error = {0};
    struct mw_http_request request = {.url = url_of(peer, "http", "127.0.0.1", "/")};
    for (int i = 0; i < 2; i++)
        assert_answer(mw_http(memory, &request, mw_deadline_in(5000), &response, &error), error);
    /* One kept connection died beneath the second: it was asked again on another. */
    assert_int_equal(peer->connections, 2);
    assert_int_equal(peer->requests, 3);
    request.method = "POST";
    assert_failure(mw_http(memory, &request, mw_deadline_in(5000), &response, &error), error,
                   MW_ERROR_RETRY, "whether it did what was asked is not known");
    assert_int_equal(peer->requests, 4);
    request.body = "once";
    request.body_length = 4;
    assert_answer(mw_http(memory, &request, mw_deadline_in(5000), &response, &error), error);
    assert_failure(mw_http(memory, &request, mw_deadline_in(5000), &response, &error), error,
                   MW_ERROR_RETRY, "whether it did what was asked is not known");
    assert_int_equal(peer->requests, 6);
    end_peer(peer);
}

static void test_only_what_is_harmless_is_asked_twice(void **state)
{
    in_fiber(body_repeat);
}

static atomic_bool left;

/* Says that the connection may be kept and closes it. */
static void serve_and_leave(struct call *call)
{
    if (hear(call))
        say(call, OK_HEAD "Content-Length: 2\r\n\r\nok");
    hang_up(call);
    left = true;
}

static void body_stale(void)
{
    struct peer *peer = start_peer(serve_and_leave);
    struct mw_http_response response;
    struct mw_error error = {0};
    struct mw_http_request request = {.url = url_of(peer, "http", "127.0.0.1", "/"),
                                      .method = "POST"};
    for (int i = 0; i < 5; i++) {
        left = false;
        assert_answer(mw_http(memory, &request, mw_deadline_in(5000), &response, &error), error);
        struct mw_deadline deadline = mw_deadline_in(5000);
        while (!left && !mw_deadline_passed(deadline))
            assert_true(mw_sleep(1, &error));
    }
    assert_int_equal(peer->connections, 5);
    end_peer(peer);
}

static void test_connections_that_were_closed_are_not_used(void **state)
{
    in_fiber(body_stale);
}

static const char *common_url;

static void ask_forever(void *argument)
{
    struct mw_error *error = argument;
    struct mw_http_response response;
    assert_false(get_within(common_url, 60000, &response, error));
}

/* Cancels an exchange that has got that far. */
static void cancel_when(struct peer *peer, atomic_int *reached, int least)
{
    struct mw_group group;
    struct mw_error outcome = {0}, error;
    struct mw_deadline deadline = mw_deadline_in(5000);
    common_url = url_of(peer, "http", "127.0.0.1", "/");
    mw_group_init(&group);
    mw_fiber_spawn(&group, "asker", ask_forever, &outcome);
    mw_fiber_yield();
    while (reached != NULL && *reached < least && !mw_deadline_passed(deadline))
        assert_true(mw_sleep(1, &error));
    assert_int_equal(group.count, 1);
    mw_mono_ns start = mw_mono_now();
    mw_group_finish(&group);
    assert_true(ms_since(start) < 1000);
    assert_int_equal(outcome.class, MW_ERROR_CANCELLED);
    assert_non_null(strstr(outcome.text, "was cancelled"));
}

static atomic_int halves;

static void serve_half(struct call *call)
{
    hear(call);
    say(call, OK_HEAD "Content-Length: 1000\r\n\r\nhalf");
    halves++;
    hold_line(call);
    halves--;
}

static void body_cancel(void)
{
    struct peer *peer = start_peer(serve_nothing);
    /* Before libcurl is there, before it has begun, and while it waits. */
    cancel_when(peer, NULL, 0);
    cancel_when(peer, NULL, 0);
    cancel_when(peer, &peer->connections, 1);
    end_peer(peer);
    halves = 0;
    peer = start_peer(serve_half);
    cancel_when(peer, &halves, 1);
    /* The peer sees the end of the connection at once. */
    struct mw_error error;
    struct mw_deadline deadline = mw_deadline_in(5000);
    while (halves > 0 && !mw_deadline_passed(deadline))
        assert_true(mw_sleep(1, &error));
    assert_int_equal(halves, 0);
    end_peer(peer);
}

static void test_cancelling(void **state)
{
    in_fiber(body_cancel);
}

static void body_full_queue(void)
{
    /* A listener whose queue is full: connecting gets no answer. */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    struct mw_http_response response;
    struct mw_error error = {0};
    int fillers[4], fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 0), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    for (int i = 0; i < 4; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(fillers[i], (struct sockaddr *)&address, size);
    }
    struct peer peer = {.port = ntohs(address.sin_port)};
    const char *url = url_of(&peer, "http", "127.0.0.1", "/");
    mw_mono_ns start = mw_mono_now();
    assert_failure(get_within(url, 150, &response, &error), error, MW_ERROR_TIMEOUT,
                   "cannot connect to 127.0.0.1:");
    assert_true(ms_since(start) >= 140 && ms_since(start) < 3000);
    cancel_when(&peer, NULL, 0);
    for (int i = 0; i < 4; i++)
        close(fillers[i]);
    close(fd);
}

static void test_no_answer_to_connecting(void **state)
{
    in_fiber(body_full_queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_memory(test_fifty_megabytes_are_refused),
        test_with_memory(test_the_limit_to_the_byte),
        test_with_memory(test_the_slow_run_into_the_deadline),
        test_with_memory(test_cut_connections),
        test_with_memory(test_what_is_not_http),
        test_with_memory(test_header_floods),
        test_with_memory(test_only_what_is_harmless_is_asked_twice),
        test_with_memory(test_connections_that_were_closed_are_not_used),
        test_with_memory(test_cancelling),
        test_with_memory(test_no_answer_to_connecting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
