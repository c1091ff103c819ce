/* SPDX-License-Identifier: Apache-2.0 */
/* What doctor is told of a model: one GET, and what is to be mended where it is not well. */
#include "fake.h"

extern const struct mw_planner_ops mw_planner_gemini, mw_planner_openai;

static int open_gemini(void **state)
{
    return fake_open("gemini", &mw_planner_gemini);
}

static int open_openai(void **state)
{
    return fake_open("openai", &mw_planner_openai);
}

struct one {
    const char *script, *says;
};

static void all_say(const struct one *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        print_message("%s\n", cases[i].script);
        fake_start(cases[i].script);
        const char *said = fake_look();
        if (strstr(said, cases[i].says) == NULL)
            fail_msg("\"%s\" is missing in: %s", cases[i].says, said);
        json_decref(fake_log());
        talloc_free(fake.planner);
        fake.planner = NULL;
    }
}

static void gemini(void **state)
{
    fake.config.model = "gemini-3.8-flash";
    static const struct one cases[] = {
        {"[{\"model\":{}}]", "ok: the key is good and gemini-3.8-flash is known (Fake 1), 1048576"},
        {"[{\"model\":{\"displayName\":\"x\\u001b[31m\"}}]", "ok: the key is good"},
        {"[{\"status\":400,\"body\":{\"error\":{\"code\":400,\"message\":\"API key not valid.\","
         "\"status\":\"INVALID_ARGUMENT\",\"details\":[{\"@type\":\"type.googleapis.com/"
         "google.rpc.ErrorInfo\",\"reason\":\"API_KEY_INVALID\"}]}}}]",
         "failed: HTTP 400: look at llm.api_key (it says: API key not valid.)"},
        {"[{\"status\":403,\"body\":{\"error\":{\"message\":\"no\"}}}]", "look at llm.api_key"},
        {"[{\"status\":404,\"body\":{\"error\":{\"message\":\"models/x is not found\"}}}]",
         "failed: HTTP 404: look at llm.model"},
        {"[{\"model\":{\"supportedGenerationMethods\":[\"embedContent\"]}}]",
         "failed: gemini-3.8-flash does not write answers"},
        {"[{\"body\":{\"hello\":1}}]", "failed: what answers is not the Gemini API"},
        {"[{\"body\":[]}]", "failed: what answers is not the Gemini API"},
        {"[{\"raw\":\"<html>\",\"type\":\"text/html\"}]", "failed: what answers at llm.base_url"},
        {"[{\"status\":503,\"body\":{}}]", "failed: HTTP 503"},
        {"[{\"status\":302,\"headers\":{\"Location\":\"http://127.0.0.1:1/\"},\"raw\":\"\"}]",
         "redirects"},
        {"[{\"stall\":true}]", "in time"},
        {"[{\"huge\":3}]", "failed: "},
    };
    all_say(cases, sizeof cases / sizeof *cases);
}

static void openai(void **state)
{
    fake.config.model = "served";
    static const struct one cases[] = {
        {"[{\"models\":[\"other\",\"served\"]}]", "ok: the server answers and has served"},
        {"[{\"models\":[\"other\",\"served:latest\"]}]", "ok: the server answers and has served"},
        {"[{\"models\":[\"served:7b\",\"servd\"]}]", "failed: the server has no model served, but"},
        {"[{\"models\":[\"the-only-one\"]}]", "note: the server answers and lists one model alone"},
        {"[{\"models\":[]}]", "note: the server answers, and lists no model"},
        {"[{\"body\":{\"data\":[1,{\"id\":2},{}]}}]", "note: the server answers, and lists no"},
        {"[{\"body\":{\"models\":[]}}]", "failed: what answers does not list models"},
        {"[{\"status\":401,\"body\":{\"error\":{\"message\":\"Incorrect API key\"}}}]",
         "failed: HTTP 401: look at llm.api_key"},
        {"[{\"status\":404,\"raw\":\"not found\"}]", "look at llm.model and llm.base_url"},
    };
    all_say(cases, sizeof cases / sizeof *cases);
}

static void without_a_key(void **state)
{
    fake.config.api_key = NULL;
    fake.config.model = "served";
    const struct one one = {"[{\"models\":[\"served\"]}]", "ok: "};
    all_say(&one, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gemini, open_gemini, fake_close),
        cmocka_unit_test_setup_teardown(openai, open_openai, fake_close),
        cmocka_unit_test_setup_teardown(without_a_key, open_openai, fake_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
