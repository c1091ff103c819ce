/* SPDX-License-Identifier: Apache-2.0 */
/* The planner that asks Gemini. */
#include "adapters/llm/gemini/gemini.h"

#include <string.h>

static const struct mw_option options[] = {
    {.name = "model",
     .type = MW_OPTION_TEXT,
     .flags = MW_OPTION_RELOADABLE,
     .fallback = "gemini-3.8-flash",
     .help = "a model's name",
     .offset = offsetof(struct mw_model_config, model)},
    {.name = "api_key",
     .type = MW_OPTION_TEXT,
     .flags = MW_OPTION_REQUIRED | MW_OPTION_SECRET | MW_OPTION_RELOADABLE,
     .help = "key of the Gemini API",
     .offset = offsetof(struct mw_model_config, api_key)},
    {.name = "base_url",
     .type = MW_OPTION_TEXT,
     .flags = MW_OPTION_RELOADABLE,
     .fallback = "https://generativelanguage.googleapis.com",
     .help = "where the API is, without /v1beta",
     .offset = offsetof(struct mw_model_config, base_url)},
    MW_MODEL_OPTIONS,
    {.name = NULL},
};

const char *mw_gemini_model(const char *model)
{
    return strncmp(model, "models/", 7) == 0 ? model + 7 : model;
}

static char *url(TALLOC_CTX *memory, const char *base, const char *model, struct mw_error *error)
{
    model = mw_gemini_model(model);
    if (*model == '\0' ||
        model[strspn(model, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")] !=
            '\0' ||
        strstr(model, "..") != NULL) {
        mw_error_set(error, MW_ERROR_BAD_INPUT,
                     "llm.model: a Gemini model is called like gemini-3.8-flash");
        return NULL;
    }
    return talloc_asprintf(memory, "%s/v1beta/models/%s:generateContent", base, model);
}

const struct mw_model_vendor mw_gemini = {
    .name = "gemini",
    .name_limit = 128,
    .name_marks = "_.-",
    .url = url,
    .key_header = "x-goog-api-key: ",
    .body = mw_gemini_body,
    .say = mw_gemini_say,
    .respond = mw_gemini_respond,
    .read = mw_gemini_read,
    .fault = mw_gemini_fault,
    .check_url = mw_gemini_check_url,
    .check = mw_gemini_check,
    .forces_calls = true,
};

static bool create(struct mw_planner *planner, const void *config, const char *runbooks,
                   struct mw_error *error)
{
    return mw_model_create(planner, &mw_gemini, config, runbooks, error);
}

const struct mw_planner_ops mw_planner_gemini = {
    .name = "gemini",
    .options = options,
    .config_size = sizeof(struct mw_model_config),
    .create = create,
    .uses_past = true,
    .propose = mw_model_propose,
    .ask = mw_model_answer,
    .spent = mw_model_spent,
    .check = mw_model_check,
};
