/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#include "runtime/internal.h"
#include "runtime/process.h"

#define SEARCHED "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static bool is_program(const char *path)
{
    struct stat stat_now;
    return stat(path, &stat_now) == 0 && S_ISREG(stat_now.st_mode) && access(path, X_OK) == 0;
}

static bool find_program(const char *name, char path[PATH_MAX], struct mw_error *error)
{
    if (strchr(name, '/') != NULL) {
        int length = snprintf(path, PATH_MAX, "%s", name);
        if (length < PATH_MAX && is_program(path))
            return true;
        return mw_error_set(error, MW_ERROR_PERMANENT, "%s: %s", name,
                            access(name, F_OK) == 0 ? "this is no program that may be run"
                                                    : "program not found");
    }
    for (const char *at = SEARCHED; *name != '\0' && *at != '\0';) {
        size_t length = strcspn(at, ":");
        int whole = snprintf(path, PATH_MAX, "%.*s/%s", (int)length, at, name);
        if (whole < PATH_MAX && is_program(path))
            return true;
        at += length + (at[length] == ':');
    }
    return mw_error_set(error, MW_ERROR_PERMANENT,
                        "%s: program not found in %s: install it or give its whole path", name,
                        SEARCHED);
}

bool mw_process_find(const char *name, struct mw_error *error)
{
    char path[PATH_MAX];
    return find_program(name, path, error);
}

static bool names_same(const char *a, const char *b)
{
    size_t length = strcspn(a, "=");
    return strncmp(a, b, length) == 0 && b[length] == '=';
}

static bool is_given(const char *variable, const char *const *environment)
{
    for (size_t i = 0; environment != NULL && environment[i] != NULL; i++)
        if (names_same(variable, environment[i]))
            return true;
    return false;
}

static const char **child_environment(TALLOC_CTX *memory, const char *const *given)
{
    static const char *const defaults[] = {"PATH=" SEARCHED, "LANG=C.UTF-8"};
    size_t count = 0, given_count = 0;
    while (given != NULL && given[given_count] != NULL)
        given_count++;
    const char **all = talloc_array(memory, const char *, given_count + 3);
    mw_require(all != NULL, "no memory for an environment");
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (!is_given(defaults[i], given))
            all[count++] = defaults[i];
    for (size_t i = 0; i < given_count; i++)
        all[count++] = given[i];
    all[count] = NULL;
    return all;
}

static int spawn(const char *path, const char *const *argv, const char **environment, int out,
                 int err, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, err, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    /* POSIX gave argv and environ a type from before const; neither is written to. */
    union {
        const char *const *given;
        char *const *wanted;
    } arguments = {argv}, variables = {environment};
    int rc = posix_spawn(pid, path, &actions, &attributes, arguments.wanted, variables.wanted);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

static bool open_pipe(int ends[2], struct mw_error *error)
{
    if (pipe2(ends, O_CLOEXEC) != 0)
        return mw_error_set(error, MW_ERROR_PERMANENT, "cannot open a pipe: %s", strerror(errno));
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return true;
}

static void close_pipe(const int ends[2])
{
    close(ends[0]);
    close(ends[1]);
}

bool mw_child_start(const char *const *argv, const char *const *environment, struct mw_child *child,
                    struct mw_error *error)
{
    TALLOC_CTX *scratch = talloc_new(NULL);
    char *path = talloc_array(scratch, char, PATH_MAX);
    mw_require(path != NULL, "no memory for a path");
    int out[2], err[2];
    if (!find_program(argv[0], path, error) || !open_pipe(out, error)) {
        talloc_free(scratch);
        return false;
    }
    if (!open_pipe(err, error)) {
        close_pipe(out);
        talloc_free(scratch);
        return false;
    }
    pid_t pid = 0;
    int rc = spawn(path, argv, child_environment(scratch, environment), out[1], err[1], &pid);
    if (rc == 0) {
        *child = (struct mw_child){pid, out[0], err[0]};
        close(out[1]);
        close(err[1]);
    } else {
        mw_error_set(error, rc == EAGAIN || rc == ENOMEM ? MW_ERROR_RETRY : MW_ERROR_PERMANENT,
                     "%s: cannot be started: %s", path, strerror(rc));
        close_pipe(out);
        close_pipe(err);
    }
    talloc_free(scratch);
    return rc == 0;
}
