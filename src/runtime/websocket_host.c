/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime/internal.h"
#include "runtime/websocket_link.h"

/* There are few websockets; for many, libwebsockets would have a table of all descriptors. */
#define FILES_MAX 64
#define WAIT_S    15

/* Proxy and TLS are settings of what libwebsockets calls a host. */
struct host {
    struct host *next;
    char *name;
    struct lws_vhost *vhost;
};

static struct lws_context *context;
static struct host *hosts;
static X509_STORE *authorities_wanted; /* while a host is created */

static bool open_context(struct mw_error *error)
{
    if (context != NULL)
        return true;
    void *loops[1] = {&mw_loop.uv};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
        .foreign_loops = loops,
        .pcontext = &context,
        .gid = (gid_t)-1,
        .uid = (uid_t)-1,
        .fd_limit_per_thread = FILES_MAX,
        .pt_serv_buf_size = MW_WEBSOCKET_PIECE,
    };
    mw_liblws.set_log_level(getenv("LWSD") ? 1023 : 0, NULL);
    context = mw_liblws.create_context(&info);
    return context != NULL ||
           mw_error_set(error, MW_ERROR_PERMANENT,
                        "libwebsockets does not start: is the package libwebsockets-evlib-uv "
                        "installed?");
}

static struct host *find_host(const char *name)
{
    struct host *host = hosts;
    while (host != NULL && strcmp(host->name, name) != 0)
        host = host->next;
    return host;
}

static struct host *add_host(const struct mw_link_target *target,
                             const struct lws_protocols *protocols, char *name,
                             struct mw_error *error)
{
    /* An address without a port means none, and keeps libwebsockets from looking into the environment
     * itself. */
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .options = LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS |
                   (target->secure ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0),
        .protocols = protocols,
        .vhost_name = name,
        .http_proxy_address = target->proxy != NULL ? target->proxy : "",
        .http_proxy_port = (unsigned)target->proxy_port,
        .timeout_secs = WAIT_S,
        .connect_timeout_secs = WAIT_S,
        .ssl_client_options_set = SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1,
    };
    authorities_wanted = target->authorities;
    struct lws_vhost *vhost = mw_liblws.create_vhost(context, &info);
    authorities_wanted = NULL;
    if (vhost == NULL) {
        mw_error_set(error, MW_ERROR_PERMANENT, "libwebsockets cannot prepare a connection");
        return NULL;
    }
    struct host *host = talloc_zero(NULL, struct host);
    mw_require(host != NULL, "no memory for a websocket");
    *host = (struct host){.next = hosts, .name = talloc_steal(host, name), .vhost = vhost};
    hosts = host;
    return host;
}

static struct host *choose_host(const struct mw_link_target *target,
                                const struct lws_protocols *protocols, struct mw_error *error)
{
    char *name = talloc_asprintf(NULL, "%s %s %d", target->secure ? "secure" : "plain",
                                 target->proxy != NULL ? target->proxy : "", target->proxy_port);
    mw_require(name != NULL, "no memory for a websocket");
    struct host *host = find_host(name);
    if (host == NULL)
        host = add_host(target, protocols, name, error);
    if (host == NULL || host->name != name)
        talloc_free(name);
    return host;
}

void mw_websocket_host_trust(SSL_CTX *tls)
{
    mw_liblws.ssl_ctx_set1_cert_store(tls, authorities_wanted);
}

bool mw_websocket_host_find(const struct mw_link_target *target,
                            const struct lws_protocols *protocols, struct mw_websocket_host *found,
                            struct mw_error *error)
{
    const struct host *host = open_context(error) ? choose_host(target, protocols, error) : NULL;
    if (host == NULL)
        return false;
    *found = (struct mw_websocket_host){context, host->vhost};
    return true;
}

static void note_closing(uv_handle_t *handle, void *argument)
{
    *(bool *)argument = *(bool *)argument || uv_is_closing(handle);
}

/* libwebsockets closes one handle after the other, each when the loop has let go of the one before, and
 * wants to be called once more then. It empties `context` when it is done. */
void mw_websocket_finish(void)
{
    for (int calls = 0; context != NULL && calls < 3; calls++) {
        mw_liblws.context_destroy(context);
        for (bool closing = true; closing;) {
            uv_run(&mw_loop.uv, UV_RUN_NOWAIT);
            closing = false;
            uv_walk(&mw_loop.uv, note_closing, &closing);
        }
    }
    context = NULL;
    while (hosts != NULL) {
        struct host *host = hosts;
        hosts = host->next;
        talloc_free(host);
    }
}
