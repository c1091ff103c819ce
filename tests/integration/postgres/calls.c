/* SPDX-License-Identifier: Apache-2.0 */
#include "calls.h"

#include <signal.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/redact.h"
#include "watch/internal.h"

TALLOC_CTX *test_memory;

#define TARGETS_MAX 8

static struct mw_target *targets[TARGETS_MAX];
static size_t target_count;

const char *url_of(const char *login)
{
    return talloc_asprintf(test_memory, "postgresql://%s@127.0.0.1:%d/shop", login, server.port);
}

struct mw_target *target_on(const char *url)
{
    struct mw_target *target = talloc_zero(test_memory, struct mw_target);
    struct mw_postgres_config *config = talloc_zero(test_memory, struct mw_postgres_config);
    struct mw_error error = {0};
    config->url = url != NULL ? url : url_of("midwatch");
    *target = (struct mw_target){.ops = &mw_target_postgres, .memory = target, .name = "db"};
    if (!mw_target_postgres.create(target, config, &error)) {
        fail_msg("%s", error.text);
    }
    assert_true(target_count < TARGETS_MAX);
    targets[target_count++] = target;
    return target;
}

void control_with(struct mw_target *target, const char *command)
{
    struct mw_control_config *config = talloc_zero(test_memory, struct mw_control_config);
    const char **words = talloc_array(config, const char *, 3);
    words[0] = "sh";
    words[1] = "-c";
    words[2] = command;
    config->restart = (struct mw_text_list){.count = 3, .items = words};
    target->control = mw_control_create(config, config);
}

void hang_up(struct mw_target *target)
{
    mw_target_postgres.destroy(target);
}

void forget(struct mw_target *target)
{
    hang_up(target);
    for (size_t i = 0; i < target_count; i++) {
        if (targets[i] == target) {
            targets[i] = targets[--target_count];
        }
    }
    talloc_free(target);
}

/* ---- probes ---- */

struct mw_sample probe_well(struct mw_target *target)
{
    struct mw_sample sample = {.count = 0};
    struct mw_error error = {0};
    if (!mw_target_postgres.probe(target, mw_deadline_in(20000), &sample, &error)) {
        fail_msg("%s", error.text);
    }
    assert_true(sample.measured_at > 0);
    assert_non_null(sample.source);
    return sample;
}

enum mw_error_class probe_badly(struct mw_target *target, int64_t ms, char text[400])
{
    struct mw_sample sample = {.count = 0};
    struct mw_error error = {0};
    assert_false(mw_target_postgres.probe(target, mw_deadline_in(ms), &sample, &error));
    memcpy(text, error.text, 400);
    return error.class;
}

double metric_of(const struct mw_sample *sample, const char *name)
{
    const struct mw_metric *metric = mw_sample_find(sample, name);
    if (metric == NULL) {
        fail_msg("there is no %s", name);
        return 0;
    }
    return metric->value;
}

struct mw_sample probe_until(struct mw_target *target, const char *name, double least)
{
    struct mw_deadline end = mw_deadline_in(20000);
    for (;;) {
        struct mw_sample sample = probe_well(target);
        if (metric_of(&sample, name) >= least) {
            return sample;
        }
        if (mw_deadline_passed(end)) {
            fail_msg("%s stays below %g", name, least);
        }
        mw_sleep(5, NULL);
    }
}

json_t *facts_of(struct mw_target *target)
{
    json_t *facts = NULL;
    struct mw_error error = {0};
    if (!mw_target_postgres.facts(target, mw_deadline_in(20000), &facts, &error)) {
        fail_msg("%s", error.text);
    }
    return facts;
}

/* ---- tools ---- */

static const struct mw_tool *find_tool(const char *name)
{
    for (const struct mw_tool *tool = mw_postgres_tools; tool->name != NULL; tool++) {
        if (strcmp(tool->name, name) == 0) {
            return tool;
        }
    }
    fail_msg("no tool %s", name);
    return NULL;
}

static void check_schema(const struct mw_tool *tool, const json_t *arguments)
{
    struct mw_error error = {0};
    json_auto_t *schema = mw_json_parse(tool->schema, strlen(tool->schema), 65536, &error);
    if (schema == NULL || !mw_json_check(schema, arguments, "arguments", &error)) {
        fail_msg("%s: %s", tool->name, error.text);
    }
}

