/* SPDX-License-Identifier: Apache-2.0 */
/* Before a tool does anything: was it recorded, was it allowed, is it the first time. */
#include <string.h>

#include "base/clock.h"
#include "simulation/checks.h"
#include "simulation/look.h"
#include "simulation/policy.h"

#define RUNS_MAX 2000

/* What ran in this world, by incident, revision and position; and which steps were taken back. */
static struct {
    uint64_t seed;
    int64_t incident;
    int revision, position;
} ran[RUNS_MAX];
static size_t ran_count;

/* A step that the record says has begun. */
struct begun {
    int64_t incident;
    int revision, position;
    enum mw_risk risk;
    bool automatic, undo;
    int approvals_needed;
    char plan_state[16], stage[16];
};

static bool has_run(const struct begun *step)
{
    for (size_t i = 0; i < ran_count; i++) {
        if (ran[i].seed == sim.seed && ran[i].incident == step->incident &&
            ran[i].revision == step->revision && ran[i].position == step->position)
            return true;
    }
    return false;
}

static void note_run(const struct begun *step)
{
    if (ran_count == RUNS_MAX)
        memmove(&ran[0], &ran[RUNS_MAX / 2], (ran_count /= 2) * sizeof ran[0]);
    ran[ran_count].seed = sim.seed;
    ran[ran_count].incident = step->incident;
    ran[ran_count].revision = step->revision;
    ran[ran_count++].position = step->position;
}

static struct begun read_begun(struct sqlite3_stmt *q)
{
    struct begun step = {.incident = sim_look_number(q, 0),
                         .revision = (int)sim_look_number(q, 1),
                         .position = (int)sim_look_number(q, 2),
                         .automatic = sim_look_number(q, 5) != 0,
                         .undo = sim_look_number(q, 6) != 0,
                         .approvals_needed = (int)sim_look_number(q, 7)};
    mw_risk_parse(sim_look_word(q, 3), &step.risk);
    strncpy(step.plan_state, sim_look_word(q, 8), sizeof step.plan_state - 1);
    strncpy(step.stage, sim_look_word(q, 9), sizeof step.stage - 1);
    return step;
}

/* The step that this call carries out. One that an earlier process had begun may stand there too. */
static struct begun find_begun(const struct sim_thing *thing, const char *tool,
                               const json_t *arguments)
{
    struct begun found = {0};
    bool repeated = false;
    struct sqlite3_stmt *q =
        sim_look("SELECT s.incident, s.revision, s.position, s.risk, s.arguments, p.automatic,"
                 " p.undo, p.approvals_needed, p.state, i.stage FROM step s"
                 " JOIN plan p ON p.incident = s.incident AND p.revision = s.revision"
                 " JOIN incident i ON i.id = s.incident"
                 " WHERE s.state = 'started' AND s.resource = ? AND s.tool = ?"
                 " ORDER BY s.started_at");
    sim_look_text(q, 1, thing->name);
    sim_look_text(q, 2, tool);
    while (sim_look_next(q)) {
        json_auto_t *recorded = json_loads(sim_look_word(q, 4), 0, NULL);
        struct begun step = read_begun(q);
        if (!json_equal(recorded, arguments))
            continue;
        if (has_run(&step))
            repeated = true;
        else
            found = step;
    }
    sim_require(found.incident != 0 || !repeated, "%s on %s runs a second time for one approval",
                tool, thing->name);
    sim_require(found.incident != 0, "%s on %s runs, and the record does not say that it began",
                tool, thing->name);
    return found;
}

/* ---- is it within the incident ---- */

static void check_scope(const struct begun *step, const struct sim_thing *thing)
{
    bool within = false;
    struct sqlite3_stmt *q = sim_look("SELECT resource FROM incident WHERE id = ?1"
                                      " UNION SELECT resource FROM member WHERE incident = ?1");
    sim_look_integer(q, 1, step->incident);
    while (sim_look_next(q)) {
        const struct sim_thing *part = sim_thing_find(sim_look_word(q, 0));
        within = within || part == thing || (part != NULL && sim_thing_needs(part, thing->name));
    }
    sim_require(within, "I%d r%d acts on %s, which it has nothing to do with", (int)step->incident,
                step->revision, thing->name);
}

/* ---- who allowed it ---- */

static bool withdrew(const struct begun *step, const char *person)
{
    struct sqlite3_stmt *q =
        sim_look("SELECT action FROM decision WHERE incident = ? AND revision = ? AND person = ?"
                 " AND action IN ('approve', 'withdraw') ORDER BY id DESC LIMIT 1");
    sim_look_integer(q, 1, step->incident);
    sim_look_integer(q, 2, step->revision);
    sim_look_text(q, 3, person);
    bool withdrawn = sim_look_next(q) && strcmp(sim_look_word(q, 0), "withdraw") == 0;
    while (sim_look_next(q))
        continue;
    return withdrawn;
}

