/* SPDX-License-Identifier: Apache-2.0 */
/* Verification: health must last, by samples measured after the last step ended. */
#include "base/clock.h"
#include "respond/case.h"

#define MS_NS       INT64_C(1000000)
#define PATIENCE_MS 15000 /* a fix may take this long to show, or three probes if that is longer */

/* One resource of the incident while its health is watched. */
struct verification {
    const char *name;
    mw_mono_ns after;      /* when it began, in this process; older samples do not count */
    mw_mono_ns newest;     /* when the last probe that was judged began */
    mw_mono_ns good_since; /* of the first good sample in a row; 0: the last was bad */
    bool worked;           /* every step of the plan says it is done */
};

enum seen { SEEN_WAIT, SEEN_HOLDS, SEEN_FAILS };

static bool all_done(const struct mw_plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        if (plan->steps[i].state != MW_STEP_DONE)
            return false;
    }
    return true;
}

static enum seen judge_sample(struct verification *v, const struct mw_resource *resource,
                              int64_t hold)
{
    bool counts = resource->measured_mono > v->after;
    bool good = resource->reached && resource->finding_count == 0;
    int64_t patience = 3 * resource->config->every;
    patience = patience > PATIENCE_MS ? patience : PATIENCE_MS;
    bool late = mw_mono_now() - v->after > (hold + patience) * MS_NS;
    if (!counts)
        return late ? SEEN_FAILS : SEEN_WAIT;
    if (!good) {
        v->good_since = 0;
        return !v->worked || late ? SEEN_FAILS : SEEN_WAIT;
    }
    if (v->good_since == 0)
        v->good_since = resource->measured_mono;
    bool lasted = resource->measured_mono - v->good_since >= hold * MS_NS;
    return lasted && resource->health == MW_HEALTH_HEALTHY ? SEEN_HOLDS : SEEN_WAIT;
}

/* The next sample of one of them, judged. */
static enum seen look(struct mw_case *self, struct verification *v)
{
    struct mw_resource *resource = mw_case_find_resource(self, v->name);
    struct mw_error error = {0};
    if (resource == NULL)
        return SEEN_HOLDS; /* it left the configuration */
    int64_t longest = resource->config->every + resource->config->timeout + 1000;
    mw_watch_haste(resource, true);
    bool sampled = mw_watch_await(resource, v->newest, mw_deadline_in(longest), &error);
    mw_watch_haste(resource, false);
    /* Another configuration may have replaced it, and then its successor is looked at the next time. */
    if (!sampled || mw_case_find_resource(self, v->name) != resource)
        return SEEN_WAIT;
    v->newest = resource->begun_mono;
    return judge_sample(v, resource, mw_case_settings(self)->policy->verify_hold);
}

static bool interrupted(const struct mw_case *self)
{
    int revision = mw_incident_plan(self->incident)->revision;
    return mw_fiber_cancelled() || mw_tally_count(self->incident, revision).stopped_by != NULL;
}

static enum seen look_at_all(struct mw_case *self, struct verification *list, size_t count)
{
    enum seen all = SEEN_HOLDS;
    for (size_t i = 0; i < count; i++) {
        enum seen one = interrupted(self) ? SEEN_WAIT : look(self, &list[i]);
        if (one == SEEN_FAILS)
            return SEEN_FAILS;
        all = one == SEEN_HOLDS ? all : one;
    }
    return all;
}

/* Until all of them are well, or one has failed; those that join meanwhile are watched too. */
static enum seen watch_health(struct mw_case *self)
{
    mw_mono_ns began = mw_mono_now();
    bool worked = all_done(mw_incident_plan(self->incident));
    struct verification *list = NULL;
    size_t count = 0;
    enum seen all = SEEN_WAIT;
    while (all == SEEN_WAIT && !interrupted(self)) {
        const char *name;
        while ((name = mw_incident_resource(self->incident, count)) != NULL) {
            list = talloc_realloc(self, list, struct verification, count + 1);
            list[count++] = (struct verification){.name = talloc_strdup(list, name),
                                                  .after = began,
                                                  .newest = began,
                                                  .worked = worked};
        }
        all = look_at_all(self, list, count);
    }
    talloc_free(list);
    return all;
}

static void read_after(struct mw_case *self, bool holds)
{
    struct mw_part part;
    for (size_t i = 0; mw_incident_part(self->incident, i, &part); i++) {
        const struct mw_resource *resource = mw_watch_find(self->respond->watch, part.resource);
        if (resource == NULL)
            continue;
        mw_reading_replace(part.after, resource);
        if (holds)
            part.after->health = MW_HEALTH_HEALTHY;
    }
}

enum mw_stage mw_case_retry(struct mw_case *self)
{
    const struct mw_incident *incident = self->incident;
    int64_t retries = -1;
    for (size_t i = 0; i < incident->plan_count; i++)
        retries += incident->plans[i].state == MW_PLAN_SPENT && !incident->plans[i].undo;
    if (retries < mw_case_settings(self)->policy->max_retries)
        return MW_STAGE_EVIDENCE; /* what was gathered before it is no longer so */
    return mw_case_conclude(self, MW_OUTCOME_FAILED, "it is still not healthy after %lld retries",
                            (long long)retries);
}

/* What made it worse is taken back before anything else is tried. */
static enum mw_stage failed(struct mw_case *self)
{
    struct mw_error error = {0};
    const struct mw_plan *plan = mw_incident_plan(self->incident);
    bool undoable = false;
    for (size_t i = 0; i < plan->step_count; i++)
        undoable |= plan->steps[i].state == MW_STEP_DONE && plan->steps[i].undo != NULL;
    if (undoable && !mw_case_in_shadow(self) && mw_baseline_is_worse(self) &&
        mw_plan_undo(self, NULL, &error) != NULL)
        return MW_STAGE_EXECUTE;
    return mw_case_retry(self);
}

enum mw_stage mw_stage_verify(struct mw_case *self)
{
    if (mw_case_resource(self) == NULL)
        return mw_case_left(self);
    enum seen seen = watch_health(self);
    self->incident->durations.verify += mw_case_stage_ms(self);
    if (mw_case_resource(self) == NULL)
        return mw_case_left(self);
    read_after(self, seen == SEEN_HOLDS);
    const struct mw_plan *plan = mw_incident_plan(self->incident);
    const char *stopper = mw_tally_count(self->incident, plan->revision).stopped_by;
    if (seen == SEEN_HOLDS && (mw_case_in_doubt(self) || !mw_case_may_have_helped(self)))
        return mw_case_healed(self);
    if (seen == SEEN_HOLDS)
        return mw_case_conclude(self, MW_OUTCOME_RECOVERED, "healthy for %.0f s",
                                (double)mw_case_settings(self)->policy->verify_hold / 1000);
    if (seen == SEEN_WAIT && stopper != NULL)
        return mw_case_conclude(self, MW_OUTCOME_STOPPED,
                                "stopped by %s after the steps, before health was seen to hold",
                                stopper);
    if (seen == SEEN_WAIT)
        return MW_STAGE_VERIFY;
    return failed(self);
}
