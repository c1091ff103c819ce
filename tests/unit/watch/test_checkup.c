/* SPDX-License-Identifier: Apache-2.0 */
/* What doctor is told of a resource; with real files and commands, so on the real clock. */
#include "helper.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char said[4096];
static int counts[3];
static int checked;

static void say(void *context, enum mw_check_level level, const char *text)
{
    size_t used = strlen(said);
    snprintf(said + used, sizeof said - used, "%s: %s\n", mw_check_level_name(level), text);
    counts[level]++;
}

static bool fake_check(struct mw_target *target, const struct mw_check *check,
                       struct mw_deadline deadline, struct mw_error *error)
{
    checked++;
    mw_check_say(check, MW_CHECK_OK, "a tank\x1b[31m at 127.0.0.1");
    return true;
}

static bool no_check(struct mw_target *target, const struct mw_check *check,
                     struct mw_deadline deadline, struct mw_error *error)
{
    return mw_error_set(error, MW_ERROR_REFUSED, "it will not say");
}

static void look(const struct mw_target_ops *ops, const struct mw_resource_config *config,
                 const struct fake_config *own)
{
    struct mw_error error = {0};
    struct mw_watch *watch = mw_watch_create(NULL);
    struct mw_resource *resource = mw_watch_add(watch, ops, config, own, &error);
    if (resource == NULL) {
        fail_msg("%s", error.text);
    }
    memset(said, 0, sizeof said);
    memset(counts, 0, sizeof counts);
    checked = 0;
    const struct mw_check check = {.say = say};
    mw_watch_check(resource, &check, mw_deadline_in(10000));
    mw_watch_stop(watch);
    talloc_free(watch);
}

static void assert_said(const char *part)
{
    if (strstr(said, part) == NULL) {
        fail_msg("\"%s\" is missing in: %s", part, said);
    }
}

static struct mw_target_ops ops_with(bool (*check)(struct mw_target *, const struct mw_check *,
                                                   struct mw_deadline, struct mw_error *))
{
    struct mw_target_ops ops = fake_ops;
    ops.check = check;
    return ops;
}

static void all_is_well_body(void)
{
    char path[] = "/tmp/mw-checkup-XXXXXX";
    int file = mkstemp(path);
    assert_int_equal(write(file, "ready\n", 6), 6);
    close(file);
    struct mw_log_source_config of_file = {.file = path};
    const char *words[] = {"printf", "%s", "line"}, *restart[] = {"true"};
    struct mw_log_source_config of_command = {.command = {3, words}};
    void *sources[] = {&of_file, &of_command};
    struct mw_control_config control = {.restart = {1, restart}};
    struct mw_resource_config config = fake_resource("tank", 1000);
    config.logs = (struct mw_section_list){2, sources};
    config.control = &control;
    const struct fake_config own = SCRIPT(40);
    const struct mw_target_ops ops = ops_with(fake_check);
    look(&ops, &config, &own);
    unlink(path);
    assert_int_equal(checked, 1);
    assert_said("ok: a tank at 127.0.0.1\n");
    assert_said("ok: its log can be read: /tmp/mw-checkup-");
    assert_said("ok: its log can be read: printf");
    assert_said("ok: restart: true");
    assert_int_equal(counts[MW_CHECK_OK], 4);
    assert_int_equal(counts[MW_CHECK_NOTE] + counts[MW_CHECK_FAULT], 0);
}

static void nothing_is_well_body(void)
{
    const char *nowhere[] = {"no-such-program"}, *fails[] = {"false"};
    struct mw_log_source_config of_file = {.file = "/nowhere/tank.log"};
    struct mw_log_source_config of_command = {.command = {1, fails}};
    void *sources[] = {&of_file, &of_command};
    struct mw_control_config control = {.restart = {1, nowhere}, .reload = {1, nowhere}};
    struct mw_resource_config config = fake_resource("tank", 1000);
    config.logs = (struct mw_section_list){2, sources};
    config.control = &control;
    const struct fake_config own = SCRIPT(LOST);
    const struct mw_target_ops ops = ops_with(fake_check);
    look(&ops, &config, &own);
    assert_int_equal(checked, 0);
    assert_said("failed: connection refused");
    assert_said("failed: its log cannot be read: /nowhere/tank.log");
    assert_said("failed: its log cannot be read: false ended with status 1");
    assert_said("failed: control: it cannot be restarted: no-such-program: program not found");
    assert_said("failed: control: it cannot be reloaded: no-such-program");
    assert_int_equal(counts[MW_CHECK_FAULT], 5);
}

static void what_is_missing_is_noted_body(void)
{
    struct mw_resource_config config = fake_resource("tank", 1000);
    const struct fake_config own = SCRIPT(40);
    look(&fake_ops, &config, &own);
    assert_said("ok: it answers");
    assert_said("note: no logs: are named");
    assert_said("note: control: names no way to restart it");
    const struct mw_target_ops ops = ops_with(no_check);
    look(&ops, &config, &own);
    assert_said("failed: it answers, but cannot be looked at: it will not say");
}

static void a_slow_one_is_told_its_timeout_body(void)
{
    struct mw_resource_config config = fake_resource("tank", 1000);
    config.timeout = 100;
    const struct fake_config hangs = SCRIPT(HANGS);
    look(&fake_ops, &config, &hangs);
    assert_said("failed: within timeout: 100 ms: no answer in time");
    struct fake_config slow = SCRIPT(40);
    slow.takes_ms = 80;
    look(&fake_ops, &config, &slow);
    assert_said("of the 100 that timeout: allows");
    assert_said("ok: it answers");
}

static int open_real(void **state)
{
    struct mw_error error = {0};
    if (!mw_runtime_init(&error)) {
        fail_msg("%s", error.text);
    }
    return 0;
}

#define REAL(name)                 \
    static void name(void **state) \
    {                              \
        in_fiber(name##_body);     \
    }

REAL(all_is_well)
REAL(nothing_is_well)
REAL(what_is_missing_is_noted)
REAL(a_slow_one_is_told_its_timeout)

#define test_in_real(test) cmocka_unit_test_setup_teardown(test, open_real, close_loop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_real(all_is_well),
        test_in_real(nothing_is_well),
        test_in_real(what_is_missing_is_noted),
        test_in_real(a_slow_one_is_told_its_timeout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
