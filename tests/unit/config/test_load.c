/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/redact.h"
#include "config/config.h"

struct log_source {
    const char *file;
    struct mw_text_list command;
};

struct resource {
    const char *name, *url, *password, *config_file;
    bool cache;
    int64_t every, hold, size;
    double confidence, ratio;
    int mode;
    struct mw_text_list aliases;
    struct mw_threshold_list thresholds;
    struct log_source *control, *standard;
    struct mw_section_list logs;
};

static const char *const modes[] = {"live", "shadow", NULL};

static const struct mw_option log_options[] = {
    {.name = "file",
     .type = MW_OPTION_PATH,
     .help = "log file",
     .offset = offsetof(struct log_source, file)},
    {.name = "command",
     .type = MW_OPTION_TEXT_LIST,
     .help = "command",
     .offset = offsetof(struct log_source, command)},
    {.name = "journal", .type = MW_OPTION_TEXT, .flags = MW_OPTION_NEXT, .help = "its unit"},
    {NULL},
};

static const struct mw_option options[] = {
    {.name = "name",
     .type = MW_OPTION_TEXT,
     .flags = MW_OPTION_REQUIRED,
     .help = "what people call it",
     .offset = offsetof(struct resource, name)},
    {.name = "url",
     .type = MW_OPTION_TEXT,
     .flags = MW_OPTION_HAS_SECRET,
     .help = "where it is",
     .offset = offsetof(struct resource, url)},
    {.name = "password",
     .type = MW_OPTION_TEXT,
     .flags = MW_OPTION_SECRET,
     .help = "its password",
     .offset = offsetof(struct resource, password)},
    {.name = "config",
     .type = MW_OPTION_PATH,
     .help = "its file",
     .offset = offsetof(struct resource, config_file)},
    {.name = "cache",
     .type = MW_OPTION_BOOL,
     .fallback = "false",
     .help = "may be lost",
     .offset = offsetof(struct resource, cache)},
    {.name = "every",
     .type = MW_OPTION_DURATION,
     .fallback = "5s",
     .help = "how often",
     .offset = offsetof(struct resource, every),
     .minimum = 100,
     .maximum = 86400000},
    {.name = "hold",
     .type = MW_OPTION_INTEGER,
     .fallback = "2",
     .help = "samples | in a row",
     .offset = offsetof(struct resource, hold),
     .minimum = 1},
    {.name = "size",
     .type = MW_OPTION_SIZE,
     .fallback = "64MB",
     .help = "how large",
     .offset = offsetof(struct resource, size),
     .maximum = 1073741824},
    {.name = "confidence",
     .type = MW_OPTION_NUMBER,
     .fallback = "0.6",
     .help = "how sure",
     .offset = offsetof(struct resource, confidence),
     .maximum = 1},
    {.name = "ratio",
     .type = MW_OPTION_NUMBER,
     .help = "any number",
     .offset = offsetof(struct resource, ratio)},
    {.name = "mode",
     .type = MW_OPTION_CHOICE,
     .flags = MW_OPTION_RELOADABLE,
     .fallback = "shadow",
     .help = "how it acts",
     .offset = offsetof(struct resource, mode),
     .choices = modes},
    {.name = "aliases",
     .type = MW_OPTION_TEXT_LIST,
     .help = "other names",
     .offset = offsetof(struct resource, aliases)},
    {.name = "thresholds",
     .type = MW_OPTION_THRESHOLDS,
     .help = "limits",
     .offset = offsetof(struct resource, thresholds)},
    {.name = "control",
     .type = MW_OPTION_SECTION,
     .help = "control",
     .offset = offsetof(struct resource, control),
     .children = log_options,
     .size = sizeof(struct log_source)},
    {.name = "standard",
     .type = MW_OPTION_SECTION,
     .fallback = "{}",
     .help = "always there",
     .offset = offsetof(struct resource, standard),
     .children = log_options,
     .size = sizeof(struct log_source)},
    {.name = "logs",
     .type = MW_OPTION_SECTIONS,
     .help = "its logs",
     .offset = offsetof(struct resource, logs),
     .children = log_options,
     .size = sizeof(struct log_source)},
    {.name = "depends_on", .type = MW_OPTION_TEXT_LIST, .flags = MW_OPTION_NEXT, .help = "needs"},
    {.name = "drills",
     .type = MW_OPTION_BOOL,
     .flags = MW_OPTION_NEXT,
     .fallback = "false",
     .help = "drills may break it"},
    {NULL},
};

