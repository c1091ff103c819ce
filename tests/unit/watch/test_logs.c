/* SPDX-License-Identifier: Apache-2.0 */
/* How bad lines are, and which of many are shown. */
#include "helper.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "watch/internal.h"

static void levels_are_found(void **state)
{
    static const struct {
        const char *line;
        enum mw_log_severity severity;
    } lines[] = {
        {"2026-11-22T03:08:05Z ERROR could not write", MW_LOG_ERROR},
        {"2026/11/22 03:08:05 [error] 12#12: upstream timed out", MW_LOG_ERROR},
        {"2026/11/22 03:08:05 [warn] 12#12: conf", MW_LOG_WARNING},
        {"2026/11/22 03:08:05 [emerg] 12#12: bind() failed", MW_LOG_CRITICAL},
        {"2026-11-22 03:08:05 UTC [12] FATAL:  too many connections", MW_LOG_CRITICAL},
        {"2026-11-22 03:08:05 UTC [12] LOG:  an error: harmless", MW_LOG_NOTICE},
        {"time=03:08 level=warning msg=\"disk\"", MW_LOG_WARNING},
        {"{\"level\":\"error\",\"msg\":\"x\"}", MW_LOG_ERROR},
        {"INFO request ended with ERROR code 5", MW_LOG_NOTICE},
        {"<3>kernel: disk", MW_LOG_ERROR},
        {"<165>app: fine", MW_LOG_NOTICE},
        {"<>ERROR x", MW_LOG_ERROR},
        {"error: cannot open", MW_LOG_ERROR},
        {"panic: runtime error", MW_LOG_CRITICAL},
        {"the error page was served", MW_LOG_NOTICE},
        {"MIRROR done, TERRORS none, ERROR_COUNT=0", MW_LOG_NOTICE},
        {"Out of memory: Killed process 12", MW_LOG_ERROR},
        {"", MW_LOG_NOTICE},
        {"\xff\xfe\x80", MW_LOG_NOTICE},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (mw_log_severity_guess(lines[i].line) != lines[i].severity) {
            fail_msg("%s: %d", lines[i].line, mw_log_severity_guess(lines[i].line));
        }
    }
}

static void equal_templates_fold(void **state)
{
    struct mw_fold *fold = mw_fold_create(NULL);
    size_t count;
    mw_fold_add(fold, "03:08:05 ERROR user 17 can't open 'b' at 0xdeadbeef", MW_LOG_ERROR, 0);
    mw_fold_add(fold, "03:08:04 ERROR user 9 can't open 'a' at 0xfeed", MW_LOG_ERROR, 1);
    mw_fold_add(fold, "03:08:03 ERROR user 9 can't close 'a' at 0xfeed", MW_LOG_ERROR, 2);
    mw_fold_add(fold, "03:08:02 PANIC", MW_LOG_CRITICAL, 3);
    mw_fold_add(fold, "03:08:01 WARN a", MW_LOG_WARNING, 4);
    struct mw_log_excerpt *lines = mw_fold_take(fold, fold, 3, &count);
    assert_int_equal(count, 3);
    assert_string_equal(lines[0].line, "03:08:02 PANIC");
    assert_string_equal(lines[1].line, "03:08:05 ERROR user 17 can't open 'b' at 0xdeadbeef");
    assert_int_equal(lines[1].times, 2);
    assert_string_equal(lines[2].line, "03:08:03 ERROR user 9 can't close 'a' at 0xfeed");
    assert_int_equal(lines[2].times, 1);
    talloc_free(fold);
}

static void memory_stays_bounded_and_the_worst_stay(void **state)
{
    struct mw_fold *fold = mw_fold_create(NULL);
    char line[64];
    size_t count;
    for (int i = 0; i < 5000; i++) {
        snprintf(line, sizeof line, "WARN %c%c%c%c", 'g' + i % 10, 'g' + i / 10 % 10,
                 'g' + i / 100 % 10, 'g' + i / 1000 % 10);
        mw_fold_add(fold, line, MW_LOG_WARNING, (size_t)i);
    }
    mw_fold_add(fold, "ERROR the one that matters", MW_LOG_ERROR, 5000);
    assert_true(talloc_total_size(fold) < 64 * 1024);
    struct mw_log_excerpt *lines = mw_fold_take(fold, NULL, 2, &count);
    assert_int_equal(count, 2);
    assert_string_equal(lines[0].line, "ERROR the one that matters");
    assert_string_equal(lines[1].line, "WARN gggg");
    talloc_free(lines);
    talloc_free(fold);
}

static void check_short(const char *line, const char *expected)
{
    char *seen = mw_log_shorten(NULL, line);
    assert_string_equal(seen, expected);
    talloc_free(seen);
}

