/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The port for one kind of thing that is watched and fixed. An adapter is one folder under
 * adapters/target/ that knows all about its kind: what to measure, what can be done, how its log
 * lines read.
 */
#ifndef MIDWATCH_TARGET_H
#define MIDWATCH_TARGET_H

#include <jansson.h>

#include "midwatch/check.h"
#include "midwatch/deadline.h"
#include "midwatch/error.h"
#include "midwatch/health.h"
#include "midwatch/option.h"
#include "midwatch/tool.h"

/* How a resource's service is restarted or reloaded, from its `control:` section. Given to targets
 * by the watch room; `restart` and `reload` are NULL where the configuration names no way. Both
 * suspend and fail with a sentence that holds what the command said. */
struct mw_control {
    const char *restart_says; /* the command for people: "systemctl restart redis"; NULL: none */
    const char *reload_says;
    MW_SUSPENDS bool (*restart)(const struct mw_control *control, struct mw_deadline deadline,
                                struct mw_error *error);
    MW_SUSPENDS bool (*reload)(const struct mw_control *control, struct mw_deadline deadline,
                               struct mw_error *error);
};

enum mw_log_severity { MW_LOG_NOTICE, MW_LOG_WARNING, MW_LOG_ERROR, MW_LOG_CRITICAL };

/* One watched resource as its adapter sees it. The watch room fills everything but `state` and calls
 * create(), which hangs what it makes on `memory`. */
struct mw_target {
    const struct mw_target_ops *ops;
    TALLOC_CTX *memory;               /* freed with the resource */
    const char *name;                 /* of the resource */
    bool cache;                       /* the owner said that its data may be lost */
    const struct mw_control *control; /* NULL: no way to restart was configured */
    void *state;                      /* the adapter's own */
};

struct mw_target_ops {
    const char *kind;        /* "redis" */
    const char *environment; /* default for `environment`: "local" */

    const struct mw_option *options; /* the kind's own keys beside the common ones */
    size_t config_size;              /* sizeof of the struct that the options fill */

    const struct mw_metric_spec *metrics;
    const struct mw_tool *tools;

    /* Mandatory; does not suspend and opens no connection. `config` outlives the target. */
    bool (*create)(struct mw_target *target, const void *config, struct mw_error *error);

    /* Optional; closes what create() and the probes opened. Runs where suspending is allowed. */
    MW_SUSPENDS void (*destroy)(struct mw_target *target);

    /* Mandatory; measures once, using and keeping one connection. Sets measured_at, source and the
     * metrics. Fails with RETRY or TIMEOUT when the resource cannot be reached (it is FAILED), with
     * another class when the probe itself cannot run (it is UNKNOWN): a wrong password, say. */
    MW_SUSPENDS bool (*probe)(struct mw_target *target, struct mw_deadline deadline,
                              struct mw_sample *sample, struct mw_error *error);

    /* Optional; what a planner should know beyond the metrics, as one flat JSON object (a new
     * reference): limits, modes, settings. Never secrets. */
    MW_SUSPENDS bool (*facts)(struct mw_target *target, struct mw_deadline deadline, json_t **facts,
                              struct mw_error *error);

    /* Optional; for `doctor`, after a probe that measured: says what it is connected to, what our rights
     * there allow of the tools, and what is not safe. Changes nothing. Fails where it cannot look. */
    MW_SUSPENDS bool (*check)(struct mw_target *target, const struct mw_check *check,
                              struct mw_deadline deadline, struct mw_error *error);

    /* Optional; how bad a line of this kind's log is. Returns false when the line is not in the
     * kind's own format, and the general rules are asked. The line is NUL-terminated foreign text. */
    bool (*log_severity)(const char *line, enum mw_log_severity *severity);
};

#endif
