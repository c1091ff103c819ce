/* SPDX-License-Identifier: Apache-2.0 */
/* Good answers of both services with bytes and parts changed at random: whatever comes out, it is read to an
 * end, and a plan that is taken has the form that was asked for. */
#include "script.h"

#include <stdlib.h>

#include "adapters/llm/gemini/gemini.h"
#include "adapters/llm/model/proposal.h"
#include "adapters/llm/openai/openai.h"
#include "base/json.h"

#define ROUNDS 4000

#define PLAN                                                                                  \
    "{\"root_cause\":\"full\",\"confidence\":0.75,\"evidence\":[\"x\"],\"steps\":[{\"tool\":" \
    "\"redis_scale_memory\",\"arguments\":{\"maxmemory\":64},\"why\":\"w\",\"expect\":\"e\"}]}"

static const char gemini_answer[] =
    "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"t\",\"thought\":true}"
    ","
    "{\"functionCall\":{\"id\":\"i\",\"name\":\"propose_plan\",\"args\":" PLAN
    "},\"thoughtSignature\":"
    "\"c2ln\"}]},\"finishReason\":\"STOP\",\"finishMessage\":\"m\"}],\"promptFeedback\":{"
    "\"blockReason\":"
    "\"X\"},\"usageMetadata\":{\"promptTokenCount\":12},\"modelVersion\":\"v\"}";

static const char openai_answer[] =
    "{\"model\":\"v\",\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"t\","
    "\"refusal\":"
    "null,\"tool_calls\":[{\"id\":\"i\",\"type\":\"function\",\"function\":{\"name\":\"propose_"
    "plan\","
    "\"arguments\":" PLAN "}}]},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":12}}";

static const char *const pieces[] = {"{",      "}",
                                     "[",      "]",
                                     "\"",     ":",
                                     ",",      "null",
                                     "true",   "-1",
                                     "1e308",  "0.5",
                                     "\"\"",   "{}",
                                     "[]",     "\\u0000",
                                     "\xff",   "STOP",
                                     "SAFETY", "[[[[[",
                                     "\"x\"",  "99999999999999999999"};

/* Replaces some bytes by a piece. */
static char *mutate(TALLOC_CTX *memory, const char *text)
{
    size_t length = strlen(text), from = mw_random_below(length);
    size_t gone = mw_random_below(12);
    if (from + gone > length)
        gone = length - from;
    return talloc_asprintf(memory, "%.*s%s%s", (int)from, text,
                           pieces[mw_random_below(sizeof pieces / sizeof *pieces)],
                           text + from + gone);
}

/* One value somewhere in the tree becomes another one. */
static void replace_value(json_t *value)
{
    static const char *const others[] = {"null", "[]",    "{}",   "7",    "-0.5",
                                         "\"\"", "\"x\"", "true", "[[1]]"};
    json_t *other =
        json_loads(others[mw_random_below(sizeof others / sizeof *others)], JSON_DECODE_ANY, NULL);
    for (;;) {
        size_t count = json_is_object(value) ? json_object_size(value) : json_array_size(value);
        if (count == 0)
            break;
        size_t at = mw_random_below(count);
        void *iterator = json_object_iter(value);
        for (size_t i = 0; i < at && json_is_object(value); i++)
            iterator = json_object_iter_next(value, iterator);
        json_t *below =
            json_is_object(value) ? json_object_iter_value(iterator) : json_array_get(value, at);
        bool deeper = json_is_object(below) || json_is_array(below);
        if (!deeper || mw_random_below(4) == 0) {
            if (json_is_object(value))
                json_object_iter_set(value, iterator, other);
            else
                json_array_set(value, at, other);
            break;
        }
        value = below;
    }
    json_decref(other);
}

