/* SPDX-License-Identifier: Apache-2.0 */
/* The tools that change memory, policy and data, on a real server: what they would do, what they do,
 * how it is taken back, what they refuse. */
#include "server.h"

#include <signal.h>

#define MIB (1024LL * 1024)

static json_int_t argument(const json_t *arguments, const char *name)
{
    return json_integer_value(json_object_get(arguments, name));
}

/* ---- redis_scale_memory ---- */

static void memory_is_scaled_and_taken_back_body(void)
{
    server_start("--maxmemory 8mb");
    struct mw_target *target = target_on(NULL);
    server_fill("session", 0.97);
    struct mw_assessment plan =
        assess_well(target, "redis_scale_memory", "{\"maxmemory\":\"16MB\"}");
    assert_int_equal(plan.risk, MW_RISK_REVERSIBLE);
    assert_null(plan.reason);
    assert_int_equal(argument(plan.arguments, "maxmemory"), 16 * MIB);
    assert_true(strncmp(plan.effect, "8 → 16 MiB (", strlen("8 → 16 MiB (")) == 0);
    assert_non_null(strstr(plan.effect, " free)"));
    const json_t *back = json_object_get(plan.undo, "arguments");
    assert_string_equal(json_string_value(json_object_get(plan.undo, "tool")),
                        "redis_scale_memory");
    assert_int_equal(argument(back, "maxmemory"), 8 * MIB);
    /* Assessing changes nothing. */
    assert_int_equal(server_number("CONFIG GET maxmemory"), 8 * MIB);

    json_t *result = run_tool(target, "redis_scale_memory", plan.arguments, true);
    assert_int_equal(server_number("CONFIG GET maxmemory"), 16 * MIB);
    assert_int_equal(data_number(result, "maxmemory"), 16 * MIB);
    assert_in_range(data_number(result, "memory_percent_before"), 96, 99);
    assert_in_range(data_number(result, "memory_percent"), 47, 50);
    assert_non_null(strstr(json_string_value(json_object_get(result, "summary")),
                           "not in the server's configuration file"));
    json_decref(result);
    struct mw_sample sample = probe_well(target);
    assert_true(metric_of(&sample, "memory_percent") < 50);

    json_decref(run_tool(target, "redis_scale_memory", back, true));
    assert_int_equal(server_number("CONFIG GET maxmemory"), 8 * MIB);
    assessment_release(&plan);
}

static void a_factor_is_pinned_body(void)
{
    server_start("--maxmemory 8mb");
    struct mw_target *target = target_on(NULL);
    struct mw_assessment plan = assess_well(target, "redis_scale_memory", "{\"factor\":1.3}");
    assert_int_equal(argument(plan.arguments, "maxmemory"), 11 * MIB);
    assert_null(json_object_get(plan.arguments, "factor"));
    /* Somebody else was faster: what was approved still is what is done. */
    server_say("CONFIG SET maxmemory 10mb");
    json_decref(run_tool(target, "redis_scale_memory", plan.arguments, true));
    assert_int_equal(server_number("CONFIG GET maxmemory"), 11 * MIB);
    /* And doing it twice does it once. */
    json_decref(run_tool(target, "redis_scale_memory", plan.arguments, true));
    assert_int_equal(server_number("CONFIG GET maxmemory"), 11 * MIB);
    assessment_release(&plan);
}

