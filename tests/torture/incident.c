/* SPDX-License-Identifier: Apache-2.0 */
/* One whole incident on virtual time, with its record: seen, planned, approved, carried out, verified. */
#include <stdint.h>
#include <stdio.h>

#include "../unit/respond/rig.h"
#include "base/clock.h"
#include "harness.h"
#include "runtime/fiber.h"

static void note_act(void)
{
    world->acts++;
}

static void sleep_ms(int64_t ms)
{
    struct mw_error error;
    mw_sleep(ms, &error);
}

/* Approves what is asked until the incident has ended; NULL: it never did. */
static const struct mw_incident *approve_until_closed(int seconds)
{
    int said = 0;
    for (int i = 0; i < seconds * 5; i++) {
        sleep_ms(200);
        const struct mw_incident *incident = rig_recorded(1);
        if (incident == NULL || incident->stage == MW_STAGE_OPEN)
            continue;
        if (incident->stage == MW_STAGE_CLOSED)
            return incident;
        int revision = (int)incident->plan_count;
        if (incident->stage == MW_STAGE_ASK && revision > said) {
            said = revision;
            rig_decide(1, MW_ACTION_APPROVE, revision, &alice);
        }
    }
    return NULL;
}

static void whole_incident(void)
{
    snprintf(world->store, sizeof world->store, "%s", rig_store());
    box.during_fix = note_act;
    sleep_ms(3000);
    box.level = 97;
    const struct mw_incident *incident = approve_until_closed(120);
    TORTURE_HOLDS(incident != NULL && incident->outcome == MW_OUTCOME_RECOVERED);
    TORTURE_HOLDS(world->acts == 1);
}

static void scenario(void)
{
    rig_run(whole_incident);
    world->store[0] = '\0'; /* the rig has cleared it away */
}

/* How often it was approved; each may be acted on once. */
static int count_approvals(const struct mw_incident *incident)
{
    int count = 0;
    for (size_t i = 0; i < incident->decision_count; i++)
        count += incident->decisions[i].action == MW_ACTION_APPROVE;
    return count;
}

static void check_chain(void)
{
    struct mw_error error = {0};
    int64_t rows = 0, broken = 0;
    if (!mw_audit_verify(record, &rows, &broken, &error) || broken != 0)
        torture_fail("the audit chain does not hold at row %d: %s", (int)broken, error.text);
}

static void next_life(void)
{
    char left[sizeof world->store];
    snprintf(left, sizeof left, "%s", world->store);
    sleep_ms(600000); /* it was started ten minutes later */
    box.during_fix = note_act;
    box.level = world->acts > 0 ? 50 : 97;
    rig_restart(left);
    check_chain();
    const struct mw_incident *incident = approve_until_closed(300);
    if (incident == NULL) {
        TORTURE_HOLDS(rig_recorded(1) == NULL && world->acts == 0 && box.level < 95);
        return;
    }
    if (incident->outcome != MW_OUTCOME_RECOVERED)
        torture_fail("it ended as %s: %s", mw_outcome_name(incident->outcome),
                     incident->outcome_reason != NULL ? incident->outcome_reason : "-");
    TORTURE_HOLDS(world->acts >= 1 && world->acts <= count_approvals(incident));
    TORTURE_HOLDS(rig_recorded(2) == NULL);
    check_chain();
}

static void afterwards(void)
{
    if (world->store[0] != '\0')
        rig_run(next_life);
}

int main(int count, char **words)
{
    static const struct torture scenarios[] = {
        {.name = "incident", .scenario = scenario, .afterwards = afterwards, .least = 1000},
        {NULL}};
    return torture_main(count, words, scenarios);
}
