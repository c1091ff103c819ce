/* SPDX-License-Identifier: Apache-2.0 */
/* What is measured of a real server, and what becomes of a probe when it is not well. */
#include "server.h"

#include <signal.h>

static void check_values(struct mw_target *target)
{
    struct mw_sample sample = probe_well(target);
    assert_string_equal(sample.source, "redis INFO");
    assert_true(metric_of(&sample, "memory_percent") > 1);
    assert_true(metric_of(&sample, "memory_percent") < 20);
    assert_true(metric_of(&sample, "connected_clients") == 1);
    assert_true(metric_of(&sample, "clients_percent") > 0);
    assert_true(metric_of(&sample, "latency_ms") > 0);
    assert_true(metric_of(&sample, "latency_ms") < 1000);
    assert_null(mw_sample_find(&sample, "evicted_per_s"));

    server_say("SET here 1");
    server_say("GET here");
    server_say("GET there");
    sample = probe_well(target);
    assert_true(metric_of(&sample, "evicted_per_s") == 0);
    assert_true(metric_of(&sample, "hit_ratio") == 0.5);
    mw_target_redis.destroy(target);
}

static void values_over_tcp_and_unix_body(void)
{
    server_start("--maxmemory 32mb");
    check_values(target_on(NULL));
    server_say("CONFIG RESETSTAT");
    check_values(target_on(talloc_asprintf(test_memory, "unix://%s", server.socket)));
}

static void a_full_cache_may_be_well_body(void)
{
    server_start("--maxmemory 8mb --maxmemory-policy noeviction");
    struct mw_target *target = target_on(NULL);
    server_fill("k", 0.97);
    struct mw_sample sample = probe_well(target);
    assert_true(metric_of(&sample, "memory_percent") >= 96);
    assert_true(mw_sample_find(&sample, "memory_percent")->counts);

    server_say("CONFIG SET maxmemory-policy allkeys-lru");
    sample = probe_well(target);
    assert_false(mw_sample_find(&sample, "memory_percent")->counts);

    /* A policy that finds nothing it may evict is none. */
    server_say("CONFIG SET maxmemory-policy volatile-lru");
    sample = probe_well(target);
    assert_true(mw_sample_find(&sample, "memory_percent")->counts);
    server_say("EXPIRE k:1 1000");
    sample = probe_well(target);
    assert_false(mw_sample_find(&sample, "memory_percent")->counts);

    server_say("CONFIG SET maxmemory 0");
    sample = probe_well(target);
    assert_null(mw_sample_find(&sample, "memory_percent"));
}

static void evictions_are_counted_body(void)
{
    server_start("--maxmemory 4mb --maxmemory-policy allkeys-lru");
    struct mw_target *target = target_on(NULL);
    probe_well(target);
    for (int i = 0; i < 30; i++) {
        server_say("SETRANGE big:%d 200000 x", i);
    }
    struct mw_sample sample = probe_well(target);
    assert_true(metric_of(&sample, "evicted_per_s") > 1);
}

static void a_password_is_needed_body(void)
{
    char text[400];
    server_start("--requirepass s3cret-one");
    assert_int_equal(probe_badly(target_on(NULL), 2000, text), MW_ERROR_REFUSED);
    assert_non_null(strstr(text, "asks for a password"));
    assert_int_equal(probe_badly(target_on(url_of(":wrong-one@", "")), 2000, text),
                     MW_ERROR_REFUSED);
    assert_non_null(strstr(text, "does not accept"));
    assert_null(strstr(text, "wrong-one"));
    probe_well(target_on(url_of(":s3cret-one@", "")));
    probe_well(target_on(talloc_asprintf(test_memory, "unix://:s3cret-one@%s", server.socket)));
}

static void a_password_too_many_is_no_fault_body(void)
{
    server_start("");
    probe_well(target_on(url_of(":s3cret-one@", "/2")));
}

