/* SPDX-License-Identifier: Apache-2.0 */
#include "url.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

#define DEFAULT_PORT 6379
#define URL_MAX      2048
#define DATABASE_MAX 1000000

#define SHAPE "write redis://[user:password@]host[:port][/db] or unix:///path/to/redis.sock"

static bool complain(struct mw_error *error, const char *what)
{
    return mw_error_set(error, MW_ERROR_BAD_INPUT, "url: %s; " SHAPE, what);
}

static int hex_value(char digit)
{
    return isdigit((unsigned char)digit)    ? digit - '0'
           : isxdigit((unsigned char)digit) ? tolower((unsigned char)digit) - 'a' + 10
                                            : -1;
}

/* NULL when an escape is broken or stands for NUL. */
static char *decode(TALLOC_CTX *memory, const char *text, size_t length)
{
    char *out = talloc_array(memory, char, (unsigned)length + 1);
    size_t size = 0;
    for (size_t i = 0; out != NULL && i < length; i++) {
        int high = 0, low = 0;
        if (text[i] != '%') {
            out[size++] = text[i];
            continue;
        }
        high = i + 1 < length ? hex_value(text[i + 1]) : -1;
        low = i + 2 < length ? hex_value(text[i + 2]) : -1;
        if (high < 0 || low < 0 || (high == 0 && low == 0)) {
            talloc_free(out);
            return NULL;
        }
        out[size++] = (char)(high * 16 + low);
        i += 2;
    }
    if (out != NULL) {
        out[size] = '\0';
    }
    return out;
}

static bool parse_number(const char *text, size_t length, int64_t maximum, int64_t *value)
{
    int64_t number = 0;
    if (length == 0 || length > 9) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (!isdigit((unsigned char)text[i])) {
            return false;
        }
        number = number * 10 + (text[i] - '0');
    }
    *value = number;
    return number <= maximum;
}

static bool parse_login(struct mw_redis_address *address, const char *text, size_t length,
                        struct mw_error *error)
{
    const char *colon = memchr(text, ':', length);
    size_t user_length = colon != NULL ? (size_t)(colon - text) : length;
    if (user_length > 0) {
        address->user = decode(address, text, user_length);
    }
    if (colon != NULL) {
        address->password = decode(address, colon + 1, length - user_length - 1);
    }
    bool broken =
        (user_length > 0 && address->user == NULL) || (colon != NULL && address->password == NULL);
    if (broken) {
        return complain(error, "user or password has a broken %XX");
    }
    if (address->user != NULL && (address->password == NULL || *address->password == '\0')) {
        return complain(error, "there is a user without a password (for a password alone write "
                               "redis://:password@host)");
    }
    return true;
}

static bool parse_port(struct mw_redis_address *address, const char *text, size_t length,
                       struct mw_error *error)
{
    int64_t port = DEFAULT_PORT;
    if (length > 0 && (!parse_number(text, length, 65535, &port) || port == 0)) {
        return complain(error, "the port is not a number from 1 to 65535");
    }
    address->port = (int)port;
    return true;
}

/* HOST, HOST:PORT, [IPV6] or [IPV6]:PORT. */
static bool parse_host(struct mw_redis_address *address, const char *text, size_t length,
                       struct mw_error *error)
{
    const char *end = text + length, *host_end = memchr(text, ':', length), *rest = NULL;
    if (length > 0 && *text == '[') {
        text++;
        host_end = memchr(text, ']', (size_t)(end - text));
        if (host_end == NULL) {
            return complain(error, "the IPv6 address has no closing bracket");
        }
        rest = host_end + 1;
    } else {
        host_end = host_end != NULL ? host_end : end;
        rest = host_end;
    }
    if (host_end == text) {
        return complain(error, "there is no host");
    }
    address->host = decode(address, text, (size_t)(host_end - text));
    if (address->host == NULL || !mw_text_is_clean(address->host)) {
        return complain(error, "the host has a broken %XX or a control character");
    }
    if (rest < end && *rest != ':') {
        return complain(error, "something stands between the address and the port");
    }
    return parse_port(address, rest < end ? rest + 1 : end,
                      rest < end ? (size_t)(end - rest - 1) : 0, error);
}

