/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "converse/people.h"

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

static const char *const_operator[] = {"operator"};
static const char *const_approver[] = {"viewer", "approver"};
static const char *const_admin[] = {"admin", "operator"};
static const char *const_wrong[] = {"aprover"};

static struct mw_person_config alice = {
    .name = "alice", .terminal = true, .roles = {2, const_approver}};
static struct mw_person_config bob = {
    .name = "bob", .terminal = true, .roles = {1, const_operator}};
static struct mw_person_config carol = {.name = "carol", .roles = {2, const_admin}};

static struct mw_converse_settings settings_with(void **items, size_t count)
{
    return (struct mw_converse_settings){.people = {count, items}};
}

static enum mw_speaker_kind find(void **items, size_t count, const char *id,
                                 struct mw_person *person)
{
    struct mw_converse_settings settings = settings_with(items, count);
    return mw_people_find(&settings, memory, "terminal", id, person);
}

static void test_alone_at_the_terminal(void **state)
{
    void *items[] = {&carol, &alice};
    struct mw_person person;
    assert_int_equal(find(items, 2, "", &person), MW_SPEAKER_LISTED);
    assert_string_equal(person.name, "alice");
    assert_int_equal(person.role, MW_ROLE_APPROVER);
    assert_int_equal(find(items, 2, NULL, &person), MW_SPEAKER_LISTED);
    assert_int_equal(find(items, 2, "ALICE", &person), MW_SPEAKER_LISTED);
}

static void test_sharing_the_terminal(void **state)
{
    void *items[] = {&alice, &bob};
    struct mw_person person;
    assert_int_equal(find(items, 2, "bob", &person), MW_SPEAKER_LISTED);
    assert_int_equal(person.role, MW_ROLE_OPERATOR);
    assert_int_equal(find(items, 2, "", &person), MW_SPEAKER_UNNAMED);
    assert_int_equal(person.role, MW_ROLE_VIEWER);
}

static void test_nobody_borrows_a_role(void **state)
{
    void *items[] = {&alice, &carol};
    struct mw_person person;
    /* Listed, but not for the terminal. */
    assert_int_equal(find(items, 2, "carol", &person), MW_SPEAKER_UNLISTED);
    assert_int_equal(person.role, MW_ROLE_VIEWER);
    assert_int_equal(find(items, 2, "mallory", &person), MW_SPEAKER_UNLISTED);
    assert_string_equal(person.name, "mallory");
    assert_int_equal(find(NULL, 0, "", &person), MW_SPEAKER_UNLISTED);
    assert_int_equal(person.role, MW_ROLE_VIEWER);
    assert_true(person.name[0] != '\0');

    struct mw_converse_settings settings = settings_with(items, 2);
    assert_int_equal(mw_people_find(&settings, memory, "elsewhere", "alice", &person),
                     MW_SPEAKER_UNLISTED);
    assert_int_equal(person.role, MW_ROLE_VIEWER);
}

static void test_the_highest_role_counts(void **state)
{
    struct mw_person_config both = {.name = "dora", .terminal = true, .roles = {2, const_admin}};
    struct mw_person_config none = {.name = "eve", .terminal = true};
    void *items[] = {&both, &none};
    struct mw_person person;
    find(items, 2, "dora", &person);
    assert_int_equal(person.role, MW_ROLE_ADMIN);
    find(items, 2, "eve", &person);
    assert_int_equal(person.role, MW_ROLE_VIEWER);
}

static int faults_seen;
static char last_fault[400];

static void note_fault(void *context, size_t index, const char *key, const char *text)
{
    faults_seen++;
    snprintf(last_fault, sizeof last_fault, "people[%zu].%s: %s", index, key, text);
}

static int count_faults(void **items, size_t count)
{
    struct mw_section_list list = {count, items};
    const struct mw_people_faults faults = {.add = note_fault};
    faults_seen = 0;
    mw_people_check(&list, &faults);
    return faults_seen;
}

static void assert_fault(void **items, size_t count, const char *part)
{
    assert_int_equal(count_faults(items, count), 1);
    if (strstr(last_fault, part) == NULL) {
        fail_msg("\"%s\" is missing in \"%s\"", part, last_fault);
    }
}

static void test_check(void **state)
{
    void *good[] = {&alice, &bob, &carol};
    assert_int_equal(count_faults(good, 3), 0);

    struct mw_person_config wrong = {.name = "dan", .roles = {1, const_wrong}};
    void *with_wrong[] = {&alice, &wrong};
    assert_fault(with_wrong, 2, "people[1].roles: \"aprover\" is no role; write approver");

    struct mw_person_config again = {.name = "Alice"};
    void *twice[] = {&alice, &again};
    assert_fault(twice, 2, "listed twice");

    struct mw_person_config strange = {.name = "dan", .slack = "@dan"};
    void *with_strange[] = {&strange};
    assert_fault(with_strange, 1, "people[0].slack: that is no id");

    static const char *const names[] = {"", "a b", "a:b", "a/b", "\xff"};
    for (size_t i = 0; i < 5; i++) {
        struct mw_person_config odd = {.name = names[i]};
        void *one[] = {&odd};
        assert_fault(one, 1, "is no name");
    }
}

