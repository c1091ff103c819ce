/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges that go as they should. */
#include "http_peer.h"

#include <time.h>

/* Answers with what was asked, and with its kind in the path. */
static void echo(struct call *call)
{
    while (hear(call)) {
        char head[120];
        bool head_only = strncmp(call->request, "HEAD ", 5) == 0;
        snprintf(head, sizeof head,
                 "HTTP/1.1 200 OK\r\nContent-Type: Text/Plain; charset=utf-8\r\n"
                 "Content-Length: %zu\r\n\r\n",
                 call->length);
        say(call, head);
        if (!head_only)
            say_bytes(call, call->request, call->length);
    }
}

static void body_get(void)
{
    struct peer *peer = start_peer(echo);
    struct mw_http_response response;
    struct mw_error error = {0};
    assert_answer(get_within(url_of(peer, "http", "127.0.0.1", "/a?b=c"), 5000, &response, &error),
                  error);
    assert_int_equal(response.status, 200);
    assert_int_equal(response.length, strlen(response.body));
    assert_ptr_equal(strstr(response.body, "GET /a?b=c HTTP/1.1\r\n"), response.body);
    assert_non_null(strstr(response.body, "\r\nUser-Agent: midwatch\r\n"));
    assert_string_equal(response.content_type, "text/plain");
    assert_true(response.retry_after_ms == -1);
    end_peer(peer);
}

static void test_get(void **state)
{
    in_fiber(body_get);
}

