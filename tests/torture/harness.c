/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

#define COUNT_USUAL 150
#define CHILD_S     60
#define STATUS_FAIL 3

struct torture_world *world;

/* ---- what fails ---- */

struct aim {
    bool armed, large;
    long at; /* 0: none, they are counted */
    atomic_long seen;
};
static struct aim *aim;

static void *(*real_malloc)(size_t size);
static void *(*real_calloc)(size_t count, size_t size);
static void *(*real_realloc)(void *old, size_t size);

/* A sanitizer allocates before it is ready for code that it has changed. */
#define EARLY __attribute__((no_sanitize("address", "undefined")))

EARLY static bool is_the_one(size_t size)
{
    if (aim == NULL || !aim->armed || (size >= MW_LARGE_BYTES) != aim->large)
        return false;
    if (atomic_fetch_add(&aim->seen, 1) + 1 != aim->at)
        return false;
    errno = ENOMEM;
    return true;
}

EARLY static void *failing_malloc(size_t size)
{
    return is_the_one(size) ? NULL : real_malloc(size);
}

EARLY static void *failing_calloc(size_t count, size_t size)
{
    return is_the_one(count * size) ? NULL : real_calloc(count, size);
}

EARLY static void *failing_realloc(void *old, size_t size)
{
    return size > 0 && is_the_one(size) ? NULL : real_realloc(old, size);
}

/* src/base/allocate.c asks for its next one here: the linker turns its dlsym() into this. */
void *__real_dlsym(void *handle, const char *name);
void *__wrap_dlsym(void *handle, const char *name);

EARLY void *__wrap_dlsym(void *handle, const char *name)
{
    void *symbol = __real_dlsym(handle, name);
    if (handle != RTLD_NEXT)
        return symbol;
    switch (name[0]) { /* malloc, calloc or realloc */
    case 'm':
        real_malloc = (void *(*)(size_t))symbol;
        return (void *)failing_malloc;
    case 'c':
        real_calloc = (void *(*)(size_t, size_t))symbol;
        return (void *)failing_calloc;
    default:
        real_realloc = (void *(*)(void *, size_t))symbol;
        return (void *)failing_realloc;
    }
}

/* ---- children ---- */

void torture_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vdprintf(STDERR_FILENO, format, arguments);
    va_end(arguments);
    _exit(STATUS_FAIL);
}

/* How a child ended, and the end of what it said. */
struct end {
    int status;
    bool late;
    char said[3000];
};

static void keep_end(char *said, size_t size, size_t *length, const char *bytes, size_t got)
{
    if (*length + got >= size) {
        size_t keep = size / 2 < *length ? size / 2 : *length;
        memmove(said, said + *length - keep, keep);
        *length = keep;
    }
    memcpy(said + *length, bytes, got);
    *length += got;
    said[*length] = '\0';
}

static void listen_to(int fd, pid_t pid, struct end *end)
{
    char bytes[1000];
    size_t length = 0;
    time_t until = time(NULL) + CHILD_S;
    struct pollfd ask = {.fd = fd, .events = POLLIN};
    while (!end->late) {
        ssize_t got = poll(&ask, 1, 1000) > 0 ? read(fd, bytes, sizeof bytes) : -1;
        if (got == 0)
            break;
        if (got > 0)
            keep_end(end->said, sizeof end->said, &length, bytes, (size_t)got);
        if (time(NULL) > until) {
            end->late = true;
            kill(pid, SIGKILL);
        }
    }
}

static struct end run_child(void (*first)(void), void (*then)(void), bool armed)
{
    struct end end = {0};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        torture_fail("no pipe: %s\n", strerror(errno));
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        if (first != NULL)
            first();
        aim->armed = armed;
        then();
        aim->armed = false;
        _exit(0);
    }
    close(ends[1]);
    if (pid < 0)
        torture_fail("no child: %s\n", strerror(errno));
    listen_to(ends[0], pid, &end);
    close(ends[0]);
    waitpid(pid, &end.status, 0);
    return end;
}

static bool ended_in_order(const struct end *end)
{
    return WIFEXITED(end->status) && WEXITSTATUS(end->status) == 1 &&
           strstr(end->said, "midwatch: out of memory: ") != NULL;
}

static bool went_on(const struct end *end)
{
    return WIFEXITED(end->status) && WEXITSTATUS(end->status) == 0;
}

static void tell(const char *what, const struct torture *torture, long at, const struct end *end)
{
    printf("FAIL %s/%ld: %s: ", torture->name, at, what);
    if (end->late)
        printf("did not end within %d s", CHILD_S);
    else if (WIFSIGNALED(end->status))
        printf("ended by signal %d (%s)", WTERMSIG(end->status), strsignal(WTERMSIG(end->status)));
    else
        printf("ended with status %d", WEXITSTATUS(end->status));
    printf("\n%s\n", end->said);
}