/* The virtual clock stands at 2027-01-15T08:00:00Z. */
static void dates_of_today_are_left_out(void **state)
{
    setenv("TZ", "UTC", 1);
    tzset();
    mw_clock_virtual(WALL_START, 1);
    check_short("17:M 15 Jan 2027 03:08:05.123 # Background saving error",
                "03:08:05 # Background saving error");
    check_short("2027-01-15T03:08:05.123456Z ERROR x", "03:08:05 ERROR x");
    check_short("2027-01-15 03:08:05,123 UTC [7] FATAL:  x", "03:08:05 [7] FATAL:  x");
    check_short("2027-01-15T03:08:05+00:00 ERROR x", "03:08:05 ERROR x");
    check_short("2027/01/15 03:08:05 [error] 7#7: x", "03:08:05 [error] 7#7: x");
    check_short("Jan 15 03:08:05 host app[7]: x", "03:08:05 host app[7]: x");
    check_short("[2027-01-15 03:08:05] ERROR x", "03:08:05 ERROR x");
    static const char *const kept[] = {
        "17:M 14 Jan 2027 03:08:05.123 # yesterday",
        "2027-01-15T03:08:05+02:00 another zone",
        "2027-01-15T03:08:05-0530 another zone",
        "{\"time\":\"2027-01-15T03:08:05Z\",\"level\":\"error\"}",
        "03:08:05 ERROR short already",
        "ERROR nothing here",
        "",
        "2027-01-15",
        "2027-01-15 03:08",
        "2027-01-15 03:08:0",
        "a long way to go before anything comes, 2027-01-15 03:08:05 x",
    };
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        check_short(kept[i], kept[i]);
    }
    check_short("2027-01-15 03:08:05", "03:08:05 ");
    check_short("2027-01-15 03:08:05+", "03:08:05 +");
    mw_clock_real();
}

/* ---- sources ---- */

static char path[] = "/tmp/midwatch-log-XXXXXX";
static struct mw_log_source_config source;
static void *sources[] = {&source};
static struct mw_resource_config config;
static struct fake_config own = SCRIPT(10);

static int make_file(void **state)
{
    strcpy(path, "/tmp/midwatch-log-XXXXXX");
    int fd = mkstemp(path);
    close(fd);
    struct mw_error error = {0};
    if (!mw_runtime_init(&error)) {
        fail_msg("%s", error.text);
    }
    source = (struct mw_log_source_config){.file = path};
    config = fake_resource("box", 1000);
    config.logs = (struct mw_section_list){.count = 1, .items = sources};
    return fd < 0;
}

static int drop_file(void **state)
{
    unlink(path);
    return close_loop(state);
}

static void write_file(const char *bytes, size_t length, int times)
{
    FILE *file = fopen(path, "w");
    for (int i = 0; i < times; i++) {
        fwrite(bytes, 1, length, file);
    }
    fclose(file);
}

static struct mw_log_excerpt *read_log(TALLOC_CTX *memory, size_t limit, size_t *count)
{
    struct mw_error error = {0};
    struct mw_watch *watch = mw_watch_create(memory);
    struct mw_resource *resource = mw_watch_add(watch, &fake_ops, &config, &own, &error);
    assert_non_null(resource);
    return mw_watch_logs(resource, memory, limit, count, mw_deadline_in(20000));
}

static void a_file_is_read_body(void)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    static const char text[] = "10:00:01 INFO up\r\n"
                               "10:00:02 ERROR lost \x1b[31mred\x1b[0m 1\r\n"
                               "10:00:03 WARN slow\n\n"
                               "10:00:04 ERROR lost \x1b[31mred\x1b[0m 2\n"
                               "10:00:05 ERROR login with password=hunter22hunter failed\n"
                               "10:00:06 ERROR nul\0 inside";
    size_t count;
    write_file(text, sizeof text - 1, 1);
    struct mw_log_excerpt *lines = read_log(memory, 10, &count);
    assert_int_equal(count, 4);
    assert_string_equal(lines[0].line, "10:00:06 ERROR nul  inside");
    assert_null(strstr(lines[1].line, "hunter22"));
    assert_string_equal(lines[2].line, "10:00:04 ERROR lost red 2");
    assert_int_equal(lines[2].times, 2);
    assert_string_equal(lines[3].line, "10:00:03 WARN slow");
    talloc_free(memory);
}

static void much_is_cut_at_the_start_body(void)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    static char line[3001];
    size_t count;
    memset(line, 'x', 3000);
    memcpy(line, "ERROR torn ", 11);
    line[2999] = '\n';
    write_file(line, 3000, 400);
    struct mw_log_excerpt *lines = read_log(memory, 10, &count);
    assert_int_equal(count, 1);
    assert_int_equal(lines[0].times, 256 * 1024 / 3000);
    assert_true(strlen(lines[0].line) <= 300);
    talloc_free(memory);
}

