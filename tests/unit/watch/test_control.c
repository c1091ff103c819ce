/* SPDX-License-Identifier: Apache-2.0 */
/* Restarting and reloading by command. */
#include "helper.h"

#include "watch/internal.h"

static int open_real_loop(void **state)
{
    struct mw_error error = {0};
    return !mw_runtime_init(&error);
}

static struct mw_text_list list_of(const char **words, size_t count)
{
    return (struct mw_text_list){.count = count, .items = words};
}

static void a_unit_is_for_systemctl(void **state)
{
    struct mw_control_config config = {.systemd = "redis"};
    struct mw_control *control = mw_control_create(NULL, &config);
    assert_string_equal(control->restart_says, "systemctl restart redis");
    assert_string_equal(control->reload_says, "systemctl reload redis");
    assert_non_null(control->restart);
    assert_non_null(control->reload);
    talloc_free(control);
}

static void what_is_not_configured_is_not_there(void **state)
{
    const char *words[] = {"restart-it", "a b"};
    struct mw_control_config config = {.restart = list_of(words, 2)};
    struct mw_control *control = mw_control_create(NULL, &config);
    assert_string_equal(control->restart_says, "restart-it 'a b'");
    assert_null(control->reload_says);
    assert_null(control->reload);
    talloc_free(control);
    assert_null(mw_control_create(NULL, NULL));
}

static void commands_run_body(void)
{
    const char *good[] = {"true"},
               *bad[] = {"sh", "-c", "echo first; echo \"no such unit\" >&2; exit 5"};
    const char *slow[] = {"sleep", "60"}, *none[] = {"/nonexistent/restart"};
    struct mw_control_config config = {.restart = list_of(good, 1), .reload = list_of(bad, 3)};
    struct mw_control_config other = {.restart = list_of(slow, 2), .reload = list_of(none, 1)};
    TALLOC_CTX *memory = talloc_new(NULL);
    struct mw_error error = {0};
    struct mw_control *control = mw_control_create(memory, &config);
    assert_true(control->restart(control, mw_deadline_in(10000), &error));
    assert_false(control->reload(control, mw_deadline_in(10000), &error));
    assert_int_equal(error.class, MW_ERROR_PERMANENT);
    assert_non_null(strstr(error.text, "status 5: no such unit"));

    struct mw_control *more = mw_control_create(memory, &other);
    assert_false(more->restart(more, mw_deadline_in(100), &error));
    assert_int_equal(error.class, MW_ERROR_TIMEOUT);
    assert_false(more->reload(more, mw_deadline_in(10000), &error));
    assert_non_null(strstr(error.text, "/nonexistent/restart"));
    talloc_free(memory);
}

static void commands_run(void **state)
{
    in_fiber(commands_run_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unit_is_for_systemctl),
        cmocka_unit_test(what_is_not_configured_is_not_there),
        cmocka_unit_test_setup_teardown(commands_run, open_real_loop, close_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
