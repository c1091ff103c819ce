/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this adapter share. */
#ifndef MIDWATCH_POSTGRES_H
#define MIDWATCH_POSTGRES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

#include "connection.h"
#include "midwatch/target.h"
#include "url.h"

struct mw_postgres_config {
    const char *url;
};

/* What one probe reads. NAN: the server does not say, or not to our role. */
struct mw_postgres_reading {
    double started_at; /* of the postmaster, seconds since 1970 */
    double max_connections;
    double reserved; /* slots kept for superusers and the like */
    double clients;
    double hidden; /* clients of which our role sees nothing but that they are there */
    double active, idle_in_transaction, blocked, longest_query_s;
    double deadlocks, blocks_hit, blocks_read; /* since the statistics began */
    double replication_lag_s;
    double xid_age; /* transactions since the oldest that is not frozen */
};

/* target->state */
struct mw_postgres {
    struct mw_postgres_address *address;
    struct mw_postgres_connection *connection;

    /* As of the newest probe; measured_at is 0 before the first. */
    struct mw_postgres_reading last;
    mw_mono_ns measured_at;
};

/* The options of the kind and its tools. */
extern const struct mw_target_ops mw_target_postgres;
extern const struct mw_tool mw_postgres_tools[];

/* ---- probe.c ---- */

extern const struct mw_metric_spec mw_postgres_metrics[];
MW_SUSPENDS bool mw_postgres_probe(struct mw_target *target, struct mw_deadline deadline,
                                   struct mw_sample *sample, struct mw_error *error);
MW_SUSPENDS bool mw_postgres_read(struct mw_postgres *postgres, struct mw_deadline deadline,
                                  struct mw_postgres_reading *reading, double *seconds,
                                  struct mw_error *error);
/* Turns two readings into metrics. `before` is NULL for the first; `seconds` lie between them. */
void mw_postgres_measure(struct mw_sample *sample, const struct mw_postgres_reading *now,
                         const struct mw_postgres_reading *before, double seconds);
/* Slots that an ordinary role can get. */
double mw_postgres_slots(const struct mw_postgres_reading *reading);

/* ---- facts.c ---- */

/* What our role may do. */
struct mw_postgres_rights {
    bool superuser;
    bool sees_all;     /* other roles' sessions: pg_monitor or pg_read_all_stats */
    bool signals;      /* ends other roles' sessions: pg_signal_backend */
    bool alter_system; /* may set max_connections */
};

MW_SUSPENDS bool mw_postgres_facts(struct mw_target *target, struct mw_deadline deadline,
                                   json_t **facts, struct mw_error *error);
MW_SUSPENDS bool mw_postgres_read_rights(struct mw_postgres *postgres, struct mw_deadline deadline,
                                         struct mw_postgres_rights *rights, struct mw_error *error);

/* Names the oldest prepared transaction of the cluster; "" where there is none. */
MW_SUSPENDS bool mw_postgres_prepared_read(struct mw_postgres *postgres,
                                           struct mw_deadline deadline, char name[64],
                                           struct mw_error *error);

/* ---- checkup.c ---- */

MW_SUSPENDS bool mw_postgres_check(struct mw_target *target, const struct mw_check *check,
                                   struct mw_deadline deadline, struct mw_error *error);

/* ---- log.c ---- */

bool mw_postgres_log_severity(const char *line, enum mw_log_severity *severity);

/* ---- restart.c: what postgres_restart and postgres_scale_connections share ---- */

/* Whether `control:` can restart it; refuses with what to configure. */
bool mw_postgres_check_control(const struct mw_target *target, struct mw_error *error);

struct mw_postgres_comeback {
    bool answers, other; /* another postmaster than before */
    bool full;           /* it answers that no slot is left */
    struct mw_postgres_reading reading;
    char unanswered[400]; /* why not, where it does not answer */
};

/* Waits until another postmaster than the one started at `before` (NAN: whichever) answers, or time is
 * nearly up. False only when cancelled. */
MW_SUSPENDS bool mw_postgres_wait_served(struct mw_postgres *postgres, double before,
                                         struct mw_deadline deadline,
                                         struct mw_postgres_comeback *comeback,
                                         struct mw_error *error);

/* ---- text.c ---- */

/* "14,700". */
char *mw_postgres_number_text(TALLOC_CTX *memory, int64_t number);
/* "5 min 20 s", of seconds; "some time" where they are not known. */
char *mw_postgres_age_text(TALLOC_CTX *memory, double seconds);
/* A statement for people: one line, at most `limit` bytes, its quoted values and long numbers masked. */
char *mw_postgres_query_text(TALLOC_CTX *memory, const char *sql, size_t limit);
/* A foreign name: clean, masked, short. "" for NULL. */
char *mw_postgres_name_text(TALLOC_CTX *memory, const char *name);

/* ---- results ---- */

/* A cell's number; NAN where it is NULL or no finite number. */
double mw_postgres_number(const PGresult *result, int row, int column);
/* A cell's number as a count: from 0 to 9e15, and 0 where it is none. */
double mw_postgres_count(const PGresult *result, int row, int column);
/* A cell's text; NULL where it is NULL. Lives as long as the result. */
const char *mw_postgres_cell(const PGresult *result, int row, int column);
bool mw_postgres_is_true(const PGresult *result, int row, int column);

/* ---- tools ---- */

/* For a run that failed before it changed anything: makes a result that says so of a failure that would
 * else leave the outcome in doubt. False: the error stands. */
bool mw_postgres_not_tried(const struct mw_error *error, const char *what, json_t **result);

#define MW_POSTGRES_ASSESS(name)                                             \
    MW_SUSPENDS bool name(struct mw_target *target, const json_t *arguments, \
                          struct mw_deadline deadline, TALLOC_CTX *memory,   \
                          struct mw_assessment *out, struct mw_error *error)
#define MW_POSTGRES_RUN(name)                                                \
    MW_SUSPENDS bool name(struct mw_target *target, const json_t *arguments, \
                          struct mw_deadline deadline, json_t **result, struct mw_error *error)

MW_POSTGRES_RUN(mw_postgres_run_activity);
MW_POSTGRES_RUN(mw_postgres_run_locks);
MW_POSTGRES_ASSESS(mw_postgres_assess_kill);
MW_POSTGRES_RUN(mw_postgres_run_kill);
MW_POSTGRES_ASSESS(mw_postgres_assess_idle);
MW_POSTGRES_RUN(mw_postgres_run_idle);
MW_POSTGRES_ASSESS(mw_postgres_assess_vacuum);
MW_POSTGRES_RUN(mw_postgres_run_vacuum);
MW_POSTGRES_ASSESS(mw_postgres_assess_scale);
MW_POSTGRES_RUN(mw_postgres_run_scale);
MW_POSTGRES_ASSESS(mw_postgres_assess_restart);
MW_POSTGRES_RUN(mw_postgres_run_restart);

#endif
