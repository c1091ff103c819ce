/* SPDX-License-Identifier: Apache-2.0 */
/* A whole configuration: YAML, ${…}, the option tables of all rooms and adapters, and their own looks at it. */
#include <stdio.h>
#include <stdlib.h>

#include "base/redact.h"
#include "cli/settings.h"
#include "config/config.h"
#include "fuzz.h"

/* What stands in the environment is not shown, wherever in the file it is put. */
#define VARIABLE "FUZZ"

static void check_faults(TALLOC_CTX *memory, const char *input, const char *said)
{
    char *rest = talloc_strdup(memory, said);
    size_t lines = 0;
    for (char *line = fuzz_line(&rest); line != NULL && rest != NULL; line = fuzz_line(&rest)) {
        fuzz_is_clean(line, 1200);
        lines++;
    }
    FUZZ_HOLDS(lines > 0 && lines <= MW_FAULTS_MAX + 1, said);
    fuzz_keeps_secret(said);
    FUZZ_HOLDS(strstr(said, "(null)") == NULL || strstr(input, "(null)") != NULL, said);
}

static void check_shown(const struct mw_option *table, const void *values)
{
    if (table == NULL || values == NULL) {
        return;
    }
    json_auto_t *shown = mw_options_show(table, values);
    char *text = json_dumps(shown, 0);
    FUZZ_HOLDS(text != NULL, NULL);
    free(text);
}

static void check_settings(const struct mw_settings *settings)
{
    for (size_t i = 0; i < settings->resource_count; i++) {
        const struct mw_resource_settings *one = &settings->resources[i];
        FUZZ_HOLDS(one->ops != NULL && one->common.name != NULL, NULL);
        FUZZ_HOLDS(one->common.every > 0 && one->common.timeout > 0 && one->common.hold > 0,
                   one->common.name);
        check_shown(one->ops->options, one->config);
    }
    FUZZ_HOLDS(settings->llm.ops != NULL && settings->root.policy != NULL, NULL);
    check_shown(settings->llm.ops->options, settings->llm.config);
}

void fuzz_one(TALLOC_CTX *memory, const char *bytes, size_t length)
{
    char *said = NULL;
    size_t size = 0;
    setenv(VARIABLE, FUZZ_SECRET, 1);
    /* It has to be kept for what it is, not because it is known. */
    mw_redact_forget_all();
    char *input = talloc_strndup(memory, bytes, length);
    length = strlen(input);
    for (char *at = input; (at = strchr(at, '~')) != NULL;) {
        *at = '-';
    }
    FILE *faults = open_memstream(&said, &size);
    struct mw_settings *settings =
        mw_settings_load(fuzz_file("midwatch.yaml", input, length), faults);
    fclose(faults);
    if (settings == NULL) {
        check_faults(memory, input, said);
    } else {
        check_settings(settings);
    }
    free(said);
    talloc_free(settings);
}
