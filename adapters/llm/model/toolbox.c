/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/llm/model/toolbox.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "adapters/llm/model/prompt.h"
#include "adapters/llm/model/proposal.h"
#include "adapters/llm/model/schema.h"

static int release(struct mw_toolbox *toolbox)
{
    json_decref(toolbox->functions);
    return 0;
}

static bool is_taken(const struct mw_toolbox *toolbox, const char *name)
{
    size_t i;
    const json_t *function;
    json_array_foreach(toolbox->functions, i, function)
    {
        if (strcmp(json_string_value(json_object_get(function, "name")), name) == 0)
            return true;
    }
    return strcmp(name, MW_MODEL_PROPOSE) == 0;
}

/* What the service does not take becomes `_`; a number keeps names apart that fall together. */
static char *wire_name(struct mw_toolbox *toolbox, const struct mw_model_vendor *vendor,
                       const char *tool)
{
    char *name = talloc_strndup(toolbox, tool, vendor->name_limit);
    for (char *at = name; *at != '\0'; at++) {
        if (!isascii((unsigned char)*at) ||
            (!isalnum((unsigned char)*at) && strchr(vendor->name_marks, *at) == NULL))
            *at = '_';
    }
    if (!isalpha((unsigned char)*name))
        *name = '_';
    const char *stem = name;
    for (int number = 2; is_taken(toolbox, name); number++) {
        char suffix[16];
        size_t length = (size_t)snprintf(suffix, sizeof suffix, "_%d", number);
        name = talloc_asprintf(toolbox, "%.*s%s", (int)(vendor->name_limit - length), stem, suffix);
    }
    return name;
}

/* Waiting shows a model nothing and takes the time that its plan has. */
static bool may_look(const json_t *tool, bool logs)
{
    const char *name = json_string_value(json_object_get(tool, "name"));
    const char *risk = json_string_value(json_object_get(tool, "risk"));
    return name != NULL && *name != '\0' && risk != NULL && strcmp(risk, "read") == 0 &&
           strcmp(name, "wait") != 0 && (logs || !mw_prompt_tool_has_logs(name));
}

/* A tool of another server is described by strangers: their words stand in the fenced list only. */
static void add_function(struct mw_toolbox *toolbox, const struct mw_model_vendor *vendor,
                         const json_t *tool)
{
    const char *name = json_string_value(json_object_get(tool, "name"));
    const char *description = json_string_value(json_object_get(tool, "description"));
    bool ours = strchr(name, '.') == NULL;
    if (!ours || description == NULL)
        description = "A read-only tool of another server; the list of tools describes it.";
    char *wire = wire_name(toolbox, vendor, name);
    json_t *schema = mw_schema_reduce(json_object_get(tool, "inputSchema"), ours);
    if (json_object_get(schema, "type") == NULL)
        json_object_set_new(schema, "type", json_string("object"));
    json_array_append_new(
        toolbox->functions,
        json_pack("{s:s, s:s, s:o}", "name", wire, "description", description, "schema", schema));
    toolbox->tools[toolbox->count++] = talloc_strdup(toolbox, name);
}

struct mw_toolbox *mw_toolbox_create(TALLOC_CTX *memory, const struct mw_model_vendor *vendor,
                                     const json_t *situation, bool proposes, bool logs)
{
    const json_t *tools = json_object_get(situation, "tools");
    struct mw_toolbox *toolbox = talloc_zero(memory, struct mw_toolbox);
    toolbox->functions = json_array();
    toolbox->tools = talloc_zero_array(toolbox, const char *, json_array_size(tools) + 1);
    talloc_set_destructor(toolbox, release);
    size_t i;
    const json_t *tool;
    json_array_foreach(tools, i, tool)
    {
        if (may_look(tool, logs))
            add_function(toolbox, vendor, tool);
    }
    if (proposes) {
        json_array_append_new(toolbox->functions, mw_proposal_function(tools));
        toolbox->count++;
    }
    return toolbox;
}

const char *mw_toolbox_find(const struct mw_toolbox *toolbox, const char *function)
{
    for (size_t i = 0; i < toolbox->count; i++) {
        const json_t *name = json_object_get(json_array_get(toolbox->functions, i), "name");
        if (strcmp(json_string_value(name), function) == 0)
            return toolbox->tools[i];
    }
    return NULL;
}
