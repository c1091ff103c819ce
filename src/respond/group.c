/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Grouping: resources that turn bad together, or that need each other, are one incident, which the
 * likeliest root leads. When a large share of everything turns bad at once, it is one incident whatever
 * the rest says, since midwatch's own network is then the likeliest cause.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "respond/case.h"

#define ROOM "respond"

/* What turns bad together is not noticed in the same moment: before an incident is looked into, nobody
 * may have joined for this long, and nobody who would may be halfway to turning bad. */
#define QUIET_MS   1000
#define SETTLE_MS  8000
#define GLANCE_MS  1000 /* within which those who might join are looked at once more */
#define GLANCE_MAX 200  /* resources; beyond it that would be a flood of probes */
#define LOOK_MS    50
#define MS_NS      INT64_C(1000000)

#define MASS_LEAST 3 /* of two resources, one is no mass */

/* ---- who needs whom ---- */

static size_t number_of(const struct mw_watch *watch, const char *name)
{
    size_t i = 0;
    while (i < watch->count && strcmp(watch->resources[i]->name, name) != 0)
        i++;
    return i;
}

/* `seen` keeps those apart that were looked at already, so that many ways to the same one cost nothing. */
static bool reaches(const struct mw_watch *watch, size_t from, const char *on, bool *seen)
{
    if (from == watch->count || seen[from])
        return false;
    seen[from] = true;
    const struct mw_text_list *needs = &watch->resources[from]->config->depends_on;
    for (size_t i = 0; i < needs->count; i++) {
        if (strcmp(needs->items[i], on) == 0 ||
            reaches(watch, number_of(watch, needs->items[i]), on, seen))
            return true;
    }
    return false;
}

bool mw_group_needs(const struct mw_watch *watch, const char *resource, const char *on)
{
    size_t from = number_of(watch, resource);
    /* Most need nothing, and then there is nothing to look for. */
    if (from == watch->count || watch->resources[from]->config->depends_on.count == 0)
        return false;
    bool *seen = talloc_zero_array(NULL, bool, watch->count);
    bool needs = reaches(watch, from, on, seen);
    talloc_free(seen);
    return needs;
}

static bool related(const struct mw_case *self, const char *resource)
{
    const struct mw_watch *watch = self->respond->watch;
    const char *name;
    for (size_t i = 0; (name = mw_incident_resource(self->incident, i)) != NULL; i++) {
        if (mw_group_needs(watch, name, resource) || mw_group_needs(watch, resource, name))
            return true;
    }
    return false;
}

struct mw_resource *mw_group_scope(const struct mw_case *self, const char *resource)
{
    const char *name;
    bool within = mw_incident_has(self->incident, resource);
    for (size_t i = 0; !within && (name = mw_incident_resource(self->incident, i)) != NULL; i++)
        within = mw_group_needs(self->respond->watch, name, resource);
    return within ? mw_case_find_resource(self, resource) : NULL;
}

/* ---- so much at once ---- */

bool mw_group_is_mass(const struct mw_respond *respond, size_t *bad)
{
    const struct mw_mass_failure *mass = respond->settings.policy->mass_failure;
    const struct mw_watch *watch = respond->watch;
    *bad = 0;
    if (mass == NULL || mass->percent <= 0)
        return false;
    for (size_t i = 0; i < watch->count; i++) {
        const struct mw_resource *one = watch->resources[i];
        *bad += one->health >= MW_HEALTH_DEGRADED && mw_wall_now() - one->since <= mass->window &&
                json_object_get(respond->quiet, one->name) == NULL;
    }
    return *bad >= MASS_LEAST && (int64_t)(*bad * 100) >= mass->percent * (int64_t)watch->count;
}

/* ---- where a resource belongs ---- */

static bool in_window(const struct mw_case *self, mw_wall_ms since, int64_t window)
{
    return llabs(since - self->incident->since) <= window && !mw_case_has_acted(self) &&
           self->incident->stage <= MW_STAGE_ASK;
}

static bool belongs(const struct mw_case *self, const char *resource, mw_wall_ms since)
{
    if (self->ended || self->incident->stage >= MW_STAGE_REVIEW)
        return false;
    const struct mw_policy *policy = mw_case_settings(self)->policy;
    size_t bad;
    if (mw_group_is_mass(self->respond, &bad) &&
        (self->incident->mass || in_window(self, since, policy->mass_failure->window)))
        return true;
    return (policy->group_window > 0 && in_window(self, since, policy->group_window)) ||
           related(self, resource);
}

