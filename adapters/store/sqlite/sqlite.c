/* SPDX-License-Identifier: Apache-2.0 */
#include "sqlite.h"

#include "base/clock.h"
#include "base/log.h"
#include "checkup.h"
#include "database.h"
#include "runtime/work.h"

/* How many transactions may wait; more of them means that the disk does not keep up. */
#define QUEUE_MAX 1024
/* Waiting for a lock or for recovery after a crash takes seconds; a disk that hangs takes forever. */
#define OPEN_MS 60000

enum job_kind { JOB_OPEN, JOB_COMMIT, JOB_CLOSE };

/* A talloc root; the transaction is its child while the thread has it. */
struct job {
    enum job_kind kind;
    struct mw_transaction *transaction;
    bool ok;
    struct mw_error error;
};

struct state {
    struct mw_worker *worker;
    struct mw_sqlite database; /* of the thread */
};

/* ---- on the thread ---- */

static void fail_all(struct job **jobs, size_t count, const struct mw_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (jobs[i]->ok) {
            jobs[i]->ok = false;
            jobs[i]->error = *error;
        }
    }
}

/* Some failures (a full disk, an I/O error) end the whole transaction, not the savepoint alone. */
static bool is_rolled_back(const struct mw_sqlite *database)
{
    return sqlite3_get_autocommit(database->db) != 0;
}

/* Runs one member in a savepoint. False when the whole transaction is lost. */
static bool run_member(struct mw_sqlite *database, struct job *job)
{
    if (!mw_sqlite_command(database, "SAVEPOINT member", &job->error)) {
        return false;
    }
    job->ok = mw_sqlite_execute(database, job->transaction, &job->error);
    if (is_rolled_back(database)) {
        return false;
    }
    struct mw_error error = {0};
    if ((job->ok || mw_sqlite_command(database, "ROLLBACK TO member", &error)) &&
        mw_sqlite_command(database, "RELEASE member", &error)) {
        return true;
    }
    job->ok = false;
    job->error = error;
    return false;
}

/* All members in one transaction, hence one flush. */
static void commit_group(struct mw_sqlite *database, struct job **jobs, size_t count)
{
    struct mw_error error = {0};
    const char *begin = database->mode == MW_STORE_ACTIVE ? "BEGIN IMMEDIATE" : "BEGIN";
    bool ok = mw_sqlite_command(database, begin, &error);
    size_t ran = 0;
    while (ok && ran < count) {
        ok = run_member(database, jobs[ran]);
        if (!ok) {
            error = jobs[ran]->error;
        }
        ran++;
    }
    ok = ok && mw_sqlite_command(database, "COMMIT", &error);
    if (ok) {
        return;
    }
    if (!is_rolled_back(database)) {
        struct mw_error ignored = {0};
        mw_sqlite_command(database, "ROLLBACK", &ignored);
    }
    for (size_t i = ran; i < count; i++) {
        jobs[i]->ok = true; /* so far nothing spoke against it */
    }
    fail_all(jobs, count, &error);
}

static bool is_open(const struct mw_sqlite *database, struct job *job)
{
    return database->db != NULL ||
           mw_error_set(&job->error, MW_ERROR_REFUSED, "the store is closed");
}

static void run_batch(void *context, void **items, size_t count)
{
    struct mw_sqlite *database = context;
    struct job **jobs = (struct job **)items;
    for (size_t i = 0; i < count;) {
        size_t group = 0;
        while (i + group < count && jobs[i + group]->kind == JOB_COMMIT) {
            group++;
        }
        if (group > 0 && is_open(database, jobs[i])) {
            commit_group(database, jobs + i, group);
            i += group;
            continue;
        }
        if (jobs[i]->kind == JOB_OPEN) {
            jobs[i]->ok = mw_sqlite_open(database, &jobs[i]->error);
        } else if (jobs[i]->kind == JOB_CLOSE) {
            mw_sqlite_close(database);
            jobs[i]->ok = true;
        }
        i++;
    }
}

/* ---- on the loop ---- */

/* Hands a job to the thread and waits. `*job` is NULL afterwards when the thread keeps it. */
MW_SUSPENDS static bool call(struct state *state, struct job **job, bool uncancellable,
                             struct mw_deadline deadline, struct mw_error *error)
{
    void *handed = *job;
    bool back = mw_worker_call(state->worker, &handed, uncancellable, deadline, error);
    *job = handed;
    if (!back) {
        return mw_error_wrap(error, "%s", state->database.location);
    }
    if (!(*job)->ok) {
        *error = (*job)->error;
        return false;
    }
    return true;
}

static void destroy_state(struct state *state)
{
    if (state->worker != NULL) {
        mw_worker_destroy(state->worker);
    }
    mw_sqlite_close(&state->database);
    talloc_free(state);
}

MW_SUSPENDS static bool run_simple(struct state *state, enum job_kind kind, bool uncancellable,
                                   struct mw_deadline deadline, struct mw_error *error)
{
    struct job *job = talloc_zero(NULL, struct job);
    if (job == NULL) {
        return mw_error_set(error, MW_ERROR_RETRY, "out of memory while using the store");
    }
    job->kind = kind;
    bool ok = call(state, &job, uncancellable, deadline, error);
    talloc_free(job);
    return ok;
}

MW_SUSPENDS static bool sqlite_open(struct mw_store *store, const char *location,
                                    enum mw_store_mode mode, struct mw_error *error)
{
    struct state *state = talloc_zero(NULL, struct state);
    char *copy = state != NULL ? talloc_strdup(state, location) : NULL;
    if (copy == NULL) {
        talloc_free(state);
        return mw_error_set(error, MW_ERROR_RETRY, "out of memory while opening %s", location);
    }
    state->database = (struct mw_sqlite){.location = copy, .mode = mode, .lock = -1};
    state->worker = mw_worker_create("sqlite", QUEUE_MAX, run_batch, &state->database, error);
    if (state->worker == NULL ||
        !run_simple(state, JOB_OPEN, false, mw_deadline_in(OPEN_MS), error)) {
        destroy_state(state);
        return false;
    }
    store->state = state;
    return true;
}

MW_SUSPENDS static void sqlite_close(struct mw_store *store)
{
    struct state *state = store->state;
    store->state = NULL;
    /* On the thread, since closing moves the log into the file. */
    struct mw_error error = {0};
    if (!run_simple(state, JOB_CLOSE, true, MW_NO_DEADLINE, &error)) {
        mw_log_debug("sqlite", "closing %s: %s", state->database.location, error.text);
    }
    destroy_state(state);
}

MW_SUSPENDS static bool sqlite_commit(struct mw_store *store, struct mw_transaction **transaction,
                                      struct mw_deadline deadline, struct mw_error *error)
{
    struct state *state = store->state;
    struct job *job = talloc_zero(NULL, struct job);
    if (job == NULL) {
        return mw_error_set(error, MW_ERROR_RETRY, "out of memory while using the store");
    }
    job->kind = JOB_COMMIT;
    job->transaction = talloc_steal(job, *transaction);
    bool ok = call(state, &job, true, deadline, error);
    if (job == NULL) {
        *transaction = NULL;
        return false;
    }
    talloc_steal(NULL, *transaction);
    talloc_free(job);
    return ok;
}

const struct mw_store_ops mw_store_sqlite = {
    .name = "sqlite",
    .open = sqlite_open,
    .close = sqlite_close,
    .commit = sqlite_commit,
    .check = mw_sqlite_check,
};
