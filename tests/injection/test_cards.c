/* SPDX-License-Identifier: Apache-2.0 */
/* Cards and threads with a line of the corpus in every place that strangers or their models can write to:
 * the message keeps its shape, and on a terminal no line of ours is added, changed or forged. */
#include "corpus.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../unit/converse/fake_respond.h"
#include "../unit/converse/fixture.h"
#include "adapters/chat/terminal/terminal.h"
#include "base/text.h"
#include "converse/paper.h"
#include "converse/scene.h"

#define HARMLESS "an ordinary line"
#define MESSAGES 8
#define INDENT   3 /* of our own lines below a headline */

static struct injection *lines;
static size_t count;

/* ---- an incident that says it everywhere ---- */

/* JSON holds no broken bytes. */
static json_t *json_of(const char *text)
{
    json_t *string = json_string(text);
    char *clean = mw_text_clean(NULL, text, strlen(text), 4000);
    string = string != NULL ? string : json_string(clean);
    talloc_free(clean);
    return string;
}

static void say_plan(struct mw_incident *incident, const char *text)
{
    struct mw_plan *plan = mw_incident_plan(incident);
    struct mw_step *step = &plan->steps[0];
    plan->root_cause = talloc_strdup(incident, text);
    json_decref(plan->evidence);
    plan->evidence = json_array();
    for (int i = 0; i < 3; i++)
        json_array_append_new(plan->evidence, json_of(text));
    step->why = talloc_strdup(incident, text);
    step->expect = talloc_strdup(incident, text);
    step->effect = talloc_strdup(incident, text);
    step->risk_reason = talloc_strdup(incident, text);
}

/* What comes in has been cleaned once, as evidence and planning do. */
static struct mw_incident *incident_with(TALLOC_CTX *memory, const char *text)
{
    struct mw_incident *incident = fixture_incident(memory);
    for (size_t i = 0; i < incident->log_count; i++)
        incident->log[i].line = talloc_strdup(incident, text);
    incident->findings[0].metric = NULL;
    incident->findings[0].text = talloc_strdup(incident, text);
    incident->facts = json_pack("{s:o, s:o}", "policy", json_of(text), "state_text", json_of(text));
    fixture_propose(incident);
    say_plan(incident, text);
    return incident;
}

static json_t *answer_of(TALLOC_CTX *memory, const char *text)
{
    return mw_paper_sentence(memory, "I cannot do that: %s", text);
}

/* Every message there is about it, from the alarm to the verdict. */
static void write_messages(TALLOC_CTX *memory, const char *text, json_t *messages[MESSAGES])
{
    struct mw_watch *watch = fixture_watch(memory);
    struct mw_incident *incident = incident_with(memory, text);
    struct mw_plan *plan = mw_incident_plan(incident);
    struct mw_scene scene = {.memory = memory,
                             .installation = "shop-prod",
                             .incident = incident,
                             .resource = mw_watch_find(watch, "cache")};
    fixture_ask(incident, 1);
    messages[0] = mw_card_message(&scene);
    messages[1] = mw_evidence_message(&scene);
    messages[2] = mw_plan_message(&scene, plan);
    fixture_approve(incident, "alice");
    fixture_start_step(incident);
    messages[3] = mw_card_message(&scene);
    fixture_end_step(incident);
    json_object_set_new(plan->steps[0].result, "summary", json_of(text));
    messages[4] = mw_progress_message(&scene, plan);
    fixture_recover(incident);
    incident->outcome = MW_OUTCOME_FAILED;
    incident->outcome_reason = talloc_asprintf(incident, "nothing more is known: %s", text);
    messages[5] = mw_card_message(&scene);
    messages[6] = mw_verdict_message(&scene);
    messages[7] = answer_of(memory, text);
}

/* ---- its shape ---- */

/* The message with "#" for each of its strings but those that no stranger writes. */
static json_t *shape_of(const char *key, const json_t *value)
{
    static const char *const ours[] = {"type",  "state", "slot",  "incident", "id",
                                       "label", "value", "title", NULL};
    const char *name;
    json_t *item, *copy;
    size_t i = 0;
    void *object = (void *)(uintptr_t)value;
    while (ours[i] != NULL && (key == NULL || strcmp(ours[i], key) != 0))
        i++;
    if (json_is_string(value) && ours[i] == NULL)
        return json_string("#");
    if (json_is_array(value)) {
        copy = json_array();
        json_array_foreach(value, i, item)
        {
            json_array_append_new(copy, shape_of(key, item));
        }
        return copy;
    }
    copy = json_is_object(value) ? json_object() : json_incref(object);
    json_object_foreach(object, name, item)
    {
        json_object_set_new(copy, name, shape_of(name, item));
    }
    return copy;
}

