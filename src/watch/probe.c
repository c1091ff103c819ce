/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/redact.h"
#include "watch/internal.h"

#define MS_NS 1000000

#define QUICK_MS_MIN 200
#define QUICK_MS_MAX 1000

/* Of a sample: a month. Beyond it all are equally old. */
#define AGE_MS_MAX (INT64_C(30) * 24 * 3600 * 1000)

/* Findings that the reason names at most. */
#define REASON_FINDINGS 3

/* ---- what a probe said ---- */

static char *unreachable_text(const struct mw_resource *resource, TALLOC_CTX *memory,
                              const struct mw_error *error)
{
    if (error->class != MW_ERROR_TIMEOUT) {
        char *safe = mw_redact_line(memory, error->text, strlen(error->text), sizeof error->text);
        char *text = talloc_asprintf(memory, "cannot be reached: %s", safe != NULL ? safe : "");
        talloc_free(safe);
        return text;
    }
    int64_t timeout = resource->config->timeout;
    if (timeout % 1000 == 0) {
        return talloc_asprintf(memory, "no answer within %lld s", (long long)(timeout / 1000));
    }
    return talloc_asprintf(memory, "no answer within %lld ms", (long long)timeout);
}

static void find_unreachable(struct mw_resource *resource, const struct mw_error *error)
{
    struct mw_finding *finding = talloc_zero(resource, struct mw_finding);
    if (finding == NULL) {
        return;
    }
    *finding = (struct mw_finding){.value = NAN,
                                   .limit = NAN,
                                   .normal = NAN,
                                   .health = MW_HEALTH_FAILED,
                                   .text = unreachable_text(resource, finding, error)};
    resource->findings = finding;
    resource->finding_count = 1;
}

static enum mw_health judge(struct mw_resource *resource, const struct mw_sample *sample,
                            const struct mw_error *error)
{
    talloc_free(resource->findings);
    resource->findings = NULL;
    resource->finding_count = 0;
    if (sample != NULL) {
        return mw_health_judge(sample, resource->target.ops->metrics, &resource->config->thresholds,
                               resource, &resource->findings, &resource->finding_count);
    }
    if (error->class == MW_ERROR_RETRY || error->class == MW_ERROR_TIMEOUT) {
        find_unreachable(resource, error);
        return MW_HEALTH_FAILED;
    }
    return MW_HEALTH_UNKNOWN;
}

static char *reason_text(struct mw_resource *resource, const struct mw_error *error)
{
    if (resource->finding_count == 0) {
        return mw_redact_line(resource, error->text, strlen(error->text), sizeof error->text);
    }
    char *text = NULL;
    for (size_t i = 0; i < resource->finding_count && i < REASON_FINDINGS; i++) {
        text = talloc_asprintf_append(text != NULL ? text : talloc_strdup(resource, ""), "%s%s",
                                      i > 0 ? "; " : "", resource->findings[i].text);
    }
    return text;
}

static void explain(struct mw_resource *resource, enum mw_health said, const struct mw_error *error)
{
    if (resource->health == MW_HEALTH_HEALTHY) {
        TALLOC_FREE(resource->reason);
    } else if (said != MW_HEALTH_HEALTHY) {
        talloc_free(resource->reason);
        resource->reason = reason_text(resource, error);
    }
}

static void tell(struct mw_resource *resource, enum mw_health before)
{
    const struct mw_watch_listener *listener = resource->retired ? NULL : resource->watch->listener;
    mw_log_debug("watch", "%s: %s, was %s%s%s", resource->name, mw_health_name(resource->health),
                 mw_health_name(before), resource->reason != NULL ? ": " : "",
                 resource->reason != NULL ? resource->reason : "");
    if (listener != NULL) {
        listener->changed(listener->context, resource, before);
    }
}

/* A resource that nobody can look at is no incident, so it must be said otherwise. */
static void warn_of_blindness(struct mw_resource *resource, enum mw_health before, int hold)
{
    const struct mw_watch_listener *listener = resource->retired ? NULL : resource->watch->listener;
    bool sees = resource->health != MW_HEALTH_UNKNOWN;
    if (sees && resource->blind) {
        resource->blind = false;
        mw_log_info("watch", "%s can be looked at again: it is %s", resource->name,
                    mw_health_name(resource->health));
    } else if (!sees && !resource->blind && resource->course.unknown.count >= hold) {
        resource->blind = true;
        mw_log_warning("watch", "%s cannot be looked at, so nobody knows how it is: %s",
                       resource->name, resource->reason != NULL ? resource->reason : "no reason");
    } else if (!sees || before != MW_HEALTH_UNKNOWN) {
        return;
    }
    if (listener != NULL && listener->sight != NULL) {
        listener->sight(listener->context, resource);
    }
}

/* Whatever the probe brought becomes the resource's state. `sample` is NULL where it failed; `hold` 0
 * takes its word at once. */