/* ---- on a platform that says who people are ---- */

static struct {
    bool silent, outsider;
    const char *email, *group;
} platform;

static bool identify(struct mw_chat *chat, const char *person, struct mw_deadline deadline,
                     TALLOC_CTX *on, struct mw_chat_identity *identity, struct mw_error *error)
{
    if (platform.silent) {
        return mw_error_set(error, MW_ERROR_RETRY, "it is away");
    }
    *identity = (struct mw_chat_identity){.name = talloc_asprintf(on, "name-of-%s", person),
                                          .email = talloc_strdup(on, platform.email),
                                          .outsider = platform.outsider};
    return true;
}

static bool in_group(struct mw_chat *chat, const char *person, const char *group,
                     struct mw_deadline deadline, bool *is, struct mw_error *error)
{
    *is = platform.group != NULL && strcmp(group, platform.group) == 0;
    return true;
}

static void assert_speaker(void **items, size_t count, const char *id, const char *name,
                           enum mw_role role)
{
    static const struct mw_chat_ops ops = {
        .kind = "slack", .identify = identify, .in_group = in_group};
    struct mw_chat chat = {.ops = &ops, .name = "slack"};
    struct mw_converse_settings settings = settings_with(items, count);
    struct mw_person person;
    mw_people_of_chat(&settings, memory, &chat, id, &person);
    assert_string_equal(person.name, name);
    assert_int_equal(person.role, role);
}

static void test_on_a_platform(void **state)
{
    struct mw_person_config dan = {.name = "dan", .slack = "U0DAN", .roles = {2, const_approver}};
    struct mw_person_config eve = {
        .name = "eve", .email = "Eve@example.org", .roles = {1, const_operator}};
    struct mw_person_config oncall = {
        .name = "oncall", .slack = "S0ONCALL", .roles = {2, const_approver}};
    struct mw_person_config admins = {
        .name = "admins", .slack = "S0ADMINS", .roles = {2, const_admin}};
    void *items[] = {&dan, &eve, &oncall, &admins};
    memset(&platform, 0, sizeof platform);
    platform.email = "";
    assert_speaker(items, 4, "U0DAN", "dan", MW_ROLE_APPROVER);
    assert_speaker(items, 4, "U0ANN", "name-of-U0ANN", MW_ROLE_VIEWER);
    /* Nobody is an entry by its name, nor a member by the group's id. */
    assert_speaker(items, 4, "dan", "name-of-dan", MW_ROLE_VIEWER);
    assert_speaker(items, 4, "S0ONCALL", "name-of-S0ONCALL", MW_ROLE_VIEWER);
    platform.group = "S0ONCALL";
    assert_speaker(items, 4, "U0ANN", "oncall/name-of-U0ANN", MW_ROLE_APPROVER);
    platform.group = "S0ADMINS";
    assert_speaker(items, 4, "U0ANN", "admins/name-of-U0ANN", MW_ROLE_ADMIN);
    platform.outsider = true;
    assert_speaker(items, 4, "U0ANN", "name-of-U0ANN", MW_ROLE_VIEWER);
    assert_speaker(items, 4, "U0DAN", "dan", MW_ROLE_VIEWER);
    platform.outsider = false;
    platform.group = NULL;
    platform.email = "eve@example.org";
    assert_speaker(items, 4, "U0EVE", "eve", MW_ROLE_OPERATOR);
    platform.silent = true;
    assert_speaker(items, 4, "U0DAN", "dan", MW_ROLE_OPERATOR);
    assert_speaker(items, 4, "U0EVE", "U0EVE", MW_ROLE_VIEWER);
}

static void test_the_role_of_a_member(void **state)
{
    struct mw_person_config oncall = {
        .name = "oncall", .slack = "S0ONCALL", .roles = {2, const_approver}};
    void *items[] = {&carol, &oncall};
    struct mw_section_list people = {2, items};
    assert_int_equal(mw_people_role(&people, "oncall/ann"), MW_ROLE_APPROVER);
    assert_int_equal(mw_people_role(&people, "oncal/ann"), MW_ROLE_VIEWER);
    assert_int_equal(mw_people_role(&people, "carol/ann"), MW_ROLE_VIEWER);
    assert_int_equal(mw_people_role(&people, "carol"), MW_ROLE_ADMIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_alone_at_the_terminal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sharing_the_terminal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nobody_borrows_a_role, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_highest_role_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_on_a_platform, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_role_of_a_member, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_check, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
