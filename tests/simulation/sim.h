/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulation: all of src/ on virtual time, between scripted resources, planners, people, chat
 * platforms and a store that fails. One seed makes one world; everything random in it, the program's own
 * jitter too, comes from the generator behind base/clock.h, so a seed gives the same run to the byte.
 */
#ifndef MIDWATCH_SIMULATION_SIM_H
#define MIDWATCH_SIMULATION_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "midwatch/deadline.h"
#include "midwatch/error.h"
#include "runtime/fiber.h"

struct sim {
    uint64_t seed;
    const char
        *sabotage;     /* what is done wrong on purpose, to see that it is noticed; NULL: nothing */
    bool dead;         /* the process is dead: every port refuses */
    bool calm;         /* the end of the world: nothing goes wrong any more and nobody speaks */
    int life;          /* number of the process, from 1 */
    mw_mono_ns jumped; /* when the wall clock was last set; 0: never */
    mw_mono_ns reloaded; /* when other settings came into force in a living process; 0: never */
    struct mw_condition death;
    struct mw_group fibers; /* the world's own, which outlive a process */
    char folder[64], store[96];
};
extern struct sim sim;

/* What happened in a world, for the summary. */
struct sim_counts {
    long worlds, lives, deaths, reloads, incidents, outcomes[8];
    long runs, runs_automatic, runs_undo, commits, refused_commits, posts, doubles, edits, events,
        said;
    long checks;
};
extern struct sim_counts sim_counts;

/* ---- chance (chance.c) ---- */

bool sim_chance(int percent);
/* Uniform, both ends included. */
int64_t sim_between(int64_t low, int64_t high);
/* An index, each as likely as its weight says. */
size_t sim_weighted(const int *weights, size_t count);
bool sim_sabotaged(const char *what);

/* ---- the log of events (events.c) ---- */

/* `shown`: each line is printed; otherwise the last ones are kept and printed when something is wrong. */
void sim_events_begin(bool shown);
void sim_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A number that differs when any line of the log does. */
uint64_t sim_events_digest(void);
/* What may not happen happened: says so, with the command that replays it, and ends the process. */
_Noreturn void sim_broken(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define sim_require(condition, ...) \
    (sim_counts.checks++, (condition) ? (void)0 : sim_broken(__VA_ARGS__))

/* ---- death (life.c) ---- */

/* The process dies at this moment: all ports refuse from now on. */
void sim_die(const char *where);
/* Fills the error that every port gives while the process is dead, and returns false. */
bool sim_refuse(struct mw_error *error);
/* Waits inside a port. False: the process died or the fiber was cancelled (CANCELLED), or the deadline
 * passed first (TIMEOUT). */
MW_SUSPENDS bool sim_wait(int64_t ms, struct mw_deadline deadline, struct mw_error *error);

/* Lives through the world of this seed, in a fiber. */
MW_SUSPENDS void sim_world_run(void);

#endif
