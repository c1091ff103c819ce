/* SPDX-License-Identifier: Apache-2.0 */
/* A model looks, proposes, and is corrected; then it says more than anybody asked for. */
#include "../unit/model/script.h"

#include <stdlib.h>

#include "harness.h"

extern const struct mw_planner_ops mw_planner_gemini;

#define ANSWER(parts)                                                                     \
    "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[" parts                 \
    "]},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":" \
    "120,\"candidatesTokenCount\":18,\"totalTokenCount\":138}}"
#define LOOKS "{\"functionCall\":{\"name\":\"redis_info\",\"args\":{\"section\":\"memory\"}}}"
#define PLAN(tool)                                                                                 \
    "{\"functionCall\":{\"name\":\"propose_plan\",\"args\":{\"root_cause\":\"full\","              \
    "\"confidence\":0.7,"                                                                          \
    "\"evidence\":[\"97 % used\"],\"steps\":[{\"tool\":\"" tool "\",\"arguments\":{\"maxmemory\":" \
    "\"64MB\"},\"why\":\"w\"}]}}}"

static void open_planner(void)
{
    TORTURE_HOLDS(script_open(NULL) == 0 && script_create(&mw_planner_gemini) == NULL);
}

static void converse(void)
{
    struct mw_error error = {0};
    open_planner();
    script_answer(503, "<html>later</html>");
    script_answer(200, ANSWER(LOOKS));
    script_answer(200, ANSWER(PLAN("redis_scale_memry")));
    script_answer(200, ANSWER(PLAN("redis_scale_memory")));
    json_t *proposal = script_propose(NULL, 60000, &error);
    if (proposal == NULL)
        torture_fail("%s", error.text);
    json_decref(proposal);
    script_close(NULL);
}

static char *endless;

/* 1.5 MiB of words in one string; answers are taken up to 2 MiB. */
static void prepare_endless(void)
{
    const size_t words = 3u << 19;
    const char *head = "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"",
               *tail = "\"}]},\"finishReason\":\"STOP\",\"index\":0}]}";
    endless = calloc(1, words + 200);
    size_t at = strlen(strcpy(endless, head));
    memset(endless + at, 'x', words);
    strcpy(endless + at + words, tail);
    open_planner();
    for (int i = 0; i < SCRIPT_MAX; i++)
        script_answer(200, endless);
}

static void listen_to_the_end(void)
{
    struct mw_error error = {0};
    json_t *proposal = script_propose(NULL, 60000, &error);
    TORTURE_HOLDS(proposal == NULL && error.text[0] != '\0');
}

int main(int count, char **words)
{
    static const struct torture scenarios[] = {
        {.name = "model", .scenario = converse, .least = 1000},
        {.name = "large-answer",
         .prepare = prepare_endless,
         .scenario = listen_to_the_end,
         .large = true,
         .least = 3},
        {NULL}};
    return torture_main(count, words, scenarios);
}
