/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of `llm:` as a file has them, for both vendors. */
#include "script.h"

#include "config/config.h"

extern const struct mw_planner_ops mw_planner_gemini, mw_planner_openai;

static TALLOC_CTX *memory;
static struct mw_faults *faults;

static int set_up(void **state)
{
    memory = talloc_new(NULL);
    faults = mw_faults_create(memory);
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(memory);
    mw_redact_forget_all();
    return 0;
}

static struct mw_model_config load(const struct mw_planner_ops *ops, const char *text)
{
    struct mw_model_config config = {0};
    struct mw_error error = {0};
    int line = 0;
    assert_int_equal(ops->config_size, sizeof config);
    const struct mw_yaml *tree = mw_yaml_parse(memory, text, strlen(text), &line, &error);
    assert_non_null(tree);
    mw_options_load(ops->options, tree, "llm", "/etc/midwatch", memory, &config, faults);
    return config;
}

static void what_is_not_said_has_its_default(void **state)
{
    struct mw_model_config gemini = load(&mw_planner_gemini, "api_key: abcdefghij");
    assert_int_equal(faults->count, 0);
    assert_string_equal(gemini.model, "gemini-3.8-flash");
    assert_string_equal(gemini.base_url, "https://generativelanguage.googleapis.com");
    assert_int_equal(gemini.max_turns, 6);
    assert_true(gemini.send_logs);
    assert_null(gemini.price);
    assert_null(gemini.prompts);
    assert_true(gemini.daily_budget_usd == 0);
    struct mw_model_config openai = load(&mw_planner_openai, "model: llama3.1:8b");
    assert_int_equal(faults->count, 0);
    assert_string_equal(openai.base_url, "https://api.openai.com/v1");
    assert_null(openai.api_key);
}

static void what_is_said_counts(void **state)
{
    struct mw_model_config config =
        load(&mw_planner_gemini, "model: gemini-flash-latest\napi_key: abcdefghij\nbase_url: "
                                 "http://127.0.0.1:1\nmax_turns: 0\n"
                                 "send_logs: false\nprice: {input_per_mtok: 1.00, output_per_mtok: "
                                 "4.5}\ndaily_budget_usd: 20\n"
                                 "prompts: own\n");
    assert_int_equal(faults->count, 0);
    assert_int_equal(config.max_turns, 0);
    assert_false(config.send_logs);
    assert_true(config.price->output_per_mtok == 4.5);
    assert_true(config.daily_budget_usd == 20);
    assert_string_equal(config.prompts, "/etc/midwatch/own");
    /* A key never shows, wherever it is printed. */
    char *masked = mw_redact(memory, "x abcdefghij y");
    assert_null(strstr(masked, "abcdefghij"));
}

static void what_is_wrong_is_a_fault(void **state)
{
    static const struct {
        const struct mw_planner_ops *ops;
        const char *text, *path;
    } cases[] = {
        {&mw_planner_gemini, "model: x", "llm.api_key"},
        {&mw_planner_openai, "api_key: abcdefghij", "llm.model"},
        {&mw_planner_openai, "{model: x, max_turns: 21}", "llm.max_turns"},
        {&mw_planner_openai, "{model: x, daily_budget_usd: 0}", "llm.daily_budget_usd"},
        {&mw_planner_openai, "{model: x, price: {input_per_mtok: 1}}", "llm.price.output_per_mtok"},
        {&mw_planner_openai, "{model: x, price: {input_per_mtok: -1, output_per_mtok: 1}}",
         "llm.price.input_per_mtok"},
        {&mw_planner_openai, "{model: x, modell: y}", "llm.modell"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        faults = mw_faults_create(memory);
        load(cases[i].ops, cases[i].text);
        if (faults->count != 1)
            fail_msg("%s: %zu faults", cases[i].text, faults->count);
        assert_string_equal(faults->items[0].path, cases[i].path);
    }
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_is_not_said_has_its_default),
        test(what_is_said_counts),
        test(what_is_wrong_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
