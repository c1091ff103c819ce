/* SPDX-License-Identifier: Apache-2.0 */
/* What happens when a tool runs: it helps, does nothing, makes it worse, lies, hangs, or the process dies. */
#include "base/clock.h"
#include "simulation/checks.h"
#include "simulation/world.h"

enum deed {
    DEED_WORKS,
    DEED_NOTHING, /* says ok, and nothing changed */
    DEED_WORSE,   /* says ok, and it is worse */
    DEED_SAYS_NO, /* ok: false */
    DEED_LONG,    /* works, late */
    DEED_HANGS,   /* past its deadline; whether it worked, nobody knows */
    DEED_BREAKS,  /* cut off in the middle */
    DEED_REFUSES, /* never tried */
    DEED_LIES,    /* ok: false, though it worked */
    DEED_KILLS,   /* the process dies while it runs */
    DEEDS,
};

static const int weights[DEEDS] = {54, 9, 8, 6, 6, 5, 4, 3, 2, 3};

static void work(struct sim_thing *thing, enum sim_tool tool)
{
    if (thing->cure == (int)tool || tool == SIM_WIPE) {
        sim_thing_heal(thing);
        sim_say("%s is cured", thing->name);
    } else if (tool == SIM_SHRINK && thing->level > 50) {
        thing->level += 4;
    }
}

static void worsen(struct sim_thing *thing)
{
    thing->level = thing->level + 15 > 100 ? 100 : thing->level + 15;
    thing->gone = sim_chance(25);
    sim_say("%s got worse", thing->name);
}

static bool cut_off(struct sim_thing *thing, enum sim_tool tool, struct mw_error *error)
{
    /* Whoever was asked may go on without us. */
    if (sim_chance(50))
        work(thing, tool);
    return mw_error_set(error, sim.dead ? MW_ERROR_CANCELLED : MW_ERROR_RETRY,
                        "the connection was lost in the middle");
}

static bool perform(struct sim_thing *thing, enum sim_tool tool, enum deed deed,
                    struct mw_deadline deadline, json_t **result, struct mw_error *error)
{
    int64_t takes = deed == DEED_LONG ? sim_between(3000, 9500) : sim_between(20, 2500);
    if (deed == DEED_REFUSES)
        return mw_error_set(error, MW_ERROR_REFUSED, "not in this state");
    if (deed == DEED_HANGS) {
        if (sim_chance(50))
            work(thing, tool);
        return sim_wait(3600000, deadline, error);
    }
    if (!sim_wait(takes, deadline, error))
        return cut_off(thing, tool, error);
    if (deed == DEED_KILLS)
        sim_die("while a tool ran");
    if (deed == DEED_KILLS || deed == DEED_BREAKS)
        return cut_off(thing, tool, error);
    if (deed == DEED_WORKS || deed == DEED_LONG || deed == DEED_LIES)
        work(thing, tool);
    else if (deed == DEED_WORSE)
        worsen(thing);
    bool ok = deed != DEED_SAYS_NO && deed != DEED_LIES;
    *result = mw_tool_result(ok, NULL, "level %.0f", thing->level);
    return true;
}

bool sim_tool_act(struct sim_thing *thing, enum sim_tool tool, const json_t *arguments,
                  struct mw_deadline deadline, json_t **result, struct mw_error *error)
{
    if (sim.dead)
        return sim_refuse(error);
    if (tool == SIM_PEEK) {
        if (!sim_wait(sim_between(1, 200), deadline, error))
            return false;
        *result = mw_tool_result(true, NULL, "level %.0f", thing->level);
        return true;
    }
    sim_check_run(thing, tool, arguments);
    sim_require(!thing->acting, "two steps act on %s at once", thing->name);
    enum deed deed = sim.calm ? DEED_WORKS : (enum deed)sim_weighted(weights, DEEDS);
    thing->acting = true;
    bool ok = perform(thing, tool, deed, deadline, result, error);
    thing->acting = false;
    return ok;
}
