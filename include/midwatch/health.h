/* SPDX-License-Identifier: Apache-2.0 */
/* What a probe measured and what that says about a resource. */
#ifndef MIDWATCH_HEALTH_H
#define MIDWATCH_HEALTH_H

#include <stdbool.h>
#include <stddef.h>

#include "midwatch/deadline.h"

enum mw_health {
    MW_HEALTH_UNKNOWN, /* not probed yet, or the probe itself cannot run (credentials) */
    MW_HEALTH_HEALTHY,
    MW_HEALTH_DEGRADED, /* past a degraded threshold */
    MW_HEALTH_FAILED,   /* unreachable, or past a failed threshold */
};

/* "UNKNOWN", "HEALTHY", "DEGRADED", "FAILED". */
const char *mw_health_name(enum mw_health health);

/* One row of what a kind of target measures. A table of them ends with a NULL name. */
struct mw_metric_spec {
    const char *name;  /* as in `status --json`: "memory_percent" */
    const char *label; /* for people: "memory" */
    const char *unit;  /* "%", "ms", "s", "/s" or "" */
    const char *of;    /* what a percentage is of: "maxmemory"; NULL otherwise */
    double degraded;   /* default threshold; NAN: none. A value at or past it is bad */
    double failed;     /* default threshold; NAN: none */
    bool low_is_bad;   /* thresholds are floors, as for hit_ratio */
};

struct mw_threshold {
    const char *metric;
    double degraded, failed; /* NAN: none */
};

/* One measured value. `counts` is false where the value is shown but its threshold does not apply
 * now: memory_percent of a Redis that may evict, for example. */
struct mw_metric {
    const char *name; /* static, or owned by the target */
    double value;
    bool counts;
};

#define MW_METRICS_MAX 24

struct mw_sample {
    mw_wall_ms measured_at;
    const char *source; /* who measured: "redis INFO"; static, or owned by the target */
    size_t count;
    struct mw_metric metrics[MW_METRICS_MAX];
};

/* Appends a value; NAN and infinities are left out, as is anything beyond MW_METRICS_MAX. */
void mw_sample_add(struct mw_sample *sample, const char *name, double value, bool counts);

/* NULL when the sample has no such metric. */
const struct mw_metric *mw_sample_find(const struct mw_sample *sample, const char *name);

#endif
