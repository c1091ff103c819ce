/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/http_multi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "runtime/internal.h"

/* Connections that are kept open for the next exchange with the same peer. */
#define KEPT_MAX 100L
/* Exchanges that begin in one turn of the loop: the first steps of TLS cost half a millisecond each. */
#define BEGIN_MAX 16
/* And how long what happens on sockets may hold up one turn. */
#define TURN_NS (10 * UINT64_C(1000000))

/* One socket of libcurl, from its opening to its closing. On the heap by itself: libuv needs it until
 * the loop has come round. It stays armed between two exchanges on it as long as nothing happens that
 * nobody waits for, which spares system calls. */
struct watch {
    uv_poll_t handle;
    curl_socket_t fd;
    int wanted, armed;
};

static CURLM *multi;
static uv_timer_t timer;
static struct watch **watches; /* by descriptor */
static size_t watches_room;
static struct mw_transfer *under_way;
static bool socket_lost;

static void take_messages(void)
{
    int left;
    const CURLMsg *message;
    while ((message = mw_libcurl.multi_info_read(multi, &left)) != NULL) {
        struct mw_transfer *transfer = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        mw_libcurl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        transfer->code = message->data.result;
        transfer->done = true;
        mw_unpark(&transfer->waiter);
    }
}

/* Before 8.2, libcurl that has been refused at one address goes on to the next only when something else
 * happens: pausing and going on does, and is allowed here, outside its callbacks. */
static void urge_on(void)
{
    socket_lost = false;
    for (struct mw_transfer *transfer = under_way; transfer != NULL; transfer = transfer->next) {
        if (!transfer->lost_socket)
            continue;
        transfer->lost_socket = false;
        if (transfer->done)
            continue;
        mw_libcurl.easy_pause(transfer->easy, CURLPAUSE_RECV);
        mw_libcurl.easy_pause(transfer->easy, CURLPAUSE_CONT);
    }
}

static void act(curl_socket_t fd, int what)
{
    int running;
    mw_libcurl.multi_socket_action(multi, fd, what, &running);
    take_messages();
    if (socket_lost)
        urge_on();
}

static struct watch *find_watch(curl_socket_t fd)
{
    return fd >= 0 && (size_t)fd < watches_room ? watches[fd] : NULL;
}

static void on_event(uv_poll_t *handle, int status, int events);

static void arm(struct watch *watch, int events)
{
    int rc = events == 0 ? uv_poll_stop(&watch->handle)
                         : uv_poll_start(&watch->handle, events, on_event);
    watch->armed = rc == 0 ? events : 0;
}

/* What is left over is reported again in the next turn, for as long as it is so. */
static bool turn_is_full(void)
{
    static uint64_t turn, begun;
    uint64_t now = uv_hrtime();
    if (turn != mw_loop.turns || begun == 0) {
        turn = mw_loop.turns;
        begun = now;
    }
    return now - begun > TURN_NS;
}

