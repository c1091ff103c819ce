/* SPDX-License-Identifier: Apache-2.0 */
/* A question from chat: look for a bounded number of rounds, then answer in words. Nothing can be proposed
 * here, and the host lets nothing but reading through. */
#include <string.h>

#include "adapters/llm/model/talk.h"
#include "base/redact.h"

#define LINES_MAX 24
#define LINE_MAX  1000
#define TEXT_MAX  ((size_t)4 * 1024)

static struct mw_talk *begin(struct mw_model *self, const json_t *question,
                             const struct mw_planner_host *host, struct mw_deadline deadline)
{
    json_t *told = mw_prompt_situation(question, self->config->send_logs);
    struct mw_talk *talk = mw_talk_begin(self, self->prompts.ask, told, false, host, deadline);
    talk->rounds = host != NULL && talk->toolbox->count > 0 ? (int)self->config->max_turns : 0;
    char *text = mw_prompt_question(talk, &self->prompts, told);
    self->vendor->say(talk->messages, text);
    talloc_free(text);
    return talk;
}

/* What a model says is foreign: clean lines, few and short enough for a chat. NULL: it says nothing. */
static char *clean_answer(TALLOC_CTX *memory, const char *text)
{
    char *answer = talloc_strdup(memory, "");
    char *masked = mw_redact_lines(memory, text, strlen(text));
    const char *at = masked;
    int lines = 0;
    while (*at != '\0' && lines < LINES_MAX && strlen(answer) < TEXT_MAX) {
        size_t length = strcspn(at, "\n");
        char *line = mw_redact_line(memory, at, length, LINE_MAX);
        bool empty = line[strspn(line, " ")] == '\0';
        if (!empty)
            answer = talloc_asprintf_append_buffer(answer, "%s%s", lines++ > 0 ? "\n" : "", line);
        talloc_free(line);
        at += length + (at[length] == '\n');
    }
    if (at[strspn(at, " \r\n")] != '\0' && lines > 0)
        answer = talloc_strdup_append_buffer(answer, "\n[…]");
    talloc_free(masked);
    return lines > 0 ? answer : NULL;
}

/* Why a turn is no answer: for the model, and in the end for whoever asked. */
static const char *complaint_about(const struct mw_model_turn *turn)
{
    if (turn->end == MW_MODEL_UNUSABLE)
        return turn->reason;
    return turn->call_count > 0 ? "it goes on calling functions" : "the answer was empty";
}

/* One turn. `*text` stays NULL until there is an answer. */
static bool next(struct mw_talk *talk, char **text, struct mw_error *error)
{
    bool words = mw_talk_has_looked(talk);
    struct mw_model_turn *turn = mw_talk_ask(talk, words ? MW_TALK_WORDS : MW_TALK_FREE, error);
    if (turn == NULL)
        return false;
    if (turn->end == MW_MODEL_REFUSED)
        return mw_error_set(error, MW_ERROR_REFUSED, "%s", turn->reason);
    bool ok = true, usable = turn->end == MW_MODEL_USABLE;
    bool looks = usable && turn->call_count > 0 && !words;
    if (looks)
        ok = mw_talk_look(talk, turn, error);
    else if (usable && turn->text != NULL)
        *text = clean_answer(talk, turn->text);
    if (looks && ok && talk->rounds <= 0 && !talk->self->vendor->forces_calls)
        talk->self->vendor->say(talk->messages, talk->self->prompts.answer);
    if (!looks && *text == NULL && talk->complained)
        ok = mw_error_set(error, MW_ERROR_BAD_INPUT,
                          "the model's answers cannot be used, also after a complaint: %s",
                          complaint_about(turn));
    else if (!looks && *text == NULL)
        mw_talk_complain(talk, turn, talk->self->prompts.answer);
    talloc_free(turn);
    return ok;
}

bool mw_model_answer(struct mw_planner *planner, const json_t *question,
                     const struct mw_planner_host *host, struct mw_deadline deadline,
                     json_t **answer, struct mw_error *error)
{
    struct mw_talk *talk = begin(planner->state, question, host, deadline);
    char *text = NULL;
    bool ok = true;
    while (ok && text == NULL)
        ok = next(talk, &text, error);
    if (ok)
        *answer = json_pack("{s:s, s:O, s:o}", "text", text, "looked", talk->looked, "usage",
                            mw_talk_usage(talk));
    talloc_free(talk);
    return ok;
}
