/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite as the store: who may open what, committing in groups, and what goes wrong with files. */
#include "helper.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

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

/* ---- who holds it ---- */

static bool try_open(struct fixture *fixture, enum mw_store_mode mode)
{
    struct mw_record *record =
        mw_record_open(fixture->memory, &mw_store_sqlite, fixture->path, mode, &fixture->error);
    mw_record_close(record);
    return record != NULL;
}

static void alone_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    char pid[40];
    snprintf(pid, sizeof pid, "pid %ld", (long)getpid());
    assert_fails(fixture, try_open(fixture, MW_STORE_ACTIVE), MW_ERROR_REFUSED, pid);

    /* Another name of the same file is the same store. */
    struct fixture alias = *fixture;
    snprintf(alias.path, sizeof alias.path, "%s/alias.db", fixture->folder);
    assert_int_equal(symlink("record.db", alias.path), 0);
    assert_fails(&alias, try_open(&alias, MW_STORE_ACTIVE), MW_ERROR_REFUSED, pid);

    struct stat status;
    assert_int_equal(stat(fixture->path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    struct mw_incident *incident = make_incident(fixture, record);
    assert_good(fixture, save_incident(fixture, record, incident));
    mw_record_close(record);
    assert_true(try_open(fixture, MW_STORE_ACTIVE));
}

static void a_second_active_one_is_refused(void **state)
{
    in_fiber(*state, alone_body);
}

static pid_t hold_lock(struct fixture *fixture)
{
    int told[2];
    assert_int_equal(pipe(told), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char path[120];
        snprintf(path, sizeof path, "%s.lock", fixture->path);
        int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        bool held =
            flock(lock, LOCK_EX | LOCK_NB) == 0 && dprintf(lock, "%ld\n", (long)getpid()) > 0;
        if (write(told[1], held ? "y" : "n", 1) == 1) {
            pause();
        }
        _exit(1);
    }
    char answer = 0;
    assert_int_equal(read(told[0], &answer, 1), 1);
    assert_int_equal(answer, 'y');
    close(told[0]);
    close(told[1]);
    return child;
}

static void killed_body(struct fixture *fixture)
{
    assert_true(try_open(fixture, MW_STORE_ACTIVE));
    pid_t holder = hold_lock(fixture);
    char pid[40];
    snprintf(pid, sizeof pid, "pid %ld", (long)holder);
    assert_fails(fixture, try_open(fixture, MW_STORE_ACTIVE), MW_ERROR_REFUSED, pid);
    assert_good(fixture, try_open(fixture, MW_STORE_READER));
    assert_int_equal(kill(holder, SIGKILL), 0);
    assert_int_equal(waitpid(holder, NULL, 0), holder);
    assert_good(fixture, try_open(fixture, MW_STORE_ACTIVE));
}

static void a_killed_holder_leaves_no_lock(void **state)
{
    in_fiber(*state, killed_body);
}

/* ---- readers ---- */

static size_t count_incidents(struct fixture *fixture, struct mw_record *record)
{
    size_t count = 0;
    assert_non_null(mw_record_incidents(record, fixture->memory, MW_INCIDENTS_ALL, 100, &count,
                                        &fixture->error));
    return count;
}

static void beside_body(struct fixture *fixture)
{
    assert_fails(fixture, try_open(fixture, MW_STORE_READER), MW_ERROR_PERMANENT, "no record at");
    struct mw_record *active = open_record(fixture, MW_STORE_ACTIVE);
    assert_good(fixture, save_incident(fixture, active, make_incident(fixture, active)));
    struct mw_record *reader = open_record(fixture, MW_STORE_READER);
    assert_int_equal(count_incidents(fixture, reader), 1);
    assert_good(fixture, save_incident(fixture, active, make_incident(fixture, active)));
    assert_int_equal(count_incidents(fixture, reader), 2);
    assert_fails(fixture, save_incident(fixture, reader, make_incident(fixture, reader)),
                 MW_ERROR_PERMANENT, "cannot be written");
    mw_record_close(active);
    assert_int_equal(count_incidents(fixture, reader), 2);
    mw_record_close(reader);

    char wal[120];
    snprintf(wal, sizeof wal, "%s-wal", fixture->path);
    unlink(wal);
    snprintf(wal, sizeof wal, "%s-shm", fixture->path);
    unlink(wal);
    reader = open_record(fixture, MW_STORE_READER);
    assert_int_equal(count_incidents(fixture, reader), 2);
    mw_record_close(reader);
    active = open_record(fixture, MW_STORE_ACTIVE);
    assert_int_equal(count_incidents(fixture, active), 2);
    mw_record_close(active);
}

static void a_reader_stands_beside(void **state)
{
    in_fiber(*state, beside_body);
}

/* In a folder that cannot be written, where SQLite cannot have its shared memory. */
static int read_as_nobody(struct fixture *fixture)
{
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) {
        return 2;
    }
    struct mw_error error = {0};
    struct mw_record *record =
        mw_record_open(fixture->memory, &mw_store_sqlite, fixture->path, MW_STORE_READER, &error);
    if (record == NULL) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    size_t count = count_incidents(fixture, record);
    mw_record_close(record);
    return count == 1 ? 0 : 1;
}

static int read_only_main(void *argument)
{
    return read_as_nobody(argument);
}

static void make_one_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    assert_good(fixture, save_incident(fixture, record, make_incident(fixture, record)));
    mw_record_close(record);
}