/* ---- runs ---- */

struct tally {
    long all, played, ended, went_on, failed;
};

static void clear_away(void)
{
    char *slash = strrchr(world->store, '/');
    if (slash == NULL)
        return;
    *slash = '\0';
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", world->store);
    if (system(command) != 0)
        printf("%s is left over\n", world->store);
}

static void play(const struct torture *torture, long at, struct tally *tally)
{
    *world = (struct torture_world){0};
    aim->large = torture->large;
    aim->at = at;
    atomic_store(&aim->seen, 0);
    struct end end = run_child(torture->prepare, torture->scenario, true);
    bool hit = atomic_load(&aim->seen) >= at && at > 0;
    bool good = went_on(&end) || (hit && !torture->large && ended_in_order(&end));
    tally->played++;
    tally->ended += ended_in_order(&end);
    tally->went_on += went_on(&end);
    if (!good)
        tell("with that allocation failing", torture, at, &end);
    if (good && torture->afterwards != NULL) {
        struct end after = run_child(NULL, torture->afterwards, false);
        good = went_on(&after);
        if (!good)
            tell("afterwards", torture, at, &after);
    }
    tally->failed += !good;
    clear_away();
}

struct plan {
    bool all;
    long count;
    unsigned long seed;
    const char *only; /* NAME or NAME/N */
};

static unsigned long next_random(unsigned long *state)
{
    *state = *state * 6364136223846793005UL + 1442695040888963407UL;
    return *state >> 33;
}

/* One of each of so many equal stretches, so that every part of a scenario is played. */
static void play_sample(const struct torture *torture, const struct plan *plan, struct tally *tally)
{
    unsigned long state = plan->seed;
    long stretches = plan->all || plan->count > tally->all ? tally->all : plan->count;
    for (long i = 0; i < stretches; i++) {
        long from = tally->all * i / stretches, to = tally->all * (i + 1) / stretches;
        play(torture, 1 + from + (long)(next_random(&state) % (unsigned long)(to - from)), tally);
    }
}

/* Whether this one is asked for; `at` becomes the number after its name, 0 for none. */
static bool is_wanted(const struct torture *torture, const char *only, long *at)
{
    *at = 0;
    if (only == NULL)
        return true;
    size_t length = strcspn(only, "/");
    if (strlen(torture->name) != length || strncmp(only, torture->name, length) != 0)
        return false;
    *at = only[length] == '/' ? strtol(only + length + 1, NULL, 10) : 0;
    return true;
}

static bool run_one(const struct torture *torture, const struct plan *plan)
{
    long at;
    struct tally tally = {0};
    if (!is_wanted(torture, plan->only, &at))
        return true;
    play(torture, at, &tally);
    tally.all = atomic_load(&aim->seen);
    if (at == 0 && tally.failed == 0) {
        play_sample(torture, plan, &tally);
        if ((size_t)tally.all < torture->least) {
            printf("FAIL %s: it allocates only %ld times\n", torture->name, tally.all);
            tally.failed++;
        }
    }
    printf("%s: %ld of %ld %sallocations failed in turn (seed %lu): %ld ended in order, %ld went "
           "on, %ld "
           "wrong\n",
           torture->name, tally.played - 1, tally.all, torture->large ? "large " : "", plan->seed,
           tally.ended, tally.went_on - 1, tally.failed);
    return tally.failed == 0;
}

static void *share(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        torture_fail("no memory to share: %s\n", strerror(errno));
    return memory;
}

int torture_main(int count, char **words, const struct torture *scenarios)
{
    const char *seed = getenv("MW_TORTURE_SEED"), *some = getenv("MW_TORTURE_COUNT");
    struct plan plan = {.all = getenv("MW_TORTURE_ALL") != NULL,
                        .count = some != NULL ? strtol(some, NULL, 10) : COUNT_USUAL,
                        .seed = seed != NULL ? strtoul(seed, NULL, 10) : (unsigned long)time(NULL)};
    for (int i = 1; i < count; i++) {
        if (strcmp(words[i], "--all") == 0)
            plan.all = true;
        else if (strcmp(words[i], "--seed") == 0 && i + 1 < count)
            plan.seed = strtoul(words[++i], NULL, 10);
        else if (strcmp(words[i], "--count") == 0 && i + 1 < count)
            plan.count = strtol(words[++i], NULL, 10);
        else
            plan.only = words[i];
    }
    aim = share(sizeof *aim);
    world = share(sizeof *world);
    bool good = true;
    for (const struct torture *torture = scenarios; torture->name != NULL; torture++)
        good = run_one(torture, &plan) && good;
    return good ? 0 : 1;
}
