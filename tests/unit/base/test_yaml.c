/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/yaml.h"

static struct mw_yaml *parse(const char *text)
{
    int line;
    struct mw_error error = {0};
    struct mw_yaml *root = mw_yaml_parse(NULL, text, strlen(text), &line, &error);
    if (root == NULL) {
        fail_msg("line %d: %s", line, error.text);
    }
    return root;
}

static void test_tree_knows_its_lines(void **state)
{
    struct mw_yaml *root = parse("name: shop\n"
                                 "chat:\n"
                                 "  - kind: terminal\n"
                                 "  - {kind: slack, token: \"x\"}\n"
                                 "empty:\n"
                                 "last: |\n"
                                 "  text\n");
    assert_int_equal(root->type, MW_YAML_MAPPING);
    assert_int_equal(root->count, 4);
    assert_int_equal(root->key_lines[1], 2);
    assert_int_equal(root->key_lines[3], 6);
    struct mw_yaml *chat = mw_yaml_get(root, "chat");
    assert_int_equal(chat->type, MW_YAML_SEQUENCE);
    assert_int_equal(chat->count, 2);
    assert_int_equal(chat->items[1]->line, 4);
    assert_string_equal(mw_yaml_get(chat->items[1], "token")->text, "x");
    assert_false(mw_yaml_get(chat->items[1], "token")->plain);
    assert_true(mw_yaml_is_null(mw_yaml_get(root, "empty")));
    assert_string_equal(mw_yaml_get(root, "last")->text, "text\n");
    assert_null(mw_yaml_get(root, "absent"));
    assert_null(mw_yaml_get(chat, "kind"));
    talloc_free(root);
}

static void test_empty_documents_are_null(void **state)
{
    static const char *const texts[] = {"", "# only a comment\n", "---\n", "~", "null"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct mw_yaml *root = parse(texts[i]);
        assert_true(mw_yaml_is_null(root));
        talloc_free(root);
    }
    struct mw_yaml *root = parse("\"\"");
    assert_false(mw_yaml_is_null(root));
    talloc_free(root);
}

static void test_refused(void **state)
{
    static const struct {
        const char *text;
        int line;
        const char *says;
    } cases[] = {
        {"a: &x 1\n", 1, "anchors"},
        {"a: 1\nb: *x\n", 2, "aliases"},
        {"a: !!str 1\n", 1, "tags"},
        {"a: ! x\n", 1, "tags"},
        {"a: 1\n<<: {b: 1}\n", 2, "merge keys"},
        {"a: 1\n---\nb: 2\n", 2, "second document"},
        {"a: 1\nb: 2\na: 3\n", 3, "already given on line 1"},
        {"a: 1\n{x: 1}: 2\n", 2, "must be plain text"},
        {"? [a]\n: b\n", 1, "must be plain text"},
        {"\"\": b\n", 1, "empty"},
        {"a: \"x\\0y\"\n", 1, "NUL"},
        {"a: 1\nb: \xff\n", 2, "UTF-8"},
        {"a:\n\t- x\n", 2, "spaces, not tabs"},
        {"a: [1, 2\n", 2, "not valid YAML"},
        {"a: 'x\n", 2, "not valid YAML"},
        {"%TAG ! tag:x,2000:\n---\na: 1\n", 1, "%TAG"},
        {"a: {b: 1\nc: 2\n", 2, "not valid YAML"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int line = -1;
        struct mw_error error = {0};
        TALLOC_CTX *memory = talloc_new(NULL);
        assert_null(mw_yaml_parse(memory, cases[i].text, strlen(cases[i].text), &line, &error));
        assert_int_equal(error.class, MW_ERROR_BAD_INPUT);
        if (strstr(error.text, cases[i].says) == NULL || line != cases[i].line) {
            fail_msg("%s: line %d: %s", cases[i].text, line, error.text);
        }
        assert_int_equal(talloc_total_blocks(memory), 1);
        talloc_free(memory);
    }
}

static void test_depth_and_size(void **state)
{
    char text[200] = "";
    struct mw_error error = {0};
    int line;
    for (int i = 0; i < MW_YAML_DEPTH_MAX; i++) {
        strcat(text, "[");
    }
    size_t open = strlen(text);
    for (int i = 0; i < MW_YAML_DEPTH_MAX; i++) {
        strcat(text, "]");
    }
    struct mw_yaml *root = parse(text);
    talloc_free(root);
    memmove(text + 1, text, strlen(text) + 1);
    strcat(text, "]");
    assert_int_equal(text[open], '[');
    assert_null(mw_yaml_parse(NULL, text, strlen(text), &line, &error));
    assert_non_null(strstr(error.text, "too deep"));

    char *large = calloc(1, MW_YAML_BYTES_MAX + 2);
    memset(large, '#', MW_YAML_BYTES_MAX + 1);
    assert_null(mw_yaml_parse(NULL, large, MW_YAML_BYTES_MAX + 1, &line, &error));
    free(large);
}

static void test_many_keys_are_refused_quickly(void **state)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    char *text = talloc_strdup(memory, "");
    for (int i = 0; i < 1001; i++) {
        text = talloc_asprintf_append_buffer(text, "k%d: 1\n", i);
    }
    int line;
    struct mw_error error = {0};
    assert_null(mw_yaml_parse(memory, text, strlen(text), &line, &error));
    assert_int_equal(line, 1001);
    assert_non_null(strstr(error.text, "too many keys"));
    talloc_free(memory);
}

static void test_json_follows_the_core_schema(void **state)
{
    struct mw_yaml *root =
        parse("[1, -2, +3, 0x1F, 0o17, 1.5, .5, 1., 1e3, 1.2.3, 12a, true, False, "
              "null, ~, yes, \"1\", 'true', .inf, 99999999999999999999, 08, -]");
    json_auto_t *value = mw_yaml_to_json(root);
    char *text = json_dumps(value, JSON_COMPACT);
    assert_string_equal(text, "[1,-2,3,31,15,1.5,0.5,1.0,1000.0,\"1.2.3\",\"12a\",true,false,null,"
                              "null,\"yes\",\"1\",\"true\",\".inf\",1e20,8,\"-\"]");
    free(text);
    talloc_free(root);
}

static void test_json_of_trees(void **state)
{
    struct mw_yaml *root = parse("a: {b: [], c: {}}\nd:\n");
    json_auto_t *value = mw_yaml_to_json(root);
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, "{\"a\":{\"b\":[],\"c\":{}},\"d\":null}");
    free(text);
    talloc_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree_knows_its_lines),
        cmocka_unit_test(test_empty_documents_are_null),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_depth_and_size),
        cmocka_unit_test(test_many_keys_are_refused_quickly),
        cmocka_unit_test(test_json_follows_the_core_schema),
        cmocka_unit_test(test_json_of_trees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
