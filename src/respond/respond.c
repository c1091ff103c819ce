/* SPDX-License-Identifier: Apache-2.0 */
/* The open incidents: how they begin, walk through their stages, are found again and end. */
#include "respond/respond.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "respond/case.h"
#include "runtime/runtime.h"

#define ROOM "respond"

static enum mw_stage (*const stages[])(struct mw_case *self) = {
    [MW_STAGE_EVIDENCE] = mw_stage_evidence, [MW_STAGE_PLAN] = mw_stage_plan,
    [MW_STAGE_JUDGE] = mw_stage_judge,       [MW_STAGE_ASK] = mw_stage_ask,
    [MW_STAGE_EXECUTE] = mw_stage_execute,   [MW_STAGE_VERIFY] = mw_stage_verify,
    [MW_STAGE_REVIEW] = mw_stage_review,
};

struct mw_case *mw_case_find(const struct mw_respond *self, int64_t id)
{
    for (struct mw_case *c = self->cases; c != NULL; c = c->next) {
        if (c->incident->id == id)
            return c;
    }
    return NULL;
}

struct mw_case *mw_case_of(const struct mw_respond *self, const char *resource)
{
    for (struct mw_case *c = self->cases; c != NULL; c = c->next) {
        if (mw_incident_has(c->incident, resource))
            return c;
    }
    return NULL;
}

void mw_case_hold(struct mw_case *self)
{
    self->users++;
}

void mw_case_release(struct mw_case *self)
{
    if (--self->users == 0 && self->ended)
        mw_free_later(self);
}

static void case_end(struct mw_case *self)
{
    struct mw_case **link = &self->respond->cases;
    while (*link != self)
        link = &(*link)->next;
    *link = self->next;
    self->ended = true;
    if (self->users == 0)
        mw_free_later(self);
}

static enum mw_stage stop_planning(struct mw_case *self, const char *stopper)
{
    struct mw_plan *plan = mw_incident_plan(self->incident);
    if (plan != NULL && plan->state == MW_PLAN_PROPOSED) {
        plan->state = MW_PLAN_VOID;
        plan->state_reason = talloc_strdup(self->incident, "stopped");
    }
    return mw_case_conclude(self, MW_OUTCOME_STOPPED, "stopped by %s before a further step",
                            stopper);
}

/* Execution ends by itself, step by step, and what stands after verification needs nothing. */
static bool needs_resource(enum mw_stage stage)
{
    return stage == MW_STAGE_VERIFY || (stage >= MW_STAGE_EVIDENCE && stage <= MW_STAGE_ASK);
}

static bool walk_stage(struct mw_case *self)
{
    struct mw_incident *incident = self->incident;
    self->stage_began = mw_mono_now();
    const struct mw_plan *plan = mw_incident_plan(incident);
    const char *stopper = mw_tally_count(incident, plan != NULL ? plan->revision : 0).stopped_by;
    enum mw_stage next;
    bool planned = incident->stage >= MW_STAGE_PLAN && incident->stage <= MW_STAGE_ASK;
    mw_case_keep(self);
    if (stopper != NULL && incident->stage < MW_STAGE_ASK)
        next = stop_planning(self, stopper);
    else if (needs_resource(incident->stage) && mw_case_resource(self) == NULL)
        next = mw_case_left(self);
    else if (self->grown && planned)
        next = mw_group_regroup(self);
    else if (incident->stage == MW_STAGE_OPEN)
        next = MW_STAGE_EVIDENCE;
    else
        next = stages[incident->stage](self);
    mw_case_let_go(self);
    if (mw_fiber_cancelled())
        return false;
    incident->stage = next;
    json_auto_t *detail = json_pack("{s:s, s:s?}", "stage", mw_stage_name(next), "outcome",
                                    mw_outcome_name(incident->outcome));
    return mw_case_record(self, "midwatch", "stage", detail, false);
}

static struct mw_case *open_case(struct mw_respond *self, const struct mw_resource *resource);

static void walk(void *argument)
{
    struct mw_case *self = argument;
    bool going = self->recorded || mw_case_record(self, "midwatch", "opened", NULL, false);
    while (going && self->incident->stage != MW_STAGE_CLOSED)
        going = walk_stage(self);
    case_end(self);
    if (going)
        mw_settled_close(self);
    /* One may have turned bad again after health was seen to hold and before this was closed; or its leader
     * left the configuration, and then the others, or what has its name now, are nobody's. */
    const char *name;
    for (size_t i = 0; going && mw_case_is_over(self) && !self->respond->draining &&
                       (name = mw_incident_resource(self->incident, i)) != NULL;
         i++) {
        const struct mw_resource *resource = mw_watch_find(self->respond->watch, name);
        if (resource != NULL && resource->health >= MW_HEALTH_DEGRADED)
            mw_case_take_in(self->respond, resource);
    }
}

