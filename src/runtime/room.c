/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/room.h"
#include "runtime/work.h"

#define FILE_MAX 8192

struct room_job {
    int64_t process_id;
    const char *const *names;
    struct mw_room room;
    char text[FILE_MAX];
};

static bool read_text(struct room_job *job, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read(fd, job->text, sizeof job->text - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    job->text[size > 0 ? size : 0] = '\0';
    return size > 0;
}

/* The number after a line's name, or -1. */
static int64_t number_after(const char *text, const char *name)
{
    size_t length = strlen(name);
    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, name, length) == 0) {
            return strtoll(line + length, NULL, 10);
        }
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    return -1;
}

static bool is_meant(struct room_job *job, int64_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%lld/comm", (long long)pid);
    if (!read_text(job, path)) {
        return false;
    }
    for (size_t i = 0; job->names[i] != NULL; i++) {
        if (strstr(job->text, job->names[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* The process id in the innermost namespace: what the process itself believes to be. Kernels that do not
 * tell have no namespaces. */
static int64_t inner_pid(struct room_job *job, int64_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%lld/status", (long long)pid);
    if (!read_text(job, path)) {
        return -1;
    }
    char *line = strstr(job->text, "\nNSpid:");
    if (line == NULL) {
        return pid;
    }
    line++;
    line[strcspn(line, "\n")] = '\0';
    char *last = line + strlen(line);
    while (last > line && isspace((unsigned char)last[-1])) {
        last--;
    }
    while (last > line && isdigit((unsigned char)last[-1])) {
        last--;
    }
    return strtoll(last, NULL, 10);
}

/* ---- control groups ---- */

static int64_t read_number(struct room_job *job, const char *folder, const char *name)
{
    char path[768];
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    bool fits = length > 0 && (size_t)length < sizeof path;
    if (!fits || !read_text(job, path) || !isdigit((unsigned char)job->text[0])) {
        return -1;
    }
    return strtoll(job->text, NULL, 10);
}

/* What one group has left under its limit. Files that were only read do not count as used: the kernel
 * gives them up when memory is asked for. INT64_MAX: it has no limit. */
static int64_t group_left(struct room_job *job, const char *folder, bool unified)
{
    int64_t limit = read_number(job, folder, unified ? "memory.max" : "memory.limit_in_bytes");
    int64_t used = read_number(job, folder, unified ? "memory.current" : "memory.usage_in_bytes");
    if (limit < 0 || used < 0 || limit > INT64_MAX / 4) {
        return INT64_MAX;
    }
    char path[768];
    int length = snprintf(path, sizeof path, "%s/memory.stat", folder);
    int64_t files = -1;
    if (length > 0 && (size_t)length < sizeof path && read_text(job, path)) {
        files = number_after(job->text, unified ? "inactive_file " : "total_inactive_file ");
    }
    used -= files > 0 && files < used ? files : 0;
    return limit > used ? limit - used : 0;
}

/* The least that any group on the way to the root has left. */
static int64_t groups_left(struct room_job *job, const char *root, const char *group, bool unified)
{
    char folder[640];
    size_t root_length = strlen(root);
    int length = snprintf(folder, sizeof folder, "%s%s", root, group);
    int64_t least = INT64_MAX;
    if (length < 0 || (size_t)length >= sizeof folder || strstr(group, "..") != NULL) {
        return INT64_MAX;
    }
    for (;;) {
        int64_t left = group_left(job, folder, unified);
        least = left < least ? left : least;
        char *slash = strrchr(folder, '/');
        if (slash == NULL || (size_t)(slash - folder) < root_length) {
            return least;
        }
        *slash = '\0';
    }
}

/* Lines of /proc/PID/cgroup: "0::/path" (one hierarchy) or "N:…,memory,…:/path". */
static int64_t cgroup_left(struct room_job *job, int64_t pid)
{
    char path[64], unified[512] = "", memory[512] = "";
    snprintf(path, sizeof path, "/proc/%lld/cgroup", (long long)pid);
    if (!read_text(job, path)) {
        return INT64_MAX;
    }
    char *rest = NULL;
    for (char *line = strtok_r(job->text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char *names = strchr(line, ':'), *group = names != NULL ? strchr(names + 1, ':') : NULL;
        if (group == NULL) {
            continue;
        }
        *group++ = '\0';
        if (names[1] == '\0') {
            snprintf(unified, sizeof unified, "%s", group);
        } else if (strstr(names, "memory") != NULL) {
            snprintf(memory, sizeof memory, "%s", group);
        }
    }
    int64_t old =
        memory[0] != '\0' ? groups_left(job, "/sys/fs/cgroup/memory", memory, false) : INT64_MAX;
    int64_t new =
        unified[0] != '\0' ? groups_left(job, "/sys/fs/cgroup", unified, true) : INT64_MAX;
    return old < new ? old : new;
}

/* ---- the job ---- */

static void take_process(struct room_job *job, int64_t pid, int64_t available)
{
    int64_t left = cgroup_left(job, pid);
    bool container = left < available;
    left = container ? left : available;
    /* Where several could be meant, the one with the least room decides. */
    if (!job->room.known || left < job->room.free_bytes) {
        job->room = (struct mw_room){.known = true, .free_bytes = left, .container = container};
    }
}

/* A server in a container knows itself by another number than we see. */
static void search_containers(struct room_job *job, int64_t available)
{
    DIR *folder = opendir("/proc");
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        int64_t pid = isdigit((unsigned char)entry->d_name[0]) ? atoll(entry->d_name) : 0;
        if (pid > 0 && is_meant(job, pid) && inner_pid(job, pid) == job->process_id) {
            take_process(job, pid, available);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

static void look(void *argument)
{
    struct room_job *job = argument;
    int64_t kib = read_text(job, "/proc/meminfo") ? number_after(job->text, "MemAvailable:") : -1;
    if (kib < 0 || kib > INT64_MAX / 1024) {
        return;
    }
    if (is_meant(job, job->process_id) && inner_pid(job, job->process_id) == job->process_id) {
        take_process(job, job->process_id, kib * 1024);
    } else {
        search_containers(job, kib * 1024);
    }
}

bool mw_room_of_process(int64_t process_id, const char *const *names, struct mw_deadline deadline,
                        struct mw_room *room, struct mw_error *error)
{
    *room = (struct mw_room){.known = false};
    if (process_id <= 0) {
        return true;
    }
    struct room_job *job = talloc_zero(NULL, struct room_job);
    if (job == NULL) {
        return mw_error_set(error, MW_ERROR_RETRY, "no memory left");
    }
    job->process_id = process_id;
    job->names = names;
    void *handed = job;
    if (!mw_work(look, &handed, deadline, error)) {
        talloc_free(handed);
        return false;
    }
    job = handed;
    *room = job->room;
    talloc_free(job);
    return true;
}
