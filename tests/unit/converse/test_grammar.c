/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/text.h"
#include "converse/grammar.h"
#include "converse/reactions.h"

static TALLOC_CTX *memory;

static int set_up(void **state)
{
    memory = talloc_new(NULL);
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(memory);
    return 0;
}

static struct mw_command understood(const char *text, int64_t thread)
{
    struct mw_command command;
    char *complaint = NULL;
    if (!mw_command_parse(memory, text, thread, &command, &complaint)) {
        fail_msg("\"%s\" was not understood: %s", text, complaint);
    }
    return command;
}

static const char *complaint_about(const char *text, int64_t thread)
{
    struct mw_command command;
    char *complaint = NULL;
    assert_false(mw_command_parse(memory, text, thread, &command, &complaint));
    assert_non_null(complaint);
    return complaint;
}

static void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" is missing in \"%s\"", part, text);
    }
}

static void test_every_word(void **state)
{
    static const struct {
        const char *text;
        enum mw_word word;
    } cases[] = {{"help", MW_WORD_HELP},
                 {"?", MW_WORD_HELP},
                 {"status", MW_WORD_STATUS},
                 {"incidents", MW_WORD_INCIDENTS},
                 {"show I1", MW_WORD_SHOW},
                 {"fix cache", MW_WORD_FIX},
                 {"approve I1", MW_WORD_APPROVE},
                 {"reject I1", MW_WORD_REJECT},
                 {"stop I1", MW_WORD_STOP},
                 {"ack I1", MW_WORD_ACK},
                 {"acknowledge I1", MW_WORD_ACK},
                 {"undo I1", MW_WORD_UNDO},
                 {"logs cache", MW_WORD_LOGS},
                 {"history cache", MW_WORD_HISTORY},
                 {"tools", MW_WORD_TOOLS},
                 {"policy", MW_WORD_POLICY},
                 {"silence cache 2h deploy", MW_WORD_SILENCE},
                 {"mute cache 2h", MW_WORD_SILENCE},
                 {"unsilence cache", MW_WORD_UNSILENCE},
                 {"oncall", MW_WORD_LATER},
                 {"freeze", MW_WORD_FREEZE},
                 {"freeze while we deploy", MW_WORD_FREEZE},
                 {"thaw", MW_WORD_THAW},
                 {"drill redis-memory-pressure cache", MW_WORD_LATER},
                 {"report 7d", MW_WORD_REPORT},
                 {"report", MW_WORD_REPORT},
                 {"audit I1", MW_WORD_AUDIT},
                 {"audit", MW_WORD_AUDIT},
                 {"ask why is it slow", MW_WORD_ASK}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(understood(cases[i].text, 0).spec->word, cases[i].word);
    }
}

static void test_incident_and_revision(void **state)
{
    struct mw_command command = understood("  ApPrOvE   i42   R3 ", 0);
    assert_int_equal(command.spec->word, MW_WORD_APPROVE);
    assert_int_equal(command.incident, 42);
    assert_int_equal(command.revision, 3);

    command = understood("approve", 0);
    assert_int_equal(command.incident, 0);
    command = understood("approve r2", 7);
    assert_int_equal(command.incident, 7);
    assert_int_equal(command.revision, 2);
    command = understood("approve I3", 7);
    assert_int_equal(command.incident, 3);
    assert_int_equal(command.revision, 0);
}

static void test_reject_with_a_reason(void **state)
{
    struct mw_command command = understood("reject I42 too risky at night", 0);
    assert_int_equal(command.incident, 42);
    assert_string_equal(command.rest, "too risky at night");
    command = understood("reject not  now", 9);
    assert_int_equal(command.incident, 9);
    assert_string_equal(command.rest, "not  now");
    command = understood("reject I42 r2 one two three four five six seven eight nine ten", 0);
    assert_int_equal(command.revision, 2);
    assert_string_equal(command.rest, "one two three four five six seven eight nine ten");
    assert_null(understood("reject I42", 0).rest);
}

static void test_a_reason_bears_no_secret(void **state)
{
    struct mw_command command =
        understood("reject I1 use redis://me:hunter22@10.0.0.1/ instead", 0);
    assert_null(strstr(command.rest, "hunter22"));
}

