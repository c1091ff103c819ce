/* SPDX-License-Identifier: Apache-2.0 */
/* Dialogs: why a plan is rejected; what is to be silent, and for how long. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "slack.h"

#define REJECT     "midwatch_reject"
#define SILENCE    "midwatch_silence"
#define WHY_MAX    300
#define PLACE_MAX  2000
#define WORD_BYTES 120
/* What Slack takes. */
#define METADATA_MAX 3000

static json_t *plain(const char *text)
{
    return json_pack("{s:s, s:s}", "type", "plain_text", "text", text);
}

static json_t *input(const char *id, const char *label, const char *placeholder, bool optional,
                     int most)
{
    return json_pack("{s:s, s:s, s:o, s:b, s:{s:s, s:s, s:i, s:o}}", "type", "input", "block_id",
                     id, "label", plain(label), "optional", optional, "element", "type",
                     "plain_text_input", "action_id", id, "max_length", most, "placeholder",
                     plain(placeholder));
}

static json_t *modal(const char *id, const char *title, const char *submit, json_t *metadata,
                     json_t *blocks)
{
    char *text = json_dumps(metadata, JSON_COMPACT);
    json_decref(metadata);
    json_t *view =
        json_pack("{s:s, s:s, s:o, s:o, s:o, s:s, s:o}", "type", "modal", "callback_id", id,
                  "title", plain(title), "submit", plain(submit), "close", plain("Cancel"),
                  "private_metadata", text != NULL ? text : "", "blocks", blocks);
    free(text);
    return view;
}

char *mw_slack_button_plan(TALLOC_CTX *memory, const char *value)
{
    int incident, revision, end = 0;
    if (value == NULL || sscanf(value, "I%9d r%4d%n", &incident, &revision, &end) != 2 ||
        end == 0 || incident <= 0 || revision <= 0 || (value[end] != '\0' && value[end] != ' ')) {
        return NULL;
    }
    return talloc_asprintf(memory, "I%d r%d", incident, revision);
}

json_t *mw_slack_reject_view(const char *value, const char *place)
{
    char *plan = mw_slack_button_plan(NULL, value);
    if (plan == NULL || strlen(place) > PLACE_MAX) {
        talloc_free(plan);
        return NULL;
    }
    json_t *view = modal(
        REJECT, "Reject the plan", "Reject", json_pack("{s:s, s:s}", "plan", plan, "place", place),
        json_pack("[o]", input("why", "Why", "What is wrong with it", true, WHY_MAX)));
    talloc_free(plan);
    return view;
}

json_t *mw_slack_silence_view(const char *place)
{
    if (strlen(place) > PLACE_MAX) {
        return NULL;
    }
    return modal(SILENCE, "Silence a resource", "Silence", json_pack("{s:s}", "place", place),
                 json_pack("[o, o, o]", input("resource", "Resource", "cache", false, 64),
                           input("span", "For how long", "2h", false, 20),
                           input("why", "Why", "Planned work", true, WHY_MAX)));
}

/* ---- what came back ---- */

static const char *filled(const json_t *view, const char *id)
{
    const json_t *values = json_object_get(json_object_get(view, "state"), "values");
    const json_t *element = json_object_get(json_object_get(values, id), id);
    const char *text = json_string_value(json_object_get(element, "value"));
    return text != NULL ? text : "";
}

/* A word of a command: nothing that would be read as two. */
static bool is_word(const char *text)
{
    return *text != '\0' && strlen(text) <= WORD_BYTES && strpbrk(text, " \t\r\n") == NULL;
}

char *mw_slack_modal_words(TALLOC_CTX *memory, const json_t *view, const char **place)
{
    const char *id = json_string_value(json_object_get(view, "callback_id"));
    const char *text = json_string_value(json_object_get(view, "private_metadata"));
    struct mw_error parsed;
    json_auto_t *metadata =
        text != NULL ? mw_json_parse(text, strlen(text), METADATA_MAX, &parsed) : NULL;
    const char *where = json_string_value(json_object_get(metadata, "place"));
    *place = where != NULL ? talloc_strdup(memory, where) : NULL;
    if (id == NULL || *place == NULL) {
        return NULL;
    }
    if (strcmp(id, REJECT) == 0) {
        char *plan =
            mw_slack_button_plan(memory, json_string_value(json_object_get(metadata, "plan")));
        return plan != NULL ? talloc_asprintf(memory, "reject %s %s", plan, filled(view, "why"))
                            : NULL;
    }
    if (strcmp(id, SILENCE) == 0 && is_word(filled(view, "resource"))) {
        return talloc_asprintf(memory, "silence %s %s %s", filled(view, "resource"),
                               filled(view, "span"), filled(view, "why"));
    }
    return NULL;
}
