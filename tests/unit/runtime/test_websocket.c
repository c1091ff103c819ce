/* SPDX-License-Identifier: Apache-2.0 */
/* A websocket to peers that are well-behaved, silent, talkative, or strangers. */
#include "http_certificates.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "runtime/runtime.h"
#include "runtime/websocket.h"

#define HOUR  3600L
#define VALID -HOUR, HOUR

/* ---- the other side (RFC 6455) ---- */

enum { TEXT = 1, CONTINUES = 0, CLOSE = 8, PING = 9, PONG = 10, FINAL = 0x80 };

static bool upgrade(struct call *call)
{
    char key[64], joined[128], accept[64], answer[256];
    unsigned char digest[SHA_DIGEST_LENGTH];
    if (!hear(call))
        return false;
    const char *field = strcasestr(call->request, "\r\nsec-websocket-key:");
    if (field == NULL || sscanf(field + 20, " %60[^\r]", key) != 1)
        return false;
    snprintf(joined, sizeof joined, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    SHA1((unsigned char *)joined, strlen(joined), digest);
    EVP_EncodeBlock((unsigned char *)accept, digest, sizeof digest);
    snprintf(answer, sizeof answer,
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: %s\r\n\r\n",
             accept);
    return say(call, answer);
}

static bool send_frame(struct call *call, int head, const char *text, size_t length)
{
    char header[10] = {(char)head};
    size_t size = 2;
    if (length < 126) {
        header[1] = (char)length;
    } else if (length < 65536) {
        header[1] = 126;
        header[2] = (char)(length >> 8);
        header[3] = (char)length;
        size = 4;
    } else {
        header[1] = 127;
        for (int i = 0; i < 8; i++)
            header[2 + i] = (char)((uint64_t)length >> (56 - 8 * i));
        size = 10;
    }
    return say_bytes(call, header, size) && say_bytes(call, text, length);
}

static bool take_all(struct call *call, void *bytes, size_t length)
{
    for (size_t got = 0; got < length;) {
        ssize_t more = take(call, (char *)bytes + got, length - got);
        if (more <= 0)
            return false;
        got += (size_t)more;
    }
    return true;
}

/* The next frame, unmasked; its head, or -1 at the end. */
static int take_frame(struct call *call, char *text, size_t size, size_t *length)
{
    unsigned char header[2], more[8], mask[4];
    if (!take_all(call, header, 2))
        return -1;
    uint64_t count = header[1] & 127;
    int wide = count == 126 ? 2 : count == 127 ? 8 : 0;
    if (wide > 0 && !take_all(call, more, (size_t)wide))
        return -1;
    for (int i = 0; i < wide; i++)
        count = (i == 0 ? 0 : count) << 8 | more[i];
    /* What a client sends is masked. */
    if ((header[1] & 128) == 0 || count >= size || !take_all(call, mask, 4) ||
        !take_all(call, text, count))
        return -1;
    for (uint64_t i = 0; i < count; i++)
        text[i] = (char)(text[i] ^ mask[i % 4]);
    text[count] = '\0';
    *length = count;
    return header[0];
}

static char heard[1024 * 1024];

static void echo(struct call *call)
{
    size_t length;
    int head;
    if (!upgrade(call))
        return;
    while ((head = take_frame(call, heard, sizeof heard, &length)) >= 0) {
        if ((head & 15) == CLOSE)
            call->peer->requests += 100;
        if ((head & 15) == CLOSE ||
            !send_frame(call, head == (FINAL | PING) ? FINAL | PONG : head, heard, length))
            break;
    }
}

/* ---- tests ---- */

static struct mw_websocket *
connect_with(const struct peer *peer, struct mw_websocket_request request, struct mw_error *error)
{
    *error = (struct mw_error){0};
    request.url = url_of(peer, peer->tls != NULL ? "wss" : "ws", "localhost", "/link?ticket=1");
    return mw_websocket_connect(memory, &request, mw_deadline_in(5000), error);
}

static struct mw_websocket *connect_to(const struct peer *peer)
{
    struct mw_error error;
    struct mw_websocket *websocket = connect_with(peer, (struct mw_websocket_request){0}, &error);
    assert_answer(websocket != NULL, error);
    return websocket;
}

static char *read_text(struct mw_websocket *websocket, size_t *length)
{
    struct mw_error error = {0};
    char *text = NULL;
    assert_answer(mw_websocket_read(websocket, memory, &text, length, mw_deadline_in(5000), &error),
                  error);
    return text;
}

static bool fails_to_read(struct mw_websocket *websocket, int64_t ms, struct mw_error *error)
{
    char *text;
    size_t length;
    *error = (struct mw_error){0};
    return !mw_websocket_read(websocket, memory, &text, &length, mw_deadline_in(ms), error);
}

static void body_echo(void)
{
    struct peer *peer = start_peer(echo);
    struct mw_websocket *websocket = connect_to(peer);
    struct mw_error error;
    size_t length;
    char *large = talloc_size(memory, 300000);
    memset(large, 'x', 300000);
    assert_true(mw_websocket_write(websocket, "one", 3, mw_deadline_in(1000), &error));
    assert_true(mw_websocket_write(websocket, large, 300000, mw_deadline_in(1000), &error));
    assert_string_equal(read_text(websocket, &length), "one");
    assert_memory_equal(read_text(websocket, &length), large, 300000);
    assert_int_equal(length, 300000);
    assert_true(fails_to_read(websocket, 20, &error));
    assert_int_equal(error.class, MW_ERROR_TIMEOUT);
    /* Freeing it says good-bye. */
    int before = peer->requests;
    assert_true(mw_websocket_write(websocket, "last", 4, mw_deadline_in(1000), &error));
    talloc_free(websocket);
    mw_mono_ns start = mw_mono_now();
    while (peer->requests < before + 100 && ms_since(start) < 3000)
        mw_sleep(5, &error);
    assert_int_equal(peer->requests, before + 100);
    end_peer(peer);
}

static void test_messages_come_back_whole(void **state)
{
    in_fiber(body_echo);
}

static void serve_fragments(struct call *call)
{
    static char part[20000];
    if (!upgrade(call))
        return;
    memset(part, 'p', sizeof part);
    send_frame(call, TEXT, part, sizeof part);
    send_frame(call, FINAL | PING, "are you there", 13);
    send_frame(call, CONTINUES, part, sizeof part);
    send_frame(call, FINAL | CONTINUES, "end", 3);
    size_t length;
    /* The ping is answered with what it said. */
    if (take_frame(call, heard, sizeof heard, &length) == (FINAL | PONG) &&
        strcmp(heard, "are you there") == 0)
        send_frame(call, FINAL | TEXT, "good", 4);
    hold_line(call);
}

static void body_fragments(void)
{
    struct peer *peer = start_peer(serve_fragments);
    struct mw_websocket *websocket = connect_to(peer);
    size_t length;
    char *text = read_text(websocket, &length);
    assert_int_equal(length, 40003);
    assert_string_equal(text + 40000, "end");
    assert_string_equal(read_text(websocket, &length), "good");
    talloc_free(websocket);
    end_peer(peer);
}

static void test_fragments_become_one_message(void **state)
{
    in_fiber(body_fragments);
}

static void body_limit(void)
{
    struct peer *peer = start_peer(serve_fragments);
    struct mw_error error;
    struct mw_websocket *websocket =
        connect_with(peer, (struct mw_websocket_request){.limit = 30000}, &error);
    assert_answer(websocket != NULL, error);
    assert_true(fails_to_read(websocket, 5000, &error));
    assert_int_equal(error.class, MW_ERROR_RETRY);
    assert_non_null(strstr(error.text, "larger"));
    talloc_free(websocket);
    end_peer(peer);
}

static void test_a_message_has_a_limit(void **state)
{
    in_fiber(body_limit);
}

#define BURST 30000

static void serve_burst(struct call *call)
{
    char text[200];
    if (!upgrade(call))
        return;
    for (int i = 0; i < BURST; i++) {
        int length = snprintf(text, sizeof text, "%d %0150d", i, i);
        if (!send_frame(call, FINAL | TEXT, text, (size_t)length))
            return;
    }
    hold_line(call);
}

static void body_burst(void)
{
    struct peer *peer = start_peer(serve_burst);
    struct mw_websocket *websocket = connect_to(peer);
    struct mw_error error;
    size_t length;
    /* More than is kept comes in meanwhile. */
    mw_sleep(200, &error);
    for (int i = 0; i < BURST; i++) {
        char *text = read_text(websocket, &length);
        assert_int_equal(atoi(text), i);
        talloc_free(text);
        if (i % 5000 == 0)
            mw_sleep(20, &error);
    }
    talloc_free(websocket);
    end_peer(peer);
}

static void test_a_burst_waits_for_its_reader(void **state)
{
    in_fiber(body_burst);
}

static void serve_close(struct call *call)
{
    if (upgrade(call))
        send_frame(call, FINAL | CLOSE, "\x03\xf1gone away", 11);
    hold_line(call);
}

static void serve_cut(struct call *call)
{
    upgrade(call);
}

static void serve_refusal(struct call *call)
{
    if (hear(call))
        say(call, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
}

static void body_ends(void)
{
    struct mw_error error;
    struct peer *peer = start_peer(serve_close);
    struct mw_websocket *websocket = connect_to(peer);
    assert_true(fails_to_read(websocket, 5000, &error));
    assert_int_equal(error.class, MW_ERROR_RETRY);
    assert_non_null(strstr(error.text, "1009, gone away"));
    assert_false(mw_websocket_write(websocket, "x", 1, mw_deadline_in(100), &error));
    talloc_free(websocket);
    end_peer(peer);

    peer = start_peer(serve_cut);
    websocket = connect_to(peer);
    assert_true(fails_to_read(websocket, 5000, &error));
    assert_non_null(strstr(error.text, "cut off"));
    talloc_free(websocket);
    end_peer(peer);

    peer = start_peer(serve_refusal);
    assert_null(connect_with(peer, (struct mw_websocket_request){0}, &error));
    assert_int_equal(error.class, MW_ERROR_RETRY);
    assert_non_null(strstr(error.text, "403"));
    assert_null(strstr(error.text, "ticket"));
    int port = peer->port;
    end_peer(peer);

    struct peer gone = {.port = port};
    assert_null(connect_with(&gone, (struct mw_websocket_request){0}, &error));
    assert_int_equal(error.class, MW_ERROR_RETRY);
}

static void test_each_end_says_why(void **state)
{
    in_fiber(body_ends);
}

static void serve_silence(struct call *call)
{
    if (upgrade(call))
        hold_line(call);
}

static void body_pings(void)
{
    struct mw_error error;
    struct mw_websocket_request request = {.ping_ms = 30, .pong_ms = 300};
    struct peer *peer = start_peer(echo);
    struct mw_websocket *websocket = connect_with(peer, request, &error);
    assert_answer(websocket != NULL, error);
    assert_true(fails_to_read(websocket, 700, &error));
    assert_int_equal(error.class, MW_ERROR_TIMEOUT);
    talloc_free(websocket);
    end_peer(peer);

    peer = start_peer(serve_silence);
    websocket = connect_with(peer, request, &error);
    assert_answer(websocket != NULL, error);
    mw_mono_ns start = mw_mono_now();
    assert_true(fails_to_read(websocket, 5000, &error));
    assert_int_equal(error.class, MW_ERROR_RETRY);
    assert_non_null(strstr(error.text, "pings"));
    assert_in_range(ms_since(start), 300, 2000);
    talloc_free(websocket);
    end_peer(peer);
}

static void test_silence_is_noticed(void **state)
{
    in_fiber(body_pings);
}

static void serve_nothing(struct call *call)
{
    hold_line(call);
}

static void body_patience(void)
{
    struct mw_error error;
    struct peer *peer = start_peer(serve_nothing);
    struct mw_websocket_request request = {.url = url_of(peer, "ws", "127.0.0.1", "/")};
    mw_mono_ns start = mw_mono_now();
    assert_null(mw_websocket_connect(memory, &request, mw_deadline_in(200), &error));
    assert_int_equal(error.class, MW_ERROR_TIMEOUT);
    assert_in_range(ms_since(start), 190, 1500);
    end_peer(peer);
}

static void test_connecting_has_an_end(void **state)
{
    in_fiber(body_patience);
}

static void body_urls(void)
{
    static const struct {
        const char *url, *words;
    } wrong[] = {
        {"ws://192.0.2.1/", "use wss://"},
        {"http://localhost/", "not valid"},
        {"wss://", "not valid"},
        {"wss://host:0/", "not valid"},
        {"wss://host:70000/", "not valid"},
        {"wss://user@host/", "not valid"},
        {"wss://host/a b", "not valid"},
        {"wss://[::1/", "not valid"},
        {"wss://ho\"st/", "not valid"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct mw_error error = {0};
        struct mw_websocket_request request = {.url = wrong[i].url};
        assert_null(mw_websocket_connect(memory, &request, mw_deadline_in(1000), &error));
        if (error.class != MW_ERROR_PERMANENT || strstr(error.text, wrong[i].words) == NULL)
            fail_msg("%s: %s: %s", wrong[i].url, mw_error_class_name(error.class), error.text);
    }
}

static void test_a_wrong_url_is_said(void **state)
{
    in_fiber(body_urls);
}

static char asked_proxy[1024];

static void serve_proxy(struct call *call)
{
    if (!hear(call))
        return;
    snprintf(asked_proxy, sizeof asked_proxy, "%s", call->request);
    say(call, "HTTP/1.1 403 Forbidden\r\n\r\n");
}

static void body_proxy(void)
{
    struct mw_error error = {0};
    struct peer *peer = start_peer(serve_proxy);
    char *value = talloc_asprintf(memory, "http://me:secret@localhost:%d", peer->port);
    setenv("https_proxy", value, 1);
    struct mw_websocket_request request = {.url = "wss://chat.example.test/x"};
    assert_null(mw_websocket_connect(memory, &request, mw_deadline_in(5000), &error));
    unsetenv("https_proxy");
    assert_non_null(strstr(asked_proxy, "CONNECT chat.example.test:443 HTTP/1.1"));
    assert_non_null(strcasestr(asked_proxy, "Proxy-Authorization: Basic bWU6c2VjcmV0"));
    assert_null(strstr(error.text, "secret"));
    end_peer(peer);
}

static void test_the_proxy_is_asked(void **state)
{
    in_fiber(body_proxy);
}

/* The system's authorities are read once in a loop's life. */
static void body_tls(void)
{
    char path[64];
    struct mw_error error;
    struct identity authority = make_identity("Authority of a test", NULL, VALID, NULL);
    struct identity stranger = make_identity("Stranger of a test", NULL, VALID, NULL);
    snprintf(path, sizeof path, "/tmp/mw-test-%d-websocket.pem", (int)getpid());
    write_certificate(path, &authority);
    setenv("SSL_CERT_FILE", path, 1);

    struct peer *peer = start_tls_peer(echo, "DNS:localhost", VALID, &authority);
    struct mw_websocket *websocket = connect_to(peer);
    size_t length;
    assert_true(mw_websocket_write(websocket, "sealed", 6, mw_deadline_in(1000), &error));
    assert_string_equal(read_text(websocket, &length), "sealed");
    talloc_free(websocket);
    end_tls_peer(peer);

    peer = start_tls_peer(echo, "DNS:localhost", VALID, &stranger);
    assert_failure(connect_with(peer, (struct mw_websocket_request){0}, &error), error,
                   MW_ERROR_PERMANENT, "certificate");
    end_tls_peer(peer);

    peer = start_tls_peer(echo, "DNS:other.example", VALID, &authority);
    assert_failure(connect_with(peer, (struct mw_websocket_request){0}, &error), error,
                   MW_ERROR_PERMANENT, "certificate");
    end_tls_peer(peer);

    peer = start_tls_peer(echo, "DNS:localhost", -2 * HOUR, -HOUR, &authority);
    assert_failure(connect_with(peer, (struct mw_websocket_request){0}, &error), error,
                   MW_ERROR_PERMANENT, "certificate");
    end_tls_peer(peer);

    unsetenv("SSL_CERT_FILE");
    unlink(path);
    free_identity(&authority);
    free_identity(&stranger);
}

static void test_certificates_are_verified(void **state)
{
    in_fiber(body_tls);
}

static void body_left_open(void)
{
    struct peer *peer = start_peer(echo);
    for (int i = 0; i < 5; i++)
        connect_to(peer);
    TALLOC_FREE(memory);
    memory = talloc_new(NULL);
    end_peer(peer);
}

static void test_what_is_open_closes_with_the_loop(void **state)
{
    in_fiber(body_left_open);
}

int main(void)
{
    unsetenv("https_proxy");
    unsetenv("HTTPS_PROXY");
    unsetenv("all_proxy");
    unsetenv("ALL_PROXY");
    const struct CMUnitTest tests[] = {
        test_with_memory(test_messages_come_back_whole),
        test_with_memory(test_fragments_become_one_message),
        test_with_memory(test_a_message_has_a_limit),
        test_with_memory(test_a_burst_waits_for_its_reader),
        test_with_memory(test_each_end_says_why),
        test_with_memory(test_silence_is_noticed),
        test_with_memory(test_connecting_has_an_end),
        test_with_memory(test_a_wrong_url_is_said),
        test_with_memory(test_the_proxy_is_asked),
        test_with_memory(test_certificates_are_verified),
        test_with_memory(test_what_is_open_closes_with_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
