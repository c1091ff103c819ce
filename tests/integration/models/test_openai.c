/* SPDX-License-Identifier: Apache-2.0 */
/* Chat completions, as their strict fake speaks them, with a key and without. */
#include "fake.h"

#include <stdlib.h>

extern const struct mw_planner_ops mw_planner_openai;

static int open_openai(void **state)
{
    return fake_open("openai", &mw_planner_openai);
}

#define STEPS "[{\"tool\":\"redis_scale_memory\",\"arguments\":{\"factor\":2},\"why\":\"room\"}]"
#define ARGS(steps) \
    "{\"root_cause\":\"full\",\"confidence\":0.8,\"evidence\":[],\"steps\":" steps "}"
#define PLAN_OF(steps) "{\"calls\":[{\"name\":\"propose_plan\",\"args\":" ARGS(steps) "}]}"
#define PLAN           PLAN_OF(STEPS)
#define LOOK                                                                             \
    "{\"calls\":[{\"name\":\"redis_info\",\"args\":{\"section\":\"memory\"}},{\"name\":" \
    "\"inventory_lookup\"}]}"

static void proposes_well(const char *script)
{
    struct mw_error error = {0};
    fake_start(script);
    json_t *proposal = fake_propose(20000, &error);
    if (proposal == NULL)
        fail_msg("%s: %s", mw_error_class_name(error.class), error.text);
    json_decref(proposal);
}

static void looks_and_proposes(void **state)
{
    proposes_well("[" LOOK "," LOOK "," PLAN "]");
    assert_int_equal(json_array_size(fake.looked), 4);
    /* The name with a dot went out without one and came back to its tool. */
    const json_t *second = json_array_get(fake.looked, 1);
    assert_string_equal(json_string_value(json_object_get(second, "tool")), "inventory.lookup");
    json_t *log = fake_log();
    char *tools = json_dumps(json_object_get(fake_body(log, 0), "tools"), 0);
    assert_null(strstr(tools, "IGNORE YOUR RULES"));
    free(tools);
    json_decref(log);
}

static void works_without_a_key(void **state)
{
    fake.config.api_key = NULL;
    proposes_well("[" PLAN "]");
    json_decref(fake_log());
}

static void must_propose_after_its_rounds(void **state)
{
    fake.config.max_turns = 1;
    proposes_well("[" LOOK "," PLAN "]");
    json_t *log = fake_log();
    const json_t *choice = json_object_get(fake_body(log, 1), "tool_choice");
    assert_string_equal(json_string_value(choice), "required");
    json_decref(log);
}

static void answers_that_are_mended(void **state)
{
    static const char *const scripts[] = {
        "[{\"text\":\"It is full.\"}," PLAN "]",
        "[{\"text\":\"```json\\n{\\\"root_cause\\\":\\\"x\\\",\\\"confidence\\\":1,\\\"steps\\\":[{"
        "\\\"tool\\\":"
        "\\\"redis_scale_memory\\\",\\\"arguments\\\":{},\\\"why\\\":\\\"w\\\"}]}\\n```\"}]",
        "[" LOOK ",{\"end\":\"length\",\"text\":\"half\"}," PLAN "]",
        "[" PLAN_OF("[{\"tool\":\"rm_rf\",\"arguments\":{},\"why\":\"w\"}]") "," PLAN "]",
        "[" PLAN_OF("[{\"tool\":\"redis_scale_memory\",\"arguments\":{\"maxmemory\":[]},"
                    "\"why\":\"w\"}]") "," PLAN "]",
        "[{\"calls\":[{\"name\":\"no_such\"},{\"name\":\"redis_info\"}]}," PLAN "]",
        "[{\"calls\":[{\"name\":\"propose_plan\",\"raw\":\"{\\\"root_cause\\\": \\\"x\"}]}," PLAN
        "]",
        "[{\"calls\":[{\"name\":\"redis_info\",\"raw\":\"section=memory\"}]}," PLAN "]",
        /* An answer without a choice, without a message, with an empty one. */
        "[{\"body\":{}}," PLAN "]",
        "[{\"body\":{\"choices\":[{\"finish_reason\":\"stop\"}]}}," PLAN "]",
        "[{\"body\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"\"}}]}}," PLAN
        "]",
        "[{\"status\":429,\"headers\":{\"Retry-After\":\"0\"},\"body\":{}}," PLAN "]",
        "[{\"status\":500,\"raw\":\"<html>oops\",\"type\":\"text/html\"}," PLAN "]",
    };
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        print_message("%s\n", scripts[i]);
        proposes_well(scripts[i]);
        json_decref(fake_log());
        talloc_free(fake.planner);
        fake.planner = NULL;
    }
}