static void scaling_has_its_limits_body(void)
{
    static const struct {
        const char *arguments;
        enum mw_error_class class;
        const char *says;
    } cases[] = {
        {"{}", MW_ERROR_BAD_INPUT, "either"},
        {"{\"maxmemory\":\"16MB\",\"factor\":2}", MW_ERROR_BAD_INPUT, "either"},
        {"{\"maxmemory\":\"much\"}", MW_ERROR_BAD_INPUT, "64MB"},
        {"{\"maxmemory\":-5}", MW_ERROR_BAD_INPUT, "64MB"},
        {"{\"maxmemory\":0}", MW_ERROR_BAD_INPUT, "64MB"},
        {"{\"maxmemory\":[]}", MW_ERROR_BAD_INPUT, "64MB"},
        {"{\"factor\":1}", MW_ERROR_BAD_INPUT, "1.1"},
        {"{\"factor\":100}", MW_ERROR_BAD_INPUT, "1.1"},
        {"{\"factor\":\"x\"}", MW_ERROR_BAD_INPUT, "1.1"},
        {"{\"maxmemory\":\"8MB\"}", MW_ERROR_REFUSED, "already"},
        {"{\"maxmemory\":\"2MB\"}", MW_ERROR_REFUSED, "writes fail"},
        {"{\"maxmemory\":\"4096GB\"}", MW_ERROR_REFUSED, "free"},
        {"{\"maxmemory\":9223372036854775807}", MW_ERROR_REFUSED, "free"},
    };
    char text[400];
    server_start("--maxmemory 8mb");
    server_fill("k", 0.9);
    struct mw_target *target = target_on(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum mw_error_class class =
            assess_badly(target, "redis_scale_memory", cases[i].arguments, text);
        if (class != cases[i].class || strstr(text, cases[i].says) == NULL) {
            fail_msg("%s: %s", cases[i].arguments, text);
        }
    }
    /* Lowering what is not used is well. */
    struct mw_assessment plan =
        assess_well(target, "redis_scale_memory", "{\"maxmemory\":\"7900KB\"}");
    assert_non_null(strstr(plan.effect, "used)"));
    /* The check holds at the time of the run, too. */
    server_fill("k", 0.98);
    json_t *result = NULL;
    struct mw_error error = {0};
    json_auto_t *low = json_pack("{s:s, s:I}", "resource", "cache", "maxmemory", 7 * MIB);
    assert_false(mw_redis_run_scale(target, low, mw_deadline_in(2000), &result, &error));
    assert_int_equal(error.class, MW_ERROR_REFUSED);
    assert_int_equal(server_number("CONFIG GET maxmemory"), 8 * MIB);
    assessment_release(&plan);

    server_say("CONFIG SET maxmemory 0");
    assert_int_equal(assess_badly(target, "redis_scale_memory", "{\"factor\":2}", text),
                     MW_ERROR_REFUSED);
    assert_non_null(strstr(text, "no memory limit"));
}

/* A server that is reached by another name may stand anywhere. */
static void a_host_that_is_not_known_allows_doubling_body(void)
{
    char text[400];
    server_start("--maxmemory 8mb");
    struct mw_target *target = target_on(NULL);
    struct mw_redis *redis = target->state;
    redis->address->local = false;
    struct mw_assessment plan = assess_well(target, "redis_scale_memory", "{\"factor\":2}");
    assert_string_equal(plan.effect, "8 → 16 MiB (host memory not known)");
    assert_int_equal(plan.risk, MW_RISK_REVERSIBLE);
    assessment_release(&plan);
    assert_int_equal(assess_badly(target, "redis_scale_memory", "{\"factor\":2.5}", text),
                     MW_ERROR_REFUSED);
    assert_non_null(strstr(text, "16 MiB"));
}

static void a_closed_config_is_explained_body(void)
{
    char text[400];
    server_start("--maxmemory 8mb --rename-command CONFIG ''");
    struct mw_target *target = target_on(NULL);
    probe_well(target);
    assert_int_equal(assess_badly(target, "redis_scale_memory", "{\"factor\":2}", text),
                     MW_ERROR_REFUSED);
    assert_non_null(strstr(text, "where the service is managed"));
    assert_int_equal(
        assess_badly(target, "redis_set_eviction", "{\"policy\":\"allkeys-lru\"}", text),
        MW_ERROR_REFUSED);
}

static void a_forbidden_set_is_refused_body(void)
{
    server_start("--maxmemory 8mb");
    server_say("ACL SETUSER ops on >opspass1 +info +config|get ~*");
    struct mw_target *target = target_on(url_of("ops:opspass1@", ""));
    struct mw_assessment plan = assess_well(target, "redis_scale_memory", "{\"factor\":2}");
    json_t *result = NULL;
    struct mw_error error = {0};
    assert_false(mw_redis_run_scale(target, plan.arguments, mw_deadline_in(2000), &result, &error));
    assert_int_equal(error.class, MW_ERROR_REFUSED);
    assert_int_equal(server_number("CONFIG GET maxmemory"), 8 * MIB);
    assessment_release(&plan);
}

/* ---- redis_set_eviction ---- */

