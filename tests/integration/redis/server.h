/* SPDX-License-Identifier: Apache-2.0 */
/* A private redis-server for one test, what is said to it behind midwatch's back, and a target on it. */
#ifndef MIDWATCH_TEST_REDIS_SERVER_H
#define MIDWATCH_TEST_REDIS_SERVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <hiredis/hiredis.h>
#include <jansson.h>
#include <string.h>

#include "../../../adapters/target/redis/redis.h"
#include "base/clock.h"
#include "runtime/fiber.h"
#include "runtime/runtime.h"

struct server {
    char folder[64], socket[96];
    int port;
    char arguments[512];
};

/* The server of the running test; its folder and process end with the test. */
extern struct server server;

/* Starts it with more arguments ("--maxmemory 32mb"), and waits until it answers. */
void server_start(const char *arguments);
void server_start_again(void);
/* By its pid file; waits until nothing answers. */
void server_kill(void);
void server_signal(int number);
/* A shell command that restarts it. */
const char *server_restart_command(void);

/* One command over a connection of its own. */
redisReply *server_command(const char *format, ...) __attribute__((format(printf, 1, 2)));
void server_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
long long server_number(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Fills memory with keys NAME:0, NAME:1, … until used_memory is past the share of maxmemory. */
void server_fill(const char *name, double share);

/* A target on the server; it ends with the test. `url` NULL: over TCP without a login. */
struct mw_target *target_on(const char *url);
const char *url_of(const char *login, const char *rest);

/* ---- calls, which fail the test when they fail ---- */

struct mw_sample probe_well(struct mw_target *target);
/* The class of the failure; `text` is its sentence. */
enum mw_error_class probe_badly(struct mw_target *target, int64_t ms, char text[400]);
double metric_of(const struct mw_sample *sample, const char *name);

/* `arguments` is JSON without the resource. */
struct mw_assessment assess_well(struct mw_target *target, const char *tool, const char *arguments);
enum mw_error_class assess_badly(struct mw_target *target, const char *tool, const char *arguments,
                                 char text[400]);
void assessment_release(struct mw_assessment *assessment);
/* Runs with exactly these arguments; gives the result, whose "ok" is as expected. */
json_t *run_tool(struct mw_target *target, const char *tool, const json_t *arguments, bool ok);
json_t *run_text(struct mw_target *target, const char *tool, const char *arguments, bool ok);
json_int_t data_number(const json_t *result, const char *name);

/* ---- the loop ---- */

extern TALLOC_CTX *test_memory;

int open_test(void **state);
int close_test(void **state);
void in_fiber(void (*body)(void));

#define BODY_TEST(name)            \
    static void name(void **state) \
    {                              \
        in_fiber(name##_body);     \
    }
#define test_on_server(test) cmocka_unit_test_setup_teardown(test, open_test, close_test)

#endif
