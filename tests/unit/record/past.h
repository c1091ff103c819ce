/* SPDX-License-Identifier: Apache-2.0 */
/* Incidents of the past, for tests of what reads, counts and forgets them. */
#ifndef MIDWATCH_TEST_RECORD_PAST_H
#define MIDWATCH_TEST_RECORD_PAST_H

#include "helper.h"

static inline struct mw_incident *begin_past(struct fixture *fixture, struct mw_record *record,
                                             const char *resource, enum mw_outcome outcome,
                                             mw_wall_ms closed_at)
{
    struct mw_incident *incident = make_incident(fixture, record);
    incident->resource = talloc_strdup(incident, resource);
    incident->stage = MW_STAGE_CLOSED;
    incident->outcome = outcome;
    incident->closed_at = closed_at;
    incident->durations =
        (struct mw_durations){.detect = 1000, .approve = 5000, .total = 1000 * incident->id};
    return incident;
}

/* A plan of one step that was called. */
static inline struct mw_plan *add_run(struct mw_incident *incident, const char *tool,
                                      bool automatic)
{
    struct mw_plan *plan = mw_incident_add_plan(incident, 1);
    plan->state = MW_PLAN_SPENT;
    plan->automatic = automatic;
    plan->steps[0].tool = talloc_strdup(incident, tool);
    plan->steps[0].resource = talloc_strdup(incident, incident->resource);
    plan->steps[0].risk = MW_RISK_REVERSIBLE;
    plan->steps[0].state = MW_STEP_DONE;
    plan->steps[0].started_at = 1;
    return plan;
}

static inline void save_past(struct fixture *fixture, struct mw_record *record,
                             struct mw_incident *incident)
{
    struct mw_change *change = mw_change_begin(record);
    mw_change_incident(change, incident);
    for (size_t i = 0; i < incident->plan_count; i++) {
        mw_change_plan(change, incident, &incident->plans[i]);
    }
    for (size_t i = 0; i < incident->decision_count; i++) {
        mw_change_decision(change, incident, &incident->decisions[i]);
    }
    mw_change_audit(change, "midwatch", "opened", incident->id, NULL);
    assert_good(fixture, mw_change_commit(change, true, &fixture->error));
}

/* Closed with one plan that ran, all in one. */
static inline struct mw_incident *save_run(struct fixture *fixture, struct mw_record *record,
                                           const char *resource, enum mw_outcome outcome,
                                           mw_wall_ms closed_at)
{
    struct mw_incident *incident = begin_past(fixture, record, resource, outcome, closed_at);
    add_run(incident, "fix", false);
    struct mw_decision *decision = mw_incident_add_decision(incident);
    decision->person = talloc_strdup(incident, "ann");
    decision->action = MW_ACTION_APPROVE;
    save_past(fixture, record, incident);
    return incident;
}

#endif
