/* SPDX-License-Identifier: Apache-2.0 */
/* Two planners: one that thinks of anything at all, and a fallback that is mostly sensible. */
#ifndef MIDWATCH_SIMULATION_PLANNERS_H
#define MIDWATCH_SIMULATION_PLANNERS_H

#include "midwatch/planner.h"

extern struct mw_planner sim_planner, sim_fallback;

#endif
