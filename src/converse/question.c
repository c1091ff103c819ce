/* SPDX-License-Identifier: Apache-2.0 */
/* `ask QUESTION`: words in, words out. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "converse/answers.h"
#include "converse/paper.h"
#include "midwatch/message.h"

#define LINES_MAX  24
#define LOOKED_MAX 12

/* Answered one after the other, so that one chat cannot use up a day's budget in a minute. */
#define BUSY \
    "One question at a time: I am still at work on the one before. Ask again when it is answered."

static void write_lines(struct mw_paper *paper, const char *text)
{
    int lines = 0;
    for (const char *at = text; *at != '\0' && lines < LINES_MAX; lines++) {
        size_t length = strcspn(at, "\n");
        char *line = talloc_strndup(paper->memory, at, length);
        mw_paper_quote(paper, line != NULL ? line : "");
        at += length + (at[length] == '\n');
    }
}

/* "looked at redis_info cache (2 times), resource_logs db" */
static void write_looked(struct mw_paper *paper, const json_t *looked)
{
    char *list = talloc_strdup(paper->memory, "");
    size_t i, shown = 0, count = json_array_size(looked);
    const json_t *one;
    json_array_foreach(looked, i, one)
    {
        size_t first = 0, times = 0;
        while (!json_equal(json_array_get(looked, first), one)) {
            first++;
        }
        for (size_t j = i; j < count; j++) {
            times += json_equal(json_array_get(looked, j), one);
        }
        if (first < i || shown == LOOKED_MAX) {
            continue;
        }
        list =
            talloc_asprintf_append(list, "%s%s", shown++ > 0 ? ", " : "", json_string_value(one));
        if (times > 1) {
            list = talloc_asprintf_append(list, " (%zu times)", times);
        }
    }
    mw_paper_note(paper, "looked at %s", shown > 0 ? list : "what was measured and recorded");
}

static void write_usage(struct mw_paper *paper, const char *planner, const json_t *usage)
{
    const json_t *cost = json_object_get(usage, "cost_usd");
    int64_t ms = json_integer_value(json_object_get(usage, "latency_ms"));
    mw_paper_note(paper, "%s · %" PRId64 "+%" PRId64 " tokens%s · %s", planner,
                  (int64_t)json_integer_value(json_object_get(usage, "input_tokens")),
                  (int64_t)json_integer_value(json_object_get(usage, "output_tokens")),
                  json_is_number(cost)
                      ? talloc_asprintf(paper->memory, ", $%.4f", json_number_value(cost))
                      : "",
                  mw_duration_text(paper->memory, ms));
}

static json_t *no_model(struct mw_request *request)
{
    return mw_paper_sentence(request->memory,
                             "No model is configured (llm: in the configuration), and the runbooks "
                             "answer no questions. Say: status, show ID, logs RESOURCE or history "
                             "RESOURCE");
}

json_t *mw_answer_question(struct mw_request *request, const char *question, int64_t incident)
{
    struct mw_respond *respond = request->channel->converse->respond;
    TALLOC_CTX *memory = request->memory;
    const char *planner = talloc_strdup(memory, mw_respond_answers(respond));
    struct mw_error error = {0};
    json_auto_t *answer = NULL;
    if (planner == NULL) {
        return no_model(request);
    }
    if (!request->beside) {
        return mw_paper_sentence(memory, "%s", BUSY);
    }
    if (!mw_respond_ask(respond, question, incident, &answer, &error)) {
        request->cut_short = error.class == MW_ERROR_CANCELLED;
        return mw_paper_sentence(
            memory,
            "I cannot answer that now: %s. Say: status, show ID, logs RESOURCE or history "
            "RESOURCE",
            error.text);
    }
    const char *text = json_string_value(json_object_get(answer, "text"));
    struct mw_paper paper;
    mw_paper_begin(&paper, memory, MW_STATE_INFO, 0, NULL);
    write_lines(&paper, text != NULL ? text : "");
    write_looked(&paper, json_object_get(answer, "looked"));
    write_usage(&paper, planner, json_object_get(answer, "usage"));
    return mw_paper_end(&paper);
}
