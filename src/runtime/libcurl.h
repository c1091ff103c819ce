/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl, loaded when the first exchange wants it: it brings thirty libraries, 6 MB resident and 7 ms,
 * which nobody is to pay who watches a Redis from a terminal. Its functions stand here under their own
 * names, without "curl_".
 */
#ifndef MIDWATCH_RUNTIME_LIBCURL_H
#define MIDWATCH_RUNTIME_LIBCURL_H

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <stdbool.h>

#include "midwatch/deadline.h"
#include "midwatch/error.h"

struct mw_libcurl {
    __typeof__(curl_global_init) *global_init;
    __typeof__(curl_global_cleanup) *global_cleanup;
    __typeof__(curl_version_info) *version_info;
    __typeof__(curl_getdate) *getdate;
    __typeof__(curl_free) *free;
    __typeof__(curl_slist_append) *slist_append;
    __typeof__(curl_slist_free_all) *slist_free_all;
    __typeof__(curl_url) *url;
    __typeof__(curl_url_set) *url_set;
    __typeof__(curl_url_get) *url_get;
    __typeof__(curl_url_cleanup) *url_cleanup;
    __typeof__(curl_easy_init) *easy_init;
    __typeof__(curl_easy_setopt) *easy_setopt;
    __typeof__(curl_easy_getinfo) *easy_getinfo;
    __typeof__(curl_easy_header) *easy_header;
    __typeof__(curl_easy_pause) *easy_pause;
    __typeof__(curl_easy_strerror) *easy_strerror;
    __typeof__(curl_easy_cleanup) *easy_cleanup;
    __typeof__(curl_share_init) *share_init;
    __typeof__(curl_share_setopt) *share_setopt;
    __typeof__(curl_share_cleanup) *share_cleanup;
    __typeof__(curl_multi_init) *multi_init;
    __typeof__(curl_multi_setopt) *multi_setopt;
    __typeof__(curl_multi_add_handle) *multi_add_handle;
    __typeof__(curl_multi_remove_handle) *multi_remove_handle;
    __typeof__(curl_multi_socket_action) *multi_socket_action;
    __typeof__(curl_multi_info_read) *multi_info_read;
    __typeof__(curl_multi_cleanup) *multi_cleanup;
    /* From the libssl that this libcurl uses. */
    __typeof__(SSL_CTX_set1_cert_store) *ssl_ctx_set1_cert_store;
};

/* Filled once mw_libcurl_load() has been true. */
extern struct mw_libcurl mw_libcurl;

MW_SUSPENDS bool mw_libcurl_load(struct mw_deadline deadline, struct mw_error *error);
/* Nothing of it is in use any more and no helper thread works. It can be loaded again. */
void mw_libcurl_finish(void);

#endif
