/* SPDX-License-Identifier: Apache-2.0 */
#include "helper.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/process.h"

static TALLOC_CTX *memory;

static int open_all(void **state)
{
    memory = talloc_new(NULL);
    return open_loop(state);
}

static int close_all(void **state)
{
    TALLOC_FREE(memory);
    close_loop(state);
    /* No child is left behind, dead or alive. */
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    return 0;
}

#define test_with_memory(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)

static bool shell(const char *script, size_t limit, int64_t ms, struct mw_process_result *result,
                  struct mw_error *error)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    return mw_process_run(memory, argv, NULL, limit, mw_deadline_in(ms), result, error);
}

static void body_output(void)
{
    struct mw_process_result result;
    struct mw_error error;
    assert_true(shell("echo out; echo err >&2; exit 3", 1000, 10000, &result, &error));
    assert_string_equal(result.out, "out\n");
    assert_string_equal(result.err, "err\n");
    assert_int_equal(result.out_length, 4);
    assert_int_equal(result.exit_code, 3);
    assert_int_equal(result.signal, 0);
    assert_false(result.cut);
}

static void test_output_and_exit_code(void **state)
{
    in_fiber(body_output);
}

static void body_signal(void)
{
    struct mw_process_result result;
    struct mw_error error;
    assert_true(shell("kill -9 $$", 1000, 10000, &result, &error));
    assert_int_equal(result.exit_code, -1);
    assert_int_equal(result.signal, SIGKILL);
    assert_int_equal(result.out_length, 0);
    assert_string_equal(result.out, "");
}

static void test_ended_by_a_signal(void **state)
{
    in_fiber(body_signal);
}

static void expect_not_started(const char *program, const char *says)
{
    const char *const argv[] = {program, NULL};
    struct mw_process_result result = {.exit_code = 77};
    struct mw_error error = {0};
    assert_false(mw_process_run(memory, argv, NULL, 100, mw_deadline_in(10000), &result, &error));
    assert_int_equal(error.class, MW_ERROR_PERMANENT);
    assert_non_null(strstr(error.text, says));
    assert_int_equal(result.exit_code, 77);
}

static void body_missing(void)
{
    expect_not_started("no-such-program-here", "not found");
    expect_not_started("/no/such/program", "not found");
    expect_not_started("/etc/passwd", "no program");
    expect_not_started("/etc", "no program");
    expect_not_started("", "not found");
}

static void test_missing_programs_are_named(void **state)
{
    in_fiber(body_missing);
}

static bool is_alive(pid_t pid)
{
    char path[64], line[256] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, line, sizeof line - 1);
    close(fd);
    const char *state = got > 0 ? strrchr(line, ')') : NULL;
    return state != NULL && state[2] != 'Z' && state[2] != 'X';
}

static pid_t read_pid(const char *path)
{
    char text[32] = "";
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return 0;
    if (read(fd, text, sizeof text - 1) < 0)
        text[0] = '\0';
    close(fd);
    return strchr(text, '\n') == NULL ? 0 : (pid_t)atoi(text);
}

static char pid_file[64];

static void expect_dead(pid_t pid)
{
    struct mw_error error;
    struct mw_deadline deadline = mw_deadline_in(5000);
    assert_true(pid > 1);
    while (is_alive(pid) && !mw_deadline_passed(deadline))
        assert_true(mw_sleep(2, &error));
    assert_false(is_alive(pid));
}

static char *hanging_script(void)
{
    static char script[300];
    snprintf(pid_file, sizeof pid_file, "/tmp/mw-test-%d.pid", (int)getpid());
    unlink(pid_file);
    snprintf(
        script, sizeof script,
        "trap '' TERM; sh -c 'trap \"\" TERM; echo $$ > %s; while :; do sleep 1; done' & wait; "
        "while :; do sleep 1; done",
        pid_file);
    return script;
}

