/* SPDX-License-Identifier: Apache-2.0 */
/* From what a person says to a decision or an answer. */
#include "room.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "watch/internal.h"

/* An incident with a plan that waits, told to the chat. */
static struct mw_incident *asked(struct room *room)
{
    struct mw_incident *incident = fixture_incident(room->memory);
    fixture_propose(incident);
    fixture_ask(incident, 1);
    room_record(room, incident);
    room_settle(room);
    fake.incident = incident;
    fake.open[0] = incident->id;
    fake.open_count = 1;
    return incident;
}

static size_t pending(struct room *room)
{
    struct mw_error error;
    size_t count = 99;
    struct mw_inbox_event *events = mw_inbox_pending(room->record, room->memory, &count, &error);
    talloc_free(events);
    return count;
}

/* The platform showed the plan, and did not say so yet. */
static void early_reactions(struct room *room)
{
    room_start(room);
    struct mw_incident *incident = asked(room);
    chat.fail = MW_ERROR_TIMEOUT;
    chat.fail_count = 2;
    chat.lost = true;
    fixture_propose(incident);
    fixture_ask(incident, 1);
    room_record(room, incident);
    room_await(chat_find("I42/plan/2") != NULL);
    const char *reference = chat_find("I42/plan/2")->reference;
    assert_int_equal(chat.fail_count, 1);
    room_react(room, "✅", reference, false);
    room_react(room, "✅", reference, true);
    room_settle(room);
    room_await(fake.decision_count == 2);
    assert_int_equal(fake.decisions[0].action, MW_ACTION_APPROVE);
    assert_int_equal(fake.decisions[0].revision, 2);
    assert_int_equal(fake.decisions[1].action, MW_ACTION_WITHDRAW);
    room_await(pending(room) == 0);
}

static void test_a_reaction_may_come_before_the_message_is_known(void **state)
{
    room_run(state, early_reactions);
}

static void decisions(struct room *room)
{
    room_start(room);
    asked(room);
    const struct chat_answer *answer = room_ask(room, "approve i42 R1");
    assert_true(chat_says(answer->message, "As you say."));
    assert_false(answer->private_answer);
    room_ask(room, "reject I42 not now");
    room_ask(room, "ack I42");
    room_ask(room, "stop I42");
    room_ask(room, "undo I42");
    room_settle(room);
    static const enum mw_action expected[] = {MW_ACTION_APPROVE, MW_ACTION_REJECT, MW_ACTION_ACK,
                                              MW_ACTION_STOP, MW_ACTION_UNDO};
    assert_int_equal(fake.decision_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(fake.decisions[i].action, expected[i]);
        assert_int_equal(fake.decisions[i].incident, 42);
        assert_string_equal(fake.decisions[i].person, "alice");
        assert_int_equal(fake.decisions[i].role, MW_ROLE_APPROVER);
    }
    assert_int_equal(fake.decisions[0].revision, 1);
    assert_int_equal(fake.decisions[1].revision, 0);
    assert_string_equal(fake.decisions[1].note, "not now");
    assert_int_equal(pending(room), 0);
}

static void test_decisions(void **state)
{
    room_run(state, decisions);
}

static void refused(struct room *room)
{
    room_start(room);
    asked(room);
    fake.refuse = MW_ERROR_REFUSED;
    fake.said = NULL;
    const struct chat_answer *answer = room_ask(room, "approve I42");
    assert_true(answer->private_answer);
    assert_true(chat_says(answer->message, "refused for a test"));
}

static void test_a_refusal_is_private(void **state)
{
    room_run(state, refused);
}

static void redelivered(struct room *room)
{
    room_start(room);
    asked(room);
    struct mw_chat_event event = {
        .kind = MW_CHAT_COMMAND, .id = "same", .person = "", .text = "approve I42"};
    for (int i = 0; i < 5; i++) {
        assert_true(room_event(room, &event));
    }
    room_settle(room);
    assert_int_equal(fake.decision_count, 1);
    assert_int_equal(chat.answer_count, 1);
}

