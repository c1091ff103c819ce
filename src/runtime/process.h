/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Child processes: a clean environment (PATH, LANG=C.UTF-8 and what is given), no inherited
 * descriptors, a session and process group of its own that is killed whole when the deadline passes
 * or the fiber is cancelled. No shell is involved.
 */
#ifndef MIDWATCH_PROCESS_H
#define MIDWATCH_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <talloc.h>

#include "midwatch/deadline.h"
#include "midwatch/error.h"

struct mw_process_result {
    int exit_code; /* -1 when ended by a signal */
    int signal;    /* 0 when it exited */
    char *out,
        *err; /* NUL-terminated foreign bytes; what is beyond the limit was read and dropped */
    size_t out_length, err_length;
    bool cut;
};

/* `argv` ends with NULL; argv[0] is looked up in PATH unless it has a slash. `environment` (NULL or
 * NULL-terminated "NAME=value") is added. `limit` bytes of each output are kept: the last ones,
 * at most 16 MiB. Standard input is empty. False when it could not be started, was too slow (TIMEOUT) or was cancelled; a
 * non-zero exit is no error. */
MW_SUSPENDS bool mw_process_run(TALLOC_CTX *memory, const char *const *argv,
                                const char *const *environment, size_t limit,
                                struct mw_deadline deadline, struct mw_process_result *result,
                                struct mw_error *error);

/* Whether there is a program that mw_process_run() would run for argv[0]; says what to do where not. */
bool mw_process_find(const char *name, struct mw_error *error);

#endif
