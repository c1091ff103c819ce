/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/text.h"
#include "midwatch/error.h"

static void test_set_fills_and_fails(void **state)
{
    struct mw_error error = {0};
    assert_false(mw_error_set(&error, MW_ERROR_RETRY, "connect to %s: %d", "cache", 111));
    assert_int_equal(error.class, MW_ERROR_RETRY);
    assert_string_equal(error.text, "connect to cache: 111");
    assert_false(mw_error_set(NULL, MW_ERROR_RETRY, "nobody asked"));
}

static void test_wrap_keeps_the_class(void **state)
{
    struct mw_error error;
    mw_error_set(&error, MW_ERROR_TIMEOUT, "no answer in 2 s");
    assert_false(mw_error_wrap(&error, "INFO of %s", "cache"));
    assert_int_equal(error.class, MW_ERROR_TIMEOUT);
    assert_string_equal(error.text, "INFO of cache: no answer in 2 s");
}

static void test_own_text_may_be_an_argument(void **state)
{
    struct mw_error error;
    mw_error_set(&error, MW_ERROR_RETRY, "first");
    mw_error_set(&error, MW_ERROR_RETRY, "second after %s", error.text);
    assert_string_equal(error.text, "second after first");
}

static void test_long_text_is_cut_between_characters(void **state)
{
    struct mw_error error;
    for (size_t pad = 0; pad < 4; pad++) {
        char text[2000] = "xxxx";
        text[pad] = '\0';
        while (strlen(text) < 1200) {
            strcat(text, "€");
        }
        mw_error_set(&error, MW_ERROR_PERMANENT, "%s", text);
        size_t length = strlen(error.text);
        assert_true(length > sizeof error.text - 8 && length < sizeof error.text);
        assert_true(mw_text_is_utf8(error.text, length));
        assert_string_equal(error.text + length - 3, "…");
    }
}

static void test_a_cut_name_tears_no_character(void **state)
{
    struct mw_error error;
    mw_error_set(&error, MW_ERROR_BAD_INPUT, "no tool \"%.4s\" or \"%.4s\"", "aé€", "éé");
    assert_string_equal(error.text, "no tool \"aé?\" or \"éé\"");
    mw_error_set(&error, MW_ERROR_BAD_INPUT, "\xff%s\xc3", "€");
    assert_string_equal(error.text, "?€?");
}

static void test_class_names(void **state)
{
    assert_string_equal(mw_error_class_name(MW_ERROR_NONE), "none");
    assert_string_equal(mw_error_class_name(MW_ERROR_BAD_INPUT), "bad input");
    assert_string_equal(mw_error_class_name(MW_ERROR_CANCELLED), "cancelled");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_fills_and_fails),
        cmocka_unit_test(test_wrap_keeps_the_class),
        cmocka_unit_test(test_own_text_may_be_an_argument),
        cmocka_unit_test(test_long_text_is_cut_between_characters),
        cmocka_unit_test(test_a_cut_name_tears_no_character),
        cmocka_unit_test(test_class_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
