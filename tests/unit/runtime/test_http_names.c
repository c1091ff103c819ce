/* SPDX-License-Identifier: Apache-2.0 */
/* Names of peers, and proxies on the way to them. */
#include "http_certificates.h"
#include "name_server.h"

#define VALID -3600L, 3600L

static int open_names(void **state)
{
    open_name_server(INADDR_LOOPBACK);
    return open_all(state);
}

static int close_names(void **state)
{
    close_all(state);
    close_name_server();
    unsetenv("HTTPS_PROXY");
    unsetenv("NO_PROXY");
    return 0;
}

#define test_with_names(test) cmocka_unit_test_setup_teardown(test, open_names, close_names)

static int forget_environment(void **state)
{
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY",  "http_proxy",
                                        "all_proxy",   "ALL_PROXY",    "no_proxy",
                                        "NO_PROXY",    "SSL_CERT_DIR", "SSL_CERT_FILE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    return 0;
}

static void serve(struct call *call)
{
    while (hear(call))
        say(call, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

static void serve_and_close(struct call *call)
{
    if (hear(call))
        say(call, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
}

static struct peer *here;
static bool slow_answered;

static void ask_slow(void *unused)
{
    struct mw_http_response response;
    struct mw_error error = {0};
    assert_answer(
        get_within(url_of(here, "http", "slow.example.test", "/"), 20000, &response, &error),
        error);
    slow_answered = true;
}

static void ask_in_vain(void *argument)
{
    struct mw_http_response response;
    struct mw_error *error = argument;
    assert_false(
        get_within(url_of(here, "http", "never.example.test", "/"), 300, &response, error));
}

static void body_silent(void)
{
    struct mw_group group;
    struct mw_error error = {0}, in_vain = {0};
    struct mw_http_response response;
    here = start_peer(serve);
    const char *url = url_of(here, "http", "127.0.0.1", "/");
    assert_answer(get_within(url, 5000, &response, &error), error);
    silent = true;
    slow_answered = false;
    mw_group_init(&group);
    mw_fiber_spawn(&group, "slow", ask_slow, NULL);
    mw_fiber_spawn(&group, "in vain", ask_in_vain, &in_vain);
    mw_fiber_yield();
    mw_loop_stats();
    mw_mono_ns start = mw_mono_now();
    int64_t slowest = 0;
    while (ms_since(start) < 1000) {
        mw_mono_ns begun = mw_mono_now();
        assert_answer(get_within(url, 5000, &response, &error), error);
        if (ms_since(begun) > slowest)
            slowest = ms_since(begun);
        assert_true(mw_sleep(5, &error));
    }
    assert_true(slowest < 500);
    assert_true(mw_loop_stats().lag_ms_max < 500);
    assert_int_equal(in_vain.class, MW_ERROR_TIMEOUT);
    assert_string_equal(in_vain.text, "looking up never.example.test took too long");
    assert_false(slow_answered);
    /* The question is asked again, and answered then. */
    silent = false;
    assert_true(mw_group_wait(&group, mw_deadline_in(20000), &error));
    assert_true(slow_answered);
    end_peer(here);
}

static void test_a_silent_name_server_holds_up_nobody(void **state)
{
    in_fiber(body_silent);
}

static void ask_silent(void *argument)
{
    struct mw_http_response response;
    assert_false(get_within("https://never.example.test/", 60000, &response, argument));
}

static void body_cancelled(void)
{
    struct mw_group group;
    struct mw_error error, outcome = {0};
    silent = true;
    mw_group_init(&group);
    mw_fiber_spawn(&group, "asker", ask_silent, &outcome);
    struct mw_deadline deadline = mw_deadline_in(5000);
    while (questions == 0 && !mw_deadline_passed(deadline))
        assert_true(mw_sleep(2, &error));
    mw_group_finish(&group);
    assert_int_equal(outcome.class, MW_ERROR_CANCELLED);
}

static void test_a_look_up_can_be_cancelled(void **state)
{
    in_fiber(body_cancelled);
}

static void body_gone(void)
{
    struct mw_http_response response;
    struct mw_error error = {0};
    assert_failure(get_within("https://gone.example.test/", 5000, &response, &error), error,
                   MW_ERROR_RETRY, "there is no host called gone.example.test");
}

static void test_a_name_that_does_not_exist(void **state)
{
    in_fiber(body_gone);
}

static void body_several(void)
{
    struct mw_http_response response;
    struct mw_error error = {0};
    struct peer *peer = start_peer_at(3, serve_and_close, NULL);
    answers[0] = 0x7F000001;
    answers[1] = 0x7F000002;
    answers[2] = 0x7F000003;
    mw_mono_ns start = mw_mono_now();
    assert_answer(
        get_within(url_of(peer, "http", "Several.Example.test", "/"), 5000, &response, &error),
        error);
    assert_int_equal(peer->requests, 1);
    /* Who is refused goes on at once. */
    assert_true(ms_since(start) < 1500);
    end_peer(peer);
}

static void test_each_address_is_tried(void **state)
{
    in_fiber(body_several);
}

static void body_moved(void)
{
    struct mw_http_response response;
    struct mw_error error = {0};
    struct peer *before = start_peer_at(2, serve_and_close, NULL);
    answers[0] = 0x7F000002;
    time_to_live = 0;
    const char *url = url_of(before, "http", "moving.example.test", "/");
    assert_answer(get_within(url, 5000, &response, &error), error);
    answers[0] = 0x7F000009;
    /* Once its answer has run out, nobody is asked at the old address, though there is somebody. */
    struct mw_deadline deadline = mw_deadline_in(20000);
    while (get_within(url, 5000, &response, &error) && !mw_deadline_passed(deadline))
        assert_true(mw_sleep(50, &error));
    assert_int_equal(error.class, MW_ERROR_RETRY);
    assert_non_null(strstr(error.text, "connection refused"));
    int asked = before->requests;
    assert_false(get_within(url, 5000, &response, &error));
    assert_int_equal(before->requests, asked);
    end_peer(before);
}

static void test_old_addresses_are_forgotten(void **state)
{
    in_fiber(body_moved);
}

static void body_plain_name(void)
{
    struct mw_http_response response;
    struct mw_error error = {0};
    answers[1] = 0xC0000209;
    assert_failure(get_within("http://mixed.example.test:1/", 5000, &response, &error), error,
                   MW_ERROR_PERMANENT, "mixed.example.test:1 is not on this machine");
}

static void test_one_address_elsewhere_is_elsewhere(void **state)
{
    in_fiber(body_plain_name);
}

static struct peer *behind;
static char asked_for[512];
static const char *refusal;

struct pipe_way {
    int from, to;
};

static void *carry(void *argument)
{
    const struct pipe_way *way = argument;
    char bytes[4096];
    ssize_t got;
    while ((got = recv(way->from, bytes, sizeof bytes, 0)) > 0)
        if (send(way->to, bytes, (size_t)got, MSG_NOSIGNAL) != got)
            break;
    shutdown(way->to, SHUT_WR);
    return NULL;
}

/* A proxy that leads everybody to `behind`. */
static void serve_proxy(struct call *call)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)behind->port)};
    if (!hear(call))
        return;
    snprintf(asked_for, sizeof asked_for, "%s", call->request);
    if (refusal != NULL) {
        say(call, refusal);
        return;
    }
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
        say(call, "HTTP/1.1 200 Connection established\r\nRetry-After: 3\r\n\r\n");
        struct pipe_way there = {call->fd, fd}, back = {fd, call->fd};
        pthread_t thread;
        pthread_create(&thread, NULL, carry, &there);
        carry(&back);
        shutdown(fd, SHUT_RDWR);
        shutdown(call->fd, SHUT_RDWR);
        pthread_join(thread, NULL);
    }
    close(fd);
}

