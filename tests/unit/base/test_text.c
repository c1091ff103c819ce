/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

#define REPLACED "\xEF\xBF\xBD"

static void assert_clean(const char *bytes, size_t length, size_t limit, const char *wanted)
{
    char *clean = mw_text_clean(NULL, bytes, length, limit);
    assert_non_null(clean);
    assert_string_equal(clean, wanted);
    assert_true(strlen(clean) <= limit);
    talloc_free(clean);
}

#define CLEAN(text, wanted) assert_clean(text, sizeof(text) - 1, 1000, wanted)

static void test_escapes_are_dropped(void **state)
{
    CLEAN("a\x1b[31;1mred\x1b[0mb", "aredb");
    CLEAN("\x1b]0;title\x07shown", "shown");
    CLEAN("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link");
    CLEAN("\x1b(Bx\x1b=y\x1bMz", "xyz");
    CLEAN("\xc2\x9b"
          "31mred",
          "red");
    CLEAN("\xc2\x9d"
          "0;t\xc2\x9cshown",
          "shown");
    CLEAN("end\x1b", "end");
    CLEAN("end\x1b[12;", "end");
    CLEAN("\x1b\x1b[1mx", "x");
}

static void test_unfinished_escape_hides_nothing(void **state)
{
    CLEAN("\x1b]0;the rest of the line", "0;the rest of the line");
    CLEAN("\x1bPq\nsecond line", "q second line");
    CLEAN("\x1b]a\x1b]b", "ab");
}

static void test_controls_and_tricks(void **state)
{
    CLEAN("a\tb\nc\r\nd", "a b c d");
    CLEAN("line\r\n", "line");
    CLEAN("a\0b", "a" REPLACED "b");
    CLEAN("bell\x07", "bell" REPLACED);
    CLEAN("\xe2\x80\xae"
          "evil\xe2\x81\xa9",
          REPLACED "evil" REPLACED);
    CLEAN("a\xc2\x85"
          "b\xe2\x80\xa8"
          "c",
          "a b c");
    CLEAN("tag\xf3\xa0\x81\x81", "tag" REPLACED);
    CLEAN("caf\xc3\xa9 ✅", "café ✅");
}

/* Where they join nothing, joiners only keep words from being found. */
static void test_joiners(void **state)
{
    CLEAN("\U0001f469\u200d\U0001f692 \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
          "\U0001f469\u200d\U0001f692 \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645");
    CLEAN("pass\u200dword", "pass" REPLACED "word");
    CLEAN("\u200c\u00e9\u200c\u200d\u200c", REPLACED "\u00e9\u200c" REPLACED REPLACED);
    CLEAN("\u202e\u200d \u200d", REPLACED REPLACED " " REPLACED);
}

static void test_invisible(void **state)
{
    CLEAN("f\u200bl\u2060u\ufeffsh", "f" REPLACED "l" REPLACED "u" REPLACED "sh");
    CLEAN("a\u00ad\u034f\u061c\u180e\u200f", "a" REPLACED REPLACED REPLACED REPLACED REPLACED);
    CLEAN("\u3164\ufe01\U000e0101", REPLACED REPLACED REPLACED);
    CLEAN("\u2764\ufe0f \u2028", "\u2764\ufe0f  ");
}

static void test_a_pile_of_marks_ends(void **state)
{
    CLEAN("e\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308 o\u0301",
          "e\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308 o\u0301");
    CLEAN("e\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301",
          "e\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301" REPLACED "\u0301");
}

static void test_broken_bytes(void **state)
{
    CLEAN("a\xff"
          "b\xc3",
          "a" REPLACED "b" REPLACED);
    CLEAN("\xed\xa0\x80", REPLACED REPLACED REPLACED);
    CLEAN("\xc0\xaf", REPLACED REPLACED);
    CLEAN("\xf4\x90\x80\x80", REPLACED REPLACED REPLACED REPLACED);
}

