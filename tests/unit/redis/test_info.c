/* SPDX-License-Identifier: Apache-2.0 */
/* INFO's text to fields to metrics. */
#include "helper.h"

#include <math.h>
#include <stdlib.h>

#include "../../../adapters/target/redis/redis.h"

static struct mw_redis_info parse(const char *text)
{
    struct mw_redis_info info;
    mw_redis_info_parse(&info, text, strlen(text));
    return info;
}

static void fields_are_read(void **state)
{
    struct mw_redis_info info = parse("# Server\r\nredis_version:7.0.15\r\nprocess_id:4711\r\n"
                                      "run_id:abc\r\n\r\n# Memory\r\nused_memory:100\r\n"
                                      "used_memory_human:100B\r\nmaxmemory:200\r\n"
                                      "maxmemory_policy:allkeys-lru\r\n# Replication\r\n"
                                      "role:master\r\nconnected_slaves:2\r\n"
                                      "slave0:ip=1,port=2,state=online,offset=9,lag=1\r\n"
                                      "slave1:ip=1,port=2,state=online,offset=9,lag=7\r\n"
                                      "slave_read_repl_offset:5\r\n# Keyspace\r\n"
                                      "db0:keys=10,expires=3,avg_ttl=0\r\n"
                                      "db11:keys=5,expires=0,avg_ttl=0\r\n"
                                      "dbx:keys=5,expires=1\r\nlast:1");
    assert_string_equal(info.version, "7.0.15");
    assert_string_equal(info.run_id, "abc");
    assert_string_equal(info.role, "master");
    assert_string_equal(info.policy, "allkeys-lru");
    assert_int_equal(info.process_id, 4711);
    assert_int_equal(info.used_memory, 100);
    assert_int_equal(info.maxmemory, 200);
    assert_int_equal(info.replicas, 2);
    assert_int_equal(info.replica_lag_s, 7);
    assert_int_equal(info.keys, 15);
    assert_int_equal(info.expires, 3);
    assert_int_equal(info.databases, 2);
    assert_int_equal(info.maxclients, -1);
    assert_int_equal(info.aof_enabled, -1);
}

static void hostile_text_does_no_harm(void **state)
{
    struct mw_redis_info info =
        parse("used_memory:99999999999999999999999\nmaxmemory:-5\nprocess_id:12x\n"
              "connected_clients:\n:5\nrole\nmaxmemory_policy:\x1b[31mred\n"
              "run_id:0123456789012345678901234567890123456789012345678901234567890123456789\n"
              "db0:keys=9223372036854775807,expires=9223372036854775807\n"
              "db1:keys=9223372036854775807,expires=1,keys=\ndb2:\ndb3:,,,=\nslave0:lag=\n");
    assert_int_equal(info.used_memory, -1);
    assert_int_equal(info.maxmemory, -1);
    assert_int_equal(info.process_id, -1);
    assert_int_equal(info.clients, -1);
    assert_int_equal(info.keys, INT64_MAX);
    assert_int_equal(info.expires, INT64_MAX);
    assert_int_equal(info.replica_lag_s, -1);
    assert_string_equal(info.policy, "?[31mred");
    assert_int_equal(strlen(info.run_id), sizeof info.run_id - 1);
    assert_string_equal(info.role, "");

    /* Exact-size copies, so that a byte too far is seen by the sanitizer. */
    static const char text[] = "role:master\r\nrole\0x:y\r\ndb0:keys=1,expires=1\r\nmaxmemory:77";
    for (size_t length = 0; length < sizeof text; length++) {
        char *copy = malloc(length + 1);
        memcpy(copy + 1, text, length);
        mw_redis_info_parse(&info, copy + 1, length);
        free(copy);
    }
    assert_int_equal(info.keys, 1);
}

static void noise_is_survived(void **state)
{
    static char noise[20000];
    uint32_t seed = 5;
    struct mw_redis_info info;
    for (int round = 0; round < 50; round++) {
        for (size_t i = 0; i < sizeof noise; i++) {
            seed = seed * 1664525 + 1013904223;
            noise[i] = (seed >> 28) == 0 ? '\n' : (seed >> 28) == 1 ? ':' : (char)(seed >> 20);
        }
        mw_redis_info_parse(&info, noise, sizeof noise);
    }
    assert_string_equal(info.version, "");
}

/* ---- metrics ---- */

static double metric(const struct mw_sample *sample, const char *name)
{
    const struct mw_metric *found = mw_sample_find(sample, name);
    return found != NULL ? found->value : NAN;
}

