/* SPDX-License-Identifier: Apache-2.0 */
/* After each change of the record: which way an incident, a plan and a step may go. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "simulation/checks.h"
#include "simulation/look.h"
#include "simulation/policy.h"

#define PLANS_MAX     40
#define STEPS_MAX     8
#define INCIDENTS_MAX 400

struct seen_step {
    enum mw_step_state state;
    uint64_t content; /* of what never changes */
};

struct seen_plan {
    enum mw_plan_state state;
    char digest[65];
    bool automatic, undo;
    size_t step_count;
    struct seen_step steps[STEPS_MAX];
};

struct seen {
    int64_t version;
    enum mw_stage stage;
    enum mw_outcome outcome;
    bool counted;   /* in the summary */
    unsigned parts; /* the resources it is about, by their place among all */
    size_t plan_count;
    struct seen_plan *plans;
};

static struct seen seen[INCIDENTS_MAX]; /* by number */

void sim_checks_begin(void)
{
    memset(seen, 0, sizeof seen);
}

void sim_checks_end(void)
{
    for (size_t i = 0; i < INCIDENTS_MAX; i++)
        free(seen[i].plans);
    memset(seen, 0, sizeof seen);
}

static uint64_t mix(uint64_t content, const char *text)
{
    for (; *text != '\0'; text++)
        content = (content ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return (content ^ 31) * UINT64_C(0x100000001b3);
}

/* ---- steps ---- */

static bool step_may(enum mw_step_state from, enum mw_step_state to, bool reads)
{
    if (from == to)
        return true;
    switch (from) {
    case MW_STEP_PLANNED:
        return to == MW_STEP_STARTED || to == MW_STEP_FAILED || to == MW_STEP_SKIPPED;
    case MW_STEP_STARTED:
        /* What only reads is done again after a death, in one change or two. */
        return to == MW_STEP_DONE || to == MW_STEP_FAILED || to == MW_STEP_UNKNOWN ||
               to == MW_STEP_SKIPPED || (reads && to == MW_STEP_PLANNED);
    case MW_STEP_DONE:
        return to == MW_STEP_UNDONE;
    default:
        return false;
    }
}

static void look_at_steps(int64_t id, struct seen *known)
{
    struct sqlite3_stmt *q = sim_look("SELECT revision, position, state, tool, resource, arguments,"
                                      " undo, risk FROM step WHERE incident = ?"
                                      " ORDER BY revision, position");
    sim_look_integer(q, 1, id);
    while (sim_look_next(q)) {
        int revision = (int)sim_look_number(q, 0), position = (int)sim_look_number(q, 1);
        struct seen_plan *plan = &known->plans[revision - 1];
        sim_require(position >= 1 && position <= STEPS_MAX, "I%d r%d has a step %d", (int)id,
                    revision, position);
        struct seen_step *step = &plan->steps[position - 1];
        enum mw_step_state state;
        sim_require(mw_step_state_parse(sim_look_word(q, 2), &state), "an unknown state of a step");
        uint64_t content = 1;
        for (int i = 3; i < 7; i++)
            content = mix(content, sim_look_word(q, i));
        bool fresh = (size_t)position > plan->step_count;
        sim_require(fresh || step->content == content, "I%d r%d step %d is not what it was",
                    (int)id, revision, position);
        sim_require(step_may(fresh ? MW_STEP_PLANNED : step->state, state,
                             strcmp(sim_look_word(q, 7), "read") == 0),
                    "I%d r%d step %d went from %s to %s", (int)id, revision, position,
                    mw_step_state_name(step->state), mw_step_state_name(state));
        if (fresh)
            plan->step_count = (size_t)position;
        *step = (struct seen_step){state, content};
    }
}

/* ---- plans ---- */

static bool plan_may(enum mw_plan_state from, enum mw_plan_state to)
{
    if (from == to)
        return true;
    switch (from) {
    case MW_PLAN_PROPOSED:
        return to == MW_PLAN_APPROVED || to == MW_PLAN_REJECTED || to == MW_PLAN_VOID;
    case MW_PLAN_APPROVED:
        /* Those who approved may have lost the right to before it ran. */
        return to == MW_PLAN_SPENT || to == MW_PLAN_VOID || to == MW_PLAN_PROPOSED;
    default:
        return false;
    }
}

static struct seen_plan *seen_plan(int64_t id, struct seen *known, int revision, bool *fresh)
{
    sim_require(revision >= 1 && revision <= PLANS_MAX, "I%d has %d plans", (int)id, revision);
    if (known->plans == NULL)
        known->plans = calloc(PLANS_MAX, sizeof *known->plans);
    *fresh = (size_t)revision > known->plan_count;
    if (*fresh)
        known->plan_count = (size_t)revision;
    return &known->plans[revision - 1];
}

/* What a plan that appears or moves must hold to. */
static void plan_moved(int64_t id, int revision, const struct seen_plan *plan,
                       struct sqlite3_stmt *q)
{
    if (plan->state == MW_PLAN_APPROVED && plan->automatic && !plan->undo)
        sim_check_automatic(id, revision, sim_look_number(q, 6));
    sim_say("I%d r%d %s%s%s", (int)id, revision, mw_plan_state_name(plan->state),
            plan->automatic ? ", by policy" : "", plan->undo ? ", takes back" : "");
}

static void look_at_plans(int64_t id, struct seen *known)
{
    int64_t spent = 0;
    struct sqlite3_stmt *q =
        sim_look("SELECT revision, state, digest, automatic, undo, approvals_needed, approved_at"
                 " FROM plan WHERE incident = ? ORDER BY revision");
    sim_look_integer(q, 1, id);
    while (sim_look_next(q)) {
        bool fresh;
        int revision = (int)sim_look_number(q, 0);
        struct seen_plan *plan = seen_plan(id, known, revision, &fresh);
        enum mw_plan_state state, before = fresh ? MW_PLAN_PROPOSED : plan->state;
        sim_require(mw_plan_state_parse(sim_look_word(q, 1), &state), "an unknown state of a plan");
        sim_require(plan_may(before, state), "I%d r%d went from %s to %s", (int)id, revision,
                    mw_plan_state_name(before), mw_plan_state_name(state));
        sim_require(fresh || strcmp(plan->digest, sim_look_word(q, 2)) == 0,
                    "I%d r%d changed after it was shown", (int)id, revision);
        strncpy(plan->digest, sim_look_word(q, 2), sizeof plan->digest - 1);
        plan->automatic = sim_look_number(q, 3) != 0;
        plan->undo = sim_look_number(q, 4) != 0;
        plan->state = state;
        if (fresh || before != state)
            plan_moved(id, revision, plan, q);
        spent += state == MW_PLAN_SPENT && !plan->undo;
    }
    sim_require(spent <= sim_policy_retries_max + 1, "I%d tried %d plans; %d retries are allowed",
                (int)id, (int)spent, (int)sim_policy_retries_max);
}

/* ---- incidents ---- */

static void stage_moved(int64_t id, const struct seen *known, enum mw_stage stage)
{
    if (known->stage == MW_STAGE_CLOSED && known->version > 0) {
        const struct seen_plan *newest = &known->plans[known->plan_count - 1];
        sim_require(stage == MW_STAGE_EXECUTE && newest->undo && newest->state == MW_PLAN_APPROVED,
                    "I%d was closed and is %s", (int)id, mw_stage_name(stage));
    }
    if (stage != MW_STAGE_ASK)
        return;
    struct sqlite3_stmt *q = sim_look("SELECT revision, approvals_needed, expires_at FROM plan"
                                      " WHERE incident = ? ORDER BY revision DESC LIMIT 1");
    sim_look_integer(q, 1, id);
    sim_require(sim_look_next(q), "I%d asks for no plan", (int)id);
    int revision = (int)sim_look_number(q, 0), needed = (int)sim_look_number(q, 1);
    mw_wall_ms asked_at = sim_look_number(q, 2) - sim_policy.timeout_ms;
    while (sim_look_next(q))
        continue;
    sim_check_asked(id, revision, needed, asked_at);
}

/* What is silenced opens no incident and joins none. */
static void look_at_parts(int64_t id, struct seen *known)
{
    struct sqlite3_stmt *q =
        sim_look("SELECT resource, opened_at FROM incident WHERE id = ?1"
                 " UNION SELECT resource, joined_at FROM member WHERE incident = ?1");
    sim_look_integer(q, 1, id);
    while (sim_look_next(q)) {
        const struct sim_thing *thing = sim_thing_find(sim_look_word(q, 0));
        sim_require(thing != NULL, "I%d is about nothing", (int)id);
        unsigned part = 1u << (thing - sim_things);
        /* Silences say nothing here after the wall clock was set. */
        mw_mono_ns joined = mw_mono_now() - (mw_wall_now() - sim_look_number(q, 1)) * 1000000;
        sim_require((known->parts & part) != 0 || !sim_ledger_silenced(thing->name, joined),
                    "I%d is about %s, which is silenced", (int)id, thing->name);
        known->parts |= part;
    }
}

static void look_at(int64_t id, int64_t version, enum mw_stage stage, enum mw_outcome outcome)
{
    struct seen *known = &seen[id];
    bool fresh = known->version == 0;
    sim_require(version == known->version + 1, "I%d went from version %d to %d", (int)id,
                (int)known->version, (int)version);
    sim_require(known->outcome == MW_OUTCOME_NONE || known->outcome == outcome,
                "I%d ended as %s and then as %s", (int)id, mw_outcome_name(known->outcome),
                outcome != MW_OUTCOME_NONE ? mw_outcome_name(outcome) : "nothing");
    sim_require(stage != MW_STAGE_CLOSED || outcome != MW_OUTCOME_NONE,
                "I%d closed without an outcome", (int)id);
    look_at_parts(id, known);
    look_at_plans(id, known);
    look_at_steps(id, known);
    if (fresh || known->stage != stage) {
        sim_say("I%d is at %s%s%s", (int)id, mw_stage_name(stage),
                outcome != MW_OUTCOME_NONE ? ": " : "",
                outcome != MW_OUTCOME_NONE ? mw_outcome_name(outcome) : "");
        stage_moved(id, known, stage);
    }
    if (stage == MW_STAGE_CLOSED && !known->counted) {
        sim_counts.outcomes[outcome]++;
        known->counted = true;
    }
    sim_counts.incidents += fresh;
    known->version = version;
    known->stage = stage;
    /* Until it is closed the outcome is a thought. */
    if (stage == MW_STAGE_REVIEW || stage == MW_STAGE_CLOSED)
        known->outcome = outcome;
}

static void look_at_incidents(void)
{
    struct {
        int64_t id, version;
        enum mw_stage stage;
        enum mw_outcome outcome;
    } changed[8];
    size_t count = 0;
    struct sqlite3_stmt *q = sim_look("SELECT id, version, stage, outcome FROM incident");
    while (sim_look_next(q)) {
        int64_t id = sim_look_number(q, 0), version = sim_look_number(q, 1);
        sim_require(id > 0 && id < INCIDENTS_MAX, "an incident has the number %d", (int)id);
        if (version == seen[id].version)
            continue;
        sim_require(count < 8, "one change moved many incidents");
        changed[count].id = id;
        changed[count].version = version;
        sim_require(mw_stage_parse(sim_look_word(q, 2), &changed[count].stage) &&
                        mw_outcome_parse(sim_look_is_null(q, 3) ? NULL : sim_look_word(q, 3),
                                         &changed[count].outcome),
                    "I%d has an unknown stage or outcome", (int)id);
        count++;
    }
    for (size_t i = 0; i < count; i++)
        look_at(changed[i].id, changed[i].version, changed[i].stage, changed[i].outcome);
}

/* A resource is part of one open incident at most. */
static void look_at_resources(void)
{
    struct sqlite3_stmt *q =
        sim_look("SELECT resource, COUNT(*) FROM (SELECT resource FROM incident"
                 " WHERE stage <> 'closed' UNION ALL SELECT m.resource FROM member m"
                 " JOIN incident i ON i.id = m.incident WHERE i.stage <> 'closed')"
                 " GROUP BY resource HAVING COUNT(*) > 1");
    while (sim_look_next(q))
        sim_broken("%s is part of %d open incidents", sim_look_word(q, 0),
                   (int)sim_look_number(q, 1));
}

void sim_check_record(void)
{
    if (!sim_look_is_open())
        return;
    look_at_incidents();
    look_at_resources();
}