static void a_file_of_noise_is_survived_body(void)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    static char noise[300000];
    size_t count;
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof noise; i++) {
        seed = seed * 1664525 + 1013904223;
        noise[i] = (char)(seed >> 24);
    }
    write_file(noise, sizeof noise, 1);
    read_log(memory, 5, &count);
    assert_true(count <= 5);
    write_file("\n", 1, 300000);
    read_log(memory, 5, &count);
    assert_int_equal(count, 0);
    talloc_free(memory);
}

static void a_missing_source_is_told_body(void)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    size_t count;
    unlink(path);
    struct mw_log_excerpt *lines = read_log(memory, 10, &count);
    assert_int_equal(count, 1);
    char expected[200];
    snprintf(expected, sizeof expected,
             "a log cannot be read: cannot open it: No such file or directory (%s)", path);
    assert_string_equal(lines[0].line, expected);
    config.logs.count = 0;
    assert_null(read_log(memory, 10, &count));
    assert_int_equal(count, 0);
    talloc_free(memory);
}

static void a_command_is_a_source_body(void)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    const char *says[] = {"printf", "ERROR one\\nINFO two\\n"};
    const char *fails[] = {"sh", "-c", "echo broken >&2; exit 3"};
    size_t count;
    source = (struct mw_log_source_config){.command = {.count = 2, .items = says}};
    struct mw_log_excerpt *lines = read_log(memory, 10, &count);
    assert_int_equal(count, 1);
    assert_string_equal(lines[0].line, "ERROR one");
    source = (struct mw_log_source_config){.command = {.count = 3, .items = fails}};
    lines = read_log(memory, 10, &count);
    assert_int_equal(count, 1);
    assert_non_null(strstr(lines[0].line, "status 3: broken"));
    talloc_free(memory);
}

static void a_hung_source_leaves_time_for_the_others_body(void)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    const char *hangs[] = {"sleep", "60"}, *says[] = {"printf", "ERROR one\n"};
    static struct mw_log_source_config hung, well;
    static void *three[] = {&hung, &hung, &well};
    struct mw_error error = {0};
    size_t count;
    hung = (struct mw_log_source_config){.command = {.count = 2, .items = hangs}};
    well = (struct mw_log_source_config){.command = {.count = 2, .items = says}};
    config.logs = (struct mw_section_list){.count = 3, .items = three};
    struct mw_watch *watch = mw_watch_create(memory);
    struct mw_resource *resource = mw_watch_add(watch, &fake_ops, &config, &own, &error);
    struct mw_log_excerpt *lines = mw_watch_logs(resource, memory, 10, &count, mw_deadline_in(600));
    assert_int_equal(count, 2);
    assert_string_equal(lines[0].line, "ERROR one");
    assert_string_equal(lines[1].line, "a log cannot be read: sleep took too long and was killed");
    assert_int_equal(lines[1].times, 2);
    talloc_free(memory);
}

static void one_source_has_two_seconds_body(void)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    const char *hangs[] = {"sleep", "60"};
    size_t count;
    source = (struct mw_log_source_config){.command = {.count = 2, .items = hangs}};
    mw_mono_ns start = mw_mono_now();
    read_log(memory, 10, &count);
    assert_int_equal(count, 1);
    assert_in_range((mw_mono_now() - start) / 1000000, 1900, 6000);
    talloc_free(memory);
}

#define BODY_TEST(name)            \
    static void name(void **state) \
    {                              \
        in_fiber(name##_body);     \
    }

BODY_TEST(a_file_is_read)
BODY_TEST(much_is_cut_at_the_start)
BODY_TEST(a_file_of_noise_is_survived)
BODY_TEST(a_missing_source_is_told)
BODY_TEST(a_command_is_a_source)
BODY_TEST(a_hung_source_leaves_time_for_the_others)
BODY_TEST(one_source_has_two_seconds)

#define test_with_file(test) cmocka_unit_test_setup_teardown(test, make_file, drop_file)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_are_found),
        cmocka_unit_test(equal_templates_fold),
        cmocka_unit_test(memory_stays_bounded_and_the_worst_stay),
        cmocka_unit_test(dates_of_today_are_left_out),
        test_with_file(a_file_is_read),
        test_with_file(much_is_cut_at_the_start),
        test_with_file(a_file_of_noise_is_survived),
        test_with_file(a_missing_source_is_told),
        test_with_file(a_command_is_a_source),
        test_with_file(a_hung_source_leaves_time_for_the_others),
        test_with_file(one_source_has_two_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
