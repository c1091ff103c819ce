/* SPDX-License-Identifier: Apache-2.0 */
/* The list of models: whether it names ours. */
#include <string.h>

#include "adapters/llm/openai/openai.h"
#include "base/redact.h"
#include "base/text.h"

#define MODELS_MAX 2000

char *mw_openai_check_url(TALLOC_CTX *memory, const char *base, const char *model)
{
    return talloc_asprintf(memory, "%s%s/models", base, mw_openai_version(base));
}

/* Ollama lists "name:latest" for what is asked for as "name". */
static bool names(const char *id, const char *model)
{
    size_t length = strlen(model);
    return strcmp(id, model) == 0 ||
           (strncmp(id, model, length) == 0 && strcmp(id + length, ":latest") == 0);
}

static bool not_listed(const char *model, const char *const *ids, size_t count,
                       const struct mw_check *check, struct mw_error *error)
{
    if (count == 0) {
        mw_check_say(check, MW_CHECK_NOTE, "the server answers, and lists no model");
        return true;
    }
    if (count == 1) {
        mw_check_say(check, MW_CHECK_NOTE,
                     "the server answers and lists one model alone, %s: where it does not look at "
                     "names, %s means that one too",
                     ids[0], model);
        return true;
    }
    const char *near = mw_text_nearest(model, ids);
    char *shown = near != NULL ? mw_redact_line(NULL, near, strlen(near), 100) : NULL;
    mw_error_set(error, MW_ERROR_PERMANENT, "the server has no model %s%s%s: look at llm.model",
                 model, shown != NULL ? ", but has " : "", shown != NULL ? shown : "");
    talloc_free(shown);
    return false;
}

bool mw_openai_check(const json_t *answer, const char *model, const struct mw_check *check,
                     struct mw_error *error)
{
    const json_t *list = json_object_get(answer, "data");
    if (!json_is_array(list))
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "what answers does not list models: look at llm.base_url");
    const char **ids = talloc_zero_array(NULL, const char *, MODELS_MAX + 1);
    size_t i, count = 0;
    const json_t *entry;
    bool listed = false;
    json_array_foreach(list, i, entry)
    {
        const char *id = json_string_value(json_object_get(entry, "id"));
        if (id == NULL || count == MODELS_MAX)
            continue;
        ids[count++] = id;
        listed = listed || names(id, model);
    }
    bool ok = listed || not_listed(model, ids, count, check, error);
    if (listed)
        mw_check_say(check, MW_CHECK_OK, "the server answers and has %s", model);
    talloc_free(ids);
    return ok;
}
