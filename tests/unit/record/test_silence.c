/* SPDX-License-Identifier: Apache-2.0 */
/* Silences survive, take each other's place, and end. */
#include "helper.h"

static void put(struct fixture *fixture, struct mw_record *record, const char *resource,
                mw_wall_ms until, const char *why)
{
    struct mw_silence silence = {.resource = (char *)(uintptr_t)resource,
                                 .person = talloc_strdup(fixture->memory, "olga"),
                                 .why = talloc_strdup(fixture->memory, why),
                                 .begun_at = 1000,
                                 .until = until};
    struct mw_change *change = mw_change_begin(record);
    mw_change_silence(change, &silence);
    assert_good(fixture, mw_change_commit(change, false, &fixture->error));
}

static struct mw_silence *read_all(struct fixture *fixture, struct mw_record *record, size_t wanted)
{
    size_t count = 99;
    struct mw_silence *silences =
        mw_record_silences(record, fixture->memory, &count, &fixture->error);
    assert_good(fixture, silences != NULL);
    assert_int_equal(count, wanted);
    return silences;
}

static void life_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    read_all(fixture, record, 0);
    put(fixture, record, "cache", 5000, "deploying");
    put(fixture, record, "*", 9000, NULL);
    put(fixture, record, "cache", 7000, "see redis://me:hunter22@10.0.0.1/");
    mw_record_close(record);

    record = open_record(fixture, MW_STORE_ACTIVE);
    struct mw_silence *silences = read_all(fixture, record, 2);
    assert_string_equal(silences[0].resource, "*");
    assert_null(silences[0].why);
    assert_string_equal(silences[1].resource, "cache");
    assert_string_equal(silences[1].person, "olga");
    assert_int_equal(silences[1].begun_at, 1000);
    assert_int_equal(silences[1].until, 7000);
    assert_null(strstr(silences[1].why, "hunter22"));

    struct mw_change *change = mw_change_begin(record);
    mw_change_unsilence(change, "cache");
    assert_good(fixture, mw_change_commit(change, false, &fixture->error));
    assert_string_equal(read_all(fixture, record, 1)[0].resource, "*");
    mw_record_close(record);
}

static void test_life(void **state)
{
    in_fiber(*state, life_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_life, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
