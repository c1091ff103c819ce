/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: where they come from, and putting values in their {{placeholders}}. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapters/llm/model/builtin.h"
#include "adapters/llm/model/prompt.h"
#include "adapters/llm/model/template.h"
#include "base/text.h"

#define TEMPLATE_MAX  ((size_t)64 * 1024)
#define QUESTION_MAX  ((size_t)2 * 1024)
#define COMPLAINT_MAX ((size_t)2 * 1024)

const char *const mw_situation_places[] = {"incident", "attempt", "health", "resource", "findings",
                                           "metrics",  "facts",   "log",    "previous", "similar",
                                           "runbooks", "tools",   "others", NULL};
const char *const mw_question_places[] = {"now",       "question", "incident", "resources",
                                          "incidents", "tools",    NULL};
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

/* The same where the folder may do without it. */
static const char *read_extra(TALLOC_CTX *memory, const char *folder, const char *name,
                              const char *const *names, const char *builtin, struct mw_error *error)
{
    char *path = talloc_asprintf(memory, "%s/%s.md", folder, name);
    bool there = access(path, F_OK) == 0;
    talloc_free(path);
    return there ? read_one(memory, folder, name, names, error) : builtin;
}

bool mw_prompts_read(TALLOC_CTX *memory, const char *folder, struct mw_prompts *prompts,
                     struct mw_error *error)
{
    struct mw_prompts read = {mw_builtin_system, mw_builtin_situation, mw_builtin_propose,
                              mw_builtin_again,  mw_builtin_ask,       mw_builtin_question,
                              mw_builtin_answer};
    const struct {
        const char *name, **text;
        const char *const *places;
        bool extra;
    } files[] = {
        {"system", &read.system, no_names, false},
        {"situation", &read.situation, mw_situation_places, false},
        {"propose", &read.propose, no_names, false},
        {"again", &read.again, again_names, false},
        {"ask", &read.ask, no_names, true},
        {"question", &read.question, mw_question_places, true},
        {"answer", &read.answer, no_names, true},
    };
    for (size_t i = 0; folder != NULL && i < sizeof files / sizeof *files; i++) {
        *files[i].text =
            files[i].extra
                ? read_extra(memory, folder, files[i].name, files[i].places, *files[i].text, error)
                : read_one(memory, folder, files[i].name, files[i].places, error);
        if (*files[i].text == NULL)
            return false;
    }
    *prompts = read;
    return true;
}

char *mw_prompt_question(TALLOC_CTX *memory, const struct mw_prompts *prompts,
                         const json_t *question)
{
    TALLOC_CTX *aside = talloc_new(memory);
    const char *now = json_string_value(json_object_get(question, "now"));
    const char *asked = json_string_value(json_object_get(question, "question"));
    /* In the order of mw_question_places. */
    const char *values[] = {
        now != NULL ? now : "not known",
        mw_fence(aside, asked != NULL ? asked : "", QUESTION_MAX),
        mw_prompt_section(aside, json_object_get(question, "incident")),
        mw_prompt_list(aside, json_object_get(question, "resources"), SIZE_MAX),
        mw_prompt_list(aside, json_object_get(question, "incidents"), SIZE_MAX),
        mw_prompt_tools(aside, json_object_get(question, "tools")),
    };
    char *text = mw_prompt_fill(memory, prompts->question, mw_question_places, values);
    talloc_free(aside);
    return text;
}

char *mw_prompt_again(TALLOC_CTX *memory, const struct mw_prompts *prompts, const char *complaint)
{
    /* It repeats words of the answer, which may be a stranger's. */
    char *fenced = mw_fence(memory, complaint, COMPLAINT_MAX);
    const char *values[] = {fenced};
    char *text = mw_prompt_fill(memory, prompts->again, again_names, values);
    talloc_free(fenced);
    return text;
}
