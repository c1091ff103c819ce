/* SPDX-License-Identifier: Apache-2.0 */
/* Whose certificates are accepted, and whose are not. */
#include "http_certificates.h"

#define HOUR  3600L
#define VALID -HOUR, HOUR
#define NAMES "DNS:localhost,IP:127.0.0.1"

static struct identity authority, stranger;
static char authority_path[64], stranger_path[64], broken_path[64];

static int make_authorities(void **state)
{
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
    authority = make_identity("Authority of a test", NULL, VALID, NULL);
    stranger = make_identity("Stranger of a test", NULL, VALID, NULL);
    snprintf(authority_path, sizeof authority_path, "/tmp/mw-test-%d-authority.pem", (int)getpid());
    snprintf(stranger_path, sizeof stranger_path, "/tmp/mw-test-%d-stranger.pem", (int)getpid());
    snprintf(broken_path, sizeof broken_path, "/tmp/mw-test-%d-broken.pem", (int)getpid());
    write_certificate(authority_path, &authority);
    write_certificate(stranger_path, &stranger);
    return 0;
}

static int remove_authorities(void **state)
{
    free_identity(&authority);
    free_identity(&stranger);
    unlink(authority_path);
    unlink(stranger_path);
    unlink(broken_path);
    return 0;
}