struct mw_case *mw_group_home(const struct mw_respond *respond, const struct mw_resource *resource)
{
    for (struct mw_case *c = respond->cases; c != NULL; c = c->next) {
        if (belongs(c, resource->name, resource->since))
            return c;
    }
    return NULL;
}

void mw_group_join(struct mw_case *self, const struct mw_resource *resource)
{
    struct mw_incident *incident = self->incident;
    struct mw_member *member = mw_incident_add_member(incident);
    member->resource = talloc_strdup(incident, resource->name);
    member->kind = talloc_strdup(incident, resource->kind);
    member->environment = talloc_strdup(incident, resource->environment);
    member->severity = resource->health;
    member->since = resource->since;
    member->joined_at = mw_wall_now();
    member->samples = resource->bad_samples;
    member->findings = mw_findings_copy(incident, resource, &member->finding_count);
    member->before = mw_reading_take(resource);
    size_t bad;
    incident->mass = incident->mass || mw_group_is_mass(self->respond, &bad);
    self->grown = true;
    self->joined_mono = mw_mono_now();
    mw_log_info(ROOM, "I%lld: %s is %s too: %s", (long long)incident->id, resource->name,
                mw_health_name(resource->health), resource->reason ? resource->reason : "");
    mw_condition_notify(&self->changed);
}

#define JOINED " turned bad too"

bool mw_group_overtook(const struct mw_plan *plan)
{
    size_t length = plan->state_reason != NULL ? strlen(plan->state_reason) : 0;
    return plan->state == MW_PLAN_VOID && length > strlen(JOINED) &&
           strcmp(plan->state_reason + length - strlen(JOINED), JOINED) == 0;
}

enum mw_stage mw_group_regroup(struct mw_case *self)
{
    struct mw_plan *plan = mw_incident_plan(self->incident);
    if (plan != NULL && plan->state == MW_PLAN_PROPOSED) {
        plan->state = MW_PLAN_VOID;
        plan->state_reason =
            talloc_asprintf(self->incident, "%s" JOINED,
                            self->incident->members[self->incident->member_count - 1].resource);
    }
    return MW_STAGE_EVIDENCE;
}

/* ---- before it is looked into ---- */

/* Somebody who would join was not looked at since, or is halfway to turning bad. */
static bool anyone_coming(const struct mw_case *self, mw_mono_ns since)
{
    const struct mw_watch *watch = self->respond->watch;
    bool glance = mw_mono_now() - since < GLANCE_MS * MS_NS && watch->count <= GLANCE_MAX;
    for (size_t i = 0; i < watch->count; i++) {
        struct mw_resource *one = watch->resources[i];
        bool halfway = one->course.bad.count > 0;
        if (one->health > MW_HEALTH_HEALTHY || (!halfway && !glance) ||
            mw_case_of(self->respond, one->name) != NULL ||
            !belongs(self, one->name, halfway ? one->course.bad.since : mw_wall_now()))
            continue;
        if (halfway)
            return true;
        if (one->begun_mono <= since && one->fiber != NULL) {
            mw_watch_want(one);
            return true;
        }
    }
    return false;
}

static bool is_quiet(const struct mw_case *self, mw_mono_ns since)
{
    bool recent = self->joined_mono != 0 && mw_mono_now() - self->joined_mono < QUIET_MS * MS_NS;
    return !anyone_coming(self, since) && !recent;
}

void mw_group_settle(struct mw_case *self)
{
    struct mw_deadline end = mw_deadline_in(SETTLE_MS);
    mw_mono_ns since = mw_mono_now();
    struct mw_error error;
    while (!is_quiet(self, since) && !mw_deadline_passed(end) && !mw_fiber_cancelled() &&
           mw_tally_count(self->incident, 0).stopped_by == NULL && !mw_case_is_healthy(self))
        mw_condition_wait(&self->changed, mw_deadline_in(LOOK_MS), &error);
    self->grown = false;
}

bool mw_group_lead(struct mw_case *self)
{
    struct mw_incident *incident = self->incident;
    const struct mw_watch *watch = self->respond->watch;
    bool changed = false;
    /* Each turn leads nearer to a root, and nobody needs himself, so this ends. */
    for (size_t turns = 0; turns <= incident->member_count; turns++) {
        size_t i = 0;
        while (i < incident->member_count &&
               !mw_group_needs(watch, incident->resource, incident->members[i].resource))
            i++;
        if (i == incident->member_count)
            break;
        mw_incident_lead(incident, &incident->members[i]);
        changed = true;
    }
    return changed;
}
