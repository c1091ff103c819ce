/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions at the store: in groups, past their deadline, against locks and a full disk. */
#include "helper.h"

/* ---- transactions as the record builds them ---- */

static struct mw_transaction *begin(void)
{
    return talloc_zero(NULL, struct mw_transaction);
}

static struct mw_statement *say(struct mw_transaction *transaction, const char *sql, bool returns)
{
    transaction->statements = talloc_realloc(transaction, transaction->statements,
                                             struct mw_statement, transaction->count + 1);
    struct mw_statement *statement = &transaction->statements[transaction->count++];
    *statement = (struct mw_statement){
        .sql = talloc_strdup(transaction, sql), .expect = MW_ROWS_ANY, .returns = returns};
    return statement;
}

static bool run_sql(struct fixture *fixture, struct mw_store *store, const char *sql,
                    int64_t *number)
{
    struct mw_transaction *transaction = begin();
    say(transaction, sql, number != NULL);
    bool ok = mw_store_sqlite.commit(store, &transaction, mw_deadline_in(5000), &fixture->error);
    if (ok && number != NULL) {
        assert_int_equal(transaction->statements[0].row_count, 1);
        assert_int_equal(transaction->statements[0].cells[0].type, MW_VALUE_INTEGER);
        *number = transaction->statements[0].cells[0].integer;
    }
    talloc_free(transaction);
    return ok;
}

static void open_store(struct fixture *fixture, struct mw_store *store, enum mw_store_mode mode)
{
    *store = (struct mw_store){.ops = &mw_store_sqlite};
    assert_good(fixture, mw_store_sqlite.open(store, fixture->path, mode, &fixture->error));
}

/* ---- committing in groups ---- */

struct member {
    struct fixture *fixture;
    struct mw_store *store;
    int number;
    bool ok, doomed;
    enum mw_error_class class;
};

static void run_member(void *argument)
{
    struct member *member = argument;
    struct mw_transaction *transaction = begin();
    char sql[100];
    snprintf(sql, sizeof sql, "INSERT INTO t (n) VALUES (%d)", member->number);
    say(transaction, sql, false);
    say(transaction, "UPDATE t SET n = n WHERE n = 5", false)->expect =
        member->doomed ? 1 : MW_ROWS_ANY;
    struct mw_error error = {0};
    member->ok = mw_store_sqlite.commit(member->store, &transaction, mw_deadline_in(20000), &error);
    member->class = error.class;
    assert_non_null(transaction);
    talloc_free(transaction);
}

#define MEMBERS 200

static void group_body(struct fixture *fixture)
{
    struct mw_store store;
    open_store(fixture, &store, MW_STORE_ACTIVE);
    assert_good(fixture, run_sql(fixture, &store, "CREATE TABLE t (n BIGINT UNIQUE)", NULL));
    assert_good(fixture, run_sql(fixture, &store, "INSERT INTO t VALUES (7)", NULL));

    struct member *members = talloc_zero_array(fixture->memory, struct member, MEMBERS);
    struct mw_group group;
    mw_group_init(&group);
    for (int i = 0; i < MEMBERS; i++) {
        members[i] = (struct member){.fixture = fixture,
                                     .store = &store,
                                     .number = i == 50 ? 7 : 1000 + i,
                                     .doomed = i == 100};
        mw_fiber_spawn(&group, "member", run_member, &members[i]);
    }
    assert_good(fixture, mw_group_wait(&group, mw_deadline_in(30000), &fixture->error));
    for (int i = 0; i < MEMBERS; i++) {
        bool fails = i == 50 || i == 100;
        assert_int_equal(members[i].ok, !fails);
        assert_int_equal(members[i].class, fails ? MW_ERROR_REFUSED : MW_ERROR_NONE);
    }
    int64_t count = 0;
    assert_good(fixture, run_sql(fixture, &store, "SELECT COUNT(*) FROM t", &count));
    assert_int_equal(count, MEMBERS - 2 + 1);
    mw_group_finish(&group);
    mw_store_sqlite.close(&store);
}

static void one_that_fails_takes_no_other_along(void **state)
{
    in_fiber(*state, group_body);
}

/* A page limit plays the full disk: it ends the whole transaction, so all of it must be reported. */
static void full_body(struct fixture *fixture)
{
    struct mw_store store;
    open_store(fixture, &store, MW_STORE_ACTIVE);
    assert_good(fixture, run_sql(fixture, &store, "CREATE TABLE t (n BIGINT, x TEXT)", NULL));
    int64_t ignored;
    assert_good(fixture, run_sql(fixture, &store, "PRAGMA max_page_count = 20", &ignored));
    assert_fails(fixture,
                 run_sql(fixture, &store,
                         "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
                         " SELECT i + 1 FROM n WHERE i < 200) SELECT i, hex(zeroblob(2000)) FROM n",
                         NULL),
                 MW_ERROR_PERMANENT, "is full");
    int64_t count = -1;
    assert_good(fixture, run_sql(fixture, &store, "SELECT COUNT(*) FROM t", &count));
    assert_int_equal(count, 0);
    assert_good(fixture, run_sql(fixture, &store, "INSERT INTO t VALUES (1, 'x')", NULL));
    mw_store_sqlite.close(&store);
}

static void a_full_disk_is_said_and_survived(void **state)
{
    in_fiber(*state, full_body);
}

/* Another program holds the write lock: the wait ends at the deadline, the driver keeps what it was
 * given, and it still happens once the lock is gone. */
