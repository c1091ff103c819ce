/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/websocket_link.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "runtime/internal.h"

/* Read on only once that much of what has come in was taken. */
#define IN_BYTES_MAX (1024 * 1024)
#define CLOSE_S      2
/* What its headers leave out between HTTP (3) and PING (5). */
#define WRITE_CLOSE ((enum lws_write_protocol)4)

/* ---- frames ---- */

struct mw_frame *mw_frame_create(size_t before, const char *text, size_t length)
{
    struct mw_frame *frame = talloc_zero(NULL, struct mw_frame);
    char *bytes = frame != NULL ? talloc_size(frame, before + length + 1) : NULL;
    mw_require(bytes != NULL, "no memory for a message");
    frame->text = bytes + before;
    frame->length = length;
    memcpy(frame->text, text, length);
    frame->text[length] = '\0';
    return frame;
}

void mw_frames_add(struct mw_frames *frames, struct mw_frame *frame)
{
    if (frames->last != NULL)
        frames->last->next = frame;
    else
        frames->first = frame;
    frames->last = frame;
    frames->bytes += frame->length;
}

struct mw_frame *mw_frames_take(struct mw_frames *frames)
{
    struct mw_frame *frame = frames->first;
    if (frame == NULL)
        return NULL;
    frames->first = frame->next;
    if (frames->first == NULL)
        frames->last = NULL;
    frames->bytes -= frame->length;
    return frame;
}

static void drop_frames(struct mw_frames *frames)
{
    struct mw_frame *frame;
    while ((frame = mw_frames_take(frames)) != NULL)
        talloc_free(frame);
}

/* ---- what happens to a link ---- */

static void let_go(struct mw_link *link)
{
    if (link->held || link->wsi != NULL)
        return;
    drop_frames(&link->in);
    drop_frames(&link->out);
    talloc_free(link);
}

static void tell(struct mw_link *link)
{
    mw_unpark(&link->reader);
    mw_condition_notify(&link->changed);
}

static void end(struct mw_link *link, const char *why, size_t length)
{
    if (link->state == MW_LINK_ENDED)
        return;
    link->state = MW_LINK_ENDED;
    char *clean = mw_text_clean(NULL, why, length, sizeof link->why - 1);
    snprintf(link->why, sizeof link->why, "%s", clean != NULL ? clean : "");
    talloc_free(clean);
    tell(link);
}

static void end_plain(struct mw_link *link, const char *why)
{
    end(link, why, strlen(why));
}

static void open_link(struct mw_link *link, struct lws *wsi)
{
    int fd = mw_liblws.get_socket_fd(wsi);
    if (fd >= 0)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    link->state = MW_LINK_OPEN;
    link->heard_at = mw_mono_now();
    tell(link);
}

static void fail_to_connect(struct mw_link *link, struct lws *wsi, const char *why, size_t length)
{
    char text[160];
    unsigned status = mw_liblws.http_client_http_response(wsi);
    if (status >= 300) {
        snprintf(text, sizeof text, "it answers with status %u instead of a websocket", status);
        end_plain(link, text);
    } else if (why == NULL || length == 0) {
        end_plain(link, "no connection");
    } else {
        end(link, why, length);
    }
}

/* False: the connection is to be closed. */
static bool take_piece(struct mw_link *link, struct lws *wsi, const char *bytes, size_t length)
{
    link->heard_at = mw_mono_now();
    if (mw_liblws.is_first_fragment(wsi))
        mw_buffer_init(&link->message, link, link->limit);
    mw_buffer_append(&link->message, bytes, length);
    if (link->message.failed) {
        end_plain(link, "it sent a message that is larger than any that makes sense");
        return false;
    }
    if (!mw_liblws.is_final_fragment(wsi) || mw_liblws.remaining_packet_payload(wsi) > 0)
        return true;
    size_t size = link->message.length;
    char *text = mw_buffer_take(&link->message);
    if (link->held && text != NULL)
        mw_frames_add(&link->in, mw_frame_create(0, text, size));
    talloc_free(text);
    if (link->in.bytes > IN_BYTES_MAX) {
        link->halted = true;
        mw_liblws.rx_flow_control(wsi, 0);
    }
    mw_unpark(&link->reader);
    return true;
}

/* False: nothing can be sent any more. */
static bool send_frame(struct lws *wsi, struct mw_frame *frame)
{
    int sent = mw_liblws.write(wsi, (unsigned char *)frame->text, frame->length, LWS_WRITE_TEXT);
    bool good = sent >= (int)frame->length;
    talloc_free(frame);
    return good;
}

static bool send_ping(struct mw_link *link, struct lws *wsi)
{
    unsigned char room[LWS_PRE + 8] = {0};
    link->ping = false;
    return mw_liblws.write(wsi, room + LWS_PRE, 0, LWS_WRITE_PING) >= 0;
}

/* libwebsockets' own way to close, as Debian builds it, is over before the other side has answered. So the
 * frame is sent here, and what comes back or the time that was set ends the connection. */
