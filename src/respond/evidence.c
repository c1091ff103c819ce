/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence: what the target says of itself and the log lines that matter. */
#include "base/clock.h"
#include "base/log.h"
#include "respond/case.h"

#define ROOM          "respond"
#define LOG_LINES_MAX 40

/* A target that hangs uses up the time for its facts, and its logs are needed then most of all. */
#define FACTS_TIME_MS 2000
#define LOGS_TIME_MS  5000

static void gather_facts(struct mw_case *self, struct mw_resource *resource,
                         struct mw_deadline deadline)
{
    const struct mw_target_ops *ops = resource->target.ops;
    struct mw_error error = {0};
    json_t *facts = NULL;
    if (ops->facts == NULL)
        return;
    if (!ops->facts(&resource->target, deadline, &facts, &error)) {
        mw_log_info(ROOM, "I%lld: no facts from %s: %s", (long long)self->incident->id,
                    resource->name, error.text);
        return;
    }
    json_decref(self->incident->facts);
    self->incident->facts = facts;
}

enum mw_stage mw_stage_evidence(struct mw_case *self)
{
    struct mw_resource *resource = mw_case_resource(self);
    if (resource == NULL)
        return mw_case_conclude(self, MW_OUTCOME_HANDED_OVER,
                                "%s is no longer in the configuration", self->incident->resource);
    gather_facts(self, resource, mw_deadline_in(FACTS_TIME_MS));

    size_t count = 0;
    struct mw_log_excerpt *log = mw_watch_logs(resource, self->incident, LOG_LINES_MAX, &count,
                                               mw_deadline_in(LOGS_TIME_MS));
    talloc_free(self->incident->log);
    self->incident->log = log;
    self->incident->log_count = count;
    self->incident->durations.analyse += mw_case_stage_ms(self);
    return MW_STAGE_PLAN;
}
