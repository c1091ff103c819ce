/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this adapter share. */
#ifndef MIDWATCH_REDIS_H
#define MIDWATCH_REDIS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

#include "connection.h"
#include "info.h"
#include "midwatch/target.h"
#include "runtime/room.h"
#include "url.h"

struct mw_redis_config {
    const char *url;
};

/* Where a Redis keeps its data beside memory. */
enum mw_redis_persistence {
    MW_REDIS_PERSISTENCE_UNKNOWN,
    MW_REDIS_PERSISTENCE_NONE,
    MW_REDIS_PERSISTENCE_RDB,
    MW_REDIS_PERSISTENCE_AOF, /* with or without snapshots */
};

/* target->state */
struct mw_redis {
    struct mw_redis_address *address;
    struct mw_redis_connection *connection;

    /* As of the newest probe; version is empty before the first. */
    struct mw_redis_info last;
    mw_mono_ns measured_at;
    /* As far as it was ever told, for when the server cannot be asked. */
    enum mw_redis_persistence persistence;

    int64_t maxclients; /* by CONFIG, for servers whose INFO lacks it; 0: not asked, -1: not told */
};

/* The options of the kind and its tools. */
extern const struct mw_target_ops mw_target_redis;
extern const struct mw_tool mw_redis_tools[];

/* ---- probe.c ---- */

extern const struct mw_metric_spec mw_redis_metrics[];
MW_SUSPENDS bool mw_redis_probe(struct mw_target *target, struct mw_deadline deadline,
                                struct mw_sample *sample, struct mw_error *error);
/* Turns two readings into metrics. `before` is NULL for the first; `seconds` lie between them. */
void mw_redis_measure(struct mw_sample *sample, const struct mw_redis_info *now,
                      const struct mw_redis_info *before, double seconds, int64_t maxclients);

/* ---- facts.c ---- */

MW_SUSPENDS bool mw_redis_facts(struct mw_target *target, struct mw_deadline deadline,
                                json_t **facts, struct mw_error *error);
MW_SUSPENDS bool mw_redis_read_info(struct mw_redis *redis, struct mw_deadline deadline,
                                    struct mw_redis_info *info, double *seconds,
                                    struct mw_error *error);
/* Asks CONFIG, and INFO's aof_enabled where CONFIG is not allowed. */
MW_SUSPENDS bool mw_redis_read_persistence(struct mw_redis *redis, const struct mw_redis_info *info,
                                           struct mw_deadline deadline, struct mw_error *error);
const char *mw_redis_persistence_name(enum mw_redis_persistence persistence);
/* The value of one setting on `memory`; MW_ERROR_REFUSED with the way out where CONFIG is closed. */
MW_SUSPENDS char *mw_redis_config_get(struct mw_redis *redis, const char *name, TALLOC_CTX *memory,
                                      struct mw_deadline deadline, struct mw_error *error);
MW_SUSPENDS bool mw_redis_config_set(struct mw_redis *redis, const char *name, const char *value,
                                     struct mw_deadline deadline, struct mw_error *error);

/* ---- checkup.c ---- */

MW_SUSPENDS bool mw_redis_check(struct mw_target *target, const struct mw_check *check,
                                struct mw_deadline deadline, struct mw_error *error);

/* ---- the machine ---- */

/* What memory the server's machine or container has left, where the server runs on this machine. */
MW_SUSPENDS bool mw_redis_host_room(int64_t process_id, struct mw_deadline deadline,
                                    struct mw_room *room, struct mw_error *error);

/* ---- log.c ---- */

bool mw_redis_log_severity(const char *line, enum mw_log_severity *severity);

/* ---- tools ---- */

#define MW_REDIS_ASSESS(name)                                                \
    MW_SUSPENDS bool name(struct mw_target *target, const json_t *arguments, \
                          struct mw_deadline deadline, TALLOC_CTX *memory,   \
                          struct mw_assessment *out, struct mw_error *error)
#define MW_REDIS_RUN(name)                                                   \
    MW_SUSPENDS bool name(struct mw_target *target, const json_t *arguments, \
                          struct mw_deadline deadline, json_t **result, struct mw_error *error)

MW_REDIS_RUN(mw_redis_run_info);
MW_REDIS_RUN(mw_redis_run_big_keys);
MW_REDIS_RUN(mw_redis_run_purge);
MW_REDIS_ASSESS(mw_redis_assess_scale);
MW_REDIS_RUN(mw_redis_run_scale);
MW_REDIS_ASSESS(mw_redis_assess_eviction);
MW_REDIS_RUN(mw_redis_run_eviction);
MW_REDIS_ASSESS(mw_redis_assess_flush);
MW_REDIS_RUN(mw_redis_run_flush);
MW_REDIS_ASSESS(mw_redis_assess_restart);
MW_REDIS_RUN(mw_redis_run_restart);

/* "14,700". */
char *mw_redis_number_text(TALLOC_CTX *memory, int64_t number);
/* "32 → 64 MiB", "512 KiB → 1 MiB". */
char *mw_redis_change_text(TALLOC_CTX *memory, int64_t from, int64_t to);

#endif
