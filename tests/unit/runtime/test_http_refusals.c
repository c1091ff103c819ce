/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that are not made, and sentences that betray nothing. */
#include "http_peer.h"

#include <ifaddrs.h>
#include <net/if.h>

#include "runtime/http_proxy.h"

static void answer(struct call *call)
{
    while (hear(call))
        say(call, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

static struct mw_error fail_with(const struct mw_http_request *request)
{
    struct mw_http_response response = {.status = -7};
    struct mw_error error = {0};
    assert_false(mw_http(memory, request, mw_deadline_in(5000), &response, &error));
    assert_int_equal(response.status, -7);
    assert_null(strstr(error.text, "secret"));
    return error;
}

static void body_methods(void)
{
    struct peer *peer = start_peer(answer);
    static const char *const wrong[] = {"",        "get",   "GET ",
                                        "CONNECT", "TRACE", "GET / HTTP/1.1\r\nX"};
    struct mw_http_request request = {.url = url_of(peer, "http", "127.0.0.1", "/")};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        request.method = wrong[i];
        struct mw_error error = fail_with(&request);
        assert_int_equal(error.class, MW_ERROR_BAD_INPUT);
        assert_non_null(strstr(error.text, "is no method"));
        assert_null(strchr(error.text, '\n'));
    }
    request.method = "HEAD";
    request.body = "";
    assert_int_equal(fail_with(&request).class, MW_ERROR_BAD_INPUT);
    assert_int_equal(peer->connections, 0);
    end_peer(peer);
}

static void test_methods(void **state)
{
    in_fiber(body_methods);
}

static void body_headers(void)
{
    struct peer *peer = start_peer(answer);
    static const char *const wrong[] = {
        "",
        "secret",
        ": secret",
        "Name : secret",
        "Näme: secret",
        "X: a\r\nY: secret",
        "X: secret\n",
        "X: a\rsecret",
        "X: \x01secret",
        "X: \x7Fsecret",
        "Content-Length: 3",
        "transfer-encoding: chunked",
        "Connection: close",
    };
    const char *headers[] = {"X-Good: secret", NULL, NULL};
    struct mw_http_request request = {.url = url_of(peer, "http", "127.0.0.1", "/"),
                                      .headers = headers};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        headers[1] = wrong[i];
        struct mw_error error = fail_with(&request);
        assert_int_equal(error.class, MW_ERROR_BAD_INPUT);
        assert_non_null(strstr(error.text, "request header"));
    }
    char *long_header = talloc_asprintf(memory, "X: %20000s", "secret");
    headers[1] = long_header;
    assert_int_equal(fail_with(&request).class, MW_ERROR_BAD_INPUT);
    const char *many[80] = {NULL};
    for (int i = 0; i < 70; i++)
        many[i] = "X: y";
    request.headers = many;
    assert_int_equal(fail_with(&request).class, MW_ERROR_BAD_INPUT);
    assert_int_equal(peer->connections, 0);
    end_peer(peer);
}

static void test_headers(void **state)
{
    in_fiber(body_headers);
}

static void body_urls(void)
{
    static const char *const wrong[] = {
        "",
        "secret",
        "/secret",
        "ftp://secret.example.test/",
        "file:///etc/passwd",
        "http://",
        "http://user:secret@/",
        "http://127.0.0.1:secret/",
        "http://127.0.0.1:99999/secret",
        "http://127.0.0.1/a secret",
        "http://127.0.0.1/\r\nsecret",
        "https://exämple.test/secret",
        "http://[::1/secret",
    };
    struct mw_http_request request = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        request.url = wrong[i];
        struct mw_error error = fail_with(&request);
        if (error.class != MW_ERROR_PERMANENT)
            fail_msg("%s: %s", wrong[i], error.text);
    }
    request.url = talloc_asprintf(memory, "http://127.0.0.1/%9000s", "secret");
    assert_int_equal(fail_with(&request).class, MW_ERROR_PERMANENT);
}

static void test_urls(void **state)
{
    in_fiber(body_urls);
}

/* A network address of this machine; false where it has none. */
static bool own_address(char text[INET_ADDRSTRLEN])
{
    struct ifaddrs *all, *one;
    bool found = false;
    if (getifaddrs(&all) != 0)
        return false;
    for (one = all; one != NULL && !found; one = one->ifa_next) {
        if (one->ifa_addr == NULL || one->ifa_addr->sa_family != AF_INET ||
            (one->ifa_flags & IFF_LOOPBACK) != 0)
            continue;
        const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)one->ifa_addr;
        found = inet_ntop(AF_INET, &four->sin_addr, text, INET_ADDRSTRLEN) != NULL;
    }
    freeifaddrs(all);
    return found;
}

