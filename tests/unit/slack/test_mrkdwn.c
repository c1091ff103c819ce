/* SPDX-License-Identifier: Apache-2.0 */
/* Text that Slack shows as it is, and what people wrote there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/chat/slack/slack.h"
#include "base/text.h"

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

static void test_nothing_becomes_a_mention(void **state)
{
    assert_string_equal(mw_slack_escape(memory, "<!channel> & <@U1> <https://x|y>", 200),
                        "&lt;!channel&gt; &amp; &lt;@U1&gt; &lt;https://x|y&gt;");
    assert_string_equal(mw_slack_escape(memory, "", 10), "");
}

static void test_a_cut_is_clean(void **state)
{
    const char *text = "a<b&c>d äöü €€€ ";
    for (size_t limit = 4; limit < 60; limit++) {
        const char *cut = mw_slack_escape(memory, text, limit);
        assert_true(strlen(cut) <= limit);
        assert_true(mw_text_is_utf8(cut, strlen(cut)));
        for (const char *at = strchr(cut, '&'); at != NULL; at = strchr(at + 1, '&')) {
            assert_true(strncmp(at, "&lt;", 4) == 0 || strncmp(at, "&gt;", 4) == 0 ||
                        strncmp(at, "&amp;", 5) == 0);
        }
    }
    assert_string_equal(mw_slack_escape(memory, "0123456789", 10), "0123456789");
    assert_string_equal(mw_slack_escape(memory, "0123456789x", 10), "0123456…");
}

static void test_code_does_not_end_early(void **state)
{
    static const char *const lines[] = {"```", "a``` <!here> ```b", "``````", "`x`"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_null(strstr(mw_slack_escape_code(memory, lines[i], 200), "```"));
    }
    assert_string_equal(mw_slack_escape_code(memory, "`x` y", 20), "`x` y");
}

static void test_what_people_meant(void **state)
{
    static const struct {
        const char *sent, *meant;
        bool mentioned;
    } texts[] = {
        {"<@U0BOT> status", "status", true},
        {"  <@U0BOT|midwatch>: fix cache", "fix cache", true},
        {"<@U0BOTTLE> status", "@U0BOTTLE status", false},
        {"status", "status", false},
        {"<@U0BOT>", "", true},
        {"ask is 3 &lt; 4 &amp;&amp; why", "ask is 3 < 4 && why", false},
        {"see <https://example.org/a?b=1|example.org> and <#C1|ops>", "see example.org and ops",
         false},
        {"<https://example.org/?a=1&amp;b>", "https://example.org/?a=1&b", false},
        {"a < b <", "a < b <", false},
        {"&lt;!channel&gt; &am", "<!channel> &am", false},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        bool mentioned;
        assert_string_equal(mw_slack_plain(memory, texts[i].sent, "U0BOT", &mentioned),
                            texts[i].meant);
        assert_int_equal(mentioned, texts[i].mentioned);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_becomes_a_mention),
        cmocka_unit_test(test_a_cut_is_clean),
        cmocka_unit_test(test_code_does_not_end_early),
        cmocka_unit_test(test_what_people_meant),
    };
    return cmocka_run_group_tests(tests, open_memory, close_memory);
}
