/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/redact.h"
#include "config/config.h"

struct world {
    char folder[64];
    char *file;
    struct mw_faults *faults;
};

static void write_file(const struct world *world, const char *name, const char *bytes,
                       size_t length)
{
    char *path = talloc_asprintf(NULL, "%s/%s", world->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    talloc_free(path);
}

static int set_up(void **state)
{
    struct world *world = talloc_zero(NULL, struct world);
    strcpy(world->folder, "/tmp/midwatch-config-XXXXXX");
    if (mkdtemp(world->folder) == NULL) {
        return -1;
    }
    world->file = talloc_asprintf(world, "%s/midwatch.yaml", world->folder);
    world->faults = mw_faults_create(world);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    static const char *const names[] = {"midwatch.yaml", "secret", "binary", "large"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = talloc_asprintf(world, "%s/%s", world->folder, names[i]);
        unlink(path);
    }
    rmdir(world->folder);
    talloc_free(world);
    mw_redact_forget_all();
    return 0;
}

static struct mw_yaml *read_text(struct world *world, const char *text)
{
    write_file(world, "midwatch.yaml", text, strlen(text));
    return mw_config_read(world, world->file, world->faults);
}

static const char *text_of(const struct mw_yaml *root, const char *key)
{
    const struct mw_yaml *node = mw_yaml_get(root, key);
    assert_non_null(node);
    return node->text;
}

static void test_references_are_filled_in(void **state)
{
    struct world *world = *state;
    setenv("MW_TEST_A", "alpha", 1);
    setenv("MW_TEST_EMPTY", "", 1);
    write_file(world, "secret", "from file\n", 10);
    struct mw_yaml *root = read_text(world, "a: ${MW_TEST_A}\n"
                                            "b: \"<${MW_TEST_A}${MW_TEST_A}>\"\n"
                                            "c: ${file:secret}\n"
                                            "d: $${MW_TEST_A} $x $\n"
                                            "e: ${MW_TEST_EMPTY}\n"
                                            "f: [plain, {g: \"${MW_TEST_A}\"}]\n");
    assert_int_equal(world->faults->count, 0);
    assert_string_equal(text_of(root, "a"), "alpha");
    assert_string_equal(text_of(root, "b"), "<alphaalpha>");
    assert_string_equal(text_of(root, "c"), "from file");
    assert_string_equal(text_of(root, "d"), "${MW_TEST_A} $x $");
    assert_true(mw_yaml_is_null(mw_yaml_get(root, "e")));
    assert_string_equal(text_of(mw_yaml_get(root, "f")->items[1], "g"), "alpha");
    assert_true(mw_yaml_get(root, "a")->expanded);
}

static void test_what_cannot_be_filled_in(void **state)
{
    struct world *world = *state;
    unsetenv("MW_TEST_NONE");
    write_file(world, "binary", "a\0b", 3);
    char *large = calloc(1, 70000);
    memset(large, 'x', 70000);
    write_file(world, "large", large, 70000);
    free(large);
    struct mw_yaml *root = read_text(world, "a: ${MW_TEST_NONE}\n"
                                            "b: ${file:absent}\n"
                                            "c: {d: [\"${file:binary}\"]}\n"
                                            "e: ${file:large}\n"
                                            "f: ${}\n"
                                            "g: ${MW_TEST_NONE\n"
                                            "h: ${not a name}\n"
                                            "i: ${file:}\n");
    assert_non_null(root);
    assert_int_equal(world->faults->count, 8);
    static const char *const says[] = {
        "MW_TEST_NONE is not set", "cannot be opened", "no text",       "65536 bytes",
        "write ${NAME}",           "write ${NAME}",    "write ${NAME}", "write ${NAME}"};
    static const char *const paths[] = {"a", "b", "c.d[0]", "e", "f", "g", "h", "i"};
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(world->faults->items[i].line, (int)i + 1);
        assert_string_equal(world->faults->items[i].path, paths[i]);
        assert_non_null(strstr(world->faults->items[i].text, says[i]));
    }
    assert_true(mw_yaml_get(root, "a")->broken);
}

static void test_broken_values_are_reported_once(void **state)
{
    static const struct mw_option table[] = {
        {.name = "name", .type = MW_OPTION_TEXT, .flags = MW_OPTION_REQUIRED, .help = "name"},
        {NULL},
    };
    struct world *world = *state;
    const char *name = NULL;
    struct mw_yaml *root = read_text(world, "name: ${MW_TEST_NONE}\n");
    mw_options_load(table, root, "", "/", world, &name, world->faults);
    assert_int_equal(world->faults->count, 1);
}

