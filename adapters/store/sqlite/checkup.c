/* SPDX-License-Identifier: Apache-2.0 */
/* The file's place looked at for `doctor`, on a helper thread: disks may be slow. */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <talloc.h>
#include <unistd.h>

#include "base/text.h"
#include "checkup.h"
#include "database.h"
#include "runtime/work.h"

/* Below the first nothing can be promised; below the second somebody should look. */
#define ROOM_LEAST  (INT64_C(16) * 1024 * 1024)
#define ROOM_WANTED (INT64_C(512) * 1024 * 1024)

/* A talloc root. */
struct look {
    char *location;
    bool ok, exists, others_read;
    long holder; /* process id; 0: nobody that can be seen */
    int64_t size, room;
    struct mw_error error;
};

/* ---- on the thread ---- */

/* The process that has a lock on this file, as /proc/locks words it: "1: FLOCK ADVISORY WRITE 4711
 * 08:01:12345 0 EOF". Asking by taking the lock would turn away a midwatch that starts just then. */
static long holder_of(const char *path)
{
    struct stat status;
    char *name = NULL, *line = NULL;
    size_t room = 0;
    long holder = 0;
    bool known = asprintf(&name, "%s.lock", path) >= 0 && stat(name, &status) == 0;
    FILE *locks = known ? fopen("/proc/locks", "re") : NULL;
    while (locks != NULL && holder == 0 && getline(&line, &room, locks) > 0) {
        long pid;
        unsigned high, low;
        unsigned long inode;
        if (sscanf(line, "%*s FLOCK %*s WRITE %ld %x:%x:%lu", &pid, &high, &low, &inode) == 4 &&
            makedev(high, low) == status.st_dev && inode == status.st_ino) {
            holder = pid;
        }
    }
    free(line);
    free(name);
    if (locks != NULL) {
        fclose(locks);
    }
    return holder;
}

static bool check_writable(struct look *look, const char *path, const char *folder)
{
    const char *refused = access(folder, W_OK | X_OK) != 0                 ? "its folder"
                          : look->exists && access(path, R_OK | W_OK) != 0 ? "it"
                                                                           : NULL;
    return refused == NULL ||
           mw_error_set(&look->error, MW_ERROR_PERMANENT,
                        "%s: %s cannot be written to: %s; let the user that runs midwatch own both",
                        look->location, refused, strerror(errno));
}

static bool check_room(struct look *look, const char *folder)
{
    struct statvfs system;
    if (statvfs(folder, &system) != 0) {
        return mw_error_set(&look->error, MW_ERROR_PERMANENT,
                            "%s: its disk cannot be looked at: %s", look->location,
                            strerror(errno));
    }
    look->room = (int64_t)(system.f_bavail * system.f_frsize);
    if (look->room >= ROOM_LEAST) {
        return true;
    }
    return mw_error_set(
        &look->error, MW_ERROR_PERMANENT,
        "%s: its disk is full (%lld KiB left): make room, or nothing can be recorded "
        "and so nothing is done",
        look->location, (long long)(look->room / 1024));
}

static bool look_at(struct look *look, const char *path)
{
    struct stat status;
    char *copy = strdup(path);
    look->exists = stat(path, &status) == 0;
    look->size = look->exists ? (int64_t)status.st_size : 0;
    look->others_read = look->exists && (status.st_mode & (S_IRGRP | S_IROTH)) != 0;
    bool ok = copy != NULL;
    if (ok) {
        const char *folder = dirname(copy);
        ok = check_writable(look, path, folder) && check_room(look, folder);
    }
    free(copy);
    look->holder = holder_of(path);
    return ok;
}

static void run(void *job)
{
    struct look *look = job;
    /* As the active one would see it: a missing file is well where it can be made. */
    struct mw_sqlite sqlite = {.location = look->location, .mode = MW_STORE_ACTIVE, .lock = -1};
    look->ok = mw_sqlite_check_place(&sqlite, &look->error) && look_at(look, sqlite.path);
    free(sqlite.path);
}

/* ---- on the loop ---- */

static void say(const struct look *look, const struct mw_check *check)
{
    char *room = mw_size_text(NULL, look->room), *size = mw_size_text(NULL, look->size);
    if (!look->exists) {
        mw_check_say(check, MW_CHECK_OK, "%s is not there yet: `midwatch run` makes it; %s left",
                     look->location, room);
    } else if (look->holder > 0) {
        mw_check_say(check, MW_CHECK_OK, "%s (%s), held by the running midwatch (pid %ld); %s left",
                     look->location, size, look->holder, room);
    } else {
        mw_check_say(check, MW_CHECK_OK, "%s (%s), held by nobody; %s left", look->location, size,
                     room);
    }
    if (look->room < ROOM_WANTED) {
        mw_check_say(check, MW_CHECK_NOTE, "its disk has only %s left", room);
    }
    if (look->others_read) {
        mw_check_say(check, MW_CHECK_NOTE,
                     "others than its owner may read it, and what it keeps of logs is not theirs: "
                     "chmod 600 %s",
                     look->location);
    }
    talloc_free(room);
    talloc_free(size);
}

bool mw_sqlite_check(const char *location, const struct mw_check *check,
                     struct mw_deadline deadline, bool *exists, struct mw_error *error)
{
    struct look *look = talloc_zero(NULL, struct look);
    if (look == NULL || (look->location = talloc_strdup(look, location)) == NULL) {
        talloc_free(look);
        return mw_error_set(error, MW_ERROR_RETRY, "no memory left to look at %s", location);
    }
    void *job = look;
    if (!mw_work(run, &job, deadline, error)) {
        talloc_free(job);
        return mw_error_wrap(error, "%s: its disk does not answer", location);
    }
    bool ok = look->ok;
    *exists = look->exists;
    if (ok) {
        say(look, check);
    } else {
        *error = look->error;
    }
    talloc_free(look);
    return ok;
}
