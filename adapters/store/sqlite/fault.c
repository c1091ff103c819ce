/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "database.h"

static bool constraint(const struct mw_sqlite *sqlite, struct mw_error *error)
{
    return mw_error_set(error, MW_ERROR_REFUSED, "the record refuses the change: %s",
                        sqlite3_errmsg(sqlite->db));
}

static bool cannot_open(const struct mw_sqlite *sqlite, struct mw_error *error)
{
    int number = sqlite->db != NULL ? sqlite3_system_errno(sqlite->db) : 0;
    if (number == EMFILE || number == ENFILE) {
        return mw_error_set(
            error, MW_ERROR_RETRY,
            "%s cannot be opened: no file descriptor is left: raise the limit on open "
            "files (LimitNOFILE)",
            sqlite->location);
    }
    return mw_error_set(error, MW_ERROR_PERMANENT,
                        "%s, or its files -wal and -shm, cannot be opened%s%s: look at the rights "
                        "of the files and of their folder",
                        sqlite->location, number != 0 ? ": " : "",
                        number != 0 ? strerror(number) : "");
}

static bool read_or_write(const struct mw_sqlite *sqlite, struct mw_error *error)
{
    int number = sqlite->db != NULL ? sqlite3_system_errno(sqlite->db) : 0;
    return mw_error_set(error, MW_ERROR_RETRY,
                        "reading or writing %s failed (%s): look at the disk and the system's log",
                        sqlite->location, number != 0 ? strerror(number) : "input/output error");
}

bool mw_sqlite_fault(const struct mw_sqlite *sqlite, int code, struct mw_error *error)
{
    const char *where = sqlite->location;
    switch (code & 0xff) {
    case SQLITE_FULL:
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "the disk that holds %s is full: make room there", where);
    case SQLITE_READONLY:
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "%s cannot be written: give this user the right to write the file and "
                            "its folder, on a file system that is not read-only",
                            where);
    case SQLITE_CORRUPT:
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "%s is damaged: restore a backup, or move it away so that a new one "
                            "is begun",
                            where);
    case SQLITE_NOTADB:
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "%s is no SQLite database: name another file under store:", where);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return mw_error_set(error, MW_ERROR_RETRY,
                            "another program keeps %s locked: wait for it or end it", where);
    case SQLITE_IOERR:
        return read_or_write(sqlite, error);
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return cannot_open(sqlite, error);
    case SQLITE_CONSTRAINT:
        return constraint(sqlite, error);
    case SQLITE_NOMEM:
        return mw_error_set(error, MW_ERROR_RETRY, "out of memory while using %s", where);
    case SQLITE_TOOBIG:
        return mw_error_set(error, MW_ERROR_BAD_INPUT, "a value is too long for %s", where);
    default:
        return mw_error_set(error, MW_ERROR_PERMANENT, "%s: %s", where,
                            sqlite->db != NULL ? sqlite3_errmsg(sqlite->db) : sqlite3_errstr(code));
    }
}
