/* SPDX-License-Identifier: Apache-2.0 */
/* The way to a plan: look for a bounded number of rounds, then propose; one answer that cannot be used is
 * complained about, the second ends it. */
#include <string.h>

#include "adapters/llm/model/proposal.h"
#include "adapters/llm/model/runbooks.h"
#include "adapters/llm/model/talk.h"
#include "base/json.h"

#define TEXT_PLAN_MAX ((size_t)64 * 1024)
#define ROUNDS_AGAIN  2 /* after a complaint of the core: most of it is known by then */

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

static struct mw_talk *begin(struct mw_model *self, const json_t *situation,
                             const struct mw_planner_host *host, struct mw_deadline deadline)
{
    struct mw_talk *talk = mw_talk_begin(self, self->prompts.system,
                                         mw_prompt_situation(situation, self->config->send_logs),
                                         true, host, deadline);
    talk->rounds = host != NULL && talk->toolbox->count > 1 ? rounds_for(self, situation) : 0;

    json_auto_t *runbooks = mw_runbooks_about(self->runbooks, talk->situation);
    char *text = mw_prompt_render(talk, &self->prompts, talk->situation, runbooks);
    self->vendor->say(talk->messages, text);
    talloc_free(text);
    return talk;
}

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
static json_t *read_proposal(const struct mw_talk *talk, const struct mw_model_turn *turn,
                             bool *made, struct mw_error *error)
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

static void complain(struct mw_talk *talk, const struct mw_model_turn *turn, const char *complaint)
{
    char *text = mw_prompt_again(talk, &talk->self->prompts, complaint);
    mw_talk_complain(talk, turn, text);
    talloc_free(text);
}

static bool next(struct mw_talk *talk, json_t **proposal, struct mw_error *error)
{
    bool forced = mw_talk_has_looked(talk);
    struct mw_model_turn *turn = mw_talk_ask(talk, forced ? MW_TALK_PROPOSE : MW_TALK_FREE, error);
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
        bool ok = mw_talk_look(talk, turn, error);
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

bool mw_model_propose(struct mw_planner *planner, const json_t *situation,
                      const struct mw_planner_host *host, struct mw_deadline deadline,
                      json_t **proposal, struct mw_error *error)
{
    json_auto_t *made = NULL;
    struct mw_talk *talk = begin(planner->state, situation, host, deadline);
    bool ok = true;
    while (ok && made == NULL)
        ok = next(talk, &made, error);
    const char *cause = json_string_value(json_object_get(made, "root_cause"));
    if (ok && json_array_size(json_object_get(made, "steps")) == 0) {
        ok = mw_error_set(error, MW_ERROR_REFUSED,
                          "the model sees nothing that a tool could mend: %s", cause);
    }
    if (ok) {
        json_object_set_new(made, "usage", mw_talk_usage(talk));
        *proposal = json_incref(made);
    }
    talloc_free(talk);
    return ok;
}
