/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: where they come from, and putting values in their {{placeholders}}. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "adapters/llm/model/builtin.h"
#include "adapters/llm/model/prompt.h"
#include "adapters/llm/model/template.h"
#include "base/text.h"

#define TEMPLATE_MAX ((size_t)64 * 1024)

const char *const mw_situation_places[] = {"incident", "attempt", "health", "resource", "findings",
                                           "metrics",  "facts",   "log",    "previous", "similar",
                                           "runbooks", "tools",   "others", NULL};
static const char *const again_names[] = {"complaint", NULL};
static const char *const no_names[] = {NULL};

/* ---- filling ---- */

/* The next placeholder: its whole extent and its name. False: there is none. */
static bool next_place(const char *text, const char **from, const char **to, char name[32])
{
    for (const char *open = strstr(text, "{{"); open != NULL; open = strstr(open + 2, "{{")) {
        size_t length = strspn(open + 2, "abcdefghijklmnopqrstuvwxyz_");
        if (length == 0 || length > 31 || strncmp(open + 2 + length, "}}", 2) != 0)
            continue;
        *from = open;
        *to = open + length + 4;
        snprintf(name, 32, "%.*s", (int)length, open + 2);
        return true;
    }
    return false;
}

char *mw_prompt_fill(TALLOC_CTX *memory, const char *text, const char *const *names,
                     const char *const *values)
{
    char *filled = talloc_strdup(memory, "");
    const char *from, *to;
    char name[32];
    while (next_place(text, &from, &to, name)) {
        filled = talloc_strndup_append_buffer(filled, text, (size_t)(from - text));
        for (size_t i = 0; names[i] != NULL; i++) {
            if (strcmp(names[i], name) == 0)
                filled = talloc_strdup_append_buffer(filled, values[i]);
        }
        text = to;
    }
    return talloc_strdup_append_buffer(filled, text);
}

/* ---- reading ---- */

static bool check_places(const char *file, const char *text, const char *const *names,
                         struct mw_error *error)
{
    const char *from, *to;
    char name[32];
    for (; next_place(text, &from, &to, name); text = to) {
        size_t i = 0;
        while (names[i] != NULL && strcmp(names[i], name) != 0)
            i++;
        if (names[i] != NULL)
            continue;
        const char *nearest = mw_text_nearest(name, names);
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "%s: there is nothing to put for {{%s}}%s%s%s", file, name,
                            nearest != NULL ? "; did you mean {{" : "",
                            nearest != NULL ? nearest : "", nearest != NULL ? "}}?" : "");
    }
    return true;
}

static const char *read_one(TALLOC_CTX *memory, const char *folder, const char *name,
                            const char *const *names, struct mw_error *error)
{
    char *path = talloc_asprintf(memory, "%s/%s.md", folder, name);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        mw_error_set(error, MW_ERROR_PERMANENT, "cannot read the prompt %s: %s", path,
                     strerror(errno));
        return NULL;
    }
    char *text = talloc_zero_size(memory, TEMPLATE_MAX + 1);
    size_t length = fread(text, 1, TEMPLATE_MAX, file);
    fclose(file);
    if (length == TEMPLATE_MAX || !mw_text_is_utf8(text, length) || strlen(text) != length) {
        mw_error_set(error, MW_ERROR_PERMANENT, "%s: a prompt is text in UTF-8 of less than 64 KiB",
                     path);
        return NULL;
    }
    return check_places(path, text, names, error) ? text : NULL;
}

bool mw_prompts_read(TALLOC_CTX *memory, const char *folder, struct mw_prompts *prompts,
                     struct mw_error *error)
{
    if (folder == NULL) {
        *prompts = (struct mw_prompts){mw_builtin_system, mw_builtin_situation, mw_builtin_propose,
                                       mw_builtin_again};
        return true;
    }
    struct mw_prompts read = {.system = read_one(memory, folder, "system", no_names, error)};
    if (read.system != NULL)
        read.situation = read_one(memory, folder, "situation", mw_situation_places, error);
    if (read.situation != NULL)
        read.propose = read_one(memory, folder, "propose", no_names, error);
    if (read.propose != NULL)
        read.again = read_one(memory, folder, "again", again_names, error);
    if (read.again == NULL)
        return false;
    *prompts = read;
    return true;
}

char *mw_prompt_again(TALLOC_CTX *memory, const struct mw_prompts *prompts, const char *complaint)
{
    const char *values[] = {complaint};
    return mw_prompt_fill(memory, prompts->again, again_names, values);
}
