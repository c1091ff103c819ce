/* SPDX-License-Identifier: Apache-2.0 */
/* models.get: what the API says of the model. */
#include <string.h>

#include "adapters/llm/gemini/gemini.h"

#define NAME_MAX_SHOWN 100

char *mw_gemini_check_url(TALLOC_CTX *memory, const char *base, const char *model)
{
    return talloc_asprintf(memory, "%s/v1beta/models/%s", base, mw_gemini_model(model));
}

static bool generates(const json_t *methods)
{
    size_t i;
    const json_t *method;
    json_array_foreach(methods, i, method)
    {
        const char *name = json_string_value(method);
        if (name != NULL && strcmp(name, "generateContent") == 0)
            return true;
    }
    return false;
}

bool mw_gemini_check(const json_t *answer, const char *model, const struct mw_check *check,
                     struct mw_error *error)
{
    const json_t *methods = json_object_get(answer, "supportedGenerationMethods");
    if (!json_is_string(json_object_get(answer, "name")))
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "what answers is not the Gemini API: look at llm.base_url");
    if (json_is_array(methods) && !generates(methods))
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "%s does not write answers (generateContent): name another llm.model",
                            model);
    char *title = mw_model_words(NULL, json_object_get(answer, "displayName"), NAME_MAX_SHOWN);
    mw_check_say(check, MW_CHECK_OK, "the key is good and %s is known%s%s%s, %lld tokens of input",
                 model, *title != '\0' ? " (" : "", title, *title != '\0' ? ")" : "",
                 (long long)mw_model_tokens(json_object_get(answer, "inputTokenLimit")));
    talloc_free(title);
    return true;
}
