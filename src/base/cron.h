/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moments that come again, as crontab(5) writes them: minute, hour, day of the month, month, day of
 * the week, in the local zone. Lists, ranges, steps and English names; where both kinds of days are
 * narrowed (neither begins with an asterisk), one that fits is enough.
 */
#ifndef MIDWATCH_BASE_CRON_H
#define MIDWATCH_BASE_CRON_H

#include <stdbool.h>
#include <stdint.h>

#include "midwatch/deadline.h"
#include "midwatch/error.h"

struct mw_cron {
    uint64_t minutes;  /* bit 0 is minute 0 */
    uint32_t hours;    /* bit 0 is midnight */
    uint32_t days;     /* bit 1 is the first of the month */
    uint32_t months;   /* bit 1 is January */
    uint32_t weekdays; /* bit 0 is Sunday */
    bool either_day;   /* a day of the month or a day of the week is enough */
};

/* False with MW_ERROR_BAD_INPUT that says what to write instead; so is a date that never comes. */
bool mw_cron_parse(const char *text, struct mw_cron *cron, struct mw_error *error);

/*
 * The newest moment of it at `now` or up to `within` milliseconds before; false: there was none. A
 * time that the clock skips in spring counts from the moment of its jump, one that comes twice in
 * autumn counts the first time.
 */
bool mw_cron_last(const struct mw_cron *cron, mw_wall_ms now, int64_t within, mw_wall_ms *at);

#endif
