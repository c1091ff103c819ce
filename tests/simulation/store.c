/* SPDX-License-Identifier: Apache-2.0 */
#include "simulation/store.h"

#include <string.h>

#include "adapters/store/sqlite/sqlite.h"
#include "base/clock.h"
#include "simulation/checks.h"

static mw_mono_ns troubled_until;
static bool reads_too; /* reading fails as well */
static int kill_in;    /* changes until the process dies; 0: it does not */

void sim_store_mend(void)
{
    troubled_until = 0;
    kill_in = 0;
}

void sim_store_trouble(void)
{
    int64_t ms = sim_between(200, sim_chance(80) ? 15000 : 120000);
    troubled_until = mw_mono_now() + ms * 1000000;
    reads_too = sim_chance(40);
    sim_say("the store fails for %lld ms%s", (long long)ms, reads_too ? ", reading too" : "");
}

bool sim_store_is_troubled(void)
{
    return !sim.calm && mw_mono_now() < troubled_until;
}

bool sim_store_was_troubled(mw_mono_ns since)
{
    return troubled_until > since;
}

void sim_store_kill_in(int changes)
{
    kill_in = changes;
}

static bool changes_something(const struct mw_transaction *transaction)
{
    for (size_t i = 0; i < transaction->count; i++) {
        if (strncmp(transaction->statements[i].sql, "SELECT", 6) != 0)
            return true;
    }
    return false;
}

static bool open_store(struct mw_store *store, const char *location, enum mw_store_mode mode,
                       struct mw_error *error)
{
    if (sim_store_is_troubled())
        return mw_error_set(error, MW_ERROR_PERMANENT, "the disk does not answer");
    return mw_store_sqlite.open(store, location, mode, error);
}

static void close_store(struct mw_store *store)
{
    mw_store_sqlite.close(store);
}

/* It fails at once, or after a while. */
static bool fail(struct mw_deadline deadline, struct mw_error *error)
{
    sim_counts.refused_commits++;
    if (sim_chance(30) && !sim_wait(sim_between(100, 4000), deadline, error))
        return false;
    return mw_error_set(error, sim_chance(50) ? MW_ERROR_PERMANENT : MW_ERROR_RETRY,
                        "the disk is full");
}

/* It stands in the record, and whoever asked is not told. */
static bool lose_answer(struct mw_transaction **transaction, struct mw_error *error)
{
    sim_say("the store does not say that it took a change");
    talloc_free(*transaction);
    *transaction = NULL;
    return mw_error_set(error, MW_ERROR_TIMEOUT, "the disk did not answer in time");
}

static bool commit(struct mw_store *store, struct mw_transaction **transaction,
                   struct mw_deadline deadline, struct mw_error *error)
{
    bool change = changes_something(*transaction);
    if (sim.dead)
        return sim_refuse(error);
    if (sim_store_is_troubled() && (change || reads_too))
        return fail(deadline, error);
    if (!sim.calm && sim_chance(3) &&
        !sim_wait(sim_between(1, sim_chance(80) ? 400 : 8000), deadline, error) && sim.dead)
        return false;
    bool kill = change && kill_in > 0 && --kill_in == 0;
    if (kill && sim_chance(50)) {
        sim_die("before a change");
        return sim_refuse(error);
    }
    if (!mw_store_sqlite.commit(store, transaction, deadline, error))
        return false;
    sim_counts.commits += change;
    if (change)
        sim_check_record();
    if (kill && !sim.dead)
        sim_die("after a change");
    if (sim.dead)
        return sim_refuse(error);
    if (change && !sim.calm && deadline.at != MW_NO_DEADLINE.at && sim_chance(1) && sim_chance(40))
        return lose_answer(transaction, error);
    return true;
}

const struct mw_store_ops sim_store_ops = {
    .name = "sqlite", .open = open_store, .close = close_store, .commit = commit};
