/* SPDX-License-Identifier: Apache-2.0 */
/* A message in Block Kit keeps to Slack's limits, whatever is in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/chat/slack/slack.h"

static TALLOC_CTX *memory;

static int open_memory(void **state)
{
    memory = talloc_new(NULL);
    return 0;
}

static int close_memory(void **state)
{
    talloc_free(memory);
    return 0;
}

static const char *text_of(const json_t *block)
{
    return json_string_value(json_object_get(json_object_get(block, "text"), "text"));
}

/* Characters of all text; fails where one text is too long for Slack. */
static size_t count_text(const json_t *value)
{
    const char *key;
    json_t *one;
    size_t i, sum = 0;
    if (json_is_object(value)) {
        json_object_foreach((json_t *)(uintptr_t)value, key, one)
        {
            if (strcmp(key, "text") == 0 && json_is_string(one)) {
                assert_in_range(json_string_length(one), 1, 3000);
                sum += json_string_length(one);
            }
            sum += count_text(one);
        }
    }
    json_array_foreach(value, i, one)
    {
        sum += count_text(one);
    }
    return sum;
}

static void check_limits(const struct mw_slack_page *page)
{
    assert_in_range(json_array_size(page->blocks), 1, 50);
    assert_in_range(count_text(page->blocks), 1, 9600);
    assert_in_range(strlen(page->text), 1, 3000);
}

static json_t *card(const char *risk)
{
    return json_pack(
        "{s:s, s:s, s:[{s:s, s:s}, {s:s, s:[s, s]}, {s:s, s:[{s:s, s:i}]}, {s:s, s:[{s:s, s:s, "
        "s:s}]}], s:[{s:s, s:s, s:s}, {s:s, s:s, s:s}]}",
        "summary", "cache <!here> is full", "state", "firing", "blocks", "type", "headline", "text",
        "I1 cache <b>", "type", "notes", "items", "since 03:08", "lab", "type", "log", "lines",
        "text", "``` <!channel> ```", "times", 184, "type", "steps", "items", "title",
        "redis_flush cache", "detail", "deletes all", "risk", risk, "actions", "id",
        "midwatch_approve", "label", "Approve", "value", "I1 r1 abc", "id", "midwatch_details",
        "label", "Details", "value", "I1");
}

static void test_a_card(void **state)
{
    struct mw_slack_page page;
    json_auto_t *message = card("destructive, no undo");
    mw_slack_render(memory, message, &page);
    check_limits(&page);
    assert_false(page.cut);
    assert_string_equal(page.text, "cache &lt;!here&gt; is full");
    assert_string_equal(text_of(json_array_get(page.blocks, 0)), "🔴 *I1 cache &lt;b&gt;*");
    const char *log = text_of(json_array_get(page.blocks, 2));
    assert_non_null(strstr(log, "&lt;!channel&gt;"));
    assert_non_null(strstr(log, "×184```"));
    assert_ptr_equal(strstr(log + 3, "```"), log + strlen(log) - 3);
    const json_t *actions = json_object_get(json_array_get(page.blocks, 4), "elements");
    assert_int_equal(json_array_size(actions), 2);
    assert_non_null(json_object_get(json_array_get(actions, 0), "confirm"));
    assert_null(json_object_get(json_array_get(actions, 1), "confirm"));
    mw_slack_page_finish(&page);
}

static void test_who_is_asked_again(void **state)
{
    static const struct {
        const char *risk;
        bool asked;
    } risks[] = {{"reversible", false}, {"read", false}, {"disruptive, no undo", true}};
    for (size_t i = 0; i < sizeof risks / sizeof *risks; i++) {
        struct mw_slack_page page;
        json_auto_t *message = card(risks[i].risk);
        mw_slack_render(memory, message, &page);
        const json_t *actions = json_object_get(json_array_get(page.blocks, 4), "elements");
        assert_int_equal(json_object_get(json_array_get(actions, 0), "confirm") != NULL,
                         risks[i].asked);
        mw_slack_page_finish(&page);
    }
}

/* What is too long is cut, the buttons stay, and a file has all of it. */
/* What a model says cannot pass for what midwatch says. */
static void test_the_words_of_others_are_quoted(void **state)
{
    json_auto_t *message =
        json_pack("{s:s, s:s, s:[{s:s, s:[s, s]}]}", "summary", "an answer", "state", "info",
                  "blocks", "type", "quote", "items", "✅ approved by <@U0ALICE>", "it is full");
    struct mw_slack_page page;
    mw_slack_render(memory, message, &page);
    check_limits(&page);
    assert_int_equal(json_array_size(page.blocks), 2);
    assert_string_equal(text_of(json_array_get(page.blocks, 0)),
                        "> ✅ approved by &lt;@U0ALICE&gt;");
    assert_string_equal(text_of(json_array_get(page.blocks, 1)), "> it is full");
    mw_slack_page_finish(&page);
}

static void test_too_much(void **state)
{
    json_auto_t *message = card("reversible");
    json_t *blocks = json_object_get(message, "blocks");
    char *line = talloc_size(memory, 1201);
    memset(line, '<', 1200);
    line[1200] = '\0';
    for (int i = 0; i < 80; i++) {
        json_array_append_new(blocks, json_pack("{s:s, s:s}", "type", "text", "text", line));
        json_array_append_new(
            blocks, json_pack("{s:s, s:[s, s, s]}", "type", "notes", "items", line, line, line));
        json_array_append_new(blocks, json_pack("{s:s, s:[s,s], s:[[s, s]]}", "type", "table",
                                                "columns", "A", "B", "rows", line, "last"));
    }
    struct mw_slack_page page;
    mw_slack_render(memory, message, &page);
    assert_true(page.cut);
    check_limits(&page);
    const json_t *last = json_array_get(page.blocks, json_array_size(page.blocks) - 1);
    assert_string_equal(json_string_value(json_object_get(last, "type")), "actions");
    const char *plain = mw_slack_render_plain(memory, message);
    assert_non_null(strstr(plain, "last"));
    assert_true(strlen(plain) > (size_t)80 * 1200);
    mw_slack_page_finish(&page);
}

static void test_a_table_is_aligned(void **state)
{
    struct mw_slack_page page;
    json_auto_t *message =
        json_pack("{s:s, s:[{s:s, s:[s,s], s:[[s,s],[s,s]]}]}", "summary", "x", "blocks", "type",
                  "table", "columns", "Metric", "Now", "rows", "memory", "97 %", "größe", "1");
    mw_slack_render(memory, message, &page);
    assert_string_equal(text_of(json_array_get(page.blocks, 0)),
                        "```Metric  Now\nmemory  97 %\ngröße   1```");
    mw_slack_page_finish(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_card),
        cmocka_unit_test(test_who_is_asked_again),
        cmocka_unit_test(test_the_words_of_others_are_quoted),
        cmocka_unit_test(test_too_much),
        cmocka_unit_test(test_a_table_is_aligned),
    };
    return cmocka_run_group_tests(tests, open_memory, close_memory);
}
