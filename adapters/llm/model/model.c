/* SPDX-License-Identifier: Apache-2.0 */
/* A planner that asks a model: its configuration, and what it reads once at the start. */
#include <ctype.h>
#include <string.h>

#include "adapters/llm/model/internal.h"
#include "adapters/llm/model/runbooks.h"
#include "base/clock.h"
#include "base/redact.h"

const struct mw_option mw_model_price_options[] = {
    {.name = "input_per_mtok",
     .type = MW_OPTION_NUMBER,
     .flags = MW_OPTION_REQUIRED | MW_OPTION_RELOADABLE,
     .help = "USD per million tokens that are sent",
     .offset = offsetof(struct mw_model_price, input_per_mtok),
     .minimum = 0,
     .maximum = 10000},
    {.name = "output_per_mtok",
     .type = MW_OPTION_NUMBER,
     .flags = MW_OPTION_REQUIRED | MW_OPTION_RELOADABLE,
     .help = "USD per million tokens that are answered, thinking included",
     .offset = offsetof(struct mw_model_price, output_per_mtok),
     .minimum = 0,
     .maximum = 10000},
    {.name = NULL},
};

static int release(struct mw_model *self)
{
    json_decref(self->runbooks);
    return 0;
}

/* A key that cannot stand in a header would break the request apart. */
static bool key_is_well(const char *key)
{
    for (const char *at = key; *at != '\0'; at++) {
        if (!isgraph((unsigned char)*at))
            return false;
    }
    return *key != '\0';
}

static bool check_config(const struct mw_model_config *config, struct mw_error *error)
{
    if (config->api_key != NULL && !key_is_well(config->api_key))
        return mw_error_set(error, MW_ERROR_BAD_INPUT,
                            "llm.api_key: a key is letters, digits and marks, without spaces");
    if (config->daily_budget_usd > 0 && config->price == NULL)
        return mw_error_set(error, MW_ERROR_BAD_INPUT,
                            "llm.daily_budget_usd: without llm.price nobody knows what was spent; "
                            "write both");
    return true;
}

static bool set_up(struct mw_model *self, const char *runbooks, struct mw_error *error)
{
    const struct mw_model_config *config = self->config;
    if (!check_config(config, error))
        return false;
    self->base = mw_model_base_url(self, config->base_url, error);
    self->url =
        self->base != NULL ? self->vendor->url(self, self->base, config->model, error) : NULL;
    if (self->url == NULL || !mw_prompts_read(self, config->prompts, &self->prompts, error))
        return false;
    self->runbooks = runbooks != NULL ? mw_runbooks_read(runbooks, error) : json_array();
    if (self->runbooks == NULL)
        return false;
    self->headers[0] = "Content-Type: application/json";
    if (config->api_key != NULL) {
        mw_redact_secret(config->api_key);
        self->headers[1] = talloc_asprintf(self, "%s%s", self->vendor->key_header, config->api_key);
    }
    self->budget.limit = config->daily_budget_usd;
    self->send = mw_http;
    return true;
}

bool mw_model_create(struct mw_planner *planner, const struct mw_model_vendor *vendor,
                     const struct mw_model_config *config, const char *runbooks,
                     struct mw_error *error)
{
    struct mw_model *self = talloc_zero(planner, struct mw_model);
    self->vendor = vendor;
    self->config = config;
    talloc_set_destructor(self, release);
    if (!set_up(self, runbooks, error)) {
        talloc_free(self);
        return false;
    }
    planner->state = self;
    planner->label = talloc_asprintf(self, "%s:%s", vendor->name, config->model);
    return true;
}

void mw_model_spent(struct mw_planner *planner, double usd)
{
    struct mw_model *self = planner->state;
    mw_budget_charge(&self->budget, mw_wall_now(), usd);
}
