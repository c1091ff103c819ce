/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

struct script script;

int script_open(void **state)
{
    struct mw_error error = {0};
    mw_clock_virtual(1800000000000, 11);
    script = (struct script){.config = {.model = "m-1",
                                        .api_key = "key-abcdefgh",
                                        .max_turns = 6,
                                        .send_logs = true,
                                        .base_url = "https://models.example.org"},
                             .asked = json_array(),
                             .looked = json_array(),
                             .exchanges = json_array(),
                             .tidings = json_array(),
                             .result = "{\"ok\":true,\"summary\":\"seen\",\"data\":{}}"};
    return mw_runtime_init(&error) ? 0 : -1;
}

int script_close(void **state)
{
    talloc_free(script.planner);
    json_decref(script.asked);
    json_decref(script.looked);
    json_decref(script.exchanges);
    json_decref(script.tidings);
    if (mw_loop_stats().fibers == 0)
        mw_runtime_finish();
    mw_redact_forget_all();
    mw_clock_real();
    return 0;
}

static bool scripted_send(TALLOC_CTX *memory, const struct mw_http_request *request,
                          struct mw_deadline deadline, struct mw_http_response *response,
                          struct mw_error *error)
{
    if (script.at >= script.count)
        return mw_error_set(error, MW_ERROR_PERMANENT, "the script is over");
    const struct scripted *step = &script.steps[script.at];
    script.times[script.at++] = mw_mono_now();
    json_array_append_new(script.asked, json_loadb(request->body, request->body_length, 0, NULL));
    if (step->takes_ms > 0 && !mw_sleep(step->takes_ms, error))
        return false;
    if (step->status == 0)
        return mw_error_set(error, step->class, "scripted");
    char *body = talloc_strdup(memory, step->body);
    if (body == NULL)
        return mw_error_set(error, MW_ERROR_RETRY, "no memory for so long an answer");
    *response = (struct mw_http_response){.status = step->status,
                                          .body = body,
                                          .length = strlen(step->body),
                                          .content_type = talloc_strdup(memory, "application/json"),
                                          .retry_after_ms = step->retry_after_ms};
    return true;
}

const char *script_create(const struct mw_planner_ops *ops)
{
    static struct mw_error error;
    script.planner = talloc_zero(NULL, struct mw_planner);
    script.planner->ops = ops;
    if (!ops->create(script.planner, &script.config, NULL, &error))
        return error.text;
    ((struct mw_model *)script.planner->state)->send = scripted_send;
    return NULL;
}

struct scripted *script_last(void)
{
    return &script.steps[script.count - 1];
}

void script_answer(int status, const char *body)
{
    assert_true(script.count < SCRIPT_MAX);
    script.steps[script.count++] =
        (struct scripted){.status = status, .body = body, .retry_after_ms = -1};
}

void script_fail(enum mw_error_class class)
{
    script_answer(0, "");
    script_last()->class = class;
}

json_t *script_situation(void)
{
    static const char text[] =
        "{\"incident\":\"I42\",\"attempt\":1,\"resource\":{\"name\":\"cache\",\"kind\":\"redis\","
        "\"environment\":\"local\",\"cache\":false},\"health\":\"DEGRADED\",\"findings\":[{"
        "\"metric\":"
        "\"memory_percent\",\"value\":97.2,\"limit\":95,\"normal\":41}],\"metrics\":{\"memory_"
        "percent\":"
        "97.2},\"facts\":{\"maxmemory\":33554432},\"log\":[{\"line\":\"OOM command not allowed\","
        "\"times\":184}],\"tools\":[{\"name\":\"redis_info\",\"risk\":\"read\",\"description\":"
        "\"INFO\","
        "\"inputSchema\":{\"type\":\"object\",\"properties\":{\"resource\":{\"type\":\"string\"},"
        "\"section\":{\"type\":\"string\",\"enum\":[\"memory\"]}},\"required\":[\"resource\"],"
        "\"additionalProperties\":false}},{\"name\":\"redis_scale_memory\",\"risk\":\"reversible\","
        "\"description\":\"Changes "
        "maxmemory\",\"inputSchema\":{\"type\":\"object\",\"properties\":{"
        "\"resource\":{\"type\":\"string\"},\"maxmemory\":{\"type\":[\"string\",\"integer\"]}},"
        "\"required\":[\"resource\"],\"additionalProperties\":false}},{\"name\":\"resource_logs\","
        "\"risk\":\"read\",\"description\":\"Lines\",\"inputSchema\":{\"type\":\"object\","
        "\"properties\":{"
        "\"resource\":{\"type\":\"string\"}},\"required\":[\"resource\"]}},{\"name\":\"wait\","
        "\"risk\":"
        "\"read\",\"description\":\"Waits\",\"inputSchema\":{\"type\":\"object\"}}],\"previous\":[]"
        "}";
    json_t *situation = json_loads(text, 0, NULL);
    assert_non_null(situation);
    return situation;
}

static bool scripted_look(void *context, const char *tool, const json_t *arguments, json_t **result,
                          struct mw_error *error)
{
    json_array_append_new(script.looked, json_pack("{s:s, s:O}", "tool", tool, "arguments",
                                                   (json_t *)(uintptr_t)arguments));
    if (script.result == NULL)
        return mw_error_set(error, script.look_class, "%s", script.look_error);
    *result = json_loads(script.result, 0, NULL);
    return true;
}

static void scripted_exchanged(void *context, const struct mw_planner_exchange *exchange)
{
    json_array_append_new(script.exchanges,
                          json_pack("{s:s, s:O, s:O?, s:s?, s:O?}", "model", exchange->model,
                                    "request", exchange->request, "answer", exchange->answer,
                                    "fault", exchange->fault, "usage", exchange->usage));
}

static void scripted_impaired(void *context, enum mw_impairment impairment, const char *why)
{
    json_array_append_new(script.tidings,
                          json_pack("{s:i, s:s?}", "impairment", (int)impairment, "why", why));
}

struct errand {
    bool asks;
    json_t *situation, *proposal;
    int64_t ms;
    struct mw_error *error;
};

static int run_errand(void *argument)
{
    struct errand *errand = argument;
    const struct mw_planner_host host = {
        .look = scripted_look, .exchanged = scripted_exchanged, .impaired = scripted_impaired};
    const struct mw_planner_ops *ops = script.planner->ops;
    (errand->asks ? ops->ask : ops->propose)(script.planner, errand->situation, &host,
                                             mw_deadline_in(errand->ms), &errand->proposal,
                                             errand->error);
    return 0;
}

json_t *script_propose(json_t *situation, int64_t ms, struct mw_error *error)
{
    struct errand errand = {
        .situation = situation != NULL ? situation : script_situation(), .ms = ms, .error = error};
    mw_runtime_run(run_errand, &errand);
    json_decref(errand.situation);
    return errand.proposal;
}

json_t *script_ask(json_t *question, int64_t ms, struct mw_error *error)
{
    struct errand errand = {.asks = true, .situation = question, .ms = ms, .error = error};
    mw_runtime_run(run_errand, &errand);
    json_decref(errand.situation);
    return errand.proposal;
}

static int call_body(void *argument)
{
    void (*body)(void) = *(void (**)(void))argument;
    body();
    return 0;
}

void script_in_fiber(void (*body)(void))
{
    mw_runtime_run(call_body, &body);
}