static void assert_silence(const char *text, int64_t minutes, const char *why)
{
    struct mw_command command = understood(text, 0);
    assert_int_equal(command.spec->word, MW_WORD_SILENCE);
    assert_string_equal(command.resource, "cache");
    assert_int_equal(command.span, minutes * 60000);
    if (why == NULL) {
        assert_null(command.rest);
    } else {
        assert_string_equal(command.rest, why);
    }
}

static void test_how_long_a_silence_lasts(void **state)
{
    assert_silence("silence cache 2h", 120, NULL);
    assert_silence("silence cache 90m", 90, NULL);
    assert_silence("silence cache 1h30m", 90, NULL);
    assert_silence("silence cache 1h 30m deploying", 90, "deploying");
    assert_silence("silence cache 2 hours", 120, NULL);
    assert_silence("Silence cache for 1 hour 30 minutes while we  move", 90, "while we  move");
    assert_silence("silence cache 2 Days upgrade", 2880, "upgrade");
    assert_silence("silence cache 1w", 10080, NULL);
    /* A number in the reason is no part of the time. */
    assert_silence("silence cache 2h 3 nodes move", 120, "3 nodes move");
    assert_silence("silence cache 2h for the move of all the nodes to the new hall", 120,
                   "for the move of all the nodes to the new hall");
    assert_string_equal(understood("silence * 2h", 0).resource, "*");
}

