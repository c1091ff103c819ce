/* SPDX-License-Identifier: Apache-2.0 */
/* From a recorded incident to messages that stand on the platform, whatever goes wrong between. */
#include "room.h"

#include <string.h>

#include "base/clock.h"
#include "converse/room.h"

static void card_first(struct room *room)
{
    room_start(room);
    struct mw_incident *incident = fixture_incident(room->memory);
    room_record(room, incident);
    room_await(chat_find("I42/card") != NULL);

    const struct chat_message *card = chat_find("I42/card");
    assert_string_equal(card->thread, "");
    assert_string_equal(json_string_value(json_object_get(card->message, "state")), "firing");
    assert_string_equal(json_string_value(json_object_get(card->message, "incident")), "I42");
    assert_true(chat_says(card->message, "memory 97.2 % of maxmemory — normal 41 %"));
    /* Nothing is known yet, so the thread is empty. */
    assert_int_equal(chat.message_count, 1);
}

static void test_the_card_comes_first(void **state)
{
    room_run(state, card_first);
}

static void whole_life(struct room *room)
{
    room_start(room);
    struct mw_incident *incident = fixture_incident(room->memory);
    room_record(room, incident);
    room_settle(room);
    fixture_propose(incident);
    room_record(room, incident);
    room_settle(room);
    assert_null(chat_find("I42/plan/1"));

    fixture_ask(incident, 1);
    room_record(room, incident);
    room_settle(room);
    const struct chat_message *card = chat_find("I42/card");
    const struct chat_message *plan = chat_find("I42/plan/1");
    assert_non_null(plan);
    assert_non_null(chat_find("I42/evidence"));
    assert_string_equal(plan->thread, card->reference);
    assert_true(chat_says(card->message, "approve I42"));
    json_t *as_posted = json_deep_copy(plan->message);

    fixture_approve(incident, "alice");
    room_record_decision(room, incident);
    fixture_start_step(incident);
    room_record(room, incident);
    room_settle(room);
    assert_string_equal(json_string_value(json_object_get(card->message, "state")), "running");
    assert_true(chat_says(card->message, "Approved by alice"));
    const struct chat_message *progress = chat_find("I42/progress/1");
    assert_non_null(progress);

    fixture_end_step(incident);
    room_record(room, incident);
    room_settle(room);
    assert_true(progress->edits > 0);
    assert_true(chat_says(progress->message, "maxmemory is 64 MiB now"));

    fixture_recover(incident);
    room_record(room, incident);
    room_settle(room);
    assert_string_equal(json_string_value(json_object_get(card->message, "state")), "recovered");
    assert_true(chat_says(card->message, "memory 97.2 → 48.6 %"));
    assert_true(chat_says(chat_find("I42/verdict")->message, "total 95.7 s"));

    /* What was approved is what stands there, to the letter. */
    assert_true(json_equal(as_posted, plan->message));
    assert_int_equal(plan->edits, 0);
    json_decref(as_posted);
    assert_int_equal(chat.message_count, 5);
}

static void test_an_incident_from_open_to_closed(void **state)
{
    room_run(state, whole_life);
}

static void nothing_new(struct room *room)
{
    room_start(room);
    struct mw_incident *incident = fixture_incident(room->memory);
    room_record(room, incident);
    room_settle(room);
    for (int i = 0; i < 5; i++) {
        room_record(room, incident);
        room_settle(room);
    }
    assert_int_equal(chat.posts, 1);
    assert_int_equal(chat.edits, 0);
}

static void test_nothing_new_is_nothing_said(void **state)
{
    room_run(state, nothing_new);
}

static void told_once(struct room *room)
{
    room_start(room);
    struct mw_incident *incident = fixture_incident(room->memory);
    fixture_propose(incident);
    fixture_ask(incident, 1);
    fixture_start_step(incident);
    fixture_end_step(incident);
    fixture_recover(incident);
    room_record(room, incident);
    room_settle(room);
    struct mw_error error;
    size_t count;
    mw_record_incidents(room->record, room->memory, MW_INCIDENTS_UNTOLD, 10, &count, &error);
    assert_int_equal(count, 0);
    room_restart(room);
    room_settle(room);
    assert_int_equal(chat.posts, 0);
    assert_int_equal(chat.edits, 0);
}