static void set_proxy(const char *format, int port)
{
    char *url = talloc_asprintf(memory, "%s:%d", format, port);
    setenv("HTTPS_PROXY", url, 1);
}

static void body_proxy(void)
{
    struct identity authority = make_identity("Authority", NULL, VALID, NULL);
    char path[64];
    snprintf(path, sizeof path, "/tmp/mw-test-%d-proxied.pem", (int)getpid());
    write_certificate(path, &authority);
    behind = start_tls_peer(serve, "DNS:peer.example.test", VALID, &authority);
    struct peer *proxy = start_peer(serve_proxy);
    struct mw_http_response response;
    struct mw_error error = {0};
    struct mw_http_request request = {.url = "https://peer.example.test/x", .authorities = path};
    refusal = NULL;
    set_proxy("http://user:secret@proxy.example.test", proxy->port);
    for (int i = 0; i < 2; i++) {
        assert_answer(mw_http(memory, &request, mw_deadline_in(5000), &response, &error), error);
        assert_string_equal(response.body, "ok");
        assert_true(response.retry_after_ms == -1);
    }
    assert_int_equal(proxy->connections, 1);
    assert_non_null(strstr(asked_for, "CONNECT peer.example.test:443 HTTP/1.1\r\n"));
    assert_non_null(strstr(asked_for, "\r\nProxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n"));
    /* Only the proxy's name was looked up: once for IPv4, once for IPv6. */
    assert_int_equal(questions, 2);

    request.url = "https://other.example.test/";
    assert_failure(mw_http(memory, &request, mw_deadline_in(5000), &response, &error), error,
                   MW_ERROR_PERMANENT, "certificate of other.example.test is made out to another");
    refusal = "HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n";
    assert_failure(mw_http(memory, &request, mw_deadline_in(5000), &response, &error), error,
                   MW_ERROR_PERMANENT, "wants a user and a password");
    assert_null(strstr(error.text, "secret"));
    refusal = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n";
    assert_failure(mw_http(memory, &request, mw_deadline_in(5000), &response, &error), error,
                   MW_ERROR_PERMANENT, "does not connect us to other.example.test (status 403)");
    refusal = "HTTP/1.1 502 Later\r\nContent-Length: 0\r\n\r\n";
    assert_failure(mw_http(memory, &request, mw_deadline_in(5000), &response, &error), error,
                   MW_ERROR_RETRY, "(status 502)");
    end_peer(proxy);
    assert_failure(mw_http(memory, &request, mw_deadline_in(5000), &response, &error), error,
                   MW_ERROR_RETRY, "cannot connect to the proxy proxy.example.test:");
    end_tls_peer(behind);
    free_identity(&authority);
    unlink(path);
}

