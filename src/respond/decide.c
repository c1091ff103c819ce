/* SPDX-License-Identifier: Apache-2.0 */
/* People's decisions: checked here whatever way they came, recorded, and left for the stage to act on. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/redact.h"
#include "respond/case.h"

#define ROOM     "respond"
#define NOTE_MAX 400

const char *mw_role_phrase(enum mw_role role)
{
    static const char *const phrases[] = {
        [MW_ROLE_VIEWER] = "a viewer, as is everybody who has no role under people:",
        [MW_ROLE_OPERATOR] = "an operator",
        [MW_ROLE_APPROVER] = "an approver",
        [MW_ROLE_ADMIN] = "an admin",
    };
    return phrases[role];
}

static const enum mw_role needed[] = {
    [MW_ACTION_APPROVE] = MW_ROLE_APPROVER,  [MW_ACTION_REJECT] = MW_ROLE_OPERATOR,
    [MW_ACTION_WITHDRAW] = MW_ROLE_APPROVER, [MW_ACTION_STOP] = MW_ROLE_APPROVER,
    [MW_ACTION_ACK] = MW_ROLE_OPERATOR,      [MW_ACTION_UNDO] = MW_ROLE_APPROVER,
    [MW_ACTION_AGAIN] = MW_ROLE_OPERATOR,    [MW_ACTION_VOID] = MW_ROLE_ADMIN,
};

/* Whether a later decision of the same person takes this one's place. */
static bool overruled(const struct mw_incident *incident, size_t index)
{
    const struct mw_decision *this = &incident->decisions[index];
    for (size_t i = index + 1; i < incident->decision_count; i++) {
        const struct mw_decision *later = &incident->decisions[i];
        if (later->revision == this->revision && strcmp(later->person, this->person) == 0 &&
            (later->action == MW_ACTION_WITHDRAW || later->action == MW_ACTION_VOID ||
             later->action == MW_ACTION_APPROVE))
            return true;
    }
    return false;
}

struct mw_tally mw_tally_count(const struct mw_incident *incident, int revision)
{
    struct mw_tally tally = {0};
    const struct mw_plan *newest = mw_incident_plan(incident);
    bool undoing = newest != NULL && newest->undo;
    for (size_t i = 0; i < incident->decision_count; i++) {
        const struct mw_decision *d = &incident->decisions[i];
        /* Stopping is about the incident, whichever plan was the newest when it was said; what takes back
         * an earlier run begins anew. */
        if (d->action == MW_ACTION_STOP && (!undoing || d->revision == revision))
            tally.stopped_by = d->person;
        if (d->revision != revision)
            continue;
        if (d->action == MW_ACTION_REJECT) {
            tally.rejected_by = d->person;
            tally.rejected_why = d->note;
        }
        if (d->action == MW_ACTION_AGAIN)
            tally.again_by = d->person;
    }
    return tally;
}

static bool may_approve(const struct mw_respond *respond, const char *person)
{
    const struct mw_respond_settings *settings = &respond->settings;
    return settings->role_of == NULL ||
           settings->role_of(settings->people, person) >= MW_ROLE_APPROVER;
}

static bool is_approval(const struct mw_incident *incident, size_t index, int revision)
{
    const struct mw_decision *d = &incident->decisions[index];
    return d->revision == revision && d->action == MW_ACTION_APPROVE && !overruled(incident, index);
}

int mw_approvals(const struct mw_case *self, int revision)
{
    int count = 0;
    for (size_t i = 0; i < self->incident->decision_count; i++)
        count += is_approval(self->incident, i, revision) &&
                 may_approve(self->respond, self->incident->decisions[i].person);
    return count;
}

static const struct mw_decision *standing(const struct mw_incident *incident, int revision,
                                          enum mw_action action, const char *person)
{
    for (size_t i = 0; i < incident->decision_count; i++) {
        const struct mw_decision *d = &incident->decisions[i];
        if (d->revision == revision && d->action == action && strcmp(d->person, person) == 0 &&
            !overruled(incident, i))
            return d;
    }
    return NULL;
}

/* ---- checks: each says in one sentence why not ---- */

