/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>

#include "base/json.h"
#include "base/redact.h"

static json_t *parse(const char *text)
{
    struct mw_error error = {0};
    json_t *value = mw_json_parse(text, strlen(text), 1000000, &error);
    if (value == NULL) {
        fail_msg("%s: %s", text, error.text);
    }
    return value;
}

static void assert_refused(const char *text, size_t length, size_t limit, const char *part)
{
    struct mw_error error = {0};
    assert_null(mw_json_parse(text, length, limit, &error));
    assert_int_equal(error.class, MW_ERROR_BAD_INPUT);
    if (strstr(error.text, part) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", error.text, part);
    }
}

static void test_parse(void **state)
{
    json_auto_t *value = parse("{\"a\": [1, 2.5, \"x\"]}");
    assert_int_equal(json_array_size(json_object_get(value, "a")), 3);
    json_auto_t *scalar = parse("12");
    assert_int_equal(json_integer_value(scalar), 12);
}

static void test_parse_refuses(void **state)
{
    assert_refused("{\"a\": 1, \"a\": 2}", 16, 100, "duplicate");
    assert_refused("[1] x", 5, 100, "line 1");
    assert_refused("[1]", 3, 2, "longer than");
    assert_refused("", 0, 10, "not valid JSON");
    assert_refused("\"a\\u0000b\"", 10, 100, "not valid JSON");
    assert_refused("\"\xff\"", 3, 100, "not valid JSON");
    assert_refused("[\0]", 3, 100, "not valid JSON");
    assert_refused("{\"secret-word", 13, 100, "not valid JSON");
    assert_refused("1e999", 5, 100, "not valid JSON");
}

static void test_errors_do_not_quote_input(void **state)
{
    struct mw_error error = {0};
    const char *text = "{\"key\": hunter22}";
    assert_null(mw_json_parse(text, strlen(text), 100, &error));
    assert_null(strstr(error.text, "hunter22"));
}

static char *nested(size_t depth)
{
    char *text = talloc_array(NULL, char, 2 * depth + 1);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    text[2 * depth] = '\0';
    return text;
}

static void test_depth(void **state)
{
    char *allowed = nested(MW_JSON_DEPTH_MAX), *deep = nested(MW_JSON_DEPTH_MAX + 1);
    json_auto_t *value = parse(allowed);
    assert_true(json_is_array(value));
    assert_refused(deep, strlen(deep), 1000, "deeper");
    json_auto_t *brackets =
        parse("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"\"");
    assert_true(json_is_string(brackets));
    talloc_free(allowed);
    talloc_free(deep);
}

static void test_canonical(void **state)
{
    json_auto_t *a = parse("{\"b\": [1, {\"y\": 1, \"x\": 2}], \"a\": null}");
    json_auto_t *b = parse("{\"a\":null,\"b\":[1,{\"x\":2,\"y\":1}]}");
    char *first = mw_json_canonical(NULL, a), *second = mw_json_canonical(NULL, b);
    assert_string_equal(first, "{\"a\":null,\"b\":[1,{\"x\":2,\"y\":1}]}");
    assert_string_equal(first, second);
    talloc_free(first);
    talloc_free(second);
}

/* NULL: it fits; otherwise what the error must say. */
static void assert_check(const char *schema_text, const char *value_text, const char *says)
{
    struct mw_error error = {0};
    json_auto_t *schema = parse(schema_text);
    json_auto_t *value = parse(value_text);
    bool fits = mw_json_check(schema, value, "arguments", &error);
    if (fits != (says == NULL)) {
        fail_msg("%s against %s: %s", value_text, schema_text, fits ? "fits" : error.text);
    }
    if (says != NULL) {
        assert_string_equal(error.text, says);
        assert_int_equal(error.class, MW_ERROR_BAD_INPUT);
    }
}

static void test_check_types(void **state)
{
    assert_check("{\"type\": \"integer\"}", "5", NULL);
    assert_check("{\"type\": \"integer\"}", "5.0", "arguments: must be an integer, not a number");
    assert_check("{\"type\": \"number\"}", "5", NULL);
    assert_check("{\"type\": \"string\"}", "null", "arguments: must be a string, not a null");
    assert_check("{\"type\": [\"string\", \"null\"]}", "null", NULL);
    assert_check("{\"type\": [\"string\", \"null\"]}", "1",
                 "arguments: must be string or null, not integer");
    assert_check("{\"type\": \"boolean\"}", "false", NULL);
    assert_check("{\"enum\": [\"a\", 1]}", "1.0", NULL);
    assert_check("{\"enum\": [\"a\", \"b\"]}", "\"c\"", "arguments: must be one of [\"a\",\"b\"]");
    assert_check("{\"const\": 3}", "4", "arguments: must be 3");
    assert_check("true", "4", NULL);
    assert_check("false", "4", "arguments: is not allowed");
}

