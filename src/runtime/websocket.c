/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/websocket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "runtime/http_authorities.h"
#include "runtime/http_proxy.h"
#include "runtime/internal.h"
#include "runtime/resolve.h"
#include "runtime/websocket_link.h"
#include "runtime/websocket_url.h"

#define LIMIT_USUAL   ((size_t)(1024 * 1024))
#define OUT_BYTES_MAX ((size_t)(1024 * 1024))
#define NS_PER_MS     INT64_C(1000000)
#define PROXY_PORT    1080

struct mw_websocket {
    struct mw_link *link;
    char *peer;
    int64_t ping_ms, pong_ms;
    mw_mono_ns pinged_at; /* 0: no ping waits for an answer */
};

static int release(struct mw_websocket *websocket)
{
    if (websocket->link != NULL)
        mw_link_release(websocket->link);
    return 0;
}

/* ---- connecting ---- */

static bool is_loopback(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

static char *address_text(TALLOC_CTX *memory, const struct sockaddr_storage *address)
{
    char text[INET6_ADDRSTRLEN] = "";
    const void *bytes = address->ss_family == AF_INET
                            ? (const void *)&((const struct sockaddr_in *)address)->sin_addr
                            : &((const struct sockaddr_in6 *)address)->sin6_addr;
    inet_ntop(address->ss_family, bytes, text, sizeof text);
    char *copy = talloc_strdup(memory, text);
    mw_require(copy != NULL, "no memory for an address");
    return copy;
}

static bool cannot_connect(const struct mw_websocket *websocket, enum mw_error_class class,
                           const char *why, struct mw_error *error)
{
    return mw_error_set(error, class, "no websocket to %s: %s", websocket->peer, why);
}

static bool try_target(struct mw_websocket *websocket, const struct mw_link_target *target,
                       size_t limit, struct mw_deadline deadline, struct mw_error *error)
{
    struct mw_link *link = mw_link_open(target, limit, error);
    if (link == NULL)
        return false;
    websocket->link = link;
    struct mw_error waited;
    while (link->state == MW_LINK_CONNECTING)
        if (!mw_condition_wait(&link->changed, deadline, &waited))
            break;
    if (link->state == MW_LINK_OPEN)
        return true;
    if (link->state == MW_LINK_CONNECTING)
        cannot_connect(websocket, waited.class,
                       waited.class == MW_ERROR_TIMEOUT ? "no answer in time" : "it was cancelled",
                       error);
    else if (link->certificate != X509_V_OK)
        mw_certificate_refused(link->certificate, websocket->peer, error);
    else
        cannot_connect(websocket, MW_ERROR_RETRY, link->why, error);
    websocket->link = NULL;
    mw_link_release(link);
    return false;
}

/* "http://USER:PASSWORD@HOST:PORT": the proxy's host is looked up by us. */
static bool use_proxy(TALLOC_CTX *memory, const char *text, struct mw_link_target *target,
                      struct mw_deadline deadline, struct mw_error *error)
{
    const char *begin = strstr(text, "://");
    bool plain = begin == NULL || strncmp(text, "http://", 7) == 0;
    begin = begin == NULL ? text : begin + 3;
    const char *at = strrchr(begin, '@');
    const char *host = at == NULL ? begin : at + 1;
    char *rest = talloc_asprintf(memory, "ws://%s", host);
    struct mw_websocket_url url = {0};
    struct mw_error ignored;
    mw_require(rest != NULL, "no memory for a proxy");
    if (!plain || !mw_websocket_url_parse(memory, rest, &url, &ignored))
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "the proxy in the environment (HTTPS_PROXY) is not valid for a "
                            "websocket: it reads http://HOST:PORT; NO_PROXY names the hosts that "
                            "need none");
    int port = strpbrk(host, ":") != NULL ? url.port : PROXY_PORT;
    struct mw_addresses *addresses = mw_resolve(memory, url.host, port, deadline, error);
    if (addresses == NULL)
        return false;
    target->proxy = talloc_asprintf(memory, "%.*s%s", at == NULL ? 0 : (int)(at + 1 - begin), begin,
                                    address_text(memory, &addresses->items[0]));
    target->proxy_port = port;
    mw_require(target->proxy != NULL, "no memory for a proxy");
    return true;
}

static bool connect_straight(struct mw_websocket *websocket, TALLOC_CTX *memory,
                             struct mw_link_target *target, const struct mw_websocket_url *url,
                             size_t limit, struct mw_deadline deadline, struct mw_error *error)
{
    struct mw_addresses *addresses = mw_resolve(memory, url->host, url->port, deadline, error);
    if (addresses == NULL)
        return false;
    for (size_t i = 0; !url->secure && i < addresses->count; i++)
        if (!is_loopback(&addresses->items[i]))
            return mw_error_set(error, MW_ERROR_PERMANENT,
                                "%s is not on this machine, and ws:// would let everybody on the "
                                "way read along: use wss://",
                                websocket->peer);
    for (size_t i = 0; i < addresses->count; i++) {
        int64_t left = mw_deadline_left_ms(deadline);
        int64_t share = left == INT64_MAX ? left : left / (int64_t)(addresses->count - i);
        struct mw_deadline until =
            i + 1 == addresses->count || left == INT64_MAX ? deadline : mw_deadline_in(share);
        target->address = address_text(memory, &addresses->items[i]);
        if (try_target(websocket, target, limit, until, error))
            return true;
        if (mw_fiber_cancelled() || mw_deadline_passed(deadline))
            return false;
    }
    return false;
}

