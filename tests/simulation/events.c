/* SPDX-License-Identifier: Apache-2.0 */
/* The log of events: what the world and the program did, each line with its virtual time. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "simulation/sim.h"

#define LINE_BYTES 400
#define KEPT       60

static bool shown;
static char kept[KEPT][LINE_BYTES];
static uint64_t count, digest;

void sim_events_begin(bool show)
{
    shown = show;
    count = 0;
    digest = UINT64_C(0xcbf29ce484222325);
}

uint64_t sim_events_digest(void)
{
    return digest;
}

static void write_line(const char *room, const char *format, va_list arguments)
{
    char *line = kept[count++ % KEPT];
    int64_t ms = mw_mono_now() / 1000000 - 1000;
    int used =
        snprintf(line, LINE_BYTES, "%6" PRId64 ".%03" PRId64 " %-9s ", ms / 1000, ms % 1000, room);
    vsnprintf(line + used, LINE_BYTES - (size_t)used, format, arguments);
    for (const char *at = line; *at != '\0'; at++)
        digest = (digest ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
    if (shown)
        puts(line);
}

void sim_say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line("world", format, arguments);
    va_end(arguments);
}

/* The program's own log goes here too (the linker puts this in its place). */
void __wrap_mw_log(enum mw_log_level level, const char *room, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void __wrap_mw_log(enum mw_log_level level, const char *room, const char *format, ...)
{
    if (level > MW_LEVEL_INFO)
        return;
    va_list arguments;
    va_start(arguments, format);
    write_line(room, format, arguments);
    va_end(arguments);
}

static void print_kept(void)
{
    for (uint64_t i = count > KEPT ? count - KEPT : 0; i < count; i++)
        puts(kept[i % KEPT]);
}

void sim_broken(const char *format, ...)
{
    va_list arguments;
    if (!shown)
        print_kept();
    printf("\nBROKEN at seed %" PRIu64 ", process %d: ", sim.seed, sim.life);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\nreplay: ./tests/simulate --seed %" PRIu64 " --incidents 1%s%s\n", sim.seed,
           sim.sabotage != NULL ? " --sabotage " : "", sim.sabotage != NULL ? sim.sabotage : "");
    fflush(stdout);
    char path[128];
    static const char *const ends[] = {"", "-wal", "-shm", ".lock"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(path, sizeof path, "%s%s", sim.store, ends[i]);
        unlink(path);
    }
    rmdir(sim.folder);
    _exit(1);
}