static void check_plan(const json_t *arguments, const json_t *situation)
{
    struct mw_error error = {0};
    json_t *plan = mw_proposal_read(arguments, situation, &error);
    if (plan == NULL) {
        assert_int_equal(error.class, MW_ERROR_BAD_INPUT);
        assert_true(error.text[0] != '\0');
        return;
    }
    size_t i;
    const json_t *step;
    assert_true(json_is_string(json_object_get(plan, "root_cause")));
    assert_true(json_is_number(json_object_get(plan, "confidence")));
    json_array_foreach(json_object_get(plan, "steps"), i, step)
    {
        assert_true(json_is_string(json_object_get(step, "tool")));
        assert_true(json_is_object(json_object_get(step, "arguments")));
        assert_true(json_is_string(json_object_get(step, "why")));
        assert_true(json_is_string(json_object_get(step, "expect")));
    }
    json_decref(plan);
}

static size_t usable;

static void read_one(const struct mw_model_vendor *vendor, json_t *answer, const json_t *situation)
{
    struct mw_error error = {0};
    struct mw_model_turn *turn = mw_model_turn_create(NULL, answer);
    if (vendor->read(turn, &error)) {
        assert_true((turn->end == MW_MODEL_USABLE) == (turn->reason == NULL));
        usable += turn->end == MW_MODEL_USABLE;
        for (size_t i = 0; turn->end == MW_MODEL_USABLE && i < turn->call_count; i++) {
            assert_true(turn->calls[i].name[0] != '\0');
            assert_true((turn->calls[i].arguments == NULL) == (turn->calls[i].fault != NULL));
            if (turn->calls[i].arguments != NULL)
                check_plan(turn->calls[i].arguments, situation);
        }
        if (turn->end == MW_MODEL_USABLE)
            assert_non_null(turn->message);
    } else {
        assert_int_equal(error.class, MW_ERROR_BAD_INPUT);
    }
    talloc_free(turn);
}

static void mutate_all(const struct mw_model_vendor *vendor, const char *good)
{
    json_t *situation = script_situation();
    usable = 0;
    for (int i = 0; i < ROUNDS; i++) {
        TALLOC_CTX *memory = talloc_new(NULL);
        struct mw_error error = {0};
        char *text = mutate(memory, i % 2 == 0 ? good : mutate(memory, good));
        json_t *answer = mw_json_parse(text, strlen(text), 100000, &error);
        if (answer != NULL)
            read_one(vendor, answer, situation);
        answer = json_loads(good, 0, NULL);
        for (uint64_t times = mw_random_below(3) + 1; times > 0; times--)
            replace_value(answer);
        read_one(vendor, answer, situation);
        talloc_free(memory);
    }
    /* Most of them are still answers, or nothing was tried here. */
    assert_true(usable > ROUNDS / 4);
    json_decref(situation);
}

static void answers_of_gemini(void **state)
{
    mutate_all(&mw_gemini, gemini_answer);
}

static void answers_of_chat_completions(void **state)
{
    mutate_all(&mw_openai, openai_answer);
}

static void errors_of_both(void **state)
{
    static const char good[] = "{\"error\":{\"code\":\"x\",\"details\":[{\"@type\":\"a/"
                               "google.rpc.QuotaFailure\",\"violations\":"
                               "[{\"quotaId\":\"PerDay\"}]},{\"@type\":\"a/"
                               "google.rpc.RetryInfo\",\"retryDelay\":\"3s\"}]}}";
    static const int statuses[] = {400, 429};
    for (int i = 0; i < ROUNDS; i++) {
        json_t *body = json_loads(good, 0, NULL);
        struct mw_model_fault fault = {.wait_ms = -1};
        replace_value(body);
        mw_gemini.fault(statuses[i % 2], body, &fault);
        mw_openai.fault(statuses[i % 2], body, &fault);
        assert_in_range(fault.wait_ms + 1, 0, 86400001);
        json_decref(body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_scripted(answers_of_gemini),
        test_scripted(answers_of_chat_completions),
        test_scripted(errors_of_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
