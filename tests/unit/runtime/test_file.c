/* SPDX-License-Identifier: Apache-2.0 */
#include "helper.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/digest.h"
#include "runtime/work.h"

static TALLOC_CTX *memory;
static char path[64];

static int open_all(void **state)
{
    memory = talloc_new(NULL);
    snprintf(path, sizeof path, "/tmp/mw-test-file-%d", (int)getpid());
    unlink(path);
    return open_loop(state);
}

static int close_all(void **state)
{
    TALLOC_FREE(memory);
    unlink(path);
    return close_loop(state);
}

#define test_with_file(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)

static void write_file(const char *bytes, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), length);
    close(fd);
}

static char *tail(size_t limit, size_t *length, bool *cut)
{
    struct mw_error error;
    char *bytes = mw_file_tail(memory, path, limit, length, cut, mw_deadline_in(5000), &error);
    assert_non_null(bytes);
    assert_ptr_equal(talloc_parent(bytes), memory);
    return bytes;
}

static void body_tail(void)
{
    size_t length;
    bool cut;
    write_file("first\nsecond\n", 13);
    assert_string_equal(tail(7, &length, &cut), "second\n");
    assert_int_equal(length, 7);
    assert_true(cut);
    assert_string_equal(tail(13, &length, &cut), "first\nsecond\n");
    assert_false(cut);
    assert_string_equal(tail(SIZE_MAX, &length, &cut), "first\nsecond\n");
    assert_int_equal(length, 13);
    assert_false(cut);
    assert_string_equal(tail(0, &length, &cut), "");
    assert_true(cut);
    write_file("a\0b", 3);
    assert_memory_equal(tail(10, &length, &cut), "a\0b", 4);
    assert_int_equal(length, 3);
    write_file("", 0);
    assert_string_equal(tail(10, &length, &cut), "");
    assert_int_equal(length, 0);
    assert_false(cut);
}

static void test_the_end_of_a_file_is_read(void **state)
{
    in_fiber(body_tail);
}

static void expect_refusal(const char *where, const char *says)
{
    size_t length = 99;
    bool cut = true;
    struct mw_error error = {0};
    assert_null(mw_file_tail(memory, where, 10, &length, &cut, mw_deadline_in(5000), &error));
    assert_int_equal(error.class, MW_ERROR_PERMANENT);
    assert_non_null(strstr(error.text, where));
    assert_non_null(strstr(error.text, says));
    assert_int_equal(length, 99);
}

static void body_refusals(void)
{
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_refusal(path, "no regular file");
    expect_refusal("/tmp", "no regular file");
    expect_refusal("/dev/zero", "no regular file");
    expect_refusal("/no/such/file", "No such file");
}

static void test_only_regular_files_are_read(void **state)
{
    in_fiber(body_refusals);
}

static void body_link(void)
{
    size_t length;
    bool cut;
    char target[80];
    write_file("through", 7);
    snprintf(target, sizeof target, "%s.target", path);
    assert_int_equal(rename(path, target), 0);
    assert_int_equal(symlink(target, path), 0);
    char *bytes = tail(10, &length, &cut);
    unlink(target);
    assert_string_equal(bytes, "through");
}

static void test_links_are_followed(void **state)
{
    in_fiber(body_link);
}

static void test_sha256(void **state)
{
    char hex[MW_SHA256_HEX];
    mw_sha256_hex("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    mw_sha256_hex(NULL, 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_file(test_the_end_of_a_file_is_read),
        test_with_file(test_only_regular_files_are_read),
        test_with_file(test_links_are_followed),
        cmocka_unit_test(test_sha256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
