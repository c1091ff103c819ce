/* SPDX-License-Identifier: Apache-2.0 */
/* One connection as libwebsockets sees it. Its callbacks note what happened and mark fibers ready. */
#ifndef MIDWATCH_RUNTIME_WEBSOCKET_LINK_H
#define MIDWATCH_RUNTIME_WEBSOCKET_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "runtime/fiber.h"
#include "runtime/liblws.h"

/* The largest piece of a message that is read at once. */
#define MW_WEBSOCKET_PIECE 16384

enum mw_link_state { MW_LINK_CONNECTING, MW_LINK_OPEN, MW_LINK_ENDED };

/* A talloc root; a frame that goes out has LWS_PRE bytes before its text. */
struct mw_frame {
    struct mw_frame *next;
    size_t length;
    char *text;
};

struct mw_frames {
    struct mw_frame *first, *last;
    size_t bytes;
};

/* A talloc root. It goes when neither its websocket nor libwebsockets has it any more. */
struct mw_link {
    bool held;       /* by its websocket */
    struct lws *wsi; /* NULL: libwebsockets has let go of it */
    enum mw_link_state state;
    int certificate; /* what OpenSSL finds wrong with the peer's; X509_V_OK: nothing */
    char why[160];   /* where ended */

    struct mw_frames in, out;
    struct mw_buffer message; /* comes in piece by piece */
    size_t limit;
    bool halted;         /* nothing is read from it for now */
    bool ping, close;    /* to be sent */
    bool closing;        /* the close frame is on its way */
    mw_mono_ns heard_at; /* anything, also a pong */
    struct mw_waiter reader;
    struct mw_condition changed; /* it was opened, has ended, or room came up in `out` */
};

struct mw_frame *mw_frame_create(size_t before, const char *text, size_t length);
void mw_frames_add(struct mw_frames *frames, struct mw_frame *frame);
struct mw_frame *mw_frames_take(struct mw_frames *frames);

struct mw_link_target {
    const char *address, *host, *path; /* whom to connect to, who that is, what to ask for */
    int port;
    bool secure;
    const char *proxy; /* "USER:PASSWORD@ADDRESS"; NULL: none */
    int proxy_port;
    X509_STORE *authorities; /* where secure */
};

/* websocket_host.c: what libwebsockets calls a host, one for each way of connecting; the context is begun
 * with the first. */
struct mw_websocket_host {
    struct lws_context *context;
    struct lws_vhost *vhost;
};

bool mw_websocket_host_find(const struct mw_link_target *target,
                            const struct lws_protocols *protocols, struct mw_websocket_host *found,
                            struct mw_error *error);
/* Called back while a host is made: gives it the target's authorities. */
void mw_websocket_host_trust(SSL_CTX *tls);

/* Begins to connect. NULL with an error when libwebsockets cannot even begin. */
struct mw_link *mw_link_open(const struct mw_link_target *target, size_t limit,
                             struct mw_error *error);
/* Something is to be sent. */
void mw_link_send(struct mw_link *link);
/* Reads on where it was halted. */
void mw_link_go_on(struct mw_link *link);
/* Its websocket is freed. */
void mw_link_release(struct mw_link *link);

#endif
