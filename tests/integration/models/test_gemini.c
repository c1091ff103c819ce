/* SPDX-License-Identifier: Apache-2.0 */
/* Gemini, as its strict fake speaks it: the whole way to a plan, blocks, quotas, broken answers. */
#include "fake.h"

#include <stdlib.h>

extern const struct mw_planner_ops mw_planner_gemini;

static int open_gemini(void **state)
{
    return fake_open("gemini", &mw_planner_gemini);
}

#define STEPS                                                                                      \
    "[{\"tool\":\"redis_scale_memory\",\"arguments\":{\"maxmemory\":67108864.0},\"why\":\"room\"}" \
    "]"
#define PLAN_OF(steps)                                                                             \
    "{\"calls\":[{\"name\":\"propose_plan\",\"args\":{\"root_cause\":\"sessions without expiry\"," \
    "\"confidence\":0.8,\"evidence\":[\"97 % used\"],\"steps\":" steps                             \
    "}}],\"tokens\":[900,60,40]}"
#define PLAN PLAN_OF(STEPS)
#define LOOK                                                                             \
    "{\"calls\":[{\"name\":\"redis_info\",\"args\":{\"resource\":\"cache\",\"section\":" \
    "\"memory\"}},"                                                                      \
    "{\"name\":\"resource_logs\",\"args\":{}}],\"tokens\":[800,20,0]}"

static json_t *proposes(void)
{
    struct mw_error error = {0};
    json_t *proposal = fake_propose(20000, &error);
    if (proposal == NULL)
        fail_msg("%s: %s", mw_error_class_name(error.class), error.text);
    return proposal;
}

static void proposes_well(const char *script)
{
    fake_start(script);
    json_decref(proposes());
    json_decref(fake_log());
}

static void looks_and_proposes(void **state)
{
    fake.price = (struct mw_model_price){.input_per_mtok = 1, .output_per_mtok = 4};
    fake.config.price = &fake.price;
    fake_start("[" LOOK "," LOOK "," PLAN "]");
    json_t *proposal = proposes();
    const json_t *step = json_array_get(json_object_get(proposal, "steps"), 0);
    const json_t *arguments = json_object_get(step, "arguments");
    assert_int_equal(json_integer_value(json_object_get(arguments, "maxmemory")), 67108864);
    const json_t *usage = json_object_get(proposal, "usage");
    assert_int_equal(json_integer_value(json_object_get(usage, "turns")), 3);
    assert_int_equal(json_integer_value(json_object_get(usage, "input_tokens")), 2500);
    assert_int_equal(json_integer_value(json_object_get(usage, "output_tokens")), 140);
    double cost = json_number_value(json_object_get(usage, "cost_usd"));
    assert_true(cost > 0.003059 && cost < 0.003061);
    assert_string_equal(json_string_value(json_object_get(usage, "model")), "gemini-fake-001");
    json_decref(proposal);
    assert_int_equal(json_array_size(fake.looked), 4);

    json_t *log = fake_log();
    char *all = json_dumps(log, 0);
    assert_null(strstr(all, "swordfish99"));
    assert_null(strstr(all, TEST_KEY));
    assert_non_null(strstr(all, "OOM command"));
    assert_non_null(strstr(all, "memory-full"));
    assert_non_null(strstr(all, "did not help"));
    assert_non_null(strstr(all, "recovered"));
    free(all);
    json_decref(log);
}

static void must_propose_after_its_rounds(void **state)
{
    fake.config.max_turns = 1;
    fake_start("[" LOOK "," PLAN "]");
    json_decref(proposes());
    json_t *log = fake_log();
    const json_t *calling =
        json_object_get(json_object_get(fake_body(log, 1), "toolConfig"), "functionCallingConfig");
    assert_string_equal(json_string_value(json_object_get(calling, "mode")), "ANY");
    json_decref(log);
}

static void keeps_logs_at_home(void **state)
{
    fake.config.send_logs = false;
    fake_start("[{\"calls\":[{\"name\":\"resource_logs\"}]}," PLAN "]");
    json_decref(proposes());
    json_t *log = fake_log();
    char *all = json_dumps(log, 0);
    assert_null(strstr(all, "OOM command"));
    free(all);
    json_decref(log);
    assert_int_equal(json_array_size(fake.looked), 0);
}

static void answers_that_are_mended(void **state)
{
    static const char *const scripts[] = {
        "[{\"text\":\"It is full.\"}," PLAN "]",
        "[{\"end\":\"MALFORMED_FUNCTION_CALL\",\"message\":\"redis_info(\"}," PLAN "]",
        "[" LOOK ",{\"end\":\"MALFORMED_FUNCTION_CALL\"}," PLAN "]",
        "[" LOOK ",{\"end\":\"MAX_TOKENS\"}," PLAN "]",
        "[{\"end\":\"STOP\"}," PLAN "]",
        "[{\"body\":{}}," PLAN "]",
        "[" PLAN_OF("[{\"tool\":\"rm_rf\",\"arguments\":{},\"why\":\"w\"}]") "," PLAN "]",
        "[" LOOK
        "," PLAN_OF("[{\"tool\":\"redis_scale_memory\",\"arguments\":{\"maxmemory\":[]},\"why\":"
                    "\"w\"}]") "," PLAN "]",
        "[{\"calls\":[{\"name\":\"no_such\"},{\"name\":\"redis_info\"}]}," PLAN "]",
        "[{\"status\":503,\"body\":{\"error\":{\"message\":\"overloaded\"}}}," PLAN "]",
        "[{\"drop\":true}," PLAN "]",
        "[{\"cut\":40}," PLAN "]",
        "[{\"status\":429,\"body\":{\"error\":{\"details\":[{\"@type\":"
        "\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"0.2s\"}]}}}," PLAN "]",
        "[{\"status\":429,\"headers\":{\"Retry-After\":\"0\"},\"body\":{}}," PLAN "]",
    };
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        print_message("%s\n", scripts[i]);
        proposes_well(scripts[i]);
        talloc_free(fake.planner);
        fake.planner = NULL;
    }
}

