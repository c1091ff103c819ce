/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte streams: TCP and Unix sockets, pipes, files that can be polled. A stream is a talloc object; freeing it closes it.
 * One fiber reads and one writes at a time.
 */
#ifndef MIDWATCH_STREAM_H
#define MIDWATCH_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <talloc.h>

#include "midwatch/deadline.h"
#include "midwatch/error.h"

struct mw_stream;

/* Connects; names are looked up (resolve.h), each address is tried until the deadline. */
MW_SUSPENDS struct mw_stream *mw_stream_tcp(TALLOC_CTX *memory, const char *host, int port,
                                            struct mw_deadline deadline, struct mw_error *error);
MW_SUSPENDS struct mw_stream *mw_stream_unix(TALLOC_CTX *memory, const char *path,
                                             struct mw_deadline deadline, struct mw_error *error);

/* Takes over a descriptor that can be polled: sets it non-blocking and close-on-exec. Not for
 * regular files (epoll refuses them: MW_ERROR_BAD_INPUT). The descriptor is closed with the stream; on
 * failure it stays the caller's. */
struct mw_stream *mw_stream_from_fd(TALLOC_CTX *memory, int fd, struct mw_error *error);

/* At least one byte, 0 at the end, -1 on error. `expect_wait`: the peer has just been asked, so
 * waiting before the first read spares a system call. In a cancelled fiber reading and writing fail
 * also where they would not have to wait. */
MW_SUSPENDS ssize_t mw_stream_read(struct mw_stream *stream, void *buffer, size_t size,
                                   bool expect_wait, struct mw_deadline deadline,
                                   struct mw_error *error);
/* All of it, or an error (some of it may have been sent). */
MW_SUSPENDS bool mw_stream_write(struct mw_stream *stream, const void *bytes, size_t length,
                                 struct mw_deadline deadline, struct mw_error *error);

#endif
