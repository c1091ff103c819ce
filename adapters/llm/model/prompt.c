/* SPDX-License-Identifier: Apache-2.0 */
/* The situation as text: what must not leave is left out, what came from outside is fenced. */
#include "adapters/llm/model/prompt.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "adapters/llm/model/template.h"
#include "base/redact.h"

#define SECTION_MAX  ((size_t)24 * 1024)
#define LOG_MAX      ((size_t)12 * 1024)
#define LOG_LINE_MAX 400
#define SIMILAR_MAX  5

/* ---- what may leave ---- */

/* Whether one of the words of a name (between `_`, `.` and `-`) is about log lines. */
static bool names_logs(const char *name)
{
    static const char *const words[] = {"log",     "logs",   "lines",  "journal",
                                        "excerpt", "stdout", "stderr", NULL};
    while (*name != '\0') {
        size_t length = strcspn(name, "_.-");
        for (size_t i = 0; words[i] != NULL; i++) {
            if (strlen(words[i]) == length && strncasecmp(name, words[i], length) == 0)
                return true;
        }
        name += length + (name[length] != '\0');
    }
    return false;
}

bool mw_prompt_tool_has_logs(const char *name)
{
    return names_logs(name) || strstr(name, "serial_output") != NULL || strchr(name, '.') != NULL;
}

/* Numbers under such a name are counts and settings, not lines. */
static void drop_logs(json_t *value)
{
    const char *key;
    json_t *item;
    void *next;
    size_t i;
    json_object_foreach_safe(value, next, key, item)
    {
        if (names_logs(key) &&
            (json_is_string(item) || json_is_array(item) || json_is_object(item)))
            json_object_del(value, key);
        else
            drop_logs(item);
    }
    json_array_foreach(value, i, item)
    {
        drop_logs(item);
    }
}

/* What a step brought back from a tool that hands out log lines. */
static void drop_log_results(json_t *previous)
{
    size_t i, j;
    json_t *plan, *step;
    json_array_foreach(previous, i, plan)
    {
        json_array_foreach(json_object_get(plan, "steps"), j, step)
        {
            const char *tool = json_string_value(json_object_get(step, "tool"));
            if (tool != NULL && mw_prompt_tool_has_logs(tool))
                json_object_del(step, "result");
        }
    }
}

json_t *mw_prompt_situation(const json_t *situation, bool logs)
{
    json_t *told = mw_redact_json(situation);
    if (!logs) {
        drop_log_results(json_object_get(told, "previous"));
        drop_log_results(json_object_get(told, "similar"));
        drop_log_results(json_object_get(json_object_get(told, "incident"), "plans"));
        /* The names of tools and their arguments are no lines. */
        json_t *tools = json_incref(json_object_get(told, "tools"));
        json_object_del(told, "tools");
        drop_logs(told);
        if (tools != NULL)
            json_object_set_new(told, "tools", tools);
    }
    return told;
}

json_t *mw_prompt_result(const json_t *result, bool logs)
{
    json_t *told = mw_redact_json(result);
    if (!logs)
        drop_logs(told);
    return told;
}

/* ---- rendering ---- */

/* Fenced, or a word that says that there is nothing. */
char *mw_prompt_section(TALLOC_CTX *memory, const json_t *value)
{
    bool empty = json_is_object(value) ? json_object_size(value) == 0 : json_array_size(value) == 0;
    return empty ? talloc_strdup(memory, "none") : mw_fence_json(memory, value, SECTION_MAX);
}

/* One JSON value a line. */
char *mw_prompt_list(TALLOC_CTX *memory, const json_t *items, size_t most)
{
    char *text = talloc_strdup(memory, "");
    size_t i;
    json_t *item;
    json_array_foreach(items, i, item)
    {
        if (i == most)
            break;
        char *line = json_dumps(item, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
        text = talloc_asprintf_append_buffer(text, "%s%s", i > 0 ? "\n" : "",
                                             line != NULL ? line : "");
        free(line);
    }
    return *text != '\0' ? mw_fence(memory, text, SECTION_MAX) : talloc_strdup(memory, "none");
}

static char *log_lines(TALLOC_CTX *memory, const json_t *log)
{
    char *text = talloc_strdup(memory, "");
    size_t i;
    const json_t *entry;
    json_array_foreach(log, i, entry)
    {
        const char *line = json_string_value(json_object_get(entry, "line"));
        json_int_t times = json_integer_value(json_object_get(entry, "times"));
        if (line != NULL)
            text = talloc_asprintf_append_buffer(text, "%s%lld x %.*s", *text != '\0' ? "\n" : "",
                                                 (long long)times, LOG_LINE_MAX, line);
    }
    return *text != '\0' ? mw_fence(memory, text, LOG_MAX) : talloc_strdup(memory, "none");
}

char *mw_prompt_tools(TALLOC_CTX *memory, const json_t *tools)
{
    json_auto_t *told = json_array();
    size_t i;
    json_t *tool;
    json_array_foreach(tools, i, tool)
    {
        json_array_append_new(told,
                              json_pack("{s:O?, s:O?, s:O?}", "name", json_object_get(tool, "name"),
                                        "risk", json_object_get(tool, "risk"), "description",
                                        json_object_get(tool, "description")));
    }
    return mw_prompt_list(memory, told, SIZE_MAX);
}

/* The others, and what it means when they are many. */
static char *others(TALLOC_CTX *memory, const json_t *situation)
{
    char *text = mw_prompt_list(memory, json_object_get(situation, "others"), SIZE_MAX);
    return json_is_true(json_object_get(situation, "mass_failure"))
               ? talloc_asprintf(memory,
                                 "%s\nSo much turned bad at once that the likeliest cause is the "
                                 "network of this bot itself, not each of them.",
                                 text)
               : text;
}

static const char *word(const json_t *situation, const char *key)
{
    const char *text = json_string_value(json_object_get(situation, key));
    return text != NULL ? text : "not known";
}

char *mw_prompt_render(TALLOC_CTX *memory, const struct mw_prompts *prompts,
                       const json_t *situation, const json_t *runbooks)
{
    TALLOC_CTX *aside = talloc_new(memory);
    json_int_t attempt = json_integer_value(json_object_get(situation, "attempt"));
    /* In the order of mw_situation_places. */
    const char *values[] = {
        word(situation, "incident"),
        talloc_asprintf(aside, "%lld", (long long)attempt),
        word(situation, "health"),
        mw_prompt_section(aside, json_object_get(situation, "resource")),
        mw_prompt_section(aside, json_object_get(situation, "findings")),
        mw_prompt_section(aside, json_object_get(situation, "metrics")),
        mw_prompt_section(aside, json_object_get(situation, "facts")),
        log_lines(aside, json_object_get(situation, "log")),
        mw_prompt_list(aside, json_object_get(situation, "previous"), SIZE_MAX),
        mw_prompt_list(aside, json_object_get(situation, "similar"), SIMILAR_MAX),
        mw_prompt_list(aside, runbooks, SIZE_MAX),
        mw_prompt_tools(aside, json_object_get(situation, "tools")),
        others(aside, situation),
    };
    char *text = mw_prompt_fill(memory, prompts->situation, mw_situation_places, values);
    talloc_free(aside);
    return text;
}
