/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When memory runs out. midwatch records what it is about to do before it does it, so a process that
 * ends at any moment loses nothing; going on with half of what it meant to hold could. So an allocation
 * of less than MW_LARGE_BYTES never fails: in the program, malloc(), calloc() and realloc() end the
 * process with a sentence instead of returning NULL (allocate.c), whoever calls them: talloc, jansson,
 * libuv. Nobody needs to check those.
 *
 * What is as large as that is as large as strangers make it: a body, a program's output, a file. It
 * fails as ever, and whoever asked for it refuses that one thing with an error.
 */
#ifndef MIDWATCH_BASE_MEMORY_H
#define MIDWATCH_BASE_MEMORY_H

#include <stddef.h>

#define MW_LARGE_BYTES ((size_t)1024 * 1024)

/* Says on stderr why and what is missing, and ends the process with status 1. From any thread and any
 * signal handler; allocates nothing and runs nothing at exit. */
_Noreturn void mw_give_up(const char *why, const char *what);
/* For want of memory for `what`. */
_Noreturn void mw_out_of_memory(const char *what);

#endif
