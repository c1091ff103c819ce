/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/http_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SEPARATORS ", \t"
#define NUMBER_MAX 64

/* 4 or 16 bytes; 0: it is no numeric address. */
static size_t parse_number(const char *text, size_t length, unsigned char bytes[16])
{
    char copy[NUMBER_MAX];
    if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    }
    if (length == 0 || length >= sizeof copy)
        return 0;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (inet_pton(AF_INET, copy, bytes) == 1)
        return 4;
    return inet_pton(AF_INET6, copy, bytes) == 1 ? 16 : 0;
}

static bool same_bits(const unsigned char *a, const unsigned char *b, size_t bits)
{
    size_t whole = bits / 8, rest = bits % 8;
    return memcmp(a, b, whole) == 0 &&
           (rest == 0 || ((a[whole] ^ b[whole]) & (0xFF00 >> rest) & 0xFF) == 0);
}

/* "10.0.0.0/8", or an address alone. */
static bool network_holds(const char *word, size_t length, const char *host)
{
    unsigned char network[16], address[16];
    const char *slash = memchr(word, '/', length);
    size_t size = parse_number(word, slash == NULL ? length : (size_t)(slash - word), network);
    if (size == 0 || parse_number(host, strlen(host), address) != size)
        return false;
    size_t bits = size * 8;
    if (slash != NULL) {
        char *end;
        unsigned long given = strtoul(slash + 1, &end, 10);
        if (end == slash + 1 || end != word + length || given > bits)
            return false;
        bits = given;
    }
    return same_bits(network, address, bits);
}

/* "corp.example", ".corp.example", "*.corp.example": the name and all below it. */
static bool domain_holds(const char *word, size_t length, const char *host)
{
    size_t size = strlen(host);
    if (length > 0 && word[0] == '*') {
        word++;
        length--;
    }
    if (length > 0 && word[0] == '.') {
        word++;
        length--;
    }
    if (length == 0 || size < length || strncasecmp(host + size - length, word, length) != 0)
        return false;
    return size == length || host[size - length - 1] == '.';
}

bool mw_proxy_bypassed(const char *list, const char *host)
{
    for (const char *word = list + strspn(list, SEPARATORS); *word != '\0';) {
        size_t length = strcspn(word, SEPARATORS);
        if ((length == 1 && *word == '*') || network_holds(word, length, host) ||
            domain_holds(word, length, host))
            return true;
        word += length;
        word += strspn(word, SEPARATORS);
    }
    return false;
}

bool mw_host_is_loopback(const char *host)
{
    unsigned char bytes[16];
    switch (parse_number(host, strlen(host), bytes)) {
    case 4:
        return bytes[0] == 127;
    case 16:
        return memcmp(bytes, &in6addr_loopback, 16) == 0;
    default:
        return domain_holds("localhost", strlen("localhost"), host);
    }
}

static const char *first_set(const char *const *names)
{
    for (; *names != NULL; names++) {
        const char *value = getenv(*names);
        if (value != NULL && *value != '\0')
            return value;
    }
    return NULL;
}

const char *mw_proxy_for(const char *host)
{
    static const char *const proxies[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                                          NULL};
    static const char *const exceptions[] = {"no_proxy", "NO_PROXY", NULL};
    if (mw_host_is_loopback(host))
        return NULL;
    const char *list = first_set(exceptions);
    return list != NULL && mw_proxy_bypassed(list, host) ? NULL : first_set(proxies);
}