static void ends_that_are_told(void **state)
{
    static const struct {
        const char *script;
        enum mw_error_class class;
        const char *says;
    } cases[] = {
        {"[{\"blocked\":\"PROHIBITED_CONTENT\"}]", MW_ERROR_REFUSED, "PROHIBITED_CONTENT"},
        {"[" LOOK ",{\"end\":\"SAFETY\"}]", MW_ERROR_REFUSED, "SAFETY"},
        {"[" PLAN_OF("[]") "]", MW_ERROR_REFUSED, "sessions without expiry"},
        {"[{\"end\":\"MAX_TOKENS\"},{\"end\":\"MAX_TOKENS\"}]", MW_ERROR_BAD_INPUT,
         "limit of tokens"},
        {"[{\"end\":\"STOP\"},{\"body\":[]}]", MW_ERROR_BAD_INPUT, "not the Gemini API"},
        {"[" PLAN_OF("[7]") "," PLAN_OF("{}") "]", MW_ERROR_BAD_INPUT, "steps"},
        {"[{\"status\":403,\"body\":{\"error\":{\"message\":\"no\"}}}]", MW_ERROR_PERMANENT,
         "llm.api_key"},
        {"[{\"status\":404,\"body\":{\"error\":{\"message\":\"no\"}}}]", MW_ERROR_PERMANENT,
         "llm.model"},
        {"[{\"status\":302,\"headers\":{\"Location\":\"http://127.0.0.1:1/\"},\"raw\":\"\"}]",
         MW_ERROR_PERMANENT, "redirect"},
        {"[{\"status\":429,\"body\":{\"error\":{\"details\":[{\"@type\":"
         "\"type.googleapis.com/google.rpc.QuotaFailure\",\"violations\":[{\"quotaId\":"
         "\"GenerateRequestsPerDayPerProjectPerModel-FreeTier\"}]}]}}}]",
         MW_ERROR_REFUSED, "quota"},
        {"[{\"status\":429,\"headers\":{\"Retry-After\":\"90\"},\"body\":{}}]", MW_ERROR_RETRY,
         "90.0 s"},
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
    fake_start("[" LOOK "," LOOK ",{\"text\":\"It is full.\",\"tokens\":[900,60,40]}]");
    json_t *answer = fake_ask(20000, &error);
    if (answer == NULL)
        fail_msg("%s", error.text);
    assert_string_equal(json_string_value(json_object_get(answer, "text")), "It is full.");
    assert_int_equal(json_array_size(json_object_get(answer, "looked")), 4);
    json_decref(answer);
    json_t *log = fake_log();
    const json_t *calling =
        json_object_get(json_object_get(fake_body(log, 2), "toolConfig"), "functionCallingConfig");
    assert_string_equal(json_string_value(json_object_get(calling, "mode")), "NONE");
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
        {"[{\"end\":\"MALFORMED_FUNCTION_CALL\"},{\"text\":\"It is full.\"}]", NULL},
        {"[" LOOK ",{\"end\":\"MAX_TOKENS\"},{\"text\":\"It is full.\"}]", NULL},
        {"[{\"body\":{}},{\"text\":\"It is full.\"}]", NULL},
        {"[{\"calls\":[{\"name\":\"no_such\"},{\"name\":\"redis_info\"}]},{\"text\":\"Full.\"}]",
         NULL},
        {"[{\"status\":503,\"body\":{}},{\"text\":\"Full.\"}]", NULL},
        {"[{\"end\":\"STOP\"},{\"end\":\"STOP\"}]", "after a complaint"},
        {"[{\"blocked\":\"PROHIBITED_CONTENT\"}]", "PROHIBITED_CONTENT"},
        {"[" LOOK ",{\"end\":\"SAFETY\"}]", "SAFETY"},
        {"[{\"status\":403,\"body\":{}}]", "llm.api_key"},
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

static void the_fake_is_strict(void **state)
{
    /* Otherwise nothing above would mean anything. */
    fake_start("[" PLAN "]");
    fake.config.api_key = "another-key-000000";
    talloc_free(fake.planner);
    struct mw_error error = {0};
    fake.planner = talloc_zero(NULL, struct mw_planner);
    assert_true(fake.ops->create(fake.planner, &fake.config, NULL, &error));
    assert_fails_with(5000, MW_ERROR_PERMANENT, "not the key");
}

#define test(name) cmocka_unit_test_setup_teardown(name, open_gemini, fake_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(looks_and_proposes),      test(must_propose_after_its_rounds),
        test(keeps_logs_at_home),      test(answers_that_are_mended),
        test(ends_that_are_told),      test(answers_questions),
        test(questions_that_go_wrong), test(the_fake_is_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