static void a_user_may_be_narrow_body(void)
{
    char text[400];
    server_start("");
    server_say("ACL SETUSER ops on >opspass1 +info ~*");
    server_say("ACL SETUSER blind on >blindpass1 +ping ~*");
    struct mw_target *target = target_on(url_of("ops:opspass1@", ""));
    probe_well(target);
    assert_int_equal(probe_badly(target_on(url_of("blind:blindpass1@", "")), 2000, text),
                     MW_ERROR_REFUSED);
    assert_non_null(strstr(text, "ACL SETUSER"));

    json_t *facts = NULL;
    struct mw_error error = {0};
    assert_true(mw_target_redis.facts(target, mw_deadline_in(2000), &facts, &error));
    assert_string_equal(json_string_value(json_object_get(facts, "persistence")), "unknown");
    json_decref(facts);
    assert_int_equal(assess_badly(target, "redis_scale_memory", "{\"factor\":2}", text),
                     MW_ERROR_REFUSED);
    assert_non_null(strstr(text, "CONFIG is closed"));
}

static void a_database_that_is_not_there_body(void)
{
    char text[400];
    server_start("");
    enum mw_error_class class = probe_badly(target_on(url_of("", "/99")), 2000, text);
    assert_int_equal(class, MW_ERROR_PERMANENT);
    assert_non_null(strstr(text, "SELECT 99"));
}

static void maxclients_is_survived_body(void)
{
    redisContext *contexts[64] = {NULL};
    struct mw_sample sample;
    server_start("--maxclients 20");
    struct mw_target *early = target_on(NULL);
    probe_well(early);
    size_t open = 0;
    bool full = false;
    while (open < 64 && !full) {
        contexts[open] = redisConnectUnix(server.socket);
        redisReply *reply = redisCommand(contexts[open++], "PING");
        full = reply == NULL || reply->type == REDIS_REPLY_ERROR;
        freeReplyObject(reply);
    }
    assert_true(full);

    sample = probe_well(early);
    assert_string_equal(sample.source, "redis INFO");
    assert_true(metric_of(&sample, "clients_percent") == 100);

    /* Who comes late is turned away, and knows what that means. */
    const char *const urls[] = {url_of("", ""), url_of(":some-pass@", "/3"),
                                talloc_asprintf(test_memory, "unix://%s", server.socket)};
    for (size_t i = 0; i < 3; i++) {
        struct mw_target *late = target_on(urls[i]);
        for (int round = 0; round < 20; round++) {
            sample = probe_well(late);
            assert_string_equal(sample.source, "redis connect");
            assert_true(metric_of(&sample, "clients_percent") == 100);
            assert_true(mw_sample_find(&sample, "clients_percent")->counts);
            assert_int_equal(sample.count, 1);
        }
    }
    for (size_t i = 0; i < open; i++) {
        redisFree(contexts[i]);
    }
}

static void death_and_return_body(void)
{
    char text[400];
    server_start("");
    struct mw_target *tcp = target_on(NULL);
    struct mw_target *local = target_on(talloc_asprintf(test_memory, "unix://%s", server.socket));
    probe_well(tcp);
    probe_well(local);
    server_kill();
    assert_int_equal(probe_badly(tcp, 2000, text), MW_ERROR_RETRY);
    assert_non_null(strstr(text, "refused"));
    assert_int_equal(probe_badly(local, 2000, text), MW_ERROR_RETRY);
    server_start_again();
    probe_well(tcp);
    probe_well(local);
    /* A connection that the server closed while it was idle is opened again without a word. */
    server_say("CLIENT KILL TYPE normal SKIPME yes");
    struct mw_sample sample = probe_well(tcp);
    assert_string_equal(sample.source, "redis INFO");
}

static void silence_ends_with_the_deadline_body(void)
{
    char text[400];
    server_start("");
    struct mw_target *early = target_on(NULL), *late = target_on(NULL);
    probe_well(early);
    server_signal(SIGSTOP);
    for (int i = 0; i < 2; i++) {
        mw_mono_ns start = mw_mono_now();
        assert_int_equal(probe_badly(i == 0 ? early : late, 300, text), MW_ERROR_TIMEOUT);
        int64_t ms = (mw_mono_now() - start) / 1000000;
        assert_in_range(ms, 295, 600);
    }
    server_signal(SIGCONT);
    probe_well(early);
    probe_well(late);
}

/* ---- one connection for all ---- */

static struct mw_target *shared;
static int measured;

static void probe_shared(void *argument)
{
    for (int i = 0; i < 20; i++) {
        probe_well(shared);
        measured++;
    }
}