static bool send_close(struct mw_link *link, struct lws *wsi)
{
    unsigned char room[LWS_PRE + 2] = {0};
    if (link->closing)
        return true;
    link->closing = true;
    room[LWS_PRE] = LWS_CLOSE_STATUS_NORMAL >> 8;
    room[LWS_PRE + 1] = LWS_CLOSE_STATUS_NORMAL & 255;
    return mw_liblws.write(wsi, room + LWS_PRE, 2, WRITE_CLOSE) >= 0;
}

/* False: the connection is to be closed. */
static bool send_some(struct mw_link *link, struct lws *wsi)
{
    if (link->ping && !send_ping(link, wsi))
        return false;
    struct mw_frame *frame;
    while (!mw_liblws.send_pipe_choked(wsi) && (frame = mw_frames_take(&link->out)) != NULL)
        if (!send_frame(wsi, frame))
            return false;
    mw_condition_notify(&link->changed);
    if (link->out.first != NULL) {
        mw_liblws.callback_on_writable(wsi);
        return true;
    }
    return !link->close || send_close(link, wsi);
}

static void note_close(struct mw_link *link, const unsigned char *bytes, size_t length)
{
    char text[160];
    if (length < 2) {
        end_plain(link, "it closed the connection");
        return;
    }
    int code = bytes[0] << 8 | bytes[1];
    char *reason = mw_text_clean(NULL, (const char *)bytes + 2, length - 2, 80);
    snprintf(text, sizeof text, "it closed the connection (%d%s%s)", code,
             reason != NULL && *reason != '\0' ? ", " : "", reason != NULL ? reason : "");
    talloc_free(reason);
    end_plain(link, text);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t length)
{
    if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_CLIENT_VERIFY_CERTS) {
        mw_websocket_host_trust(user);
        return 0;
    }
    struct mw_link *link = wsi != NULL ? mw_liblws.get_opaque_user_data(wsi) : NULL;
    if (link == NULL)
        return 0;
    switch (reason) {
    case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION:
        if (length == 0) /* here: whether OpenSSL accepts it */
            link->certificate = X509_STORE_CTX_get_error(user);
        break;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        open_link(link, wsi);
        break;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        fail_to_connect(link, wsi, in, in != NULL ? length : 0);
        break;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return take_piece(link, wsi, in, length) ? 0 : -1;
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
        link->heard_at = mw_mono_now();
        break;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return send_some(link, wsi) ? 0 : -1;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        note_close(link, in, in != NULL ? length : 0);
        return link->closing ? -1 : 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
        end_plain(link, "the connection was cut off");
        break;
    case LWS_CALLBACK_WSI_DESTROY:
        end_plain(link, "the connection was cut off");
        link->wsi = NULL;
        let_go(link);
        break;
    default:
        break;
    }
    return 0;
}

/* ---- opening and closing ---- */

static const struct lws_protocols protocols[] = {
    {.name = "midwatch", .callback = on_event, .rx_buffer_size = MW_WEBSOCKET_PIECE},
    {0},
};

struct mw_link *mw_link_open(const struct mw_link_target *target, size_t limit,
                             struct mw_error *error)
{
    struct mw_websocket_host host;
    if (!mw_websocket_host_find(target, protocols, &host, error))
        return NULL;
    struct mw_link *link = talloc_zero(NULL, struct mw_link);
    mw_require(link != NULL, "no memory for a websocket");
    link->held = true;
    link->limit = limit;
    mw_condition_init(&link->changed);
    struct lws_client_connect_info info = {
        .context = host.context,
        .vhost = host.vhost,
        .address = target->address,
        .port = target->port,
        .ssl_connection = target->secure ? LCCSCF_USE_SSL : 0,
        .path = target->path,
        .host = target->host,
        .alpn = "http/1.1",
        .ietf_version_or_minus_one = -1,
        .local_protocol_name = protocols[0].name,
        .opaque_user_data = link,
        .pwsi = &link->wsi,
    };
    if (mw_liblws.client_connect_via_info(&info) == NULL) {
        link->wsi = NULL;
        end_plain(link, "no connection");
    }
    return link;
}

void mw_link_send(struct mw_link *link)
{
    if (link->wsi != NULL && link->state == MW_LINK_OPEN)
        mw_liblws.callback_on_writable(link->wsi);
}

void mw_link_go_on(struct mw_link *link)
{
    if (!link->halted || link->in.bytes > IN_BYTES_MAX / 2)
        return;
    link->halted = false;
    if (link->wsi == NULL)
        return;
    mw_liblws.rx_flow_control(link->wsi, 1);
    /* What it has read already and not handed over yet it looks at only after an event. */
    mw_liblws.callback_on_writable(link->wsi);
}

void mw_link_release(struct mw_link *link)
{
    link->held = false;
    drop_frames(&link->in);
    if (link->wsi == NULL) {
        let_go(link);
        return;
    }
    bool was_open = link->state == MW_LINK_OPEN;
    mw_liblws.set_timeout(link->wsi, PENDING_TIMEOUT_USER_REASON_BASE,
                          was_open ? CLOSE_S : LWS_TO_KILL_ASYNC);
    if (!was_open)
        return;
    link->close = true;
    mw_link_go_on(link);
    mw_liblws.callback_on_writable(link->wsi);
}
