/* SPDX-License-Identifier: Apache-2.0 */
/* What a model is told with a line of the corpus in every place that strangers can write to: the words
 * outside of the fences are the same whatever the line says. */
#include "corpus.h"

#include <stdlib.h>
#include <string.h>

#include "../unit/model/plain.h"
#include "../unit/model/script.h"
#include "adapters/llm/model/toolbox.h"

#define HARMLESS "an ordinary line"

static struct injection *lines;
static size_t count;
static struct mw_prompts prompts;

static int set_up(void **state)
{
    lines = corpus_read(NULL, NULL, &count);
    return mw_prompts_read(lines, NULL, &prompts, NULL) ? 0 : -1;
}

static int tear_down(void **state)
{
    talloc_free(lines);
    return 0;
}

/* ---- what stands outside ---- */

/* The text without its fences, each of which becomes "#". Only a fence's own mark ends it. */
static char *outside(TALLOC_CTX *memory, const char *text)
{
    static const char begin[] = "<<<DATA ";
    char *rest = talloc_strdup(memory, "");
    for (const char *open; (open = strstr(text, begin)) != NULL;) {
        const char *mark = open + strlen(begin);
        if (strspn(mark, "0123456789abcdef") != 16 || mark[16] != '\n') {
            /* The prompt speaks of fences, too. */
            rest = talloc_strndup_append_buffer(rest, text, (size_t)(mark - text));
            text = mark;
            continue;
        }
        char *end = talloc_asprintf(memory, "\nDATA %.16s>>>", mark);
        const char *close = strstr(mark, end);
        assert_non_null(close);
        rest = talloc_strndup_append_buffer(rest, text, (size_t)(open - text));
        rest = talloc_strdup_append_buffer(rest, "#");
        text = close + strlen(end);
    }
    return talloc_strdup_append_buffer(rest, text);
}

/* The same for all strings of a request's body; a new reference. */
static json_t *outside_of(const json_t *value)
{
    const char *key;
    json_t *item, *copy;
    size_t i;
    void *given = (void *)(uintptr_t)value;
    switch (json_typeof(value)) {
    case JSON_STRING: {
        TALLOC_CTX *aside = talloc_new(NULL);
        copy = json_string(outside(aside, json_string_value(value)));
        talloc_free(aside);
        return copy;
    }
    case JSON_ARRAY:
        copy = json_array();
        json_array_foreach(value, i, item)
        {
            json_array_append_new(copy, outside_of(item));
        }
        return copy;
    case JSON_OBJECT:
        copy = json_object();
        json_object_foreach(given, key, item)
        {
            json_object_set_new(copy, key, outside_of(item));
        }
        return copy;
    default:
        return json_incref((json_t *)(uintptr_t)value);
    }
}

static void check_whole(const struct injection *line, const json_t *value)
{
    char *dumped = json_dumps(value, 0);
    if (corpus_leaks(dumped))
        corpus_fail(line, "a secret stands in:", dumped);
    free(dumped);
}

/* ---- the situation ---- */

static json_t *situation_with(json_t *text)
{
    json_t *situation = script_situation();
    json_object_set_new(situation, "log", json_pack("[{s:O, s:i}]", "line", text, "times", 3));
    json_object_set_new(situation, "facts",
                        json_pack("{s:O, s:{s:O}}", "one", text, "more", "two", text));
    json_object_set_new(situation, "findings",
                        json_pack("[{s:n, s:n, s:O}]", "metric", "value", "text", text));
    json_object_set_new(situation, "previous",
                        json_pack("[{s:i, s:[{s:s, s:{s:O}, s:s, s:{s:b, s:O}}], s:O}]", "revision",
                                  1, "steps", "tool", "redis_info", "arguments", "resource", text,
                                  "state", "done", "result", "ok", 1, "summary", text, "complaint",
                                  text));
    json_object_set_new(situation, "similar", json_pack("[{s:O}]", "root_cause", text));
    json_object_set_new(situation, "others", json_pack("[{s:{s:O}}]", "facts", "one", text));
    return situation;
}

static json_t *harmless_situation(void)
{
    json_auto_t *text = json_string(HARMLESS);
    return situation_with(text);
}

static char *rendered(TALLOC_CTX *memory, json_t *situation)
{
    json_auto_t *told = mw_prompt_situation(situation, true);
    json_decref(situation);
    return mw_prompt_render(memory, &prompts, told, NULL);
}

