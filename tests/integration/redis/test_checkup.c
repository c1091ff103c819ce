/* SPDX-License-Identifier: Apache-2.0 */
/* What doctor is told of a real server's rights, and that asking changes nothing there. */
#include "server.h"

#define SAID_MAX 4096

struct said {
    char text[SAID_MAX];
    int notes, faults;
};

static void say(void *context, enum mw_check_level level, const char *text)
{
    struct said *said = context;
    size_t used = strlen(said->text);
    snprintf(said->text + used, sizeof said->text - used, "%s\n", text);
    said->notes += level == MW_CHECK_NOTE;
    said->faults += level == MW_CHECK_FAULT;
}

static struct said look(struct mw_target *target)
{
    struct said said = {.notes = 0};
    const struct mw_check check = {.context = &said, .say = say};
    struct mw_error error = {0};
    probe_well(target);
    if (!mw_target_redis.check(target, &check, mw_deadline_in(2000), &error))
        fail_msg("%s", error.text);
    assert_int_equal(said.faults, 0);
    return said;
}

static void assert_said(const struct said *said, const char *part, bool expected)
{
    if ((strstr(said->text, part) != NULL) != expected)
        fail_msg("%s \"%s\" in: %s", expected ? "no" : "unexpected", part, said->text);
}

static void everything_is_allowed_body(void)
{
    server_start("--maxmemory 32mb");
    server_say("SET here 1");
    struct said said = look(target_on(NULL));
    assert_said(&said, "Redis ", true);
    assert_said(&said, "a master", true);
    assert_int_equal(said.notes, 0);
    assert_int_equal(server_number("CONFIG GET maxmemory"), 32 * 1024 * 1024);
    assert_int_equal(server_number("DBSIZE"), 1);
}

static void a_renamed_config_is_noticed_body(void)
{
    server_start("--rename-command CONFIG hidden-one");
    struct said said = look(target_on(NULL));
    assert_said(&said, "CONFIG GET is closed", true);
    assert_int_equal(said.notes, 1);
}

static void missing_rights_are_named_body(void)
{
    server_start("");
    server_say("ACL SETUSER reads on >readspass1 +info +config|get +acl ~*");
    struct said said = look(target_on(url_of("reads:readspass1@", "")));
    assert_said(&said, "CONFIG SET is closed", true);
    assert_said(&said, "redis_flush needs rights: ACL SETUSER reads +flushall", true);
    assert_said(&said, "redis_big_keys", true);
    assert_said(&said, "redis_memory_purge", true);
    assert_said(&said, "readspass1", false);
    assert_int_equal(said.notes, 4);

    /* Who may not ask what it may is told what shows by itself. */
    server_say("ACL SETUSER dumb on >dumbpass1 +info +config|get +config|set ~*");
    said = look(target_on(url_of("dumb:dumbpass1@", "")));
    assert_int_equal(said.notes, 0);
}

static void the_documented_user_lacks_nothing_body(void)
{
    server_start("--maxmemory 8mb --maxmemory-policy noeviction");
    /* As docs/targets/redis.md writes it. */
    server_say("ACL SETUSER midwatch on >docpass-1 ~* resetchannels -@all +info +client|setname"
               " +select +ping +config|get +config|set +memory|usage +memory|purge +scan +dbsize"
               " +flushall +flushdb +acl|whoami +acl|dryrun");
    struct mw_target *target = target_on(url_of("midwatch:docpass-1@", ""));
    struct said said = look(target);
    assert_int_equal(said.notes, 0);
    server_fill("k", 0.97);
    static const char *const reading[] = {"redis_info", "redis_big_keys"};
    for (size_t i = 0; i < 2; i++)
        json_decref(run_text(target, reading[i], "{}", true));
    /* Whether it gives anything back is the allocator's affair. */
    struct mw_error error = {0};
    struct mw_redis *redis = target->state;
    redisReply *purged =
        mw_redis_tell(redis->connection, mw_deadline_in(2000), &error, "MEMORY", "PURGE", NULL);
    assert_non_null(purged);
    freeReplyObject(purged);
    struct mw_assessment plan = assess_well(target, "redis_scale_memory", "{\"factor\":2}");
    json_decref(run_tool(target, "redis_scale_memory", plan.arguments, true));
    assessment_release(&plan);
    plan = assess_well(target, "redis_set_eviction", "{\"policy\":\"allkeys-lru\"}");
    json_decref(run_tool(target, "redis_set_eviction", plan.arguments, true));
    assessment_release(&plan);
    plan = assess_well(target, "redis_flush", "{}");
    json_decref(run_tool(target, "redis_flush", plan.arguments, true));
    assessment_release(&plan);
}

BODY_TEST(everything_is_allowed)
BODY_TEST(a_renamed_config_is_noticed)
BODY_TEST(missing_rights_are_named)
BODY_TEST(the_documented_user_lacks_nothing)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_on_server(everything_is_allowed),
        test_on_server(a_renamed_config_is_noticed),
        test_on_server(missing_rights_are_named),
        test_on_server(the_documented_user_lacks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
