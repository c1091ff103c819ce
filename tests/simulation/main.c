/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "midwatch/incident.h"
#include "runtime/runtime.h"
#include "simulation/sim.h"

#define WALL_START INT64_C(1790000000000)

static const char usage[] =
    "simulate [--seed N] [--incidents N] [--seconds N] [--quiet] [--sabotage WHAT]\n"
    "  Lives through worlds until N incidents (100) happened, the first of seed N (1) and each\n"
    "  further one of the next seed; or until N seconds have passed. The log of events and the\n"
    "  summary are the same for the same seed. --quiet: the summary only.\n"
    "  --sabotage roles|policy|ledger: does that wrong, which has to be noticed.\n";

struct options {
    uint64_t seed;
    long incidents, seconds;
    bool quiet;
};

static bool read_options(int count, char **words, struct options *options)
{
    static const struct option known[] = {{"seed", 1, NULL, 's'},     {"incidents", 1, NULL, 'i'},
                                          {"seconds", 1, NULL, 't'},  {"quiet", 0, NULL, 'q'},
                                          {"sabotage", 1, NULL, 'b'}, {0}};
    int option;
    while ((option = getopt_long(count, words, "", known, NULL)) != -1) {
        if (option == 's')
            options->seed = strtoull(optarg, NULL, 10);
        else if (option == 'i')
            options->incidents = strtol(optarg, NULL, 10);
        else if (option == 't')
            options->seconds = strtol(optarg, NULL, 10);
        else if (option == 'q')
            options->quiet = true;
        else if (option == 'b')
            sim.sabotage = optarg;
        else
            return false;
    }
    return optind == count;
}

/* ---- one world ---- */

static int run_world(void *unused)
{
    sim_world_run();
    return 0;
}

/* In memory where there is such a place: what is simulated is no disk. */
static void make_folder(void)
{
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(sim.folder, sizeof sim.folder, "%s/midwatch-simulation-XXXXXX", base);
    if (mkdtemp(sim.folder) == NULL) {
        perror(sim.folder);
        exit(1);
    }
    snprintf(sim.store, sizeof sim.store, "%s/midwatch.db", sim.folder);
}

static void remove_store(void)
{
    char path[128];
    static const char *const ends[] = {"", "-wal", "-shm", ".lock"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(path, sizeof path, "%s%s", sim.store, ends[i]);
        unlink(path);
    }
}

static void live_through(uint64_t seed)
{
    struct mw_error error = {0};
    sim.seed = seed;
    mw_clock_virtual(WALL_START + (int64_t)(seed % 1000) * 3600000, seed);
    if (!mw_runtime_init(&error)) {
        fprintf(stderr, "%s\n", error.text);
        exit(1);
    }
    size_t before = talloc_total_blocks(NULL);
    sim_say("seed %" PRIu64, seed);
    mw_runtime_run(run_world, NULL);
    sim_require(talloc_total_blocks(NULL) == before, "%zu pieces of memory are left of the rooms",
                talloc_total_blocks(NULL) - before);
    mw_runtime_finish();
    remove_store();
}

/* ---- the summary ---- */

static void print_summary(const struct options *options, uint64_t next)
{
    const struct sim_counts *c = &sim_counts;
    printf("seeds %" PRIu64 " to %" PRIu64
           ": %ld incidents in %ld worlds, %ld processes, %ld deaths,"
           " %ld reloads\n",
           options->seed, next - 1, c->incidents, c->worlds, c->lives, c->deaths, c->reloads);
    printf("outcomes:");
    for (int i = MW_OUTCOME_RECOVERED; i <= MW_OUTCOME_HANDED_OVER; i++)
        printf(" %s %ld", mw_outcome_name((enum mw_outcome)i), c->outcomes[i]);
    printf("\nsteps run: %ld, %ld of them by policy, %ld to take back\n", c->runs,
           c->runs_automatic, c->runs_undo);
    printf("changes: %ld, %ld refused; messages: %ld, %ld doubled, %ld edits\n", c->commits,
           c->refused_commits, c->posts, c->doubles, c->edits);
    printf("people said: %ld, handed in %ld times; checks: %ld; log %016" PRIx64 "\n", c->said,
           c->events, c->checks, sim_events_digest());
}

int main(int count, char **words)
{
    struct options options = {.seed = 1, .incidents = 100};
    if (!read_options(count, words, &options)) {
        fputs(usage, stderr);
        return 2;
    }
    setenv("TZ", "UTC", 1);
    tzset();
    talloc_enable_null_tracking();
    sim_events_begin(!options.quiet);
    make_folder();
    time_t begun = time(NULL);
    uint64_t seed = options.seed;
    do
        live_through(seed++);
    while (options.seconds > 0 ? time(NULL) - begun < options.seconds
                               : sim_counts.incidents < options.incidents);
    rmdir(sim.folder);
    talloc_disable_null_tracking();
    print_summary(&options, seed);
    return 0;
}
