/* SPDX-License-Identifier: Apache-2.0 */
/* What is said about midwatch itself: once when it is so, once when it is over, whatever happens between. */
#include "room.h"

#include <string.h>

#include "base/clock.h"
#include "base/redact.h"
#include "converse/room.h"

#define BAD  "The model cannot be reached. Plans come from the runbooks."
#define GOOD "The model answers again."

static size_t count_saying(const char *part)
{
    size_t found = 0;
    for (size_t i = 0; i < chat.message_count; i++) {
        char *text = chat_text(NULL, chat.messages[i].message);
        found += strstr(text, part) != NULL;
        talloc_free(text);
    }
    return found;
}

static void settle(struct room *room)
{
    room_await(!mw_notice_is_due(room->converse));
    room_settle(room);
}

static void say_bad(struct room *room)
{
    for (int i = 0; i < 5; i++) {
        mw_converse_notice(room->converse, "model/unreachable", BAD);
    }
    settle(room);
}

static void say_good(struct room *room)
{
    for (int i = 0; i < 5; i++) {
        mw_converse_notice_over(room->converse, "model/unreachable", GOOD);
    }
    settle(room);
}

static void once_and_over(struct room *room)
{
    room_start(room);
    say_good(room);
    assert_int_equal(chat.message_count, 0);
    say_bad(room);
    say_bad(room);
    assert_int_equal(chat.message_count, 1);
    assert_string_equal(chat.messages[0].thread, "");
    assert_true(chat_says(chat.messages[0].message, BAD));
    say_good(room);
    say_good(room);
    assert_int_equal(chat.message_count, 2);
    assert_true(chat_says(chat.messages[1].message, GOOD));
    /* The next time is news again, and not an edit that nobody sees. */
    struct mw_error error;
    mw_sleep(2, &error);
    say_bad(room);
    assert_int_equal(count_saying(BAD), 2);
    assert_int_equal(chat.edits, 0);
}

static void test_it_is_told_once_until_it_is_over(void **state)
{
    room_run(state, once_and_over);
}

static void restarted(struct room *room)
{
    room_start(room);
    say_bad(room);
    room_restart(room);
    say_bad(room);
    assert_int_equal(count_saying(BAD), 1);
    room_restart(room);
    say_good(room);
    assert_int_equal(count_saying(GOOD), 1);
    room_restart(room);
    say_good(room);
    assert_int_equal(count_saying(GOOD), 1);
    assert_int_equal(chat.posts, 0);
}

static void test_a_restart_repeats_nothing_and_forgets_nothing(void **state)
{
    room_run(state, restarted);
}

static void see(struct room *room, const char *why)
{
    const struct mw_respond_listener *listener = mw_converse_listener(room->converse);
    mw_watch_find(room->watch, "cache")->blind = why != NULL;
    listener->blind(listener->context, "cache", why);
    settle(room);
}

static void blindness(struct room *room)
{
    room_start(room);
    see(room, NULL);
    assert_int_equal(chat.message_count, 0);
    see(room, "the password is wrong");
    see(room, "the password is wrong");
    assert_int_equal(chat.message_count, 1);
    assert_true(chat_says(chat.messages[0].message,
                          "I cannot look at cache, so nobody knows how it is: the password is"));
    room_restart(room);
    see(room, "the password is wrong");
    assert_int_equal(count_saying("I cannot look"), 1);
    see(room, NULL);
    assert_int_equal(count_saying("cache can be looked at again"), 1);
}

static void test_what_nobody_can_look_at_is_told(void **state)
{
    room_run(state, blindness);
}

static void apart(struct room *room)
{
    room_start(room);
    say_bad(room);
    mw_converse_notice(room->converse, "configuration", "The file has a fault in line 7.");
    settle(room);
    assert_int_equal(chat.message_count, 2);
    /* What ends without a word can begin again. */
    mw_converse_notice_over(room->converse, "model/unreachable", NULL);
    settle(room);
    assert_int_equal(chat.message_count, 2);
    struct mw_error error;
    mw_sleep(2, &error);
    say_bad(room);
    assert_int_equal(count_saying(BAD), 2);
}

static void test_keys_do_not_know_each_other(void **state)
{
    room_run(state, apart);
}

static void flapping(struct room *room)
{
    mw_converse_notice(room->converse, "model/unreachable", BAD);
    mw_converse_notice_over(room->converse, "model/unreachable", GOOD);
    mw_converse_notice(room->converse, "other", "Before the start.");
    room_start(room);
    settle(room);
    assert_int_equal(count_saying(BAD) + count_saying(GOOD), 0);
    assert_int_equal(count_saying("Before the start."), 1);
}

static void test_what_was_over_before_it_was_told_is_not_told(void **state)
{
    room_run(state, flapping);
}

static void full(struct room *room)
{
    room_start(room);
    disk_is_full_for = "INSERT INTO outbox";
    mw_converse_notice(room->converse, "model/unreachable", BAD);
    struct mw_error error;
    mw_sleep(50, &error);
    assert_int_equal(count_saying(BAD), 0);
    disk_is_full_for = NULL;
    settle(room);
    assert_int_equal(count_saying(BAD), 1);
}

static void test_a_record_that_fails_delays_it(void **state)
{
    room_run(state, full);
}

static void looks(struct room *room)
{
    room_start(room);
    mw_redact_secret("swordfish99");
    mw_converse_notice(room->converse, "model/refused", "It says: \033[31mswordfish99 is wrong");
    settle(room);
    char *text = chat_text(room->memory, chat.messages[0].message);
    assert_null(strstr(text, "swordfish99"));
    assert_null(strchr(text, '\033'));
    mw_redact_forget_all();
    /* A notice is nothing that is decided on. */
    room_react(room, "octagonal_sign", chat.messages[0].reference, false);
    settle(room);
    assert_int_equal(chat.answer_count, 0);
    assert_int_equal(fake.decision_count, 0);
}

static void test_it_is_clean_and_not_decided_on(void **state)
{
    room_run(state, looks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROOM_TEST(test_it_is_told_once_until_it_is_over),
        ROOM_TEST(test_a_restart_repeats_nothing_and_forgets_nothing),
        ROOM_TEST(test_what_nobody_can_look_at_is_told),
        ROOM_TEST(test_keys_do_not_know_each_other),
        ROOM_TEST(test_what_was_over_before_it_was_told_is_not_told),
        ROOM_TEST(test_a_record_that_fails_delays_it),
        ROOM_TEST(test_it_is_clean_and_not_decided_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