static void serve(struct call *call)
{
    while (hear(call))
        say(call, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecure");
}

static bool ask(const struct peer *peer, const char *authorities, struct mw_error *error)
{
    struct mw_http_response response;
    struct mw_http_request request = {.url = url_of(peer, "https", "localhost", "/"),
                                      .authorities = authorities};
    *error = (struct mw_error){0};
    if (!mw_http(memory, &request, mw_deadline_in(5000), &response, error))
        return false;
    assert_string_equal(response.body, "secure");
    return true;
}

static void body_verified(void)
{
    struct peer *peer = start_tls_peer(serve, NAMES, VALID, &authority);
    struct mw_error error;
    assert_failure(ask(peer, NULL, &error), error, MW_ERROR_PERMANENT,
                   "signed by no authority known here");
    assert_failure(ask(peer, stranger_path, &error), error, MW_ERROR_PERMANENT,
                   "signed by no authority known here");
    int before = peer->connections;
    for (int i = 0; i < 3; i++)
        assert_answer(ask(peer, authority_path, &error), error);
    assert_int_equal(peer->connections, before + 1);
    /* Neither a kept connection nor its session serve who does not know the authority. */
    assert_failure(ask(peer, NULL, &error), error, MW_ERROR_PERMANENT, "no authority");
    assert_failure(ask(peer, stranger_path, &error), error, MW_ERROR_PERMANENT, "no authority");
    assert_int_equal(peer->requests, 3);
    end_tls_peer(peer);
}

static void test_only_a_known_authority_is_believed(void **state)
{
    in_fiber(body_verified);
}

static void body_system(void)
{
    struct peer *peer = start_tls_peer(serve, NAMES, VALID, &authority);
    struct peer *other = start_tls_peer(serve, NAMES, VALID, &stranger);
    struct mw_error error;
    setenv("SSL_CERT_FILE", authority_path, 1);
    assert_answer(ask(peer, NULL, &error), error);
    assert_false(ask(other, NULL, &error));
    /* Further ones come on top of the system's. */
    assert_answer(ask(other, stranger_path, &error), error);
    assert_answer(ask(peer, stranger_path, &error), error);
    unsetenv("SSL_CERT_FILE");
    end_tls_peer(peer);
    end_tls_peer(other);
}

static void test_the_system_may_be_told_its_authorities(void **state)
{
    in_fiber(body_system);
}

static void body_no_system(void)
{
    struct peer *peer = start_tls_peer(serve, NAMES, VALID, &authority);
    struct mw_error error;
    setenv("SSL_CERT_FILE", "/no/such/bundle.pem", 1);
    assert_failure(ask(peer, NULL, &error), error, MW_ERROR_PERMANENT, "install ca-certificates");
    assert_int_equal(peer->connections, 0);
    assert_answer(ask(peer, authority_path, &error), error);
    unsetenv("SSL_CERT_FILE");
    end_tls_peer(peer);
}

static void test_a_machine_without_authorities(void **state)
{
    in_fiber(body_no_system);
}

static void expect_refusal(const char *names, long from, long to, const char *words)
{
    struct peer *peer = start_tls_peer(serve, names, from, to, &authority);
    struct mw_error error;
    assert_failure(ask(peer, authority_path, &error), error, MW_ERROR_PERMANENT, words);
    assert_int_equal(peer->requests, 0);
    end_tls_peer(peer);
}

static void body_wrong(void)
{
    expect_refusal("DNS:other.test,IP:127.0.0.1", VALID, "made out to another name");
    expect_refusal("DNS:localhost.other.test", VALID, "made out to another name");
    expect_refusal(NAMES, -2 * HOUR, -HOUR, "has expired");
    expect_refusal(NAMES, HOUR, 2 * HOUR, "not valid yet");
}

static void test_wrong_names_and_times(void **state)
{
    in_fiber(body_wrong);
}

static void body_by_itself(void)
{
    struct identity alone = make_identity("Alone", NAMES, VALID, NULL);
    struct peer *peer = start_peer_at(1, serve, tls_of(&alone));
    struct mw_error error;
    assert_failure(ask(peer, NULL, &error), error, MW_ERROR_PERMANENT, "no authority");
    write_certificate(broken_path, &alone);
    assert_answer(ask(peer, broken_path, &error), error);
    end_tls_peer(peer);
    free_identity(&alone);
}

static void test_a_certificate_signed_by_itself_can_be_named(void **state)
{
    in_fiber(body_by_itself);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void body_files(void)
{
    struct peer *peer = start_tls_peer(serve, NAMES, VALID, &authority);
    struct mw_error error;
    assert_failure(ask(peer, "/no/such.pem", &error), error, MW_ERROR_PERMANENT,
                   "/no/such.pem: No such file");
    assert_failure(ask(peer, "/tmp", &error), error, MW_ERROR_PERMANENT, "it is no file");
    assert_failure(ask(peer, "/dev/zero", &error), error, MW_ERROR_PERMANENT, "it is no file");
    write_text(broken_path, "");
    assert_failure(ask(peer, broken_path, &error), error, MW_ERROR_PERMANENT, "no certificate");
    write_text(broken_path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert_failure(ask(peer, broken_path, &error), error, MW_ERROR_PERMANENT, "no certificate");
    write_certificate(broken_path, &authority);
    FILE *file = fopen(broken_path, "a");
    assert_non_null(file);
    fputs("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", file);
    fclose(file);
    assert_failure(ask(peer, broken_path, &error), error, MW_ERROR_PERMANENT, "is broken");
    assert_int_equal(truncate(broken_path, 2 * 1024 * 1024), 0);
    assert_failure(ask(peer, broken_path, &error), error, MW_ERROR_PERMANENT, "larger than 1 MiB");
    /* A failure is not kept. */
    write_certificate(broken_path, &authority);
    assert_answer(ask(peer, broken_path, &error), error);
    end_tls_peer(peer);
}

static void test_files_of_authorities(void **state)
{
    in_fiber(body_files);
}

static void body_many_files(void)
{
    struct peer *peer = start_tls_peer(serve, NAMES, VALID, &authority);
    struct mw_error error;
    for (int i = 0; i < 40; i++) {
        char path[96];
        snprintf(path, sizeof path, "%s.%d", authority_path, i);
        write_certificate(path, &authority);
        assert_answer(ask(peer, path, &error), error);
        unlink(path);
    }
    end_tls_peer(peer);
}

static void test_many_files_of_authorities(void **state)
{
    in_fiber(body_many_files);
}

static void body_old_protocol(void)
{
    struct identity identity = make_identity("old", NAMES, VALID, &authority);
    SSL_CTX *tls = tls_of(&identity);
    SSL_CTX_set_min_proto_version(tls, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(tls, TLS1_1_VERSION);
    SSL_CTX_set_security_level(tls, 0);
    struct peer *peer = start_peer_at(1, serve, tls);
    struct mw_error error;
    assert_failure(ask(peer, authority_path, &error), error, MW_ERROR_PERMANENT, "no TLS 1.2");
    end_tls_peer(peer);
    free_identity(&identity);
}

static void test_old_protocols_are_refused(void **state)
{
    in_fiber(body_old_protocol);
}

static void serve_plain(struct call *call)
{
    char bytes[100];
    if (recv(call->fd, bytes, sizeof bytes, 0) > 0)
        say(call, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    hold_line(call);
}

static void serve_gone(struct call *call)
{
    char bytes[4096];
    recv(call->fd, bytes, sizeof bytes, 0);
}

static void serve_silent(struct call *call)
{
    hold_line(call);
}

static struct mw_error cancelled;

static void ask_forever(void *argument)
{
    struct mw_http_response response;
    struct mw_http_request request = {.url = argument};
    assert_false(mw_http(memory, &request, mw_deadline_in(60000), &response, &cancelled));
}

static void body_no_tls(void)
{
    struct mw_error error;
    struct mw_http_response response;
    struct peer *peer = start_peer(serve_plain);
    assert_failure(ask(peer, NULL, &error), error, MW_ERROR_PERMANENT,
                   "is it https:// that is spoken there?");
    end_peer(peer);
    peer = start_peer(serve_gone);
    assert_failure(ask(peer, NULL, &error), error, MW_ERROR_RETRY, "while TLS was agreed on");
    end_peer(peer);
    peer = start_peer(serve_silent);
    assert_failure(get_within(url_of(peer, "https", "localhost", "/"), 150, &response, &error),
                   error, MW_ERROR_TIMEOUT, "cannot connect to localhost:");
    struct mw_group group;
    mw_group_init(&group);
    int before = peer->connections;
    mw_fiber_spawn(&group, "asker", ask_forever, url_of(peer, "https", "localhost", "/"));
    struct mw_deadline deadline = mw_deadline_in(5000);
    while (peer->connections == before && !mw_deadline_passed(deadline))
        assert_true(mw_sleep(5, &error));
    mw_group_finish(&group);
    assert_int_equal(cancelled.class, MW_ERROR_CANCELLED);
    end_peer(peer);
}

static void test_peers_without_tls(void **state)
{
    in_fiber(body_no_tls);
}

static struct peer *common;
static int secured;

static void ask_secured(void *unused)
{
    struct mw_error error;
    assert_answer(ask(common, authority_path, &error), error);
    secured++;
}

static void body_parallel(void)
{
    struct mw_group group;
    struct mw_error error;
    common = start_tls_peer(serve, NAMES, VALID, &authority);
    secured = 0;
    mw_group_init(&group);
    for (int i = 0; i < 30; i++)
        mw_fiber_spawn(&group, "asker", ask_secured, NULL);
    assert_true(mw_group_wait(&group, mw_deadline_in(20000), &error));
    assert_int_equal(secured, 30);
    end_tls_peer(common);
}

static void test_many_at_once(void **state)
{
    in_fiber(body_parallel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_memory(test_only_a_known_authority_is_believed),
        test_with_memory(test_the_system_may_be_told_its_authorities),
        test_with_memory(test_a_machine_without_authorities),
        test_with_memory(test_wrong_names_and_times),
        test_with_memory(test_a_certificate_signed_by_itself_can_be_named),
        test_with_memory(test_files_of_authorities),
        test_with_memory(test_many_files_of_authorities),
        test_with_memory(test_old_protocols_are_refused),
        test_with_memory(test_peers_without_tls),
        test_with_memory(test_many_at_once),
    };
    return cmocka_run_group_tests(tests, make_authorities, remove_authorities);
}