static void body_plain(void)
{
    struct mw_http_response response;
    struct mw_error error = {0};
    struct mw_http_request request = {.url = "http://user:secret@192.0.2.1:8080/secret"};
    error = fail_with(&request);
    assert_int_equal(error.class, MW_ERROR_PERMANENT);
    assert_string_equal(error.text, "192.0.2.1:8080 is not on this machine, and http:// would let "
                                    "everybody on the way read along: use https://");
    request.url = "http://[2001:db8::1]/";
    assert_non_null(strstr(fail_with(&request).text, "[2001:db8::1] is not on this machine"));

    char host[INET_ADDRSTRLEN];
    if (!own_address(host))
        return;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    inet_pton(AF_INET, host, &address.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    struct peer *peer = open_peer(fd, answer, NULL);
    peer->port = ntohs(address.sin_port);
    request.url = url_of(peer, "http", host, "/");
    assert_int_equal(fail_with(&request).class, MW_ERROR_PERMANENT);
    assert_int_equal(peer->connections, 0);
    request.plain_allowed = true;
    assert_answer(mw_http(memory, &request, mw_deadline_in(5000), &response, &error), error);
    end_peer(peer);
}

static void test_plain_text_stays_on_this_machine(void **state)
{
    in_fiber(body_plain);
}

static void body_betrayal(void)
{
    struct mw_http_request request = {0};
    struct peer *peer = start_peer(answer);
    int port = peer->port;
    end_peer(peer);
    request.url = talloc_asprintf(memory, "http://user:secret@127.0.0.1:%d/secret?secret", port);
    struct mw_error error = fail_with(&request);
    assert_int_equal(error.class, MW_ERROR_RETRY);
    char *wanted = talloc_asprintf(
        memory, "cannot connect to 127.0.0.1:%d: connection refused: nothing listens there", port);
    assert_string_equal(error.text, wanted);
}

static void test_sentences_betray_nothing(void **state)
{
    in_fiber(body_betrayal);
}

static void test_no_proxy(void **state)
{
    assert_true(mw_proxy_bypassed("*", "example.test"));
    assert_true(mw_proxy_bypassed("a.test, example.test", "example.test"));
    assert_true(mw_proxy_bypassed("a.test,EXAMPLE.test", "deep.example.Test"));
    assert_true(mw_proxy_bypassed(".example.test", "deep.example.test"));
    assert_true(mw_proxy_bypassed("*.example.test", "deep.example.test"));
    assert_true(mw_proxy_bypassed(" 10.0.0.0/8\t", "10.200.3.4"));
    assert_true(mw_proxy_bypassed("10.1.2.128/25", "10.1.2.200"));
    assert_true(mw_proxy_bypassed("2001:db8::/33", "[2001:db8:7000::1]"));
    assert_true(mw_proxy_bypassed("192.0.2.1", "192.0.2.1"));
    assert_true(mw_proxy_bypassed("0.0.0.0/0", "192.0.2.1"));
    assert_false(mw_proxy_bypassed("", "example.test"));
    assert_false(mw_proxy_bypassed(" , ", "example.test"));
    assert_false(mw_proxy_bypassed(".", "example.test"));
    assert_false(mw_proxy_bypassed("ample.test", "example.test"));
    assert_false(mw_proxy_bypassed("example.test.more", "example.test"));
    assert_false(mw_proxy_bypassed("10.1.2.128/25", "10.1.2.100"));
    assert_false(mw_proxy_bypassed("10.0.0.0/", "10.0.0.1"));
    assert_false(mw_proxy_bypassed("10.0.0.0/33", "10.0.0.0"));
    assert_false(mw_proxy_bypassed("10.0.0.0/8x", "10.0.0.1"));
    assert_false(mw_proxy_bypassed("2001:db8::/33", "[2001:db8:8000::1]"));
    assert_false(mw_proxy_bypassed("10.0.0.0/8", "[::1]"));
}

static void test_loopback(void **state)
{
    assert_true(mw_host_is_loopback("localhost"));
    assert_true(mw_host_is_loopback("api.LocalHost"));
    assert_true(mw_host_is_loopback("127.9.9.9"));
    assert_true(mw_host_is_loopback("[::1]"));
    assert_false(mw_host_is_loopback("localhost.example.test"));
    assert_false(mw_host_is_loopback("notlocalhost"));
    assert_false(mw_host_is_loopback("128.0.0.1"));
    assert_false(mw_host_is_loopback("[::2]"));
    assert_false(mw_host_is_loopback(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_memory(test_methods),
        test_with_memory(test_headers),
        test_with_memory(test_urls),
        test_with_memory(test_plain_text_stays_on_this_machine),
        test_with_memory(test_sentences_betray_nothing),
        cmocka_unit_test(test_no_proxy),
        cmocka_unit_test(test_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
