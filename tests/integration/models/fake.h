/* SPDX-License-Identifier: Apache-2.0 */
/* The strict model service (tests/fakes/model_server.py) for one test, and a planner that asks it over
 * loopback, in a fiber on the real loop. */
#ifndef MIDWATCH_TEST_MODELS_FAKE_H
#define MIDWATCH_TEST_MODELS_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <string.h>

#include "adapters/llm/model/model.h"
#include "base/clock.h"
#include "runtime/fiber.h"
#include "runtime/runtime.h"

#define TEST_KEY "key-0123456789abcdef"

struct fake {
    const char *protocol; /* "gemini" or "openai" */
    const struct mw_planner_ops *ops;
    struct mw_model_config config;
    struct mw_model_price price;
    struct mw_planner *planner;
    json_t *looked; /* {"tool", "arguments"} */
    char folder[64];
    int pid, input, port;
};

extern struct fake fake;

/* Sets the protocol up; the fake itself starts with its script, a JSON list. */
int fake_open(const char *protocol, const struct mw_planner_ops *ops);
int fake_close(void **state);
void fake_start(const char *script);

/* What the service wrote down: a line for each request. A new reference. It must have found nothing wrong,
 * and its whole script must have been played. */
json_t *fake_log(void);
/* The body of a request in that log. */
const json_t *fake_body(const json_t *log, size_t request);

/* One proposal about a full Redis, within `ms`. NULL with the error. */
json_t *fake_propose(int64_t ms, struct mw_error *error);
/* An answer to "why is it slow?", with the same tools. */
json_t *fake_ask(int64_t ms, struct mw_error *error);
/* What doctor is told within 5 s, a line each: "ok: …"; where the check fails, "failed: " and the error.
 * Lives until the next call. */
const char *fake_look(void);
/* It must fail so, saying this, and never the key. */
void assert_fails_with(int64_t ms, enum mw_error_class class, const char *says);

#endif
