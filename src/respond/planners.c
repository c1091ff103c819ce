/* SPDX-License-Identifier: Apache-2.0 */
/* What planners tell beside their plans: what was said to a model, how its service is, what it costs. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/redact.h"
#include "respond/case.h"

#define ROOM          "respond"
#define RECORDING_MAX 64 /* at once; more than these are left out */
#define DAY_MS        (24LL * 60 * 60 * 1000)

/* An exchange on its way to the record; its strings hang on it. */
struct keeping {
    struct mw_respond *respond;
    struct mw_exchange exchange;
    json_t *usage;
};

static int release(struct keeping *keeping)
{
    json_decref(keeping->usage);
    return 0;
}

/* The best that can be done: neither a plan nor an answer waits for it, or fails with it. */
static void keep(void *argument)
{
    struct keeping *keeping = argument;
    struct mw_error error = {0};
    if (!mw_exchange_add(keeping->respond->record, &keeping->exchange, &error) &&
        error.class != MW_ERROR_CANCELLED)
        mw_log_warning(ROOM, "what a model was asked is not recorded: %s", error.text);
    keeping->respond->recording--;
    talloc_free(keeping);
}

static const char *text_of(TALLOC_CTX *memory, const json_t *value)
{
    json_auto_t *masked = mw_redact_json(value);
    char *dumped = masked != NULL ? json_dumps(masked, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    const char *text = talloc_strdup(memory, dumped);
    free(dumped);
    return text;
}

void mw_planner_exchanged(struct mw_respond *self, int64_t incident,
                          const struct mw_planner_exchange *exchange)
{
    if (self->draining || self->recording >= RECORDING_MAX)
        return;
    struct keeping *keeping = talloc_zero(self, struct keeping);
    keeping->respond = self;
    keeping->usage = json_deep_copy(exchange->usage);
    talloc_set_destructor(keeping, release);
    keeping->exchange = (struct mw_exchange){.incident = incident,
                                             .at = mw_wall_now(),
                                             .model = talloc_strdup(keeping, exchange->model),
                                             .request = text_of(keeping, exchange->request),
                                             .answer = text_of(keeping, exchange->answer),
                                             .fault = talloc_strdup(keeping, exchange->fault),
                                             .usage = keeping->usage};
    self->recording++;
    mw_fiber_spawn(&self->fibers, "exchange", keep, keeping);
}

void mw_planner_impaired(struct mw_respond *self, const struct mw_planner *planner,
                         enum mw_impairment impairment, const char *why)
{
    const struct mw_respond_listener *listener = self->listener;
    const struct mw_planner *fallback = self->settings.fallback;
    if (listener != NULL && listener->impaired != NULL && planner == self->settings.planner)
        listener->impaired(listener->context, planner->label, impairment, why,
                           fallback != NULL ? fallback->label : NULL);
}

void mw_respond_count_spent(struct mw_respond *self)
{
    struct mw_planner *planner = self->settings.planner;
    struct mw_error error = {0};
    double usd = 0;
    if (planner == NULL || planner->ops->spent == NULL)
        return;
    mw_wall_ms now = mw_wall_now();
    if (mw_exchange_spent(self->record, now - now % DAY_MS, &usd, &error))
        planner->ops->spent(planner, usd);
    else
        mw_log_warning(ROOM,
                       "what models cost today is not known, so the day's budget begins anew: %s",
                       error.text);
}
