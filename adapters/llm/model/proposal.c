/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/llm/model/proposal.h"

#include <math.h>
#include <string.h>
#include <talloc.h>

#include "adapters/llm/model/model.h"
#include "adapters/llm/model/schema.h"
#include "base/json.h"

#define STEPS_MAX    8
#define EVIDENCE_MAX 10
#define SENTENCE_MAX 600
#define NUMBER_MAX   9007199254740992.0 /* 2^53: past it a double has no fraction to lose */

static const char form[] =
    "{\"type\":\"object\",\"required\":[\"root_cause\",\"confidence\",\"steps\"],\"properties\":{"
    "\"root_cause\":{\"type\":\"string\",\"minLength\":1},"
    "\"confidence\":{\"type\":\"number\",\"minimum\":0,\"maximum\":1},"
    "\"evidence\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
    "\"steps\":{\"type\":\"array\",\"maxItems\":8,\"items\":{\"type\":\"object\","
    "\"required\":[\"tool\",\"arguments\",\"why\"],\"properties\":{"
    "\"tool\":{\"type\":\"string\"},\"arguments\":{\"type\":\"object\"},"
    "\"why\":{\"type\":\"string\"},\"expect\":{\"type\":\"string\"}}}}}}";

/* ---- what a model is told ---- */

static json_t *text_schema(const char *description)
{
    return json_pack("{s:s, s:s}", "type", "string", "description", description);
}

static json_t *step_schema(const json_t *tool)
{
    const char *name = json_string_value(json_object_get(tool, "name"));
    json_t *arguments = mw_schema_reduce(json_object_get(tool, "inputSchema"),
                                         name != NULL && strchr(name, '.') == NULL);
    if (json_object_get(arguments, "type") == NULL)
        json_object_set_new(arguments, "type", json_string("object"));
    return json_pack("{s:s, s:[s,s,s,s], s:{s:{s:s, s:[O]}, s:o, s:o, s:o}}", "type", "object",
                     "required", "tool", "arguments", "why", "expect", "properties", "tool", "type",
                     "string", "enum", json_object_get(tool, "name"), "arguments", arguments, "why",
                     text_schema("why this step, in one sentence"), "expect",
                     text_schema("what should be measured afterwards, in one sentence"));
}

static json_t *steps_schema(const json_t *tools)
{
    json_auto_t *kinds = json_array();
    size_t i;
    const json_t *tool;
    json_array_foreach(tools, i, tool)
    {
        if (json_is_string(json_object_get(tool, "name")))
            json_array_append_new(kinds, step_schema(tool));
    }
    json_t *items = json_array_size(kinds) == 1 ? json_incref(json_array_get(kinds, 0))
                                                : json_pack("{s:O}", "anyOf", kinds);
    return json_pack("{s:s, s:s, s:i, s:o}", "type", "array", "description",
                     "in the order in which they run; empty where no tool can help", "maxItems",
                     STEPS_MAX, "items", items);
}

json_t *mw_proposal_function(const json_t *tools)
{
    json_t *schema = json_pack(
        "{s:s, s:[s,s,s,s], s:{s:o, s:{s:s, s:s, s:i, s:i}, s:{s:s, s:s, s:i, s:{s:s}}, s:o}}",
        "type", "object", "required", "root_cause", "confidence", "evidence", "steps", "properties",
        "root_cause", text_schema("the likeliest cause, in one or two plain sentences"),
        "confidence", "type", "number", "description", "the chance that this is right", "minimum",
        0, "maximum", 1, "evidence", "type", "array", "description",
        "what was seen, a sentence each", "maxItems", EVIDENCE_MAX, "items", "type", "string",
        "steps", steps_schema(tools));
    return json_pack("{s:s, s:s, s:o}", "name", MW_MODEL_PROPOSE, "description",
                     "Ends the investigation with the cause and the plan.", "schema", schema);
}

/* ---- what it answered ---- */

static json_t *whole_number(const json_t *value)
{
    double number = json_real_value(value);
    if (number == floor(number) && fabs(number) < NUMBER_MAX)
        return json_integer((json_int_t)number);
    return json_real(number);
}