static void no_line_gets_out_of_its_fence(void **state)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    const char *wanted = outside(memory, rendered(memory, harmless_situation()));
    for (size_t i = 0; i < count; i++) {
        json_auto_t *text = corpus_json(&lines[i]);
        TALLOC_CTX *aside = talloc_new(memory);
        char *prompt = rendered(aside, situation_with(text)), *rest = outside(aside, prompt);
        if (strcmp(rest, wanted) != 0)
            corpus_fail(&lines[i], "outside of the fences stands:", rest);
        if (corpus_leaks(prompt))
            corpus_fail(&lines[i], "a secret stands in:", prompt);
        talloc_free(aside);
    }
    talloc_free(memory);
}

static json_t *question_with(json_t *text)
{
    return json_pack("{s:s, s:O, s:{s:O}, s:[{s:O}], s:[{s:O}], s:[]}", "now",
                     "2026-11-22T03:08:12Z", "question", text, "incident", "symptom", text,
                     "resources", "reason", text, "incidents", "symptom", text, "tools");
}

static char *rendered_question(TALLOC_CTX *memory, json_t *text)
{
    json_auto_t *question = question_with(text);
    json_auto_t *told = mw_prompt_situation(question, true);
    return mw_prompt_question(memory, &prompts, told);
}

static void no_question_gets_out_of_its_fence(void **state)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    json_auto_t *harmless = json_string(HARMLESS);
    const char *wanted = outside(memory, rendered_question(memory, harmless));
    for (size_t i = 0; i < count; i++) {
        json_auto_t *text = corpus_json(&lines[i]);
        TALLOC_CTX *aside = talloc_new(memory);
        char *prompt = rendered_question(aside, text), *rest = outside(aside, prompt);
        if (strcmp(rest, wanted) != 0)
            corpus_fail(&lines[i], "outside of the fences stands:", rest);
        if (corpus_leaks(prompt))
            corpus_fail(&lines[i], "a secret stands in:", prompt);
        talloc_free(aside);
    }
    talloc_free(memory);
}

/* ---- tools of strangers ---- */

static json_t *stranger(json_t *text)
{
    const char *name = json_string_value(text);
    return json_pack("{s:s, s:s, s:O, s:{s:s, s:O, s:{s:{s:s, s:O}, s:{s:s, s:[O, s]}, s:{s:s}}, "
                     "s:[s, O]}}",
                     "name", "far.look", "risk", "read", "description", text, "inputSchema", "type",
                     "object", "description", text, "properties", "resource", "type", "string",
                     "description", text, "mode", "type", "string", "enum", text, "plain", name,
                     "type", "string", "required", "resource", text);
}

static json_t *declared(const json_t *tool)
{
    json_auto_t *situation = json_pack("{s:[O]}", "tools", tool);
    const struct mw_model_vendor vendor = {.name_limit = 64, .name_marks = "_-"};
    struct mw_toolbox *toolbox = mw_toolbox_create(NULL, &vendor, situation, true, true);
    json_t *functions = json_deep_copy(toolbox->functions);
    talloc_free(toolbox);
    return functions;
}

static void no_tool_of_a_stranger_speaks_outside_of_the_list(void **state)
{
    json_auto_t *harmless = json_string(HARMLESS), *tool = stranger(harmless);
    json_auto_t *wanted = declared(tool);
    for (size_t i = 0; i < count; i++) {
        json_auto_t *raw = corpus_json(&lines[i]);
        /* A key of an object ends at its first '\0'; a single word is what a stranger may say. */
        json_auto_t *text = json_sprintf("%s !", json_string_value(raw));
        json_auto_t *evil = stranger(text), *functions = declared(evil);
        char *dumped = json_dumps(functions, 0);
        if (!json_equal(functions, wanted))
            corpus_fail(&lines[i], "the functions say:", dumped);
        free(dumped);
    }
}