static void many_share_one_connection_body(void)
{
    struct mw_group group;
    struct mw_error error = {0};
    server_start("");
    shared = target_on(NULL);
    measured = 0;
    long long before = server_number("CLIENT ID");
    mw_group_init(&group);
    for (int i = 0; i < 30; i++) {
        mw_fiber_spawn(&group, "prober", probe_shared, NULL);
    }
    assert_true(mw_group_wait(&group, mw_deadline_in(10000), &error));
    assert_int_equal(measured, 600);
    /* Ids grow by one per connection: ours is the only one since. */
    assert_int_equal(server_number("CLIENT ID"), before + 2);
}

static void probe_until_cancelled(void *argument)
{
    enum mw_error_class *class = argument;
    char text[400];
    *class = probe_badly(shared, 5000, text);
}

static void a_cancelled_probe_leaves_no_trace_body(void)
{
    struct mw_group group;
    enum mw_error_class class = MW_ERROR_NONE;
    struct mw_error error = {0};
    server_start("");
    shared = target_on(NULL);
    probe_well(shared);
    server_signal(SIGSTOP);
    mw_group_init(&group);
    mw_fiber_spawn(&group, "prober", probe_until_cancelled, &class);
    assert_true(mw_sleep(20, &error));
    mw_group_finish(&group);
    assert_int_equal(class, MW_ERROR_CANCELLED);
    server_signal(SIGCONT);
    /* The answer that nobody waited for is not taken for the next one. */
    server_say("SET a 1");
    json_t *result = run_text(shared, "redis_info", "{\"section\":\"keyspace\"}", true);
    assert_int_equal(json_object_size(json_object_get(result, "data")), 1);
    json_decref(result);
}

static void check_facts(const char *arguments, const char *persistence)
{
    json_t *facts = NULL;
    struct mw_error error = {0};
    server_start(arguments);
    struct mw_target *target = target_on(NULL);
    server_say("SET a 1 EX 100");
    server_say("SET b 1");
    assert_true(mw_target_redis.facts(target, mw_deadline_in(2000), &facts, &error));
    assert_string_equal(json_string_value(json_object_get(facts, "persistence")), persistence);
    assert_int_equal(json_integer_value(json_object_get(facts, "keys")), 2);
    assert_int_equal(json_integer_value(json_object_get(facts, "expires")), 1);
    assert_true(json_integer_value(json_object_get(facts, "host_free_memory")) > 1 << 20);
    assert_string_equal(json_string_value(json_object_get(facts, "role")), "master");
    assert_true(json_is_false(json_object_get(facts, "can_restart")));
    assert_true(json_is_false(json_object_get(facts, "cache")));
    json_decref(facts);
}

static void facts_without_persistence_body(void)
{
    check_facts("--maxmemory 16mb", "none");
}

static void facts_with_snapshots_body(void)
{
    check_facts("--save 3600 1", "rdb");
}

static void facts_with_a_journal_body(void)
{
    check_facts("--appendonly yes", "aof");
}

BODY_TEST(values_over_tcp_and_unix)
BODY_TEST(a_full_cache_may_be_well)
BODY_TEST(evictions_are_counted)
BODY_TEST(a_password_is_needed)
BODY_TEST(a_password_too_many_is_no_fault)
BODY_TEST(a_user_may_be_narrow)
BODY_TEST(a_database_that_is_not_there)
BODY_TEST(maxclients_is_survived)
BODY_TEST(death_and_return)
BODY_TEST(silence_ends_with_the_deadline)
BODY_TEST(many_share_one_connection)
BODY_TEST(a_cancelled_probe_leaves_no_trace)
BODY_TEST(facts_without_persistence)
BODY_TEST(facts_with_snapshots)
BODY_TEST(facts_with_a_journal)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_on_server(values_over_tcp_and_unix),
        test_on_server(a_full_cache_may_be_well),
        test_on_server(evictions_are_counted),
        test_on_server(a_password_is_needed),
        test_on_server(a_password_too_many_is_no_fault),
        test_on_server(a_user_may_be_narrow),
        test_on_server(a_database_that_is_not_there),
        test_on_server(maxclients_is_survived),
        test_on_server(death_and_return),
        test_on_server(silence_ends_with_the_deadline),
        test_on_server(many_share_one_connection),
        test_on_server(a_cancelled_probe_leaves_no_trace),
        test_on_server(facts_without_persistence),
        test_on_server(facts_with_snapshots),
        test_on_server(facts_with_a_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
