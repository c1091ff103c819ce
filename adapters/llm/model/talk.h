/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation that is under way: what was said, what it took, and a round of looking. */
#ifndef MIDWATCH_LLM_TALK_H
#define MIDWATCH_LLM_TALK_H

#include "adapters/llm/model/internal.h"
#include "adapters/llm/model/toolbox.h"

enum mw_talk_choice {
    MW_TALK_FREE,    /* it may look, or answer */
    MW_TALK_PROPOSE, /* it must propose a plan */
    MW_TALK_WORDS,   /* it must answer in words */
};

/* A talloc root. */
struct mw_talk {
    struct mw_model *self;
    const struct mw_planner_host *host;
    const char *system; /* the rules */
    struct mw_deadline deadline, look_until;
    json_t *situation; /* what it is about, without what must not leave */
    json_t *messages;
    struct mw_toolbox *toolbox;
    int rounds;      /* of looking that are left */
    bool complained; /* the one time was used */
    json_t *looked;  /* ["redis_info cache"] */

    int turns;
    int64_t input_tokens, output_tokens, latency_ms;
    double cost;
    char *model; /* that answered last */
};

/* `told` is stolen: a situation or a question that went through mw_prompt_situation(). */
struct mw_talk *mw_talk_begin(struct mw_model *self, const char *system, json_t *told,
                              bool proposes, const struct mw_planner_host *host,
                              struct mw_deadline deadline);

/* Whether the time or the rounds of looking are used up. */
bool mw_talk_has_looked(const struct mw_talk *talk);

/* Says what was put among the messages and gives the answer; NULL when there is none. */
MW_SUSPENDS struct mw_model_turn *mw_talk_ask(struct mw_talk *talk, enum mw_talk_choice choice,
                                              struct mw_error *error);
/* Makes the calls of a turn and answers them. False only when cancelled. */
MW_SUSPENDS bool mw_talk_look(struct mw_talk *talk, const struct mw_model_turn *turn,
                              struct mw_error *error);
/* Answers all calls of a turn with a complaint, or says it where there are none. */
void mw_talk_complain(struct mw_talk *talk, const struct mw_model_turn *turn, const char *text);

/* What it took (planner.h), a new reference. */
json_t *mw_talk_usage(const struct mw_talk *talk);

#endif
