/* SPDX-License-Identifier: Apache-2.0 */
/* What doctor is told of the record, and that looking leaves it as it is. */
#include "helper.h"

static char said[4096];
static int counts[3];

static void say(void *context, enum mw_check_level level, const char *text)
{
    size_t used = strlen(said);
    snprintf(said + used, sizeof said - used, "%s: %s\n", mw_check_level_name(level), text);
    counts[level]++;
}

static void look_at(const char *path)
{
    const struct mw_check check = {.say = say};
    memset(said, 0, sizeof said);
    memset(counts, 0, sizeof counts);
    mw_record_check(&mw_store_sqlite, path, &check, mw_deadline_in(5000));
}

static void assert_said(const char *part)
{
    if (strstr(said, part) == NULL)
        fail_msg("\"%s\" is missing in: %s", part, said);
}

static void from_nothing_to_held_body(struct fixture *fixture)
{
    look_at(fixture->path);
    assert_said("ok: ");
    assert_said("is not there yet");
    assert_int_equal(access(fixture->path, F_OK), -1);

    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    struct mw_change *change = mw_change_begin(record);
    mw_change_audit(change, "midwatch", "started", 0, NULL);
    assert_good(fixture, mw_change_commit(change, false, &fixture->error));
    look_at(fixture->path);
    char held[64];
    snprintf(held, sizeof held, "held by the running midwatch (pid %ld)", (long)getpid());
    assert_said(held);
    assert_said("ok: 0 open incidents");
    assert_int_equal(counts[MW_CHECK_NOTE] + counts[MW_CHECK_FAULT], 0);
    mw_record_close(record);

    look_at(fixture->path);
    assert_said("held by nobody");
    assert_int_equal(chmod(fixture->path, 0644), 0);
    look_at(fixture->path);
    assert_said("note: others than its owner may read it");
}

static void from_nothing_to_held(void **state)
{
    in_fiber(*state, from_nothing_to_held_body);
}

static void other_versions_body(struct fixture *fixture)
{
    mw_record_close(open_record(fixture, MW_STORE_ACTIVE));
    int64_t newest = look_up(fixture, "SELECT value FROM meta WHERE name = 'version'");
    tamper(fixture, "UPDATE meta SET value = 1 WHERE name = 'version'");
    look_at(fixture->path);
    assert_said("note: its tables have version 1");
    assert_int_equal(counts[MW_CHECK_FAULT], 0);
    assert_int_equal(look_up(fixture, "SELECT value FROM meta WHERE name = 'version'"), 1);
    tamper(fixture, "UPDATE meta SET value = 99 WHERE name = 'version'");
    look_at(fixture->path);
    assert_said("failed: it was written by a newer midwatch (version 99");
    assert_true(newest > 1);
}

static void other_versions(void **state)
{
    in_fiber(*state, other_versions_body);
}

static void a_clock_that_went_back_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    struct mw_change *change = mw_change_begin(record);
    mw_change_audit(change, "midwatch", "started", 0, NULL);
    assert_good(fixture, mw_change_commit(change, false, &fixture->error));
    mw_record_close(record);
    tamper(fixture, "DROP TRIGGER audit_keep; UPDATE audit SET happened_at = 4102444800000");
    look_at(fixture->path);
    assert_said("note: its newest entry is of 2100-01-01T00:00:00.000Z, which is still to come");
}

static void a_clock_that_went_back(void **state)
{
    in_fiber(*state, a_clock_that_went_back_body);
}

static void no_place_body(struct fixture *fixture)
{
    look_at("/nowhere/at/all/record.db");
    assert_said("failed: the folder of /nowhere/at/all/record.db does not exist");
    look_at(fixture->folder);
    assert_said("is a folder");
    FILE *file = fopen(fixture->path, "we");
    fputs("this is no database, it is a letter to somebody, and quite a long one at that\n", file);
    fclose(file);
    look_at(fixture->path);
    assert_int_equal(counts[MW_CHECK_FAULT], 1);
    unlink(fixture->path);
    tamper(fixture, "CREATE TABLE foreigner (x)");
    look_at(fixture->path);
    assert_said("failed: ");
    assert_said("another program");
}

static void no_place(void **state)
{
    in_fiber(*state, no_place_body);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(from_nothing_to_held),
        test(other_versions),
        test(a_clock_that_went_back),
        test(no_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