static void the_policy_is_set_and_taken_back_body(void)
{
    char text[400];
    server_start("--maxmemory 8mb");
    struct mw_target *target = target_on(NULL);
    struct mw_assessment plan =
        assess_well(target, "redis_set_eviction", "{\"policy\":\"allkeys-lru\"}");
    assert_int_equal(plan.risk, MW_RISK_DESTRUCTIVE);
    assert_non_null(strstr(plan.reason, "cache: true"));
    assert_true(strncmp(plan.effect, "noeviction → allkeys-lru", 26) == 0);
    json_decref(run_tool(target, "redis_set_eviction", plan.arguments, true));
    redisReply *reply = server_command("CONFIG GET maxmemory-policy");
    assert_string_equal(reply->element[1]->str, "allkeys-lru");
    freeReplyObject(reply);
    assert_int_equal(
        assess_badly(target, "redis_set_eviction", "{\"policy\":\"allkeys-lru\"}", text),
        MW_ERROR_REFUSED);

    json_decref(
        run_tool(target, "redis_set_eviction", json_object_get(plan.undo, "arguments"), true));
    reply = server_command("CONFIG GET maxmemory-policy");
    assert_string_equal(reply->element[1]->str, "noeviction");
    freeReplyObject(reply);
    assessment_release(&plan);

    target->cache = true;
    plan = assess_well(target, "redis_set_eviction", "{\"policy\":\"volatile-ttl\"}");
    assert_int_equal(plan.risk, MW_RISK_DISRUPTIVE);
    assert_null(plan.reason);
    assessment_release(&plan);
    assert_int_equal(assess_badly(target, "redis_set_eviction", "{\"policy\":\"all\"}", text),
                     MW_ERROR_BAD_INPUT);
}

/* ---- redis_flush ---- */

static void everything_is_flushed_body(void)
{
    char text[400];
    server_start("--maxmemory 8mb");
    struct mw_target *target = target_on(NULL);
    assert_int_equal(assess_badly(target, "redis_flush", "{}", text), MW_ERROR_REFUSED);
    assert_non_null(strstr(text, "no keys"));
    server_fill("k", 0.9);
    long long keys = server_number("DBSIZE");
    assert_int_equal(assess_badly(target, "redis_flush", "{\"confirm\":false}", text),
                     MW_ERROR_BAD_INPUT);
    struct mw_assessment plan = assess_well(target, "redis_flush", "{}");
    assert_int_equal(plan.risk, MW_RISK_DESTRUCTIVE);
    assert_null(plan.undo);
    assert_non_null(strstr(plan.effect, mw_redis_number_text(test_memory, keys)));
    json_t *result = run_tool(target, "redis_flush", plan.arguments, true);
    assert_int_equal(server_number("DBSIZE"), 0);
    assert_int_equal(data_number(result, "keys_before"), keys);
    assert_int_equal(data_number(result, "keys"), 0);
    assert_true(data_number(result, "used_memory") < 4 * MIB);
    json_decref(result);
    assessment_release(&plan);
}

static void one_database_is_flushed_body(void)
{
    server_start("");
    struct mw_target *first = target_on(url_of("", "/0")), *third = target_on(url_of("", "/3"));
    server_say("SET here 1");
    json_auto_t *confirmed = json_pack("{s:s, s:b}", "resource", "cache", "confirm", 1);
    json_t *result = NULL;
    struct mw_error error = {0};
    assert_false(mw_redis_run_flush(third, confirmed, mw_deadline_in(2000), &result, &error));
    assert_int_equal(error.class, MW_ERROR_REFUSED);
    assert_int_equal(server_number("DBSIZE"), 1);
    struct mw_assessment plan = assess_well(first, "redis_flush", "{}");
    assert_string_equal(plan.effect, "deletes 1 keys of database 0");
    server_say("MOVE here 3");
    server_say("SET other 1");
    json_decref(run_tool(first, "redis_flush", plan.arguments, true));
    assert_int_equal(server_number("DBSIZE"), 0);
    redisReply *reply = server_command("INFO keyspace");
    assert_non_null(strstr(reply->str, "db3:keys=1"));
    freeReplyObject(reply);
    assessment_release(&plan);
}

static void a_replica_is_not_flushed_body(void)
{
    char text[400];
    server_start("");
    server_say("SET a 1");
    server_say("REPLICAOF 127.0.0.1 1");
    assert_int_equal(assess_badly(target_on(NULL), "redis_flush", "{}", text), MW_ERROR_REFUSED);
    assert_non_null(strstr(text, "master"));
}

/* ---- reading ---- */

static void info_is_read_body(void)
{
    server_start("--maxmemory 8mb");
    struct mw_target *target = target_on(NULL);
    server_say("SET a 1");
    json_t *result = run_text(target, "redis_info", "{}", true);
    const char *summary = json_string_value(json_object_get(result, "summary"));
    assert_non_null(strstr(summary, "of 8 MiB (noeviction), 1 keys"));
    assert_int_equal(data_number(result, "maxmemory"), 8 * MIB);
    json_decref(result);
    result = run_text(target, "redis_info", "{\"section\":\"clients\"}", true);
    assert_int_equal(data_number(result, "connected_clients"), 1);
    assert_null(json_object_get(json_object_get(result, "data"), "maxmemory"));
    json_decref(result);
}

