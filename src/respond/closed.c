/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions about an incident that is no longer open: what it did can be taken back. */
#include <stdio.h>

#include "base/clock.h"
#include "respond/case.h"

static bool too_late(const struct mw_incident *incident, enum mw_action action,
                     struct mw_error *error)
{
    char outcome[20] = "";
    snprintf(outcome, sizeof outcome, "%s", mw_outcome_name(incident->outcome));
    for (char *at = outcome; *at != '\0'; at++)
        *at = *at == '_' ? '-' : *at;
    return mw_error_set(error, MW_ERROR_REFUSED, "I%lld is closed (%s); there is nothing to %s",
                        (long long)incident->id, outcome, mw_action_name(action));
}

static bool record_undo(struct mw_respond *self, struct mw_incident *incident,
                        const struct mw_person *person, struct mw_error *error)
{
    struct mw_decision *decision = mw_incident_add_decision(incident);
    decision->person = talloc_strdup(incident, person->name);
    decision->action = MW_ACTION_UNDO;
    decision->revision = mw_incident_plan(incident)->revision;
    decision->at = mw_wall_now();
    struct mw_change *change = mw_change_begin(self->record);
    mw_change_incident(change, incident);
    mw_change_plan(change, incident, mw_incident_plan(incident));
    mw_change_decision(change, incident, decision);
    mw_change_said(change, person->said);
    mw_change_audit(change, person->name, "undo", incident->id, NULL);
    return mw_change_commit(change, false, error);
}

/* A commit whose end was not seen may have happened, and then the incident is open again. */
static bool stands_after_all(struct mw_respond *self, struct mw_incident *incident,
                             const struct mw_error *why)
{
    if (why->class != MW_ERROR_TIMEOUT)
        return false;
    struct mw_error error = {0};
    struct mw_incident *recorded = mw_record_incident(self->record, NULL, incident->id, &error);
    bool stands = recorded != NULL && recorded->stage != MW_STAGE_CLOSED;
    if (stands)
        incident->version = recorded->version;
    talloc_free(recorded);
    return stands;
}

/* The person who asks approves by asking: the undo was part of the plan that was approved. */
static bool undo(struct mw_respond *self, struct mw_incident *incident,
                 const struct mw_person *person, struct mw_error *error)
{
    const char *name;
    for (size_t i = 0; (name = mw_incident_resource(incident, i)) != NULL; i++) {
        const struct mw_case *other = mw_case_of(self, name);
        if (other != NULL)
            return mw_error_set(error, MW_ERROR_REFUSED, "I%lld is open for %s; see to it first",
                                (long long)other->incident->id, name);
    }
    struct mw_case making = {.respond = self, .incident = incident};
    if (mw_case_in_shadow(&making))
        return mw_error_set(error, MW_ERROR_REFUSED, "in shadow mode nothing is touched");
    if (mw_plan_undo(&making, person->name, error) == NULL)
        return false;
    incident->stage = MW_STAGE_EXECUTE;
    if (record_undo(self, incident, person, error) || stands_after_all(self, incident, error)) {
        mw_case_start(self, incident);
        return true;
    }
    return mw_error_wrap(error, "the undo could not be recorded, so it does not run");
}

bool mw_decide_closed(struct mw_respond *self, int64_t id, enum mw_action action,
                      const struct mw_person *person, TALLOC_CTX *memory, char **said,
                      struct mw_error *error)
{
    struct mw_incident *incident = mw_record_incident(self->record, NULL, id, error);
    if (incident == NULL)
        return false;
    if (incident->stage != MW_STAGE_CLOSED) {
        talloc_free(incident);
        return mw_error_set(error, MW_ERROR_CANCELLED,
                            "midwatch is stopping; this counts when it is back");
    }
    bool ok = mw_decide_check_role(action, person, error) &&
              (action == MW_ACTION_UNDO ? undo(self, incident, person, error)
                                        : too_late(incident, action, error));
    if (ok) {
        *said = talloc_asprintf(memory, "I%lld: taking back what was done", (long long)id);
        return true;
    }
    talloc_free(incident);
    mw_decide_record_refusal(self, id, action, person, error->text);
    return false;
}
