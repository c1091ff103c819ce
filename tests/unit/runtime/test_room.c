/* SPDX-License-Identifier: Apache-2.0 */
/* What memory is left for a process of this machine. */
#include "helper.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "runtime/room.h"

static int64_t total_memory(void)
{
    return (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
}

static struct mw_room look(int64_t process_id, const char *const *names)
{
    struct mw_room room = {.free_bytes = -1};
    struct mw_error error = {0};
    if (!mw_room_of_process(process_id, names, mw_deadline_in(10000), &room, &error))
        fail_msg("%s", error.text);
    return room;
}

static void our_own_process_is_found_body(void)
{
    static const char *const names[] = {"no-such-server", "mw-room", NULL};
    /* Under Valgrind the process has another name. */
    assert_int_equal(prctl(PR_SET_NAME, "test-mw-room"), 0);
    struct mw_room room = look(getpid(), names);
    assert_true(room.known);
    assert_true(room.free_bytes >= 0);
    assert_true(room.free_bytes <= total_memory());
}

static void others_are_not_mistaken_for_it_body(void)
{
    static const char *const names[] = {"no-such-server", NULL};
    assert_false(look(getpid(), names).known);
    assert_false(look(0, names).known);
    assert_false(look(-5, names).known);
}

static void our_own_process_is_found(void **state)
{
    in_fiber(our_own_process_is_found_body);
}

static void others_are_not_mistaken_for_it(void **state)
{
    in_fiber(others_are_not_mistaken_for_it_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_loop(our_own_process_is_found),
        test_in_loop(others_are_not_mistaken_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
