/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/resolver.h"

#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "runtime/internal.h"

#define SETTINGS   "/etc/resolv.conf"
#define TIMEOUT_MS 2000
#define TRIES      3
#define TICK_MS    100

/* One socket of c-ares. On the heap by itself: libuv needs it until the loop has come round. */
struct watch {
    uv_poll_t handle;
    ares_socket_t fd;
    struct watch *next;
};

static ares_channel channel;
static bool channel_open, library_open, ticker_open;
static struct watch *watches;
static uv_timer_t ticker;
static struct timespec settings_time;
static const char *servers;

static void on_socket(uv_poll_t *handle, int status, int events)
{
    const struct watch *watch = handle->data;
    bool failed = status < 0;
    ares_process_fd(channel, failed || (events & UV_READABLE) ? watch->fd : ARES_SOCKET_BAD,
                    failed || (events & UV_WRITABLE) ? watch->fd : ARES_SOCKET_BAD);
}

static void on_tick(uv_timer_t *timer)
{
    ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static struct watch *add_watch(ares_socket_t fd)
{
    struct watch *watch = calloc(1, sizeof *watch);
    mw_require(watch != NULL, "no memory for a look-up");
    if (uv_poll_init(&mw_loop.uv, &watch->handle, fd) != 0) {
        free(watch);
        return NULL;
    }
    watch->handle.data = watch;
    watch->fd = fd;
    watch->next = watches;
    watches = watch;
    return watch;
}

/* c-ares calls this before it closes a socket, too. */
static void on_interest(void *unused, ares_socket_t fd, int readable, int writable)
{
    struct watch **link = &watches;
    while (*link != NULL && (*link)->fd != fd)
        link = &(*link)->next;
    struct watch *watch = *link;
    if (!readable && !writable) {
        if (watch != NULL) {
            *link = watch->next;
            uv_close((uv_handle_t *)&watch->handle, on_closed);
        }
        return;
    }
    if (watch == NULL)
        watch = add_watch(fd);
    /* Without it, the look-up runs into its timeout. */
    if (watch != NULL)
        uv_poll_start(&watch->handle, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0),
                      on_socket);
}

static bool settings_changed(void)
{
    struct stat stat_now;
    struct timespec now = {0};
    if (stat(SETTINGS, &stat_now) == 0)
        now = stat_now.st_mtim;
    bool changed = now.tv_sec != settings_time.tv_sec || now.tv_nsec != settings_time.tv_nsec;
    settings_time = now;
    return changed;
}

static bool open_channel(struct mw_error *error)
{
    static char files_then_servers[] = "fb";
    struct ares_options options = {
        .timeout = TIMEOUT_MS,
        .tries = TRIES,
        .lookups = files_then_servers,
        .sock_state_cb = on_interest,
    };
    int status = library_open ? ARES_SUCCESS : ares_library_init(ARES_LIB_INIT_ALL);
    library_open = status == ARES_SUCCESS;
    if (library_open)
        status = ares_init_options(&channel, &options,
                                   ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
                                       ARES_OPT_SOCK_STATE_CB);
    channel_open = library_open && status == ARES_SUCCESS;
    if (channel_open && servers != NULL)
        status = ares_set_servers_ports_csv(channel, servers);
    return status == ARES_SUCCESS ||
           mw_error_set(error, MW_ERROR_PERMANENT, "names cannot be looked up: %s",
                        ares_strerror(status));
}

bool mw_resolver_ask(const char *host, bool idle, ares_addrinfo_callback answer, void *argument,
                     struct mw_error *error)
{
    if (!ticker_open) {
        uv_timer_init(&mw_loop.uv, &ticker);
        ticker_open = true;
    }
    if (idle && settings_changed() && channel_open) {
        ares_destroy(channel);
        channel_open = false;
    }
    if (!channel_open && !open_channel(error))
        return false;
    if (!uv_is_active((uv_handle_t *)&ticker))
        uv_timer_start(&ticker, on_tick, TICK_MS, TICK_MS);
    struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    ares_getaddrinfo(channel, host, NULL, &hints, answer, argument);
    return true;
}

void mw_resolver_servers(const char *list)
{
    servers = list;
}

void mw_resolver_rest(void)
{
    uv_timer_stop(&ticker);
}

void mw_resolver_finish(void)
{
    if (channel_open)
        ares_destroy(channel);
    if (library_open)
        ares_library_cleanup();
    channel_open = library_open = ticker_open = false;
}
