/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libwebsockets, loaded when the first websocket wants it, as libcurl is. Its functions stand here under
 * their own names, without "lws_".
 */
#ifndef MIDWATCH_RUNTIME_LIBLWS_H
#define MIDWATCH_RUNTIME_LIBLWS_H

#include <libwebsockets.h>
#include <openssl/ssl.h>
#include <stdbool.h>

#include "midwatch/deadline.h"
#include "midwatch/error.h"

struct mw_liblws {
    __typeof__(lws_set_log_level) *set_log_level;
    __typeof__(lws_create_context) *create_context;
    __typeof__(lws_context_destroy) *context_destroy;
    __typeof__(lws_create_vhost) *create_vhost;
    __typeof__(lws_client_connect_via_info) *client_connect_via_info;
    __typeof__(lws_http_client_http_response) *http_client_http_response;
    __typeof__(lws_get_opaque_user_data) *get_opaque_user_data;
    __typeof__(lws_get_socket_fd) *get_socket_fd;
    __typeof__(lws_is_first_fragment) *is_first_fragment;
    __typeof__(lws_is_final_fragment) *is_final_fragment;
    __typeof__(lws_remaining_packet_payload) *remaining_packet_payload;
    __typeof__(lws_rx_flow_control) *rx_flow_control;
    __typeof__(lws_callback_on_writable) *callback_on_writable;
    __typeof__(lws_send_pipe_choked) *send_pipe_choked;
    __typeof__(lws_write) *write;
    __typeof__(lws_set_timeout) *set_timeout;
    /* From the libssl that this libwebsockets uses. */
    __typeof__(SSL_CTX_set1_cert_store) *ssl_ctx_set1_cert_store;
};

/* Filled once mw_liblws_load() has been true. */
extern struct mw_liblws mw_liblws;

MW_SUSPENDS bool mw_liblws_load(struct mw_deadline deadline, struct mw_error *error);

#endif
