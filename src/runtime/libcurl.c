/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/libcurl.h"

#include <pthread.h>
#include <string.h>
#include <talloc.h>

#include "runtime/internal.h"
#include "runtime/library.h"
#include "runtime/work.h"

#define LIBRARY "libcurl.so.4"
/* 7.85.0: the first with CURLOPT_PROTOCOLS_STR. */
#define VERSION_MIN 0x075500

struct mw_libcurl mw_libcurl;

#define SYMBOL(field)                                      \
    {                                                      \
        "curl_" #field, offsetof(struct mw_libcurl, field) \
    }

static const struct mw_symbol symbols[] = {
    SYMBOL(global_init),
    SYMBOL(global_cleanup),
    SYMBOL(version_info),
    SYMBOL(getdate),
    SYMBOL(free),
    SYMBOL(slist_append),
    SYMBOL(slist_free_all),
    SYMBOL(url),
    SYMBOL(url_set),
    SYMBOL(url_get),
    SYMBOL(url_cleanup),
    SYMBOL(easy_init),
    SYMBOL(easy_setopt),
    SYMBOL(easy_getinfo),
    SYMBOL(easy_header),
    SYMBOL(easy_pause),
    SYMBOL(easy_strerror),
    SYMBOL(easy_cleanup),
    SYMBOL(share_init),
    SYMBOL(share_setopt),
    SYMBOL(share_cleanup),
    SYMBOL(multi_init),
    SYMBOL(multi_setopt),
    SYMBOL(multi_add_handle),
    SYMBOL(multi_remove_handle),
    SYMBOL(multi_socket_action),
    SYMBOL(multi_info_read),
    SYMBOL(multi_cleanup),
    {"SSL_CTX_set1_cert_store", offsetof(struct mw_libcurl, ssl_ctx_set1_cert_store)},
};

/* Two jobs may load at once: the one that nobody waits for any more, and its successor. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static bool initialised; /* under the mutex */
static bool ready;       /* the loop's own */

struct job {
    bool good;
    struct mw_error error;
};

static bool load_symbols(struct mw_error *error)
{
    return mw_library_load(LIBRARY, symbols, sizeof symbols / sizeof *symbols, &mw_libcurl,
                           error) ||
           mw_error_wrap(error, "HTTP needs libcurl (package libcurl4), 7.85 or later and built "
                                "with OpenSSL");
}

static bool check_version(struct mw_error *error)
{
    const curl_version_info_data *version = mw_libcurl.version_info(CURLVERSION_NOW);
    const char *tls = version->ssl_version == NULL ? "no TLS" : version->ssl_version;
    if (version->version_num >= VERSION_MIN && strncmp(tls, "OpenSSL/", 8) == 0)
        return true;
    return mw_error_set(error, MW_ERROR_PERMANENT,
                        "the libcurl of this machine is %s with %s: midwatch needs 7.85 or later, "
                        "built with OpenSSL",
                        version->version, tls);
}

static bool initialise(struct mw_error *error)
{
    if (!load_symbols(error) || !check_version(error))
        return false;
    return mw_libcurl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ||
           mw_error_set(error, MW_ERROR_PERMANENT, "libcurl does not start");
}

static void load(void *argument)
{
    struct job *job = argument;
    pthread_mutex_lock(&mutex);
    job->good = initialised || initialise(&job->error);
    initialised = job->good;
    pthread_mutex_unlock(&mutex);
    /* What OpenSSL keeps for this thread, which will hardly ever need it again. */
    OPENSSL_thread_stop();
}

bool mw_libcurl_load(struct mw_deadline deadline, struct mw_error *error)
{
    if (ready)
        return true;
    struct job *job = talloc_zero(NULL, struct job);
    mw_require(job != NULL, "no memory to load libcurl");
    if (!mw_work(load, (void **)&job, deadline, error))
        return mw_error_wrap(error, "loading libcurl");
    ready = job->good;
    if (!job->good)
        *error = job->error;
    talloc_free(job);
    return ready;
}

void mw_libcurl_finish(void)
{
    ready = false;
    if (initialised)
        mw_libcurl.global_cleanup();
    initialised = false;
}
