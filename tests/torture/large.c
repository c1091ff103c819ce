/* SPDX-License-Identifier: Apache-2.0 */
/* What strangers make large is refused when there is no memory for it: files, programs, bodies, text. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/redact.h"
#include "base/text.h"
#include "harness.h"
#include "runtime/http.h"
#include "runtime/process.h"
#include "runtime/runtime.h"
#include "runtime/work.h"

#define SIZE (5u << 19)

static char *text;

static void prepare_text(void)
{
    text = calloc(1, SIZE + 3);
    memset(text, 'x', SIZE + 2);
    text[0] = text[SIZE + 1] = '"';
}

static void write_buffer(void)
{
    struct mw_buffer buffer;
    mw_buffer_init(&buffer, NULL, 2 * SIZE);
    for (int i = 0; i < 10; i++)
        mw_buffer_append(&buffer, text, SIZE / 10);
    mw_buffer_append_format(&buffer, "%s", text);
    talloc_free(mw_buffer_take(&buffer));
}

static void read_json(void)
{
    struct mw_error error = {0};
    json_t *value = mw_json_parse(text, strlen(text), SIZE + 3, &error);
    TORTURE_HOLDS(value != NULL || error.text[0] != '\0');
    talloc_free(value != NULL ? mw_json_canonical(NULL, value) : NULL);
    json_decref(value);
}

static void mask_text(void)
{
    talloc_free(mw_redact(NULL, text));
    talloc_free(mw_text_clean(NULL, text, SIZE, SIZE));
}

static int (*body)(void *argument);

static void in_fiber(void)
{
    struct mw_error error = {0};
    TORTURE_HOLDS(mw_runtime_init(&error));
    mw_runtime_run(body, NULL);
    mw_runtime_finish();
}

static int tail_file(void *argument)
{
    struct mw_error error = {0};
    size_t length;
    bool cut;
    char *bytes =
        mw_file_tail(NULL, world->store, SIZE, &length, &cut, mw_deadline_in(20000), &error);
    TORTURE_HOLDS(bytes != NULL ? length == SIZE && cut : strstr(error.text, "memory") != NULL);
    talloc_free(bytes);
    return 0;
}

static void prepare_file(void)
{
    body = tail_file;
    snprintf(world->store, sizeof world->store, "/tmp/midwatch-torture-XXXXXX");
    TORTURE_HOLDS(mkdtemp(world->store) != NULL);
    strcat(world->store, "/log");
    FILE *file = fopen(world->store, "w");
    TORTURE_HOLDS(file != NULL && ftruncate(fileno(file), SIZE + 1) == 0 && fclose(file) == 0);
}

/* With too little memory for all that it says, its last words are kept. */
static int run_program(void *argument)
{
    static const char *const words[] = {"/usr/bin/head", "-c", "6000000", "/dev/zero", NULL};
    struct mw_error error = {0};
    struct mw_process_result result = {0};
    TORTURE_HOLDS(mw_process_run(NULL, words, NULL, SIZE, mw_deadline_in(20000), &result, &error));
    TORTURE_HOLDS(result.exit_code == 0 && result.cut && result.out_length > 100000 &&
                  result.out_length <= SIZE);
    talloc_free(result.out);
    talloc_free(result.err);
    return 0;
}

static void prepare_program(void)
{
    body = run_program;
}

/* ---- an answer over HTTP ---- */

#define ANSWER (3u << 20)

static int listener, port;

/* Takes one connection and gives one answer. It allocates nothing. */
static void *serve(void *argument)
{
    char bytes[4096];
    int link = accept(listener, NULL, NULL);
    int length =
        snprintf(bytes, sizeof bytes, "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", ANSWER);
    bool taken = read(link, bytes + length, sizeof bytes - (size_t)length) > 0 &&
                 send(link, bytes, (size_t)length, MSG_NOSIGNAL) == length;
    memset(bytes, 'x', sizeof bytes);
    for (size_t sent = 0; taken && sent < ANSWER; sent += sizeof bytes)
        taken = send(link, bytes, sizeof bytes, MSG_NOSIGNAL) == (ssize_t)sizeof bytes;
    close(link);
    return NULL;
}

static int fetch(void *argument)
{
    char url[60];
    struct mw_error error = {0};
    struct mw_http_response response = {0};
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    const struct mw_http_request request = {.url = url};
    if (mw_http(NULL, &request, mw_deadline_in(20000), &response, &error))
        TORTURE_HOLDS(response.length == ANSWER);
    else if (error.class != MW_ERROR_RETRY || strstr(error.text, "memory") == NULL)
        torture_fail("%s: %s", mw_error_class_name(error.class), error.text);
    talloc_free(response.body);
    talloc_free(response.content_type);
    return 0;
}

static void prepare_answer(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    pthread_t thread;
    body = fetch;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    TORTURE_HOLDS(bind(listener, (struct sockaddr *)&address, size) == 0);
    TORTURE_HOLDS(listen(listener, 4) == 0);
    TORTURE_HOLDS(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    port = ntohs(address.sin_port);
    TORTURE_HOLDS(pthread_create(&thread, NULL, serve, NULL) == 0);
}

int main(int count, char **words)
{
    static const struct torture scenarios[] = {
        {.name = "buffer",
         .prepare = prepare_text,
         .scenario = write_buffer,
         .large = true,
         .least = 4},
        {.name = "json", .prepare = prepare_text, .scenario = read_json, .large = true, .least = 4},
        {.name = "text", .prepare = prepare_text, .scenario = mask_text, .large = true, .least = 2},
        {.name = "file", .prepare = prepare_file, .scenario = in_fiber, .large = true, .least = 1},
        {.name = "answer",
         .prepare = prepare_answer,
         .scenario = in_fiber,
         .large = true,
         .least = 2},
        {.name = "program",
         .prepare = prepare_program,
         .scenario = in_fiber,
         .large = true,
         .least = 2},
        {NULL}};
    return torture_main(count, words, scenarios);
}
