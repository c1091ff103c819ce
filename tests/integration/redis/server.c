/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"

struct server server;
TALLOC_CTX *test_memory;

#define WAIT_MS 10000

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

/* ---- the server ---- */

static bool answers_on(redisContext *context)
{
    bool answered = false;
    if (context != NULL && context->err == 0) {
        redisReply *reply = redisCommand(context, "PING");
        /* An error reply is an answer: it may ask for a password. */
        answered = reply != NULL;
        freeReplyObject(reply);
    }
    redisFree(context);
    return answered;
}

/* The kernel closes a dead server's sockets one after the other. */
static bool is(bool up)
{
    bool local = answers_on(redisConnectUnix(server.socket));
    bool tcp = answers_on(redisConnect("127.0.0.1", server.port));
    return local == up && tcp == up;
}

static void wait_until(bool up)
{
    for (int waited = 0; !is(up); waited += 5) {
        if (waited > WAIT_MS) {
            fail_msg("redis-server does not %s", up ? "start" : "stop");
        }
        nap();
    }
}

static const char *start_command(void)
{
    return talloc_asprintf(
        test_memory,
        "redis-server --bind 127.0.0.1 --port %d --unixsocket %s --dir %s --daemonize yes "
        "--pidfile %s/pid --logfile %s/log --save '' %s",
        server.port, server.socket, server.folder, server.folder, server.folder, server.arguments);
}

void server_start_again(void)
{
    assert_int_equal(system(start_command()), 0);
    wait_until(true);
}

void server_start(const char *arguments)
{
    strcpy(server.folder, "/tmp/midwatch-redis-XXXXXX");
    assert_non_null(mkdtemp(server.folder));
    snprintf(server.socket, sizeof server.socket, "%s/socket", server.folder);
    snprintf(server.arguments, sizeof server.arguments, "%s", arguments);
    server.port = free_port();
    server_start_again();
}

static pid_t server_pid(void)
{
    char path[96];
    int pid = 0;
    snprintf(path, sizeof path, "%s/pid", server.folder);
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        if (fscanf(file, "%d", &pid) != 1) {
            pid = 0;
        }
        fclose(file);
    }
    return pid;
}

void server_signal(int number)
{
    pid_t pid = server_pid();
    assert_true(pid > 1);
    kill(pid, number);
}

void server_kill(void)
{
    pid_t pid = server_pid();
    if (pid > 1) {
        kill(pid, SIGKILL);
        kill(pid, SIGCONT);
        wait_until(false);
    }
}

const char *server_restart_command(void)
{
    return talloc_asprintf(test_memory,
                           "kill $(cat %s/pid); "
                           "while redis-cli -s %s ping >/dev/null 2>&1; do sleep 0.02; done; "
                           "rm -f %s/pid; %s",
                           server.folder, server.socket, server.folder, start_command());
}

/* ---- behind midwatch's back ---- */

static redisReply *command(const char *text)
{
    redisContext *context = redisConnectUnix(server.socket);
    assert_non_null(context);
    if (context->err != 0) {
        fail_msg("%s", context->errstr);
    }
    redisReply *reply = redisCommand(context, text);
    redisFree(context);
    assert_non_null(reply);
    return reply;
}

static redisReply *vcommand(const char *format, va_list list)
{
    char *text = talloc_vasprintf(test_memory, format, list);
    redisReply *reply = command(text);
    if (reply->type == REDIS_REPLY_ERROR) {
        fail_msg("%s: %s", text, reply->str);
    }
    return reply;
}

redisReply *server_command(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    redisReply *reply = vcommand(format, list);
    va_end(list);
    return reply;
}

void server_say(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    freeReplyObject(vcommand(format, list));
    va_end(list);
}

long long server_number(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    redisReply *reply = vcommand(format, list);
    va_end(list);
    /* CONFIG GET answers with name and value. */
    const redisReply *value = reply->type == REDIS_REPLY_ARRAY ? reply->element[1] : reply;
    long long number =
        value->type == REDIS_REPLY_INTEGER ? value->integer : strtoll(value->str, NULL, 10);
    freeReplyObject(reply);
    return number;
}

void server_fill(const char *name, double share)
{
    static const char script[] =
        "local max = tonumber(string.match(redis.call('info','memory'), '\\nmaxmemory:(%d+)')) "
        "local i = tonumber(redis.call('dbsize')) local v = string.rep('x', 2000) "
        "repeat for n = 1, 50 do redis.call('set', KEYS[1] .. ':' .. i, v) i = i + 1 end "
        "local used = tonumber(string.match(redis.call('info','memory'), 'used_memory:(%d+)')) "
        "until used >= max * tonumber(ARGV[1]) return i";
    redisContext *context = redisConnectUnix(server.socket);
    assert_non_null(context);
    char text[32];
    snprintf(text, sizeof text, "%.4f", share);
    redisReply *reply = redisCommand(context, "EVAL %s 1 %s %s", script, name, text);
    assert_non_null(reply);
    if (reply->type == REDIS_REPLY_ERROR) {
        fail_msg("%s", reply->str);
    }
    freeReplyObject(reply);
    redisFree(context);
}

/* ---- the target ---- */

const char *url_of(const char *login, const char *rest)
{
    return talloc_asprintf(test_memory, "redis://%s127.0.0.1:%d%s", login, server.port, rest);
}

struct mw_target *target_on(const char *url)
{
    struct mw_target *target = talloc_zero(test_memory, struct mw_target);
    struct mw_redis_config *config = talloc_zero(test_memory, struct mw_redis_config);
    struct mw_error error = {0};
    config->url = url != NULL ? url : url_of("", "");
    *target = (struct mw_target){.ops = &mw_target_redis, .memory = target, .name = "cache"};
    if (!mw_target_redis.create(target, config, &error)) {
        fail_msg("%s", error.text);
    }
    return target;
}