static void deadline_body(struct fixture *fixture)
{
    struct mw_store store;
    open_store(fixture, &store, MW_STORE_ACTIVE);
    assert_good(fixture, run_sql(fixture, &store, "CREATE TABLE t (n BIGINT)", NULL));
    sqlite3 *other = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);

    struct mw_transaction *transaction = begin();
    say(transaction, "INSERT INTO t VALUES (1)", false);
    assert_fails(fixture,
                 mw_store_sqlite.commit(&store, &transaction, mw_deadline_in(50), &fixture->error),
                 MW_ERROR_TIMEOUT, "record.db");
    assert_null(transaction);
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    int64_t count = 0;
    assert_good(fixture, run_sql(fixture, &store, "SELECT COUNT(*) FROM t", &count));
    assert_int_equal(count, 1);
    mw_store_sqlite.close(&store);
}

static void after_the_deadline_the_driver_keeps_it(void **state)
{
    in_fiber(*state, deadline_body);
}

static void locked_body(struct fixture *fixture)
{
    struct mw_store store;
    open_store(fixture, &store, MW_STORE_ACTIVE);
    sqlite3 *other = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_fails(fixture, run_sql(fixture, &store, "CREATE TABLE t (n BIGINT)", NULL),
                 MW_ERROR_RETRY, "locked");
    sqlite3_close(other);
    assert_good(fixture, run_sql(fixture, &store, "CREATE TABLE t (n BIGINT)", NULL));
    mw_store_sqlite.close(&store);
}

static void a_lock_that_stays_is_said(void **state)
{
    in_fiber(*state, locked_body);
}

static void cancel_body(struct fixture *fixture)
{
    struct mw_store store;
    open_store(fixture, &store, MW_STORE_ACTIVE);
    assert_good(fixture, run_sql(fixture, &store, "CREATE TABLE t (n BIGINT)", NULL));
    struct member member = {.fixture = fixture, .store = &store, .number = 1};
    struct mw_group group;
    mw_group_init(&group);
    mw_fiber_spawn(&group, "member", run_member, &member);
    mw_group_cancel(&group);
    mw_group_finish(&group);
    assert_true(member.ok);
    int64_t count = 0;
    assert_good(fixture, run_sql(fixture, &store, "SELECT COUNT(*) FROM t", &count));
    assert_int_equal(count, 1);
    mw_store_sqlite.close(&store);
}

static void a_cancelled_fiber_still_commits(void **state)
{
    in_fiber(*state, cancel_body);
}

static void values_body(struct fixture *fixture)
{
    struct mw_store store;
    open_store(fixture, &store, MW_STORE_ACTIVE);
    struct mw_transaction *transaction = begin();
    struct mw_statement *statement =
        say(transaction, "SELECT ?, ?, ?, ?, mw_sha256(?), mw_sha256(NULL), x'610062'", true);
    statement->value_count = 5;
    statement->values = talloc_zero_array(transaction, struct mw_value, 5);
    statement->values[1] = (struct mw_value){.type = MW_VALUE_INTEGER, .integer = INT64_MIN};
    statement->values[2] = (struct mw_value){.type = MW_VALUE_REAL, .real = 0.1};
    statement->values[3] = (struct mw_value){.type = MW_VALUE_TEXT, .text = (char[]){"é🔴'"}};
    statement->values[4] = (struct mw_value){.type = MW_VALUE_TEXT, .text = (char[]){"abc"}};
    assert_good(fixture, mw_store_sqlite.commit(&store, &transaction, mw_deadline_in(5000),
                                                &fixture->error));
    statement = &transaction->statements[0];
    assert_int_equal(statement->column_count, 7);
    const struct mw_value *cells = statement->cells;
    assert_int_equal(cells[0].type, MW_VALUE_NULL);
    assert_int_equal(cells[1].integer, INT64_MIN);
    assert_true(cells[2].real == 0.1);
    assert_string_equal(cells[3].text, "é🔴'");
    assert_string_equal(cells[4].text,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(cells[5].type, MW_VALUE_NULL);
    assert_string_equal(cells[6].text, "a?b");
    talloc_free(transaction);

    assert_fails(fixture, run_sql(fixture, &store, "SELECT ?", NULL), MW_ERROR_BAD_INPUT,
                 "0 values");
    assert_fails(fixture, run_sql(fixture, &store, "SELECT 1; SELECT 2", NULL), MW_ERROR_BAD_INPUT,
                 "not one");
    assert_fails(fixture, run_sql(fixture, &store, "", NULL), MW_ERROR_BAD_INPUT, "not one");
    assert_fails(fixture, run_sql(fixture, &store, "SELEKT", NULL), MW_ERROR_PERMANENT, "syntax");
    for (int i = 0; i < 200; i++) {
        char sql[40];
        int64_t number = 0;
        snprintf(sql, sizeof sql, "SELECT %d", i % 150);
        assert_good(fixture, run_sql(fixture, &store, sql, &number));
        assert_int_equal(number, i % 150);
    }
    mw_store_sqlite.close(&store);
}

static void values_pass_unchanged(void **state)
{
    in_fiber(*state, values_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_record(one_that_fails_takes_no_other_along),
        test_record(a_full_disk_is_said_and_survived),
        test_record(after_the_deadline_the_driver_keeps_it),
        test_record(a_lock_that_stays_is_said),
        test_record(a_cancelled_fiber_still_commits),
        test_record(values_pass_unchanged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
