/* SPDX-License-Identifier: Apache-2.0 */
/* What two readings become. */
#include "helper.h"

#include <math.h>

#include "../../../adapters/target/postgres/postgres.h"

static const struct mw_postgres_reading well = {
    .started_at = 1000,
    .max_connections = 100,
    .reserved = 3,
    .clients = 20,
    .active = 5,
    .idle_in_transaction = 2,
    .blocked = 1,
    .longest_query_s = 4.5,
    .deadlocks = 10,
    .blocks_hit = 1000,
    .blocks_read = 100,
    .replication_lag_s = NAN,
    .xid_age = 214448364.7,
};

static double value(const struct mw_sample *sample, const char *name)
{
    const struct mw_metric *metric = mw_sample_find(sample, name);
    return metric != NULL ? metric->value : NAN;
}

static struct mw_sample measure(const struct mw_postgres_reading *now,
                                const struct mw_postgres_reading *before, double seconds)
{
    struct mw_sample sample = {.count = 0};
    mw_postgres_measure(&sample, now, before, seconds);
    return sample;
}

static void one_reading(void **state)
{
    struct mw_sample sample = measure(&well, NULL, 0);
    assert_true(fabs(value(&sample, "connections_percent") - 100 * 20 / 97.0) < 1e-9);
    assert_true(value(&sample, "connections") == 20);
    assert_true(value(&sample, "active") == 5);
    assert_true(value(&sample, "idle_in_transaction") == 2);
    assert_true(value(&sample, "blocked") == 1);
    assert_true(value(&sample, "longest_query_s") == 4.5);
    assert_true(fabs(value(&sample, "xid_age_percent") - 10) < 0.01);
    assert_null(mw_sample_find(&sample, "deadlocks_per_s"));
    assert_null(mw_sample_find(&sample, "cache_hit_ratio"));
    assert_null(mw_sample_find(&sample, "replication_lag_s"));
}

static void two_readings(void **state)
{
    struct mw_postgres_reading now = well;
    now.deadlocks += 4;
    now.blocks_hit += 75;
    now.blocks_read += 25;
    now.replication_lag_s = 1.5;
    struct mw_sample sample = measure(&now, &well, 2);
    assert_true(value(&sample, "deadlocks_per_s") == 2);
    assert_true(value(&sample, "cache_hit_ratio") == 0.75);
    assert_true(value(&sample, "replication_lag_s") == 1.5);
    sample = measure(&well, &well, 2);
    assert_true(value(&sample, "deadlocks_per_s") == 0);
    assert_null(mw_sample_find(&sample, "cache_hit_ratio"));
}

static void counters_that_began_anew_tell_nothing(void **state)
{
    struct mw_postgres_reading now = well;
    now.deadlocks = 1;
    now.blocks_hit = 5;
    struct mw_sample sample = measure(&now, &well, 2);
    assert_null(mw_sample_find(&sample, "deadlocks_per_s"));
    assert_null(mw_sample_find(&sample, "cache_hit_ratio"));
    now = well;
    now.started_at = 2000;
    sample = measure(&now, &well, 2);
    assert_null(mw_sample_find(&sample, "deadlocks_per_s"));
}

static void reserved_slots(void **state)
{
    struct mw_postgres_reading now = well;
    now.clients = 100;
    struct mw_sample sample = measure(&now, NULL, 0);
    assert_true(value(&sample, "connections_percent") == 100);
    now.clients = 97;
    sample = measure(&now, NULL, 0);
    assert_true(value(&sample, "connections_percent") == 100);
    now.reserved = 100;
    assert_true(mw_postgres_slots(&now) == 100);
}

static void what_is_hidden_is_not_guessed(void **state)
{
    struct mw_postgres_reading now = well;
    now.hidden = 1;
    struct mw_sample sample = measure(&now, NULL, 0);
    assert_true(value(&sample, "connections") == 20);
    assert_null(mw_sample_find(&sample, "active"));
    assert_null(mw_sample_find(&sample, "blocked"));
    assert_null(mw_sample_find(&sample, "longest_query_s"));
}

static void names_are_those_of_the_interface(void **state)
{
    static const char *const names[] = {
        "connections_percent", "connections",     "active",          "idle_in_transaction",
        "longest_query_s",     "blocked",         "deadlocks_per_s", "cache_hit_ratio",
        "replication_lag_s",   "xid_age_percent", "latency_ms",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_string_equal(mw_postgres_metrics[i].name, names[i]);
        bool judged = strstr(names[i], "_percent") != NULL;
        assert_true(judged ? mw_postgres_metrics[i].degraded == 80
                           : isnan(mw_postgres_metrics[i].degraded));
    }
    assert_null(mw_postgres_metrics[sizeof names / sizeof *names].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_reading),
        cmocka_unit_test(two_readings),
        cmocka_unit_test(counters_that_began_anew_tell_nothing),
        cmocka_unit_test(reserved_slots),
        cmocka_unit_test(what_is_hidden_is_not_guessed),
        cmocka_unit_test(names_are_those_of_the_interface),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
