/* SPDX-License-Identifier: Apache-2.0 */
/* What doctor is told of a real server and of our role's rights there. */
#include "calls.h"

struct said {
    char text[4096];
    int notes, faults;
};

static void say(void *context, enum mw_check_level level, const char *text)
{
    struct said *said = context;
    size_t used = strlen(said->text);
    snprintf(said->text + used, sizeof said->text - used, "%s\n", text);
    said->notes += level == MW_CHECK_NOTE;
    said->faults += level == MW_CHECK_FAULT;
}

static struct said look(struct mw_target *target)
{
    struct said said = {.notes = 0};
    const struct mw_check check = {.context = &said, .say = say};
    struct mw_error error = {0};
    if (!mw_target_postgres.check(target, &check, mw_deadline_in(5000), &error))
        fail_msg("%s", error.text);
    assert_int_equal(said.faults, 0);
    return said;
}

static void assert_silent(const struct said *said, const char *part)
{
    if (strstr(said->text, part) != NULL)
        fail_msg("\"%s\" in: %s", part, said->text);
}

static void rights_are_named_body(void)
{
    server_start("");
    struct mw_target *good = target_on(NULL), *plain = target_on(url_of("plain"));
    probe_well(good);
    probe_well(plain);

    struct said said = look(good);
    assert_says(said.text, "PostgreSQL ");
    assert_says(said.text, "as midwatch");
    assert_silent(&said, "pg_monitor");
    assert_silent(&said, "pg_signal_backend");
    assert_silent(&said, "ALTER SYSTEM");
    assert_silent(&said, "not encrypted");

    said = look(plain);
    assert_says(said.text, "GRANT pg_monitor TO plain");
    assert_says(said.text, "GRANT pg_signal_backend TO plain");
    assert_says(said.text, "is turned away");
    /* Without a way to restart, the setting would be of no use. */
    assert_silent(&said, "ALTER SYSTEM");
    control_with(plain, "true");
    said = look(plain);
    assert_says(said.text, "GRANT ALTER SYSTEM ON PARAMETER max_connections TO plain");
}

static void a_superuser_lacks_nothing_body(void)
{
    server_start("");
    struct mw_target *target = target_on(url_of("postgres"));
    probe_well(target);
    struct said said = look(target);
    assert_says(said.text, "(superuser)");
    assert_int_equal(said.notes, 0);
}

static void a_full_server_is_told_as_such_body(void)
{
    char sqlstate[6] = "";
    server_start("max_connections = 10");
    while (session_try("app", sqlstate) != NULL)
        continue;
    assert_string_equal(sqlstate, "53300");
    struct mw_target *late = target_on(NULL);
    probe_well(late);
    struct said said = look(late);
    assert_says(said.text, "no connection slot left");
}

BODY_TEST(rights_are_named)
BODY_TEST(a_superuser_lacks_nothing)
BODY_TEST(a_full_server_is_told_as_such)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_on_server(rights_are_named),
        test_on_server(a_superuser_lacks_nothing),
        test_on_server(a_full_server_is_told_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, server_remove);
}
