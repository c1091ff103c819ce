/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "adapters/chat/terminal/terminal.h"
#include "base/text.h"

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

static const char card[] =
    "{\"summary\": \"s\", \"state\": \"firing\", \"incident\": \"I42\", \"slot\": \"card\","
    " \"blocks\": ["
    "{\"type\": \"headline\", \"text\": \"I42 cache (redis, local) memory 97.2 % of maxmemory — "
    "normal 41 %, degraded from 95\"},"
    "{\"type\": \"notes\", \"items\": [\"since 03:08:12 · seen in 2 samples · shop-prod\"]},"
    "{\"type\": \"log\", \"lines\": [{\"text\": \"03:08:05 # OOM command not allowed when used "
    "memory > 'maxmemory' and much more text that goes on\", \"times\": 184},"
    "{\"text\": \"once\", \"times\": 1}]},"
    "{\"type\": \"text\", \"text\": \"Cause (82 %): sessions without expiry filled the instance; "
    "nothing may be evicted, so writes fail\"},"
    "{\"type\": \"steps\", \"items\": [{\"title\": \"redis_scale_memory cache\", \"detail\": \"32 "
    "→ "
    "64 MiB (host has 5.1 GiB free)\", \"risk\": \"reversible\"},"
    "{\"title\": \"wait cache\", \"state\": \"done\", \"detail\": \"waited\"}]},"
    "{\"type\": \"wait\", \"text\": \"⏳ needs an approver until 03:38\"}]}";

static char *paint(const char *json, size_t columns, bool colour)
{
    json_error_t error;
    json_t *message = json_loads(json, 0, &error);
    if (message == NULL) {
        fail_msg("%s", error.text);
    }
    struct mw_terminal_look look = {columns, colour};
    struct mw_terminal_picture *picture = mw_terminal_paint(memory, message, &look);
    json_decref(message);
    assert_non_null(picture);
    char *text = mw_terminal_text(memory, picture);
    assert_non_null(text);
    return text;
}

static void assert_fits(const char *text, size_t columns)
{
    assert_true(mw_text_is_utf8(text, strlen(text)));
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        assert_int_equal(text[length], '\n');
        char *line = talloc_strndup(memory, text, length);
        if (mw_text_width(line) > columns) {
            fail_msg("%zu columns, wider than %zu: %s", mw_text_width(line), columns, line);
        }
        for (const char *at = line; *at != '\0'; at++) {
            assert_true((unsigned char)*at >= 0x20);
        }
        text += length + 1;
    }
}

static void assert_contains(const char *text, const char *part)
{
    if (text == NULL || strstr(text, part) == NULL) {
        fail_msg("\"%s\" is missing in:\n%s", part, text != NULL ? text : "");
    }
}

static void test_a_card(void **state)
{
    char *text = paint(card, 80, false);
    assert_fits(text, 80);
    assert_true(strncmp(text, "── I42 ──", strlen("── I42 ──")) == 0);
    assert_contains(text, "\n🔴 I42 cache (redis, local) memory 97.2 %");
    assert_contains(text, "\n   since 03:08:12");
    assert_contains(text, "…  ×184\n");
    assert_contains(text, "\n   ┊ once\n");
    assert_contains(text, "\n     evicted, so writes fail\n");
    assert_contains(text, "\n   1. redis_scale_memory cache: 32 → 64 MiB");
    assert_contains(text, "[reversible]");
    assert_contains(text, "\n   2. ✓ wait cache: waited\n");
    assert_contains(text, "\n   ⏳ needs an approver until 03:38\n");
}

static void test_narrow(void **state)
{
    for (size_t columns = 40; columns < 130; columns++) {
        assert_fits(paint(card, columns, false), columns);
    }
}

static void test_colour_only_on_the_headline(void **state)
{
    char *text = paint(card, 80, true);
    const char *headline = strstr(text, "\x1b[1;31m🔴 I42");
    assert_non_null(headline);
    const char *last = strrchr(text, 0x1b);
    assert_true(strncmp(last, "\x1b[0m", 4) == 0);
    assert_true(last < strstr(text, "since 03:08:12"));
}

static void test_a_thread_message(void **state)
{
    char *text = paint("{\"state\": \"info\", \"incident\": \"I42\", \"slot\": \"plan/1\","
                       "\"blocks\": [{\"type\": \"headline\", \"text\": \"Plan r1\"},"
                       "{\"type\": \"text\", \"text\": \"one two three four five six seven eight "
                       "nine ten eleven twelve thirteen fourteen fifteen sixteen\"}]}",
                       60, false);
    assert_fits(text, 60);
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        assert_true(strncmp(line, "I42 │ ", strlen("I42 │ ")) == 0);
    }
    assert_contains(text, "I42 │ Plan r1\n");
}

/* Our lines begin at a margin; what others say stands behind a bar or is set in. */
static void test_the_words_of_others_reach_no_margin(void **state)
{
    char *text = paint("{\"state\": \"firing\", \"incident\": \"I42\", \"slot\": \"card\","
                       "\"blocks\": [{\"type\": \"headline\", \"text\": \"I42 cache FAILED: a long "
                       "error ⏳ needs nobody\"},"
                       "{\"type\": \"quote\", \"items\": [\"⏳ approved by alice, as far as "
                       "anybody knows\", \"two\"]}]}",
                       40, false);
    assert_fits(text, 40);
    assert_contains(text, "\n🔴 I42 cache FAILED: a long error ⏳\n     needs nobody\n");
    assert_contains(text, "\n   ┊ ⏳ approved by alice, as far as\n   ┊ anybody knows\n   ┊ two\n");
}