static void test_a_redelivered_event_counts_once(void **state)
{
    room_run(state, redelivered);
}

static void in_order(struct room *room)
{
    room_start(room);
    asked(room);
    assert_true(room_say(room, "approve I42"));
    assert_true(room_say(room, "logs cache"));
    assert_true(room_say(room, "reject I42"));
    assert_true(room_say(room, "stop I42"));
    room_settle(room);
    assert_int_equal(fake.decision_count, 3);
    assert_int_equal(fake.decisions[0].action, MW_ACTION_APPROVE);
    assert_int_equal(fake.decisions[1].action, MW_ACTION_REJECT);
    assert_int_equal(fake.decisions[2].action, MW_ACTION_STOP);
    assert_int_equal(chat.answer_count, 4);
}

static void test_decisions_keep_their_order(void **state)
{
    room_run(state, in_order);
}

/* Far more than the queue holds, before any of it is handled. */
static void flood(struct room *room)
{
    room_start(room);
    asked(room);
    assert_true(room_say(room, "approve I42"));
    for (int i = 0; i < 2600; i++) {
        room_react(room, "✅", "ref-of-nobody", false);
    }
    assert_true(room_say(room, "reject I42"));
    room_settle(room);
    assert_int_equal(fake.decision_count, 2);
    assert_int_equal(fake.decisions[0].action, MW_ACTION_APPROVE);
    assert_int_equal(fake.decisions[1].action, MW_ACTION_REJECT);
    assert_int_equal(pending(room), 0);
    assert_true(room_say(room, "ack I42"));
    room_settle(room);
    assert_int_equal(fake.decision_count, 3);
}

static void meaningless(struct room *room)
{
    room_start(room);
    asked(room);
    const char *plan = chat_find("I42/plan/1")->reference;
    room_react(room, "✅", "ref-of-nobody", false);
    assert_int_equal(pending(room), 1);
    room_settle(room);
    room_react(room, "🎉", plan, false);
    room_react(room, "🎉", plan, true);
    assert_int_equal(pending(room), 0);
}

static void test_what_means_nothing_is_not_recorded(void **state)
{
    room_run(state, meaningless);
}

static void test_a_flood_waits_in_the_record(void **state)
{
    room_run(state, flood);
}

static void after_a_crash(struct room *room)
{
    struct mw_error error;
    bool fresh;
    int64_t id;
    /* Recorded and acknowledged by a run that died before it could act on it. */
    json_auto_t *body = json_pack("{s:s, s:s, s:s, s:s}", "kind", "command", "id", "old", "person",
                                  "", "text", "approve I42 r1");
    assert_true(mw_inbox_add(room->record, "terminal", "old", body, &id, &fresh, &error));
    json_auto_t *other = json_pack("{s:s}", "kind", "command");
    assert_true(mw_inbox_add(room->record, "gone", "x", other, &id, &fresh, &error));
    json_auto_t *odd = json_pack("{s:i}", "kind", 7);
    assert_true(mw_inbox_add(room->record, "terminal", "odd", odd, &id, &fresh, &error));
    room_start(room);
    room_settle(room);
    assert_int_equal(fake.decision_count, 1);
    assert_int_equal(fake.decisions[0].revision, 1);
    assert_int_equal(pending(room), 0);
}

static void test_an_approval_survives_a_crash(void **state)
{
    room_run(state, after_a_crash);
}

static void cut_short(struct room *room)
{
    room_start(room);
    asked(room);
    fake.refuse = MW_ERROR_CANCELLED;
    assert_true(room_say(room, "approve I42"));
    room_settle(room);
    assert_int_equal(fake.decision_count, 1);
    assert_int_equal(chat.answer_count, 0);
    assert_int_equal(pending(room), 1);
    fake.refuse = MW_ERROR_NONE;
    room_restart(room);
    room_settle(room);
    assert_int_equal(fake.decision_count, 2);
    assert_int_equal(pending(room), 0);
}

static void test_a_decision_cut_short_is_taken_up_again(void **state)
{
    room_run(state, cut_short);
}