static void test_filled_in_values_are_not_shown(void **state)
{
    static const struct mw_option table[] = {
        {.name = "hold", .type = MW_OPTION_INTEGER, .help = "hold"},
        {NULL},
    };
    struct world *world = *state;
    int64_t hold = 0;
    setenv("MW_TEST_A", "topsecret", 1);
    struct mw_yaml *root = read_text(world, "hold: ${MW_TEST_A}\n");
    assert_false(mw_options_load(table, root, "", "/", world, &hold, world->faults));
    assert_string_equal(world->faults->items[0].text, "must be a whole number; for example `10`");
}

static void test_files_that_cannot_be_used(void **state)
{
    struct world *world = *state;
    assert_null(mw_config_read(world, "/nowhere/midwatch.yaml", world->faults));
    assert_null(mw_config_read(world, world->folder, world->faults));
    assert_null(read_text(world, ""));
    assert_null(read_text(world, "\n- a\n"));
    assert_null(read_text(world, "a: 1\nb: [\n"));
    assert_int_equal(world->faults->count, 5);
    assert_non_null(strstr(world->faults->items[0].text, "No such file"));
    assert_non_null(strstr(world->faults->items[1].text, "Is a directory"));
    assert_non_null(strstr(world->faults->items[2].text, "must hold keys"));
    assert_int_equal(world->faults->items[4].line, 3);
}

static void test_folder(void **state)
{
    struct world *world = *state;
    char *folder = mw_config_folder(world, world->file);
    char *real = realpath(world->folder, NULL);
    assert_string_equal(folder, real);
    free(real);
    assert_string_equal(mw_config_folder(world, "/midwatch.yaml"), "/");
    assert_int_equal(*mw_config_folder(world, "midwatch.yaml"), '/');
}

static void test_lines(void **state)
{
    struct world *world = *state;
    struct mw_yaml *root =
        read_text(world, "a: 1\nthresholds:\n  one: {degraded: 1}\n  two: {failed: 1}\n");
    assert_int_equal(mw_yaml_line_of(root, "thresholds", "two"), 4);
    assert_int_equal(mw_yaml_line_of(root, "thresholds", "three"), 2);
    assert_int_equal(mw_yaml_line_of(root, "thresholds", NULL), 2);
    assert_int_equal(mw_yaml_line_of(root, "absent", NULL), 1);
    assert_int_equal(mw_yaml_line_of(NULL, "absent", NULL), 0);
}

static char *printed(const struct mw_faults *faults)
{
    char *text = NULL;
    size_t length;
    FILE *to = open_memstream(&text, &length);
    assert_non_null(to);
    mw_faults_print(faults, "midwatch.yaml", to);
    fclose(to);
    return text;
}

static void test_faults_are_printed_in_order(void **state)
{
    struct world *world = *state;
    mw_redact_secret("hunter22");
    mw_fault_add(world->faults, 7, "b", "second");
    mw_fault_add(world->faults, 3, "a.x", "first \x1b[1mhunter22\n%s", "end");
    mw_fault_add(world->faults, 7, "c", "third");
    mw_fault_add(world->faults, 7, "c", "third");
    mw_fault_add(world->faults, 0, NULL, "whole");
    char *text = printed(world->faults);
    assert_string_equal(text, "midwatch.yaml:1: whole\n"
                              "midwatch.yaml:3: a.x: first ••• end\n"
                              "midwatch.yaml:7: b: second\n"
                              "midwatch.yaml:7: c: third\n");
    free(text);
}

static const char *const levels[] = {"error", "warning", "info", "debug", NULL};

struct everything {
    const char *name;
    int64_t every, hold, size;
    bool cache;
    double confidence;
    int level;
    const char *path;
    struct mw_text_list list;
    struct mw_threshold_list thresholds;
    struct everything *inner;
    struct mw_section_list items;
};