static void a_reader_needs_no_right_to_write(void **state)
{
    struct fixture *fixture = *state;
    snprintf(fixture->path, sizeof fixture->path, "%s/100%% odd?#.db", fixture->folder);
    in_fiber(fixture, make_one_body);
    assert_int_equal(chmod(fixture->path, 0444), 0);
    assert_int_equal(chmod(fixture->folder, 0555), 0);
    mw_runtime_finish(); /* the child needs a loop of its own */
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct mw_error error = {0};
        int result = mw_runtime_init(&error) ? mw_runtime_run(read_only_main, fixture) : 3;
        talloc_free(fixture->memory);
        _exit(result);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    chmod(fixture->folder, 0755);
    assert_good(fixture, mw_runtime_init(&fixture->error));
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 2) {
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- files that are no store ---- */

static void write_file(const char *path, const char *bytes, size_t length)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    fclose(file);
}

static void assert_unusable(struct fixture *fixture, const char *part)
{
    assert_fails(fixture, try_open(fixture, MW_STORE_ACTIVE), MW_ERROR_PERMANENT, part);
    assert_non_null(strstr(fixture->error.text, fixture->path));
    assert_fails(fixture, try_open(fixture, MW_STORE_READER), MW_ERROR_PERMANENT, part);
}

static void unusable_body(struct fixture *fixture)
{
    char text[8192];
    memset(text, 'x', sizeof text);
    write_file(fixture->path, text, sizeof text);
    assert_unusable(fixture, "no SQLite database");

    unlink(fixture->path);
    tamper(fixture, "CREATE TABLE theirs (n)");
    assert_unusable(fixture, "another program");
    assert_int_equal(look_up(fixture, "SELECT COUNT(*) FROM sqlite_master"), 1);

    unlink(fixture->path);
    write_file(fixture->path, "", 0);
    assert_fails(fixture, try_open(fixture, MW_STORE_READER), MW_ERROR_PERMANENT, "no record in");
    assert_good(fixture, try_open(fixture, MW_STORE_ACTIVE));

    snprintf(fixture->path, sizeof fixture->path, "%s", fixture->folder);
    assert_unusable(fixture, "is a folder");
    snprintf(fixture->path, sizeof fixture->path, "/dev/null");
    assert_unusable(fixture, "no regular file");
    snprintf(fixture->path, sizeof fixture->path, "%s/none/record.db", fixture->folder);
    assert_unusable(fixture, "does not exist");
    snprintf(fixture->path, sizeof fixture->path, "/proc/record.db");
    assert_fails(fixture, try_open(fixture, MW_STORE_ACTIVE), MW_ERROR_PERMANENT, "cannot be made");
}

static void files_that_are_no_store_are_told_apart(void **state)
{
    in_fiber(*state, unusable_body);
}

static void damaged_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    for (int i = 0; i < 50; i++) {
        assert_good(fixture, save_incident(fixture, record, make_incident(fixture, record)));
    }
    mw_record_close(record);
    FILE *file = fopen(fixture->path, "r+");
    assert_non_null(file);
    char garbage[4096];
    memset(garbage, 0xa5, sizeof garbage);
    struct stat status;
    assert_int_equal(stat(fixture->path, &status), 0);
    for (long at = 4096; at < status.st_size; at += 4096) {
        fseek(file, at, SEEK_SET);
        assert_int_equal(fwrite(garbage, 1, sizeof garbage, file), sizeof garbage);
    }
    fclose(file);
    assert_unusable(fixture, "damaged");
}

static void a_damaged_file_is_said(void **state)
{
    in_fiber(*state, damaged_body);
}

static void version_body(struct fixture *fixture)
{
    assert_good(fixture, try_open(fixture, MW_STORE_ACTIVE));
    assert_good(fixture, try_open(fixture, MW_STORE_ACTIVE));
    int64_t version = look_up(fixture, "SELECT value FROM meta WHERE name = 'version'");
    assert_true(version >= 1);
    tamper(fixture, "UPDATE meta SET value = 4711");
    assert_unusable(fixture, "newer midwatch");
    assert_int_equal(look_up(fixture, "SELECT value FROM meta"), 4711);

    tamper(fixture, "UPDATE meta SET value = 0");
    assert_fails(fixture, try_open(fixture, MW_STORE_READER), MW_ERROR_PERMANENT, "older midwatch");
    /* Its tables exist, so the migration fails, and leaves the version alone. */
    assert_fails(fixture, try_open(fixture, MW_STORE_ACTIVE), MW_ERROR_PERMANENT, "to version 1");
    assert_int_equal(look_up(fixture, "SELECT value FROM meta"), 0);
    tamper(fixture, "UPDATE meta SET value = -1");
    assert_fails(fixture, try_open(fixture, MW_STORE_ACTIVE), MW_ERROR_PERMANENT, "backup");
}

static void other_versions_are_refused(void **state)
{
    in_fiber(*state, version_body);
}

static void memory_body(struct fixture *fixture)
{
    snprintf(fixture->path, sizeof fixture->path, ":memory:");
    struct mw_record *one = open_record(fixture, MW_STORE_ACTIVE);
    struct mw_record *other = open_record(fixture, MW_STORE_ACTIVE);
    assert_good(fixture, save_incident(fixture, one, make_incident(fixture, one)));
    assert_int_equal(count_incidents(fixture, one), 1);
    assert_int_equal(count_incidents(fixture, other), 0);
    mw_record_close(one);
    mw_record_close(other);
    assert_int_not_equal(access(":memory:", F_OK), 0);
}

static void a_store_can_live_in_memory(void **state)
{
    in_fiber(*state, memory_body);
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
        test_record(a_second_active_one_is_refused),
        test_record(a_killed_holder_leaves_no_lock),
        test_record(a_reader_stands_beside),
        test_record(a_reader_needs_no_right_to_write),
        test_record(files_that_are_no_store_are_told_apart),
        test_record(a_damaged_file_is_said),
        test_record(other_versions_are_refused),
        test_record(a_store_can_live_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