static int release_case(struct mw_case *self)
{
    json_decref(self->baseline);
    return 0;
}

struct mw_case *mw_case_start(struct mw_respond *self, struct mw_incident *incident)
{
    struct mw_case *c = talloc_zero(self, struct mw_case);
    talloc_set_destructor(c, release_case);
    c->respond = self;
    c->incident = talloc_steal(c, incident);
    c->recorded = incident->version > 0;
    for (size_t i = 0; i < incident->decision_count; i++) {
        if (incident->decisions[i].action == MW_ACTION_ACK)
            incident->acknowledged_by = talloc_strdup(incident, incident->decisions[i].person);
    }
    mw_condition_init(&c->changed);
    mw_lock_init(&c->deciding);
    struct mw_case **link = &self->cases;
    while (*link != NULL)
        link = &(*link)->next;
    *link = c;
    c->fiber = mw_fiber_spawn(&self->fibers, "incident", walk, c);
    return c;
}

static struct mw_case *open_case(struct mw_respond *self, const struct mw_resource *resource)
{
    struct mw_incident *incident = mw_incident_create(NULL);
    incident->id = mw_record_next_incident(self->record);
    incident->resource = talloc_strdup(incident, resource->name);
    incident->kind = talloc_strdup(incident, resource->kind);
    incident->environment = talloc_strdup(incident, resource->environment);
    incident->severity = resource->health;
    incident->since = resource->since;
    incident->opened_at = mw_wall_now();
    incident->samples = resource->bad_samples;
    incident->findings = mw_findings_copy(incident, resource, &incident->finding_count);
    incident->before = mw_reading_take(resource);
    size_t bad;
    incident->mass = mw_group_is_mass(self, &bad);
    incident->durations.detect = mw_wall_between(incident->since, incident->opened_at);
    mw_log_info(ROOM, "I%lld opened: %s is %s: %s", (long long)incident->id, resource->name,
                mw_health_name(resource->health), resource->reason ? resource->reason : "");
    return mw_case_start(self, incident);
}

void mw_case_take_in(struct mw_respond *self, const struct mw_resource *resource)
{
    if (mw_quiet_holds(self, resource->name)) {
        mw_log_info(ROOM, "%s is %s and kept quiet: %s", resource->name,
                    mw_health_name(resource->health), resource->reason ? resource->reason : "");
        return;
    }
    struct mw_case *home = mw_group_home(self, resource);
    if (home != NULL)
        mw_group_join(home, resource);
    else
        open_case(self, resource);
}

static void note_severity(struct mw_incident *incident, const struct mw_resource *resource)
{
    struct mw_part part;
    for (size_t i = 0; mw_incident_part(incident, i, &part); i++) {
        if (strcmp(part.resource, resource->name) == 0 && resource->health > *part.severity)
            *part.severity = resource->health;
    }
}

static void on_health(void *context, struct mw_resource *resource, enum mw_health before)
{
    struct mw_respond *self = context;
    struct mw_case *c = mw_case_of(self, resource->name);
    if (c != NULL) {
        note_severity(c->incident, resource);
        mw_condition_notify(&c->changed);
        return;
    }
    if (resource->health == MW_HEALTH_HEALTHY)
        mw_settled_end(self, resource->name);
    bool worse = resource->health >= MW_HEALTH_DEGRADED && resource->health > before;
    if (worse && !self->draining &&
        !(before == MW_HEALTH_UNKNOWN && mw_settled_has(self, resource)))
        mw_case_take_in(self, resource);
}

static void on_sight(void *context, struct mw_resource *resource)
{
    const struct mw_respond_listener *listener = ((struct mw_respond *)context)->listener;
    const char *why = resource->reason != NULL ? resource->reason : "its probe says no reason";
    if (listener != NULL && listener->blind != NULL)
        listener->blind(listener->context, resource->name, resource->blind ? why : NULL);
}

static int release_settled(struct mw_respond *self)
{
    json_decref(self->settled);
    json_decref(self->quiet);
    return 0;
}

