/* SPDX-License-Identifier: Apache-2.0 */
/* What is watched: resources of three kinds that break, heal and are treated by tools. */
#ifndef MIDWATCH_SIMULATION_WORLD_H
#define MIDWATCH_SIMULATION_WORLD_H

#include "midwatch/target.h"
#include "simulation/sim.h"
#include "watch/watch.h"

#define SIM_THINGS_MAX 12

/* Each kind has the same five, by its own names: "cache_grow". */
enum sim_tool { SIM_GROW, SIM_SHRINK, SIM_RESTART, SIM_WIPE, SIM_PEEK, SIM_TOOLS };

struct sim_thing {
    char name[24];
    const struct mw_target_ops *ops;
    struct mw_resource_config config;
    const char *needs[2];
    double level, hits;               /* bad from 80, failed from 99; bad from 20 down */
    bool gone;                        /* nobody answers */
    bool hangs;                       /* and says so only by the deadline */
    bool fragile;                     /* restarting it loses data now */
    int flaky;                        /* percent of its probes that fail though it is well */
    int cure;                         /* enum sim_tool that helps; -1: only time does */
    bool acting;                      /* a tool that changes something runs on it */
    enum mw_risk assessed[SIM_TOOLS]; /* as last told */
};

extern struct sim_thing sim_things[SIM_THINGS_MAX];
extern size_t sim_thing_count;

/* Makes the resources of this seed. */
void sim_things_make(void);
/* NULL: there is none. */
struct sim_thing *sim_thing_find(const char *name);
/* One of them, at random. */
struct sim_thing *sim_thing_any(void);
/* Whether it needs the other, be it by way of others. */
bool sim_thing_needs(const struct sim_thing *thing, const char *other);
void sim_thing_heal(struct sim_thing *thing);
void sim_thing_hurt(struct sim_thing *thing);

/* The name of a kind's tool, and what it is at least; -1: no tool of that kind has the name. */
const char *sim_tool_name(const struct mw_target_ops *ops, enum sim_tool tool);
int sim_tool_number(const struct mw_target_ops *ops, const char *name);

/* Does what a tool does, well or badly (tools.c). */
MW_SUSPENDS bool sim_tool_act(struct sim_thing *thing, enum sim_tool tool, const json_t *arguments,
                              struct mw_deadline deadline, json_t **result, struct mw_error *error);

/* The fiber that breaks and heals them (script.c). */
void sim_script_run(void *unused);

#endif