static const struct mw_option everything_options[] = {
    {.name = "name",
     .type = MW_OPTION_TEXT,
     .flags = MW_OPTION_REQUIRED,
     .help = "its name",
     .offset = offsetof(struct everything, name)},
    {.name = "every",
     .type = MW_OPTION_DURATION,
     .help = "how often",
     .offset = offsetof(struct everything, every),
     .minimum = 100,
     .maximum = 60000},
    {.name = "hold",
     .type = MW_OPTION_INTEGER,
     .help = "how many",
     .offset = offsetof(struct everything, hold),
     .minimum = 1,
     .maximum = 9},
    {.name = "size",
     .type = MW_OPTION_SIZE,
     .help = "how large",
     .offset = offsetof(struct everything, size)},
    {.name = "cache",
     .type = MW_OPTION_BOOL,
     .help = "whether",
     .offset = offsetof(struct everything, cache)},
    {.name = "confidence",
     .type = MW_OPTION_NUMBER,
     .help = "how sure",
     .offset = offsetof(struct everything, confidence),
     .maximum = 1},
    {.name = "level",
     .type = MW_OPTION_CHOICE,
     .help = "which",
     .offset = offsetof(struct everything, level),
     .choices = levels},
    {.name = "path",
     .type = MW_OPTION_PATH,
     .help = "where",
     .offset = offsetof(struct everything, path)},
    {.name = "list",
     .type = MW_OPTION_TEXT_LIST,
     .help = "which ones",
     .offset = offsetof(struct everything, list)},
    {.name = "thresholds",
     .type = MW_OPTION_THRESHOLDS,
     .help = "limits",
     .offset = offsetof(struct everything, thresholds)},
    {.name = "inner",
     .type = MW_OPTION_SECTION,
     .help = "inside",
     .offset = offsetof(struct everything, inner),
     .children = everything_options,
     .size = sizeof(struct everything)},
    {.name = "items",
     .type = MW_OPTION_SECTIONS,
     .help = "several",
     .offset = offsetof(struct everything, items),
     .children = everything_options,
     .size = sizeof(struct everything)},
    {.name = "later", .type = MW_OPTION_TEXT, .flags = MW_OPTION_NEXT, .help = "some day"},
    {NULL},
};

static void test_twenty_faults_are_twenty_lines(void **state)
{
    struct world *world = *state;
    struct mw_yaml *root = read_text(world, "every: 5\n"   /* 1, and name is missing */
                                            "hold: many\n" /* 2 */
                                            "size: 1MB\n"
                                            "cache: yes\n"                /* 4 */
                                            "confidence: 7\n"             /* 5 */
                                            "level: loud\n"               /* 6 */
                                            "path: []\n"                  /* 7 */
                                            "list: {a: b}\n"              /* 8 */
                                            "thresholds:\n"               /* 9 */
                                            "  one: 5\n"                  /* 10 */
                                            "  two: {degradd: 1}\n"       /* 11 */
                                            "  three: {failed: x}\n"      /* 12 */
                                            "inner:\n"                    /* 13 */
                                            "  name: [x]\n"               /* 14 */
                                            "  evrey: 5s\n"               /* 15 */
                                            "  every: 5h\n"               /* 16 */
                                            "items:\n"                    /* 17 */
                                            "  - name: ${MW_TEST_NONE}\n" /* 18 */
                                            "  - hold: 10\n" /* 19, and name is missing */
                                            "  - text\n"     /* 20 */
                                            "later: now\n"   /* 21 */
                                            "zebra: 1\n");   /* 22 */
    struct everything *out = talloc_zero(world, struct everything);
    assert_false(
        mw_options_load(everything_options, root, "", world->folder, world, out, world->faults));
    assert_int_equal(world->faults->count, 20);
    char *text = printed(world->faults);
    int lines = 0, last = 0;
    for (const char *at = text; *at != '\0'; at = strchr(at, '\n') + 1) {
        int line = 0;
        assert_int_equal(sscanf(at, "midwatch.yaml:%d: ", &line), 1);
        assert_true(line >= last && line <= 22);
        last = line;
        lines++;
    }
    assert_int_equal(lines, 20);
    assert_int_equal(last, 22);
    assert_non_null(strstr(text, "midwatch.yaml:18: items[0].name: the environment variable "));
    assert_non_null(
        strstr(text, "midwatch.yaml:19: items[1].name: is required and missing: its name\n"));
    free(text);
}

#define READ_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        READ_TEST(test_references_are_filled_in),
        READ_TEST(test_what_cannot_be_filled_in),
        READ_TEST(test_broken_values_are_reported_once),
        READ_TEST(test_filled_in_values_are_not_shown),
        READ_TEST(test_files_that_cannot_be_used),
        READ_TEST(test_folder),
        READ_TEST(test_lines),
        READ_TEST(test_faults_are_printed_in_order),
        READ_TEST(test_twenty_faults_are_twenty_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