static void memory_counts_where_nothing_may_go(void **state)
{
    static const struct {
        const char *text;
        bool counts;
    } cases[] = {
        {"used_memory:97\nmaxmemory:100\nmaxmemory_policy:noeviction", true},
        {"used_memory:97\nmaxmemory:100\nmaxmemory_policy:allkeys-lru", false},
        {"used_memory:97\nmaxmemory:100\nmaxmemory_policy:volatile-ttl", true},
        {"used_memory:97\nmaxmemory:100\nmaxmemory_policy:volatile-ttl\ndb0:keys=5,expires=0",
         true},
        {"used_memory:97\nmaxmemory:100\nmaxmemory_policy:volatile-ttl\ndb3:keys=5,expires=1",
         false},
        {"used_memory:97\nmaxmemory:100", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mw_redis_info info = parse(cases[i].text);
        struct mw_sample sample = {.count = 0};
        mw_redis_measure(&sample, &info, NULL, 0, -1);
        assert_true(metric(&sample, "memory_percent") == 97);
        assert_int_equal(mw_sample_find(&sample, "memory_percent")->counts, cases[i].counts);
    }
}

static void without_a_limit_there_is_no_percentage(void **state)
{
    struct mw_redis_info info = parse("used_memory:97\nmaxmemory:0\nconnected_clients:5");
    struct mw_sample sample = {.count = 0};
    mw_redis_measure(&sample, &info, NULL, 0, -1);
    assert_null(mw_sample_find(&sample, "memory_percent"));
    assert_null(mw_sample_find(&sample, "clients_percent"));
    assert_true(metric(&sample, "connected_clients") == 5);
}

static void clients_are_counted_with_replicas(void **state)
{
    struct mw_redis_info info = parse("connected_clients:70\nconnected_slaves:10\nmaxclients:100");
    struct mw_sample sample = {.count = 0};
    mw_redis_measure(&sample, &info, NULL, 0, 1000);
    assert_true(metric(&sample, "clients_percent") == 80);
    assert_true(metric(&sample, "connected_clients") == 70);

    struct mw_redis_info older = parse("connected_clients:70");
    sample = (struct mw_sample){.count = 0};
    mw_redis_measure(&sample, &older, NULL, 0, 1000);
    assert_true(metric(&sample, "clients_percent") == 7);
}

static void rates_are_of_the_interval(void **state)
{
    struct mw_redis_info before =
        parse("run_id:a\nevicted_keys:100\nkeyspace_hits:1000\nkeyspace_misses:1000");
    struct mw_redis_info now =
        parse("run_id:a\nevicted_keys:150\nkeyspace_hits:1090\nkeyspace_misses:1010");
    struct mw_sample sample = {.count = 0};
    mw_redis_measure(&sample, &now, &before, 5, -1);
    assert_true(metric(&sample, "evicted_per_s") == 10);
    assert_true(metric(&sample, "hit_ratio") == 0.9);

    sample = (struct mw_sample){.count = 0};
    mw_redis_measure(&sample, &now, &now, 5, -1);
    assert_true(metric(&sample, "evicted_per_s") == 0);
    assert_null(mw_sample_find(&sample, "hit_ratio"));

    /* Counters of another process, or set back by CONFIG RESETSTAT, tell nothing. */
    struct mw_redis_info other = now;
    strcpy(other.run_id, "b");
    sample = (struct mw_sample){.count = 0};
    mw_redis_measure(&sample, &other, &before, 5, -1);
    mw_redis_measure(&sample, &before, &now, 5, -1);
    mw_redis_measure(&sample, &now, NULL, 0, -1);
    mw_redis_measure(&sample, &now, &before, 0, -1);
    assert_null(mw_sample_find(&sample, "evicted_per_s"));
    assert_null(mw_sample_find(&sample, "hit_ratio"));
}

static void replicas_know_their_lag(void **state)
{
    struct mw_redis_info up =
        parse("role:slave\nmaster_link_status:up\nmaster_last_io_seconds_ago:3"
              "\nmaster_link_down_since_seconds:99");
    struct mw_redis_info down = parse("role:slave\nmaster_link_status:down\n"
                                      "master_last_io_seconds_ago:-1\n"
                                      "master_link_down_since_seconds:42");
    struct mw_redis_info master = parse("role:master");
    struct mw_sample sample = {.count = 0};
    mw_redis_measure(&sample, &up, NULL, 0, -1);
    assert_true(metric(&sample, "replication_lag_s") == 3);
    sample.count = 0;
    mw_redis_measure(&sample, &down, NULL, 0, -1);
    assert_true(metric(&sample, "replication_lag_s") == 42);
    sample.count = 0;
    mw_redis_measure(&sample, &master, NULL, 0, -1);
    assert_null(mw_sample_find(&sample, "replication_lag_s"));
}

/* ---- texts ---- */

static void numbers_read_well(void **state)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    assert_string_equal(mw_redis_number_text(memory, 0), "0");
    assert_string_equal(mw_redis_number_text(memory, 999), "999");
    assert_string_equal(mw_redis_number_text(memory, 14700), "14,700");
    assert_string_equal(mw_redis_number_text(memory, -1234567), "-1,234,567");
    assert_string_equal(mw_redis_number_text(memory, INT64_MIN), "-9,223,372,036,854,775,808");
    assert_string_equal(mw_redis_change_text(memory, 32 << 20, 64 << 20), "32 → 64 MiB");
    assert_string_equal(mw_redis_change_text(memory, 512 << 10, 1 << 20), "512 KiB → 1 MiB");
    talloc_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_read),
        cmocka_unit_test(hostile_text_does_no_harm),
        cmocka_unit_test(noise_is_survived),
        cmocka_unit_test(memory_counts_where_nothing_may_go),
        cmocka_unit_test(without_a_limit_there_is_no_percentage),
        cmocka_unit_test(clients_are_counted_with_replicas),
        cmocka_unit_test(rates_are_of_the_interval),
        cmocka_unit_test(replicas_know_their_lag),
        cmocka_unit_test(numbers_read_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