static void test_a_proxy(void **state)
{
    in_fiber(body_proxy);
}

static void body_no_proxy(void)
{
    struct peer *peer = start_peer(serve);
    struct peer *proxy = start_peer(serve_proxy);
    struct mw_http_response response;
    struct mw_error error = {0};
    behind = peer;
    set_proxy("http://127.0.0.1", proxy->port);
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    /* Nothing plain and nothing of this machine goes to a proxy. */
    assert_answer(
        get_within(url_of(peer, "http", "peer.example.test", "/"), 5000, &response, &error), error);
    assert_false(get_within(url_of(peer, "https", "localhost", "/"), 200, &response, &error));
    setenv("NO_PROXY", ".example.test", 1);
    assert_false(get_within(url_of(peer, "https", "a.example.test", "/"), 200, &response, &error));
    assert_int_equal(proxy->connections, 0);
    unsetenv("NO_PROXY");
    static const char *const wrong[] = {"socks5://127.0.0.1:1", "http://", "ftp://x", "http://a b"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        setenv("HTTPS_PROXY", wrong[i], 1);
        assert_failure(get_within("https://peer.example.test/", 1000, &response, &error), error,
                       MW_ERROR_PERMANENT,
                       "the proxy in the environment (HTTPS_PROXY) is not valid");
    }
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
    end_peer(proxy);
    end_peer(peer);
}

static void test_where_no_proxy_is_asked(void **state)
{
    in_fiber(body_no_proxy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_names(test_a_silent_name_server_holds_up_nobody),
        test_with_names(test_a_look_up_can_be_cancelled),
        test_with_names(test_a_name_that_does_not_exist),
        test_with_names(test_each_address_is_tried),
        test_with_names(test_old_addresses_are_forgotten),
        test_with_names(test_one_address_elsewhere_is_elsewhere),
        test_with_names(test_a_proxy),
        test_with_names(test_where_no_proxy_is_asked),
    };
    return cmocka_run_group_tests(tests, forget_environment, NULL);
}