static void body_timeout(void)
{
    struct mw_process_result result;
    struct mw_error error = {0};
    mw_mono_ns start = mw_mono_now();
    assert_false(shell(hanging_script(), 1000, 300, &result, &error));
    assert_int_equal(error.class, MW_ERROR_TIMEOUT);
    assert_true(ms_since(start) >= 300 && ms_since(start) < 5000);
    expect_dead(read_pid(pid_file));
    unlink(pid_file);
}

static void test_a_timeout_kills_the_whole_group(void **state)
{
    in_fiber(body_timeout);
}

static void body_gentle(void)
{
    struct mw_process_result result;
    struct mw_error error = {0};
    mw_mono_ns start = mw_mono_now();
    assert_false(shell("exec sleep 60", 1000, 20, &result, &error));
    assert_int_equal(error.class, MW_ERROR_TIMEOUT);
    assert_true(ms_since(start) < 500);
}

static void test_who_heeds_sigterm_needs_no_grace(void **state)
{
    in_fiber(body_gentle);
}

static void run_hanging(void *argument)
{
    struct mw_process_result result;
    struct mw_error error = {0};
    assert_false(shell(hanging_script(), 1000, 60000, &result, &error));
    assert_int_equal(error.class, MW_ERROR_CANCELLED);
    assert_false(shell("true", 1000, 60000, &result, &error));
    assert_int_equal(error.class, MW_ERROR_CANCELLED);
}

static void body_cancel(void)
{
    struct mw_group group;
    struct mw_error error;
    mw_group_init(&group);
    mw_fiber_spawn(&group, "runner", run_hanging, NULL);
    struct mw_deadline deadline = mw_deadline_in(5000);
    mw_fiber_yield();
    while (read_pid(pid_file) == 0 && !mw_deadline_passed(deadline))
        assert_true(mw_sleep(2, &error));
    pid_t pid = read_pid(pid_file);
    mw_group_finish(&group);
    expect_dead(pid);
    unlink(pid_file);
}

static void test_cancelling_kills_the_whole_group(void **state)
{
    in_fiber(body_cancel);
}