static json_t *arguments_of(const char *text)
{
    json_t *arguments = json_loads(text, 0, NULL);
    assert_non_null(arguments);
    json_object_set_new(arguments, "resource", json_string("db"));
    return arguments;
}

struct mw_assessment assess_well(struct mw_target *target, const char *name, const char *arguments)
{
    const struct mw_tool *tool = find_tool(name);
    struct mw_assessment out = {0};
    struct mw_error error = {0};
    json_auto_t *given = arguments_of(arguments);
    check_schema(tool, given);
    if (!tool->assess(target, given, mw_deadline_in(20000), test_memory, &out, &error)) {
        fail_msg("%s: %s", name, error.text);
    }
    assert_true(out.risk >= tool->floor);
    check_schema(tool, out.arguments);
    if (out.undo != NULL) {
        check_schema(find_tool(json_string_value(json_object_get(out.undo, "tool"))),
                     json_object_get(out.undo, "arguments"));
    }
    return out;
}

enum mw_error_class assess_badly(struct mw_target *target, const char *name, const char *arguments,
                                 char text[400])
{
    struct mw_assessment out = {0};
    struct mw_error error = {0};
    json_auto_t *given = arguments_of(arguments);
    bool accepted =
        find_tool(name)->assess(target, given, mw_deadline_in(20000), test_memory, &out, &error);
    if (accepted) {
        fail_msg("%s was accepted: %s", name, out.effect);
    }
    memcpy(text, error.text, 400);
    return error.class;
}

void assessment_release(struct mw_assessment *assessment)
{
    json_decref(assessment->arguments);
    json_decref(assessment->undo);
}

json_t *run_tool(struct mw_target *target, const char *name, const json_t *arguments, bool ok)
{
    json_t *result = NULL;
    struct mw_error error = {0};
    if (!find_tool(name)->run(target, arguments, mw_deadline_in(30000), &result, &error)) {
        fail_msg("%s: %s", name, error.text);
    }
    assert_non_null(summary_of(result));
    assert_true(json_is_object(json_object_get(result, "data")));
    if (json_is_true(json_object_get(result, "ok")) != ok) {
        fail_msg("%s: %s", name, summary_of(result));
    }
    return result;
}

json_t *run_text(struct mw_target *target, const char *name, const char *arguments, bool ok)
{
    json_auto_t *given = arguments_of(arguments);
    check_schema(find_tool(name), given);
    return run_tool(target, name, given, ok);
}

enum mw_error_class run_badly(struct mw_target *target, const char *name, const json_t *arguments,
                              int64_t ms, char text[400])
{
    json_t *result = NULL;
    struct mw_error error = {0};
    if (find_tool(name)->run(target, arguments, mw_deadline_in(ms), &result, &error)) {
        fail_msg("%s: %s", name, summary_of(result));
    }
    memcpy(text, error.text, 400);
    return error.class;
}

json_int_t data_number(const json_t *result, const char *name)
{
    const json_t *value = json_object_get(json_object_get(result, "data"), name);
    if (!json_is_number(value)) {
        fail_msg("there is no number %s", name);
    }
    return (json_int_t)json_number_value(value);
}

const char *summary_of(const json_t *result)
{
    return json_string_value(json_object_get(result, "summary"));
}

void assert_says(const char *text, const char *part)
{
    if (text == NULL || strstr(text, part) == NULL) {
        fail_msg("\"%s\" is not in: %s", part, text != NULL ? text : "nothing");
    }
}

/* ---- the loop ---- */

int open_test(void **state)
{
    struct mw_error error = {0};
    test_memory = talloc_new(NULL);
    target_count = 0;
    if (!mw_runtime_init(&error)) {
        fail_msg("%s", error.text);
    }
    return 0;
}

int close_test(void **state)
{
    /* A failed assertion has jumped out of its fiber, and the loop cannot be ended any more. */
    bool whole = mw_loop_stats().fibers == 0;
    for (size_t i = 0; whole && i < target_count; i++) {
        hang_up(targets[i]);
    }
    sessions_leave();
    if (server.port != 0) {
        server_stop("immediate");
        server.port = 0;
    }
    mw_redact_forget_all();
    if (whole) {
        TALLOC_FREE(test_memory);
        mw_runtime_finish();
    }
    return 0;
}

static int call_body(void *argument)
{
    void (*body)(void) = *(void (**)(void))argument;
    body();
    return 0;
}

void in_fiber(void (*body)(void))
{
    mw_runtime_run(call_body, &body);
}
