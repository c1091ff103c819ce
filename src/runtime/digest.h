/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4) by OpenSSL. */
#ifndef MIDWATCH_DIGEST_H
#define MIDWATCH_DIGEST_H

#include <stddef.h>

#define MW_SHA256_HEX 65

/* 64 lower-case hex digits and a NUL. Usable on any thread. */
void mw_sha256_hex(const void *bytes, size_t length, char out[MW_SHA256_HEX]);

#endif
