/* SPDX-License-Identifier: Apache-2.0 */
/* What policy asked for when a plan was judged, worked out from the world's own copy of it. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "simulation/checks.h"
#include "simulation/look.h"
#include "simulation/policy.h"
#include "simulation/store.h"

#define HOUR_NS  INT64_C(3600000000000)
#define RUNS_MAX 4000

/* Plans that policy let run, for the limits within an hour. */
static struct {
    mw_mono_ns at;
    char resources[200];
    uint64_t seed;
} automatic[RUNS_MAX];
static size_t automatic_count;

/* Enough successes for trust at all; the program also wants them in a row. */
static int64_t successes(const char *tool, const char *kind)
{
    struct sqlite3_stmt *q =
        sim_look("SELECT COUNT(*) FROM step s JOIN incident i ON i.id = s.incident WHERE s.tool = ?"
                 " AND s.kind = ? AND i.outcome = 'recovered' AND s.state IN ('done', 'undone')");
    sim_look_text(q, 1, tool);
    sim_look_text(q, 2, kind);
    int64_t count = sim_look_next(q) ? sim_look_number(q, 0) : 0;
    while (sim_look_next(q))
        continue;
    return count;
}

struct strictest {
    enum mw_verdict verdict;
    int approvers;
    char resources[200]; /* " cache1 db2 " */
};

static struct strictest judge(int64_t incident, int revision, mw_wall_ms at)
{
    struct strictest all = {MW_VERDICT_AUTO, 1, " "};
    struct sqlite3_stmt *q = sim_look("SELECT tool, resource, risk, kind FROM step"
                                      " WHERE incident = ? AND revision = ?");
    sim_look_integer(q, 1, incident);
    sim_look_integer(q, 2, revision);
    while (sim_look_next(q)) {
        const struct sim_thing *thing = sim_thing_find(sim_look_word(q, 1));
        enum mw_risk risk;
        sim_require(thing != NULL && mw_risk_parse(sim_look_word(q, 2), &risk),
                    "I%d r%d has a step on nothing", (int)incident, revision);
        struct sim_need need = sim_policy_need(thing, sim_look_word(q, 0), risk, at);
        if (need.verdict == MW_VERDICT_EARNED)
            need.verdict = successes(sim_look_word(q, 0), sim_look_word(q, 3)) >= need.after
                               ? MW_VERDICT_AUTO
                               : MW_VERDICT_APPROVE;
        if (need.verdict > all.verdict)
            all.verdict = need.verdict;
        if (need.verdict == MW_VERDICT_APPROVE && need.approvers > all.approvers)
            all.approvers = need.approvers;
        if (strlen(all.resources) + strlen(thing->name) + 2 < sizeof all.resources)
            strcat(strcat(all.resources, thing->name), " ");
    }
    return all;
}

/* A plan was judged by earlier settings and is recorded under these. */
static bool just_reloaded(void)
{
    return sim.reloaded != 0 && (mw_mono_now() - sim.reloaded < INT64_C(5000000000) ||
                                 sim_store_was_troubled(sim.reloaded));
}

void sim_check_asked(int64_t incident, int revision, int approvals, mw_wall_ms asked_at)
{
    if (just_reloaded())
        return;
    struct strictest need = judge(incident, revision, asked_at);
    sim_require(need.verdict != MW_VERDICT_DENY, "I%d r%d is asked for though policy denies it",
                (int)incident, revision);
    sim_require(approvals >= need.approvers, "I%d r%d asks for %d approvals, policy wants %d",
                (int)incident, revision, approvals, need.approvers);
    sim_require(!sim_policy.shadow, "I%d r%d is asked for in shadow mode", (int)incident, revision);
}

static int recent(const char *resource)
{
    int count = 0;
    char word[32] = " ";
    strcat(strcat(word, resource), " ");
    for (size_t i = 0; i < automatic_count; i++)
        count += automatic[i].seed == sim.seed && mw_mono_now() - automatic[i].at < HOUR_NS &&
                 strstr(automatic[i].resources, word) != NULL;
    return count;
}

/* Limits are counted on the wall clock, so they say nothing when it was set. */
static void check_limits(int64_t incident, int revision, const char *resources)
{
    if (!sim_policy.limits || (sim.jumped != 0 && mw_mono_now() - sim.jumped < HOUR_NS))
        return;
    int all = 0;
    for (size_t i = 0; i < automatic_count; i++)
        all += automatic[i].seed == sim.seed && mw_mono_now() - automatic[i].at < HOUR_NS;
    sim_require(all < sim_policy.limit_all, "I%d r%d is one plan by itself too many in an hour: %d",
                (int)incident, revision, all + 1);
    for (size_t i = 0; i < sim_thing_count; i++) {
        char word[32] = " ";
        strcat(strcat(word, sim_things[i].name), " ");
        sim_require(strstr(resources, word) == NULL ||
                        recent(sim_things[i].name) < sim_policy.limit_resource,
                    "I%d r%d is one plan by itself too many on %s in an hour", (int)incident,
                    revision, sim_things[i].name);
    }
}

static void check_certainty(int64_t incident, int revision)
{
    struct sqlite3_stmt *q =
        sim_look("SELECT p.confidence, i.mass FROM plan p JOIN incident i ON i.id = p.incident"
                 " WHERE p.incident = ? AND p.revision = ?");
    sim_look_integer(q, 1, incident);
    sim_look_integer(q, 2, revision);
    sim_require(sim_look_next(q), "I%d has no r%d", (int)incident, revision);
    double confidence = sim_look_real(q, 0);
    bool mass = sim_look_number(q, 1) != 0;
    while (sim_look_next(q))
        continue;
    sim_require(confidence >= sim_policy.confidence, "I%d r%d runs by itself at confidence %.2f",
                (int)incident, revision, confidence);
    sim_require(!mass, "I%d r%d runs by itself though so much turned bad at once", (int)incident,
                revision);
    sim_require(sim_look_count("SELECT COUNT(*) FROM step WHERE incident = ? AND state = 'unknown'",
                               incident, 0) == 0,
                "I%d r%d runs by itself after a step whose outcome nobody knows", (int)incident,
                revision);
}

void sim_check_automatic(int64_t incident, int revision, mw_wall_ms approved_at)
{
    struct strictest need = judge(incident, revision, approved_at);
    if (just_reloaded())
        return;
    sim_require(need.verdict == MW_VERDICT_AUTO, "I%d r%d runs by itself, policy says %s",
                (int)incident, revision, mw_verdict_name(need.verdict));
    sim_require(!sim_policy.shadow, "I%d r%d runs by itself in shadow mode", (int)incident,
                revision);
    check_certainty(incident, revision);
    check_limits(incident, revision, need.resources);
    size_t at = automatic_count < RUNS_MAX ? automatic_count++ : 0;
    automatic[at].at = mw_mono_now();
    automatic[at].seed = sim.seed;
    strcpy(automatic[at].resources, need.resources);
}
