/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "database.h"

#define FUSE 0x65735546

bool mw_sqlite_is_memory(const struct mw_sqlite *sqlite)
{
    return strcmp(sqlite->location, ":memory:") == 0;
}

/* `folder` is made absolute and freed; the result is malloc'ed. */
static char *join(char *folder, const char *name)
{
    char *path = NULL;
    if (folder != NULL && asprintf(&path, "%s/%s", folder, name) < 0) {
        path = NULL;
    }
    free(folder);
    return path;
}

/* Without symbolic links, so that two names of one file share one lock. A missing file is looked
 * for in its folder, which must exist. NULL with errno. */
static char *real_path(const char *location)
{
    char *path = realpath(location, NULL);
    if (path != NULL || errno != ENOENT) {
        return path;
    }
    char *copy = strdup(location);
    char *other = strdup(location);
    path =
        copy != NULL && other != NULL ? join(realpath(dirname(copy), NULL), basename(other)) : NULL;
    int number = errno;
    free(copy);
    free(other);
    errno = number;
    return path;
}

/* Locks and shared memory are not to be trusted there, whatever the server promises. */
static const struct {
    unsigned type;
    const char *name;
} network[] = {
    {0x6969, "NFS"},        {0x517b, "SMB"},      {0xff534d42, "CIFS"},  {0xfe534d42, "SMB"},
    {0x564c, "NCP"},        {0x5346414f, "AFS"},  {0x73757245, "Coda"},  {0x00c36400, "Ceph"},
    {0x0bd00bd0, "Lustre"}, {0x01161970, "GFS2"}, {0x7461636f, "OCFS2"},
};

/* FUSE is anything; these are disks of this machine. */
static const char *const local_fuse[] = {"fuseblk", "virtiofs", "fuse.fuse-overlayfs"};

/* The type of the mount that holds this device, as /proc/self/mountinfo words it: "… 8:1 … - TYPE
 * SOURCE OPTIONS". */
static bool fuse_type(dev_t device, char *type, size_t size)
{
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    if (mounts == NULL) {
        return false;
    }
    char *line = NULL;
    size_t room = 0;
    bool found = false;
    while (!found && getline(&line, &room, mounts) > 0) {
        unsigned high, low;
        const char *dash = strstr(line, " - ");
        if (dash != NULL && sscanf(line, "%*d %*d %u:%u", &high, &low) == 2 &&
            makedev(high, low) == device) {
            snprintf(type, size, "%.*s", (int)strcspn(dash + 3, " \n"), dash + 3);
            found = true;
        }
    }
    free(line);
    fclose(mounts);
    return found;
}

/* The name of the network file system that holds the folder; NULL: none. `buffer` may hold it. */
static const char *network_name(const char *folder, char *buffer, size_t size)
{
    struct statfs system;
    struct stat status;
    if (statfs(folder, &system) != 0 || stat(folder, &status) != 0) {
        return NULL;
    }
    unsigned type = (unsigned)system.f_type;
    for (size_t i = 0; i < sizeof network / sizeof network[0]; i++) {
        if (network[i].type == type) {
            return network[i].name;
        }
    }
    if (type != FUSE) {
        return NULL;
    }
    if (!fuse_type(status.st_dev, buffer, size)) {
        return "FUSE";
    }
    for (size_t i = 0; i < sizeof local_fuse / sizeof local_fuse[0]; i++) {
        if (strcmp(buffer, local_fuse[i]) == 0) {
            return NULL;
        }
    }
    return buffer;
}

static bool check_system(const char *path, const char *location, struct mw_error *error)
{
    char *folder = strdup(path);
    char buffer[64];
    const char *name = folder != NULL ? network_name(dirname(folder), buffer, sizeof buffer) : NULL;
    free(folder);
    return name == NULL ||
           mw_error_set(error, MW_ERROR_PERMANENT,
                        "%s lies on a network file system (%s), where SQLite loses data: keep it "
                        "on a disk of this machine",
                        location, name);
}

static bool no_path(const struct mw_sqlite *sqlite, int number, struct mw_error *error)
{
    if (number == ENOENT) {
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "the folder of %s does not exist: make it, or name another file under "
                            "store:",
                            sqlite->location);
    }
    return mw_error_set(error, MW_ERROR_PERMANENT, "%s cannot be opened: %s", sqlite->location,
                        strerror(number));
}

bool mw_sqlite_check_place(struct mw_sqlite *sqlite, struct mw_error *error)
{
    char *path = real_path(sqlite->location);
    if (path == NULL) {
        return no_path(sqlite, errno, error);
    }
    free(sqlite->path);
    sqlite->path = path;

    struct stat status;
    if (stat(path, &status) != 0) {
        if (errno != ENOENT) {
            return no_path(sqlite, errno, error);
        }
        if (sqlite->mode == MW_STORE_READER) {
            return mw_error_set(error, MW_ERROR_PERMANENT,
                                "there is no record at %s yet: `midwatch run` makes it",
                                sqlite->location);
        }
    } else if (S_ISDIR(status.st_mode)) {
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "%s is a folder: name a file under store:", sqlite->location);
    } else if (!S_ISREG(status.st_mode)) {
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "%s is no regular file: name one under store:", sqlite->location);
    }
    return check_system(path, sqlite->location, error);
}

bool mw_sqlite_create_file(struct mw_sqlite *sqlite, struct mw_error *error)
{
    /* Never opened when it exists: closing the descriptor would drop SQLite's own locks if this
     * process has the file open elsewhere. */
    int file = open(sqlite->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0 && errno != EEXIST) {
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "%s cannot be made: %s; give this user the right to write its folder",
                            sqlite->location, strerror(errno));
    }
    if (file >= 0) {
        close(file);
    }
    return true;
}

static bool held_by_another(const struct mw_sqlite *sqlite, int lock, struct mw_error *error)
{
    char text[24] = "";
    ssize_t length = pread(lock, text, sizeof text - 1, 0);
    long holder = length > 0 ? strtol(text, NULL, 10) : 0;
    if (holder > 0) {
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "another midwatch (pid %ld) holds %s: end it first, or give this one a "
                            "store of its own",
                            holder, sqlite->location);
    }
    return mw_error_set(error, MW_ERROR_REFUSED,
                        "another midwatch holds %s: end it first, or give this one a store of its "
                        "own",
                        sqlite->location);
}

static void write_pid(int lock)
{
    char text[24];
    int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    /* Only for the sentence above: the lock is what counts. */
    if (ftruncate(lock, 0) != 0 || pwrite(lock, text, (size_t)length, 0) != length) {
        return;
    }
}

bool mw_sqlite_lock(struct mw_sqlite *sqlite, struct mw_error *error)
{
    char *path = NULL;
    if (asprintf(&path, "%s.lock", sqlite->path) < 0) {
        return mw_sqlite_fault(sqlite, SQLITE_NOMEM, error);
    }
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    free(path);
    if (lock < 0) {
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "%s.lock cannot be made: %s; give this user the right to write its "
                            "folder",
                            sqlite->location, strerror(errno));
    }
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        bool taken = errno == EWOULDBLOCK;
        int number = errno;
        if (taken) {
            held_by_another(sqlite, lock, error);
        } else {
            mw_error_set(error, MW_ERROR_PERMANENT, "%s.lock cannot be locked: %s",
                         sqlite->location, strerror(number));
        }
        close(lock);
        return false;
    }
    write_pid(lock);
    sqlite->lock = lock;
    return true;
}

void mw_sqlite_unlock(struct mw_sqlite *sqlite)
{
    if (sqlite->lock >= 0) {
        close(sqlite->lock);
        sqlite->lock = -1;
    }
}
