/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a scenario again and again, each time in a child of its own, where the Nth allocation fails.
 * Small ones (base/memory.h) must end the child in order: a sentence on stderr and status 1. For large
 * ones the scenario itself must come to its end. No other way to end is right.
 */
#ifndef MIDWATCH_TORTURE_H
#define MIDWATCH_TORTURE_H

#include <stdbool.h>
#include <stddef.h>

struct torture {
    const char *name;
    void (*prepare)(void);  /* before allocations fail; may be NULL */
    void (*scenario)(void); /* while they do */
    /* In a child where none fails: what must be true after a scenario that was cut off. May be NULL. */
    void (*afterwards)(void);
    bool large;   /* those of MW_LARGE_BYTES and more fail, and no others */
    size_t least; /* how many of them there must be, so that the test is one */
};

/* Shared by all children of one run: what the world outside remembers. Zeroed before each. */
struct torture_world {
    char store[200];
    int acts, approvals;
};
extern struct torture_world *world;

/* Ends the child as a failure, with a sentence. */
void torture_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
#define TORTURE_HOLDS(condition) \
    ((condition) ? (void)0       \
                 : torture_fail("%s:%d: does not hold: %s", __FILE__, __LINE__, #condition))

/*
 * The scenarios of a program, ended by one without a name. Words: --all; --count N of each scenario;
 * --seed N; NAME; NAME/N alone. MW_TORTURE_ALL and MW_TORTURE_SEED in the environment do the same.
 */
int torture_main(int count, char **words, const struct torture *scenarios);

#endif