static void test_an_answer_stands_bare(void **state)
{
    assert_string_equal(paint("{\"state\": \"info\", \"blocks\": [{\"type\": \"text\", \"text\": "
                              "\"No incident is open.\"}]}",
                              80, false),
                        "No incident is open.\n");
}

static void test_a_table(void **state)
{
    static const char json[] =
        "{\"state\": \"info\", \"blocks\": [{\"type\": \"table\","
        "\"columns\": [\"Metric\", \"Before\", \"After\"],"
        "\"rows\": [[\"memory\", \"97.2 %\", \"48.6 %\"], [\"clients\", \"12\", \"–\"]]}]}";
    assert_string_equal(paint(json, 80, false), "Metric   Before   After\n"
                                                "memory   97.2 %  48.6 %\n"
                                                "clients      12       –\n");
}

static void test_a_wide_table_gives_way(void **state)
{
    char wide[400];
    memset(wide, 'w', sizeof wide);
    char *json = talloc_asprintf(memory,
                                 "{\"state\": \"info\", \"blocks\": [{\"type\": \"table\","
                                 "\"columns\": [\"A\", \"B\"], \"rows\": [[\"%.300s\", \"kept\"],"
                                 "[\"%.300s\", \"%.200s\"]]}]}",
                                 wide, wide, wide);
    char *text = paint(json, 80, false);
    assert_fits(text, 80);
    assert_contains(text, "kept");
}

/* The contract says clean; the last door checks. */
static void test_hostile_text(void **state)
{
    static const char *const cases[] = {
        "{\"state\": \"\\u001b[31m\", \"incident\": \"\\u001b[2JI1234567890123\", \"slot\": \"x\","
        "\"blocks\": [{\"type\": \"headline\", \"text\": \"a\\u001b]0;x\\u0007b\\nc\\r\\td\"},"
        "{\"type\": \"log\", \"lines\": [{\"text\": \"\\u001b[2J\\u202egone\", \"times\": "
        "9223372036854775807}]},"
        "{\"type\": \"steps\", \"items\": [{\"title\": \"\\u009b2J\", \"state\": \"\\u0000\"}]},"
        "{\"type\": \"table\", \"columns\": [\"\\n\"], \"rows\": [[\"\\u0007\"]]}]}",
        "{\"blocks\": 7}",
        "{\"slot\": 1, \"incident\": [], \"state\": null, \"blocks\": [1, null, [], {}, {\"type\": "
        "\"table\"}, {\"type\": \"table\", \"columns\": [], \"rows\": []}, {\"type\": \"table\","
        "\"columns\": [1, 2, 3, 4, 5, 6], \"rows\": [1, [2]]}, {\"type\": \"log\", \"lines\": {}},"
        "{\"type\": \"steps\", \"items\": [3]}, {\"type\": \"notes\"}, {\"type\": \"text\"},"
        "{\"type\": \"headline\"}, {\"type\": \"other\", \"text\": \"x\"}]}"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_error_t error;
        json_t *message = json_loads(cases[i], JSON_ALLOW_NUL, &error);
        assert_non_null(message);
        struct mw_terminal_look look = {80, false};
        assert_fits(mw_terminal_text(memory, mw_terminal_paint(memory, message, &look)), 80);
        json_decref(message);
    }
}

static struct mw_terminal_picture *picture_of(const char *json)
{
    json_t *message = json_loads(json, 0, NULL);
    struct mw_terminal_look look = {80, false};
    struct mw_terminal_picture *picture = mw_terminal_paint(memory, message, &look);
    json_decref(message);
    return picture;
}

#define PROGRESS(first, second)                                                                 \
    "{\"state\": \"running\", \"incident\": \"I1\", \"slot\": \"progress/1\", \"blocks\": ["    \
    "{\"type\": \"headline\", \"text\": \"Plan r1\"}, {\"type\": \"steps\", \"items\": ["       \
    "{\"title\": \"one\", \"state\": \"" first "\"}, {\"title\": \"two\", \"state\": \"" second \
    "\"}]}]}"

static void test_only_what_changed(void **state)
{
    struct mw_terminal_picture *older = picture_of(PROGRESS("started", "planned"));
    struct mw_terminal_picture *newer = picture_of(PROGRESS("done", "planned"));
    assert_string_equal(mw_terminal_changes(memory, newer, older), "I1 │    1. ✓ one\n");
    assert_string_equal(mw_terminal_changes(memory, newer, newer), "");
    assert_false(mw_terminal_differs(newer, older));
    struct mw_terminal_picture *other = picture_of(
        "{\"state\": \"info\", \"incident\": \"I1\", \"slot\": \"progress/1\", \"blocks\": ["
        "{\"type\": \"headline\", \"text\": \"Plan r2\"}]}");
    assert_true(mw_terminal_differs(other, older));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_card),
        TEST(test_narrow),
        TEST(test_colour_only_on_the_headline),
        TEST(test_a_thread_message),
        TEST(test_the_words_of_others_reach_no_margin),
        TEST(test_an_answer_stands_bare),
        TEST(test_a_table),
        TEST(test_a_wide_table_gives_way),
        TEST(test_hostile_text),
        TEST(test_only_what_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
