/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a child (child.c) for who watches it to its end (process.c). */
#ifndef MIDWATCH_RUNTIME_CHILD_H
#define MIDWATCH_RUNTIME_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "midwatch/error.h"

struct mw_child {
    pid_t pid;
    int out, err; /* our ends of its output; non-blocking, the caller's to close */
};

/* As mw_process_run() promises: clean environment, no descriptors, a session of its own. */
bool mw_child_start(const char *const *argv, const char *const *environment, struct mw_child *child,
                    struct mw_error *error);

#endif