/* Foreign JSON nests no deeper than MW_JSON_DEPTH_MAX. */
static void make_whole(json_t *value)
{
    const char *key;
    json_t *item;
    size_t i;
    json_object_foreach(value, key, item)
    {
        if (json_is_real(item))
            json_object_set_new(value, key, whole_number(item));
        else
            make_whole(item);
    }
    json_array_foreach(value, i, item)
    {
        if (json_is_real(item))
            json_array_set_new(value, i, whole_number(item));
        else
            make_whole(item);
    }
}

json_t *mw_proposal_whole_numbers(const json_t *value)
{
    json_t *copy = json_deep_copy(value);
    make_whole(copy);
    return copy;
}

static json_t *sentence(const json_t *text)
{
    char *words = mw_model_words(NULL, text, SENTENCE_MAX);
    json_t *cut = json_string(words);
    talloc_free(words);
    return cut;
}

static const json_t *find_tool(const json_t *tools, const char *name)
{
    size_t i;
    const json_t *tool;
    json_array_foreach(tools, i, tool)
    {
        const char *known = json_string_value(json_object_get(tool, "name"));
        if (known != NULL && strcmp(known, name) == 0)
            return tool;
    }
    return NULL;
}

/* A schema that uses words unknown here is left to the core, which judges every call again. */
static bool arguments_fit(const json_t *tool, const json_t *arguments, size_t index,
                          struct mw_error *error)
{
    char *where = talloc_asprintf(NULL, "steps[%zu].arguments", index);
    struct mw_error found = {0};
    bool fits = mw_json_check(json_object_get(tool, "inputSchema"), arguments, where, &found) ||
                found.class != MW_ERROR_BAD_INPUT;
    talloc_free(where);
    if (!fits)
        *error = found;
    return fits;
}

static json_t *read_step(const json_t *step, const json_t *situation, size_t index,
                         struct mw_error *error)
{
    const char *name = json_string_value(json_object_get(step, "tool"));
    const json_t *tool = find_tool(json_object_get(situation, "tools"), name);
    if (tool == NULL) {
        char *words = mw_model_words(NULL, json_object_get(step, "tool"), 60);
        mw_error_set(error, MW_ERROR_BAD_INPUT,
                     "steps[%zu].tool: there is no tool \"%s\"; take one from the list", index,
                     words);
        talloc_free(words);
        return NULL;
    }
    json_auto_t *arguments = mw_proposal_whole_numbers(json_object_get(step, "arguments"));
    json_t *resource = json_object_get(json_object_get(situation, "resource"), "name");
    if (json_object_get(arguments, "resource") == NULL && resource != NULL)
        json_object_set(arguments, "resource", resource);
    if (!arguments_fit(tool, arguments, index, error))
        return NULL;
    return json_pack("{s:s, s:O, s:o, s:o}", "tool", name, "arguments", arguments, "why",
                     sentence(json_object_get(step, "why")), "expect",
                     sentence(json_object_get(step, "expect")));
}

static json_t *read_evidence(const json_t *said)
{
    json_t *evidence = json_array();
    size_t i;
    const json_t *line;
    json_array_foreach(said, i, line)
    {
        if (i == EVIDENCE_MAX)
            break;
        json_array_append_new(evidence, sentence(line));
    }
    return evidence;
}

json_t *mw_proposal_read(const json_t *arguments, const json_t *situation, struct mw_error *error)
{
    json_auto_t *schema = json_loads(form, 0, NULL);
    json_auto_t *steps = json_array();
    if (!mw_json_check(schema, arguments, MW_MODEL_PROPOSE, error))
        return NULL;
    size_t i;
    const json_t *said;
    json_array_foreach(json_object_get(arguments, "steps"), i, said)
    {
        json_t *step = read_step(said, situation, i, error);
        if (step == NULL)
            return NULL;
        json_array_append_new(steps, step);
    }
    return json_pack("{s:o, s:O, s:o, s:O}", "root_cause",
                     sentence(json_object_get(arguments, "root_cause")), "confidence",
                     json_object_get(arguments, "confidence"), "evidence",
                     read_evidence(json_object_get(arguments, "evidence")), "steps", steps);
}
