/* SPDX-License-Identifier: Apache-2.0 */
#include "respond/case.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define ROOM "respond"

/* ---- what a stage may go on using ---- */

struct mw_keeping {
    size_t count;
    const void **kept;
};

/* False: there is no stage to keep it for, or it is kept already. */
static bool is_to_be_kept(const struct mw_case *self, const void *what)
{
    struct mw_keeping *keeping = self->keeping;
    if (keeping == NULL || what == NULL)
        return false;
    for (size_t i = 0; i < keeping->count; i++) {
        if (keeping->kept[i] == what)
            return false;
    }
    keeping->kept = talloc_realloc(keeping, keeping->kept, const void *, keeping->count + 1);
    keeping->kept[keeping->count++] = what;
    return true;
}

struct mw_resource *mw_case_find_resource(const struct mw_case *self, const char *name)
{
    struct mw_resource *resource = mw_watch_find(self->respond->watch, name);
    if (is_to_be_kept(self, resource))
        mw_watch_hold(resource, self->keeping);
    return resource;
}

struct mw_resource *mw_case_resource(const struct mw_case *self)
{
    struct mw_resource *resource = mw_case_find_resource(self, self->incident->resource);
    bool same = resource != NULL && strcmp(resource->kind, self->incident->kind) == 0;
    return same ? resource : NULL;
}

const struct mw_respond_settings *mw_case_settings(const struct mw_case *self)
{
    const struct mw_respond_settings *settings = &self->respond->settings;
    if (is_to_be_kept(self, settings->keeper))
        (void)talloc_reference(self->keeping, settings->keeper);
    return settings;
}

void mw_case_keep(struct mw_case *self)
{
    self->keeping = talloc_zero(self, struct mw_keeping);
}

void mw_case_let_go(struct mw_case *self)
{
    TALLOC_FREE(self->keeping);
}

enum mw_stage mw_case_left(struct mw_case *self)
{
    struct mw_plan *plan = mw_incident_plan(self->incident);
    if (plan != NULL && (plan->state == MW_PLAN_PROPOSED || plan->state == MW_PLAN_APPROVED)) {
        plan->state = MW_PLAN_VOID;
        plan->state_reason = talloc_strdup(self->incident, "the resource left the configuration");
    }
    self->left = true;
    return mw_case_conclude(self, MW_OUTCOME_HANDED_OVER, "%s is no longer in the configuration",
                            self->incident->resource);
}

/* ---- readings ---- */

struct mw_finding *mw_findings_copy(TALLOC_CTX *memory, const struct mw_resource *resource,
                                    size_t *count)
{
    struct mw_finding *findings =
        talloc_zero_array(memory, struct mw_finding, resource->finding_count);
    *count = resource->finding_count;
    for (size_t i = 0; i < resource->finding_count; i++) {
        findings[i] = resource->findings[i];
        findings[i].metric = talloc_strdup(findings, resource->findings[i].metric);
        findings[i].text = talloc_strdup(findings, resource->findings[i].text);
    }
    return findings;
}

struct mw_reading mw_reading_take(const struct mw_resource *resource)
{
    bool measured = resource->last.measured_at != 0;
    return (struct mw_reading){
        .measured_at = resource->last.measured_at,
        .health = resource->health,
        .metrics = measured ? mw_sample_to_json(&resource->last) : NULL,
    };
}

void mw_reading_replace(struct mw_reading *reading, const struct mw_resource *resource)
{
    json_decref(reading->metrics);
    *reading = mw_reading_take(resource);
    /* What was measured before nobody answered any more says nothing of now. */
    if (!resource->reached) {
        json_decref(reading->metrics);
        reading->metrics = NULL;
        reading->measured_at = resource->probed_at;
    }
}

static bool commit_once(struct mw_case *self, const char *actor, const char *action,
                        const json_t *detail, bool intent, struct mw_error *error)
{
    struct mw_change *change = mw_change_begin(self->respond->record);
    mw_change_incident(change, self->incident);
    for (size_t i = 0; i < self->incident->plan_count; i++)
        mw_change_plan(change, self->incident, &self->incident->plans[i]);
    mw_change_audit(change, actor, action, self->incident->id, detail);
    return mw_change_commit(change, intent, error);
}

/* A commit whose end was not seen may have happened after all. Nobody else writes this row, so whatever
 * version stands there is ours. */
static void adopt_version(struct mw_case *self)
{
    struct mw_error error;
    struct mw_incident *recorded =
        mw_record_incident(self->respond->record, self, self->incident->id, &error);
    if (recorded != NULL)
        self->incident->version = recorded->version;
    talloc_free(recorded);
}

