/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>

#include "watch/watch.h"

static void extend(struct mw_run *run, bool shares, mw_wall_ms at)
{
    if (!shares) {
        run->count = 0;
        return;
    }
    if (run->count == 0) {
        run->since = at;
    }
    if (run->count < INT_MAX) {
        run->count++;
    }
}

static bool held(const struct mw_run *run, int hold)
{
    return run->count > 0 && run->count >= hold;
}

/* The run that moves the resource away from `now`, and to where; NULL: none. */
static const struct mw_run *deciding(const struct mw_course *course, enum mw_health now, int hold,
                                     enum mw_health *next)
{
    if (now != MW_HEALTH_FAILED && held(&course->failed, hold)) {
        *next = MW_HEALTH_FAILED;
        return &course->failed;
    }
    if (now < MW_HEALTH_DEGRADED && held(&course->bad, hold)) {
        *next = MW_HEALTH_DEGRADED;
        return &course->bad;
    }
    if (now != MW_HEALTH_HEALTHY && held(&course->good, now == MW_HEALTH_UNKNOWN ? 1 : hold)) {
        *next = MW_HEALTH_HEALTHY;
        return &course->good;
    }
    if (now == MW_HEALTH_FAILED && held(&course->mild, hold)) {
        *next = MW_HEALTH_DEGRADED;
        return &course->mild;
    }
    if (now != MW_HEALTH_UNKNOWN && held(&course->unknown, hold)) {
        *next = MW_HEALTH_UNKNOWN;
        return &course->unknown;
    }
    return NULL;
}

enum mw_health mw_course_step(struct mw_course *course, enum mw_health now, enum mw_health sample,
                              mw_wall_ms at, int hold, mw_wall_ms *since)
{
    bool known = sample != MW_HEALTH_UNKNOWN;
    extend(&course->failed, sample == MW_HEALTH_FAILED, at);
    extend(&course->bad, sample >= MW_HEALTH_DEGRADED, at);
    extend(&course->mild, known && sample <= MW_HEALTH_DEGRADED, at);
    extend(&course->good, sample == MW_HEALTH_HEALTHY, at);
    extend(&course->unknown, !known, at);

    enum mw_health next = now;
    const struct mw_run *run = deciding(course, now, hold, &next);
    if (run != NULL) {
        *since = run->since;
    }
    return next;
}
