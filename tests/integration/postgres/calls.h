/* SPDX-License-Identifier: Apache-2.0 */
/* A target on the tests' PostgreSQL, and calls that fail the test when they fail. */
#ifndef MIDWATCH_TEST_POSTGRES_CALLS_H
#define MIDWATCH_TEST_POSTGRES_CALLS_H

#include "server.h"

#include <jansson.h>

#include "../../../adapters/target/postgres/postgres.h"
#include "base/clock.h"
#include "runtime/fiber.h"
#include "runtime/runtime.h"

/* It ends with the test. `url` NULL: as midwatch over TCP. */
struct mw_target *target_on(const char *url);
/* "postgresql://LOGIN@127.0.0.1:PORT/shop". */
const char *url_of(const char *login);
/* The target may be restarted with this shell command. */
void control_with(struct mw_target *target, const char *command);
void hang_up(struct mw_target *target);
/* Ends it before the test does. */
void forget(struct mw_target *target);

struct mw_sample probe_well(struct mw_target *target);
/* The class of the failure; `text` is its sentence. */
enum mw_error_class probe_badly(struct mw_target *target, int64_t ms, char text[400]);
double metric_of(const struct mw_sample *sample, const char *name);
/* Until the metric is at least that much. */
struct mw_sample probe_until(struct mw_target *target, const char *name, double least);
json_t *facts_of(struct mw_target *target);

/* `arguments` is JSON without the resource. */
struct mw_assessment assess_well(struct mw_target *target, const char *tool, const char *arguments);
enum mw_error_class assess_badly(struct mw_target *target, const char *tool, const char *arguments,
                                 char text[400]);
void assessment_release(struct mw_assessment *assessment);
/* Runs with exactly these arguments; gives the result, whose "ok" is as expected. */
json_t *run_tool(struct mw_target *target, const char *tool, const json_t *arguments, bool ok);
json_t *run_text(struct mw_target *target, const char *tool, const char *arguments, bool ok);
enum mw_error_class run_badly(struct mw_target *target, const char *tool, const json_t *arguments,
                              int64_t ms, char text[400]);
json_int_t data_number(const json_t *result, const char *name);
const char *summary_of(const json_t *result);
void assert_says(const char *text, const char *part);

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
