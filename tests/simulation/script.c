/* SPDX-License-Identifier: Apache-2.0 */
/* What befalls the world: resources break alone, together and one by way of another, heal and flap; the
 * wall clock is set; store and platforms have their troubles. */
#include "base/clock.h"
#include "simulation/platform.h"
#include "simulation/store.h"
#include "simulation/world.h"

/* Those that need a broken one break after it, mostly. */
static void hurt_dependents(const struct sim_thing *broken)
{
    for (size_t i = 0; i < sim_thing_count; i++) {
        struct sim_thing *one = &sim_things[i];
        if (one->cure == -1 && !one->gone && one->level < 80 &&
            sim_thing_needs(one, broken->name) && sim_chance(50))
            sim_thing_hurt(one);
    }
}

static void hurt_many(void)
{
    for (size_t i = 0; i < sim_thing_count; i++) {
        if (sim_chance(60))
            sim_thing_hurt(&sim_things[i]);
    }
}

static void heal_one(void)
{
    struct sim_thing *thing = sim_thing_any();
    sim_say("%s heals by itself", thing->name);
    sim_thing_heal(thing);
}

static void turn_fragile(void)
{
    struct sim_thing *thing = sim_thing_any();
    thing->fragile = !thing->fragile;
    sim_say("%s is %s", thing->name, thing->fragile ? "fragile" : "sturdy");
}

static void jump(void)
{
    int64_t ms = sim_chance(70) ? sim_between(-90000, 90000) : sim_between(-7200000, 7200000);
    sim.jumped = mw_mono_now();
    mw_clock_jump_wall(ms);
    sim_say("the wall clock jumps by %lld ms", (long long)ms);
}

static void befall(void)
{
    static const int weights[] = {38, 3, 20, 9, 5, 8, 8};
    struct sim_thing *thing = sim_thing_any();
    switch (sim_weighted(weights, sizeof weights / sizeof *weights)) {
    case 0:
        sim_thing_hurt(thing);
        hurt_dependents(thing);
        break;
    case 1:
        hurt_many();
        break;
    case 2:
        heal_one();
        break;
    case 3:
        turn_fragile();
        break;
    case 4:
        jump();
        break;
    case 5:
        sim_store_trouble();
        break;
    default:
        sim_platform_trouble();
        break;
    }
}

void sim_script_run(void *unused)
{
    struct mw_error error;
    while (mw_sleep(sim_between(1000, sim_chance(30) ? 8000 : 90000), &error)) {
        if (!sim.calm)
            befall();
    }
}