static void take_in(struct mw_resource *resource, const struct mw_sample *sample,
                    const struct mw_error *error, mw_wall_ms begun_at, int hold)
{
    enum mw_health said = judge(resource, sample, error);
    enum mw_health before = resource->health;
    mw_wall_ms at = sample != NULL ? sample->measured_at : begun_at, since = at;

    resource->probed_at = mw_wall_now();
    resource->reached = sample != NULL;
    resource->health = mw_course_step(&resource->course, before, said, at, hold, &since);
    if (hold == 0) {
        resource->health = said;
    }
    if (resource->health != before) {
        resource->since = since;
    }
    resource->bad_samples = resource->course.bad.count;
    resource->differs = said != resource->health;

    if (sample != NULL) {
        resource->last = *sample;
        mw_history_add(resource->history, sample,
                       said == MW_HEALTH_HEALTHY && resource->health == MW_HEALTH_HEALTHY);
    }
    for (size_t i = 0; i < resource->finding_count; i++) {
        struct mw_finding *finding = &resource->findings[i];
        finding->normal =
            finding->metric != NULL ? mw_watch_normal(resource, finding->metric) : NAN;
    }
    explain(resource, said, error);
    if (hold > 0) {
        warn_of_blindness(resource, before, hold);
    }
    if (resource->health != before && hold > 0) {
        tell(resource, before);
    }
}

/* ---- probing ---- */

/* How much older than its probe a sample is that carries a time of its own. */
static mw_mono_ns age_ns(mw_wall_ms measured_at, mw_wall_ms begun_at)
{
    int64_t age;
    if (__builtin_sub_overflow(begun_at, measured_at, &age) || age > AGE_MS_MAX) {
        return (mw_mono_ns)AGE_MS_MAX * MS_NS;
    }
    return age > 0 ? age * MS_NS : 0;
}

static void probe(struct mw_resource *resource, int hold)
{
    struct mw_sample sample = {.source = NULL};
    struct mw_error error = {.class = MW_ERROR_NONE};
    mw_wall_ms begun_at = mw_wall_now();
    mw_mono_ns begun_mono = mw_mono_now();

    resource->probing = true;
    bool measured = resource->target.ops->probe(
        &resource->target, mw_deadline_in(resource->config->timeout), &sample, &error);
    resource->probing = false;
    resource->ended_mono = mw_mono_now();

    if (measured || error.class != MW_ERROR_CANCELLED) {
        if (sample.measured_at == 0) {
            sample.measured_at = mw_wall_now();
        }
        resource->begun_mono = begun_mono;
        resource->measured_mono =
            begun_mono - (measured ? age_ns(sample.measured_at, begun_at) : 0);
        if (begun_mono > resource->wanted_after) {
            resource->wanted_after = 0;
        }
        take_in(resource, measured ? &sample : NULL, &error, begun_at, hold);
    }
    mw_condition_notify(&resource->sampled);
}

void mw_probe_once(struct mw_resource *resource)
{
    struct mw_error error;
    while (resource->probing) {
        if (!mw_condition_wait(&resource->sampled, mw_deadline_in(resource->config->timeout * 2),
                               &error)) {
            return;
        }
    }
    probe(resource, 0);
}

static mw_mono_ns quick_ns(const struct mw_resource *resource)
{
    int64_t every = resource->config->every, quick = every / 5;
    quick = quick < QUICK_MS_MIN ? QUICK_MS_MIN : quick > QUICK_MS_MAX ? QUICK_MS_MAX : quick;
    return (quick < every ? quick : every) * MS_NS;
}

static mw_mono_ns earlier(mw_mono_ns a, mw_mono_ns b)
{
    return a < b ? a : b;
}

/* When the next probe is due: by the schedule, or sooner where it is wanted sooner. */
static mw_mono_ns due(const struct mw_resource *resource)
{
    mw_mono_ns at = resource->planned;
    if (resource->haste > 0 || resource->differs) {
        at = earlier(at, resource->ended_mono + quick_ns(resource));
    }
    if (resource->wanted_after != 0) {
        mw_mono_ns soon = resource->wanted_after + 1;
        /* Who waits again and again must not turn the interval into a flood. */
        mw_mono_ns spaced =
            resource->ended_mono + earlier(quick_ns(resource), (mw_mono_ns)QUICK_MS_MIN * MS_NS);
        at = earlier(at, soon > spaced ? soon : spaced);
    }
    return at;
}

static bool wait_until_due(struct mw_resource *resource)
{
    struct mw_error error = {.class = MW_ERROR_NONE};
    while (!mw_fiber_cancelled() && !resource->retired) {
        mw_mono_ns at = due(resource);
        if (at <= mw_mono_now()) {
            return true;
        }
        mw_condition_wait(&resource->hurry, (struct mw_deadline){at}, &error);
    }
    return false;
}

/* The next planned moment that is still to come. Those that passed meanwhile are left out, so that a
 * slow target is not probed in a burst, and the rhythm does not drift. */
static void plan_next(struct mw_resource *resource)
{
    mw_mono_ns now = mw_mono_now(), every = resource->config->every * MS_NS;
    if (resource->planned <= now) {
        resource->planned += ((now - resource->planned) / every + 1) * every;
    }
}

void mw_probe_fiber(void *argument)
{
    struct mw_resource *resource = argument;
    while (wait_until_due(resource)) {
        probe(resource, (int)resource->config->hold);
        plan_next(resource);
    }
    resource->fiber = NULL;
    resource->ended = true;
    mw_condition_notify(&resource->sampled);
    mw_condition_notify(&resource->let_go);
}