struct mw_sample probe_well(struct mw_target *target)
{
    struct mw_sample sample = {.count = 0};
    struct mw_error error = {0};
    if (!mw_target_redis.probe(target, mw_deadline_in(5000), &sample, &error)) {
        fail_msg("%s", error.text);
    }
    assert_true(sample.measured_at > 0);
    assert_non_null(sample.source);
    return sample;
}

enum mw_error_class probe_badly(struct mw_target *target, int64_t ms, char text[400])
{
    struct mw_sample sample = {.count = 0};
    struct mw_error error = {0};
    assert_false(mw_target_redis.probe(target, mw_deadline_in(ms), &sample, &error));
    memcpy(text, error.text, 400);
    return error.class;
}

double metric_of(const struct mw_sample *sample, const char *name)
{
    const struct mw_metric *metric = mw_sample_find(sample, name);
    if (metric == NULL) {
        fail_msg("there is no %s", name);
        return 0;
    }
    return metric->value;
}

/* ---- tools ---- */

static const struct mw_tool *find_tool(const char *name)
{
    for (const struct mw_tool *tool = mw_redis_tools; tool->name != NULL; tool++) {
        if (strcmp(tool->name, name) == 0) {
            return tool;
        }
    }
    fail_msg("no tool %s", name);
    return NULL;
}

static void check_schema(const struct mw_tool *tool, const json_t *arguments)
{
    struct mw_error error = {0};
    json_auto_t *schema = mw_json_parse(tool->schema, strlen(tool->schema), 65536, &error);
    if (schema == NULL || !mw_json_check(schema, arguments, "arguments", &error)) {
        fail_msg("%s: %s", tool->name, error.text);
    }
}

static json_t *arguments_of(const char *text)
{
    json_t *arguments = json_loads(text, 0, NULL);
    assert_non_null(arguments);
    json_object_set_new(arguments, "resource", json_string("cache"));
    return arguments;
}

struct mw_assessment assess_well(struct mw_target *target, const char *name, const char *arguments)
{
    const struct mw_tool *tool = find_tool(name);
    struct mw_assessment out = {0};
    struct mw_error error = {0};
    json_auto_t *given = arguments_of(arguments);
    check_schema(tool, given);
    if (!tool->assess(target, given, mw_deadline_in(5000), test_memory, &out, &error)) {
        fail_msg("%s: %s", name, error.text);
    }
    assert_true(out.risk >= tool->floor);
    check_schema(tool, out.arguments);
    if (out.undo != NULL) {
        check_schema(find_tool(json_string_value(json_object_get(out.undo, "tool"))),
                     json_object_get(out.undo, "arguments"));
    }
    return out;
}

enum mw_error_class assess_badly(struct mw_target *target, const char *name, const char *arguments,
                                 char text[400])
{
    struct mw_assessment out = {0};
    struct mw_error error = {0};
    json_auto_t *given = arguments_of(arguments);
    assert_false(
        find_tool(name)->assess(target, given, mw_deadline_in(5000), test_memory, &out, &error));
    memcpy(text, error.text, 400);
    return error.class;
}

void assessment_release(struct mw_assessment *assessment)
{
    json_decref(assessment->arguments);
    json_decref(assessment->undo);
}

json_t *run_tool(struct mw_target *target, const char *name, const json_t *arguments, bool ok)
{
    json_t *result = NULL;
    struct mw_error error = {0};
    if (!find_tool(name)->run(target, arguments, mw_deadline_in(8000), &result, &error)) {
        fail_msg("%s: %s", name, error.text);
    }
    const char *summary = json_string_value(json_object_get(result, "summary"));
    assert_non_null(summary);
    assert_true(json_is_object(json_object_get(result, "data")));
    if (json_is_true(json_object_get(result, "ok")) != ok) {
        fail_msg("%s: %s", name, summary);
    }
    return result;
}

json_t *run_text(struct mw_target *target, const char *name, const char *arguments, bool ok)
{
    json_auto_t *given = arguments_of(arguments);
    check_schema(find_tool(name), given);
    return run_tool(target, name, given, ok);
}

json_int_t data_number(const json_t *result, const char *name)
{
    const json_t *value = json_object_get(json_object_get(result, "data"), name);
    if (!json_is_number(value)) {
        fail_msg("there is no number %s", name);
    }
    return (json_int_t)json_number_value(value);
}

/* ---- the loop ---- */

int open_test(void **state)
{
    struct mw_error error = {0};
    memset(&server, 0, sizeof server);
    test_memory = talloc_new(NULL);
    if (!mw_runtime_init(&error)) {
        fail_msg("%s", error.text);
    }
    return 0;
}

int close_test(void **state)
{
    /* A failed assertion has jumped out of its fiber, and the loop cannot be ended any more. */
    bool whole = mw_loop_stats().fibers == 0;
    if (server.folder[0] != '\0') {
        server_kill();
        char *command_text = talloc_asprintf(test_memory, "rm -rf %s", server.folder);
        assert_int_equal(system(command_text), 0);
    }
    if (whole) {
        TALLOC_FREE(test_memory);
        mw_runtime_finish();
    }
    return 0;
}

static int call_body(void *argument)
{
    void (*body)(void) = *(void (**)(void))argument;
    body();
    return 0;
}

void in_fiber(void (*body)(void))
{
    mw_runtime_run(call_body, &body);
}
