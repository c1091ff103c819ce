/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/liblws.h"

#include <pthread.h>
#include <talloc.h>

#include "runtime/internal.h"
#include "runtime/library.h"
#include "runtime/work.h"

/* The number is that of its binary interface, which is that of the headers we were built with. */
#define STRING_OF(number)  #number
#define LIBRARY_OF(number) "libwebsockets.so." STRING_OF(number)
#define LIBRARY            LIBRARY_OF(MW_LIBLWS_ABI)

struct mw_liblws mw_liblws;

#define SYMBOL(field)                                    \
    {                                                    \
        "lws_" #field, offsetof(struct mw_liblws, field) \
    }

static const struct mw_symbol symbols[] = {
    SYMBOL(set_log_level),
    SYMBOL(create_context),
    SYMBOL(context_destroy),
    SYMBOL(create_vhost),
    SYMBOL(client_connect_via_info),
    SYMBOL(http_client_http_response),
    SYMBOL(get_opaque_user_data),
    SYMBOL(get_socket_fd),
    SYMBOL(is_first_fragment),
    SYMBOL(is_final_fragment),
    SYMBOL(remaining_packet_payload),
    SYMBOL(rx_flow_control),
    SYMBOL(callback_on_writable),
    SYMBOL(send_pipe_choked),
    SYMBOL(write),
    SYMBOL(set_timeout),
    {"SSL_CTX_set1_cert_store", offsetof(struct mw_liblws, ssl_ctx_set1_cert_store)},
};

/* Two jobs may load at once: the one that nobody waits for any more, and its successor. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static bool loaded; /* under the mutex */
static bool ready;  /* the loop's own */

struct job {
    bool good;
    struct mw_error error;
};

static bool load_symbols(struct mw_error *error)
{
    return mw_library_load(LIBRARY, symbols, sizeof symbols / sizeof *symbols, &mw_liblws, error) ||
           mw_error_wrap(error,
                         "a websocket needs libwebsockets (packages libwebsockets%d and "
                         "libwebsockets-evlib-uv)",
                         MW_LIBLWS_ABI);
}

static void load(void *argument)
{
    struct job *job = argument;
    pthread_mutex_lock(&mutex);
    job->good = loaded || load_symbols(&job->error);
    loaded = job->good;
    pthread_mutex_unlock(&mutex);
}

bool mw_liblws_load(struct mw_deadline deadline, struct mw_error *error)
{
    if (ready)
        return true;
    struct job *job = talloc_zero(NULL, struct job);
    mw_require(job != NULL, "no memory to load libwebsockets");
    if (!mw_work(load, (void **)&job, deadline, error))
        return mw_error_wrap(error, "loading libwebsockets");
    ready = job->good;
    if (!job->good)
        *error = job->error;
    talloc_free(job);
    return ready;
}
