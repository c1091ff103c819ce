/* SPDX-License-Identifier: Apache-2.0 */
/* Verification: health must last, by samples measured after the last step ended. */
#include "base/clock.h"
#include "respond/case.h"

#define MS_NS       INT64_C(1000000)
#define PATIENCE_MS 15000 /* a fix may take this long to show, or three probes if that is longer */

struct verification {
    mw_mono_ns after; /* when it began, in this process; older samples do not count */
    mw_mono_ns
        good_since; /* when the first good sample in a row was measured; 0: the last was bad */
    bool worked;    /* every step of the plan says it is done */
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

static void read_after(struct mw_incident *incident, const struct mw_resource *resource,
                       enum mw_health health)
{
    json_decref(incident->after.metrics);
    incident->after.metrics = resource->reached ? mw_sample_to_json(&resource->last) : NULL;
    incident->after.measured_at = resource->last.measured_at;
    incident->after.health = health;
}

static enum seen watch_health(struct mw_case *self, struct mw_resource *resource,
                              const struct mw_plan *plan)
{
    struct verification v = {.after = mw_mono_now(), .worked = all_done(plan)};
    int revision = plan->revision;
    mw_mono_ns newest = v.after;
    enum seen seen = SEEN_WAIT;
    int64_t hold = self->respond->settings.policy->verify_hold;
    int64_t longest = resource->config->every + resource->config->timeout + 1000;
    while (seen == SEEN_WAIT && !mw_fiber_cancelled()) {
        if (mw_tally_count(self->incident, revision).stopped_by != NULL)
            break;
        struct mw_error error = {0};
        if (!mw_watch_await(resource, newest, mw_deadline_in(longest), &error))
            continue;
        seen = judge_sample(&v, resource, hold);
        newest = resource->begun_mono;
    }
    return seen;
}

static enum mw_stage failed(struct mw_case *self)
{
    const struct mw_incident *incident = self->incident;
    int64_t retries = -1;
    for (size_t i = 0; i < incident->plan_count; i++)
        retries += incident->plans[i].state == MW_PLAN_SPENT;
    if (retries < self->respond->settings.policy->max_retries)
        return MW_STAGE_PLAN;
    return mw_case_conclude(self, MW_OUTCOME_FAILED, "it is still not healthy after %lld retries",
                            (long long)retries);
}

enum mw_stage mw_stage_verify(struct mw_case *self)
{
    struct mw_resource *resource = mw_case_resource(self);
    const struct mw_plan *plan = mw_incident_plan(self->incident);
    if (resource == NULL)
        return mw_case_conclude(self, MW_OUTCOME_HANDED_OVER,
                                "%s is no longer in the configuration", self->incident->resource);
    mw_watch_haste(resource, true);
    enum seen seen = watch_health(self, resource, plan);
    mw_watch_haste(resource, false);
    self->incident->durations.verify += mw_case_stage_ms(self);
    read_after(self->incident, resource, seen == SEEN_HOLDS ? MW_HEALTH_HEALTHY : resource->health);
    plan = mw_incident_plan(self->incident);
    const char *stopper = mw_tally_count(self->incident, plan->revision).stopped_by;
    if (seen == SEEN_HOLDS && (mw_case_in_doubt(self) || !mw_case_may_have_helped(self)))
        return mw_case_healed(self);
    if (seen == SEEN_HOLDS)
        return mw_case_conclude(self, MW_OUTCOME_RECOVERED, "healthy for %.0f s",
                                (double)self->respond->settings.policy->verify_hold / 1000);
    if (seen == SEEN_WAIT && stopper != NULL)
        return mw_case_conclude(self, MW_OUTCOME_STOPPED,
                                "stopped by %s after the steps, before health was seen to hold",
                                stopper);
    if (seen == SEEN_WAIT)
        return MW_STAGE_VERIFY;
    return failed(self);
}