struct world {
    TALLOC_CTX *memory;
    struct mw_faults *faults;
    struct resource resource;
};

static int set_up(void **state)
{
    struct world *world = talloc_zero(NULL, struct world);
    world->memory = world;
    world->faults = mw_faults_create(world);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(*state);
    mw_redact_forget_all();
    return 0;
}

static bool load(struct world *world, const char *text)
{
    int line;
    struct mw_error error = {0};
    struct mw_yaml *root = mw_yaml_parse(world->memory, text, strlen(text), &line, &error);
    if (root == NULL) {
        fail_msg("line %d: %s", line, error.text);
    }
    memset(&world->resource, 0, sizeof world->resource);
    return mw_options_load(options, root, "resources[0]", "/etc/midwatch", world->memory,
                           &world->resource, world->faults);
}

static void assert_fault(const struct world *world, size_t index, int line, const char *path,
                         const char *text)
{
    assert_true(index < world->faults->count);
    const struct mw_fault *fault = &world->faults->items[index];
    assert_int_equal(fault->line, line);
    assert_string_equal(fault->path, path);
    assert_string_equal(fault->text, text);
}

/* The one fault that a value makes; `text` is "name: x" with it on line 2. */
static void assert_one_fault(struct world *world, const char *pair, const char *path,
                             const char *says)
{
    world->faults->count = 0;
    char *text = talloc_asprintf(world->memory, "name: x\n%s\n", pair);
    assert_false(load(world, text));
    if (world->faults->count != 1) {
        fail_msg("%s makes %zu faults", pair, world->faults->count);
    }
    char *full = talloc_asprintf(world->memory, "resources[0].%s", path);
    assert_fault(world, 0, 2, full, says);
}

static void test_defaults(void **state)
{
    struct world *world = *state;
    assert_true(load(world, "name: cache\n"));
    const struct resource *resource = &world->resource;
    assert_string_equal(resource->name, "cache");
    assert_null(resource->url);
    assert_false(resource->cache);
    assert_int_equal(resource->every, 5000);
    assert_int_equal(resource->hold, 2);
    assert_int_equal(resource->size, 67108864);
    assert_float_equal(resource->confidence, 0.6, 1e-12);
    assert_int_equal(resource->mode, 1);
    assert_int_equal(resource->aliases.count, 0);
    assert_null(resource->control);
    assert_non_null(resource->standard);
    assert_int_equal(resource->logs.count, 0);
}

static void test_values(void **state)
{
    struct world *world = *state;
    assert_true(load(world,
                     "name: \"cache\"\n"
                     "url: redis://:pw12345@h\n"
                     "config: redis.conf\n"
                     "cache: true\n"
                     "every: 500ms\n"
                     "hold: 3\n"
                     "size: 1MiB\n"
                     "confidence: 1\n"
                     "ratio: -1e3\n"
                     "mode: live\n"
                     "aliases: one\n"
                     "thresholds: {memory_percent: {degraded: 95.5}, latency_ms: {failed: 9}}\n"
                     "control: {file: /var/log/x, command: [a, 'b c']}\n"
                     "logs: [{file: x.log}, {command: [tail, x]}]\n"));
    const struct resource *resource = &world->resource;
    assert_string_equal(resource->config_file, "/etc/midwatch/redis.conf");
    assert_true(resource->cache);
    assert_int_equal(resource->every, 500);
    assert_int_equal(resource->hold, 3);
    assert_int_equal(resource->size, 1048576);
    assert_float_equal(resource->ratio, -1000, 1e-9);
    assert_int_equal(resource->mode, 0);
    assert_int_equal(resource->aliases.count, 1);
    assert_string_equal(resource->aliases.items[0], "one");
    assert_int_equal(resource->thresholds.count, 2);
    assert_string_equal(resource->thresholds.items[0].metric, "memory_percent");
    assert_float_equal(resource->thresholds.items[0].degraded, 95.5, 1e-9);
    assert_true(isnan(resource->thresholds.items[0].failed));
    assert_true(isnan(resource->thresholds.items[1].degraded));
    assert_string_equal(resource->control->file, "/var/log/x");
    assert_string_equal(resource->control->command.items[1], "b c");
    assert_int_equal(resource->logs.count, 2);
    const struct log_source *first = resource->logs.items[0];
    assert_string_equal(first->file, "/etc/midwatch/x.log");
}