static bool connect_to(struct mw_websocket *websocket, TALLOC_CTX *memory,
                       const struct mw_websocket_url *url, size_t limit,
                       struct mw_deadline deadline, struct mw_error *error)
{
    struct mw_link_target target = {
        .host = url->host, .path = url->path, .port = url->port, .secure = url->secure};
    if (url->secure) {
        struct mw_authorities *authorities = mw_authorities_find(memory, NULL, deadline, error);
        if (authorities == NULL)
            return false;
        target.authorities = authorities->store;
    }
    const char *proxy = url->secure ? mw_proxy_for(url->host) : NULL;
    if (proxy == NULL)
        return connect_straight(websocket, memory, &target, url, limit, deadline, error);
    /* The proxy looks the name up. */
    target.address = url->host;
    return use_proxy(memory, proxy, &target, deadline, error) &&
           try_target(websocket, &target, limit, deadline, error);
}

struct mw_websocket *mw_websocket_connect(TALLOC_CTX *memory,
                                          const struct mw_websocket_request *request,
                                          struct mw_deadline deadline, struct mw_error *error)
{
    struct mw_websocket *websocket = talloc_zero(memory, struct mw_websocket);
    mw_require(websocket != NULL, "no memory for a websocket");
    websocket->ping_ms = request->ping_ms;
    websocket->pong_ms = request->pong_ms;
    talloc_set_destructor(websocket, release);
    TALLOC_CTX *scratch = talloc_new(NULL);
    struct mw_websocket_url url;
    bool good = mw_websocket_url_parse(scratch, request->url, &url, error);
    if (good) {
        bool usual = url.port == (url.secure ? 443 : 80);
        websocket->peer = usual ? talloc_strdup(websocket, url.host)
                                : talloc_asprintf(websocket, "%s:%d", url.host, url.port);
        mw_require(websocket->peer != NULL, "no memory for a name");
        good = mw_liblws_load(deadline, error) &&
               connect_to(websocket, scratch, &url,
                          request->limit == 0 ? LIMIT_USUAL : request->limit, deadline, error);
    }
    talloc_free(scratch);
    if (good)
        return websocket;
    talloc_free(websocket);
    return NULL;
}

/* ---- reading and writing ---- */

static bool has_ended(const struct mw_websocket *websocket, struct mw_error *error)
{
    return mw_error_set(error, MW_ERROR_RETRY, "the websocket to %s has ended: %s", websocket->peer,
                        websocket->link->why);
}

/* Sends a ping where one is due, and says until when nothing else is to be done. False: the peer is
 * silent. */
static bool keep_alive(struct mw_websocket *websocket, struct mw_deadline *until)
{
    struct mw_link *link = websocket->link;
    mw_mono_ns now = mw_mono_now();
    if (websocket->ping_ms == 0)
        return true;
    if (websocket->pinged_at != 0 && link->heard_at >= websocket->pinged_at)
        websocket->pinged_at = 0;
    if (websocket->pinged_at == 0 && now >= link->heard_at + websocket->ping_ms * NS_PER_MS) {
        websocket->pinged_at = now;
        link->ping = true;
        mw_link_send(link);
    }
    struct mw_deadline next = {websocket->pinged_at != 0
                                   ? websocket->pinged_at + websocket->pong_ms * NS_PER_MS
                                   : link->heard_at + websocket->ping_ms * NS_PER_MS};
    *until = mw_deadline_min(*until, next);
    return websocket->pinged_at == 0 || now < next.at;
}

static void take_first(struct mw_websocket *websocket, TALLOC_CTX *memory, char **text,
                       size_t *length)
{
    struct mw_frame *frame = mw_frames_take(&websocket->link->in);
    *text = talloc_steal(memory, frame->text);
    *length = frame->length;
    talloc_free(frame);
    mw_link_go_on(websocket->link);
}

bool mw_websocket_read(struct mw_websocket *websocket, TALLOC_CTX *memory, char **text,
                       size_t *length, struct mw_deadline deadline, struct mw_error *error)
{
    struct mw_link *link = websocket->link;
    while (link->in.first == NULL) {
        if (link->state == MW_LINK_ENDED)
            return has_ended(websocket, error);
        struct mw_deadline until = deadline;
        if (!keep_alive(websocket, &until))
            return mw_error_set(error, MW_ERROR_RETRY,
                                "the websocket to %s has ended: it does not answer pings",
                                websocket->peer);
        enum mw_wake wake = mw_park(&link->reader, until);
        if (wake == MW_WAKE_CANCELLED ||
            (wake == MW_WAKE_TIMEOUT && mw_deadline_passed(deadline) && link->in.first == NULL))
            return mw_wake_check(wake, "reading from a websocket", error);
    }
    take_first(websocket, memory, text, length);
    return true;
}

bool mw_websocket_write(struct mw_websocket *websocket, const char *text, size_t length,
                        struct mw_deadline deadline, struct mw_error *error)
{
    struct mw_link *link = websocket->link;
    while (link->state == MW_LINK_OPEN && link->out.bytes > OUT_BYTES_MAX)
        if (!mw_condition_wait(&link->changed, deadline, error))
            return false;
    if (link->state != MW_LINK_OPEN)
        return has_ended(websocket, error);
    mw_frames_add(&link->out, mw_frame_create(LWS_PRE, text, length));
    mw_link_send(link);
    return true;
}
