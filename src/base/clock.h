/* SPDX-License-Identifier: Apache-2.0 */
/* The one door to time and randomness, so that a simulation can stand behind it. */
#ifndef MIDWATCH_BASE_CLOCK_H
#define MIDWATCH_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "midwatch/deadline.h"

mw_wall_ms mw_wall_now(void);
mw_mono_ns mw_mono_now(void);

/* A deadline that many milliseconds from now, and the earlier of two. */
struct mw_deadline mw_deadline_in(int64_t ms);
struct mw_deadline mw_deadline_min(struct mw_deadline a, struct mw_deadline b);
bool mw_deadline_passed(struct mw_deadline deadline);
/* Milliseconds left, rounded up, at least 0; INT64_MAX when there is no end. */
int64_t mw_deadline_left_ms(struct mw_deadline deadline);

/* Milliseconds from one moment to a later one; 0 where the wall clock was set back between them. */
int64_t mw_wall_between(mw_wall_ms from, mw_wall_ms to);

/* Uniform in 0..bound-1 (bound > 0). Not for secrets. */
uint64_t mw_random_below(uint64_t bound);
/* Unpredictable bytes for tokens; from the seed where the clock is virtual. */
void mw_random_bytes(void *out, size_t length);

/* Virtual time: stands still until advanced. Randomness then follows from the seed. */
void mw_clock_virtual(mw_wall_ms wall, uint64_t seed);
void mw_clock_advance(int64_t ns);
/* As when somebody sets the wall clock: monotonic time goes on as it was. */
void mw_clock_jump_wall(int64_t ms);
bool mw_clock_is_virtual(void);
void mw_clock_real(void);

/* "2026-11-22T03:08:12.345Z" (UTC, milliseconds). */
char *mw_time_rfc3339(TALLOC_CTX *memory, mw_wall_ms at);
/* "03:08:12" and "03:08" in the local zone, for chat. */
char *mw_time_of_day(TALLOC_CTX *memory, mw_wall_ms at);
char *mw_time_hour_minute(TALLOC_CTX *memory, mw_wall_ms at);
/* "03:08", or with its day where that is not the day of `seen_from`: "24 Nov 03:08". */
char *mw_time_near(TALLOC_CTX *memory, mw_wall_ms at, mw_wall_ms seen_from);

/* "500ms" "10s" "5m" "2h" "7d" "1w" → milliseconds. False: not a duration, or out of range. */
bool mw_duration_parse(const char *text, int64_t *ms);
/* For people: "340 ms", "1.1 s", "82.0 s", "5 min 20 s", "2 h 10 min". */
char *mw_duration_text(TALLOC_CTX *memory, int64_t ms);

#endif
