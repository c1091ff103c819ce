/* SPDX-License-Identifier: Apache-2.0 */
/* Every line of the corpus by itself: it is a line, it is clean, and no cut lets a secret out. */
#include "corpus.h"

#include <stdlib.h>
#include <string.h>

#include "base/redact.h"
#include "base/text.h"

static struct injection *lines;
static size_t count;

static int set_up(void **state)
{
    lines = corpus_read(NULL, NULL, &count);
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(lines);
    return 0;
}

static void the_corpus_is_large_and_says_nothing_twice(void **state)
{
    assert_true(count >= 200 / corpus_share());
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++) {
            if (lines[i].length == lines[j].length &&
                memcmp(lines[i].text, lines[j].text, lines[i].length) == 0)
                corpus_fail(&lines[j], "it stands there twice, also in", lines[i].file);
        }
    }
}

static void no_line_leaks_wherever_it_is_cut(void **state)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t limit = 4000; limit > 0; limit = limit > 300 ? 300 : limit - 1) {
            char *shown = mw_redact_line(lines, lines[i].text, lines[i].length, limit);
            assert_true(strlen(shown) <= limit);
            corpus_check_shown(&lines[i], shown);
            talloc_free(shown);
        }
    }
}

static void no_line_leaks_from_json(void **state)
{
    for (size_t i = 0; i < count; i++) {
        json_auto_t *text = corpus_json(&lines[i]);
        json_auto_t *value =
            json_pack("{s:{s:O, s:[O, i, O]}}", "data", "line", text, "list", text, 7, text);
        char *key = mw_text_clean(lines, lines[i].text, lines[i].length, 500);
        json_object_set(json_object_get(value, "data"), key, text);
        json_auto_t *masked = mw_redact_json(value);
        char *dumped = json_dumps(masked, 0);
        if (corpus_leaks(dumped))
            corpus_fail(&lines[i], "a secret stands in:", dumped);
        free(dumped);
    }
}

/* What cannot be seen is seen after cleaning, or is gone. */
static bool is_invisible(const char *at)
{
    static const char *const marks[] = {
        "\u200b", "\u200e", "\u200f", "\u202a", "\u202e", "\u2060", "\u2066",     "\u2069",
        "\u206a", "\ufeff", "\u00ad", "\u034f", "\u061c", "\u180e", "\U000e0041", "\U000e0101",
        "\u3164", "\uffa0", "\u115f", "\u1160", "\ufff9", "\u2028", "\u2029",     "\ufe00"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (strncmp(at, marks[i], strlen(marks[i])) == 0)
            return true;
    }
    return false;
}

static void nothing_invisible_stays(void **state)
{
    for (size_t i = 0; i < count; i++) {
        char *shown = mw_redact_line(lines, lines[i].text, lines[i].length, 4000);
        for (const char *at = shown; *at != '\0'; at++) {
            if (is_invisible(at))
                corpus_fail(&lines[i], "something invisible stays:", shown);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_corpus_is_large_and_says_nothing_twice),
        cmocka_unit_test(no_line_leaks_wherever_it_is_cut),
        cmocka_unit_test(no_line_leaks_from_json),
        cmocka_unit_test(nothing_invisible_stays),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
