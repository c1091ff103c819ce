/* SPDX-License-Identifier: Apache-2.0 */
/* What Socket Mode brings becomes an event, or is passed over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/chat/slack/slack.h"

static TALLOC_CTX *memory;
static struct mw_slack_envelope read_out;

static int open_memory(void **state)
{
    memory = talloc_new(NULL);
    return 0;
}

static int close_memory(void **state)
{
    json_decref(read_out.view);
    read_out.view = NULL;
    talloc_free(memory);
    return 0;
}

static enum mw_slack_envelope_kind read_one(const char *type, const char *text)
{
    json_error_t where;
    json_auto_t *payload = json_loads(text, 0, &where);
    if (payload == NULL) {
        fail_msg("%s in %s", where.text, text);
    }
    json_decref(read_out.view);
    mw_slack_envelope_read(memory, type, payload, "U0BOT", &read_out);
    return read_out.kind;
}

#define EVENT(fields) "{\"event_id\": \"Ev1\", \"event\": {" fields "}}"
#define MESSAGE \
    "\"channel\": \"C1\", \"user\": \"U1\", \"ts\": \"17.1\", \"text\": \"<@U0BOT> approve\""

static void test_a_mention_is_one_message(void **state)
{
    assert_int_equal(read_one("events_api", EVENT("\"type\": \"app_mention\", " MESSAGE)),
                     MW_SLACK_EVENT);
    assert_int_equal(read_out.event.kind, MW_CHAT_COMMAND);
    assert_string_equal(read_out.event.text, "approve");
    assert_string_equal(read_out.event.person, "U1");
    assert_string_equal(read_out.event.id, "m:C1:17.1");
    assert_null(read_out.event.thread);
    assert_int_equal(read_one("events_api",
                              EVENT("\"type\": \"message\", " MESSAGE ", \"thread_ts\": \"16.5\"")),
                     MW_SLACK_EVENT);
    assert_string_equal(read_out.event.id, "m:C1:17.1");
    assert_string_equal(read_out.event.thread, "C1/16.5");
    assert_non_null(strstr(read_out.event.place, "\"16.5\""));
}

static void test_what_is_not_for_us(void **state)
{
    static const char *const others[] = {
        EVENT("\"type\": \"message\", \"channel\": \"C1\", \"user\": \"U1\", \"ts\": \"1.1\", "
              "\"text\": \"approve\""),
        EVENT("\"type\": \"message\", \"bot_id\": \"B1\", " MESSAGE),
        EVENT("\"type\": \"message\", \"subtype\": \"message_changed\", " MESSAGE),
        EVENT("\"type\": \"message\", \"channel\": \"C1\", \"user\": \"U0BOT\", \"ts\": \"1.1\", "
              "\"text\": \"<@U0BOT> approve\""),
        EVENT("\"type\": \"app_mention\", \"channel\": \"C/1\", \"user\": \"U1\", \"ts\": \"1.1\", "
              "\"text\": \"<@U0BOT> approve\""),
        EVENT("\"type\": \"channel_rename\""),
        EVENT("\"type\": \"app_home_opened\", \"tab\": \"messages\", \"user\": \"U1\""),
        EVENT("\"type\": \"reaction_added\", \"user\": \"U1\", \"reaction\": \"x\", \"item\": "
              "{\"type\": \"file\", \"file\": \"F1\"}"),
        "{}",
        "{\"event_id\": 5, \"event\": []}",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(read_one("events_api", others[i]), MW_SLACK_NOTHING);
    }
    assert_int_equal(read_one("unheard_of", "{}"), MW_SLACK_NOTHING);
}

#define REACTION(user, name)                                                            \
    EVENT("\"type\": \"reaction_added\", \"user\": \"" user "\", \"reaction\": \"" name \
          "\", \"item\": {\"type\": \"message\", \"channel\": \"C1\", \"ts\": \"17.1\"}")

static void test_reactions(void **state)
{
    assert_int_equal(read_one("events_api", REACTION("U1", "+1::skin-tone-4")), MW_SLACK_EVENT);
    assert_int_equal(read_out.event.kind, MW_CHAT_REACTION);
    assert_string_equal(read_out.event.emoji, "+1");
    assert_string_equal(read_out.event.message, "C1/17.1");
    assert_string_equal(read_out.event.id, "e:Ev1");
    assert_int_equal(read_one("events_api", REACTION("U0BOT", "x")), MW_SLACK_ECHO);
}

#define COMMAND(text)                                                                             \
    "{\"user_id\": \"U1\", \"channel_id\": \"C1\", \"trigger_id\": \"1.2.ab\", \"text\": \"" text \
    "\", \"response_url\": \"https://hooks.slack.com/x\"}"

static void test_commands(void **state)
{
    assert_int_equal(read_one("slash_commands", COMMAND(" fix cache ")), MW_SLACK_EVENT);
    assert_string_equal(read_out.event.text, "fix cache ");
    assert_string_equal(read_out.event.id, "s:1.2.ab");
    assert_non_null(strstr(read_out.event.place, "hooks.slack.com"));
    assert_int_equal(read_one("slash_commands", COMMAND("")), MW_SLACK_EVENT);
    assert_string_equal(read_out.event.text, "help");
    assert_int_equal(read_one("slash_commands", COMMAND("silence")), MW_SLACK_MODAL);
    assert_int_equal(read_one("slash_commands", "{\"text\": \"fix\"}"), MW_SLACK_NOTHING);
}

#define PRESS(id, value)                                                                  \
    "{\"type\": \"block_actions\", \"user\": {\"id\": \"U1\"}, \"trigger_id\": \"1.2\", " \
    "\"container\": {\"channel_id\": \"C1\", \"message_ts\": \"17.1\"}, \"actions\": "    \
    "[{\"action_id\": \"" id "\", \"value\": \"" value "\"}]}"

static void test_buttons(void **state)
{
    assert_int_equal(read_one("interactive", PRESS("midwatch_approve", "I42 r1 abc")),
                     MW_SLACK_EVENT);
    assert_string_equal(read_out.event.text, "approve I42 r1");
    assert_int_equal(read_one("interactive", PRESS("midwatch_ack", "I42")), MW_SLACK_EVENT);
    assert_string_equal(read_out.event.text, "ack I42");
    assert_int_equal(read_one("interactive", PRESS("midwatch_stop", "I42 r1 abc")), MW_SLACK_EVENT);
    assert_string_equal(read_out.event.text, "stop I42");
    assert_int_equal(read_one("interactive", PRESS("midwatch_reject", "I42 r1 abc")),
                     MW_SLACK_MODAL);
    assert_int_equal(read_one("interactive", PRESS("midwatch_approve", "I42 r1x")),
                     MW_SLACK_NOTHING);
    assert_int_equal(read_one("interactive", PRESS("midwatch_approve", "freeze")),
                     MW_SLACK_NOTHING);
    assert_int_equal(read_one("interactive", PRESS("something", "I42")), MW_SLACK_NOTHING);
}

static void test_a_dialog_becomes_a_command(void **state)
{
    const char *place;
    json_auto_t *view = mw_slack_reject_view("I42 r3 abc", "{\"k\":\"button\"}");
    json_object_set_new(
        view, "state", json_pack("{s:{s:{s:{s:s}}}}", "values", "why", "why", "value", "too much"));
    assert_string_equal(mw_slack_modal_words(memory, view, &place), "reject I42 r3 too much");
    assert_string_equal(place, "{\"k\":\"button\"}");
    json_auto_t *silence = mw_slack_silence_view("{}");
    json_object_set_new(silence, "state",
                        json_pack("{s:{s:{s:{s:s}}, s:{s:{s:s}}}}", "values", "resource",
                                  "resource", "value", "cache", "span", "span", "value", "2h"));
    assert_string_equal(mw_slack_modal_words(memory, silence, &place), "silence cache 2h ");
    json_object_set_new(
        silence, "state",
        json_pack("{s:{s:{s:{s:s}}}}", "values", "resource", "resource", "value", "a b"));
    assert_null(mw_slack_modal_words(memory, silence, &place));
    json_object_set_new(view, "private_metadata", json_string("{"));
    assert_null(mw_slack_modal_words(memory, view, &place));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_mention_is_one_message),
        cmocka_unit_test(test_what_is_not_for_us),
        cmocka_unit_test(test_reactions),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_buttons),
        cmocka_unit_test(test_a_dialog_becomes_a_command),
    };
    return cmocka_run_group_tests(tests, open_memory, close_memory);
}