static void body_post(void)
{
    struct peer *peer = start_peer(echo);
    struct mw_http_response response;
    struct mw_error error = {0};
    const char *const headers[] = {"Authorization: Bearer token-of-a-test",
                                   "X-Empty:", "Content-Type: application/json", NULL};
    struct mw_http_request request = {.url = url_of(peer, "http", "localhost", "/"),
                                      .headers = headers,
                                      .body = "{\"a\":1}",
                                      .body_length = 7};
    assert_answer(mw_http(memory, &request, mw_deadline_in(5000), &response, &error), error);
    assert_non_null(strstr(response.body, "POST / HTTP/1.1\r\n"));
    assert_non_null(strstr(response.body, "\r\nAuthorization: Bearer token-of-a-test\r\n"));
    assert_non_null(strstr(response.body, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(response.body, "\r\nX-Empty:\r\n"));
    assert_non_null(strstr(response.body, "\r\nContent-Length: 7\r\n"));
    assert_non_null(strstr(response.body, "\r\n\r\n{\"a\":1}"));
    end_peer(peer);
}

static void test_post(void **state)
{
    in_fiber(body_post);
}

static void body_large_post(void)
{
    struct peer *peer = start_peer(echo);
    struct mw_http_response response;
    struct mw_error error = {0};
    size_t length = 3u * 1024 * 1024;
    char *body = talloc_size(memory, length);
    memset(body, 'x', length);
    struct mw_http_request request = {
        .url = url_of(peer, "http", "127.0.0.1", "/"), .body = body, .body_length = length};
    mw_mono_ns start = mw_mono_now();
    assert_answer(mw_http(memory, &request, mw_deadline_in(10000), &response, &error), error);
    assert_non_null(strstr(response.body, "\r\nContent-Length: 3145728\r\n"));
    assert_null(strstr(response.body, "Content-Type"));
    assert_null(strstr(response.body, "Expect"));
    assert_true(response.length > length);
    assert_true(ms_since(start) < 5000);
    end_peer(peer);
}

static void test_a_large_body_without_a_type(void **state)
{
    in_fiber(body_large_post);
}

static void body_methods(void)
{
    static const char *const names[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    struct peer *peer = start_peer(echo);
    struct mw_http_response response;
    struct mw_error error = {0};
    struct mw_http_request request = {.url = url_of(peer, "http", "127.0.0.1", "/it")};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        request.method = names[i];
        for (int with_body = 0; with_body < 2; with_body++) {
            request.body = with_body ? "body" : NULL;
            request.body_length = with_body ? 4 : 0;
            assert_answer(mw_http(memory, &request, mw_deadline_in(5000), &response, &error),
                          error);
            assert_memory_equal(response.body, names[i], strlen(names[i]));
            bool said = strstr(response.body, "\r\nContent-Length: 4\r\n") != NULL &&
                        strstr(response.body, "\r\n\r\nbody") != NULL;
            assert_true(said == (with_body == 1));
            /* Who may send a body says that there is none. */
            if (!with_body && names[i][0] == 'P')
                assert_non_null(strstr(response.body, "\r\nContent-Length: 0\r\n"));
        }
    }
    request = (struct mw_http_request){.url = request.url, .method = "HEAD", .limit = 10};
    assert_answer(mw_http(memory, &request, mw_deadline_in(5000), &response, &error), error);
    assert_int_equal(response.length, 0);
    assert_string_equal(response.body, "");
    /* All of it over one connection. */
    assert_int_equal(peer->connections, 1);
    assert_int_equal(peer->requests, 13);
    end_peer(peer);
}

static void test_methods_share_a_kept_connection(void **state)
{
    in_fiber(body_methods);
}

static void answer_in_chunks(struct call *call)
{
    while (hear(call)) {
        say(call, "HTTP/1.1 103 Early Hints\r\nContent-Type: text/html\r\nRetry-After: 9\r\n\r\n"
                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nab");
        say_bytes(call, "\0c\r\n", 4);
        say(call, "3;x=y\r\ndef\r\n0\r\nRetry-After: 7\r\n\r\n");
    }
}

static void body_chunked(void)
{
    struct peer *peer = start_peer(answer_in_chunks);
    struct mw_http_response response;
    struct mw_error error = {0};
    const char *url = url_of(peer, "http", "127.0.0.1", "/");
    for (int i = 0; i < 3; i++) {
        assert_answer(get_within(url, 5000, &response, &error), error);
        assert_int_equal(response.length, 7);
        assert_memory_equal(response.body, "ab\0cdef", 8);
        /* Neither the interim answer nor the trailer is the answer's head. */
        assert_null(response.content_type);
        assert_true(response.retry_after_ms == -1);
    }
    assert_int_equal(peer->connections, 1);
    end_peer(peer);
}

static void test_chunks(void **state)
{
    in_fiber(body_chunked);
}

static void redirect(struct call *call)
{
    while (hear(call))
        say(call, "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 5\r\n\r\nmoved");
}

static void body_redirect(void)
{
    struct peer *peer = start_peer(redirect);
    struct mw_http_response response;
    struct mw_error error = {0};
    assert_answer(get_within(url_of(peer, "http", "127.0.0.1", "/"), 5000, &response, &error),
                  error);
    assert_int_equal(response.status, 302);
    assert_string_equal(response.body, "moved");
    assert_int_equal(peer->requests, 1);
    end_peer(peer);
}

static void test_redirects_are_not_followed(void **state)
{
    in_fiber(body_redirect);
}

/* The path names the header's value; spaces travel as underscores. */
static void answer_later(struct call *call)
{
    while (hear(call)) {
        char head[200], value[80];
        sscanf(call->request, "GET /%79s", value);
        for (char *at = value; *at != '\0'; at++)
            if (*at == '_')
                *at = ' ';
        snprintf(head, sizeof head,
                 "HTTP/1.1 429 Too Many\r\nRETRY-AFTER:  %s \r\nContent-Length: 0\r\n\r\n", value);
        say(call, head);
    }
}

static int64_t retry_after(const struct peer *peer, const char *value)
{
    struct mw_http_response response;
    struct mw_error error = {0};
    char *path = talloc_asprintf(memory, "/%s", value);
    assert_answer(get_within(url_of(peer, "http", "127.0.0.1", path), 5000, &response, &error),
                  error);
    assert_int_equal(response.status, 429);
    return response.retry_after_ms;
}

static void body_retry_after(void)
{
    struct peer *peer = start_peer(answer_later);
    char soon[64];
    time_t at = time(NULL) + 90;
    struct tm parts;
    gmtime_r(&at, &parts);
    strftime(soon, sizeof soon, "%a,_%d_%b_%Y_%H:%M:%S_GMT", &parts);
    int64_t ms = retry_after(peer, soon);
    assert_true(ms > 80000 && ms <= 90000);
    assert_true(retry_after(peer, "30") == 30000);
    assert_true(retry_after(peer, "0") == 0);
    assert_true(retry_after(peer, "Wed,_21_Oct_2015_07:28:00_GMT") == 0);
    assert_true(retry_after(peer, "99999999999999999999999") == INT64_C(9999999999000));
    assert_true(retry_after(peer, "-5") == -1);
    assert_true(retry_after(peer, "1.5") == -1);
    assert_true(retry_after(peer, "20301122") == INT64_C(20301122000));
    assert_true(retry_after(peer, "soon") == -1);
    assert_true(retry_after(peer, "") == -1);
    end_peer(peer);
}

static void test_retry_after(void **state)
{
    in_fiber(body_retry_after);
}

#define MANY 200

/* Answers nobody before all have asked. */
static void answer_together(struct call *call)
{
    while (hear(call)) {
        for (int i = 0; i < 10000 && call->peer->requests < MANY; i++)
            usleep(1000);
        say(call, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
}

static int open_calls(struct peer *peer)
{
    int count = 0;
    pthread_mutex_lock(&peer->mutex);
    for (int i = 0; i < peer->count; i++)
        count += peer->calls[i].fd >= 0;
    pthread_mutex_unlock(&peer->mutex);
    return count;
}

static const char *common_url;
static int answered;

static void ask_once(void *unused)
{
    struct mw_http_response response;
    struct mw_error error = {0};
    assert_answer(get_within(common_url, 20000, &response, &error), error);
    assert_string_equal(response.body, "ok");
    answered++;
}

static void body_parallel(void)
{
    struct peer *peer = start_peer(answer_together);
    struct mw_group group;
    struct mw_error error = {0};
    common_url = url_of(peer, "http", "127.0.0.1", "/");
    answered = 0;
    mw_group_init(&group);
    for (int i = 0; i < MANY; i++)
        mw_fiber_spawn(&group, "asker", ask_once, NULL);
    assert_true(mw_group_wait(&group, mw_deadline_in(20000), &error));
    assert_int_equal(answered, MANY);
    assert_int_equal(peer->connections, MANY);
    /* Of their connections no more than these are kept, and used again. */
    struct mw_deadline deadline = mw_deadline_in(5000);
    while (open_calls(peer) > 100 && !mw_deadline_passed(deadline))
        assert_true(mw_sleep(5, &error));
    assert_int_equal(open_calls(peer), 100);
    for (int i = 0; i < 10; i++)
        ask_once(NULL);
    assert_int_equal(peer->connections, MANY);
    end_peer(peer);
}

static void test_two_hundred_at_once(void **state)
{
    in_fiber(body_parallel);
}

static void body_unix(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "/tmp/mw-test-http-%d.sock", (int)getpid());
    unlink(address.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    struct peer *peer = open_peer(fd, echo, NULL);
    struct mw_http_response response;
    struct mw_error error = {0};
    struct mw_http_request request = {.url = "http://docker/version",
                                      .unix_socket = address.sun_path};
    for (int i = 0; i < 2; i++) {
        assert_answer(mw_http(memory, &request, mw_deadline_in(5000), &response, &error), error);
        assert_non_null(strstr(response.body, "GET /version HTTP/1.1\r\nHost: docker\r\n"));
    }
    assert_int_equal(peer->connections, 1);
    end_peer(peer);
    unlink(address.sun_path);
    request.unix_socket = "/tmp/mw-test-no-such.sock";
    assert_failure(mw_http(memory, &request, mw_deadline_in(5000), &response, &error), error,
                   MW_ERROR_RETRY, "/tmp/mw-test-no-such.sock: there is no such socket");
    char longest[200] = {0};
    memset(longest, 'a', sizeof longest - 1);
    request.unix_socket = longest;
    assert_failure(mw_http(memory, &request, mw_deadline_in(5000), &response, &error), error,
                   MW_ERROR_BAD_INPUT, "1 to 107 bytes");
}

static void test_unix_sockets(void **state)
{
    in_fiber(body_unix);
}

static void body_statuses(void)
{
    struct peer *peer = start_peer(answer_later);
    struct mw_http_response response;
    struct mw_error error = {0};
    /* A first exchange in each loop loads what it needs; a second loop finds it all again. */
    assert_answer(get_within(url_of(peer, "http", "127.0.0.1", "/5"), 5000, &response, &error),
                  error);
    assert_true(response.retry_after_ms == 5000);
    end_peer(peer);
}

static void test_again_in_a_second_loop(void **state)
{
    in_fiber(body_statuses);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_memory(test_get),
        test_with_memory(test_post),
        test_with_memory(test_a_large_body_without_a_type),
        test_with_memory(test_methods_share_a_kept_connection),
        test_with_memory(test_chunks),
        test_with_memory(test_redirects_are_not_followed),
        test_with_memory(test_retry_after),
        test_with_memory(test_two_hundred_at_once),
        test_with_memory(test_unix_sockets),
        test_with_memory(test_again_in_a_second_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
