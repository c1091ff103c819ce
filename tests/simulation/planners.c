/* SPDX-License-Identifier: Apache-2.0 */
#include "simulation/planners.h"

#include <string.h>

#include "base/clock.h"
#include "simulation/world.h"

enum mind {
    MIND_GOOD,        /* tools on what the incident is about */
    MIND_FOREIGN,     /* a resource that has nothing to do with it */
    MIND_UNKNOWN,     /* a tool that does not exist */
    MIND_ARGUMENTS,   /* arguments that do not fit */
    MIND_DESTRUCTIVE, /* wipes */
    MIND_GARBAGE,     /* no proposal at all */
    MIND_HANGS,
    MIND_FAILS,
    MINDS,
};

static const int weights[MINDS] = {62, 7, 4, 4, 9, 5, 3, 6};

/* A resource that the situation names. */
static struct sim_thing *within(const json_t *situation)
{
    const json_t *others = json_object_get(situation, "others");
    const json_t *resource = json_object_get(situation, "resource");
    if (json_array_size(others) > 0 && sim_chance(35)) {
        size_t at = (size_t)sim_between(0, (int64_t)json_array_size(others) - 1);
        resource = json_object_get(json_array_get(others, at), "resource");
    }
    return sim_thing_find(json_string_value(json_object_get(resource, "name")));
}

static json_t *step(const struct sim_thing *thing, const char *tool)
{
    return json_pack("{s:s, s:{s:s}, s:s, s:s}", "tool", tool, "arguments", "resource", thing->name,
                     "why", "it may help", "expect", "better");
}

static json_t *good_step(const struct sim_thing *thing)
{
    bool knows = thing->cure >= 0 && sim_chance(70);
    enum sim_tool tool = knows ? (enum sim_tool)thing->cure : (enum sim_tool)sim_between(0, 4);
    if (tool == SIM_WIPE && !knows)
        tool = SIM_GROW;
    if (sim_chance(4))
        return json_pack("{s:s, s:{s:s, s:i}, s:s}", "tool", "wait", "arguments", "resource",
                         thing->name, "seconds", (int)sim_between(1, 9), "why", "time may help");
    return step(thing, sim_tool_name(thing->ops, tool));
}

static json_t *steps_of(enum mind mind, const json_t *situation)
{
    json_t *steps = json_array();
    int count = sim_chance(70) ? 1 : (int)sim_between(2, 4);
    for (int i = 0; i < count; i++)
        json_array_append_new(steps, good_step(within(situation)));
    struct sim_thing *thing = within(situation);
    if (mind == MIND_FOREIGN)
        json_array_append_new(steps, good_step(sim_thing_any()));
    else if (mind == MIND_UNKNOWN)
        json_array_append_new(steps, step(thing, "rm_rf"));
    else if (mind == MIND_DESTRUCTIVE)
        json_array_append_new(steps, step(thing, sim_tool_name(thing->ops, SIM_WIPE)));
    else if (mind == MIND_ARGUMENTS)
        json_object_set_new(json_object_get(json_array_get(steps, 0), "arguments"), "force",
                            json_true());
    return steps;
}

static json_t *garbage(void)
{
    switch (sim_between(0, 3)) {
    case 0:
        return json_array();
    case 1:
        return json_pack("{s:s, s:f, s:[]}", "root_cause", "", "confidence", 7.5, "steps");
    case 2:
        return json_pack("{s:{s:s}}", "steps", "tool", "everything");
    default:
        return json_string("approved by alice");
    }
}

/* It may look around first, also with tools that change things, which it must not get. */
static void look_around(const json_t *situation, const struct mw_planner_host *host)
{
    for (int64_t i = sim_between(0, 2); i > 0 && !sim.dead; i--) {
        struct sim_thing *thing = sim_chance(85) ? within(situation) : sim_thing_any();
        enum sim_tool tool = sim_chance(60) ? SIM_PEEK : (enum sim_tool)sim_between(0, 4);
        json_auto_t *arguments = json_pack("{s:s}", "resource", thing->name);
        json_auto_t *result = NULL;
        struct mw_error error = {0};
        host->look(host->context, sim_tool_name(thing->ops, tool), arguments, &result, &error);
    }
}

static bool fail(struct mw_error *error)
{
    static const enum mw_error_class classes[] = {MW_ERROR_RETRY, MW_ERROR_PERMANENT,
                                                  MW_ERROR_REFUSED};
    return mw_error_set(error, classes[sim_between(0, 2)], "nothing comes to mind");
}

static bool think(enum mind mind, const json_t *situation, const struct mw_planner_host *host,
                  struct mw_deadline deadline, json_t **proposal, struct mw_error *error)
{
    if (sim.dead)
        return sim_refuse(error);
    if (sim_chance(30))
        look_around(situation, host);
    int64_t takes = mind == MIND_HANGS ? 3600000 : sim_between(20, sim_chance(80) ? 2000 : 15000);
    if (!sim_wait(takes, deadline, error))
        return false;
    if (mind == MIND_FAILS)
        return fail(error);
    if (mind == MIND_GARBAGE) {
        *proposal = garbage();
        return true;
    }
    *proposal = json_pack("{s:s, s:f, s:o}", "root_cause", "it broke", "confidence",
                          (double)sim_between(20, 100) / 100, "steps", steps_of(mind, situation));
    return true;
}

static bool propose(struct mw_planner *planner, const json_t *situation,
                    const struct mw_planner_host *host, struct mw_deadline deadline,
                    json_t **proposal, struct mw_error *error)
{
    enum mind mind = sim.calm ? MIND_GOOD : (enum mind)sim_weighted(weights, MINDS);
    return think(mind, situation, host, deadline, proposal, error);
}

static bool propose_simply(struct mw_planner *planner, const json_t *situation,
                           const struct mw_planner_host *host, struct mw_deadline deadline,
                           json_t **proposal, struct mw_error *error)
{
    if (sim_chance(20))
        return sim.dead ? sim_refuse(error) : fail(error);
    return think(MIND_GOOD, situation, host, deadline, proposal, error);
}

static const struct mw_planner_ops ops = {.name = "simulated", .propose = propose};
static const struct mw_planner_ops simple_ops = {.name = "simple", .propose = propose_simply};

struct mw_planner sim_planner = {.ops = &ops, .label = "simulated"};
struct mw_planner sim_fallback = {.ops = &simple_ops, .label = "simple"};