static void check_approved(const struct begun *step, const struct sim_thing *thing,
                           const char *tool)
{
    int count = 0;
    for (int i = 0; i < SIM_PEOPLE; i++)
        count += sim_ledger_approved(i, step->incident, step->revision) &&
                 !withdrew(step, sim_person_name(i));
    struct sim_need need = sim_policy_need(thing, tool, step->risk, mw_wall_now());
    sim_require(need.verdict != MW_VERDICT_DENY, "I%d r%d runs %s, which policy denies now",
                (int)step->incident, step->revision, tool);
    int needed = step->approvals_needed;
    if (need.verdict == MW_VERDICT_APPROVE && need.approvers > needed)
        needed = need.approvers;
    sim_require(count >= needed, "I%d r%d runs %s with %d approvals of %d", (int)step->incident,
                step->revision, tool, count, needed);
}

static void check_by_policy(const struct begun *step, const struct sim_thing *thing,
                            const char *tool)
{
    struct sim_need need = sim_policy_need(thing, tool, step->risk, mw_wall_now());
    sim_require(need.verdict == MW_VERDICT_AUTO || need.verdict == MW_VERDICT_EARNED,
                "I%d r%d runs %s by itself, policy says %s now", (int)step->incident,
                step->revision, tool, mw_verdict_name(need.verdict));
}

/* What takes back is exactly what the step that it takes back declared. */
static void check_undo(const struct begun *step, const struct sim_thing *thing, const char *tool,
                       const json_t *arguments)
{
    bool declared = false;
    struct sqlite3_stmt *q =
        sim_look("SELECT s.undo FROM step s JOIN plan p ON p.incident = s.incident"
                 " AND p.revision = s.revision WHERE s.incident = ? AND s.revision < ?"
                 " AND s.resource = ? AND s.state = 'done' AND p.undo = 0 AND s.undo IS NOT NULL");
    sim_look_integer(q, 1, step->incident);
    sim_look_integer(q, 2, step->revision);
    sim_look_text(q, 3, thing->name);
    while (sim_look_next(q)) {
        json_auto_t *undo = json_loads(sim_look_word(q, 0), 0, NULL);
        const char *named = json_string_value(json_object_get(undo, "tool"));
        declared = declared || (named != NULL && strcmp(named, tool) == 0 &&
                                json_equal(json_object_get(undo, "arguments"), arguments));
    }
    sim_require(declared, "I%d r%d takes back with %s what no step declared", (int)step->incident,
                step->revision, tool);
    struct sim_need need = sim_policy_need(thing, tool, step->risk, mw_wall_now());
    sim_require(need.verdict != MW_VERDICT_DENY, "I%d r%d takes back with %s, which policy denies",
                (int)step->incident, step->revision, tool);
    int64_t closed =
        sim_look_count("SELECT closed_at FROM incident WHERE id = ?", step->incident, 0);
    sim_require(closed == 0 || sim_ledger_undo(step->incident),
                "I%d was closed and is taken back, and nobody asked for it", (int)step->incident);
}

void sim_check_run(const struct sim_thing *thing, enum sim_tool tool, const json_t *arguments)
{
    const char *name = sim_tool_name(thing->ops, tool);
    struct begun step = find_begun(thing, name, arguments);
    note_run(&step);
    sim_say("I%d r%d step %d: %s on %s%s", (int)step.incident, step.revision, step.position, name,
            thing->name,
            step.automatic ? ", by itself"
            : step.undo    ? ", taking back"
                           : "");
    sim_counts.runs++;
    sim_counts.runs_automatic += step.automatic;
    sim_counts.runs_undo += step.undo;
    sim_require(strcmp(step.stage, "execute") == 0, "I%d acts at stage %s", (int)step.incident,
                step.stage);
    sim_require(strcmp(step.plan_state, "spent") == 0, "I%d r%d acts and is %s", (int)step.incident,
                step.revision, step.plan_state);
    sim_require(step.undo || step.risk >= thing->assessed[tool],
                "I%d r%d: %s on %s is %s now, and was approved as %s", (int)step.incident,
                step.revision, name, thing->name, mw_risk_name(thing->assessed[tool]),
                mw_risk_name(step.risk));
    sim_require(!sim_policy.shadow, "I%d r%d runs %s in shadow mode", (int)step.incident,
                step.revision, name);
    sim_require(!step.automatic || !sim_ledger_frozen(), "I%d r%d runs %s by itself while frozen",
                (int)step.incident, step.revision, name);
    sim_require(!step.automatic || !sim_ledger_silenced(thing->name, mw_mono_now()),
                "I%d r%d runs %s on %s by itself, which is silenced", (int)step.incident,
                step.revision, name, thing->name);
    sim_require(step.undo || sim_look_count("SELECT COUNT(*) FROM decision WHERE incident = ?"
                                            " AND action = 'stop'",
                                            step.incident, 0) == 0,
                "I%d r%d runs %s after it was stopped", (int)step.incident, step.revision, name);
    check_scope(&step, thing);
    if (step.undo)
        check_undo(&step, thing, name, arguments);
    else if (step.automatic)
        check_by_policy(&step, thing, name);
    else
        check_approved(&step, thing, name);
}
