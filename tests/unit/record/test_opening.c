/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the store: who may hold it and who may read beside, and files that are no store. */
#include "helper.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

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

/* The store as the first version left it, with an incident in it. */
static void upgrade_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    assert_good(fixture, save_incident(fixture, record, make_incident(fixture, record)));
    mw_record_close(record);
    tamper(fixture, "DROP TABLE exchange");
    tamper(fixture, "DROP TABLE silence");
    tamper(fixture, "DROP TABLE member");
    tamper(fixture, "DROP INDEX outbox_incident");
    tamper(fixture, "DROP INDEX audit_incident");
    tamper(fixture, "DROP INDEX incident_kind");
    tamper(fixture, "DROP INDEX incident_resource");
    tamper(fixture, "DROP INDEX incident_closed");
    tamper(fixture, "ALTER TABLE incident DROP COLUMN mass");
    tamper(fixture, "DROP TABLE setting");
    tamper(fixture, "DROP INDEX plan_automatic");
    tamper(fixture, "ALTER TABLE plan DROP COLUMN model_usage");
    tamper(fixture, "UPDATE meta SET value = 1");
    assert_fails(fixture, try_open(fixture, MW_STORE_READER), MW_ERROR_PERMANENT, "older midwatch");
    record = open_record(fixture, MW_STORE_ACTIVE);
    assert_int_equal(count_incidents(fixture, record), 1);
    struct mw_change *change = mw_change_begin(record);
    mw_change_setting(change, "frozen", "by alice");
    assert_good(fixture, mw_change_commit(change, false, &fixture->error));
    mw_record_close(record);
    record = open_record(fixture, MW_STORE_ACTIVE);
    char *value = NULL;
    assert_good(fixture, mw_record_setting(record, record, "frozen", &value, &fixture->error));
    assert_string_equal(value, "by alice");
    mw_record_close(record);
}

static void the_first_version_is_brought_up(void **state)
{
    in_fiber(*state, upgrade_body);
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
        test_record(a_second_active_one_is_refused),
        test_record(a_killed_holder_leaves_no_lock),
        test_record(a_reader_stands_beside),
        test_record(a_reader_needs_no_right_to_write),
        test_record(files_that_are_no_store_are_told_apart),
        test_record(a_damaged_file_is_said),
        test_record(other_versions_are_refused),
        test_record(the_first_version_is_brought_up),
        test_record(a_store_can_live_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
