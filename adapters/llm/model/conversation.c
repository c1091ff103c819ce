/* SPDX-License-Identifier: Apache-2.0 */
/* One conversation: look for a bounded number of rounds, then propose; one answer that cannot be used is
 * complained about, the second ends it. */
#include <string.h>

#include "adapters/llm/model/internal.h"
#include "adapters/llm/model/proposal.h"
#include "adapters/llm/model/runbooks.h"
#include "adapters/llm/model/toolbox.h"
#include "base/clock.h"
#include "base/json.h"

#define LOOKS_PER_ROUND 8
#define RESULT_MAX      ((size_t)16 * 1024)
#define TEXT_PLAN_MAX   ((size_t)64 * 1024)
#define ROUNDS_AGAIN    2   /* after a complaint of the core: most of it is known by then */
#define LOOKING_SHARE   0.6 /* of the time; the rest is kept for proposing */
#define NS_PER_MS       1000000

struct talk {
    struct mw_model *self;
    const struct mw_planner_host *host;
    struct mw_deadline deadline, look_until;
    json_t *situation;
    json_t *messages;
    struct mw_toolbox *toolbox;
    int rounds;      /* of looking that are left */
    bool complained; /* the one time was used */

    int turns;
    int64_t input_tokens, output_tokens, latency_ms;
    double cost;
    char *model; /* that answered last */
};

static int release(struct talk *talk)
{
    json_decref(talk->situation);
    json_decref(talk->messages);
    return 0;
}

static int rounds_for(const struct mw_model *self, const json_t *situation)
{
    const json_t *previous = json_object_get(situation, "previous");
    const json_t *last = json_array_get(previous, json_array_size(previous) - 1);
    const json_t *revision = json_object_get(last, "revision");
    int64_t rounds = self->config->max_turns;
    if (json_is_integer(revision) && json_integer_value(revision) == 0 && rounds > ROUNDS_AGAIN)
        rounds = ROUNDS_AGAIN;
    return (int)rounds;
}

static struct talk *begin(struct mw_model *self, const json_t *situation,
                          const struct mw_planner_host *host, struct mw_deadline deadline)
{
    bool logs = self->config->send_logs;
    struct talk *talk = talloc_zero(NULL, struct talk);
    talk->self = self;
    talk->host = host;
    talk->deadline = deadline;
    talk->look_until =
        mw_deadline_in((int64_t)((double)mw_deadline_left_ms(deadline) * LOOKING_SHARE));
    talk->situation = mw_prompt_situation(situation, logs);
    talk->messages = json_array();
    talloc_set_destructor(talk, release);
    talk->toolbox = mw_toolbox_create(talk, self->vendor, talk->situation, logs);
    talk->rounds = host != NULL && talk->toolbox->count > 1 ? rounds_for(self, situation) : 0;

    json_auto_t *runbooks = mw_runbooks_about(self->runbooks, talk->situation);
    char *text = mw_prompt_render(talk, &self->prompts, talk->situation, runbooks);
    self->vendor->say(talk->messages, text);
    talloc_free(text);
    return talk;
}

/* ---- asking ---- */

static void count(struct talk *talk, const struct mw_model_turn *turn)
{
    const struct mw_model_price *price = talk->self->config->price;
    talk->turns++;
    talk->input_tokens += turn->input_tokens;
    talk->output_tokens += turn->output_tokens;
    if (turn->model != NULL) {
        talloc_free(talk->model);
        talk->model = talloc_strdup(talk, turn->model);
    }
    if (price == NULL)
        return;
    double cost = ((double)turn->input_tokens * price->input_per_mtok +
                   (double)turn->output_tokens * price->output_per_mtok) /
                  1e6;
    talk->cost += cost;
    mw_budget_charge(&talk->self->budget, mw_wall_now(), cost);
}