static void reactions(struct room *room)
{
    room_start(room);
    struct mw_incident *incident = asked(room);
    const char *plan = chat_find("I42/plan/1")->reference;
    const char *card = chat_find("I42/card")->reference;
    const char *evidence = chat_find("I42/evidence")->reference;
    room_react(room, "✅", plan, false);
    room_react(room, "+1", card, false);
    room_react(room, "🎉", plan, false);
    room_react(room, "✅", evidence, false);
    room_react(room, "👀", evidence, false);
    room_react(room, "✅", plan, true);
    room_react(room, "❌", plan, true);
    room_react(room, "🔁", plan, false);
    room_react(room, "✅", "ref-of-nobody", false);
    room_settle(room);
    static const struct {
        enum mw_action action;
        int revision;
    } expected[] = {{MW_ACTION_APPROVE, 1},
                    {MW_ACTION_APPROVE, 0},
                    {MW_ACTION_ACK, 0},
                    {MW_ACTION_WITHDRAW, 1},
                    {MW_ACTION_AGAIN, 1}};
    assert_int_equal(fake.decision_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(fake.decisions[i].incident, incident->id);
        assert_int_equal(fake.decisions[i].action, expected[i].action);
        assert_int_equal(fake.decisions[i].revision, expected[i].revision);
    }
    /* The reaction itself is to be seen; only a refusal needs words. */
    assert_int_equal(chat.answer_count, 0);
    fake.refuse = MW_ERROR_REFUSED;
    room_react(room, "✅", plan, false);
    room_settle(room);
    assert_int_equal(chat.answer_count, 1);
    assert_true(chat.answers[0].private_answer);
}

static void test_reactions(void **state)
{
    room_run(state, reactions);
}

static void typed_reactions(struct room *room)
{
    room_start(room);
    asked(room);
    struct mw_chat_event event = {.kind = MW_CHAT_REACTION,
                                  .id = "t1",
                                  .person = "",
                                  .text = "r1",
                                  .emoji = "✅",
                                  .incident = "I42"};
    assert_true(room_event(room, &event));
    room_settle(room);
    assert_int_equal(fake.decision_count, 1);
    assert_int_equal(fake.decisions[0].revision, 1);
    assert_true(chat_says(chat.answers[0].message, "As you say."));

    event =
        (struct mw_chat_event){.kind = MW_CHAT_REACTION, .id = "t2", .person = "", .emoji = "✅"};
    assert_true(room_event(room, &event));
    room_settle(room);
    assert_int_equal(fake.decision_count, 1);
    assert_true(chat_says(chat.answers[1].message, "Say: ✅ I42"));
}

static void test_typed_reactions(void **state)
{
    room_run(state, typed_reactions);
}

static void questions(struct room *room)
{
    room_start(room);
    const struct chat_answer *answer = room_ask(room, "approve");
    assert_true(chat_says(answer->message, "No incident is open."));
    asked(room);
    answer = room_ask(room, "approve");
    assert_true(chat_says(answer->message, "approve I42"));
    assert_int_equal(fake.decision_count, 0);
    answer = room_ask(room, "aprove I42");
    assert_true(chat_says(answer->message, "Did you mean: approve I42"));
    assert_true(answer->private_answer);
    answer = room_ask(room, "fix cahce");
    assert_true(chat_says(answer->message, "Did you mean: fix cache"));
    answer = room_ask(room, "fix CACHE");
    assert_string_equal(fake.fixed, "cache");
    answer = room_ask(room, "drill redis-memory-pressure cache");
    assert_true(chat_says(answer->message, "not in this version"));
    answer = room_ask(room, "show I99");
    assert_true(chat_says(answer->message, "There is no I99"));
    assert_int_equal(fake.decision_count, 0);
}

static void test_questions_come_back_with_the_right_words(void **state)
{
    room_run(state, questions);
}