struct mw_respond *mw_respond_create(TALLOC_CTX *memory, struct mw_watch *watch,
                                     struct mw_record *record,
                                     const struct mw_respond_settings *settings,
                                     const struct mw_respond_listener *listener)
{
    struct mw_respond *self = talloc_zero(memory, struct mw_respond);
    self->watch = watch;
    self->record = record;
    self->settings = *settings;
    self->listener = listener;
    self->watch_listener =
        (struct mw_watch_listener){.context = self, .changed = on_health, .sight = on_sight};
    self->settled = json_object();
    self->quiet = json_object();
    mw_lock_init(&self->silencing);
    mw_condition_init(&self->silences_changed);
    talloc_set_destructor(self, release_settled);
    mw_group_init(&self->fibers);
    /* A thousand incidents at once must not keep the watch from its schedule. */
    self->fibers.patient = true;
    return self;
}

bool mw_respond_start(struct mw_respond *self, struct mw_error *error)
{
    size_t count = 0;
    if (!mw_freeze_load(self, error) || !mw_quiet_load(self, error))
        return false;
    if (!mw_record_unsettled(self->record, self->settled, error))
        return mw_error_wrap(error, "cannot read how earlier incidents ended");
    int64_t *ids = mw_record_incidents(self->record, self, MW_INCIDENTS_OPEN, 10000, &count, error);
    if (ids == NULL)
        return mw_error_wrap(error, "cannot read the open incidents");
    for (size_t i = count; i > 0; i--) {
        struct mw_incident *incident = mw_record_incident(self->record, NULL, ids[i - 1], error);
        if (incident == NULL)
            return mw_error_wrap(error, "cannot read incident I%lld", (long long)ids[i - 1]);
        mw_log_info(ROOM, "I%lld taken up again at stage %s", (long long)incident->id,
                    mw_stage_name(incident->stage));
        mw_case_start(self, incident);
    }
    talloc_free(ids);
    mw_respond_count_spent(self);
    /* Somebody may have lost a role while midwatch was not there. */
    mw_respond_void_lost(self);
    mw_watch_listen(self->watch, &self->watch_listener);
    mw_fiber_spawn(&self->fibers, "quiet", mw_quiet_run, self);
    return true;
}

static bool anyone_acting(const struct mw_respond *self)
{
    for (const struct mw_case *c = self->cases; c != NULL; c = c->next) {
        if (c->acting)
            return true;
    }
    return false;
}

void mw_respond_stop(struct mw_respond *self)
{
    self->draining = true;
    struct mw_error error;
    /* A tool in progress has a deadline of its own, so this ends. */
    while (anyone_acting(self) && mw_sleep(20, &error))
        continue;
    mw_group_finish(&self->fibers);
    mw_watch_listen(self->watch, NULL);
}

const struct mw_incident *mw_respond_find(const struct mw_respond *self, int64_t id)
{
    const struct mw_case *c = mw_case_find(self, id);
    return c != NULL && c->recorded ? c->incident : NULL;
}

const struct mw_incident *mw_respond_of(const struct mw_respond *self, const char *resource)
{
    const struct mw_case *c = mw_case_of(self, resource);
    return c != NULL && c->recorded ? c->incident : NULL;
}

int64_t *mw_respond_open(const struct mw_respond *self, TALLOC_CTX *memory, size_t *count)
{
    int64_t *ids = talloc_array(memory, int64_t, 0);
    *count = 0;
    for (const struct mw_case *c = self->cases; c != NULL; c = c->next) {
        if (!c->recorded)
            continue;
        ids = talloc_realloc(memory, ids, int64_t, *count + 1);
        ids[(*count)++] = c->incident->id;
    }
    return ids;
}

bool mw_respond_fix(struct mw_respond *self, const char *name, const struct mw_person *person,
                    TALLOC_CTX *memory, char **said, struct mw_error *error)
{
    const struct mw_resource *resource = mw_watch_find(self->watch, name);
    if (resource == NULL)
        return mw_error_set(error, MW_ERROR_BAD_INPUT, "there is no resource \"%s\"", name);
    if (person->role < MW_ROLE_OPERATOR)
        return mw_error_set(error, MW_ERROR_REFUSED, "%s is %s; to ask for a fix takes an operator",
                            person->name, mw_role_phrase(person->role));
    /* What is open is about to be put away, and would be opened a second time. */
    if (self->draining)
        return mw_error_set(error, MW_ERROR_CANCELLED,
                            "midwatch is stopping; this counts when it is back");
    const struct mw_case *c = mw_case_of(self, name);
    if (c != NULL)
        return mw_error_set(error, MW_ERROR_REFUSED, "I%lld is already open for %s",
                            (long long)c->incident->id, name);
    if (resource->health < MW_HEALTH_DEGRADED)
        return mw_error_set(error, MW_ERROR_REFUSED, "%s is %s: there is nothing to fix", name,
                            mw_health_name(resource->health));
    c = open_case(self, resource);
    *said = talloc_asprintf(memory, "I%lld is open for %s", (long long)c->incident->id, name);
    return true;
}