/* ---- its lines ---- */

/* Our own lines of a picture: what stands at our two margins, each with its first few letters. What
 * strangers say is set in further, or stands behind a bar. */
static char *own_lines(TALLOC_CTX *memory, const json_t *message, size_t columns)
{
    const struct mw_terminal_look look = {.columns = columns};
    char *text = mw_terminal_text(memory, mw_terminal_paint(memory, message, &look));
    char *own = talloc_strdup(memory, ""), *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        const char *slot = json_string_value(json_object_get(message, "slot"));
        if (slot != NULL && strcmp(slot, "card") != 0 && *line != '\0') {
            assert_int_equal(strncmp(line, "I42 │ ", strlen("I42 │ ")), 0);
            line += strlen("I42 │ ");
        }
        size_t margin = strspn(line, " ");
        if ((margin == 0 || margin == INDENT) && strncmp(line + margin, "┊ ", 4) != 0)
            own = talloc_asprintf_append(own, "%zu %.4s\n", margin, line + margin);
    }
    return own;
}

/* A string of a message is one line. */
static bool has_line_break(const json_t *value)
{
    const char *key;
    json_t *item;
    size_t i;
    bool found = json_is_string(value) && strchr(json_string_value(value), '\n') != NULL;
    json_array_foreach(value, i, item)
    {
        found = found || has_line_break(item);
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, item)
    {
        found = found || has_line_break(item);
    }
    return found;
}

/* What the messages are like when all that is said is ordinary. */
static struct {
    json_t *shape;
    char *own[2]; /* for each width */
} ordinary[MESSAGES];
static const size_t widths[] = {80, 40};

static void know_ordinary(void)
{
    json_t *messages[MESSAGES];
    write_messages(lines, HARMLESS, messages);
    for (size_t i = 0; i < MESSAGES; i++) {
        ordinary[i].shape = shape_of(NULL, messages[i]);
        for (size_t w = 0; w < 2; w++)
            ordinary[i].own[w] = own_lines(lines, messages[i], widths[w]);
        json_decref(messages[i]);
    }
}

static void check_message(const struct injection *line, TALLOC_CTX *memory, const json_t *message,
                          size_t number)
{
    json_auto_t *shape = shape_of(NULL, message);
    corpus_check_json(line, message);
    assert_false(has_line_break(message));
    if (!json_equal(shape, ordinary[number].shape)) {
        char *dumped = json_dumps(message, JSON_INDENT(1));
        corpus_fail(line, "it changes the shape of the message:", dumped);
    }
    for (size_t w = 0; w < 2; w++) {
        const struct mw_terminal_look look = {.columns = widths[w]};
        if (strcmp(own_lines(memory, message, widths[w]), ordinary[number].own[w]) != 0)
            corpus_fail(line, "it writes lines like ours:",
                        mw_terminal_text(memory, mw_terminal_paint(memory, message, &look)));
    }
}

static void check_all(const struct injection *line, const char *text)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    json_t *messages[MESSAGES];
    write_messages(memory, text, messages);
    for (size_t i = 0; i < MESSAGES; i++) {
        check_message(line, memory, messages[i], i);
        json_decref(messages[i]);
    }
    talloc_free(memory);
}

/* As it comes, raw: a message cleans whatever it is given. */
static void no_line_forges_a_line_of_ours(void **state)
{
    for (size_t i = 0; i < count; i++)
        check_all(&lines[i], lines[i].text);
}

/* With so much before it that the terminal's edge breaks right before the line. */
static void no_padding_brings_it_to_the_margin(void **state)
{
    static const char blanks[] = "                                                               "
                                 "                                                               ";
    for (size_t i = 0; i < count; i++) {
        bool forges = strcmp(lines[i].intent, "approve") == 0;
        for (int padding = 25; forges && padding < 80; padding += 11) {
            char *text = talloc_asprintf(lines, "x%.*s%s", padding, blanks, lines[i].text);
            check_all(&lines[i], text);
            talloc_free(text);
        }
    }
}

static int set_up(void **state)
{
    setenv("TZ", "UTC", 1);
    tzset();
    lines = corpus_read(NULL, NULL, &count);
    know_ordinary();
    return 0;
}

static int tear_down(void **state)
{
    for (size_t i = 0; i < MESSAGES; i++)
        json_decref(ordinary[i].shape);
    talloc_free(lines);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_line_forges_a_line_of_ours),
        cmocka_unit_test(no_padding_brings_it_to_the_margin),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
