/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "runtime/internal.h"

enum { READER, WRITER, SIDES };
static const int side_event[SIDES] = {UV_READABLE, UV_WRITABLE};

/* On the heap by itself: libuv needs it until the loop has come round after closing. */
struct mw_poll {
    uv_poll_t handle;
    struct mw_poll **owner;
    struct mw_waiter waiters[SIDES];
    bool told[SIDES]; /* a fiber was woken for it and has not run yet */
    int armed;
};

static void on_event(uv_poll_t *handle, int status, int events);

static int arm(struct mw_poll *poll, int events)
{
    int rc =
        events == 0 ? uv_poll_stop(&poll->handle) : uv_poll_start(&poll->handle, events, on_event);
    poll->armed = rc == 0 ? events : 0;
    return rc;
}

static void tell(struct mw_poll *poll, int side)
{
    if (poll->waiters[side].fiber == NULL)
        return;
    poll->told[side] = true;
    mw_unpark(&poll->waiters[side]);
}

static void on_event(uv_poll_t *handle, int status, int events)
{
    struct mw_poll *poll = handle->data;
    if (status < 0) {
        /* libuv has stopped the handle already: the descriptor has an error to report. */
        poll->armed = 0;
        tell(poll, READER);
        tell(poll, WRITER);
        return;
    }
    int unwanted = 0;
    for (int side = 0; side < SIDES; side++) {
        if ((events & side_event[side]) == 0)
            continue;
        tell(poll, side);
        if (!poll->told[side])
            unwanted |= side_event[side];
    }
    if (unwanted != 0)
        arm(poll, poll->armed & ~unwanted);
}

bool mw_poll_open(struct mw_poll **owner, int fd, struct mw_error *error)
{
    mw_require(mw_loop.open, "a descriptor was to be polled without a loop");
    struct mw_poll *poll = calloc(1, sizeof *poll);
    mw_require(poll != NULL, "no memory for a descriptor's poll handle");
    int rc = uv_poll_init(&mw_loop.uv, &poll->handle, fd);
    if (rc != 0) {
        free(poll);
        return mw_error_set(error, rc == UV_EPERM ? MW_ERROR_BAD_INPUT : MW_ERROR_PERMANENT,
                            "descriptor %d cannot be waited for: %s", fd, uv_strerror(rc));
    }
    poll->handle.data = poll;
    poll->owner = owner;
    *owner = poll;
    return true;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void mw_poll_close(struct mw_poll *poll)
{
    if (poll == NULL)
        return;
    mw_require(poll->waiters[READER].fiber == NULL && poll->waiters[WRITER].fiber == NULL,
               "a descriptor was closed while a fiber waits for it");
    uv_close((uv_handle_t *)&poll->handle, on_closed);
}

void mw_poll_orphan(uv_handle_t *handle)
{
    struct mw_poll *poll = handle->data;
    *poll->owner = NULL;
    mw_poll_close(poll);
}

bool mw_poll_wait(struct mw_poll *poll, int event, struct mw_deadline deadline, const char *what,
                  struct mw_error *error)
{
    int side = event == UV_READABLE ? READER : WRITER;
    if ((poll->armed & event) == 0) {
        int rc = arm(poll, poll->armed | event);
        if (rc != 0)
            return mw_error_set(error, MW_ERROR_PERMANENT, "%s: cannot wait: %s", what,
                                uv_strerror(rc));
    }
    enum mw_wake wake = mw_park(&poll->waiters[side], deadline);
    poll->told[side] = false;
    return mw_wake_check(wake, what, error);
}