bool mw_decide_check_role(enum mw_action action, const struct mw_person *person,
                          struct mw_error *error)
{
    if (person->role >= needed[action])
        return true;
    return mw_error_set(error, MW_ERROR_REFUSED, "%s is %s; to %s takes an %s", person->name,
                        mw_role_phrase(person->role), mw_action_name(action),
                        mw_role_name(needed[action]));
}

/* How a plan stands, for somebody whose word comes too late. */
static const char *standing_text(const struct mw_plan *plan)
{
    switch (plan->state) {
    case MW_PLAN_APPROVED:
        return "is approved already";
    case MW_PLAN_REJECTED:
        return "was rejected";
    case MW_PLAN_SPENT:
        return "was already carried out";
    case MW_PLAN_VOID:
        return "is void";
    case MW_PLAN_PROPOSED:
        break;
    }
    return "is not asked for yet";
}

static bool check_plan(const struct mw_incident *incident, int *revision, struct mw_error *error)
{
    long long id = (long long)incident->id;
    const struct mw_plan *newest = mw_incident_plan(incident);
    if (newest == NULL)
        return mw_error_set(error, MW_ERROR_REFUSED, "I%lld has no plan yet", id);
    if (*revision == 0 && incident->plan_count > 1 && incident->stage == MW_STAGE_ASK)
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "I%lld has had %zu plans; say which: r%d is the one that waits", id,
                            incident->plan_count, newest->revision);
    const struct mw_plan *plan =
        *revision == 0 ? newest : mw_incident_find_plan(incident, *revision);
    if (plan == NULL)
        return mw_error_set(error, MW_ERROR_REFUSED, "I%lld has no plan r%d; the newest is r%d", id,
                            *revision, newest->revision);
    if (plan != newest && plan->state != MW_PLAN_PROPOSED)
        return mw_error_set(error, MW_ERROR_REFUSED, "I%lld r%d %s; the newest plan is r%d", id,
                            plan->revision, standing_text(plan), newest->revision);
    if (incident->stage != MW_STAGE_ASK || plan->state != MW_PLAN_PROPOSED)
        return mw_error_set(error, MW_ERROR_REFUSED, "I%lld r%d %s", id, plan->revision,
                            standing_text(plan));
    if (mw_wall_now() >= plan->expires_at)
        return mw_error_set(error, MW_ERROR_REFUSED, "I%lld r%d has expired", id, plan->revision);
    *revision = plan->revision;
    return true;
}

static bool check(struct mw_case *self, enum mw_action action, const struct mw_person *person,
                  int *revision, struct mw_error *error)
{
    const struct mw_incident *incident = self->incident;
    long long id = (long long)incident->id;
    if (!mw_decide_check_role(action, person, error))
        return false;
    if (incident->decision_count >= MW_DECISIONS_MAX && action != MW_ACTION_REJECT &&
        action != MW_ACTION_STOP)
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "I%lld has had %d decisions; only rejecting and stopping are left", id,
                            MW_DECISIONS_MAX);
    switch (action) {
    case MW_ACTION_APPROVE:
        if (!check_plan(incident, revision, error))
            return false;
        if (mw_case_is_healthy(self))
            return mw_error_set(error, MW_ERROR_REFUSED, "%s is healthy again", incident->resource);
        return true;
    case MW_ACTION_AGAIN:
        if (!check_plan(incident, revision, error))
            return false;
        if (incident->plan_count >= MW_PLANS_MAX)
            return mw_error_set(error, MW_ERROR_REFUSED,
                                "I%lld has had %d plans, and no more are made; approve or reject "
                                "this one",
                                id, MW_PLANS_MAX);
        return true;
    case MW_ACTION_REJECT:
        return check_plan(incident, revision, error);
    case MW_ACTION_WITHDRAW:
        if (!check_plan(incident, revision, error))
            return false;
        if (standing(incident, *revision, MW_ACTION_APPROVE, person->name) == NULL)
            return mw_error_set(error, MW_ERROR_REFUSED, "%s has not approved I%lld r%d",
                                person->name, id, *revision);
        return true;
    case MW_ACTION_STOP:
        *revision = incident->plan_count > 0 ? mw_incident_plan(incident)->revision : 0;
        return true;
    case MW_ACTION_ACK:
        *revision = 0;
        return true;
    case MW_ACTION_UNDO:
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "I%lld is still open; stop it or let it end, then undo", id);
    case MW_ACTION_VOID:
        break;
    }
    return mw_error_set(error, MW_ERROR_BAD_INPUT, "unknown action");
}

