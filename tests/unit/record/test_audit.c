/* SPDX-License-Identifier: Apache-2.0 */
/* The audit trail: chained, and every way of changing it behind our back is noticed. */
#include "helper.h"

#define DROP_TRIGGERS "DROP TRIGGER audit_keep; DROP TRIGGER audit_keep_rows; "

static void add_rows(struct fixture *fixture, struct mw_record *record, int count)
{
    struct mw_change *change = mw_change_begin(record);
    for (int i = 0; i < count; i++) {
        json_auto_t *detail = json_pack("{s:i, s:s}", "number", i, "why", "full 🔴 \"quoted\"");
        mw_change_audit(change, i % 2 == 0 ? "midwatch" : "zoë", "opened", i % 3,
                        i % 4 == 0 ? NULL : detail);
    }
    assert_good(fixture, mw_change_commit(change, true, &fixture->error));
}

static void assert_chain(struct fixture *fixture, struct mw_record *record, int64_t rows,
                         int64_t broken)
{
    int64_t count = -1, place = -1;
    assert_good(fixture, mw_audit_verify(record, &count, &place, &fixture->error));
    assert_int_equal(place, broken);
    assert_int_equal(count, rows);
}

static void whole_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    assert_chain(fixture, record, 0, 0);
    add_rows(fixture, record, 1);
    assert_chain(fixture, record, 1, 0);
    add_rows(fixture, record, 499);
    assert_chain(fixture, record, 500, 0);
    add_rows(fixture, record, 700);
    assert_chain(fixture, record, 1200, 0);
    mw_record_close(record);
    record = open_record(fixture, MW_STORE_ACTIVE);
    add_rows(fixture, record, 1);
    assert_chain(fixture, record, 1201, 0);
    mw_record_close(record);
}

static void an_untouched_chain_holds(void **state)
{
    in_fiber(*state, whole_body);
}

static const struct {
    const char *sql;
    int64_t rows, broken;
} harms[] = {
    {"UPDATE audit SET actor = 'mallory' WHERE id = 700", 1000, 700},
    {"UPDATE audit SET actor = actor || char(0) || 'x' WHERE id = 9", 1000, 9},
    {"UPDATE audit SET actor = CAST(x'ff' AS TEXT) WHERE id = 9", 1000, 9},
    {"UPDATE audit SET action = 'closed' WHERE id = 1", 1000, 1},
    {"UPDATE audit SET incident = NULL WHERE id = 2", 1000, 2},
    {"UPDATE audit SET incident = 0 WHERE id = 4", 1000, 4},
    {"UPDATE audit SET incident = 'I1' WHERE id = 4", 1000, 4},
    {"UPDATE audit SET detail = NULL WHERE id = 1000", 1000, 1000},
    {"UPDATE audit SET happened_at = happened_at + 1 WHERE id = 500", 1000, 500},
    {"UPDATE audit SET hash = upper(hash) WHERE id = 501", 1000, 501},
    {"DELETE FROM audit WHERE id = 1", 999, 1},
    {"DELETE FROM audit WHERE id = 600", 999, 600},
    {"DELETE FROM audit WHERE id = 1000", 999, 1000},
    {"DELETE FROM audit", 0, 1},
    {"DELETE FROM audit WHERE id = 600; UPDATE audit SET id = id - 1 WHERE id > 600", 999, 600},
    {"INSERT INTO audit SELECT 0, happened_at, actor, action, incident, detail, hash FROM audit"
     " WHERE id = 1",
     1001, 1},
    {"INSERT INTO audit SELECT 1001, happened_at, actor, action, incident, detail, hash FROM audit"
     " WHERE id = 1",
     1001, 1001},
    {"UPDATE audit_head SET row_count = 999", 1000, 1000},
    {"UPDATE audit_head SET hash = ''", 1000, 1000},
    {"DELETE FROM audit_head", 1000, 1001},
};

static void harm_body(struct fixture *fixture)
{
    for (size_t i = 0; i < sizeof harms / sizeof harms[0]; i++) {
        struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
        add_rows(fixture, record, 1000);
        mw_record_close(record);
        char sql[400];
        snprintf(sql, sizeof sql, DROP_TRIGGERS "%s", harms[i].sql);
        tamper(fixture, sql);
        record = open_record(fixture, MW_STORE_READER);
        print_message("%s\n", harms[i].sql);
        assert_chain(fixture, record, harms[i].rows, harms[i].broken);
        mw_record_close(record);
        remove_folder(fixture->folder);
        assert_int_equal(mkdir(fixture->folder, 0700), 0);
    }
}

static void every_harm_is_found(void **state)
{
    in_fiber(*state, harm_body);
}

static void assert_refused(struct fixture *fixture, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_CONSTRAINT);
    sqlite3_close(db);
}

static void trigger_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    add_rows(fixture, record, 3);
    assert_refused(fixture, "UPDATE audit SET actor = 'mallory'");
    assert_refused(fixture, "DELETE FROM audit");
    assert_chain(fixture, record, 3, 0);
    mw_record_close(record);
}

static void the_trail_refuses_changes(void **state)
{
    in_fiber(*state, trigger_body);
}

/* The chain as record/audit.h words it, computed from the file alone. */
static void documented_body(struct fixture *fixture)
{
    mw_clock_virtual(1700000000000, 7);
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    mw_redact_secret("hunter2-sesame");
    struct mw_change *change = mw_change_begin(record);
    json_auto_t *detail = json_pack("{s:s}", "said", "hunter2-sesame");
    mw_change_audit(change, "a\nb", "opened", 42, detail);
    mw_change_audit(change, "midwatch", "closed", 0, NULL);
    assert_good(fixture, mw_change_commit(change, true, &fixture->error));
    assert_chain(fixture, record, 2, 0);
    mw_record_close(record);
    assert_int_equal(
        look_up(fixture,
                "SELECT COUNT(*) FROM audit WHERE (id = 1 AND actor = 'a b' AND incident = 42"
                " AND detail = '{\"said\":\"•••\"}')"
                " OR (id = 2 AND actor = 'midwatch' AND incident IS NULL AND detail IS NULL)"),
        2);
    /* printf '\n[1700000000000,"a b","opened",42,"{…}"]' | sha256sum, and so on. */
    assert_int_equal(
        look_up(fixture,
                "SELECT COUNT(*) FROM audit WHERE (id, hash) IN (VALUES"
                " (1, '8a771d8451e3d84ea200ab11a41ef8441366d1549b79921fb02a7062cc313a5d'),"
                " (2, '94423516e37404f83b7ca563ac72e064ff4fb5d9ce962b09ee67cea7afbce86b'))"),
        2);
}

static void the_chain_is_as_documented(void **state)
{
    in_fiber(*state, documented_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_record(an_untouched_chain_holds),
        test_record(every_harm_is_found),
        test_record(the_trail_refuses_changes),
        test_record(the_chain_is_as_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
