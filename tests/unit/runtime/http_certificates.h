/* SPDX-License-Identifier: Apache-2.0 */
/* An authority of our own and certificates that it signs, made when they are needed. */
#ifndef MIDWATCH_TEST_RUNTIME_HTTP_CERTIFICATES_H
#define MIDWATCH_TEST_RUNTIME_HTTP_CERTIFICATES_H

#include "http_peer.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
};

static inline void add_extension(X509 *certificate, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    assert_non_null(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

/* `names` as in "DNS:a.test,IP:127.0.0.1"; NULL: an authority. Valid from and to that many seconds from
 * now. `issuer` NULL: signed by itself. */
static inline struct identity make_identity(const char *name, const char *names, long from, long to,
                                            const struct identity *issuer)
{
    static long serial = 1;
    struct identity made = {EVP_EC_gen("P-256"), X509_new()};
    assert_non_null(made.key);
    X509 *certificate = made.certificate;
    const struct identity *signer = issuer == NULL ? &made : issuer;
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(certificate), from);
    X509_gmtime_adj(X509_getm_notAfter(certificate), to);
    X509_set_pubkey(certificate, made.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(signer->certificate));
    add_extension(certificate, signer->certificate, NID_basic_constraints,
                  names == NULL ? "critical,CA:TRUE" : "CA:FALSE");
    if (names != NULL)
        add_extension(certificate, signer->certificate, NID_subject_alt_name, names);
    assert_true(X509_sign(certificate, signer->key, EVP_sha256()) > 0);
    return made;
}

static inline void free_identity(struct identity *identity)
{
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
}

static inline SSL_CTX *tls_of(const struct identity *identity)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    assert_non_null(tls);
    assert_int_equal(SSL_CTX_use_certificate(tls, identity->certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(tls, identity->key), 1);
    return tls;
}

static inline void write_certificate(const char *path, const struct identity *identity)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, identity->certificate), 1);
    assert_int_equal(fclose(file), 0);
}

/* A peer that speaks TLS, with its own certificate by the issuer. */
static inline struct peer *start_tls_peer(void (*serve)(struct call *call), const char *names,
                                          long from, long to, const struct identity *issuer)
{
    struct identity identity = make_identity("peer", names, from, to, issuer);
    struct peer *peer = start_peer_at(1, serve, tls_of(&identity));
    free_identity(&identity);
    return peer;
}

static inline void end_tls_peer(struct peer *peer)
{
    SSL_CTX *tls = peer->tls;
    end_peer(peer);
    SSL_CTX_free(tls);
}

#endif