static void test_a_silence_without_its_time_says_what_is_missing(void **state)
{
    static const struct {
        const char *text, *part;
    } cases[] = {{"silence", "Which resource, and for how long? Say: silence NAME 2h"},
                 {"silence cache", "For how long? Say: silence cache 2h"},
                 {"silence cache 2", "2 of what? Say: silence cache 2m, 2h or 2d"},
                 {"silence cache forever", "\"forever\" is no length of time"},
                 {"silence cache deploying", "Say: silence cache 2h deploying"},
                 {"silence cache for", "no length of time"},
                 {"silence cache -1h", "no length of time"},
                 {"silence cache 2x", "no length of time"},
                 {"silence cache 1.5h", "no length of time"},
                 {"silence cache 99999999h", "no length of time"},
                 {"silence 2h cache", "The resource comes first. Say: silence cache 2h"},
                 {"silence 2 hours cache", "The resource comes first. Say: silence cache 2 hours"},
                 {"silence 2h", "The resource comes first. Say: silence NAME 2h"},
                 {"silense cache 2h", "Did you mean: silence cache 2h"},
                 {"unsilence", "Which resource? Say: unsilence NAME"},
                 {"unsilence cache now", "One resource"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_contains(complaint_about(cases[i].text, 0), cases[i].part);
    }
}

static void test_addressed(void **state)
{
    assert_int_equal(understood("/midwatch status", 0).spec->word, MW_WORD_STATUS);
    assert_int_equal(understood("!midwatch approve I2", 0).incident, 2);
    assert_int_equal(understood("@midwatch: ack I2", 0).incident, 2);
    assert_contains(complaint_about("@midwatch", 0), "help");
}

static void test_wrong_words_get_the_nearest_right_one(void **state)
{
    assert_contains(complaint_about("aprove I42 r1", 0), "Did you mean: approve I42 r1");
    assert_contains(complaint_about("sttaus", 0), "Did you mean: status");
    assert_contains(complaint_about("xyzzyplugh", 0), "Say: help");
    assert_contains(complaint_about("approve 42", 0), "Did you mean: approve I42");
    assert_contains(complaint_about("ack the cache", 0), "Say: ack ID");
    assert_contains(complaint_about("fix", 0), "fix RESOURCE");
    assert_contains(complaint_about("logs a b", 0), "One resource");
    assert_contains(complaint_about("incidents all", 0), "incidents");
    assert_contains(complaint_about("", 0), "help");
}

/* A word too many may have been meant to narrow what is approved. */
static void test_nothing_is_approved_by_half(void **state)
{
    static const char *const cases[] = {
        "approve I42 r",      "approve I42 r0",  "approve I42 r 2",    "approve I42 2",
        "approve I42 r2 not", "approve I42, r2", "approve I42 r99999", "stop I42 r1 now",
        "undo I42 now",       "approve I42x"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        complaint_about(cases[i], 0);
        complaint_about(cases[i], 42);
    }
}

static void test_hostile_input(void **state)
{
    char *huge = talloc_array(memory, char, 100001);
    memset(huge, 'A', 100000);
    huge[100000] = '\0';
    const char *complaint = complaint_about(huge, 0);
    assert_true(strlen(complaint) < 300);

    memset(huge, ' ', 100000);
    complaint_about(huge, 0);

    static const char *const cases[] = {"\x1b[2J\x1b]0;x\a",
                                        "\xff\xfe\xfd",
                                        "approve \xff\xff",
                                        "\xe2\x80\xae"
                                        "approve I1",
                                        "show I99999999999999999999",
                                        "show I-1",
                                        "%s%s%n",
                                        "approve I1\x01"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        complaint = complaint_about(cases[i], 0);
        assert_true(mw_text_is_utf8(complaint, strlen(complaint)));
        assert_null(strchr(complaint, 0x1b));
    }
}

static void test_help_fits_a_phone(void **state)
{
    for (const struct mw_word_spec *spec = mw_words; spec->name != NULL; spec++) {
        if (spec->usage != NULL) {
            assert_true(mw_text_width(spec->usage) <= 17);
            assert_true(mw_text_width(spec->help) <= 21);
        }
    }
}

static void test_reactions(void **state)
{
    static const struct {
        const char *emoji;
        enum mw_action action;
    } cases[] = {{"✅", MW_ACTION_APPROVE},
                 {"✅\xEF\xB8\x8F", MW_ACTION_APPROVE},
                 {"white_check_mark", MW_ACTION_APPROVE},
                 {":white_check_mark:", MW_ACTION_APPROVE},
                 {"👍", MW_ACTION_APPROVE},
                 {"👍🏽", MW_ACTION_APPROVE},
                 {"+1", MW_ACTION_APPROVE},
                 {"+1::skin-tone-4", MW_ACTION_APPROVE},
                 {"❌", MW_ACTION_REJECT},
                 {"x", MW_ACTION_REJECT},
                 {"👎🏿", MW_ACTION_REJECT},
                 {"-1", MW_ACTION_REJECT},
                 {"👀", MW_ACTION_ACK},
                 {"eyes", MW_ACTION_ACK},
                 {"🛑", MW_ACTION_STOP},
                 {"octagonal_sign", MW_ACTION_STOP},
                 {"🔁", MW_ACTION_AGAIN},
                 {"repeat", MW_ACTION_AGAIN}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum mw_action action;
        if (!mw_reaction_parse(cases[i].emoji, &action)) {
            fail_msg("%s means nothing", cases[i].emoji);
        }
        assert_int_equal(action, cases[i].action);
    }
}

static void test_other_reactions_mean_nothing(void **state)
{
    char *huge = talloc_strdup(memory, "✅");
    for (int i = 0; i < 100; i++) {
        huge = talloc_strdup_append(huge, "\xEF\xB8\x8F");
    }
    const char *const cases[] = {
        "🎉",  "",   "✅✅",           "\xff",    "::", "+2", "whitecheckmark",
        huge, "✅x", "\xF0\x9F\x8F", "\xEF\xB8"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum mw_action action;
        assert_false(mw_reaction_parse(cases[i], &action));
    }
    enum mw_action action;
    assert_false(mw_reaction_parse(NULL, &action));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_word),
        TEST(test_incident_and_revision),
        TEST(test_reject_with_a_reason),
        TEST(test_a_reason_bears_no_secret),
        TEST(test_how_long_a_silence_lasts),
        TEST(test_a_silence_without_its_time_says_what_is_missing),
        TEST(test_addressed),
        TEST(test_wrong_words_get_the_nearest_right_one),
        TEST(test_nothing_is_approved_by_half),
        TEST(test_hostile_input),
        TEST(test_help_fits_a_phone),
        TEST(test_reactions),
        TEST(test_other_reactions_mean_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
