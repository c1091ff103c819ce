/* SPDX-License-Identifier: Apache-2.0 */
/* The planner that asks anything that speaks chat completions. */
#include "adapters/llm/openai/openai.h"

#include <string.h>

static const struct mw_option options[] = {
    {.name = "model",
     .type = MW_OPTION_TEXT,
     .flags = MW_OPTION_REQUIRED | MW_OPTION_RELOADABLE,
     .help = "a model's name, as the server knows it",
     .offset = offsetof(struct mw_model_config, model)},
    {.name = "api_key",
     .type = MW_OPTION_TEXT,
     .flags = MW_OPTION_SECRET | MW_OPTION_RELOADABLE,
     .help = "key of the server, where it wants one",
     .offset = offsetof(struct mw_model_config, api_key)},
    {.name = "base_url",
     .type = MW_OPTION_TEXT,
     .flags = MW_OPTION_RELOADABLE,
     .fallback = "https://api.openai.com/v1",
     .help = "where the API is; /v1 is added to an address without a path",
     .offset = offsetof(struct mw_model_config, base_url)},
    MW_MODEL_OPTIONS,
    {.name = NULL},
};

const char *mw_openai_version(const char *base)
{
    const char *host = strstr(base, "://") + 3;
    return strchr(host, '/') == NULL ? "/v1" : "";
}

static char *url(TALLOC_CTX *memory, const char *base, const char *model, struct mw_error *error)
{
    if (*model == '\0') {
        mw_error_set(error, MW_ERROR_BAD_INPUT, "llm.model: it is empty");
        return NULL;
    }
    return talloc_asprintf(memory, "%s%s/chat/completions", base, mw_openai_version(base));
}

const struct mw_model_vendor mw_openai = {
    .name = "openai",
    .name_limit = 64,
    .name_marks = "_-",
    .url = url,
    .key_header = "Authorization: Bearer ",
    .body = mw_openai_body,
    .say = mw_openai_say,
    .respond = mw_openai_respond,
    .read = mw_openai_read,
    .fault = mw_openai_fault,
    .check_url = mw_openai_check_url,
    .check = mw_openai_check,
};

static bool create(struct mw_planner *planner, const void *config, const char *runbooks,
                   struct mw_error *error)
{
    return mw_model_create(planner, &mw_openai, config, runbooks, error);
}

const struct mw_planner_ops mw_planner_openai = {
    .name = "openai",
    .options = options,
    .config_size = sizeof(struct mw_model_config),
    .create = create,
    .uses_past = true,
    .propose = mw_model_propose,
    .ask = mw_model_answer,
    .spent = mw_model_spent,
    .check = mw_model_check,
};
