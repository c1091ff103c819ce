/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/digest.h"

#include <openssl/evp.h>

#include "runtime/internal.h"

void mw_sha256_hex(const void *bytes, size_t length, char out[MW_SHA256_HEX])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    int done = EVP_Digest(length == 0 ? "" : bytes, length, sum, &size, EVP_sha256(), NULL);
    mw_require(done == 1 && size == 32, "OpenSSL cannot compute SHA-256");
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[sum[i] >> 4];
        out[2 * i + 1] = digits[sum[i] & 15];
    }
    out[MW_SHA256_HEX - 1] = '\0';
}
