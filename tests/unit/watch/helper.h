/* SPDX-License-Identifier: Apache-2.0 */
/* A loop on virtual time and a kind of target whose probes follow a script. */
#ifndef MIDWATCH_TEST_WATCH_HELPER_H
#define MIDWATCH_TEST_WATCH_HELPER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "runtime/fiber.h"
#include "runtime/runtime.h"
#include "watch/watch.h"

#define WALL_START 1800000000000

/* What a scripted probe does; the last step of a script repeats. */
enum { LOST = -1, HANGS = -2, DENIED = -3, VANISHES = -4 };

#define STARTS_MAX 4096

struct fake_config {
    const int *script; /* levels 0..100, or one of the above */
    size_t length;
    int takes_ms;
    int old_ms;   /* how old its samples are */
    bool rejects; /* create() fails */
};

struct fake {
    const struct fake_config *config;
    size_t probes;
    mw_mono_ns starts[STARTS_MAX];
    int running, most_running, destroyed;
};

static const struct mw_metric_spec fake_metrics[] = {
    {.name = "level",
     .label = "level",
     .unit = "%",
     .of = "the tank",
     .degraded = 95,
     .failed = 99.5},
    {.name = "floor",
     .label = "floor",
     .unit = "",
     .degraded = NAN,
     .failed = NAN,
     .low_is_bad = true},
    {.name = NULL},
};

static inline bool fake_create(struct mw_target *target, const void *config, struct mw_error *error)
{
    const struct fake_config *own = config;
    struct fake *fake = talloc_zero(target->memory, struct fake);
    fake->config = own;
    target->state = fake;
    return !own->rejects || mw_error_set(error, MW_ERROR_BAD_INPUT, "no such tank");
}

static inline void fake_destroy(struct mw_target *target)
{
    struct fake *fake = target->state;
    fake->destroyed++;
}

static inline bool fake_outcome(int step, struct mw_deadline deadline, struct mw_sample *sample,
                                struct mw_error *error)
{
    switch (step) {
    case LOST:
        return mw_error_set(error, MW_ERROR_RETRY, "connection refused");
    case HANGS:
        if (!mw_sleep(mw_deadline_left_ms(deadline), error)) {
            return false;
        }
        return mw_error_set(error, MW_ERROR_TIMEOUT, "no answer in time");
    case DENIED:
        return mw_error_set(error, MW_ERROR_REFUSED, "it asks for a password");
    case VANISHES:
        return mw_error_set(error, MW_ERROR_CANCELLED, "cancelled");
    }
    sample->measured_at = mw_wall_now();
    sample->source = "fake";
    mw_sample_add(sample, "level", step, true);
    return true;
}

static inline bool fake_probe(struct mw_target *target, struct mw_deadline deadline,
                              struct mw_sample *sample, struct mw_error *error)
{
    struct fake *fake = target->state;
    size_t at = fake->probes < fake->config->length ? fake->probes : fake->config->length - 1;
    if (fake->probes < STARTS_MAX) {
        fake->starts[fake->probes] = mw_mono_now();
    }
    fake->probes++;
    fake->running++;
    fake->most_running = fake->running > fake->most_running ? fake->running : fake->most_running;
    bool slept = fake->config->takes_ms == 0 || mw_sleep(fake->config->takes_ms, error);
    bool done = slept && fake_outcome(fake->config->script[at], deadline, sample, error);
    sample->measured_at -= done ? fake->config->old_ms : 0;
    fake->running--;
    return done;
}

static const struct mw_target_ops fake_ops = {
    .kind = "fake",
    .environment = "local",
    .metrics = fake_metrics,
    .create = fake_create,
    .destroy = fake_destroy,
    .probe = fake_probe,
};

static inline struct fake *fake_of(const struct mw_resource *resource)
{
    return resource->target.state;
}

#define SCRIPT(...)                                                \
    (struct fake_config)                                           \
    {                                                              \
        .script = (const int[]){__VA_ARGS__},                      \
        .length = sizeof((const int[]){__VA_ARGS__}) / sizeof(int) \
    }

static inline struct mw_resource_config fake_resource(const char *name, int64_t every)
{
    return (struct mw_resource_config){
        .name = name, .kind = "fake", .every = every, .timeout = 2000, .hold = 2};
}

/* ---- the loop ---- */

static inline int open_loop(void **state)
{
    struct mw_error error = {0};
    mw_clock_virtual(WALL_START, 7);
    if (!mw_runtime_init(&error)) {
        fail_msg("%s", error.text);
    }
    return 0;
}

static inline int close_loop(void **state)
{
    mw_clock_real();
    /* A failed assertion has jumped out of its fiber, and the loop cannot be ended any more. */
    if (mw_loop_stats().fibers == 0) {
        mw_runtime_finish();
    }
    return 0;
}

static inline int call_body(void *argument)
{
    void (*body)(void) = *(void (**)(void))argument;
    body();
    return 0;
}

static inline void in_fiber(void (*body)(void))
{
    mw_runtime_run(call_body, &body);
}

static inline void sleep_ms(int64_t ms)
{
    struct mw_error error;
    assert_true(mw_sleep(ms, &error));
}

#define test_in_virtual(test) cmocka_unit_test_setup_teardown(test, open_loop, close_loop)

#endif
