/* SPDX-License-Identifier: Apache-2.0 */
#include "simulation/world.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

struct sim_thing sim_things[SIM_THINGS_MAX];
size_t sim_thing_count;

static struct sim_thing *thing_of(const struct mw_target *target)
{
    return sim_thing_find(target->name);
}

/* ---- probing ---- */

static bool create(struct mw_target *target, const void *config, struct mw_error *error)
{
    return sim_thing_find(target->name) != NULL;
}

static bool unreachable(const struct sim_thing *thing, struct mw_deadline deadline,
                        struct mw_error *error)
{
    if (thing->hangs && !sim_wait(3600000, deadline, error))
        return false;
    return mw_error_set(error, MW_ERROR_RETRY, "connection refused");
}

static bool probe(struct mw_target *target, struct mw_deadline deadline, struct mw_sample *sample,
                  struct mw_error *error)
{
    struct sim_thing *thing = thing_of(target);
    if (sim.dead)
        return sim_refuse(error);
    if (!sim_wait(sim_between(1, 40), deadline, error))
        return false;
    if (thing->gone)
        return unreachable(thing, deadline, error);
    if (!sim.calm && sim_chance(thing->flaky))
        return mw_error_set(error, sim_chance(80) ? MW_ERROR_RETRY : MW_ERROR_PERMANENT,
                            "the probe stumbled");
    double noise = (double)sim_between(-100, 100) / 100;
    /* Some speak of a moment that has passed, as Cloud Monitoring does, or that never was. */
    int64_t old = !sim.calm && sim_chance(3) ? sim_between(-5000, 120000) : 0;
    sample->measured_at = mw_wall_now() - old;
    sample->source = "simulated";
    mw_sample_add(sample, "level", fmax(0, fmin(100, thing->level + noise)), true);
    mw_sample_add(sample, "hits", thing->hits, true);
    return true;
}

static bool facts(struct mw_target *target, struct mw_deadline deadline, json_t **out,
                  struct mw_error *error)
{
    struct sim_thing *thing = thing_of(target);
    if (sim.dead)
        return sim_refuse(error);
    if (thing->gone)
        return unreachable(thing, deadline, error);
    *out = json_pack("{s:b}", "fragile", thing->fragile);
    return true;
}

/* ---- tools ---- */

static const char *const suffixes[] = {"grow", "shrink", "restart", "wipe", "peek"};

const char *sim_tool_name(const struct mw_target_ops *ops, enum sim_tool tool)
{
    return ops->tools[tool].name;
}

int sim_tool_number(const struct mw_target_ops *ops, const char *name)
{
    for (int i = 0; i < SIM_TOOLS; i++) {
        if (strcmp(ops->tools[i].name, name) == 0)
            return i;
    }
    return -1;
}

static bool assess(struct sim_thing *thing, enum sim_tool tool, const json_t *arguments,
                   struct mw_deadline deadline, TALLOC_CTX *memory, struct mw_assessment *out,
                   struct mw_error *error)
{
    if (sim.dead)
        return sim_refuse(error);
    if (!sim_wait(sim_between(1, 30), deadline, error))
        return false;
    if (!sim.calm && sim_chance(2))
        return mw_error_set(error, sim_chance(50) ? MW_ERROR_REFUSED : MW_ERROR_RETRY,
                            "%s cannot work here now", suffixes[tool]);
    out->risk = thing->ops->tools[tool].floor;
    if (thing->fragile && tool == SIM_RESTART) {
        out->risk = MW_RISK_DESTRUCTIVE;
        out->reason = "its data is lost";
    }
    out->arguments = json_deep_copy(arguments);
    if (tool == SIM_GROW) {
        if (json_object_get(out->arguments, "to") == NULL)
            json_object_set_new(out->arguments, "to", json_integer((json_int_t)thing->level + 20));
        out->effect = talloc_asprintf(memory, "to %d", (int)thing->level + 20);
        out->undo = json_pack("{s:s, s:{s:s, s:i}}", "tool", sim_tool_name(thing->ops, SIM_SHRINK),
                              "arguments", "resource", thing->name, "to", (int)thing->level);
    }
    thing->assessed[tool] = out->risk;
    return true;
}

#define TOOL(word, number)                                                                       \
    static bool assess_##word(struct mw_target *target, const json_t *arguments,                 \
                              struct mw_deadline deadline, TALLOC_CTX *memory,                   \
                              struct mw_assessment *out, struct mw_error *error)                 \
    {                                                                                            \
        return assess(thing_of(target), number, arguments, deadline, memory, out, error);        \
    }                                                                                            \
    static bool run_##word(struct mw_target *target, const json_t *arguments,                    \
                           struct mw_deadline deadline, json_t **result, struct mw_error *error) \
    {                                                                                            \
        return sim_tool_act(thing_of(target), number, arguments, deadline, result, error);       \
    }

TOOL(grow, SIM_GROW)
TOOL(shrink, SIM_SHRINK)
TOOL(restart, SIM_RESTART)
TOOL(wipe, SIM_WIPE)
TOOL(peek, SIM_PEEK)

#define ARGUMENTS                                                              \
    "{\"type\":\"object\",\"properties\":{\"resource\":{\"type\":\"string\"}," \
    "\"to\":{\"type\":\"integer\"}},\"required\":[\"resource\"],\"additionalProperties\":false}"

