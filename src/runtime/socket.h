/* SPDX-License-Identifier: Apache-2.0 */
/* What connecting (connect.c) and streams (stream.c) share. */
#ifndef MIDWATCH_RUNTIME_SOCKET_H
#define MIDWATCH_RUNTIME_SOCKET_H

#include "runtime/stream.h"

/* Takes over a non-blocking, close-on-exec socket; on failure it stays the caller's. */
struct mw_stream *mw_stream_wrap(TALLOC_CTX *memory, int fd, const char *peer,
                                 struct mw_error *error);

/* `event` is UV_READABLE or UV_WRITABLE. */
MW_SUSPENDS bool mw_stream_wait(struct mw_stream *stream, int event, struct mw_deadline deadline,
                                const char *what, struct mw_error *error);

/* Our own shortages (descriptors, memory, ports) are PERMANENT: they say nothing about the peer. */
enum mw_error_class mw_socket_error_class(int code);
/* Why connecting failed: "connection refused: nothing listens there". */
const char *mw_socket_error_text(int code);

#endif
