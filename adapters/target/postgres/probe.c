/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "postgres.h"

/* Transactions after which the server takes no more writes: 2^31 of them, less what it keeps for the
 * repair (PostgreSQL manual, 25.1.5). */
#define XIDS_MAX (2147483647.0 - 3000000.0)

#define PLAIN(metric, words, of_what)                                                         \
    {                                                                                         \
        .name = (metric), .label = (words), .unit = (of_what), .degraded = NAN, .failed = NAN \
    }

const struct mw_metric_spec mw_postgres_metrics[] = {
    {.name = "connections_percent",
     .label = "connections",
     .unit = "%",
     .of = "client slots",
     .degraded = 80,
     .failed = NAN},
    PLAIN("connections", "connections", ""),
    PLAIN("active", "active sessions", ""),
    PLAIN("idle_in_transaction", "idle in transaction", ""),
    PLAIN("longest_query_s", "longest query", "s"),
    PLAIN("blocked", "blocked sessions", ""),
    PLAIN("deadlocks_per_s", "deadlocks", "/s"),
    {.name = "cache_hit_ratio",
     .label = "cache hit ratio",
     .unit = "",
     .degraded = NAN,
     .failed = NAN,
     .low_is_bad = true},
    PLAIN("replication_lag_s", "replication lag", "s"),
    {.name = "xid_age_percent",
     .label = "transaction ids",
     .unit = "%",
     .of = "those before wraparound",
     .degraded = 80,
     .failed = NAN},
    PLAIN("latency_ms", "latency", "ms"),
    {.name = NULL},
};

enum column {
    STARTED_AT,
    MAX_CONNECTIONS,
    RESERVED,
    CLIENTS,
    HIDDEN,
    ACTIVE,
    IDLE_IN_TRANSACTION,
    BLOCKED,
    LONGEST_QUERY,
    DEADLOCKS,
    BLOCKS_FETCHED,
    BLOCKS_HIT,
    REPLICATION_LAG,
    XID_AGE,
    COLUMNS,
};

/*
 * One statement, straight on the functions behind the views, which would look up names that nobody needs
 * here. Sessions of which our role may not see more have a database, a user and no kind. Until version 12
 * replication took slots of max_connections, too.
 */
static const struct mw_postgres_question probe_question = {
    .name = "midwatch_probe",
    .sql =
        "SELECT extract(epoch FROM pg_postmaster_start_time())::float8,"
        " current_setting('max_connections')::float8,"
        " current_setting('superuser_reserved_connections')::float8"
        " + coalesce(current_setting('reserved_connections', true), '0')::float8,"
        " a.*, d.*,"
        " CASE WHEN pg_is_in_recovery() THEN"
        "  CASE WHEN pg_last_wal_replay_lsn() >= pg_last_wal_receive_lsn()"
        "   AND EXISTS (SELECT FROM pg_stat_get_wal_receiver() r WHERE r.pid IS NOT NULL) THEN 0"
        "  ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 END"
        " ELSE (SELECT extract(epoch FROM max(s.replay_lag))::float8"
        "  FROM pg_stat_get_wal_senders() s) END,"
        " (SELECT max(age(datfrozenxid))::float8 FROM pg_database)"
        " FROM (SELECT"
        "  count(*) FILTER (WHERE backend_type = 'client backend'"
        "   OR hidden OR (backend_type = 'walsender'"
        "    AND current_setting('server_version_num')::int < 120000)),"
        "  count(*) FILTER (WHERE hidden),"
        "  count(*) FILTER (WHERE client AND state = 'active'),"
        "  count(*) FILTER (WHERE client AND state LIKE 'idle in transaction%'),"
        "  count(*) FILTER (WHERE client AND state = 'active' AND wait_event_type = 'Lock'),"
        "  coalesce(extract(epoch FROM clock_timestamp()"
        "   - min(query_start) FILTER (WHERE client AND state = 'active')), 0)::float8"
        "  FROM (SELECT *, backend_type = 'client backend' AND pid <> pg_backend_pid() AS client,"
        "   backend_type IS NULL AND datid IS NOT NULL AND usesysid IS NOT NULL AS hidden"
        "   FROM pg_stat_get_activity(NULL)) s) a,"
        " (SELECT sum(pg_stat_get_db_deadlocks(oid))::float8,"
        "  sum(pg_stat_get_db_blocks_fetched(oid))::float8,"
        "  sum(pg_stat_get_db_blocks_hit(oid))::float8 FROM pg_database) d",
};

double mw_postgres_slots(const struct mw_postgres_reading *reading)
{
    double slots = reading->max_connections - reading->reserved;
    return slots >= 1 ? slots : reading->max_connections;
}

