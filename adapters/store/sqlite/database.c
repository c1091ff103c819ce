/* SPDX-License-Identifier: Apache-2.0 */
#include "database.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/digest.h"

/* Marks the file as ours in its header, so that a database of another program is never written to. */
#define APPLICATION_ID  0x6d774d57
#define BUSY_TIMEOUT_MS 2000

/* mw_sha256(TEXT) */
static void sha256_function(sqlite3_context *context, int count, sqlite3_value **values)
{
    const char *text = (const char *)sqlite3_value_text(values[0]);
    if (text == NULL) {
        sqlite3_result_null(context);
        return;
    }
    char hex[MW_SHA256_HEX];
    mw_sha256_hex(text, (size_t)sqlite3_value_bytes(values[0]), hex);
    sqlite3_result_text(context, hex, -1, SQLITE_TRANSIENT);
}

static bool read_number(struct mw_sqlite *sqlite, const char *text, int64_t *number,
                        struct mw_error *error)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(sqlite->db, text, -1, &statement, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
    }
    bool ok = code == SQLITE_ROW;
    if (ok) {
        *number = sqlite3_column_int64(statement, 0);
    } else {
        mw_sqlite_fault(sqlite, sqlite3_extended_errcode(sqlite->db), error);
    }
    sqlite3_finalize(statement);
    return ok;
}

static bool foreign(const struct mw_sqlite *sqlite, struct mw_error *error)
{
    return mw_error_set(
        error, MW_ERROR_PERMANENT,
        "%s is the database of another program: name another file under store:", sqlite->location);
}

/* Ours, or empty and made ours. */
static bool claim(struct mw_sqlite *sqlite, struct mw_error *error)
{
    int64_t id = 0, tables = 0;
    if (!read_number(sqlite, "PRAGMA application_id", &id, error) ||
        !read_number(sqlite, "SELECT COUNT(*) FROM sqlite_master", &tables, error)) {
        return false;
    }
    if (id == APPLICATION_ID) {
        return true;
    }
    if (id != 0 || tables != 0) {
        return foreign(sqlite, error);
    }
    if (sqlite->mode == MW_STORE_READER) {
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "there is no record in %s yet: `midwatch run` makes it",
                            sqlite->location);
    }
    char text[64];
    snprintf(text, sizeof text, "PRAGMA application_id = %d", APPLICATION_ID);
    return mw_sqlite_command(sqlite, text, error);
}

static bool use_wal(struct mw_sqlite *sqlite, struct mw_error *error)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(sqlite->db, "PRAGMA journal_mode = WAL", -1, &statement, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
    }
    const char *mode = code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    bool ok = mode != NULL && (strcmp(mode, "wal") == 0 || mw_sqlite_is_memory(sqlite));
    if (mode == NULL) {
        mw_sqlite_fault(sqlite, sqlite3_extended_errcode(sqlite->db), error);
    } else if (!ok) {
        mw_error_set(error, MW_ERROR_PERMANENT,
                     "%s cannot keep a write-ahead log (journal mode %s): put it on a file system "
                     "that has shared memory",
                     sqlite->location, mode);
    }
    sqlite3_finalize(statement);
    return ok;
}

