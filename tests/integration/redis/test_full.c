/* SPDX-License-Identifier: Apache-2.0 */
/* A server that takes no new clients: who was connected before still measures and mends it. */
#include "server.h"

#include <signal.h>
#include <stdlib.h>

#define MIB        (1024 * 1024)
#define GUESTS_MAX 64

static redisContext *guests[GUESTS_MAX];
static size_t guest_count;

/* Connects until the server says no. */
static void fill_clients(void)
{
    bool full = false;
    for (guest_count = 0; guest_count < GUESTS_MAX && !full;) {
        redisContext *guest = redisConnectUnix(server.socket);
        redisReply *reply = redisCommand(guest, "PING");
        full = reply == NULL || reply->type == REDIS_REPLY_ERROR;
        freeReplyObject(reply);
        guests[guest_count++] = guest;
    }
    assert_true(full);
}

static void assert_still_full(void)
{
    redisContext *one = redisConnectUnix(server.socket);
    redisReply *reply = redisCommand(one, "PING");
    assert_true(reply == NULL || reply->type == REDIS_REPLY_ERROR);
    freeReplyObject(reply);
    redisFree(one);
}

static void release_clients(void)
{
    for (size_t i = 0; i < guest_count; i++)
        redisFree(guests[i]);
}

/* By one of those who are in. */
static long long ask_guest(const char *command)
{
    redisReply *reply = redisCommand(guests[0], command);
    assert_non_null(reply);
    const redisReply *value = reply->type == REDIS_REPLY_ARRAY ? reply->element[1] : reply;
    long long number = value->type == REDIS_REPLY_INTEGER ? value->integer : atoll(value->str);
    freeReplyObject(reply);
    return number;
}

static void measured_and_mended_body(void)
{
    server_start("--maxclients 20 --maxmemory 8mb --maxmemory-policy noeviction");
    struct mw_target *target = target_on(NULL);
    probe_well(target);
    server_fill("k", 0.97);
    fill_clients();
    struct mw_sample sample = probe_well(target);
    assert_string_equal(sample.source, "redis INFO");
    assert_true(metric_of(&sample, "clients_percent") == 100);
    assert_true(metric_of(&sample, "memory_percent") > 96);

    struct mw_assessment plan = assess_well(target, "redis_scale_memory", "{\"factor\":2}");
    json_decref(run_tool(target, "redis_scale_memory", plan.arguments, true));
    assessment_release(&plan);
    assert_int_equal(ask_guest("CONFIG GET maxmemory"), 16 * MIB);
    plan = assess_well(target, "redis_flush", "{}");
    json_decref(run_tool(target, "redis_flush", plan.arguments, true));
    assessment_release(&plan);
    assert_int_equal(ask_guest("DBSIZE"), 0);
    json_decref(run_text(target, "redis_big_keys", "{}", true));
    assert_still_full();
    release_clients();
}

/* A probe that had to be given up must not cost the only way in. */
static void patience_keeps_the_way_in_body(void)
{
    char text[400];
    server_start("--maxclients 20 --maxmemory 8mb --maxmemory-policy noeviction");
    struct mw_target *target = target_on(NULL);
    probe_well(target);
    fill_clients();
    server_signal(SIGSTOP);
    for (int i = 0; i < 3; i++)
        assert_int_equal(probe_badly(target, 200, text), MW_ERROR_TIMEOUT);
    server_signal(SIGCONT);
    struct mw_sample sample = probe_well(target);
    assert_string_equal(sample.source, "redis INFO");
    assert_true(metric_of(&sample, "clients_percent") == 100);
    /* What was asked in vain is not taken for the answer to this. */
    json_t *result = run_text(target, "redis_info", "{\"section\":\"keyspace\"}", true);
    assert_int_equal(json_object_size(json_object_get(result, "data")), 0);
    json_decref(result);
    assert_still_full();
    release_clients();
}

/* What was told in vain is done once: nothing is said again on another connection. */
static void given_up_commands_run_once_body(void)
{
    server_start("--maxmemory 8mb --maxmemory-policy noeviction");
    struct mw_target *target = target_on(NULL);
    struct mw_error error = {0};
    probe_well(target);
    server_signal(SIGSTOP);
    struct mw_redis *redis = target->state;
    assert_null(
        mw_redis_tell(redis->connection, mw_deadline_in(200), &error, "INCR", "told", NULL));
    assert_int_equal(error.class, MW_ERROR_TIMEOUT);
    server_signal(SIGCONT);
    probe_well(target);
    assert_int_equal(server_number("GET told"), 1);
}

/* Where the late answer never comes, a new connection takes over. */
static void a_dead_connection_is_replaced_body(void)
{
    char text[400];
    server_start("");
    struct mw_target *target = target_on(NULL);
    probe_well(target);
    server_signal(SIGSTOP);
    assert_int_equal(probe_badly(target, 200, text), MW_ERROR_TIMEOUT);
    server_kill();
    server_start_again();
    struct mw_sample sample = probe_well(target);
    assert_string_equal(sample.source, "redis INFO");
}

BODY_TEST(measured_and_mended)
BODY_TEST(patience_keeps_the_way_in)
BODY_TEST(given_up_commands_run_once)
BODY_TEST(a_dead_connection_is_replaced)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_on_server(measured_and_mended),
        test_on_server(patience_keeps_the_way_in),
        test_on_server(given_up_commands_run_once),
        test_on_server(a_dead_connection_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