static void test_limit_cuts_between_characters(void **state)
{
    assert_clean("hello", 5, 5, "hello");
    assert_clean("hello!", 6, 5, "he…");
    assert_clean("ééé", 6, 6, "ééé");
    assert_clean("éééé", 8, 6, "é…");
    assert_clean("✅✅", 6, 5, "…");
    assert_clean("abc", 3, 2, "ab");
    assert_clean("abc", 3, 0, "");
    assert_clean("", 0, 0, "");
}

/* Each of these made of many pieces must take time in proportion to its length. */
static void test_clean_is_linear(void **state)
{
    static const char *const pieces[] = {"\x1b]", "\x1b[", "\xff",     "\xc2\x9d",
                                         "\x1b(", "x\n",   "\x1bP\x18"};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        size_t piece = strlen(pieces[i]), count = 300000;
        char *text = malloc(piece * count);
        for (size_t j = 0; j < count; j++) {
            memcpy(text + j * piece, pieces[i], piece);
        }
        clock_t start = clock();
        char *clean = mw_text_clean(NULL, text, piece * count, SIZE_MAX);
        assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
        assert_non_null(clean);
        assert_true(mw_text_is_utf8(clean, strlen(clean)));
        talloc_free(clean);
        free(text);
    }
}

static void test_width(void **state)
{
    assert_int_equal(mw_text_width(""), 0);
    assert_int_equal(mw_text_width("memory 97.2 %"), 13);
    assert_int_equal(mw_text_width("café"), 4);
    assert_int_equal(mw_text_width("cafe\xcc\x81"), 4);
    assert_int_equal(mw_text_width("漢字"), 4);
    assert_int_equal(mw_text_width("🔴🟠🟢⚪✅❌⏳"), 14);
    assert_int_equal(mw_text_width("✅\xef\xb8\x8f"), 2);
    assert_int_equal(mw_text_width("→ — …"), 5);
}

static void assert_taken(char *text, const char *wanted)
{
    assert_non_null(text);
    assert_string_equal(text, wanted);
    talloc_free(text);
}

static void test_fit_and_pad(void **state)
{
    assert_taken(mw_text_fit(NULL, "hello", 5), "hello");
    assert_taken(mw_text_fit(NULL, "hello!", 5), "hell…");
    assert_taken(mw_text_fit(NULL, "漢字漢", 4), "漢…");
    assert_taken(mw_text_fit(NULL, "x", 0), "");
    assert_taken(mw_text_fit(NULL, "ab", 1), "…");
    assert_taken(mw_text_pad(NULL, "ab", 4, false), "ab  ");
    assert_taken(mw_text_pad(NULL, "ab", 4, true), "  ab");
    assert_taken(mw_text_pad(NULL, "✅", 4, false), "✅  ");
    assert_taken(mw_text_pad(NULL, "abcdef", 4, true), "abc…");
    assert_taken(mw_text_pad(NULL, "漢字漢", 4, false), "漢… ");
}

static void assert_lines(const char *text, size_t columns, size_t indent, const char *joined)
{
    char **lines = mw_text_wrap(NULL, text, columns, indent);
    assert_non_null(lines);
    char *all = talloc_strdup(NULL, "");
    for (size_t i = 0; lines[i] != NULL; i++) {
        all = talloc_asprintf_append(all, "%s%s", i > 0 ? "|" : "", lines[i]);
        if (columns > 2) {
            assert_true(mw_text_width(lines[i]) <= columns);
        }
    }
    assert_string_equal(all, joined);
    talloc_free(all);
    talloc_free(lines);
}

static void test_wrap(void **state)
{
    assert_lines("", 10, 2, "");
    assert_lines("one two three", 20, 2, "one two three");
    assert_lines("one two three", 7, 0, "one two|three");
    assert_lines("one two three", 7, 2, "one two|  three");
    assert_lines("one two three four", 8, 2, "one two|  three|  four");
    assert_lines("abcdefghij", 4, 0, "abcd|efgh|ij");
    assert_lines("ab cdefghij", 4, 0, "ab|cdef|ghij");
    assert_lines("first\nsecond line", 20, 3, "first|   second line");
    assert_lines("漢字漢字", 5, 0, "漢字|漢字");
    assert_lines("漢字", 1, 0, "漢|字");
    assert_lines("a b", 0, 9, "a|b");
    assert_lines("trailing   ", 8, 0, "trailing");
}

