/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "runtime/http_exchange.h"
#include "runtime/http_proxy.h"
#include "runtime/internal.h"
#include "runtime/resolve.h"

/* What the environment's proxies listen on when their URL does not say, as for curl. */
#define PROXY_PORT       1080
#define PROXY_PORT_HTTPS 443

/* On `memory`; NULL when the URL has no such part. */
static char *url_part(TALLOC_CTX *memory, CURLU *url, CURLUPart part, unsigned flags)
{
    char *text = NULL;
    if (mw_libcurl.url_get(url, part, &text, flags) != CURLUE_OK)
        return NULL;
    char *copy = talloc_strdup(memory, text);
    mw_require(copy != NULL, "no memory for a URL");
    mw_libcurl.free(text);
    return copy;
}

/* Names in ASCII, and numeric addresses in brackets. Anything else would be looked up by libcurl under
 * another name than by us. */
static bool is_plain_host(const char *host)
{
    return host != NULL && *host != '\0' &&
           strspn(host, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-._:[]%") ==
               strlen(host) &&
           host[strlen(host) - 1] != '.';
}

static bool is_numeric(const char *host)
{
    struct in_addr four;
    return host[0] == '[' || inet_pton(AF_INET, host, &four) == 1;
}

/* The URL itself is never quoted: there are tokens in paths, too. */
static bool parse_url(struct mw_exchange *exchange, struct mw_error *error)
{
    exchange->url = mw_libcurl.url();
    mw_require(exchange->url != NULL, "no memory for a URL");
    CURLUcode code = mw_libcurl.url_set(exchange->url, CURLUPART_URL, exchange->request->url, 0);
    char *scheme =
        code == CURLUE_OK ? url_part(exchange, exchange->url, CURLUPART_SCHEME, 0) : NULL;
    char *port = scheme != NULL
                     ? url_part(exchange, exchange->url, CURLUPART_PORT, CURLU_DEFAULT_PORT)
                     : NULL;
    if (port == NULL || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "the URL is not valid: it reads https://HOST/… or http://HOST/…");
    exchange->host = url_part(exchange, exchange->url, CURLUPART_HOST, 0);
    if (!is_plain_host(exchange->host))
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "the host in the URL is not valid: it is a name in ASCII (xn--… for "
                            "others), an IPv4 address, or an IPv6 address in brackets");
    exchange->secure = strcmp(scheme, "https") == 0;
    exchange->port = atoi(port);
    return true;
}

static char *name_peer(struct mw_exchange *exchange)
{
    const char *path = exchange->request->unix_socket;
    if (path != NULL)
        return mw_text_clean(exchange, path, strlen(path), 120);
    bool usual = exchange->port == (exchange->secure ? 443 : 80);
    return usual ? talloc_strdup(exchange, exchange->host)
                 : talloc_asprintf(exchange, "%s:%d", exchange->host, exchange->port);
}

static bool parse_proxy(struct mw_exchange *exchange, const char *text, struct mw_error *error)
{
    CURLU *url = mw_libcurl.url();
    mw_require(url != NULL, "no memory for a URL");
    bool given = strstr(text, "://") != NULL;
    exchange->proxy =
        given ? talloc_strdup(exchange, text) : talloc_asprintf(exchange, "http://%s", text);
    char *scheme = NULL, *port = NULL;
    if (mw_libcurl.url_set(url, CURLUPART_URL, exchange->proxy, CURLU_NON_SUPPORT_SCHEME) ==
        CURLUE_OK) {
        scheme = url_part(exchange, url, CURLUPART_SCHEME, 0);
        exchange->target = url_part(exchange, url, CURLUPART_HOST, 0);
        port = url_part(exchange, url, CURLUPART_PORT, 0);
    }
    mw_libcurl.url_cleanup(url);
    if (scheme == NULL || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0) ||
        !is_plain_host(exchange->target))
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "the proxy in the environment (HTTPS_PROXY) is not valid: it reads "
                            "http://HOST:PORT; NO_PROXY names the hosts that need none");
    int usual = strcmp(scheme, "https") == 0 ? PROXY_PORT_HTTPS : PROXY_PORT;
    exchange->target_port = port == NULL ? usual : atoi(port);
    exchange->target_peer =
        talloc_asprintf(exchange, "the proxy %s:%d", exchange->target, exchange->target_port);
    return true;
}

static bool choose_target(struct mw_exchange *exchange, struct mw_error *error)
{
    bool direct = !exchange->secure || exchange->request->unix_socket != NULL;
    const char *proxy = direct ? NULL : mw_proxy_for(exchange->host);
    exchange->peer = name_peer(exchange);
    mw_require(exchange->peer != NULL, "no memory for a name");
    if (proxy != NULL)
        return parse_proxy(exchange, proxy, error);
    exchange->target = exchange->host;
    exchange->target_port = exchange->port;
    exchange->target_peer = exchange->peer;
    return true;
}

static bool is_loopback(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
    const struct in6_addr *six = &((const struct sockaddr_in6 *)address)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(six) || (IN6_IS_ADDR_V4MAPPED(six) && six->s6_addr[12] == 127);
}

static bool check_plain(const struct mw_exchange *exchange, const struct mw_addresses *addresses,
                        struct mw_error *error)
{
    if (exchange->secure || exchange->request->plain_allowed)
        return true;
    for (size_t i = 0; i < addresses->count; i++)
        if (!is_loopback(&addresses->items[i]))
            return mw_error_set(error, MW_ERROR_PERMANENT,
                                "%s is not on this machine, and http:// would let everybody on the "
                                "way read along: use https://",
                                exchange->peer);
    return true;
}

/* "HOST:PORT:ADDRESS,ADDRESS"; link-local addresses cannot be told so. */
static void list_addresses(struct mw_exchange *exchange, const struct mw_addresses *addresses)
{
    char *entry = talloc_asprintf(exchange, "%s:%d:", exchange->target, exchange->target_port);
    for (size_t i = 0; i < addresses->count; i++) {
        char text[INET6_ADDRSTRLEN];
        const struct sockaddr_storage *address = &addresses->items[i];
        const void *bytes = address->ss_family == AF_INET
                                ? (const void *)&((const struct sockaddr_in *)address)->sin_addr
                                : &((const struct sockaddr_in6 *)address)->sin6_addr;
        bool bracketed = address->ss_family == AF_INET6;
        if (inet_ntop(address->ss_family, bytes, text, sizeof text) != NULL)
            entry = talloc_asprintf_append_buffer(entry, "%s%s%s%s", i == 0 ? "" : ",",
                                                  bracketed ? "[" : "", text, bracketed ? "]" : "");
    }
    mw_require(entry != NULL, "no memory for addresses");
    exchange->addresses = mw_libcurl.slist_append(NULL, entry);
    mw_require(exchange->addresses != NULL, "no memory for addresses");
    talloc_free(entry);
}

bool mw_exchange_address(struct mw_exchange *exchange, struct mw_error *error)
{
    if (!parse_url(exchange, error) || !choose_target(exchange, error))
        return false;
    if (exchange->request->unix_socket != NULL)
        return true;
    struct mw_addresses *addresses =
        mw_resolve(exchange, exchange->target, exchange->target_port, exchange->deadline, error);
    if (addresses == NULL || !check_plain(exchange, addresses, error))
        return false;
    exchange->looked_up = !is_numeric(exchange->target);
    if (exchange->looked_up)
        list_addresses(exchange, addresses);
    talloc_free(addresses);
    return true;
}
