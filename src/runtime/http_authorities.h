/* SPDX-License-Identifier: Apache-2.0 */
/* Whose signature a certificate must bear. */
#ifndef MIDWATCH_RUNTIME_HTTP_AUTHORITIES_H
#define MIDWATCH_RUNTIME_HTTP_AUTHORITIES_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <talloc.h>

#include "midwatch/deadline.h"
#include "midwatch/error.h"

/* A talloc object that holds on to its store. */
struct mw_authorities {
    X509_STORE *store; /* the system's and the file's */
    char *text;        /* the file's content; NULL without one */
    size_t length;
};

/* The system's authorities and those in a PEM file (NULL: none). SSL_CERT_FILE and SSL_CERT_DIR say
 * where the system's are, as for everything that uses OpenSSL. A file is read again once a minute. */
MW_SUSPENDS struct mw_authorities *mw_authorities_find(TALLOC_CTX *memory, const char *path,
                                                       struct mw_deadline deadline,
                                                       struct mw_error *error);
void mw_authorities_finish(void);

/* Says why a peer's certificate is not accepted, from what OpenSSL says of it (X509_V_ERR_…; X509_V_OK: only
 * its name was wrong). */
bool mw_certificate_refused(long result, const char *peer, struct mw_error *error);

#endif
