/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into midwatch by the kill test: ends the process with SIGKILL at an exact moment, so that
 * midwatch itself needs no hook for it.
 *
 *   MW_KILL_CALL   commit: a store commit reaching the disk (fdatasync, fsync)
 *                  command: bytes that hold MW_KILL_WORD leaving through a socket
 *   MW_KILL_WHEN   before | after the call
 *   MW_KILL_AT     the how-manieth such call of the process, from 1
 *   MW_KILL_WORD   for `command`
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum call { CALL_NONE, CALL_COMMIT, CALL_COMMAND };

static enum call wanted;
static bool afterwards;
static long at;
static const char *word;
static atomic_long seen;

static int (*real_fdatasync)(int);
static int (*real_fsync)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_send)(int, const void *, size_t, int);
static ssize_t (*real_sendto)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
static ssize_t (*real_sendmsg)(int, const struct msghdr *, int);

static void find(const char *name, void *function)
{
    void *symbol = dlsym(RTLD_NEXT, name);
    if (!symbol)
        abort();
    memcpy(function, &symbol, sizeof symbol);
}

__attribute__((constructor)) static void prepare(void)
{
    find("fdatasync", &real_fdatasync);
    find("fsync", &real_fsync);
    find("write", &real_write);
    find("writev", &real_writev);
    find("send", &real_send);
    find("sendto", &real_sendto);
    find("sendmsg", &real_sendmsg);

    const char *call = getenv("MW_KILL_CALL");
    const char *when = getenv("MW_KILL_WHEN");
    const char *number = getenv("MW_KILL_AT");
    if (!call || !when || !number)
        return;
    wanted = strcmp(call, "commit") == 0 ? CALL_COMMIT : CALL_COMMAND;
    afterwards = strcmp(when, "after") == 0;
    at = strtol(number, NULL, 10);
    word = getenv("MW_KILL_WORD");
}

static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

/* Counts a call; true when it is the one, and then the process is gone already if it was to die before. */
static bool is_the_one(enum call call)
{
    if (call != wanted || atomic_fetch_add(&seen, 1) + 1 != at)
        return false;
    if (!afterwards)
        die();
    return true;
}

static bool is_socket(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

static bool says_word(const struct iovec *parts, size_t count)
{
    if (wanted != CALL_COMMAND || !word)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (memmem(parts[i].iov_base, parts[i].iov_len, word, strlen(word)))
            return true;
    }
    return false;
}

static bool command_is_the_one(int fd, const struct iovec *parts, size_t count)
{
    return says_word(parts, count) && is_socket(fd) && is_the_one(CALL_COMMAND);
}

int fdatasync(int fd)
{
    bool last = is_the_one(CALL_COMMIT);
    int result = real_fdatasync(fd);
    if (last)
        die();
    return result;
}

int fsync(int fd)
{
    bool last = is_the_one(CALL_COMMIT);
    int result = real_fsync(fd);
    if (last)
        die();
    return result;
}

ssize_t write(int fd, const void *data, size_t length)
{
    struct iovec part = {(void *)data, length};
    bool last = command_is_the_one(fd, &part, 1);
    ssize_t result = real_write(fd, data, length);
    if (last)
        die();
    return result;
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    bool last = command_is_the_one(fd, parts, count > 0 ? (size_t)count : 0);
    ssize_t result = real_writev(fd, parts, count);
    if (last)
        die();
    return result;
}

ssize_t send(int fd, const void *data, size_t length, int flags)
{
    struct iovec part = {(void *)data, length};
    bool last = command_is_the_one(fd, &part, 1);
    ssize_t result = real_send(fd, data, length, flags);
    if (last)
        die();
    return result;
}

ssize_t sendto(int fd, const void *data, size_t length, int flags, const struct sockaddr *to,
               socklen_t to_length)
{
    struct iovec part = {(void *)data, length};
    bool last = command_is_the_one(fd, &part, 1);
    ssize_t result = real_sendto(fd, data, length, flags, to, to_length);
    if (last)
        die();
    return result;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    bool last = command_is_the_one(fd, message->msg_iov, message->msg_iovlen);
    ssize_t result = real_sendmsg(fd, message, flags);
    if (last)
        die();
    return result;
}