static void no_name_of_a_tool_says_more_than_a_word(void **state)
{
    for (size_t i = 0; i < count; i++) {
        json_auto_t *text = corpus_json(&lines[i]);
        json_auto_t *tool = json_pack(
            "{s:o, s:s}", "name", json_sprintf("far.%s", json_string_value(text)), "risk", "read");
        json_auto_t *functions = declared(tool);
        const char *wire = json_string_value(json_object_get(json_array_get(functions, 0), "name"));
        assert_true(strlen(wire) <= 64);
        assert_int_equal(strspn(wire, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789_-"),
                         strlen(wire));
    }
}

/* ---- a conversation ---- */

/* The model looks at two things, calls what does not exist, proposes what cannot be used with the line
 * in every field, and then a plan. */
static json_t *converse(json_t *text, bool fails)
{
    json_auto_t *look = json_pack("{s:[{s:s, s:{}}, {s:O, s:{}}]}", "calls", "name", "redis_info",
                                  "arguments", "name", text, "arguments");
    json_auto_t *wrong =
        json_pack("{s:[{s:s, s:{s:O, s:f, s:[O], s:[{s:O, s:{s:O}, s:O}]}}]}", "calls", "name",
                  "propose_plan", "arguments", "root_cause", text, "confidence", 0.9, "evidence",
                  text, "steps", "tool", text, "arguments", "resource", text, "why", text);
    json_auto_t *plan = json_pack("{s:[{s:s, s:{s:O, s:f, s:[O], s:[{s:s, s:{}, s:O, s:O}]}}]}",
                                  "calls", "name", "propose_plan", "arguments", "root_cause", text,
                                  "confidence", 0.9, "evidence", text, "steps", "tool",
                                  "redis_scale_memory", "arguments", "why", text, "expect", text);
    json_auto_t *result =
        json_pack("{s:b, s:O, s:{s:O}}", "ok", 1, "summary", text, "data", "key", text);
    char *words[] = {json_dumps(look, 0), json_dumps(wrong, 0), json_dumps(plan, 0),
                     json_dumps(result, 0)};
    assert_null(script_create(&plain_ops));
    script.result = fails ? NULL : words[3];
    script.look_error = json_string_value(text);
    script.look_class = MW_ERROR_PERMANENT;
    for (int i = 0; i < 3; i++)
        script_answer(200, words[i]);
    struct mw_error error = {0};
    json_t *proposal = script_propose(situation_with(text), 60000, &error);
    if (proposal == NULL)
        fail_msg("%s", error.text);
    assert_int_equal(json_array_size(script.asked), 3);
    for (int i = 0; i < 4; i++)
        free(words[i]);
    return proposal;
}

/* What we said, that is, all but the model's own turns. */
static json_t *what_we_said(void)
{
    json_t *said = json_array();
    size_t i;
    json_t *message;
    const json_t *last = json_array_get(script.asked, 2);
    json_array_foreach(json_object_get(last, "messages"), i, message)
    {
        if (json_object_get(message, "calls") == NULL)
            json_array_append_new(said, outside_of(message));
    }
    json_array_append_new(said, outside_of(json_object_get(last, "functions")));
    return said;
}

static json_t *said_with(json_t *text, bool fails, const struct injection *line)
{
    void *none = NULL;
    assert_int_equal(script_open(&none), 0);
    json_auto_t *proposal = converse(text, fails);
    json_t *said = what_we_said();
    if (line != NULL) {
        json_t *usage = json_object_get(proposal, "usage");
        assert_non_null(usage);
        corpus_check_json(line, proposal);
        json_auto_t *told = json_deep_copy(json_array_get(script.asked, 0));
        check_whole(line, told);
    }
    script_close(&none);
    return said;
}

static void no_conversation_says_it_outside(void **state)
{
    json_auto_t *harmless = json_string(HARMLESS);
    for (int fails = 0; fails < 2; fails++) {
        json_auto_t *wanted = said_with(harmless, fails, NULL);
        for (size_t i = 0; i < count; i++) {
            json_auto_t *raw = corpus_json(&lines[i]);
            json_auto_t *text = json_string(json_string_value(raw));
            if (*json_string_value(text) == '\0')
                continue;
            json_auto_t *said = said_with(text, fails, &lines[i]);
            char *dumped = json_dumps(said, JSON_INDENT(1));
            if (!json_equal(said, wanted))
                corpus_fail(&lines[i], "outside of the fences stands:", dumped);
            free(dumped);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_line_gets_out_of_its_fence),
        cmocka_unit_test(no_question_gets_out_of_its_fence),
        cmocka_unit_test(no_tool_of_a_stranger_speaks_outside_of_the_list),
        cmocka_unit_test(no_name_of_a_tool_says_more_than_a_word),
        cmocka_unit_test(no_conversation_says_it_outside),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