static void test_empty_values_are_absent(void **state)
{
    struct world *world = *state;
    assert_true(load(world, "name: x\nevery:\nhold: null\ncontrol:\nlogs: ~\nthresholds:\n"));
    assert_int_equal(world->resource.every, 5000);
    assert_int_equal(world->resource.hold, 2);
    assert_null(world->resource.control);
    assert_false(load(world, "name:\n"));
    assert_fault(world, 0, 1, "resources[0].name", "is required and missing: what people call it");
}

static void test_faults_of_types(void **state)
{
    struct world *world = *state;
    static const char *const cases[][3] = {
        {"hold: 10x", "hold", "must be a whole number, not `10x`; for example `2`"},
        {"hold: 1.5", "hold", "must be a whole number, not `1.5`; for example `2`"},
        {"hold: 99999999999999999999", "hold",
         "must be a whole number, not `99999999999999999999`; for example `2`"},
        {"hold: 0", "hold", "must be at least 1, not `0`"},
        {"hold: [1]", "hold", "must be a whole number, not a list; for example `2`"},
        {"cache: yes", "cache", "must be `true` or `false`, not `yes`"},
        {"cache: True", "cache", "must be `true` or `false`, not `True`"},
        {"every: 5", "every",
         "must be a duration with its unit (ms, s, m, h, d), not `5`; for example `5s`"},
        {"every: 10ms", "every", "must be from 100ms to 1d, not `10ms`"},
        {"size: 5x", "size", "must be a size, not `5x`; for example `64MB`"},
        {"size: 2GB", "size", "must be from 0 to 1GB, not `2GB`"},
        {"ratio: 0x10", "ratio", "must be a number, not `0x10`; for example `0.5`"},
        {"ratio: .nan", "ratio", "must be a number, not `.nan`; for example `0.5`"},
        {"ratio: 1e999", "ratio", "must be a number, not `1e999`; for example `0.5`"},
        {"confidence: 1.1", "confidence", "must be from 0 to 1, not `1.1`"},
        {"mode: dead", "mode", "must be `live` or `shadow`, not `dead`"},
        {"url: {a: b}", "url", "must be a text, not a mapping; for example `word`"},
        {"config: ''", "config",
         "must be the path of a file, not ``; for example `/etc/midwatch/file`"},
        {"aliases: {a: b}", "aliases",
         "must be a list of texts, not a mapping; for example `[one, two]`"},
        {"aliases: [a, [b]]", "aliases", "item 2 must be a text; put it in quotes or leave it out"},
        {"control: restart", "control",
         "must be a mapping of keys with values; for example `{file: …}`"},
        {"logs: {file: x}", "logs", "must be a list of mappings; for example `[{file: …}]`"},
        {"logs: [x]", "logs[0]", "must be a mapping of keys with values; for example `{file: …}`"},
        {"logs: [~]", "logs[0]", "is empty; fill it in or leave it out"},
        {"logs: [{fiel: x}]", "logs[0].fiel", "unknown key; did you mean `file`?"},
        {"logs: [{journal: x}]", "logs[0].journal", "not in this version: its unit; leave it out"},
        {"thresholds: 5", "thresholds",
         "must be a mapping of metrics; for example `{memory_percent: {degraded: 95, failed: "
         "99}}`"},
        {"thresholds: {m: 5}", "thresholds.m",
         "must say from which value on; for example `{degraded: 95, failed: 99}`"},
        {"thresholds: {m: {degradd: 5}}", "thresholds.m.degradd",
         "unknown key; did you mean `degraded`?"},
        {"thresholds: {m: {warning: 5}}", "thresholds.m.warning",
         "unknown key; a metric takes `degraded` and `failed`"},
        {"thresholds: {m: {failed: high}}", "thresholds.m.failed",
         "must be a number, not `high`; for example `95`"},
        {"drills: true", "drills", "not in this version: drills may break it; leave it out"},
        {"depends_on: [db]", "depends_on", "not in this version: needs; leave it out"},
        {"evrey: 5s", "evrey", "unknown key; did you mean `every`?"},
        {"password: [s3cret-word]", "password", "must be a text, not a list; for example `word`"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_one_fault(world, cases[i][0], cases[i][1], cases[i][2]);
    }
}

static void test_later_keys_that_ask_for_nothing(void **state)
{
    struct world *world = *state;
    assert_true(load(world, "name: x\ndrills: false\ndepends_on: []\n"));
    assert_true(load(world, "name: x\ndrills:\ndepends_on: ~\n"));
}

static void test_unknown_key_without_a_near_one(void **state)
{
    struct world *world = *state;
    assert_false(load(world, "name: x\nzebra: 1\n"));
    assert_non_null(strstr(world->faults->items[0].text, "known here are: name, url, password"));
}

static void test_faulty_values_keep_the_default(void **state)
{
    struct world *world = *state;
    assert_false(load(world, "name: x\nevery: often\n"));
    assert_int_equal(world->resource.every, 5000);
}

static void test_secrets_are_registered(void **state)
{
    struct world *world = *state;
    assert_true(load(world, "name: x\nurl: redis://u:pass%2Fword@h:1/0\npassword: hunter22\n"));
    char *masked = mw_redact(world->memory, "hunter22 and pass%2Fword and pass/word");
    assert_string_equal(masked, "••• and ••• and •••");
}

static void test_several_tables(void **state)
{
    struct world *world = *state;
    struct log_source source = {0};
    struct resource resource = {0};
    const struct mw_option_target targets[] = {{options, &resource}, {log_options, &source}};
    const char *text = "name: x\nfile: a.log\nevery: 1s\nfiles: y\n";
    int line;
    struct mw_error error;
    struct mw_yaml *root = mw_yaml_parse(world->memory, text, strlen(text), &line, &error);
    assert_non_null(root);
    assert_false(
        mw_options_load_several(targets, 2, root, "", "/etc", world->memory, world->faults));
    assert_int_equal(world->faults->count, 1);
    assert_fault(world, 0, 4, "files", "unknown key; did you mean `file`?");
    assert_string_equal(source.file, "/etc/a.log");
    assert_int_equal(resource.every, 1000);
}

static void test_same_key_in_two_tables_faults_once(void **state)
{
    struct world *world = *state;
    struct log_source a = {0}, b = {0};
    const struct mw_option_target targets[] = {{log_options, &a}, {log_options, &b}};
    const char *text = "command: {x: y}\n";
    int line;
    struct mw_error error;
    struct mw_yaml *root = mw_yaml_parse(world->memory, text, strlen(text), &line, &error);
    assert_false(mw_options_load_several(targets, 2, root, "", "/", world->memory, world->faults));
    assert_int_equal(world->faults->count, 1);
}

static void test_absent_mapping(void **state)
{
    struct world *world = *state;
    struct log_source source = {0};
    assert_true(
        mw_options_load(log_options, NULL, "log", "/", world->memory, &source, world->faults));
    struct resource resource = {0};
    assert_false(mw_options_load(options, NULL, "", "/", world->memory, &resource, world->faults));
    assert_fault(world, 0, 0, "name", "is required and missing: what people call it");
}

static void test_no_mapping_at_all(void **state)
{
    struct world *world = *state;
    assert_false(load(world, "text"));
    assert_int_equal(world->faults->count, 1);
    assert_fault(world, 0, 1, "resources[0]", "must be a mapping of keys with values");
    assert_int_equal(world->resource.every, 5000);
}

static void test_faults_are_bounded(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 3 * MW_FAULTS_MAX; i++) {
        mw_fault_add(world->faults, i, "x", "fault");
    }
    assert_int_equal(world->faults->count, MW_FAULTS_MAX);
}

