/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work on helper threads, for what can only block: files, hashes of much, SQLite. A job owns its
 * data: it is one talloc root without links to others, handed over whole and handed back whole.
 */
#ifndef MIDWATCH_WORK_H
#define MIDWATCH_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <talloc.h>

#include "midwatch/deadline.h"
#include "midwatch/error.h"

/* Runs run(job) on a thread of the shared pool. `*job` is a talloc root. When the wait ends early
 * (deadline, cancel) `*job` becomes NULL and the job is freed once it has ended. */
MW_SUSPENDS bool mw_work(void (*run)(void *job), void **job, struct mw_deadline deadline,
                         struct mw_error *error);

/* A thread of its own with a queue, for a library that wants one thread always. With the virtual
 * clock its jobs run inline. `batch` is called on the thread with all jobs that were waiting, so that
 * it may do them at one stroke. The queue holds at most `bound` jobs; beyond it a call fails with
 * MW_ERROR_RETRY and its job stays the caller's. */
struct mw_worker;

struct mw_worker *mw_worker_create(const char *name, size_t bound,
                                   void (*batch)(void *context, void **jobs, size_t count),
                                   void *context, struct mw_error *error);
/* Waits for queued jobs, ends the thread, frees the worker. */
MW_SUSPENDS void mw_worker_destroy(struct mw_worker *worker);

/* Like mw_work, on that thread. `uncancellable`: cancelling does not end the wait. */
MW_SUSPENDS bool mw_worker_call(struct mw_worker *worker, void **job, bool uncancellable,
                                struct mw_deadline deadline, struct mw_error *error);

/* The last `limit` bytes of a file, read on a helper thread; NUL-terminated. Refuses what is no regular
 * file. `*cut`: there was more before. */
MW_SUSPENDS char *mw_file_tail(TALLOC_CTX *memory, const char *path, size_t limit, size_t *length,
                               bool *cut, struct mw_deadline deadline, struct mw_error *error);

#endif
