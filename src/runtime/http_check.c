/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "base/text.h"
#include "runtime/http_exchange.h"

#define URL_MAX     8192
#define HEADERS_MAX 64
#define HEADER_MAX  16384

static const struct mw_http_method methods[] = {
    {"GET", true},    {"HEAD", true},    {"POST", false},  {"PUT", true},
    {"DELETE", true}, {"OPTIONS", true}, {"PATCH", false},
};

static const struct mw_http_method *find_method(const struct mw_http_request *request)
{
    const char *name = request->method;
    if (name == NULL)
        name = request->body == NULL ? "GET" : "POST";
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(methods[i].name, name) == 0)
            return &methods[i];
    return NULL;
}

/* RFC 9110, 5.6.2. */
static bool is_token_character(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static size_t name_length(const char *header)
{
    size_t length = 0;
    while (is_token_character((unsigned char)header[length]))
        length++;
    return length;
}

bool mw_header_is(const char *header, const char *name)
{
    size_t length = strlen(name);
    return strncasecmp(header, name, length) == 0 && header[length] == ':';
}

/* A value may hold anything but control characters; of a header that is no header, nothing is quoted,
 * since it may be a secret. */
static bool check_header(const char *header, size_t number, struct mw_error *error)
{
    size_t length = name_length(header);
    if (length == 0 || header[length] != ':')
        return mw_error_set(error, MW_ERROR_BAD_INPUT,
                            "request header %zu does not read \"Name: value\"", number);
    if (strlen(header) > HEADER_MAX)
        return mw_error_set(error, MW_ERROR_BAD_INPUT, "request header %zu is longer than %d bytes",
                            number, HEADER_MAX);
    for (const char *at = header + length + 1; *at != '\0'; at++)
        if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7F)
            return mw_error_set(error, MW_ERROR_BAD_INPUT,
                                "the value of request header %.*s has a line break or another "
                                "control character in it",
                                length < 64 ? (int)length : 64, header);
    if (mw_header_is(header, "Content-Length") || mw_header_is(header, "Transfer-Encoding") ||
        mw_header_is(header, "Connection"))
        return mw_error_set(error, MW_ERROR_BAD_INPUT,
                            "request header %.*s is not the caller's to set", (int)length, header);
    return true;
}

static bool check_headers(const char *const *headers, struct mw_error *error)
{
    for (size_t i = 0; headers != NULL && headers[i] != NULL; i++) {
        if (i == HEADERS_MAX)
            return mw_error_set(error, MW_ERROR_BAD_INPUT, "there are more than %d request headers",
                                HEADERS_MAX);
        if (!check_header(headers[i], i + 1, error))
            return false;
    }
    return true;
}

static bool check_socket(const char *path, struct mw_error *error)
{
    size_t room = sizeof((struct sockaddr_un *)NULL)->sun_path;
    size_t length = path == NULL ? 1 : strlen(path);
    return (length > 0 && length < room) ||
           mw_error_set(error, MW_ERROR_BAD_INPUT,
                        "the path of a Unix socket has 1 to %zu bytes, not %zu", room - 1, length);
}

bool mw_exchange_check(const struct mw_http_request *request, const struct mw_http_method **method,
                       struct mw_error *error)
{
    const struct mw_http_method *found = find_method(request);
    if (found == NULL) {
        char *shown = mw_text_clean(NULL, request->method, strlen(request->method), 20);
        mw_error_set(error, MW_ERROR_BAD_INPUT,
                     "\"%s\" is no method: GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS",
                     shown == NULL ? "" : shown);
        talloc_free(shown);
        return false;
    }
    if (request->url == NULL || strlen(request->url) > URL_MAX)
        return mw_error_set(error, MW_ERROR_PERMANENT, "a URL has at most %d characters", URL_MAX);
    if (strcmp(found->name, "HEAD") == 0 && request->body != NULL)
        return mw_error_set(error, MW_ERROR_BAD_INPUT, "HEAD takes no body");
    if (!check_headers(request->headers, error) || !check_socket(request->unix_socket, error))
        return false;
    *method = found;
    return true;
}