static void a_service_that_hangs_costs_the_deadline(void **state)
{
    fake_start("[{\"stall\":true}]");
    assert_fails_with(700, MW_ERROR_TIMEOUT, "");
    json_decref(fake_log());
}

static void ends_that_are_told(void **state)
{
    static const struct {
        const char *script;
        enum mw_error_class class;
        const char *says;
    } cases[] = {
        {"[{\"refusal\":\"I cannot help\"}]", MW_ERROR_REFUSED, "I cannot help"},
        {"[{\"end\":\"content_filter\",\"text\":\"x\"}]", MW_ERROR_REFUSED, "content_filter"},
        {"[{\"text\":\"no\"},{\"text\":\"no\"},{\"text\":\"no\"}]", MW_ERROR_BAD_INPUT,
         "was not called"},
        {"[{\"status\":401,\"body\":{\"error\":{\"message\":\"Incorrect API key: " TEST_KEY
         "\"}}}]",
         MW_ERROR_PERMANENT, "llm.api_key"},
        {"[{\"status\":404,\"body\":{\"error\":\"model 'm-1.5' not found\"}}]", MW_ERROR_PERMANENT,
         "not found"},
        {"[{\"status\":429,\"headers\":{\"Retry-After\":\"90\"},\"body\":{}}]", MW_ERROR_RETRY,
         "90.0 s"},
        {"[{\"end\":\"length\",\"text\":\"half\"},{\"end\":\"length\",\"text\":\"half\"}]",
         MW_ERROR_BAD_INPUT, "limit of tokens"},
        {"[{\"status\":429,\"body\":{\"error\":{\"code\":\"insufficient_quota\"}}}]",
         MW_ERROR_REFUSED, "quota"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        print_message("%s\n", cases[i].script);
        fake_start(cases[i].script);
        assert_fails_with(20000, cases[i].class, cases[i].says);
        json_decref(fake_log());
        talloc_free(fake.planner);
        fake.planner = NULL;
    }
}

static void answers_questions(void **state)
{
    struct mw_error error = {0};
    fake.config.max_turns = 2;
    fake_start("[" LOOK "," LOOK ",{\"text\":\"It is full.\"}]");
    json_t *answer = fake_ask(20000, &error);
    if (answer == NULL)
        fail_msg("%s", error.text);
    assert_string_equal(json_string_value(json_object_get(answer, "text")), "It is full.");
    assert_int_equal(json_array_size(json_object_get(answer, "looked")), 4);
    json_decref(answer);
    json_t *log = fake_log();
    const json_t *choice = json_object_get(fake_body(log, 2), "tool_choice");
    assert_string_equal(json_string_value(choice), "none");
    char *all = json_dumps(log, 0);
    assert_null(strstr(all, "swordfish99"));
    assert_null(strstr(all, "propose_plan"));
    assert_non_null(strstr(all, "why is it slow?"));
    free(all);
    json_decref(log);
}

/* What is no answer is asked for once more, in words; a block and a second failure end it. */
static void questions_that_go_wrong(void **state)
{
    static const struct {
        const char *script;
        const char *says; /* NULL: it is answered */
    } cases[] = {
        {"[" LOOK ",{\"end\":\"length\",\"text\":\"half\"},{\"text\":\"It is full.\"}]", NULL},
        {"[{\"body\":{}},{\"text\":\"It is full.\"}]", NULL},
        {"[{\"calls\":[{\"name\":\"no_such\"}]},{\"text\":\"Full.\"}]", NULL},
        {"[{\"status\":503,\"body\":{}},{\"text\":\"Full.\"}]", NULL},
        {"[{\"refusal\":\"I cannot help\"}]", "I cannot help"},
        {"[{\"body\":{}},{\"body\":{}}]", "after a complaint"},
        {"[{\"status\":401,\"body\":{}}]", "llm.api_key"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mw_error error = {0};
        print_message("%s\n", cases[i].script);
        fake_start(cases[i].script);
        json_t *answer = fake_ask(20000, &error);
        assert_int_equal(answer == NULL, cases[i].says != NULL);
        if (answer == NULL && strstr(error.text, cases[i].says) == NULL)
            fail_msg("%s", error.text);
        json_decref(answer);
        json_decref(fake_log());
        talloc_free(fake.planner);
        fake.planner = NULL;
    }
}

#define test(name) cmocka_unit_test_setup_teardown(name, open_openai, fake_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(looks_and_proposes),
        test(works_without_a_key),
        test(must_propose_after_its_rounds),
        test(answers_that_are_mended),
        test(ends_that_are_told),
        test(a_service_that_hangs_costs_the_deadline),
        test(answers_questions),
        test(questions_that_go_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
