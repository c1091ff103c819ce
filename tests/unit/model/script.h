/* SPDX-License-Identifier: Apache-2.0 */
/* A planner on a virtual clock whose service is a list of answers, and a host whose tools are told what to
 * say. */
#ifndef MIDWATCH_TEST_MODEL_SCRIPT_H
#define MIDWATCH_TEST_MODEL_SCRIPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <string.h>
#include <talloc.h>

#include "adapters/llm/model/internal.h"
#include "base/clock.h"
#include "base/redact.h"
#include "runtime/fiber.h"
#include "runtime/runtime.h"

/* What the service does with a request. */
struct scripted {
    int status; /* 0: no answer, but an error of this class */
    enum mw_error_class class;
    const char *body;
    int64_t retry_after_ms;
    int64_t takes_ms;
};

#define SCRIPT_MAX 40

struct script {
    struct mw_model_config config;
    struct mw_model_price price;
    struct mw_planner *planner;
    struct scripted steps[SCRIPT_MAX];
    size_t count, at;
    json_t *asked; /* bodies of the requests */
    mw_mono_ns times[SCRIPT_MAX];
    /* What tools were called with, and what they say. */
    json_t *looked;
    const char *result; /* JSON; NULL: `look_error` */
    const char *look_error;
    enum mw_error_class look_class;
    /* What the planner told: {"request", "answer", "fault", "usage"}, and {"impairment", "why"}. */
    json_t *exchanges, *tidings;
};

extern struct script script;

int script_open(void **state);
int script_close(void **state);

/* Makes the planner; on failure the error's sentence. */
const char *script_create(const struct mw_planner_ops *ops);
void script_answer(int status, const char *body);
void script_fail(enum mw_error_class class);
struct scripted *script_last(void);

/* A full Redis with two read-only tools, one that acts, and one that waits. */
json_t *script_situation(void);
/* Runs in a fiber; steals the situation (NULL: the usual one). The proposal, or NULL. */
json_t *script_propose(json_t *situation, int64_t ms, struct mw_error *error);

/* The same for a question; steals it. */
json_t *script_ask(json_t *question, int64_t ms, struct mw_error *error);

/* Runs the body inside a fiber on the loop of this test. */
void script_in_fiber(void (*body)(void));
#define test_scripted(test) cmocka_unit_test_setup_teardown(test, script_open, script_close)

#endif