static void test_after_a_restart_with_nothing_open_it_is_silent(void **state)
{
    room_run(state, told_once);
}

static void untold(struct room *room)
{
    /* Closed while nobody could tell chat: the room was not started. */
    struct mw_incident *incident = fixture_incident(room->memory);
    incident->stage = MW_STAGE_CLOSED;
    incident->outcome = MW_OUTCOME_SELF_RECOVERED;
    incident->outcome_reason = talloc_strdup(incident, "it healed before anything was done");
    room_record(room, incident);
    assert_int_equal(chat.message_count, 0);
    room_restart(room);
    room_settle(room);
    assert_true(chat_says(chat_find("I42/card")->message, "self-recovered"));
    assert_non_null(chat_find("I42/verdict"));
}

static void test_what_was_not_told_is_told_later(void **state)
{
    room_run(state, untold);
}

static void carries_on(struct room *room)
{
    room_start(room);
    struct mw_incident *incident = fixture_incident(room->memory);
    room_record(room, incident);
    room_settle(room);
    room_restart(room);
    room_settle(room);
    assert_int_equal(chat.posts + chat.edits, 0);
    fixture_propose(incident);
    fixture_ask(incident, 1);
    room_record(room, incident);
    room_settle(room);
    assert_int_equal(chat_find("I42/card")->edits, 1);
    assert_string_equal(chat_find("I42/plan/1")->thread, chat_find("I42/card")->reference);
}

static void test_a_restart_carries_on_in_the_same_thread(void **state)
{
    room_run(state, carries_on);
}

static void platform_is_down(struct room *room)
{
    chat.fail = MW_ERROR_RETRY;
    chat.fail_count = 2;
    room_start(room);
    struct mw_incident *incident = fixture_incident(room->memory);
    room_record(room, incident);
    room_await(chat.fail_count == 0);
    fixture_propose(incident);
    fixture_ask(incident, 1);
    room_record(room, incident);
    room_await(chat_find("I42/plan/1") != NULL);
    room_settle(room);
    /* The card came first, already as it should be by then, and only once. */
    assert_string_equal(chat.messages[0].key, "I42/card");
    assert_true(chat_says(chat.messages[0].message, "approve I42"));
    assert_string_equal(chat_find("I42/evidence")->thread, chat.messages[0].reference);
    assert_int_equal(chat.message_count, 3);
}

static void test_nothing_is_lost_while_the_platform_is_down(void **state)
{
    room_run(state, platform_is_down);
}

static void fate_unknown(struct room *room)
{
    struct mw_error error;
    chat.fail = MW_ERROR_TIMEOUT;
    chat.fail_count = 1000;
    chat.lost = true;
    room_start(room);
    room_record(room, fixture_incident(room->memory));
    room_await(chat.posts > 0);
    mw_converse_stop(room->converse);

    size_t count;
    struct mw_outbox_row *rows =
        mw_outbox_due(room->record, room->memory, "terminal", 10, &count, &error);
    assert_non_null(rows);
    assert_int_equal(count, 1);
    assert_true(rows[0].in_doubt);
    assert_null(rows[0].reference);

    chat.fail_count = 0;
    room_restart(room);
    room_settle(room);
    assert_int_equal(chat.posts, 1);
    assert_int_equal(chat.message_count, 1);
    rows = mw_outbox_due(room->record, room->memory, "terminal", 10, &count, &error);
    assert_int_equal(count, 0);
}

static void test_a_message_of_unknown_fate_is_posted_by_the_same_key(void **state)
{
    room_run(state, fate_unknown);
}

static void refused_for_good(struct room *room)
{
    chat.refuse_key = "I42/card";
    room_start(room);
    struct mw_incident *first = fixture_incident(room->memory);
    room_record(room, first);
    room_settle(room);
    assert_int_equal(chat.posts, 1);

    struct mw_incident *second = fixture_incident(room->memory);
    second->id = 43;
    second->stage = MW_STAGE_PLAN;
    room_record(room, second);
    room_settle(room);
    assert_non_null(chat_find("I43/card"));
    assert_non_null(chat_find("I43/evidence"));
    assert_null(chat_find("I42/card"));

    /* What it says now may be taken, and what belongs below it follows. */
    chat.refuse_key = NULL;
    fixture_propose(first);
    room_record(room, first);
    room_settle(room);
    assert_non_null(chat_find("I42/card"));
    assert_string_equal(chat_find("I42/evidence")->thread, chat_find("I42/card")->reference);
}