static void on_event(uv_poll_t *handle, int status, int events)
{
    struct watch *watch = handle->data;
    curl_socket_t fd = watch->fd;
    if (status == 0 && turn_is_full())
        return;
    if (status < 0)
        watch->armed = 0; /* libuv has stopped it: the descriptor has an error to report */
    if (watch->wanted == 0) {
        arm(watch, 0);
        return;
    }
    act(fd, (status < 0 ? CURL_CSELECT_ERR : 0) |
                ((events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0) |
                ((events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0));
    watch = find_watch(fd);
    if (watch != NULL && watch->wanted != 0 && watch->armed == 0)
        arm(watch, watch->wanted);
}

/* libuv runs timers before it polls, too; then it must not start to wait. */
static void on_timer(uv_timer_t *handle)
{
    act(CURL_SOCKET_TIMEOUT, 0);
    uv_stop(handle->loop);
}

static int on_timeout_set(CURLM *unused, long ms, void *argument)
{
    if (ms < 0) {
        uv_timer_stop(&timer);
        return 0;
    }
    uv_update_time(&mw_loop.uv);
    uv_timer_start(&timer, on_timer, (uint64_t)ms, 0);
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void drop_watch(curl_socket_t fd)
{
    struct watch *watch = find_watch(fd);
    if (watch == NULL)
        return;
    watches[fd] = NULL;
    uv_close((uv_handle_t *)&watch->handle, on_closed);
}

static struct watch *add_watch(curl_socket_t fd)
{
    if ((size_t)fd >= watches_room) {
        size_t room = ((size_t)fd + 64) * 2;
        struct watch **grown = realloc(watches, room * sizeof *grown);
        mw_require(grown != NULL, "no memory for a socket");
        memset(grown + watches_room, 0, (room - watches_room) * sizeof *grown);
        watches = grown;
        watches_room = room;
    }
    struct watch *watch = calloc(1, sizeof *watch);
    mw_require(watch != NULL, "no memory for a socket");
    if (uv_poll_init(&mw_loop.uv, &watch->handle, fd) != 0) {
        free(watch);
        return NULL;
    }
    watch->handle.data = watch;
    watch->fd = fd;
    watches[fd] = watch;
    return watch;
}

/* Without a watch, the exchange runs into its deadline. */
static int on_interest(CURL *easy, curl_socket_t fd, int what, void *argument, void *unused)
{
    struct watch *watch = find_watch(fd);
    if (watch == NULL && what != CURL_POLL_REMOVE)
        watch = add_watch(fd);
    if (watch == NULL)
        return 0;
    watch->wanted = what == CURL_POLL_REMOVE ? 0
                                             : ((what & CURL_POLL_IN) != 0 ? UV_READABLE : 0) |
                                                   ((what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0);
    if (watch->wanted != 0 && watch->wanted != watch->armed)
        arm(watch, watch->wanted);
    return 0;
}

static curl_socket_t open_socket(void *argument, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct mw_transfer *transfer = argument;
    int fd = socket(to->family, to->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, to->protocol);
    if (fd < 0) {
        transfer->socket_error = errno;
        return CURL_SOCKET_BAD;
    }
    return fd;
}

/* The number may be another's at once, so its watch goes before. Who opened it may be gone. */
static int close_socket(void *argument, curl_socket_t fd)
{
    for (struct mw_transfer *transfer = under_way; transfer != NULL; transfer = transfer->next)
        if (transfer == argument)
            socket_lost = transfer->lost_socket = true;
    drop_watch(fd);
    return close(fd);
}

static bool open_multi(struct mw_error *error)
{
    if (multi != NULL)
        return true;
    multi = mw_libcurl.multi_init();
    if (multi == NULL)
        return mw_error_set(error, MW_ERROR_PERMANENT, "libcurl does not start");
    uv_timer_init(&mw_loop.uv, &timer);
    mw_libcurl.multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_interest);
    mw_libcurl.multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timeout_set);
    mw_libcurl.multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    mw_libcurl.multi_setopt(multi, CURLMOPT_MAXCONNECTS, KEPT_MAX);
    return true;
}

/* First come, first served; who is cancelled or late goes on at once, to its end. */
static void await_turn(struct mw_deadline deadline)
{
    static uint64_t turn;
    static unsigned begun;
    for (;;) {
        if (turn != mw_loop.turns) {
            turn = mw_loop.turns;
            begun = 0;
        }
        if (begun < BEGIN_MAX || mw_fiber_cancelled() || mw_deadline_passed(deadline))
            break;
        mw_fiber_yield();
    }
    begun++;
}

static void begin(struct mw_transfer *transfer, CURL *easy)
{
    transfer->easy = easy;
    transfer->next = under_way;
    if (under_way != NULL)
        under_way->previous = transfer;
    under_way = transfer;
    mw_loop.helpers++;
}

static void end(struct mw_transfer *transfer)
{
    if (transfer->previous != NULL)
        transfer->previous->next = transfer->next;
    else
        under_way = transfer->next;
    if (transfer->next != NULL)
        transfer->next->previous = transfer->previous;
    mw_loop.helpers--;
    mw_libcurl.multi_remove_handle(multi, transfer->easy);
}

bool mw_transfer_run(struct mw_transfer *transfer, CURL *easy, struct mw_deadline deadline,
                     enum mw_wake *wake, struct mw_error *error)
{
    await_turn(deadline);
    if (!open_multi(error))
        return false;
    mw_libcurl.easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    mw_libcurl.easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    mw_libcurl.easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    mw_libcurl.easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    mw_libcurl.easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, transfer);
    if (mw_libcurl.multi_add_handle(multi, easy) != CURLM_OK)
        return mw_error_set(error, MW_ERROR_PERMANENT, "libcurl takes no further exchange");
    begin(transfer, easy);
    *wake = MW_WAKE_READY;
    while (!transfer->done && *wake == MW_WAKE_READY)
        *wake = mw_park(&transfer->waiter, deadline);
    if (transfer->done)
        *wake = MW_WAKE_READY;
    end(transfer);
    return true;
}

void mw_multi_finish(void)
{
    if (multi == NULL)
        return;
    mw_libcurl.multi_cleanup(multi);
    multi = NULL;
    socket_lost = false;
    for (size_t fd = 0; fd < watches_room; fd++)
        drop_watch((curl_socket_t)fd);
    free(watches);
    watches = NULL;
    watches_room = 0;
}