static bool set_database(struct mw_redis_address *address, const char *text, size_t length,
                         struct mw_error *error)
{
    if (length == 0) {
        return true;
    }
    address->has_database = true;
    return parse_number(text, length, DATABASE_MAX, &address->database) ||
           complain(error, "the database is not a small number");
}

static bool parse_query(struct mw_redis_address *address, const char *query, struct mw_error *error)
{
    if (query == NULL) {
        return true;
    }
    if (strncmp(query, "?db=", 4) != 0) {
        return complain(error, "only ?db=N may follow the question mark");
    }
    return set_database(address, query + 4, strlen(query + 4), error);
}

static bool parse_tcp(struct mw_redis_address *address, const char *rest, struct mw_error *error)
{
    const char *end = rest + strcspn(rest, "/?"), *at = memrchr(rest, '@', (size_t)(end - rest));
    const char *query = strchr(end, '?'), *host = at != NULL ? at + 1 : rest;
    if (at != NULL && !parse_login(address, rest, (size_t)(at - rest), error)) {
        return false;
    }
    if (!parse_host(address, host, (size_t)(end - host), error)) {
        return false;
    }
    if (*end == '/') {
        size_t length = query != NULL ? (size_t)(query - end - 1) : strlen(end + 1);
        if (!set_database(address, end + 1, length, error)) {
            return false;
        }
    }
    return parse_query(address, query, error);
}

static bool parse_unix(struct mw_redis_address *address, const char *rest, struct mw_error *error)
{
    const char *path = strchr(rest, '/'), *query = strchr(rest, '?');
    if (path == NULL || (path > rest && path[-1] != '@')) {
        return complain(error, "the path of the socket must be absolute");
    }
    if (path > rest && !parse_login(address, rest, (size_t)(path - 1 - rest), error)) {
        return false;
    }
    size_t length = query != NULL && query > path ? (size_t)(query - path) : strlen(path);
    address->path = decode(address, path, length);
    if (address->path == NULL || !mw_text_is_clean(address->path)) {
        return complain(error, "the path has a broken %XX or a control character");
    }
    return parse_query(address, query != NULL && query > path ? query : NULL, error);
}

static void describe(struct mw_redis_address *address)
{
    const char *host = address->host;
    if (host == NULL) {
        address->label = talloc_strdup(address, address->path);
        address->local = true;
        return;
    }
    bool ipv6 = strchr(host, ':') != NULL;
    address->label = talloc_asprintf(address, "%s%s%s:%d", ipv6 ? "[" : "", host, ipv6 ? "]" : "",
                                     address->port);
    address->local = strcasecmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
                     strcmp(host, "::1") == 0;
}

static bool parse(struct mw_redis_address *address, const char *url, struct mw_error *error)
{
    static const char *const unix_schemes[] = {"unix://", "redis+unix://", "redis-socket://"};
    if (strlen(url) > URL_MAX) {
        return complain(error, "it is too long");
    }
    if (strncmp(url, "redis://", 8) == 0) {
        return parse_tcp(address, url + 8, error);
    }
    if (strncmp(url, "rediss://", 9) == 0) {
        return mw_error_set(error, MW_ERROR_BAD_INPUT,
                            "url: rediss:// (Redis over TLS) is not in this version; use redis:// "
                            "or a Unix socket, through a tunnel where the way is not safe");
    }
    for (size_t i = 0; i < sizeof unix_schemes / sizeof *unix_schemes; i++) {
        size_t length = strlen(unix_schemes[i]);
        if (strncmp(url, unix_schemes[i], length) == 0) {
            return parse_unix(address, url + length, error);
        }
    }
    return complain(error, "it does not begin with redis:// or unix://");
}

struct mw_redis_address *mw_redis_url_parse(TALLOC_CTX *memory, const char *url,
                                            struct mw_error *error)
{
    struct mw_redis_address *address = talloc_zero(memory, struct mw_redis_address);
    if (address == NULL) {
        mw_error_set(error, MW_ERROR_RETRY, "no memory left");
        return NULL;
    }
    if (!parse(address, url, error)) {
        talloc_free(address);
        return NULL;
    }
    describe(address);
    return address;
}
