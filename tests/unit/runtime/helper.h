/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the runtime share: a loop per test, and a way to run one inside a fiber. */
#ifndef MIDWATCH_TEST_RUNTIME_HELPER_H
#define MIDWATCH_TEST_RUNTIME_HELPER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "runtime/fiber.h"
#include "runtime/runtime.h"

static inline int open_loop(void **state)
{
    struct mw_error error = {0};
    if (!mw_runtime_init(&error))
        fail_msg("%s", error.text);
    return 0;
}

static inline int close_loop(void **state)
{
    mw_clock_real();
    /* A failed assertion has jumped out of its fiber, and the loop cannot be ended any more. */
    if (mw_loop_stats().fibers == 0)
        mw_runtime_finish();
    return 0;
}

static inline int open_virtual_loop(void **state)
{
    mw_clock_virtual(1000000, 7);
    return open_loop(state);
}

static inline int call_body(void *argument)
{
    void (*body)(void) = *(void (**)(void))argument;
    body();
    return 0;
}

/* Runs the body in the main fiber and waits until no fiber is left. */
static inline void in_fiber(void (*body)(void))
{
    mw_runtime_run(call_body, &body);
}

static inline int64_t ms_since(mw_mono_ns start)
{
    return (mw_mono_now() - start) / 1000000;
}

#define test_in_loop(test)    cmocka_unit_test_setup_teardown(test, open_loop, close_loop)
#define test_in_virtual(test) cmocka_unit_test_setup_teardown(test, open_virtual_loop, close_loop)

#endif