static bool connect_to(struct mw_sqlite *sqlite, const char *name, int flags,
                       struct mw_error *error)
{
    /* One thread uses it, so its own locks are left out. */
    int code = sqlite3_open_v2(name, &sqlite->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK) {
        return mw_sqlite_fault(
            sqlite, sqlite->db != NULL ? sqlite3_extended_errcode(sqlite->db) : code, error);
    }
    sqlite3_extended_result_codes(sqlite->db, 1);
    sqlite3_busy_timeout(sqlite->db, BUSY_TIMEOUT_MS);
    sqlite3_db_config(sqlite->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(sqlite->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    code =
        sqlite3_create_function_v2(sqlite->db, "mw_sha256", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                   NULL, sha256_function, NULL, NULL, NULL);
    return code == SQLITE_OK || mw_sqlite_fault(sqlite, code, error);
}

static void disconnect(struct mw_sqlite *sqlite)
{
    mw_sqlite_drop_cache(sqlite);
    sqlite3_close_v2(sqlite->db);
    sqlite->db = NULL;
}

static bool settings(struct mw_sqlite *sqlite, struct mw_error *error)
{
    static const char *const commands[] = {
        "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON", "PRAGMA temp_store = MEMORY",
        "PRAGMA cache_size = -1000", /* KiB */
    };
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (!mw_sqlite_command(sqlite, commands[i], error)) {
            return false;
        }
    }
    return true;
}

/* "file:PATH?immutable=1", with what has a meaning in a URI escaped. malloc'ed. */
static char *immutable_name(const char *path)
{
    char *name = malloc(strlen("file:") + strlen(path) * 3 + strlen("?immutable=1") + 1);
    if (name == NULL) {
        return NULL;
    }
    char *end = stpcpy(name, "file:");
    for (const char *from = path; *from != '\0'; from++) {
        if (strchr("%?#", *from) != NULL) {
            end += sprintf(end, "%%%02X", (unsigned char)*from);
        } else {
            *end++ = *from;
        }
    }
    strcpy(end, "?immutable=1");
    return name;
}

static bool has_log(const struct mw_sqlite *sqlite)
{
    char *name = NULL;
    struct stat status;
    bool found = asprintf(&name, "%s-wal", sqlite->path) < 0 || stat(name, &status) == 0;
    free(name);
    return found;
}

/* A folder that we may not write to has no room for SQLite's shared memory. Without a log nobody
 * writes either, and the file may be read as it lies there. */
static bool open_immutable(struct mw_sqlite *sqlite, struct mw_error *error)
{
    char *name = immutable_name(sqlite->path);
    if (name == NULL) {
        return mw_sqlite_fault(sqlite, SQLITE_NOMEM, error);
    }
    bool ok = connect_to(sqlite, name, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, error) &&
              claim(sqlite, error);
    free(name);
    return ok;
}

static bool open_reader(struct mw_sqlite *sqlite, struct mw_error *error)
{
    if (connect_to(sqlite, sqlite->path, SQLITE_OPEN_READONLY, error) && claim(sqlite, error)) {
        return settings(sqlite, error);
    }
    int code = sqlite->db != NULL ? sqlite3_errcode(sqlite->db) & 0xff : SQLITE_OK;
    if ((code != SQLITE_CANTOPEN && code != SQLITE_READONLY) || has_log(sqlite)) {
        return false;
    }
    disconnect(sqlite);
    return open_immutable(sqlite, error) && settings(sqlite, error);
}

static bool open_active(struct mw_sqlite *sqlite, struct mw_error *error)
{
    const char *name = mw_sqlite_is_memory(sqlite) ? sqlite->location : sqlite->path;
    return connect_to(sqlite, name, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, error) &&
           claim(sqlite, error) && use_wal(sqlite, error) && settings(sqlite, error);
}

static bool open_here(struct mw_sqlite *sqlite, struct mw_error *error)
{
    if (mw_sqlite_is_memory(sqlite)) {
        return open_active(sqlite, error);
    }
    if (!mw_sqlite_check_place(sqlite, error)) {
        return false;
    }
    if (sqlite->mode == MW_STORE_READER) {
        return open_reader(sqlite, error);
    }
    return mw_sqlite_lock(sqlite, error) && mw_sqlite_create_file(sqlite, error) &&
           open_active(sqlite, error);
}

bool mw_sqlite_open(struct mw_sqlite *sqlite, struct mw_error *error)
{
    if (open_here(sqlite, error)) {
        return true;
    }
    mw_sqlite_close(sqlite);
    return false;
}

void mw_sqlite_close(struct mw_sqlite *sqlite)
{
    if (sqlite->db != NULL && sqlite->mode == MW_STORE_ACTIVE) {
        /* SQLite does this by itself only where no reader is left; whoever copies the file after
         * the end should have all of it. What cannot be moved stays safe in the log. */
        sqlite3_wal_checkpoint_v2(sqlite->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    }
    disconnect(sqlite);
    mw_sqlite_unlock(sqlite);
    free(sqlite->path);
    sqlite->path = NULL;
}