static void test_help(void **state)
{
    struct world *world = *state;
    char *help = mw_options_help(world->memory, options, "resources[].");
    assert_non_null(
        strstr(help, "| `resources[].name` | text | required | what people call it |\n"));
    assert_non_null(
        strstr(help, "| `resources[].every` | duration, from 100ms to 1d | `5s` | how often |\n"));
    assert_non_null(strstr(help,
                           "| `resources[].mode` | one of `live`, `shadow` | `shadow` | how it "
                           "acts (reloadable) |\n"));
    assert_non_null(strstr(help, "| samples \\| in a row |"));
    assert_non_null(strstr(
        help, "| `resources[].logs[].journal` | text |  | its unit (not in this version) |\n"));
    assert_non_null(strstr(help, "its password (secret) |\n"));
}

static void test_show_masks(void **state)
{
    struct world *world = *state;
    assert_true(load(world, "name: x\nurl: redis://u:pa/ss@h\npassword: hunter22\n"
                            "thresholds: {m: {degraded: 5}}\nlogs: [{file: /a}]\nevery: 90s\n"));
    json_auto_t *shown = mw_options_show(options, &world->resource);
    char *text = json_dumps(shown, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text,
                        "{\"aliases\":[],\"cache\":false,\"confidence\":0.59999999999999998,"
                        "\"config\":null,\"control\":null,\"every\":\"90s\",\"hold\":2,"
                        "\"logs\":[{\"command\":[],\"file\":\"/a\"}],\"mode\":\"shadow\","
                        "\"name\":\"x\",\"password\":\"•••\",\"ratio\":0.0,\"size\":\"64MB\","
                        "\"standard\":{\"command\":[],\"file\":null},"
                        "\"thresholds\":{\"m\":{\"degraded\":5.0}},\"url\":\"redis://u:•••@h\"}");
    free(text);
}