/* Tables keep to the 40 columns of a phone. */
static void assert_phone(const json_t *message)
{
    size_t b, r, c;
    json_t *block, *row, *cell;
    assert_true(json_dumpb(message, NULL, 0, JSON_COMPACT) <= 32 * 1024);
    assert_true(json_string_length(json_object_get(message, "summary")) > 0);
    json_array_foreach(json_object_get(message, "blocks"), b, block)
    {
        if (strcmp(json_string_value(json_object_get(block, "type")), "table") != 0) {
            continue;
        }
        size_t widths[3] = {0}, columns = json_array_size(json_object_get(block, "columns"));
        json_array_foreach(json_object_get(block, "rows"), r, row)
        {
            assert_int_equal(json_array_size(row), columns);
            json_array_foreach(row, c, cell)
            {
                size_t width = mw_text_width(json_string_value(cell));
                widths[c] = width > widths[c] ? width : widths[c];
            }
        }
        assert_true(widths[0] + widths[1] + widths[2] + 2 * (columns - 1) <= 40);
    }
}

static void answers(struct room *room)
{
    room_start(room);
    asked(room);
    static const struct {
        const char *words, *part;
    } cases[] = {{"help", "approve ID [rN]"},
                 {"status", "0 of 1 healthy"},
                 {"status cache", "cache (redis, local) UNKNOWN"},
                 {"incidents", "I42 cache"},
                 {"show I42", "memory 97.2 % of maxmemory"},
                 {"logs cache", "No log is configured for cache"},
                 {"history cache", "I42 memory 97.2 %"},
                 {"tools", "redis_scale_memory"},
                 {"policy", "configuration"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct chat_answer *answer = room_ask(room, cases[i].words);
        assert_true(chat_says(answer->message, cases[i].part));
        assert_phone(answer->message);
        assert_null(json_object_get(answer->message, "slot"));
    }
}

static void test_answers(void **state)
{
    room_run(state, answers);
}

static void silences(struct room *room)
{
    room_start(room);
    room_ask(room, "silence CACHE 2 hours deploying");
    assert_string_equal(fake.silenced, "cache 7200000 alice: deploying");
    room_ask(room, "silence * 30m");
    assert_string_equal(fake.silenced, "* 1800000 alice: ");
    assert_true(
        chat_says(room_ask(room, "silence cahce 2h")->message, "Did you mean: silence cache"));
    assert_string_equal(fake.silenced, "* 1800000 alice: ");
    room_ask(room, "unsilence cache");
    assert_string_equal(fake.silenced, "not cache");
    fake.quiet = "cache";
    assert_true(chat_says(room_ask(room, "status")->message, "cache is silenced by bob"));
    assert_true(chat_says(room_ask(room, "status cache")->message, "silenced by bob until 14:02"));
    fake.quiet = "*";
    assert_true(chat_says(room_ask(room, "status")->message, "everything is silenced by bob"));
    fake.refuse = MW_ERROR_REFUSED;
    fake.said = NULL;
    const struct chat_answer *answer = room_ask(room, "silence cache 2h");
    assert_true(answer->private_answer);
    assert_true(chat_says(answer->message, "refused for a test"));
}

static void test_silences(void **state)
{
    room_run(state, silences);
}

static void shared(struct room *room)
{
    room->people = 2;
    room_start(room);
    room_restart(room);
    asked(room);
    assert_true(chat_says(room_ask(room, "approve I42")->message, "alice: approve I42"));
    assert_true(chat_says(room_ask(room, "fix cache")->message, "alice: fix cache"));
    assert_int_equal(fake.decision_count, 0);
    assert_string_equal(fake.fixed, "");
    assert_string_equal(fake.silenced, "");
    /* Reading needs no name. */
    assert_true(chat_says(room_ask(room, "status")->message, "cache"));
    assert_true(chat_says(room_ask(room, "help")->message, "approve ID"));
    struct mw_chat_event event = {
        .kind = MW_CHAT_COMMAND, .id = "b", .person = "bob", .text = "reject I42"};
    assert_true(room_event(room, &event));
    room_settle(room);
    assert_int_equal(fake.decision_count, 1);
    assert_string_equal(fake.decisions[0].person, "bob");
    assert_int_equal(fake.decisions[0].role, MW_ROLE_OPERATOR);
}

static void test_who_shares_a_terminal_says_their_name(void **state)
{
    room_run(state, shared);
}

static void nobody(struct room *room)
{
    room->people = 0;
    room_start(room);
    room_restart(room);
    asked(room);
    const struct chat_answer *answer = room_ask(room, "help");
    assert_true(chat_says(answer->message, "deciding needs a role"));
    char *text = chat_text(room->memory, answer->message);
    assert_null(strstr(text, "approve"));
    room_ask(room, "approve I42");
    assert_int_equal(fake.decisions[0].role, MW_ROLE_VIEWER);
}

static void test_an_unlisted_person_is_a_viewer(void **state)
{
    room_run(state, nobody);
}

static void hostile(struct room *room)
{
    room_start(room);
    char *huge = talloc_array(room->memory, char, 200001);
    memset(huge, 'z', 200000);
    huge[200000] = '\0';
    const char *const cases[] = {huge,     "\xff\xfe", "\x1b[31mapprve I42",
                                 "%s%n%s", "",         "approve I99999999999999999999999"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct chat_answer *answer = room_ask(room, cases[i]);
        char *text = chat_text(room->memory, answer->message);
        assert_null(strchr(text, 0x1b));
        assert_true(strlen(text) < 2000);
    }
    /* An event without an id could never be told from its redelivery. */
    struct mw_chat_event event = {.kind = MW_CHAT_COMMAND, .text = "help"};
    assert_false(room_event(room, &event));
    assert_int_equal(fake.decision_count, 0);
}

static void test_hostile_words(void **state)
{
    room_run(state, hostile);
}

static void full_disk(struct room *room)
{
    room_start(room);
    asked(room);
    disk_is_full_for = "INSERT INTO inbox";
    static const char *const reading[] = {"help",          "status",   "status cache",
                                          "incidents",     "show I42", "logs cache",
                                          "history cache", "tools",    "policy"};
    for (size_t i = 0; i < sizeof reading / sizeof *reading; i++) {
        room_ask(room, reading[i]);
    }
    room_settle(room);
    size_t answered = chat.answer_count;
    static const char *const deciding[] = {
        "approve I42", "reject I42", "stop I42", "fix cache",        "ack I42",
        "freeze",      "thaw",       "undo I42", "silence cache 2h", "unsilence cache"};
    for (size_t i = 0; i < sizeof deciding / sizeof *deciding; i++) {
        char id[32];
        snprintf(id, sizeof id, "d%zu", i);
        struct mw_chat_event event = {
            .kind = MW_CHAT_COMMAND, .id = id, .person = "", .text = deciding[i]};
        struct mw_error error;
        assert_false(chat.chat->host->event(chat.chat->host->context, chat.chat, &event, &error));
        assert_non_null(strstr(error.text, "it could not be recorded, so nothing was done: "));
        assert_non_null(strstr(error.text, "the disk is full: make room there"));
    }
    room_settle(room);
    assert_int_equal(chat.answer_count, answered);
    assert_int_equal(fake.decision_count, 0);
    assert_string_equal(fake.fixed, "");
    disk_is_full_for = NULL;
    assert_int_equal(pending(room), 0);
    room_ask(room, "approve I42");
    assert_int_equal(fake.decision_count, 1);
}

static void test_a_full_disk_leaves_reading(void **state)
{
    room_run(state, full_disk);
}

static void sample(struct mw_resource *resource, mw_wall_ms at, double percent, double clients)
{
    resource->last = (struct mw_sample){
        .measured_at = at,
        .count = 2,
        .metrics = {{"memory_percent", percent, true}, {"connected_clients", clients, true}}};
    mw_history_add(resource->history, &resource->last, false);
    resource->probed_at = at;
    resource->reached = true;
}

static void history(struct room *room)
{
    room_start(room);
    struct mw_resource *cache = mw_watch_find(room->watch, "cache");
    assert_true(chat_says(room_ask(room, "history cache")->message, "no sample yet"));
    sample(cache, FIXTURE_SINCE, 10, 1);
    assert_true(chat_says(room_ask(room, "history cache")->message, "its only sample"));
    for (int i = 0; i < 12; i++) {
        sample(cache, FIXTURE_SINCE + 1000 + i * 5000, i < 6 ? 50 : 50.5, i < 6 ? 20 : 10);
    }
    const struct chat_answer *answer = room_ask(room, "history cache");
    assert_true(chat_says(answer->message, "cache (redis, local), last 12 samples, 55 s"));
    /* Half a hundred is half a bar, however little it moves; and half of the most is half as well. */
    assert_true(chat_says(answer->message, "▅▅▅▅▅▅▅▅▅▅▅▅"));
    assert_true(chat_says(answer->message, "██████▅▅▅▅▅▅"));
}

static void test_the_bars_of_a_history_have_a_scale(void **state)
{
    room_run(state, history);
}

static void blind(struct room *room)
{
    room_start(room);
    struct mw_resource *cache = mw_watch_find(room->watch, "cache");
    cache->probed_at = FIXTURE_SINCE;
    cache->reason = talloc_strdup(cache, "the password is wrong");
    const struct chat_answer *answer = room_ask(room, "status");
    assert_true(chat_says(answer->message, "cannot look"));
    answer = room_ask(room, "status cache");
    assert_true(chat_says(answer->message, "cannot look: the password is wrong"));
    cache->health = MW_HEALTH_FAILED;
    cache->findings = talloc_zero_array(cache, struct mw_finding, 1);
    cache->findings[0].text = talloc_strdup(cache, "cannot be reached");
    cache->finding_count = 1;
    assert_true(chat_says(room_ask(room, "status")->message, "unreachable"));
}

/* 100 % must not end as "1…". */
static void narrow(struct room *room)
{
    room_start(room);
    struct mw_resource *cache = mw_watch_find(room->watch, "cache");
    cache->reached = true;
    cache->probed_at = FIXTURE_SINCE;
    mw_sample_add(&cache->last, "slots_percent", 100, true);
    assert_true(chat_says(room_ask(room, "status")->message, "connect… 100 %"));
}

static void test_a_number_is_never_cut(void **state)
{
    room_run(state, narrow);
}

static void test_what_cannot_be_looked_at_is_not_called_unreachable(void **state)
{
    room_run(state, blind);
}

static void one_of_each(struct room *room)
{
    room_start(room);
    assert_true(chat_says(room_ask(room, "tools")->message, "1 tool for what is watched"));
}

static void test_one_is_no_plural(void **state)
{
    room_run(state, one_of_each);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROOM_TEST(test_decisions),
        ROOM_TEST(test_a_reaction_may_come_before_the_message_is_known),
        ROOM_TEST(test_a_refusal_is_private),
        ROOM_TEST(test_a_redelivered_event_counts_once),
        ROOM_TEST(test_decisions_keep_their_order),
        ROOM_TEST(test_a_flood_waits_in_the_record),
        ROOM_TEST(test_what_means_nothing_is_not_recorded),
        ROOM_TEST(test_an_approval_survives_a_crash),
        ROOM_TEST(test_a_decision_cut_short_is_taken_up_again),
        ROOM_TEST(test_reactions),
        ROOM_TEST(test_typed_reactions),
        ROOM_TEST(test_questions_come_back_with_the_right_words),
        ROOM_TEST(test_answers),
        ROOM_TEST(test_silences),
        ROOM_TEST(test_who_shares_a_terminal_says_their_name),
        ROOM_TEST(test_an_unlisted_person_is_a_viewer),
        ROOM_TEST(test_hostile_words),
        ROOM_TEST(test_a_full_disk_leaves_reading),
        ROOM_TEST(test_the_bars_of_a_history_have_a_scale),
        ROOM_TEST(test_a_number_is_never_cut),
        ROOM_TEST(test_what_cannot_be_looked_at_is_not_called_unreachable),
        ROOM_TEST(test_one_is_no_plural),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
