/* SPDX-License-Identifier: Apache-2.0 */
/* In the end: every incident has its outcome, everybody was told, no word was lost, the trail is whole. */
#include <string.h>

#include "base/clock.h"
#include "simulation/checks.h"
#include "simulation/look.h"
#include "simulation/store.h"

bool sim_check_settled(void)
{
    return sim_delivery_idle() &&
           sim_look_count("SELECT COUNT(*) FROM incident WHERE stage <> 'closed'"
                          " OR told_version < version",
                          0, 0) == 0 &&
           sim_look_count("SELECT COUNT(*) FROM outbox WHERE delivered_revision < revision", 0,
                          0) == 0 &&
           sim_look_count("SELECT COUNT(*) FROM inbox WHERE done_at IS NULL", 0, 0) == 0;
}

void sim_check_audit(struct mw_record *record)
{
    int64_t rows = 0, broken = 0;
    struct mw_error error = {0};
    if (!mw_audit_verify(record, &rows, &broken, &error)) {
        sim_require(sim.dead || sim_store_was_troubled(mw_mono_now() - INT64_C(30000000000)),
                    "the audit trail cannot be read: %s", error.text);
        return;
    }
    sim_require(broken == 0, "the audit trail is broken at row %d of %d", (int)broken, (int)rows);
}

/* Each decision stands in the trail too. */
static void check_decisions(void)
{
    struct sqlite3_stmt *q =
        sim_look("SELECT d.incident, d.person, d.action FROM decision d WHERE NOT EXISTS (SELECT 1"
                 " FROM audit a WHERE a.incident = d.incident AND a.action = d.action"
                 " AND a.actor = CASE d.action WHEN 'void' THEN 'midwatch' ELSE d.person END)");
    while (sim_look_next(q))
        sim_broken("I%d: %s by %s is not in the audit trail", (int)sim_look_number(q, 0),
                   sim_look_word(q, 2), sim_look_word(q, 1));
    q = sim_look("SELECT d.incident, d.revision, d.person FROM decision d JOIN plan p"
                 " ON p.incident = d.incident AND p.revision = d.revision"
                 " WHERE d.action = 'reject' AND p.state IN ('approved', 'spent')");
    while (sim_look_next(q))
        sim_broken("I%d r%d ran, and %s was told that it is rejected", (int)sim_look_number(q, 0),
                   (int)sim_look_number(q, 1), sim_look_word(q, 2));
}

static const char *const actions[] = {"approve", "withdraw", "reject", "again",
                                      "stop",    "ack",      "undo"};

/* What was acknowledged became a decision or a refusal. */
static void check_said(const struct sim_said *said)
{
    if (!said->acknowledged || said->troubled || said->word > SIM_UNDO || said->incident == 0 ||
        sim_store_was_troubled(said->handed_at))
        return;
    struct sqlite3_stmt *q = sim_look(
        "SELECT (SELECT COUNT(*) FROM incident WHERE id = ?1) = 0 OR EXISTS (SELECT 1 FROM audit"
        " WHERE incident = ?1 AND actor = ?2 AND action IN (?3, 'refused'))");
    sim_look_integer(q, 1, said->incident);
    sim_look_text(q, 2, sim_person_name(said->person));
    sim_look_text(q, 3, actions[said->word]);
    bool found = sim_look_next(q) && sim_look_number(q, 0) != 0;
    while (sim_look_next(q))
        continue;
    sim_require(found, "%s said %s to I%d, and nobody took notice", sim_person_name(said->person),
                actions[said->word], (int)said->incident);
}

/* Nobody is credited with a word that they did not say: each counts once, however often it was handed in. */
static void check_credit(void)
{
    struct sqlite3_stmt *q = sim_look("SELECT incident, person, action, COUNT(*) FROM decision"
                                      " WHERE action <> 'void' GROUP BY incident, person, action");
    while (sim_look_next(q)) {
        int64_t said = 0;
        for (size_t i = 0; i < sim_ledger_count(); i++) {
            const struct sim_said *one = sim_ledger_at(i);
            said += one->handed_at != 0 && one->word <= SIM_UNDO &&
                    one->incident == sim_look_number(q, 0) &&
                    strcmp(actions[one->word], sim_look_word(q, 2)) == 0 &&
                    strcmp(sim_person_name(one->person), sim_look_word(q, 1)) == 0;
        }
        sim_require(sim_look_number(q, 3) <= said,
                    "I%d: %s counts %d times for %s, who said it %d times",
                    (int)sim_look_number(q, 0), sim_look_word(q, 2), (int)sim_look_number(q, 3),
                    sim_look_word(q, 1), (int)said);
    }
}

static void check_incidents(void)
{
    struct sqlite3_stmt *q = sim_look("SELECT id, stage, outcome FROM incident");
    while (sim_look_next(q)) {
        sim_require(strcmp(sim_look_word(q, 1), "closed") == 0 && !sim_look_is_null(q, 2),
                    "I%d is left at %s", (int)sim_look_number(q, 0), sim_look_word(q, 1));
        sim_check_told(sim_look_number(q, 0));
    }
    q = sim_look("SELECT incident, revision, position, state FROM step"
                 " WHERE state IN ('planned', 'started') AND (incident, revision) IN"
                 " (SELECT incident, revision FROM plan WHERE state IN ('spent', 'approved'))");
    while (sim_look_next(q))
        sim_broken("I%d r%d step %d is left %s", (int)sim_look_number(q, 0),
                   (int)sim_look_number(q, 1), (int)sim_look_number(q, 2), sim_look_word(q, 3));
}

void sim_check_end(void)
{
    check_incidents();
    check_decisions();
    check_credit();
    sim_check_outbox();
    for (size_t i = 0; i < sim_ledger_count(); i++)
        check_said(sim_ledger_at(i));
}
