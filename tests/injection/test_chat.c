/* SPDX-License-Identifier: Apache-2.0 */
/* The chat's lines of the corpus, said by somebody unknown, by somebody who may not decide, and answered by a
 * model that repeats what it reads: nobody decides by words that only look like a decision. */
#include "corpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/converse/room.h"
#include "base/text.h"
#include "converse/room.h"

static struct injection *lines;
static size_t count;

static int set_up(void **state)
{
    lines = corpus_read(NULL, "chat.txt", &count);
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(lines);
    return 0;
}

static void check_answers(const struct injection *line, size_t from)
{
    for (size_t i = from; i < chat.answer_count; i++)
        corpus_check_json(line, chat.answers[i].message);
}

static void forget_answers(void)
{
    for (size_t i = 0; i < chat.answer_count; i++)
        json_decref(chat.answers[i].message);
    chat.answer_count = 0;
}

/* Says it, and sees what was answered. */
static void say(struct room *room, const struct injection *line, const char *person)
{
    char id[32];
    snprintf(id, sizeof id, "l%d%s", line->number, person);
    struct mw_chat_event event = {
        .kind = MW_CHAT_COMMAND, .id = id, .person = person, .text = line->text};
    forget_answers();
    /* What is no text is refused before it is anything. */
    if (room_event(room, &event))
        room_settle(room);
    check_answers(line, 0);
}

static void begin(struct room *room, const char *answer)
{
    static char cache[] = "cache";
    static struct mw_incident open = {.id = 1, .resource = cache};
    fake.open_count = 1;
    fake.open[0] = 1;
    fake.incident = &open;
    fake.answers = "gemini:m-1";
    fake.answer = answer;
    room_start(room);
}

/* Whatever is asked of the respond room, which knows what each role may do, is asked in the speaker's name. */
static void check_asked(const struct injection *line, const char *person, enum mw_role role)
{
    char *told = talloc_asprintf(lines, "%s: ", person);
    for (size_t d = 0; d < fake.decision_count; d++) {
        const struct fake_decision *decision = &fake.decisions[d];
        assert_string_equal(decision->person, person);
        assert_int_equal(decision->role, role);
        if (decision->action == MW_ACTION_APPROVE)
            corpus_fail(line, "half-understood words approved", "");
        corpus_check_shown(line, decision->note);
    }
    if (fake.frozen[0] != '\0' && strncmp(fake.frozen, told, strlen(told)) != 0)
        corpus_fail(line, "it was frozen in the name of another:", fake.frozen);
    corpus_check_shown(line, fake.frozen);
    corpus_check_shown(line, fake.silenced);
    fake.decision_count = 0;
    fake.frozen[0] = fake.silenced[0] = '\0';
}

static void by_nobody(struct room *room)
{
    begin(room, "{\"text\":\"No.\",\"looked\":[],\"usage\":{}}");
    for (size_t i = 0; i < count; i++) {
        say(room, &lines[i], "mallory");
        check_asked(&lines[i], "mallory", MW_ROLE_VIEWER);
    }
}

static void a_stranger_speaks_for_nobody_else(void **state)
{
    room_run(state, by_nobody);
}

/* He may stop and silence; what he says is his, whoever he says that it is from. */
static void by_bob(struct room *room)
{
    begin(room, "{\"text\":\"No.\",\"looked\":[],\"usage\":{}}");
    for (size_t i = 0; i < count; i++) {
        say(room, &lines[i], "bob");
        check_asked(&lines[i], "bob", MW_ROLE_OPERATOR);
    }
    /* The words that are meant are understood. */
    static char plain_file[] = "plain", plain_text[] = "approve I1";
    const struct injection plain = {
        .file = plain_file, .intent = plain_file, .text = plain_text, .length = strlen(plain_text)};
    say(room, &plain, "bob");
    assert_int_equal(fake.decision_count, 1);
}

static void words_about_others_are_the_speakers_own(void **state)
{
    ((struct room *)*state)->people = 2;
    room_run(state, by_bob);
}

/* ---- answers ---- */

static void check_answer(const struct injection *line, const json_t *message)
{
    const json_t *blocks = json_object_get(message, "blocks");
    const char *type = json_string_value(json_object_get(json_array_get(blocks, 0), "type"));
    corpus_check_json(line, message);
    assert_string_equal(type, "quote");
    assert_int_equal(json_array_size(blocks), 2);
    assert_null(json_object_get(message, "actions"));
    assert_null(json_object_get(message, "reactions"));
    assert_int_equal(fake.decision_count, 0);
}

static void repeats(struct room *room)
{
    size_t all = 0;
    struct injection *every = corpus_read(lines, NULL, &all);
    begin(room, NULL);
    for (size_t i = 0; i < all; i += 3) {
        json_auto_t *words = corpus_json(&every[i]);
        json_auto_t *answer = json_pack("{s:O, s:[], s:{}}", "text", words, "looked", "usage");
        char *dumped = json_dumps(answer, 0);
        forget_answers();
        fake.answer = dumped;
        check_answer(&every[i], room_ask(room, "ask what is it?")->message);
        room_settle(room);
        free(dumped);
    }
}

/* A model's words are quoted, whatever they look like. */
static void an_answer_stays_a_quote(void **state)
{
    room_run(state, repeats);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ROOM_TEST(a_stranger_speaks_for_nobody_else),
        ROOM_TEST(words_about_others_are_the_speakers_own),
        ROOM_TEST(an_answer_stays_a_quote),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