/* ---- recording ---- */

void mw_decide_record_refusal(struct mw_respond *respond, int64_t incident, enum mw_action action,
                              const struct mw_person *person, const char *why)
{
    json_auto_t *detail = json_pack("{s:s, s:s}", "action", mw_action_name(action), "why", why);
    struct mw_change *change = mw_change_begin(respond->record);
    struct mw_error error;
    mw_change_said(change, person->said);
    mw_change_audit(change, person->name, "refused", incident, detail);
    if (!mw_change_commit(change, false, &error))
        mw_log_warning(ROOM, "a refusal could not be recorded: %s", error.text);
}

/* A commit whose end was not seen may have happened, and what stands in the record counts at the next start
 * at the latest, so it counts now. Where that cannot be read, a no counts and a yes does not. */
static bool stands_after_all(const struct mw_case *self, const struct mw_decision *decision,
                             const struct mw_error *why)
{
    if (why->class != MW_ERROR_TIMEOUT)
        return false;
    struct mw_error error = {0};
    struct mw_incident *recorded =
        mw_record_incident(self->respond->record, NULL, self->incident->id, &error);
    size_t count = recorded != NULL ? recorded->decision_count : 0;
    const struct mw_decision *last = count > 0 ? &recorded->decisions[count - 1] : NULL;
    bool stands = last != NULL && last->at == decision->at && last->action == decision->action &&
                  last->revision == decision->revision &&
                  strcmp(last->person, decision->person) == 0;
    if (recorded == NULL)
        stands = decision->action != MW_ACTION_APPROVE;
    talloc_free(recorded);
    return stands;
}

static bool record_decision(struct mw_case *self, const struct mw_decision *decision,
                            const char *actor, int64_t said, struct mw_error *error)
{
    struct mw_incident *incident = self->incident;
    json_auto_t *detail =
        json_pack("{s:i, s:s?}", "revision", decision->revision, "note", decision->note);
    if (strcmp(actor, decision->person) != 0)
        json_object_set_new(detail, "person", json_string(decision->person));
    struct mw_change *change = mw_change_begin(self->respond->record);
    mw_change_decision(change, incident, decision);
    mw_change_said(change, said);
    mw_change_audit(change, actor, mw_action_name(decision->action), incident->id, detail);
    if (!mw_change_commit(change, false, error) && !stands_after_all(self, decision, error))
        return mw_error_wrap(error, "the decision could not be recorded, so it does not count");
    struct mw_decision *kept = mw_incident_add_decision(incident);
    *kept = *decision;
    kept->person = talloc_strdup(incident, decision->person);
    kept->note = talloc_strdup(incident, decision->note);
    if (decision->action == MW_ACTION_ACK)
        incident->acknowledged_by = talloc_strdup(incident, decision->person);
    return true;
}

bool mw_decide_void_lost(struct mw_case *self, struct mw_error *error)
{
    struct mw_incident *incident = self->incident;
    size_t count = incident->decision_count;
    for (size_t i = 0; i < count; i++) {
        /* Recording suspends, so the plan is looked up each time; one that began has used its approvals. */
        const struct mw_plan *plan = mw_incident_plan(incident);
        bool waits = plan != NULL && incident->stage < MW_STAGE_VERIFY &&
                     (plan->state == MW_PLAN_PROPOSED || plan->state == MW_PLAN_APPROVED);
        if (!waits || !is_approval(incident, i, plan->revision) ||
            may_approve(self->respond, incident->decisions[i].person))
            continue;
        TALLOC_CTX *memory = talloc_new(NULL);
        struct mw_decision decision = {
            .person = talloc_strdup(memory, incident->decisions[i].person),
            .action = MW_ACTION_VOID,
            .revision = plan->revision,
            .at = mw_wall_now(),
        };
        decision.note = talloc_asprintf(memory, "%s is no approver any more", decision.person);
        bool ok = record_decision(self, &decision, "midwatch", 0, error);
        talloc_free(memory);
        if (!ok)
            return false;
        mw_condition_notify(&self->changed);
        if (self->respond->listener != NULL)
            self->respond->listener->changed(self->respond->listener->context, incident);
    }
    return true;
}