static void test_a_refused_message_holds_up_nobody_else(void **state)
{
    room_run(state, refused_for_good);
}

static void many(struct room *room)
{
    room_start(room);
    for (int i = 1; i <= 27; i++) {
        struct mw_incident *incident = fixture_incident(room->memory);
        incident->id = i;
        incident->stage = MW_STAGE_PLAN;
        room_record(room, incident);
    }
    room_settle(room);
    assert_int_equal(chat.message_count, 54);
    assert_non_null(chat_find("I1/evidence"));
    assert_non_null(chat_find("I27/evidence"));
}

static void test_many_at_once(void **state)
{
    room_run(state, many);
}

static void healed(struct room *room)
{
    room_start(room);
    struct mw_incident *incident = fixture_incident(room->memory);
    struct mw_plan *plan = fixture_propose(incident);
    fixture_ask(incident, 1);
    room_record(room, incident);
    room_settle(room);
    plan->state = MW_PLAN_VOID;
    plan->state_reason = talloc_strdup(incident, "it is healthy again");
    incident->stage = MW_STAGE_CLOSED;
    incident->outcome = MW_OUTCOME_SELF_RECOVERED;
    room_record(room, incident);
    room_settle(room);
    const struct chat_message *message = chat_find("I42/plan/1");
    assert_int_equal(message->edits, 1);
    assert_true(chat_says(message->message, "void: it is healthy again"));
    /* Nothing invites to press any more. */
    assert_null(json_object_get(message->message, "reactions"));
    assert_null(json_object_get(chat_find("I42/card")->message, "actions"));
    assert_null(chat_find("I42/progress/1"));
}

static void test_a_void_plan_says_so(void **state)
{
    room_run(state, healed);
}

/* How many messages about the record say so. */
static int told(const char *part)
{
    int count = 0;
    for (size_t i = 0; i < chat.message_count; i++) {
        if (strncmp(chat.messages[i].key, "outage/", 7) == 0) {
            count += strstr(json_string_value(json_object_get(chat.messages[i].message, "summary")),
                            part) != NULL;
        }
    }
    return count;
}

static void unrecorded(struct room *room)
{
    room_start(room);
    disk_is_full_for = "UPDATE outbox SET posting = 0";
    room_record(room, fixture_incident(room->memory));
    room_await(chat_find("I42/card") != NULL);
    const struct mw_channel *channel = room->converse->channels[0];
    room_await(channel->record_fails);
    assert_int_equal(channel->held_count, 0);
    int posts = chat.posts;
    disk_is_full_for = NULL;
    room_settle(room);
    /* It was tried again soon, and what stands there already was neither posted nor edited. */
    struct mw_error error;
    size_t count;
    struct mw_outbox_row *rows =
        mw_outbox_due(room->record, room->memory, "terminal", 10, &count, &error);
    assert_non_null(rows);
    assert_int_equal(count, 0);
    assert_true(chat.posts - told("") <= posts);
    assert_int_equal(chat.edits, 0);
    char *reference;
    assert_true(mw_outbox_reference(room->record, room->memory, "terminal", 42, "card", &reference,
                                    &error));
    assert_string_equal(reference, chat_find("I42/card")->reference);
    assert_int_equal(channel->posted_count, 0);
}

static void test_what_stands_there_unrecorded_is_not_posted_again(void **state)
{
    room_run(state, unrecorded);
}

static void changed_meanwhile(struct room *room)
{
    room_start(room);
    struct mw_incident *incident = fixture_incident(room->memory);
    disk_is_full_for = "UPDATE outbox SET posting = 0";
    room_record(room, incident);
    room_await(room->converse->channels[0]->posted_count == 1);
    fixture_propose(incident);
    fixture_ask(incident, 1);
    room_record(room, incident);
    room_await(chat_find("I42/card")->edits > 0);
    disk_is_full_for = NULL;
    room_await(chat_find("I42/plan/1") != NULL);
    room_settle(room);
    assert_true(chat_says(chat_find("I42/card")->message, "approve I42"));
    assert_string_equal(chat_find("I42/plan/1")->thread, chat_find("I42/card")->reference);
    assert_int_equal(chat.posts, 3 + told(""));
}