static void test_nearest(void **state)
{
    static const char *const keys[] = {"url",  "every",      "timeout",        "thresholds",
                                       "hold", "depends_on", "listen_address", NULL};
    assert_string_equal(mw_text_nearest("treshold", keys), "thresholds");
    assert_string_equal(mw_text_nearest("tiemout", keys), "timeout");
    assert_string_equal(mw_text_nearest("Every", keys), "every");
    assert_string_equal(mw_text_nearest("depends-on", keys), "depends_on");
    assert_string_equal(mw_text_nearest("ulr", keys), "url");
    assert_string_equal(mw_text_nearest("listen", keys), "listen_address");
    assert_null(mw_text_nearest("zebra", keys));
    assert_null(mw_text_nearest("", keys));
    char *huge = malloc(100001);
    memset(huge, 'a', 100000);
    huge[100000] = '\0';
    assert_null(mw_text_nearest(huge, keys));
    free(huge);
}

static void test_sizes(void **state)
{
    static const struct {
        const char *text;
        int64_t bytes;
    } good[] = {{"64MB", 67108864}, {"1GiB", 1073741824}, {"65536", 65536},     {"512kb", 524288},
                {"2m", 2097152},    {"100 b", 100},       {"64 MiB", 67108864}, {"0", 0}};
    static const char *const bad[] = {
        "",   "MB",   "-1",   "1.5GB", "10x", "64MBs", "99999999999999999999", "9999999999PB",
        "1 ", "64ib", "1  MB"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t bytes = -1;
        assert_true(mw_size_parse(good[i].text, &bytes));
        assert_int_equal(bytes, good[i].bytes);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t bytes = -1;
        assert_false(mw_size_parse(bad[i], &bytes));
    }
    assert_taken(mw_size_text(NULL, 67108864), "64 MiB");
    assert_taken(mw_size_text(NULL, INT64_C(5476083302)), "5.1 GiB");
    assert_taken(mw_size_text(NULL, 831488), "812 KiB");
    assert_taken(mw_size_text(NULL, 100), "100 B");
    assert_taken(mw_size_text(NULL, 1048575), "1 MiB");
    assert_taken(mw_size_text(NULL, INT64_MAX), "8 EiB");
}

static void test_values(void **state)
{
    assert_taken(mw_value_text(NULL, 97.24, "%"), "97.2 %");
    assert_taken(mw_value_text(NULL, 95, "%"), "95 %");
    assert_taken(mw_value_text(NULL, 0.42, "ms"), "0.42 ms");
    assert_taken(mw_value_text(NULL, 12, ""), "12");
    assert_taken(mw_value_text(NULL, 3.1, "/s"), "3.1 /s");
    assert_taken(mw_value_text(NULL, 0, NULL), "0");
    assert_taken(mw_value_text(NULL, -0.0001, ""), "0");
    assert_taken(mw_value_text(NULL, 1234.56, ""), "1235");
    assert_taken(mw_value_text(NULL, NAN, "%"), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escapes_are_dropped),
        cmocka_unit_test(test_unfinished_escape_hides_nothing),
        cmocka_unit_test(test_controls_and_tricks),
        cmocka_unit_test(test_joiners),
        cmocka_unit_test(test_invisible),
        cmocka_unit_test(test_a_pile_of_marks_ends),
        cmocka_unit_test(test_broken_bytes),
        cmocka_unit_test(test_limit_cuts_between_characters),
        cmocka_unit_test(test_clean_is_linear),
        cmocka_unit_test(test_width),
        cmocka_unit_test(test_fit_and_pad),
        cmocka_unit_test(test_wrap),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