static void big_keys_are_found_body(void)
{
    server_start("");
    struct mw_target *target = target_on(NULL);
    json_t *result = run_text(target, "redis_big_keys", "{}", true);
    assert_int_equal(data_number(result, "looked_at"), 0);
    json_decref(result);
    for (int i = 0; i < 1200; i++) {
        server_say("SET session:%d xxxxxxxxxxxxxxxxxxxx", i);
    }
    server_say("SETRANGE whale 100000 x");
    server_say("SETRANGE evil\x1b[31m 50000 x");
    server_say("SETRANGE fish 40000 x");
    server_say("EXPIRE fish 1000");
    result = run_text(target, "redis_big_keys", "{\"limit\":3}", true);
    json_t *data = json_object_get(result, "data");
    assert_int_equal(data_number(result, "looked_at"), 1203);
    assert_true(json_is_true(json_object_get(data, "complete")));
    assert_int_equal(data_number(result, "without_expiry"), 1202);
    json_t *keys = json_object_get(data, "keys");
    assert_int_equal(json_array_size(keys), 3);
    assert_string_equal(json_string_value(json_object_get(json_array_get(keys, 0), "key")),
                        "whale");
    const char *evil = json_string_value(json_object_get(json_array_get(keys, 1), "key"));
    assert_true(strncmp(evil, "evil", 4) == 0);
    assert_null(strchr(evil, 0x1b));
    json_t *fish = json_array_get(keys, 2);
    assert_in_range(json_integer_value(json_object_get(fish, "expires_in_s")), 990, 1000);
    json_t *pattern = json_array_get(json_object_get(data, "patterns"), 0);
    for (size_t i = 0; i < json_array_size(json_object_get(data, "patterns")); i++) {
        json_t *other = json_array_get(json_object_get(data, "patterns"), i);
        if (strcmp(json_string_value(json_object_get(other, "pattern")), "session:*") == 0) {
            pattern = other;
        }
    }
    assert_int_equal(json_integer_value(json_object_get(pattern, "keys")), 1200);
    json_decref(result);
}

static void purging_tells_the_truth_body(void)
{
    server_start("--maxmemory 64mb");
    struct mw_target *target = target_on(NULL);
    server_fill("k", 0.9);
    json_t *result = NULL;
    struct mw_error error = {0};
    json_auto_t *arguments = json_pack("{s:s}", "resource", "cache");
    assert_true(mw_redis_run_purge(target, arguments, mw_deadline_in(5000), &result, &error));
    const char *summary = json_string_value(json_object_get(result, "summary"));
    assert_non_null(strstr(summary, "used_memory, which maxmemory limits, stays at"));
    json_decref(result);
}

static void a_hanging_server_times_out_body(void)
{
    server_start("--maxmemory 8mb");
    struct mw_target *target = target_on(NULL);
    probe_well(target);
    server_signal(SIGSTOP);
    json_t *result = NULL;
    struct mw_error error = {0};
    json_auto_t *arguments = json_pack("{s:s, s:I}", "resource", "cache", "maxmemory", 16 * MIB);
    mw_mono_ns start = mw_mono_now();
    assert_false(mw_redis_run_scale(target, arguments, mw_deadline_in(300), &result, &error));
    assert_int_equal(error.class, MW_ERROR_TIMEOUT);
    assert_true(mw_mono_now() - start < 1000000000);
    server_signal(SIGCONT);
}

BODY_TEST(memory_is_scaled_and_taken_back)
BODY_TEST(a_factor_is_pinned)
BODY_TEST(scaling_has_its_limits)
BODY_TEST(a_host_that_is_not_known_allows_doubling)
BODY_TEST(a_closed_config_is_explained)
BODY_TEST(a_forbidden_set_is_refused)
BODY_TEST(the_policy_is_set_and_taken_back)
BODY_TEST(everything_is_flushed)
BODY_TEST(one_database_is_flushed)
BODY_TEST(a_replica_is_not_flushed)
BODY_TEST(info_is_read)
BODY_TEST(big_keys_are_found)
BODY_TEST(purging_tells_the_truth)
BODY_TEST(a_hanging_server_times_out)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_on_server(memory_is_scaled_and_taken_back),
        test_on_server(a_factor_is_pinned),
        test_on_server(scaling_has_its_limits),
        test_on_server(a_host_that_is_not_known_allows_doubling),
        test_on_server(a_closed_config_is_explained),
        test_on_server(a_forbidden_set_is_refused),
        test_on_server(the_policy_is_set_and_taken_back),
        test_on_server(everything_is_flushed),
        test_on_server(one_database_is_flushed),
        test_on_server(a_replica_is_not_flushed),
        test_on_server(info_is_read),
        test_on_server(big_keys_are_found),
        test_on_server(purging_tells_the_truth),
        test_on_server(a_hanging_server_times_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