static double not_negative(double value)
{
    return value < 0 ? 0 : value;
}

bool mw_postgres_read(struct mw_postgres *postgres, struct mw_deadline deadline,
                      struct mw_postgres_reading *reading, double *seconds, struct mw_error *error)
{
    PGresult *result mw_postgres_result_auto =
        mw_postgres_exchange(postgres->connection, &probe_question, deadline, seconds, error);
    if (result == NULL) {
        return false;
    }
    bool shaped = mw_libpq.ntuples(result) == 1 && mw_libpq.nfields(result) == COLUMNS;
    double most = shaped ? mw_postgres_number(result, 0, MAX_CONNECTIONS) : NAN;
    if (!(most >= 1 && most < 1e6)) {
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "%s answers as no PostgreSQL does that midwatch knows",
                            postgres->address->label);
    }
    double fetched = mw_postgres_number(result, 0, BLOCKS_FETCHED);
    *reading = (struct mw_postgres_reading){
        .started_at = mw_postgres_number(result, 0, STARTED_AT),
        .max_connections = most,
        .reserved = mw_postgres_count(result, 0, RESERVED),
        .clients = mw_postgres_count(result, 0, CLIENTS),
        .hidden = mw_postgres_count(result, 0, HIDDEN),
        .active = mw_postgres_count(result, 0, ACTIVE),
        .idle_in_transaction = mw_postgres_count(result, 0, IDLE_IN_TRANSACTION),
        .blocked = mw_postgres_count(result, 0, BLOCKED),
        .longest_query_s = not_negative(mw_postgres_number(result, 0, LONGEST_QUERY)),
        .deadlocks = mw_postgres_number(result, 0, DEADLOCKS),
        .blocks_hit = mw_postgres_number(result, 0, BLOCKS_HIT),
        .replication_lag_s = not_negative(mw_postgres_number(result, 0, REPLICATION_LAG)),
        .xid_age = mw_postgres_number(result, 0, XID_AGE),
    };
    reading->blocks_read = fetched - reading->blocks_hit;
    return true;
}

/* How much a counter grew; NAN where that cannot be told. */
static double growth(double now, double before)
{
    return now >= before ? now - before : NAN;
}

void mw_postgres_measure(struct mw_sample *sample, const struct mw_postgres_reading *now,
                         const struct mw_postgres_reading *before, double seconds)
{
    double percent = 100 * now->clients / mw_postgres_slots(now);
    /* Superusers may stand on the slots that are kept for them. */
    mw_sample_add(sample, "connections_percent", percent > 100 ? 100 : percent, true);
    mw_sample_add(sample, "connections", now->clients, true);
    if (!(now->hidden > 0)) {
        mw_sample_add(sample, "active", now->active, true);
        mw_sample_add(sample, "idle_in_transaction", now->idle_in_transaction, true);
        mw_sample_add(sample, "longest_query_s", now->longest_query_s, true);
        mw_sample_add(sample, "blocked", now->blocked, true);
    }
    bool same = before != NULL && seconds > 0 && before->started_at == now->started_at;
    if (same) {
        double hit = growth(now->blocks_hit, before->blocks_hit);
        double asked = hit + growth(now->blocks_read, before->blocks_read);
        mw_sample_add(sample, "deadlocks_per_s",
                      growth(now->deadlocks, before->deadlocks) / seconds, true);
        mw_sample_add(sample, "cache_hit_ratio", asked > 0 ? hit / asked : NAN, true);
    }
    mw_sample_add(sample, "replication_lag_s", now->replication_lag_s, true);
    mw_sample_add(sample, "xid_age_percent", 100 * now->xid_age / XIDS_MAX, true);
}

bool mw_postgres_probe(struct mw_target *target, struct mw_deadline deadline,
                       struct mw_sample *sample, struct mw_error *error)
{
    struct mw_postgres *postgres = target->state;
    struct mw_postgres_reading reading;
    double seconds = 0;
    if (!mw_postgres_read(postgres, deadline, &reading, &seconds, error)) {
        if (mw_postgres_connection_refusal(postgres->connection) != MW_POSTGRES_FULL) {
            return false;
        }
        sample->measured_at = mw_wall_now();
        sample->source = "postgres connect";
        mw_sample_add(sample, "connections_percent", 100, true);
        return true;
    }
    mw_mono_ns now = mw_mono_now();
    sample->measured_at = mw_wall_now();
    sample->source = "postgres statistics";
    mw_postgres_measure(sample, &reading, postgres->measured_at != 0 ? &postgres->last : NULL,
                        (double)(now - postgres->measured_at) / 1e9);
    mw_sample_add(sample, "latency_ms", seconds * 1000, true);
    postgres->last = reading;
    postgres->measured_at = now;
    return true;
}