static void body_descriptors(void)
{
    struct mw_process_result result;
    struct mw_error error;
    int leaky = open("/dev/null", O_RDONLY);
    assert_true(leaky >= 3);
    assert_true(dup2(leaky, 200) == 200);
    assert_true(shell("ls -l /proc/self/fd | sed -n 's/.* \\([0-9]*\\) -> \\(.*\\)/\\1 \\2/p'; "
                      "head -c 1 | wc -c",
                      4000, 10000, &result, &error));
    close(leaky);
    close(200);
    assert_int_equal(strncmp(result.out, "0 /dev/null\n1 pipe:", 19), 0);
    assert_null(strstr(result.out, "\n200 "));
    /* 0, 1, 2, the folder that ls reads, and the line that counts what is on standard input. */
    size_t lines = 0;
    for (const char *at = result.out; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_int_equal(lines, 5);
    assert_non_null(strstr(result.out, "\n0\n"));
}

static void test_no_descriptor_is_inherited(void **state)
{
    in_fiber(body_descriptors);
}

static void body_environment(void)
{
    static const char *const argv[] = {"env", NULL};
    static const char *const given[] = {"GREETING=hello", "LANG=C", NULL};
    struct mw_process_result result;
    struct mw_error error;
    setenv("MIDWATCH_TEST_TOKEN", "secret", 1);
    assert_true(mw_process_run(memory, argv, given, 4000, mw_deadline_in(10000), &result, &error));
    assert_string_equal(result.out, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:"
                                    "/bin\nGREETING=hello\nLANG=C\n");
    assert_true(mw_process_run(memory, argv, NULL, 4000, mw_deadline_in(10000), &result, &error));
    assert_string_equal(result.out, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:"
                                    "/bin\nLANG=C.UTF-8\n");
    unsetenv("MIDWATCH_TEST_TOKEN");
}

static void test_the_environment_is_clean(void **state)
{
    in_fiber(body_environment);
}

static void body_signals_default(void)
{
    struct mw_process_result result;
    struct mw_error error;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    assert_true(
        shell("sed -n 's/Sig[BI][lg][kn]:.//p' /proc/self/status", 1000, 10000, &result, &error));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    /* Bits 31 and 32 are signals that the C library keeps to itself. */
    char *end;
    assert_int_equal(strtoull(result.out, &end, 16), 0);
    assert_int_equal(strtoull(end, &end, 16) & ~UINT64_C(0x180000000), 0);
    assert_string_equal(end, "\n");
}

static void test_signals_are_as_programs_expect(void **state)
{
    in_fiber(body_signals_default);
}

static void body_limit(void)
{
    struct mw_process_result result;
    struct mw_error error;
    assert_true(shell("seq 1 300000", 1000, 20000, &result, &error));
    assert_true(result.cut);
    assert_int_equal(result.out_length, 1000);
    assert_int_equal(strlen(result.out), 1000);
    assert_string_equal(result.out + 1000 - 14, "299999\n300000\n");
    assert_true(shell("printf 12345", 5, 10000, &result, &error));
    assert_false(result.cut);
    assert_string_equal(result.out, "12345");
    assert_true(shell("printf 123456", 5, 10000, &result, &error));
    assert_true(result.cut);
    assert_string_equal(result.out, "23456");
    assert_true(shell("printf 123456", 0, 10000, &result, &error));
    assert_true(result.cut);
    assert_string_equal(result.out, "");
    assert_true(shell("seq 1 300000", SIZE_MAX, 20000, &result, &error));
    assert_false(result.cut);
    assert_int_equal(result.out_length, 1988895);
}

static void test_the_last_bytes_are_kept(void **state)
{
    in_fiber(body_limit);
}

static void body_grandchild(void)
{
    struct mw_process_result result;
    struct mw_error error;
    mw_mono_ns start = mw_mono_now();
    assert_true(shell("sleep 30 & echo $! ; exit 0", 1000, 20000, &result, &error));
    assert_true(ms_since(start) < 5000);
    assert_int_equal(result.exit_code, 0);
    pid_t pid = (pid_t)atoi(result.out);
    assert_true(is_alive(pid));
    kill(pid, SIGKILL);
}

static void test_a_grandchild_does_not_hold_us_up(void **state)
{
    in_fiber(body_grandchild);
}

static int finished;

static void run_brief(void *argument)
{
    struct mw_process_result result;
    struct mw_error error;
    assert_true(shell("sleep 0.05; echo $$", 100, 20000, &result, &error));
    assert_int_equal(result.exit_code, 0);
    assert_true(result.out_length > 1);
    finished++;
}

static void body_many(void)
{
    struct mw_group group;
    struct mw_error error;
    finished = 0;
    mw_group_init(&group);
    for (int i = 0; i < 20; i++)
        mw_fiber_spawn(&group, "runner", run_brief, NULL);
    assert_true(mw_group_wait(&group, mw_deadline_in(30000), &error));
    assert_int_equal(finished, 20);
}

static size_t open_descriptors(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static void test_many_at_once_leave_nothing_open(void **state)
{
    in_fiber(body_output);
    size_t before = open_descriptors();
    in_fiber(body_many);
    assert_int_equal(open_descriptors(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_memory(test_output_and_exit_code),
        test_with_memory(test_ended_by_a_signal),
        test_with_memory(test_missing_programs_are_named),
        test_with_memory(test_a_timeout_kills_the_whole_group),
        test_with_memory(test_who_heeds_sigterm_needs_no_grace),
        test_with_memory(test_cancelling_kills_the_whole_group),
        test_with_memory(test_no_descriptor_is_inherited),
        test_with_memory(test_the_environment_is_clean),
        test_with_memory(test_signals_are_as_programs_expect),
        test_with_memory(test_the_last_bytes_are_kept),
        test_with_memory(test_a_grandchild_does_not_hold_us_up),
        test_with_memory(test_many_at_once_leave_nothing_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
