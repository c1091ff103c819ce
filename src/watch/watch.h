/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inventory and its watch: each resource has a fiber that probes it on schedule, judges what was
 * measured, keeps a short history and tells one listener when health changes.
 *
 * Health has hysteresis: `hold` consecutive bad samples make a resource bad, `hold` consecutive good
 * ones make it healthy again. After the first sample that differs, and while somebody asked for haste, it is
 * probed quickly (a fifth of `every`, between 200 ms and 1 s) instead of at its interval.
 */
#ifndef MIDWATCH_WATCH_H
#define MIDWATCH_WATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <talloc.h>

#include "midwatch/deadline.h"
#include "midwatch/error.h"
#include "midwatch/health.h"
#include "midwatch/incident.h"
#include "midwatch/option.h"
#include "midwatch/target.h"
#include "runtime/fiber.h"

/* ---- configuration: the keys that all kinds share ---- */

struct mw_log_source_config {
    const char *file;
    struct mw_text_list command;
};

struct mw_control_config {
    struct mw_text_list restart, reload;
    const char *systemd; /* a unit */
};

struct mw_resource_config {
    const char *name, *kind;
    const char *environment; /* NULL: the kind's default */
    int64_t every, timeout;  /* ms */
    int64_t hold;
    struct mw_threshold_list thresholds;
    bool cache;
    struct mw_text_list depends_on;    /* names of resources that it needs */
    struct mw_section_list logs;       /* of struct mw_log_source_config */
    struct mw_control_config *control; /* NULL: none */
};

extern const struct mw_option mw_resource_options[];

/* ---- the inventory ---- */

struct mw_history; /* rings of the last samples, per metric */

/* Consecutive samples at the end that share a property, and when the first of them was measured. */
struct mw_run {
    int count;
    mw_wall_ms since;
};

/* What hysteresis remembers. A FAILED sample counts in `failed` and in `bad`, a DEGRADED one in `bad`
 * and in `mild`, a HEALTHY one in `mild` and in `good`. */
struct mw_course {
    struct mw_run failed, bad, mild, good, unknown;
};

struct mw_resource {
    const char *name, *kind, *environment;
    const struct mw_resource_config *config;
    struct mw_target target;

    enum mw_health health;
    char *reason;     /* why it is not healthy; NULL while healthy or not probed */
    mw_wall_ms since; /* when health last changed: measured_at of the first sample of the run */
    int bad_samples;  /* consecutive bad samples at the end */
    struct mw_sample last; /* the newest sample; measured_at 0: none yet */
    bool reached;          /* the newest probe measured something */
    mw_wall_ms probed_at;  /* when the newest probe ended, measured or not */
    mw_mono_ns begun_mono; /* when the newest ended probe began; 0: none yet */
    /* What it found is of this time or later: its beginning, or earlier by as much as the sample was
     * older than that. */
    mw_mono_ns measured_mono;
    size_t finding_count; /* of the newest probe */
    struct mw_finding *findings;
    struct mw_history *history;
    /* Held while a step acts on it, whoever asks; also by steps on what it replaced. */
    struct mw_lock *step_lock;

    struct mw_watch *watch; /* what follows is the watch room's own */
    struct mw_fiber *fiber;
    struct mw_condition sampled, hurry;
    struct mw_course course;
    mw_mono_ns planned;    /* when the next probe is due by the schedule */
    mw_mono_ns ended_mono; /* when the newest probe ended; quick ones keep their distance from it */
    mw_mono_ns wanted_after; /* somebody waits for a probe begun after this; 0: nobody */
    int haste;
    int users;    /* who holds it (mw_watch_hold) */
    bool retired; /* no longer in the inventory; it goes when nobody holds it */
    struct mw_resource *next_retired;
    struct mw_condition let_go;
    bool blind;            /* it was said that nobody knows its health */
    bool ended;            /* the fiber has been and gone */
    bool probing, differs; /* differs: the newest sample says other than `health` */
};

struct mw_watch_listener {
    void *context;
    /* Health changed from `before`. Called in the probe's fiber; must not suspend. */
    void (*changed)(void *context, struct mw_resource *resource, enum mw_health before);
    /* Optional. The probe itself cannot run, so nobody knows how the resource is (`blind`, and `reason` why); or it
     * can, for the first time or again. Must not suspend either. */
    void (*sight)(void *context, struct mw_resource *resource);
};

struct mw_watch {
    size_t count;
    struct mw_resource **resources; /* in the order of the configuration */
    struct mw_resource *retired;
    const struct mw_watch_listener *listener;
    struct mw_group fibers;
    bool running; /* what is added is probed at once */
    bool stopped; /* targets are closed */
};

struct mw_watch *mw_watch_create(TALLOC_CTX *memory);
void mw_watch_listen(struct mw_watch *watch, const struct mw_watch_listener *listener);

/* Adds a resource; `config` and `kind_config` outlive the watch. Fails with BAD_INPUT when the target
 * does not accept its configuration. */
