/* SPDX-License-Identifier: Apache-2.0 */
/* What people write to us. */
#include "converse/grammar.h"

#include <ctype.h>

#include "fuzz.h"

/* The thread it is written in; a complaint must not name it. */
#define THREAD      907531
#define THREAD_TEXT "907531"

/* Seconds. */
#define DAY 86400

static char *print(TALLOC_CTX *memory, const struct mw_command *command)
{
    char *text = talloc_strdup(memory, command->spec->name);
    if (command->incident > 0) {
        text = talloc_asprintf_append(text, " I%lld", (long long)command->incident);
    }
    if (command->revision > 0) {
        text = talloc_asprintf_append(text, " r%d", command->revision);
    }
    if (command->resource != NULL) {
        text = talloc_asprintf_append(text, " %s", command->resource);
    }
    if (command->spec->takes == MW_TAKES_RESOURCE_SPAN_WHY) {
        long long seconds = (long long)command->span / 1000;
        text = talloc_asprintf_append(text, " %lldd%llds", seconds / DAY, seconds % DAY);
    }
    return command->rest != NULL ? talloc_asprintf_append(text, " %s", command->rest) : text;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void check_command(TALLOC_CTX *memory, const struct mw_command *command)
{
    struct mw_command again;
    char *complaint = NULL;
    FUZZ_HOLDS(command->span >= 0 && command->span % 1000 == 0, NULL);
    FUZZ_HOLDS(command->incident >= 0 && command->revision >= 0 && command->revision <= 9999, NULL);
    if (command->resource != NULL) {
        fuzz_is_clean(command->resource, 120);
        FUZZ_HOLDS(strchr(command->resource, ' ') == NULL, command->resource);
    }
    if (command->rest != NULL) {
        fuzz_is_clean(command->rest, command->spec->takes == MW_TAKES_QUESTION ? 1000 : 400);
        fuzz_keeps_secret(command->rest);
    }
    /* No single number of a length of time is longer; and a reason that begins with one would be taken for
     * more of it. */
    bool counts =
        command->span > 0 && command->rest != NULL && isdigit((unsigned char)*command->rest);
    if (counts || command->span / 1000 / DAY > 9999999) {
        return;
    }
    char *printed = print(memory, command);
    FUZZ_HOLDS(mw_command_parse(memory, printed, 0, &again, &complaint), printed);
    FUZZ_HOLDS(again.spec == command->spec && again.incident == command->incident, printed);
    FUZZ_HOLDS(again.revision == command->revision && again.span == command->span, printed);
    FUZZ_HOLDS(same_text(again.resource, command->resource), printed);
    /* Cut or masked, it may look like a secret that it was not. */
    bool touched = command->rest != NULL &&
                   (strstr(command->rest, "•") != NULL || strstr(command->rest, "…") != NULL);
    FUZZ_HOLDS(touched || same_text(again.rest, command->rest), printed);
}

static void parse(TALLOC_CTX *memory, const char *text, int64_t thread)
{
    struct mw_command command;
    char *complaint = NULL;
    if (mw_command_parse(memory, text, thread, &command, &complaint)) {
        FUZZ_HOLDS(command.spec != NULL && complaint == NULL, text);
        check_command(memory, &command);
        return;
    }
    FUZZ_HOLDS(complaint != NULL && *complaint != '\0', text);
    fuzz_is_clean(complaint, 600);
    FUZZ_HOLDS(strstr(text, THREAD_TEXT) != NULL || strstr(complaint, THREAD_TEXT) == NULL,
               complaint);
}

void fuzz_one(TALLOC_CTX *memory, const char *bytes, size_t length)
{
    const char *text = fuzz_text(memory, bytes, length, NULL);
    parse(memory, text, 0);
    parse(memory, text, THREAD);
}
