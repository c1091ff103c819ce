/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/redact.h"

static int ends[2], saved;
static char seen[20000];

static int catch_stderr(void **state)
{
    mw_clock_virtual(INT64_C(1795316892345), 1);
    saved = dup(STDERR_FILENO);
    if (saved < 0 || pipe(ends) != 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
        return -1;
    }
    return dup2(ends[1], STDERR_FILENO) < 0 ? -1 : 0;
}

static int release_stderr(void **state)
{
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[0]);
    close(ends[1]);
    mw_clock_real();
    mw_redact_forget_all();
    mw_log_setup(MW_LEVEL_INFO, false);
    return 0;
}

/* One read gives what one write wrote, and a line is one write. */
static const char *logged(void)
{
    ssize_t length = read(ends[0], seen, sizeof seen - 1);
    seen[length > 0 ? length : 0] = '\0';
    return seen;
}

static void test_text_lines(void **state)
{
    mw_log_setup(MW_LEVEL_INFO, false);
    mw_log_info("watch", "cache is %s", "HEALTHY");
    assert_string_equal(logged(), "2026-11-22T03:08:12.345Z info  watch: cache is HEALTHY\n");
    mw_log_warning("redis", "slow");
    assert_string_equal(logged(), "2026-11-22T03:08:12.345Z warn  redis: slow\n");
    mw_log_debug("watch", "not shown");
    assert_string_equal(logged(), "");
}

static void test_lines_are_masked_and_clean(void **state)
{
    mw_redact_secret("hunter22");
    mw_log_error("watch", "a\nb \x1b[31mred hunt\x1b[0mer22 password=x");
    assert_string_equal(logged(),
                        "2026-11-22T03:08:12.345Z error watch: a b red ••• password=•••\n");
}

static void test_json_lines(void **state)
{
    mw_log_setup(MW_LEVEL_DEBUG, true);
    mw_log_debug("watch", "say \"hi\" \\ \xff");
    json_auto_t *line = json_loads(logged(), 0, NULL);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "level")), "debug");
    assert_string_equal(json_string_value(json_object_get(line, "message")),
                        "say \"hi\" \\ \xEF\xBF\xBD");
}

static void test_long_lines_stay_whole(void **state)
{
    char *text = malloc(100001);
    memset(text, '"', 100000);
    text[100000] = '\0';
    mw_log_setup(MW_LEVEL_INFO, true);
    mw_log_info("watch", "%s", text);
    json_auto_t *line = json_loads(logged(), 0, NULL);
    assert_non_null(line);
    const char *message = json_string_value(json_object_get(line, "message"));
    assert_string_equal(message + strlen(message) - 3, "…");
    mw_log_setup(MW_LEVEL_INFO, false);
    mw_log_info("watch", "%s", text);
    assert_true(strlen(logged()) < 4096);
    free(text);
}

static void test_errno_survives(void **state)
{
    errno = ENOENT;
    mw_log_info("watch", "%m");
    assert_int_equal(errno, ENOENT);
    assert_non_null(strstr(logged(), "No such file"));
}

static void test_levels(void **state)
{
    enum mw_log_level level;
    assert_true(mw_log_level_parse("warning", &level));
    assert_int_equal(level, MW_LEVEL_WARNING);
    assert_false(mw_log_level_parse("loud", &level));
    assert_false(mw_log_level_parse(NULL, &level));
}

#define LOG_TEST(test) cmocka_unit_test_setup_teardown(test, catch_stderr, release_stderr)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(test_text_lines),     LOG_TEST(test_lines_are_masked_and_clean),
        LOG_TEST(test_json_lines),     LOG_TEST(test_long_lines_stay_whole),
        LOG_TEST(test_errno_survives), LOG_TEST(test_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
