/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/websocket_url.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/internal.h"

#define URL_MAX         4096
#define HOST_MAX        253
#define PORT_MAX        65535
#define NAME_CHARACTERS "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-._"

static bool not_valid(struct mw_error *error)
{
    return mw_error_set(error, MW_ERROR_PERMANENT,
                        "the websocket's URL is not valid: it reads wss://HOST/… or ws://HOST/…");
}

/* The length of the host, of which `*begin` and `*size` are what is looked up; 0: it is none. */
static size_t measure_host(const char *text, const char **begin, size_t *size)
{
    bool bracketed = text[0] == '[';
    *begin = text + bracketed;
    *size = strspn(*begin, bracketed ? "0123456789abcdefABCDEF:." : NAME_CHARACTERS);
    if (*size == 0 || *size > HOST_MAX || (bracketed && (*begin)[*size] != ']'))
        return 0;
    return *size + (bracketed ? 2 : 0);
}

/* What follows the host; NULL: it is no port. */
static const char *parse_port(const char *text, bool secure, int *port)
{
    *port = secure ? 443 : 80;
    if (*text != ':')
        return text;
    size_t digits = strspn(text + 1, "0123456789");
    *port = digits > 0 && digits <= 5 ? atoi(text + 1) : 0;
    return *port > 0 && *port <= PORT_MAX ? text + 1 + digits : NULL;
}

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text > '~' || *text == '#')
            return false;
    return true;
}

bool mw_websocket_url_parse(TALLOC_CTX *memory, const char *text, struct mw_websocket_url *url,
                            struct mw_error *error)
{
    bool secure = strncmp(text, "wss://", 6) == 0;
    if ((!secure && strncmp(text, "ws://", 5) != 0) || strlen(text) > URL_MAX ||
        !is_printable(text))
        return not_valid(error);
    const char *host, *at = text + (secure ? 6 : 5);
    size_t size, length = measure_host(at, &host, &size);
    int port = 0;
    const char *path = length > 0 ? parse_port(at + length, secure, &port) : NULL;
    if (path == NULL || (*path != '\0' && *path != '/' && *path != '?'))
        return not_valid(error);
    *url = (struct mw_websocket_url){
        .secure = secure,
        .host = talloc_strndup(memory, host, size),
        .port = port,
        .path = talloc_asprintf(memory, "%s%s", *path == '/' ? "" : "/", path),
    };
    mw_require(url->host != NULL && url->path != NULL, "no memory for a URL");
    return true;
}