/* ---- comparing ---- */

static char differing[400];

static void note_difference(void *context, const char *path, bool reloadable)
{
    size_t used = strlen(differing);
    snprintf(differing + used, sizeof differing - used, "%s%s ", path, reloadable ? "!" : "");
}

static const char *compare(struct resource *a, struct resource *b)
{
    const struct mw_option_changes changes = {NULL, note_difference};
    *differing = '\0';
    mw_options_compare(options, a, b, "", &changes);
    assert_int_equal(mw_options_equal(options, a, b), *differing == '\0');
    return differing;
}

static const char full[] =
    "name: a\nurl: redis://u:one@h\npassword: secret12\nconfig: /x\ncache: true\nevery: 1s\n"
    "hold: 3\nsize: 1MB\nconfidence: 0.5\nmode: live\naliases: [b, c]\n"
    "thresholds: {m: {degraded: 5}}\ncontrol: {file: /y}\nlogs: [{file: /z}]\n";

static void test_compare(void **state)
{
    static const struct {
        const char *from, *to, *tells;
    } edits[] = {
        {"name: a", "name: b", "name "},
        {"u:one@h", "u:two@h", "url "},
        {"secret12", "secret13", "password "},
        {"config: /x", "config: /w", "config "},
        {"cache: true", "cache: false", "cache "},
        {"every: 1s", "every: 2s", "every "},
        {"hold: 3", "hold: 4", "hold "},
        {"size: 1MB", "size: 2MB", "size "},
        {"confidence: 0.5", "confidence: 0.6", "confidence "},
        {"mode: live", "mode: shadow", "mode! "},
        {"[b, c]", "[b, d]", "aliases "},
        {"[b, c]", "[b]", "aliases "},
        {"degraded: 5", "degraded: 6", "thresholds "},
        {"degraded: 5", "failed: 5", "thresholds "},
        {"{file: /y}", "{file: /w}", "control.file "},
        {"control: {file: /y}", "control: null", "control "},
        {"[{file: /z}]", "[{file: /w}]", "logs "},
        {"[{file: /z}]", "[{file: /z}, {file: /w}]", "logs "},
    };
    struct world *world = *state;
    assert_true(load(world, full));
    struct resource plain = world->resource;
    assert_true(load(world, full));
    assert_string_equal(compare(&plain, &world->resource), "");
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        const char *at = strstr(full, edits[i].from);
        assert_non_null(at);
        char *text = talloc_asprintf(world->memory, "%.*s%s%s", (int)(at - full), full, edits[i].to,
                                     at + strlen(edits[i].from));
        assert_true(load(world, text));
        assert_string_equal(compare(&plain, &world->resource), edits[i].tells);
    }
}

static void test_schema(void **state)
{
    json_auto_t *schema = mw_options_schema(options);
    assert_true(json_is_false(json_object_get(schema, "additionalProperties")));
    json_t *properties = json_object_get(schema, "properties");
    assert_null(json_object_get(properties, "drills"));
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(properties, "every"), "default")), "5s");
    assert_string_equal(json_string_value(json_array_get(json_object_get(schema, "required"), 0)),
                        "name");
}

#define LOAD_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOAD_TEST(test_defaults),
        LOAD_TEST(test_values),
        LOAD_TEST(test_empty_values_are_absent),
        LOAD_TEST(test_faults_of_types),
        LOAD_TEST(test_later_keys_that_ask_for_nothing),
        LOAD_TEST(test_unknown_key_without_a_near_one),
        LOAD_TEST(test_faulty_values_keep_the_default),
        LOAD_TEST(test_secrets_are_registered),
        LOAD_TEST(test_several_tables),
        LOAD_TEST(test_same_key_in_two_tables_faults_once),
        LOAD_TEST(test_absent_mapping),
        LOAD_TEST(test_no_mapping_at_all),
        LOAD_TEST(test_faults_are_bounded),
        LOAD_TEST(test_help),
        LOAD_TEST(test_show_masks),
        LOAD_TEST(test_schema),
        LOAD_TEST(test_compare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