static struct mw_model_turn *ask(struct talk *talk, bool forced, struct mw_error *error)
{
    const struct mw_model_vendor *vendor = talk->self->vendor;
    const struct mw_model_ask asked = {.model = talk->self->config->model,
                                       .system = talk->self->prompts.system,
                                       .messages = talk->messages,
                                       .functions = talk->toolbox->functions,
                                       .forced = forced};
    json_auto_t *body = vendor->body(&asked);
    json_t *answer = NULL;
    mw_mono_ns began = mw_mono_now();
    bool ok = mw_model_exchange(talk->self, body, talk->deadline, &answer, error);
    talk->latency_ms += (mw_mono_now() - began) / NS_PER_MS;
    if (!ok)
        return NULL;
    struct mw_model_turn *turn = mw_model_turn_create(talk, answer);
    if (!vendor->read(turn, error)) {
        talloc_free(turn);
        return NULL;
    }
    count(talk, turn);
    if (turn->end == MW_MODEL_USABLE && turn->message != NULL)
        json_array_append(talk->messages, turn->message);
    return turn;
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

/* False only when cancelled. */
static bool look(struct talk *talk, const struct mw_model_call *call, json_t **said,
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

static bool look_round(struct talk *talk, const struct mw_model_turn *turn, struct mw_error *error)
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

/* ---- proposing ---- */

static const struct mw_model_call *find_proposal(const struct mw_model_turn *turn)
{
    for (size_t i = 0; i < turn->call_count; i++) {
        if (strcmp(turn->calls[i].name, MW_MODEL_PROPOSE) == 0)
            return &turn->calls[i];
    }
    return NULL;
}

/* Some small models write the call's arguments as text. A new reference, or NULL. */
static json_t *plan_in_text(const char *text)
{
    const char *from = text != NULL ? strchr(text, '{') : NULL;
    const char *to = from != NULL ? strrchr(from, '}') : NULL;
    if (to == NULL)
        return NULL;
    struct mw_error ignored;
    json_t *value = mw_json_parse(from, (size_t)(to - from) + 1, TEXT_PLAN_MAX, &ignored);
    if (json_object_get(value, "root_cause") != NULL && json_object_get(value, "steps") != NULL)
        return value;
    json_decref(value);
    return NULL;
}

/* The proposal, or NULL with a complaint; `*made` says whether there was one at all. */
static json_t *read_proposal(const struct talk *talk, const struct mw_model_turn *turn, bool *made,
                             struct mw_error *error)
{
    const struct mw_model_call *call = find_proposal(turn);
    if (call != NULL) {
        *made = true;
        if (call->arguments != NULL)
            return mw_proposal_read(call->arguments, talk->situation, error);
        mw_error_set(error, MW_ERROR_BAD_INPUT, "%s: %s", MW_MODEL_PROPOSE, call->fault);
        return NULL;
    }
    json_auto_t *written = turn->call_count == 0 ? plan_in_text(turn->text) : NULL;
    *made = written != NULL;
    return written != NULL ? mw_proposal_read(written, talk->situation, error) : NULL;
}

/* Every call must be answered before anything else can be said. */
static void complain(struct talk *talk, const struct mw_model_turn *turn, const char *complaint)
{
    char *text = mw_prompt_again(talk, &talk->self->prompts, complaint);
    talk->complained = true;
    talk->rounds = 0;
    if (turn->end == MW_MODEL_USABLE && turn->call_count > 0) {
        json_auto_t *responses = json_array();
        for (size_t i = 0; i < turn->call_count; i++)
            json_array_append_new(responses, response("error", text));
        talk->self->vendor->respond(talk->messages, turn, responses);
    } else {
        talk->self->vendor->say(talk->messages, text);
    }
    talloc_free(text);
}

static bool next(struct talk *talk, json_t **proposal, struct mw_error *error)
{
    bool forced = talk->rounds <= 0 || mw_deadline_passed(talk->look_until);
    struct mw_model_turn *turn = ask(talk, forced, error);
    if (turn == NULL)
        return false;
    struct mw_error complaint = {0};
    bool made = false;
    if (turn->end == MW_MODEL_REFUSED)
        return mw_error_set(error, MW_ERROR_REFUSED, "%s", turn->reason);
    if (turn->end == MW_MODEL_UNUSABLE)
        mw_error_set(&complaint, MW_ERROR_BAD_INPUT, "%s", turn->reason);
    else if ((*proposal = read_proposal(talk, turn, &made, &complaint)) != NULL)
        return true;
    else if (!made && !forced && turn->call_count > 0) {
        bool ok = look_round(talk, turn, error);
        talloc_free(turn);
        if (ok && !talk->self->vendor->forces_calls && talk->rounds <= 0)
            talk->self->vendor->say(talk->messages, talk->self->prompts.propose);
        return ok;
    } else if (!made && !forced) {
        talk->rounds = 0;
        talk->self->vendor->say(talk->messages, talk->self->prompts.propose);
        talloc_free(turn);
        return true;
    } else if (!made)
        mw_error_set(&complaint, MW_ERROR_BAD_INPUT, "%s was not called", MW_MODEL_PROPOSE);
    if (talk->complained)
        return mw_error_set(error, MW_ERROR_BAD_INPUT,
                            "the model's answers cannot be used, also after a complaint: %s",
                            complaint.text);
    complain(talk, turn, complaint.text);
    talloc_free(turn);
    return true;
}

static void add_usage(const struct talk *talk, json_t *proposal)
{
    const struct mw_model_config *config = talk->self->config;
    json_t *usage = json_pack(
        "{s:s, s:i, s:I, s:I, s:I}", "model", talk->model != NULL ? talk->model : config->model,
        "turns", talk->turns, "input_tokens", (json_int_t)talk->input_tokens, "output_tokens",
        (json_int_t)talk->output_tokens, "latency_ms", (json_int_t)talk->latency_ms);
    if (config->price != NULL)
        json_object_set_new(usage, "cost_usd", json_real(talk->cost));
    json_object_set_new(proposal, "usage", usage);
}

bool mw_model_propose(struct mw_planner *planner, const json_t *situation,
                      const struct mw_planner_host *host, struct mw_deadline deadline,
                      json_t **proposal, struct mw_error *error)
{
    json_auto_t *made = NULL;
    struct talk *talk = begin(planner->state, situation, host, deadline);
    bool ok = true;
    while (ok && made == NULL)
        ok = next(talk, &made, error);
    const char *cause = json_string_value(json_object_get(made, "root_cause"));
    if (ok && json_array_size(json_object_get(made, "steps")) == 0) {
        ok = mw_error_set(error, MW_ERROR_REFUSED,
                          "the model sees nothing that a tool could mend: %s", cause);
    }
    if (ok) {
        add_usage(talk, made);
        *proposal = json_incref(made);
    }
    talloc_free(talk);
    return ok;
}
