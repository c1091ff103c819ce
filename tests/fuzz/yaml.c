/* SPDX-License-Identifier: Apache-2.0 */
/* YAML as a tree, and as JSON. */
#include "base/yaml.h"

#include "base/json.h"
#include "fuzz.h"

static void check_tree(const struct mw_yaml *node, size_t depth, int lines)
{
    FUZZ_HOLDS(depth <= MW_YAML_DEPTH_MAX, node->text);
    FUZZ_HOLDS(node->line >= 1 && node->line <= lines, node->text);
    if (node->type == MW_YAML_SCALAR) {
        fuzz_is_utf8(node->text);
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        if (node->type == MW_YAML_MAPPING) {
            fuzz_is_utf8(node->keys[i]);
            FUZZ_HOLDS(*node->keys[i] != '\0', NULL);
            FUZZ_HOLDS(mw_yaml_get(node, node->keys[i]) == node->items[i], node->keys[i]);
        }
        check_tree(node->items[i], depth + 1, lines);
    }
}

/* What breaks a line in YAML 1.1 and is an ordinary character in JSON. */
static bool breaks_lines(const char *text)
{
    return strstr(text, "\xC2\x85") != NULL || strstr(text, "\xE2\x80\xA8") != NULL ||
           strstr(text, "\xE2\x80\xA9") != NULL;
}

/* Else JSON is YAML, so that what was read and printed reads the same. A few characters may stand in JSON that
 * may not in YAML. */
static void check_again(TALLOC_CTX *memory, const struct mw_yaml *tree)
{
    struct mw_error error;
    json_auto_t *value = mw_yaml_to_json(tree);
    char *printed = mw_json_canonical(memory, value);
    const struct mw_yaml *other = mw_yaml_parse(memory, printed, strlen(printed), NULL, &error);
    if (other != NULL && !breaks_lines(printed)) {
        json_auto_t *again = mw_yaml_to_json(other);
        FUZZ_HOLDS(json_equal(value, again), printed);
    }
}

void fuzz_one(TALLOC_CTX *memory, const char *bytes, size_t length)
{
    struct mw_error error = {0};
    int line = -1, lines = 2;
    for (size_t i = 0; i < length; i++) {
        lines += bytes[i] == '\n' || bytes[i] == '\r' || (unsigned char)bytes[i] >= 0x80;
    }
    const struct mw_yaml *tree = mw_yaml_parse(memory, bytes, length, &line, &error);
    if (tree == NULL) {
        FUZZ_HOLDS(line >= 0 && line <= lines, error.text);
        FUZZ_HOLDS(error.text[0] != '\0', NULL);
        fuzz_is_utf8(error.text);
        return;
    }
    check_tree(tree, 0, lines);
    check_again(memory, tree);
}
