/* SPDX-License-Identifier: Apache-2.0 */
/* `ask`, and what is said when nobody can answer. */
#include "room.h"

#include <string.h>

#include "base/clock.h"
#include "base/redact.h"
#include "converse/room.h"

#define ANSWER                                                                              \
    "{\"text\":\"The cache is full since 03:08.\\nWrites fail.\",\"looked\":[\"redis_info " \
    "cache\","                                                                              \
    "\"redis_info cache\",\"resource_logs db\"],\"usage\":{\"model\":\"m-1\",\"turns\":2,"  \
    "\"input_tokens\":2100,\"output_tokens\":300,\"latency_ms\":3200,\"cost_usd\":0.0041}}"

static void begin(struct room *room)
{
    fake.answers = "gemini:m-1";
    fake.answer = ANSWER;
    room_start(room);
}

static void answered(struct room *room)
{
    begin(room);
    const struct chat_answer *answer = room_ask(room, "ask why is  cache slow?");
    assert_string_equal(fake.question, "why is  cache slow?");
    assert_int_equal(fake.question_incident, 0);
    assert_true(chat_says(answer->message, "The cache is full since 03:08."));
    assert_true(chat_says(answer->message, "Writes fail."));
    assert_true(chat_says(answer->message, "redis_info cache (2 times), resource_logs db"));
    assert_true(chat_says(answer->message, "gemini:m-1 · 2100+300 tokens, $0.0041 · 3.2 s"));
    assert_false(answer->private_answer);
}

static void test_a_question_is_answered_with_what_was_looked_at(void **state)
{
    room_run(state, answered);
}

static void in_thread(struct room *room)
{
    begin(room);
    struct mw_chat_event event = {.kind = MW_CHAT_COMMAND,
                                  .id = "t1",
                                  .person = "",
                                  .text = "ask what now",
                                  .incident = "I42"};
    assert_true(room_event(room, &event));
    room_await(chat.answer_count == 1);
    assert_int_equal(fake.question_incident, 42);
}

static void test_inside_a_thread_it_is_about_its_incident(void **state)
{
    room_run(state, in_thread);
}

static void busy(struct room *room)
{
    begin(room);
    fake.answer_ms = 400;
    assert_true(room_say(room, "ask the first"));
    assert_true(room_say(room, "ask the second"));
    assert_true(room_say(room, "ack I42"));
    room_await(fake.decision_count == 1);
    /* A yes did not wait for it, and the second question was told so. */
    room_await(chat.answer_count == 2);
    assert_true(chat_says(chat.answers[0].message, "One question at a time"));
    assert_int_equal(fake.questions, 1);
    room_await(chat.answer_count == 3);
    assert_true(chat_says(chat.answers[2].message, "The cache is full"));
    fake.answer_ms = 0;
    room_ask(room, "ask the third");
    assert_int_equal(fake.questions, 2);
}

static void test_one_at_a_time_and_nobody_waits_behind_it(void **state)
{
    room_run(state, busy);
}

static void many_logs(struct room *room)
{
    begin(room);
    room->converse->channels[0]->errands = 8;
    room_ask(room, "ask are you there");
    assert_int_equal(fake.questions, 1);
    room->converse->channels[0]->errands = 0;
}

static void test_a_question_has_its_own_place_beside_logs(void **state)
{
    room_run(state, many_logs);
}

static void nobody(struct room *room)
{
    room_start(room);
    const struct chat_answer *answer = room_ask(room, "ask why");
    assert_true(chat_says(answer->message, "No model is configured"));
    assert_true(chat_says(answer->message, "Say: status"));
    assert_int_equal(fake.questions, 0);
    assert_true(chat_says(room_ask(room, "ask")->message, "What do you want to know?"));
    assert_true(chat_says(room_ask(room, "help")->message, "ask QUESTION"));
}

static void test_without_a_model_it_says_so(void **state)
{
    room_run(state, nobody);
}

static void trouble(struct room *room)
{
    begin(room);
    fake.answer = NULL;
    fake.refuse = MW_ERROR_RETRY;
    assert_true(chat_says(room_ask(room, "ask why")->message,
                          "I cannot answer that now: HTTP 503: the service is in trouble"));
    mw_redact_secret("swordfish99");
    fake.answer = "{\"text\":\"it is \\u001b[31mswordfish99\\n\\n\",\"looked\":[],\"usage\":{}}";
    const struct chat_answer *answer = room_ask(room, "ask the password");
    char *text = chat_text(room->memory, answer->message);
    assert_null(strstr(text, "swordfish99"));
    assert_null(strchr(text, '\033'));
    assert_true(chat_says(answer->message, "looked at what was measured and recorded"));
    mw_redact_forget_all();
}

static void test_trouble_is_told_and_secrets_are_not(void **state)
{
    room_run(state, trouble);
}

/* ---- impaired ---- */

static void tell(struct room *room, enum mw_impairment impairment, const char *why,
                 const char *instead)
{
    const struct mw_respond_listener *listener = mw_converse_listener(room->converse);
    for (int i = 0; i < 3; i++) {
        listener->impaired(listener->context, "gemini:m-1", impairment, why, instead);
    }
    room_await(!mw_notice_is_due(room->converse));
    room_settle(room);
}

static void impaired(struct room *room)
{
    room_start(room);
    tell(room, MW_IMPAIRMENT_NONE, NULL, "runbook");
    assert_int_equal(chat.message_count, 0);
    tell(room, MW_IMPAIRMENT_UNREACHABLE, "HTTP 503", "runbook");
    tell(room, MW_IMPAIRMENT_UNREACHABLE, "HTTP 502", "runbook");
    assert_int_equal(chat.message_count, 1);
    assert_true(chat_says(chat.messages[0].message, "gemini:m-1 cannot be used for now: HTTP 503"));
    assert_true(chat_says(chat.messages[0].message, "Plans come from the runbooks meanwhile"));
    /* Another cause is news; that the first is over is not. */
    tell(room, MW_IMPAIRMENT_REFUSED, "HTTP 401: look at llm.api_key", NULL);
    assert_int_equal(chat.message_count, 2);
    assert_true(chat_says(chat.messages[1].message, "HTTP 401: look at llm.api_key"));
    assert_true(chat_says(chat.messages[1].message, "Nobody proposes plans meanwhile"));
    tell(room, MW_IMPAIRMENT_NONE, NULL, NULL);
    assert_int_equal(chat.message_count, 3);
    assert_true(chat_says(chat.messages[2].message, "gemini:m-1 answers again"));
    tell(room, MW_IMPAIRMENT_NONE, NULL, NULL);
    assert_int_equal(chat.message_count, 3);
    tell(room, MW_IMPAIRMENT_SPENT, "today's budget of $20.00 is used up", "runbook");
    assert_int_equal(chat.message_count, 4);
}

static void test_an_impaired_planner_is_told_once_for_each_cause(void **state)
{
    room_run(state, impaired);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROOM_TEST(test_a_question_is_answered_with_what_was_looked_at),
        ROOM_TEST(test_inside_a_thread_it_is_about_its_incident),
        ROOM_TEST(test_one_at_a_time_and_nobody_waits_behind_it),
        ROOM_TEST(test_a_question_has_its_own_place_beside_logs),
        ROOM_TEST(test_without_a_model_it_says_so),
        ROOM_TEST(test_trouble_is_told_and_secrets_are_not),
        ROOM_TEST(test_an_impaired_planner_is_told_once_for_each_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