static void tell_unrecorded(const struct mw_case *self, const struct mw_error *why)
{
    const struct mw_respond_listener *listener = self->respond->listener;
    if (listener != NULL && listener->unrecorded != NULL)
        listener->unrecorded(listener->context, self->incident, why);
}

bool mw_case_record(struct mw_case *self, const char *actor, const char *action,
                    const json_t *detail, bool intent)
{
    int64_t pause = 200;
    for (bool said = false;; said = true) {
        struct mw_error error = {0};
        if (commit_once(self, actor, action, detail, intent, &error)) {
            if (said)
                mw_log_info(ROOM, "I%lld: the record works again", (long long)self->incident->id);
            break;
        }
        if (error.class == MW_ERROR_CANCELLED)
            return false;
        if (!said)
            mw_log_error(ROOM, "I%lld: cannot record \"%s\", so it waits: %s",
                         (long long)self->incident->id, action, error.text);
        tell_unrecorded(self, &error);
        if (!mw_sleep(pause, &error))
            return false;
        pause = pause < 5000 ? pause * 2 : 5000;
        adopt_version(self);
    }
    self->recorded = true;
    if (self->respond->listener != NULL)
        self->respond->listener->changed(self->respond->listener->context, self->incident);
    return true;
}

int64_t mw_case_stage_ms(const struct mw_case *self)
{
    return (mw_mono_now() - self->stage_began) / 1000000;
}

enum mw_stage mw_case_conclude(struct mw_case *self, enum mw_outcome outcome, const char *format,
                               ...)
{
    va_list arguments;
    va_start(arguments, format);
    self->incident->outcome = outcome;
    self->incident->outcome_reason = talloc_vasprintf(self->incident, format, arguments);
    va_end(arguments);
    return MW_STAGE_REVIEW;
}

static bool any_step(const struct mw_case *self, bool (*fits)(const struct mw_step *step))
{
    for (size_t i = 0; i < self->incident->plan_count; i++) {
        const struct mw_plan *plan = &self->incident->plans[i];
        for (size_t j = 0; j < plan->step_count; j++) {
            if (fits(&plan->steps[j]))
                return true;
        }
    }
    return false;
}

static bool acted(const struct mw_step *step)
{
    return step->started_at != 0 && step->risk != MW_RISK_READ;
}

static bool is_unknown(const struct mw_step *step)
{
    return step->state == MW_STEP_UNKNOWN;
}

static bool may_have_helped(const struct mw_step *step)
{
    return acted(step) && step->state != MW_STEP_FAILED;
}

bool mw_case_has_acted(const struct mw_case *self)
{
    return any_step(self, acted);
}

bool mw_case_in_doubt(const struct mw_case *self)
{
    return any_step(self, is_unknown);
}

bool mw_case_may_have_helped(const struct mw_case *self)
{
    return any_step(self, may_have_helped);
}

bool mw_case_is_healthy(const struct mw_case *self)
{
    const char *name;
    bool any = false;
    for (size_t i = 0; (name = mw_incident_resource(self->incident, i)) != NULL; i++) {
        /* One that left the configuration keeps nobody waiting. */
        const struct mw_resource *resource = mw_watch_find(self->respond->watch, name);
        if (resource != NULL && resource->health != MW_HEALTH_HEALTHY)
            return false;
        any = any || resource != NULL;
    }
    return any;
}

enum mw_stage mw_case_healed(struct mw_case *self)
{
    struct mw_plan *plan = mw_incident_plan(self->incident);
    bool withdrawn = plan != NULL && plan->state == MW_PLAN_PROPOSED;
    if (withdrawn) {
        plan->state = MW_PLAN_VOID;
        plan->state_reason = talloc_strdup(self->incident, "it is healthy again");
    }
    if (mw_case_in_doubt(self))
        return mw_case_conclude(self, MW_OUTCOME_RECOVERED,
                                "healthy again; whether our step did it is not known");
    if (mw_case_may_have_helped(self))
        return mw_case_conclude(self, MW_OUTCOME_RECOVERED, "healthy again after our steps");
    if (mw_case_has_acted(self))
        return mw_case_conclude(self, MW_OUTCOME_SELF_RECOVERED,
                                "healthy again, though our step did not work");
    return mw_case_conclude(self, MW_OUTCOME_SELF_RECOVERED, "it healed before anything was done%s",
                            withdrawn ? "; the plan is withdrawn" : "");
}