static void test_check_bounds(void **state)
{
    assert_check("{\"minimum\": 1, \"maximum\": 3}", "3", NULL);
    assert_check("{\"minimum\": 1}", "0", "arguments: must be at least 1");
    assert_check("{\"exclusiveMaximum\": 3}", "3", "arguments: must be less than 3");
    assert_check("{\"maximum\": 9223372036854775806}", "9223372036854775807",
                 "arguments: must be at most 9223372036854775806");
    assert_check("{\"minLength\": 2, \"maxLength\": 3}", "\"éé\"", NULL);
    assert_check("{\"maxLength\": 1}", "\"éé\"", "arguments: must have at most 1 characters");
    assert_check("{\"minItems\": 1}", "[]", "arguments: must have at least 1 items");
    assert_check("{\"minProperties\": 1}", "{}", "arguments: must have at least 1 keys");
}

static void test_check_patterns(void **state)
{
    assert_check("{\"pattern\": \"^[a-z]+[.][0-9]{2,4}$\"}", "\"ab.123\"", NULL);
    assert_check("{\"pattern\": \"^[0-9]+$\"}", "\"12x\"",
                 "arguments: must match the pattern ^[0-9]+$");
    assert_check("{\"pattern\": \"b\"}", "\"abc\"", NULL);
}

static void test_check_objects(void **state)
{
    const char *schema =
        "{\"type\": \"object\", \"required\": [\"resource\"], \"additionalProperties\": false,"
        "\"properties\": {\"resource\": {\"type\": \"string\", \"description\": \"name\"},"
        "\"maxmemory\": {\"type\": \"integer\", \"minimum\": 1},"
        "\"ids\": {\"type\": \"array\", \"items\": {\"type\": \"integer\"}}}}";
    assert_check(schema, "{\"resource\": \"cache\", \"maxmemory\": 5}", NULL);
    assert_check(schema, "{}", "arguments.resource: is required and missing");
    assert_check(schema, "{\"resource\": \"c\", \"x\": 1}", "arguments.x: is not a known key");
    assert_check(schema, "{\"resource\": \"c\", \"maxmemory\": 0}",
                 "arguments.maxmemory: must be at least 1");
    assert_check(schema, "{\"resource\": \"c\", \"ids\": [1, \"2\"]}",
                 "arguments.ids[1]: must be an integer, not a string");
    assert_check("{\"additionalProperties\": {\"type\": \"null\"}}", "{\"a\": 1}",
                 "arguments.a: must be a null, not an integer");
}

static void test_what_is_checked_is_shown_clean(void **state)
{
    const char *closed = "{\"additionalProperties\": false}";
    mw_redact_secret("hunter22 and more");
    assert_check(closed, "{\"\\u001b[2Jevil\\u0007\": 1}",
                 "arguments.evil\xEF\xBF\xBD: is not a known key");
    assert_check(closed, "{\"a hunter22 and more\": 1}", "arguments.a •••: is not a known key");
    mw_redact_forget_all();
}

static void test_check_combined(void **state)
{
    const char *any = "{\"anyOf\": [{\"type\": \"string\"}, {\"type\": \"integer\"}]}";
    assert_check(any, "1", NULL);
    assert_check(any, "null", "arguments: fits none of the allowed forms");
    const char *one = "{\"oneOf\": [{\"minimum\": 1}, {\"minimum\": 5}]}";
    assert_check(one, "3", NULL);
    assert_check(one, "6", "arguments: fits more than one of the allowed forms");
    assert_check("{\"allOf\": [{\"minimum\": 1}, {\"maximum\": 2}]}", "3",
                 "arguments: must be at most 2");
    assert_check("{\"not\": {\"const\": 1}}", "1", "arguments: has a form that is not allowed");
}

static void test_bad_schemas(void **state)
{
    static const char *const schemas[] = {
        "{\"properties\": {\"a\": {\"$ref\": \"#/x\"}}}",
        "{\"multipleOf\": 2}",
        "{\"uniqueItems\": true}",
        "{\"type\": \"int\"}",
        "{\"type\": []}",
        "{\"required\": \"a\"}",
        "{\"minLength\": -1}",
        "{\"minimum\": \"1\"}",
        "{\"items\": [true]}",
        "{\"pattern\": \"\\\\d+\"}",
        "{\"pattern\": \"(?:a)\"}",
        "{\"pattern\": \"a+?\"}",
        "{\"pattern\": \"a********************************************b\"}",
        "{\"pattern\": \"a*{2}\"}",
        "{\"pattern\": \"[\\\\w]\"}",
        "{\"pattern\": \"(\"}",
        "{\"pattern\": \"[a\"}",
        "{\"pattern\": \"((a{200}){200}){200}\"}",
        "{\"pattern\": \"(a)\\\\1\"}",
        "{\"anyOf\": []}",
        "[]",
    };
    json_auto_t *value = json_object();
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        struct mw_error error = {0};
        json_auto_t *schema = parse(schemas[i]);
        if (mw_json_check(schema, value, "x", &error)) {
            fail_msg("%s is accepted", schemas[i]);
        }
        assert_int_equal(error.class, MW_ERROR_PERMANENT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_errors_do_not_quote_input),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_canonical),
        cmocka_unit_test(test_check_types),
        cmocka_unit_test(test_check_bounds),
        cmocka_unit_test(test_check_patterns),
        cmocka_unit_test(test_check_objects),
        cmocka_unit_test(test_check_combined),
        cmocka_unit_test(test_what_is_checked_is_shown_clean),
        cmocka_unit_test(test_bad_schemas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
