/* SPDX-License-Identifier: Apache-2.0 */
/* TLS as libpq's options in the url say it, in a fiber. */
#include "calls.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>

/* What the guard page leaves; a handshake must keep well away from it. */
#define STACK_MAX (160 * 1024)

static void write_pem(const char *name, const X509 *certificate, EVP_PKEY *key)
{
    FILE *file = fopen(talloc_asprintf(test_memory, "%s/%s", server.folder, name), "w");
    assert_non_null(file);
    assert_int_equal(certificate != NULL
                         ? PEM_write_X509(file, certificate)
                         : PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL),
                     1);
    fclose(file);
}

/* A certificate for localhost that vouches for itself. */
static void make_certificate(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509V3_CTX context;
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1,
                               0);
    X509_set_issuer_name(certificate, name);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *names =
        X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, "DNS:localhost");
    X509_add_ext(certificate, names, -1);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    write_pem("cert.pem", certificate, NULL);
    write_pem("key.pem", NULL, key);
    X509_EXTENSION_free(names);
    X509_free(certificate);
    EVP_PKEY_free(key);
    server_shell("chmod 600 key.pem%s", geteuid() == 0 ? " && chown postgres key.pem" : "");
}

static void start_with_tls(void)
{
    server_start("");
    make_certificate();
    server_stop("fast");
    server_start(talloc_asprintf(test_memory,
                                 "ssl = on\nssl_cert_file = '%s/cert.pem'\n"
                                 "ssl_key_file = '%s/key.pem'",
                                 server.folder, server.folder));
}

static struct mw_target *target_with(const char *host, const char *options)
{
    return target_on(talloc_asprintf(test_memory, "postgresql://midwatch@%s:%d/shop?%s", host,
                                     server.port, options));
}

static bool is_encrypted(struct mw_target *target)
{
    const struct mw_postgres *postgres = target->state;
    return server_number("SELECT ssl::int FROM pg_stat_ssl WHERE pid = %d",
                         mw_postgres_connection_process(postgres->connection)) == 1;
}

static void it_is_spoken_body(void)
{
    start_with_tls();
    const char *root =
        talloc_asprintf(test_memory, "sslmode=verify-full&sslrootcert=%s/cert.pem", server.folder);
    struct mw_target *any = target_with("127.0.0.1", ""),
                     *must = target_with("127.0.0.1", "sslmode=require");
    struct mw_target *none = target_with("127.0.0.1", "sslmode=disable");
    struct mw_target *sure = target_with("localhost", root);
    probe_well(any);
    probe_well(must);
    probe_well(none);
    probe_well(sure);
    assert_true(is_encrypted(any));
    assert_true(is_encrypted(must));
    assert_false(is_encrypted(none));
    assert_true(is_encrypted(sure));
    assert_true(mw_loop_stats().stack_high_water < STACK_MAX);
}

static void who_is_not_who_is_refused_body(void)
{
    char text[400];
    start_with_tls();
    const char *root = talloc_asprintf(
        test_memory, "sslmode=verify-full&hostaddr=127.0.0.1&sslrootcert=%s/cert.pem",
        server.folder);
    assert_int_equal(probe_badly(target_with("elsewhere", root), 20000, text), MW_ERROR_PERMANENT);
    assert_says(text, "certificate");
    assert_int_equal(
        probe_badly(target_with("localhost", "sslmode=verify-full&sslrootcert=/nowhere"), 2000,
                    text),
        MW_ERROR_PERMANENT);
    assert_says(text, "/nowhere");
}

/* With TLS the refusal of a full server is told just as well. */
static void a_full_server_says_so_body(void)
{
    char sqlstate[6];
    start_with_tls();
    server_stop("fast");
    server_start(talloc_asprintf(test_memory,
                                 "max_connections = 20\nssl = on\nssl_cert_file = '%s/cert.pem'\n"
                                 "ssl_key_file = '%s/key.pem'",
                                 server.folder, server.folder));
    while (session_try("app", sqlstate) != NULL) {
    }
    static const char *const modes[] = {"", "sslmode=require", "sslmode=allow"};
    for (size_t i = 0; i < 3; i++) {
        struct mw_sample sample = probe_well(target_with("127.0.0.1", modes[i]));
        assert_string_equal(sample.source, "postgres connect");
        assert_true(metric_of(&sample, "connections_percent") == 100);
    }
}

BODY_TEST(it_is_spoken)
BODY_TEST(who_is_not_who_is_refused)
BODY_TEST(a_full_server_says_so)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_on_server(it_is_spoken),
        test_on_server(who_is_not_who_is_refused),
        test_on_server(a_full_server_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, server_remove);
}
