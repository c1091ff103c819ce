/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the record share: a folder per test, a loop, and bodies that run in a fiber. */
#ifndef MIDWATCH_TEST_RECORD_HELPER_H
#define MIDWATCH_TEST_RECORD_HELPER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/redact.h"
#include "record/record.h"
#include "runtime/fiber.h"
#include "runtime/runtime.h"
#include "store/sqlite/sqlite.h"

struct fixture {
    char folder[64];
    char path[96];
    TALLOC_CTX *memory;
    struct mw_error error;
    void (*body)(struct fixture *fixture);
};

static inline int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    const char *root = getenv("TMPDIR");
    snprintf(fixture->folder, sizeof fixture->folder, "%.40s/mw-XXXXXX",
             root != NULL ? root : "/tmp");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof fixture->path, "%s/record.db", fixture->folder);
    fixture->memory = talloc_new(NULL);
    if (!mw_runtime_init(&fixture->error)) {
        fail_msg("%s", fixture->error.text);
    }
    *state = fixture;
    return 0;
}

static inline void remove_folder(const char *folder)
{
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (unlink(path) != 0) {
            rmdir(path);
        }
    }
    if (entries != NULL) {
        closedir(entries);
    }
    rmdir(folder);
}

static inline int teardown(void **state)
{
    struct fixture *fixture = *state;
    mw_runtime_finish();
    mw_clock_real();
    mw_redact_forget_all();
    talloc_free(fixture->memory);
    remove_folder(fixture->folder);
    free(fixture);
    return 0;
}

static inline int call_body(void *argument)
{
    struct fixture *fixture = argument;
    fixture->body(fixture);
    return 0;
}

static inline void in_fiber(struct fixture *fixture, void (*body)(struct fixture *fixture))
{
    fixture->body = body;
    mw_runtime_run(call_body, fixture);
}

#define assert_good(fixture, call)                 \
    do {                                           \
        if (!(call))                               \
            fail_msg("%s", (fixture)->error.text); \
    } while (0)

#define assert_fails(fixture, call, expected, part)                              \
    do {                                                                         \
        (fixture)->error = (struct mw_error){0};                                 \
        assert_false(call);                                                      \
        assert_string_equal(mw_error_class_name((fixture)->error.class),         \
                            mw_error_class_name(expected));                      \
        if (strstr((fixture)->error.text, part) == NULL)                         \
            fail_msg("\"%s\" does not say \"%s\"", (fixture)->error.text, part); \
    } while (0)

static inline struct mw_record *open_record(struct fixture *fixture, enum mw_store_mode mode)
{
    struct mw_record *record =
        mw_record_open(fixture->memory, &mw_store_sqlite, fixture->path, mode, &fixture->error);
    if (record == NULL) {
        fail_msg("%s", fixture->error.text);
    }
    return record;
}

/* Works on the file behind the record's back; everything is closed again. */
static inline void tamper(struct fixture *fixture, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s", message);
    }
    sqlite3_close(db);
}

/* One number out of the file. */
static inline int64_t look_up(struct fixture *fixture, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return number;
}

/* A new incident with the least that it needs. */
static inline struct mw_incident *make_incident(struct fixture *fixture, struct mw_record *record)
{
    struct mw_incident *incident = mw_incident_create(fixture->memory);
    incident->id = mw_record_next_incident(record);
    incident->resource = talloc_strdup(incident, "cache");
    incident->kind = talloc_strdup(incident, "redis");
    incident->environment = talloc_strdup(incident, "local");
    incident->severity = MW_HEALTH_DEGRADED;
    incident->opened_at = 1700000000000;
    return incident;
}

static inline bool save_incident(struct fixture *fixture, struct mw_record *record,
                                 struct mw_incident *incident)
{
    struct mw_change *change = mw_change_begin(record);
    mw_change_incident(change, incident);
    return mw_change_commit(change, true, &fixture->error);
}

#define test_record(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

#endif