static char *say(TALLOC_CTX *memory, const struct mw_case *self, const struct mw_decision *decision)
{
    const struct mw_plan *plan = mw_incident_find_plan(self->incident, decision->revision);
    long long id = (long long)self->incident->id;
    switch (decision->action) {
    case MW_ACTION_APPROVE: {
        int missing = plan->approvals_needed - mw_approvals(self, plan->revision);
        if (missing > 0)
            return talloc_asprintf(memory, "I%lld r%d: approved by %s; it needs %d more", id,
                                   plan->revision, decision->person, missing);
        return talloc_asprintf(memory, "I%lld r%d: approved by %s", id, plan->revision,
                               decision->person);
    }
    case MW_ACTION_REJECT:
        return talloc_asprintf(memory, "I%lld r%d: rejected by %s", id, decision->revision,
                               decision->person);
    case MW_ACTION_WITHDRAW:
        return talloc_asprintf(memory, "I%lld r%d: %s took the approval back", id,
                               decision->revision, decision->person);
    case MW_ACTION_STOP:
        return talloc_asprintf(memory, "I%lld: stopping%s", id,
                               self->acting ? "; the step in progress ends first" : "");
    case MW_ACTION_ACK:
        return talloc_asprintf(memory, "I%lld: %s is on it", id, decision->person);
    case MW_ACTION_UNDO:
        return talloc_asprintf(memory, "I%lld: taking back what was done", id);
    case MW_ACTION_AGAIN:
        return talloc_asprintf(memory, "I%lld: making a new plan", id);
    case MW_ACTION_VOID:
        break;
    }
    return NULL;
}

static bool decide_locked(struct mw_case *self, enum mw_action action, int revision,
                          const struct mw_person *person, const char *note, TALLOC_CTX *memory,
                          char **said, struct mw_error *error)
{
    if (!check(self, action, person, &revision, error)) {
        mw_decide_record_refusal(self->respond, self->incident->id, action, person, error->text);
        return false;
    }
    struct mw_decision decision = {
        .person = talloc_strdup(memory, person->name),
        .action = action,
        .revision = revision,
        .at = mw_wall_now(),
    };
    if (note != NULL && note[0] != '\0')
        decision.note = mw_redact_line(memory, note, strlen(note), NOTE_MAX);
    /* The same word twice is one decision. */
    if (standing(self->incident, revision, action, person->name) == NULL &&
        !record_decision(self, &decision, person->name, person->said, error))
        return false;
    *said = say(memory, self, &decision);
    mw_condition_notify(&self->changed);
    if (self->respond->listener != NULL)
        self->respond->listener->changed(self->respond->listener->context, self->incident);
    return true;
}

bool mw_respond_decide(struct mw_respond *self, int64_t id, enum mw_action action, int revision,
                       const struct mw_person *person, const char *note, TALLOC_CTX *memory,
                       char **said, struct mw_error *error)
{
    struct mw_case *c = mw_case_find(self, id);
    if (c != NULL && !c->recorded) {
        /* People were told of it all the same, since an alarm waits for nothing. */
        mw_error_set(error, MW_ERROR_REFUSED,
                     "I%lld could not be recorded yet, and before that nothing is decided on it",
                     (long long)id);
        mw_decide_record_refusal(self, id, action, person, error->text);
        return false;
    }
    if (c == NULL)
        return mw_decide_closed(self, id, action, person, memory, said, error);
    mw_case_hold(c);
    bool ok = mw_lock_acquire(&c->deciding, mw_deadline_in(10000), error);
    if (ok) {
        ok = c->ended ? mw_decide_closed(self, id, action, person, memory, said, error)
                      : decide_locked(c, action, revision, person, note, memory, said, error);
        mw_lock_release(&c->deciding);
    }
    mw_case_release(c);
    return ok;
}
