/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time as values. Wall-clock time is for people and records: milliseconds since 1970-01-01 UTC,
 * 0 meaning "not known". Monotonic time is for waiting and measuring: nanoseconds since some
 * start, never jumping. Both are read through src/base/clock.h only.
 */
#ifndef MIDWATCH_DEADLINE_H
#define MIDWATCH_DEADLINE_H

#include <stdint.h>

typedef int64_t mw_wall_ms;
typedef int64_t mw_mono_ns;

/* The monotonic moment after which nobody waits any longer. */
struct mw_deadline {
    mw_mono_ns at;
};

/* Waits without an end are for one case only: the commit of an intent to act. */
#define MW_NO_DEADLINE ((struct mw_deadline){INT64_MAX})

/* Marks a function that may suspend the calling fiber. After it returns, state owned by others
 * may have changed: look it up again by name or id. */
#define MW_SUSPENDS

#endif
