/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into midwatch by the torture test: system calls that fail when they are told to.
 *
 *   MW_FAIL_CALL   CALL/KIND, such as write/file; kinds of descriptors: socket, file, pipe, waiting (a pipe that
 *                  blocks), event, other; none where a call takes no descriptor
 *   MW_FAIL_AT     the how-manieth such call of the process, from 1
 *   MW_FAIL_TIMES  how many of them in a row (1)
 *   MW_FAIL_ERRNO  what they fail with, a number
 *   MW_FAIL_TALLY  a file that holds how many calls there were, `struct tally` over and over
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME_MAX_BYTES 24
#define TALLIES        200

struct tally {
    char name[NAME_MAX_BYTES]; /* CALL/KIND */
    atomic_ullong seen;
};

static struct tally unshared[TALLIES];
static struct tally *tallies = unshared;
static const char *wanted;
static unsigned long long at, times = 1;
static int number;
static pid_t owner; /* a child that shares our memory for a moment is not meant */

static void *next_of(const char *name)
{
    void *symbol = dlsym(RTLD_NEXT, name);
    if (symbol == NULL)
        abort();
    return symbol;
}

static unsigned long long number_of(const char *name, unsigned long long otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

__attribute__((constructor)) static void prepare(void)
{
    const char *path = getenv("MW_FAIL_TALLY");
    int fd = path != NULL ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd >= 0 && ftruncate(fd, sizeof unshared) == 0) {
        void *shared = mmap(NULL, sizeof unshared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (shared != MAP_FAILED)
            tallies = shared;
    }
    if (fd >= 0)
        close(fd);
    memset(tallies, 0, sizeof unshared); /* from here on */
    at = number_of("MW_FAIL_AT", 0);
    times = number_of("MW_FAIL_TIMES", 1);
    number = (int)number_of("MW_FAIL_ERRNO", EIO);
    owner = getpid();
    wanted = getenv("MW_FAIL_CALL");
}

static const char *kind_of(int fd)
{
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0)
        return "none";
    switch (status.st_mode & S_IFMT) {
    case S_IFSOCK:
        return "socket";
    case S_IFREG:
        return "file";
    case S_IFIFO:
        return (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0 ? "pipe" : "waiting";
    case 0: /* an anonymous inode: epoll, eventfd */
        return "event";
    default:
        return "other";
    }
}

static pthread_mutex_t naming = PTHREAD_MUTEX_INITIALIZER;

static struct tally *tally_of(const char *name)
{
    struct tally *found = NULL;
    pthread_mutex_lock(&naming);
    for (size_t i = 0; i < TALLIES && found == NULL; i++) {
        if (tallies[i].name[0] == '\0')
            strcpy(tallies[i].name, name);
        if (strcmp(tallies[i].name, name) == 0)
            found = &tallies[i];
    }
    pthread_mutex_unlock(&naming);
    return found;
}

/* Counts a call; true when it is to fail. */
static bool fails(const char *call, int fd)
{
    char name[NAME_MAX_BYTES];
    if (owner == 0 || getpid() != owner)
        return false;
    int saved = errno;
    strcpy(name, call);
    strcat(strcat(name, "/"), kind_of(fd));
    struct tally *tally = tally_of(name);
    unsigned long long seen = tally != NULL ? atomic_fetch_add(&tally->seen, 1) + 1 : 0;
    errno = saved;
    return wanted != NULL && strcmp(wanted, name) == 0 && seen >= at && seen < at + times;
}

/* One function that stands before a system call, and what it answers when that is to fail. */
#define BEFORE(result, call, fd, failure, parameters, ...) \
    result call parameters                                 \
    {                                                      \
        static result(*next) parameters;                   \
        if (next == NULL)                                  \
            *(void **)(&next) = next_of(#call);            \
        if (fails(#call, fd)) {                            \
            errno = number;                                \
            return failure;                                \
        }                                                  \
        return next(__VA_ARGS__);                          \
    }

BEFORE(int, socket, -1, -1, (int domain, int type, int protocol), domain, type, protocol)
BEFORE(int, connect, fd, -1, (int fd, const struct sockaddr *to, socklen_t size), fd, to, size)
BEFORE(int, getsockopt, fd, -1, (int fd, int level, int name, void *value, socklen_t *size), fd,
       level, name, value, size)
BEFORE(int, setsockopt, fd, -1, (int fd, int level, int name, const void *value, socklen_t size),
       fd, level, name, value, size)
BEFORE(ssize_t, read, fd, -1, (int fd, void *bytes, size_t size), fd, bytes, size)
BEFORE(ssize_t, write, fd, -1, (int fd, const void *bytes, size_t size), fd, bytes, size)
BEFORE(ssize_t, writev, fd, -1, (int fd, const struct iovec *parts, int count), fd, parts, count)
BEFORE(ssize_t, send, fd, -1, (int fd, const void *bytes, size_t size, int flags), fd, bytes, size,
       flags)
BEFORE(ssize_t, recv, fd, -1, (int fd, void *bytes, size_t size, int flags), fd, bytes, size, flags)
BEFORE(ssize_t, pread64, fd, -1, (int fd, void *bytes, size_t size, off64_t from), fd, bytes, size,
       from)
BEFORE(ssize_t, pwrite64, fd, -1, (int fd, const void *bytes, size_t size, off64_t to), fd, bytes,
       size, to)
BEFORE(int, fsync, fd, -1, (int fd), fd)
BEFORE(int, fdatasync, fd, -1, (int fd), fd)
BEFORE(int, ftruncate64, fd, -1, (int fd, off64_t size), fd, size)
BEFORE(int, fstat64, fd, -1, (int fd, struct stat64 *status), fd, status)
BEFORE(int, flock, fd, -1, (int fd, int how), fd, how)
BEFORE(int, stat64, -1, -1, (const char *path, struct stat64 *status), path, status)
BEFORE(int, unlink, -1, -1, (const char *path), path)
BEFORE(int, epoll_create1, -1, -1, (int flags), flags)
BEFORE(int, epoll_ctl, -1, -1, (int fd, int how, int other, struct epoll_event *event), fd, how,
       other, event)
BEFORE(int, epoll_wait, -1, -1, (int fd, struct epoll_event *events, int count, int timeout), fd,
       events, count, timeout)
BEFORE(int, epoll_pwait, -1, -1,
       (int fd, struct epoll_event *events, int count, int timeout, const sigset_t *mask), fd,
       events, count, timeout, mask)
BEFORE(int, eventfd, -1, -1, (unsigned int value, int flags), value, flags)
BEFORE(int, pipe2, -1, -1, (int ends[2], int flags), ends, flags)
BEFORE(int, poll, -1, -1, (struct pollfd * asked, nfds_t count, int timeout), asked, count, timeout)
BEFORE(void *, mmap64, -1, MAP_FAILED,
       (void *where, size_t size, int rights, int flags, int fd, off64_t from), where, size, rights,
       flags, fd, from)
BEFORE(int, mprotect, -1, -1, (void *where, size_t size, int rights), where, size, rights)
BEFORE(int, madvise, -1, -1, (void *where, size_t size, int advice), where, size, advice)
BEFORE(int, waitid, -1, -1, (idtype_t type, id_t id, siginfo_t *info, int options), type, id, info,
       options)
BEFORE(pid_t, waitpid, -1, -1, (pid_t pid, int *status, int options), pid, status, options)
BEFORE(int, getrlimit64, -1, -1, (enum __rlimit_resource what, struct rlimit64 *limit), what, limit)
/* These answer with the number itself. */
BEFORE(int, posix_spawn, -1, number,
       (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions,
        const posix_spawnattr_t *attributes, char *const words[], char *const environment[]),
       pid, path, actions, attributes, words, environment)
BEFORE(int, pthread_create, -1, number,
       (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument),
       thread, attributes, run, argument)

int open64(const char *path, int flags, ...)
{
    static int (*next)(const char *path, int flags, ...);
    va_list more;
    va_start(more, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
    va_end(more);
    if (next == NULL)
        *(void **)(&next) = next_of("open64");
    if (fails("open64", -1)) {
        errno = number;
        return -1;
    }
    return next(path, flags, mode);
}

/* Locks apart from everything else that fcntl() does; giving one back does not fail. */
int fcntl64(int fd, int command, ...)
{
    static int (*next)(int fd, int command, ...);
    va_list more;
    va_start(more, command);
    void *argument = va_arg(more, void *);
    va_end(more);
    bool locks = command == F_SETLK || command == F_SETLKW;
    bool gives_back = locks && ((struct flock *)argument)->l_type == F_UNLCK;
    if (next == NULL)
        *(void **)(&next) = next_of("fcntl64");
    if (!gives_back && fails(locks ? "lock" : "fcntl64", fd)) {
        errno = number;
        return -1;
    }
    return next(fd, command, argument);
}
