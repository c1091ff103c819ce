/* SPDX-License-Identifier: Apache-2.0 */
/* Where a model is: https anywhere, plain http on loopback only. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "adapters/llm/model/internal.h"

static bool is_loopback(const char *host, size_t length)
{
    char name[INET6_ADDRSTRLEN + 2];
    struct in_addr address;
    if (length >= sizeof name)
        return false;
    snprintf(name, sizeof name, "%.*s", (int)length, host);
    return strcasecmp(name, "localhost") == 0 || strcmp(name, "[::1]") == 0 ||
           (inet_pton(AF_INET, name, &address) == 1 && ntohl(address.s_addr) >> 24 == 127);
}

char *mw_model_base_url(TALLOC_CTX *memory, const char *url, struct mw_error *error)
{
    bool plain = strncasecmp(url, "http://", 7) == 0;
    if (!plain && strncasecmp(url, "https://", 8) != 0) {
        mw_error_set(
            error, MW_ERROR_BAD_INPUT,
            "llm.base_url: write https://HOST, or http://127.0.0.1:PORT for a model on this "
            "machine");
        return NULL;
    }
    const char *host = url + (plain ? 7 : 8);
    size_t authority = strcspn(host, "/?#");
    if (authority == 0 || memchr(host, '@', authority) != NULL ||
        strpbrk(url, "?#\\ \t\r\n") != NULL) {
        mw_error_set(error, MW_ERROR_BAD_INPUT,
                     "llm.base_url: write host and path only; a key belongs into llm.api_key");
        return NULL;
    }
    size_t length = *host == '[' ? strcspn(host, "]/") + 1 : strcspn(host, ":/");
    if (length < authority && host[length] != ':')
        length = authority;
    if (plain && !is_loopback(host, length)) {
        mw_error_set(error, MW_ERROR_BAD_INPUT,
                     "llm.base_url: http:// is for this machine only (127.0.0.1, localhost); write "
                     "https://");
        return NULL;
    }
    char *base = talloc_strdup(memory, url);
    for (size_t end = strlen(base); end > 0 && base[end - 1] == '/'; end--)
        base[end - 1] = '\0';
    return base;
}
