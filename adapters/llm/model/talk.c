/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/llm/model/talk.h"

#include "adapters/llm/model/proposal.h"
#include "base/clock.h"

#define LOOKS_PER_ROUND 8
#define RESULT_MAX      ((size_t)16 * 1024)
#define LOOKING_SHARE   0.6 /* of the time; the rest is kept for answering */
#define NS_PER_MS       1000000

static int release(struct mw_talk *talk)
{
    json_decref(talk->situation);
    json_decref(talk->messages);
    json_decref(talk->looked);
    return 0;
}

struct mw_talk *mw_talk_begin(struct mw_model *self, const char *system, json_t *told,
                              bool proposes, const struct mw_planner_host *host,
                              struct mw_deadline deadline)
{
    struct mw_talk *talk = talloc_zero(NULL, struct mw_talk);
    talk->self = self;
    talk->host = host;
    talk->system = system;
    talk->deadline = deadline;
    talk->look_until =
        mw_deadline_in((int64_t)((double)mw_deadline_left_ms(deadline) * LOOKING_SHARE));
    talk->situation = told;
    talk->messages = json_array();
    talk->looked = json_array();
    talloc_set_destructor(talk, release);
    talk->toolbox = mw_toolbox_create(talk, self->vendor, told, proposes, self->config->send_logs);
    return talk;
}

bool mw_talk_has_looked(const struct mw_talk *talk)
{
    return talk->rounds <= 0 || mw_deadline_passed(talk->look_until);
}

/* ---- asking ---- */

/* What one answer took, which is added to the conversation. */
static json_t *count(struct mw_talk *talk, const struct mw_model_turn *turn, int64_t ms)
{
    const struct mw_model_config *config = talk->self->config;
    const struct mw_model_price *price = config->price;
    talk->turns++;
    talk->input_tokens += turn->input_tokens;
    talk->output_tokens += turn->output_tokens;
    if (turn->model != NULL) {
        talloc_free(talk->model);
        talk->model = talloc_strdup(talk, turn->model);
    }
    json_t *usage = json_pack("{s:s, s:I, s:I, s:I}", "model",
                              turn->model != NULL ? turn->model : config->model, "input_tokens",
                              (json_int_t)turn->input_tokens, "output_tokens",
                              (json_int_t)turn->output_tokens, "latency_ms", (json_int_t)ms);
    if (price != NULL) {
        double cost = ((double)turn->input_tokens * price->input_per_mtok +
                       (double)turn->output_tokens * price->output_per_mtok) /
                      1e6;
        talk->cost += cost;
        mw_budget_charge(&talk->self->budget, mw_wall_now(), cost);
        json_object_set_new(usage, "cost_usd", json_real(cost));
    }
    return usage;
}

static void tell_exchange(const struct mw_talk *talk, const json_t *request, const json_t *answer,
                          const char *fault, const json_t *usage)
{
    const struct mw_planner_exchange exchange = {.model = talk->self->config->model,
                                                 .request = request,
                                                 .answer = answer,
                                                 .fault = fault,
                                                 .usage = usage};
    if (talk->host != NULL && talk->host->exchanged != NULL)
        talk->host->exchanged(talk->host->context, &exchange);
}

static void tell_tidings(const struct mw_talk *talk, const struct mw_model_tidings *tidings)
{
    if (tidings->told && talk->host != NULL && talk->host->impaired != NULL)
        talk->host->impaired(talk->host->context, tidings->impairment,
                             tidings->impairment != MW_IMPAIRMENT_NONE ? tidings->why : NULL);
}

/* Reads what was answered, and hands on what was said and what it took. */
static struct mw_model_turn *read_turn(struct mw_talk *talk, const json_t *body, json_t *answer,
                                       int64_t ms, struct mw_error *error)
{
    struct mw_model_turn *turn = mw_model_turn_create(talk, answer);
    if (!talk->self->vendor->read(turn, error)) {
        tell_exchange(talk, body, answer, error->text, NULL);
        talloc_free(turn);
        return NULL;
    }
    json_auto_t *usage = count(talk, turn, ms);
    tell_exchange(talk, body, answer, turn->reason, usage);
    if (turn->end == MW_MODEL_USABLE && turn->message != NULL)
        json_array_append(talk->messages, turn->message);
    return turn;
}