#define ENTRY(kind, word, least)                                                                  \
    {                                                                                             \
        .name = kind "_" #word, .floor = least, .description = "Simulated.", .schema = ARGUMENTS, \
        .timeout_ms = 10000, .assess = assess_##word, .run = run_##word                           \
    }
#define TABLE(kind)                                                                           \
    {                                                                                         \
        ENTRY(kind, grow, MW_RISK_REVERSIBLE), ENTRY(kind, shrink, MW_RISK_REVERSIBLE),       \
            ENTRY(kind, restart, MW_RISK_DISRUPTIVE), ENTRY(kind, wipe, MW_RISK_DESTRUCTIVE), \
            ENTRY(kind, peek, MW_RISK_READ),                                                  \
        {                                                                                     \
            .name = NULL                                                                      \
        }                                                                                     \
    }

static const struct mw_tool cache_tools[] = TABLE("cache"), db_tools[] = TABLE("db"),
                            web_tools[] = TABLE("web");

static const struct mw_metric_spec metrics[] = {
    {.name = "level", .label = "level", .unit = "%", .degraded = 80, .failed = 99},
    {.name = "hits",
     .label = "hits",
     .unit = "%",
     .degraded = 20,
     .failed = NAN,
     .low_is_bad = true},
    {.name = NULL},
};

#define KIND(word, place, list)                                                                  \
    {                                                                                            \
        .kind = word, .environment = place, .metrics = metrics, .tools = list, .create = create, \
        .probe = probe, .facts = facts                                                           \
    }

static const struct mw_target_ops kinds[] = {KIND("cache", "local", cache_tools),
                                             KIND("db", "local", db_tools),
                                             KIND("web", "staging", web_tools)};

/* ---- making them ---- */

struct sim_thing *sim_thing_find(const char *name)
{
    for (size_t i = 0; i < sim_thing_count; i++) {
        if (strcmp(sim_things[i].name, name) == 0)
            return &sim_things[i];
    }
    return NULL;
}

struct sim_thing *sim_thing_any(void)
{
    return &sim_things[sim_between(0, (int64_t)sim_thing_count - 1)];
}

bool sim_thing_needs(const struct sim_thing *thing, const char *other)
{
    for (size_t i = 0; i < thing->config.depends_on.count; i++) {
        const struct sim_thing *on = sim_thing_find(thing->needs[i]);
        if (strcmp(on->name, other) == 0 || sim_thing_needs(on, other))
            return true;
    }
    return false;
}

static void make(struct sim_thing *thing, size_t number)
{
    *thing = (struct sim_thing){.ops = &kinds[sim_between(0, 2)], .cure = -1};
    snprintf(thing->name, sizeof thing->name, "%s%d", thing->ops->kind, (int)number);
    thing->flaky = (int)sim_between(0, 3);
    size_t count = 0;
    /* Only those made before are needed, so nobody needs himself. */
    for (size_t tries = 0; number > 1 && tries < 2 && sim_chance(35); tries++) {
        const char *need = sim_things[sim_between(0, (int64_t)number - 2)].name;
        if (count == 0 || strcmp(thing->needs[0], need) != 0)
            thing->needs[count++] = need;
    }
    thing->config = (struct mw_resource_config){
        .name = thing->name,
        .kind = thing->ops->kind,
        .every = sim_between(2, 10) * 1000,
        .timeout = sim_between(1, 2) * 1000,
        .hold = sim_between(1, 3),
        .depends_on = {.count = count, .items = thing->needs},
    };
    sim_thing_heal(thing);
}

void sim_things_make(void)
{
    sim_thing_count = 0;
    size_t count = (size_t)sim_between(3, SIM_THINGS_MAX);
    for (size_t i = 0; i < count; i++) {
        make(&sim_things[i], i + 1);
        sim_thing_count = i + 1;
        sim_say("%s every %d s, hold %d%s%s", sim_things[i].name,
                (int)sim_things[i].config.every / 1000, (int)sim_things[i].config.hold,
                sim_things[i].config.depends_on.count > 0 ? ", needs " : "",
                sim_things[i].config.depends_on.count > 0 ? sim_things[i].needs[0] : "");
    }
}

void sim_thing_heal(struct sim_thing *thing)
{
    thing->level = 40;
    thing->hits = 90;
    thing->gone = thing->hangs = false;
    thing->cure = -1;
}

void sim_thing_hurt(struct sim_thing *thing)
{
    static const int cures[] = {SIM_GROW, SIM_RESTART, SIM_WIPE, -1};
    static const int weights[] = {45, 30, 10, 15};
    thing->cure = cures[sim_weighted(weights, 4)];
    switch (sim_between(0, 3)) {
    case 0:
    case 1:
        thing->level = (double)sim_between(85, 100);
        break;
    case 2:
        thing->hits = (double)sim_between(0, 15);
        break;
    default:
        thing->gone = true;
        thing->hangs = sim_chance(50);
        break;
    }
    sim_say("%s breaks: level %.0f, hits %.0f%s%s; %s helps", thing->name, thing->level,
            thing->hits, thing->gone ? ", gone" : "", thing->hangs ? ", hangs" : "",
            thing->cure >= 0 ? suffixes[thing->cure] : "time");
}
