/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite behind a disk that fails for a while, that takes a change and does not say so, and in the middle
 * of whose changes the process dies. */
#ifndef MIDWATCH_SIMULATION_STORE_H
#define MIDWATCH_SIMULATION_STORE_H

#include "midwatch/store.h"
#include "simulation/sim.h"

extern const struct mw_store_ops sim_store_ops;

/* All is well again. */
void sim_store_mend(void);
void sim_store_trouble(void);
bool sim_store_is_troubled(void);
/* It was in trouble at some time since then. */
bool sim_store_was_troubled(mw_mono_ns since);
/* The process dies at the change of that number from now. */
void sim_store_kill_in(int changes);

#endif