static void test_what_stands_there_unrecorded_is_edited(void **state)
{
    room_run(state, changed_meanwhile);
}

static void outage(struct room *room)
{
    room_start(room);
    disk_is_full_for = "UPDATE outbox SET posting = 1";
    room_record(room, fixture_incident(room->memory));
    room_await(told("I cannot record: the disk is full") == 1);
    assert_null(chat_find("I42/card"));
    assert_int_equal(room->converse->channels[0]->held_count, 0);
    disk_is_full_for = "";
    struct mw_error error;
    mw_sleep(1500, &error);
    assert_int_equal(told(""), 1);
    disk_is_full_for = NULL;
    room_await(told("I can record again") == 1);
    room_settle(room);
    assert_non_null(chat_find("I42/card"));
    assert_int_equal(told(""), 2);
}

static void test_an_outage_of_the_record_is_told_once(void **state)
{
    room_run(state, outage);
}

static void half_an_outage(struct room *room)
{
    struct mw_error error;
    room_start(room);
    disk_is_full_for = "SELECT id, incident, slot, message";
    room_record(room, fixture_incident(room->memory));
    room_await(told("I cannot record: the disk is full") == 1);
    /* An event can be recorded all the while. */
    mw_sleep(4000, &error);
    assert_int_equal(told(""), 1);
    disk_is_full_for = NULL;
    for (int i = 0; i < 600 && told("I can record again") == 0; i++) {
        mw_sleep(50, &error);
    }
    assert_int_equal(told("I can record again"), 1);
    room_settle(room);
    assert_non_null(chat_find("I42/card"));
}

static void test_an_outage_is_over_when_it_is_over_for_all(void **state)
{
    room_run(state, half_an_outage);
}

static void unrecorded_incidents(struct room *room)
{
    const struct mw_respond_listener *listener = mw_converse_listener(room->converse);
    struct mw_incident *incident = fixture_incident(room->memory);
    struct mw_error why = {.class = MW_ERROR_PERMANENT, .text = "the disk is full"};
    room_start(room);
    disk_is_full_for = "";
    for (int i = 0; i < MW_OUTAGE_ALARMS_MAX + 5; i++) {
        incident->id = 42 + i;
        listener->unrecorded(listener->context, incident, &why);
        listener->unrecorded(listener->context, incident, &why);
    }
    room_await(told("cache is DEGRADED: ") == MW_OUTAGE_ALARMS_MAX);
    room_await(told("I cannot record: the disk is full") == 1);
    incident->version = 1; /* it has a card */
    listener->unrecorded(listener->context, incident, &why);
    struct mw_error error;
    mw_sleep(200, &error);
    assert_int_equal(told(""), MW_OUTAGE_ALARMS_MAX + 1);
    disk_is_full_for = NULL;
    room_await(told("I can record again") == 1);
    room_settle(room);
}

static void test_an_alarm_that_cannot_be_recorded_is_told(void **state)
{
    room_run(state, unrecorded_incidents);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROOM_TEST(test_the_card_comes_first),
        ROOM_TEST(test_an_incident_from_open_to_closed),
        ROOM_TEST(test_nothing_new_is_nothing_said),
        ROOM_TEST(test_after_a_restart_with_nothing_open_it_is_silent),
        ROOM_TEST(test_what_was_not_told_is_told_later),
        ROOM_TEST(test_a_restart_carries_on_in_the_same_thread),
        ROOM_TEST(test_nothing_is_lost_while_the_platform_is_down),
        ROOM_TEST(test_a_message_of_unknown_fate_is_posted_by_the_same_key),
        ROOM_TEST(test_a_refused_message_holds_up_nobody_else),
        ROOM_TEST(test_many_at_once),
        ROOM_TEST(test_a_void_plan_says_so),
        ROOM_TEST(test_what_stands_there_unrecorded_is_not_posted_again),
        ROOM_TEST(test_what_stands_there_unrecorded_is_edited),
        ROOM_TEST(test_an_outage_of_the_record_is_told_once),
        ROOM_TEST(test_an_outage_is_over_when_it_is_over_for_all),
        ROOM_TEST(test_an_alarm_that_cannot_be_recorded_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