struct mw_resource *mw_watch_add(struct mw_watch *watch, const struct mw_target_ops *ops,
                                 const struct mw_resource_config *config, const void *kind_config,
                                 struct mw_error *error);
/* Borrowed until the next suspension, since another configuration may retire it; mw_watch_hold keeps it. */
struct mw_resource *mw_watch_find(const struct mw_watch *watch, const char *name);

/* Keeps a resource, and the configuration that it refers to, alive until `memory` is freed, whatever
 * becomes of the inventory meanwhile. NULL holds nothing. */
void mw_watch_hold(struct mw_resource *resource, TALLOC_CTX *memory);

/* ---- another inventory ---- */

struct mw_watch_entry {
    struct mw_resource *stays; /* goes on as it is; NULL: made anew from what follows */
    const struct mw_target_ops *ops;
    const struct mw_resource_config *config;
    const void *kind_config;
    /* Its kind's own keys are those of the resource of this name before, so what is normal for it is
     * still known. */
    bool same_target;
};

/*
 * Puts another inventory in the place of the present one, in this order; all of it or, with an error,
 * nothing. What is made anew is probed at once where the watch runs. What has no entry any more, or a new
 * one, is retired: nobody finds it, a probe in progress ends unheard, and it is closed and freed when the
 * last who holds it lets go. Each new resource keeps a reference to `keeper`, the talloc pointer that
 * its configuration hangs on (NULL: it outlives the watch). Needs a loop.
 */
bool mw_watch_replace(struct mw_watch *watch, const struct mw_watch_entry *entries, size_t count,
                      void *keeper, struct mw_error *error);

/* Starts the probes, the first ones spread over min(every, 1 s). stop() ends them and closes the targets. */
void mw_watch_start(struct mw_watch *watch);
MW_SUSPENDS void mw_watch_stop(struct mw_watch *watch);

/* One probe of each resource, all at once, without hysteresis: for `status`. */
MW_SUSPENDS void mw_watch_probe_all(struct mw_watch *watch);

/* Makes a probe that begins after now come soon, without waiting for it. */
void mw_watch_want(struct mw_resource *resource);

/* Waits for a probe that was begun after `after` to end, and makes it come soon. Monotonic, since the
 * wall clock may jump. PERMANENT when the resource was retired. It is held meanwhile. */
MW_SUSPENDS bool mw_watch_await(struct mw_resource *resource, mw_mono_ns after,
                                struct mw_deadline deadline, struct mw_error *error);
/* Haste nests: each true needs its false. */
void mw_watch_haste(struct mw_resource *resource, bool on);

/* Median of a metric over the samples taken while the resource was healthy; NAN: too few. */
double mw_watch_normal(const struct mw_resource *resource, const char *metric);

/* The last samples of a metric, oldest first: [[rfc3339, value], …]; a new reference. */
json_t *mw_watch_history(const struct mw_resource *resource, const char *metric);

/* One entry of `status --json`; a new reference. */
json_t *mw_resource_to_json(const struct mw_resource *resource);
/* {name: number}; a new reference. */
json_t *mw_sample_to_json(const struct mw_sample *sample);
/* NULL when the kind has no such metric. */
const struct mw_metric_spec *mw_resource_metric(const struct mw_resource *resource,
                                                const char *metric);

/* For `doctor`: one probe, and what its target, its logs and its control say of themselves. Nothing is
 * restarted. Not beside mw_watch_start. */
MW_SUSPENDS void mw_watch_check(struct mw_resource *resource, const struct mw_check *check,
                                struct mw_deadline deadline);

/* ---- the pure part ---- */

/* Takes in one more sample and says what the resource's health is after it. When that differs from
 * `now`, `*since` is when the run that decided it began. Outages of the probe itself (UNKNOWN) are
 * held like the others; only UNKNOWN becomes HEALTHY at once. */
enum mw_health mw_course_step(struct mw_course *course, enum mw_health now, enum mw_health sample,
                              mw_wall_ms at, int hold, mw_wall_ms *since);

/* Judges a sample against a kind's defaults and the configured thresholds. Findings (talloc array on
 * `memory`, worst first) name each metric that is past a threshold. Equality counts as past. */
enum mw_health mw_health_judge(const struct mw_sample *sample, const struct mw_metric_spec *specs,
                               const struct mw_threshold_list *thresholds, TALLOC_CTX *memory,
                               struct mw_finding **findings, size_t *count);

/* From which value on a metric of the resource is bad; NAN: from none. */
double mw_resource_limit(const struct mw_resource *resource, const char *metric);

/* ---- logs ---- */

/* The lines that matter from the resource's log sources: WARNING and worse, worst and newest first, equal
 * templates folded with their number, at most `limit` of them, clean and masked. No source: count 0. A
 * source that cannot be read becomes a line that says so. */
MW_SUSPENDS struct mw_log_excerpt *mw_watch_logs(struct mw_resource *resource, TALLOC_CTX *memory,
                                                 size_t limit, size_t *count,
                                                 struct mw_deadline deadline);

#endif
