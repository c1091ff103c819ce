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

static struct mw_terminal_line parse(const char *text)
{
    struct mw_terminal_line line;
    if (!mw_terminal_parse(memory, text, strlen(text), &line)) {
        fail_msg("\"%s\" is taken for blank", text);
    }
    return line;
}

static void assert_words(const char *text, const char *person, const char *words)
{
    struct mw_terminal_line line = parse(text);
    assert_null(line.emoji);
    assert_string_equal(line.person, person);
    assert_string_equal(line.words, words);
}

static void test_commands(void **state)
{
    assert_words("status", "", "status");
    assert_words("  approve I1 r2", "", "approve I1 r2");
    assert_words("alice: approve I1", "alice", "approve I1");
    assert_words("alice:approve I1", "alice", "approve I1");
    assert_words("bob:  reject I1 because: no", "bob", "reject I1 because: no");
    assert_words("reject I1 because: no", "", "reject I1 because: no");
    assert_words("midwatch: status", "", "midwatch: status");
    assert_words("älice: status", "älice", "status");
    assert_words("über", "", "über");
    assert_words("alice:", "alice", "");
}

static void assert_reaction(const char *text, const char *person, const char *emoji,
                            const char *incident, const char *revision)
{
    struct mw_terminal_line line = parse(text);
    assert_null(line.words);
    assert_string_equal(line.person, person);
    assert_string_equal(line.emoji, emoji);
    if (incident == NULL) {
        assert_null(line.incident);
    } else {
        assert_non_null(line.incident);
        assert_string_equal(line.incident, incident);
    }
    if (revision == NULL) {
        assert_null(line.revision);
    } else {
        assert_string_equal(line.revision, revision);
    }
}

static void test_reactions(void **state)
{
    assert_reaction("✅ I1", "", "✅", "I1", NULL);
    assert_reaction("+1 I1", "", "+1", "I1", NULL);
    assert_reaction("👍 I1 r2", "", "👍", "I1", "r2");
    assert_reaction("alice: ❌ i12", "alice", "❌", "i12", NULL);
    assert_reaction(":white_check_mark: I1", "", ":white_check_mark:", "I1", NULL);
    assert_reaction("eyes I1", "", "eyes", "I1", NULL);
    assert_reaction("✅", "", "✅", NULL, NULL);
}

/* What is not understood whole decides nothing. */
static void test_reactions_by_half(void **state)
{
    static const char *const cases[] = {"✅ I1 r2 not", "✅ 1",  "✅ all", "✅ I1 2",
                                        "✅ I1 rx",     "✅ Ix", "✅ I",   "✅ I1 r"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mw_terminal_line line = parse(cases[i]);
        assert_non_null(line.emoji);
        assert_null(line.incident);
    }
}

static void test_blank(void **state)
{
    struct mw_terminal_line line;
    assert_false(mw_terminal_parse(memory, "", 0, &line));
    assert_false(mw_terminal_parse(memory, "   \t ", 5, &line));
    assert_false(mw_terminal_parse(memory, "\r", 1, &line));
    assert_false(mw_terminal_parse(memory, "\x1b[A", 3, &line));
}

static void test_hostile_bytes(void **state)
{
    char bytes[MW_TERMINAL_LINE_MAX];
    uint32_t random = 12345;
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < sizeof bytes; i++) {
            random = random * 1664525 + 1013904223;
            bytes[i] = (char)(random >> 24);
        }
        struct mw_terminal_line line;
        if (mw_terminal_parse(memory, bytes, (size_t)round * 20, &line)) {
            const char *text = line.words != NULL ? line.words : line.emoji;
            assert_true(mw_text_is_utf8(text, strlen(text)));
            assert_true(mw_text_is_utf8(line.person, strlen(line.person)));
            assert_true(strlen(text) <= MW_TERMINAL_LINE_MAX);
        }
    }
    struct mw_terminal_line line;
    assert_true(mw_terminal_parse(memory, "app\0rove I1", 11, &line));
    assert_string_not_equal(line.words, "app");
    assert_string_not_equal(line.words, "approve I1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_commands), TEST(test_reactions),     TEST(test_reactions_by_half),
        TEST(test_blank),    TEST(test_hostile_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