struct mw_model_turn *mw_talk_ask(struct mw_talk *talk, enum mw_talk_choice choice,
                                  struct mw_error *error)
{
    const struct mw_model_ask asked = {.model = talk->self->config->model,
                                       .system = talk->system,
                                       .messages = talk->messages,
                                       .functions = talk->toolbox->functions,
                                       .forced = choice == MW_TALK_PROPOSE,
                                       .words = choice == MW_TALK_WORDS};
    json_auto_t *body = talk->self->vendor->body(&asked);
    json_t *answer = NULL;
    struct mw_model_tidings tidings;
    mw_mono_ns began = mw_mono_now();
    bool ok = mw_model_exchange(talk->self, body, talk->deadline, &answer, &tidings, error);
    int64_t ms = (mw_mono_now() - began) / NS_PER_MS;
    talk->latency_ms += ms;
    tell_tidings(talk, &tidings);
    if (ok)
        return read_turn(talk, body, answer, ms, error);
    if (tidings.sent)
        tell_exchange(talk, body, NULL, error->text, NULL);
    return NULL;
}

json_t *mw_talk_usage(const struct mw_talk *talk)
{
    const struct mw_model_config *config = talk->self->config;
    json_t *usage = json_pack(
        "{s:s, s:i, s:I, s:I, s:I}", "model", talk->model != NULL ? talk->model : config->model,
        "turns", talk->turns, "input_tokens", (json_int_t)talk->input_tokens, "output_tokens",
        (json_int_t)talk->output_tokens, "latency_ms", (json_int_t)talk->latency_ms);
    if (config->price != NULL)
        json_object_set_new(usage, "cost_usd", json_real(talk->cost));
    return usage;
}

/* ---- looking ---- */

static json_t *response(const char *key, const char *text)
{
    return json_pack("{s:s}", key, text);
}

static json_t *fenced_error(const struct mw_error *error)
{
    char *text = mw_fence(NULL, error->text, sizeof error->text);
    json_t *said = response("error", text);
    talloc_free(text);
    return said;
}

static void note_look(struct mw_talk *talk, const char *tool, const json_t *arguments)
{
    const char *resource = json_string_value(json_object_get(arguments, "resource"));
    json_array_append_new(talk->looked, json_sprintf("%s%s%.80s", tool, resource != NULL ? " " : "",
                                                     resource != NULL ? resource : ""));
}

/* False only when cancelled. */
static bool look(struct mw_talk *talk, const struct mw_model_call *call, json_t **said,
                 struct mw_error *error)
{
    const char *tool = mw_toolbox_find(talk->toolbox, call->name);
    if (tool == NULL || call->arguments == NULL) {
        *said = response("error", tool == NULL ? "there is no such function" : call->fault);
        return true;
    }
    json_auto_t *arguments = mw_proposal_whole_numbers(call->arguments);
    json_t *resource = json_object_get(json_object_get(talk->situation, "resource"), "name");
    if (json_object_get(arguments, "resource") == NULL && resource != NULL)
        json_object_set(arguments, "resource", resource);
    note_look(talk, tool, arguments);
    json_t *result = NULL;
    if (!talk->host->look(talk->host->context, tool, arguments, &result, error)) {
        if (error->class == MW_ERROR_CANCELLED)
            return false;
        *said = fenced_error(error);
        return true;
    }
    json_auto_t *told = mw_prompt_result(result, talk->self->config->send_logs);
    json_decref(result);
    char *text = mw_fence_json(NULL, told, RESULT_MAX);
    *said = response("result", text);
    talloc_free(text);
    return true;
}

bool mw_talk_look(struct mw_talk *talk, const struct mw_model_turn *turn, struct mw_error *error)
{
    json_auto_t *responses = json_array();
    for (size_t i = 0; i < turn->call_count; i++) {
        json_t *said = NULL;
        if (i >= LOOKS_PER_ROUND || mw_deadline_passed(talk->look_until))
            said =
                response("error", i >= LOOKS_PER_ROUND ? "not called: at most 8 at once"
                                                       : "not called: the time for looking is up");
        else if (!look(talk, &turn->calls[i], &said, error))
            return false;
        json_array_append_new(responses, said);
    }
    talk->self->vendor->respond(talk->messages, turn, responses);
    talk->rounds--;
    return true;
}

/* Every call must be answered before anything else can be said. */
void mw_talk_complain(struct mw_talk *talk, const struct mw_model_turn *turn, const char *text)
{
    talk->complained = true;
    talk->rounds = 0;
    if (turn->end != MW_MODEL_USABLE || turn->call_count == 0) {
        talk->self->vendor->say(talk->messages, text);
        return;
    }
    json_auto_t *responses = json_array();
    for (size_t i = 0; i < turn->call_count; i++)
        json_array_append_new(responses, response("error", text));
    talk->self->vendor->respond(talk->messages, turn, responses);
}
