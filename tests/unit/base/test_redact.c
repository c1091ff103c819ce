/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/redact.h"
#include "base/text.h"

struct pair {
    const char *text, *wanted;
};

static void assert_redacted(const char *text, const char *wanted)
{
    char *masked = mw_redact(NULL, text);
    assert_non_null(masked);
    assert_string_equal(masked, wanted);
    char *again = mw_redact(NULL, masked);
    assert_string_equal(again, wanted);
    talloc_free(again);
    talloc_free(masked);
}

static void test_exact_secrets(void **state)
{
    mw_redact_secret("s3cr3t/pa ss\"x");
    mw_redact_secret("hunter22");
    mw_redact_secret("hunter");
    mw_redact_secret("abc");
    assert_redacted("it is hunter22!", "it is •••!");
    assert_redacted("it is hunter2", "it is •••2");
    assert_redacted("abc stays", "abc stays");
    assert_redacted("broken hunter22\x9b", "broken •••\x9b");
    assert_redacted("raw s3cr3t/pa ss\"x.", "raw •••.");
    assert_redacted("url s3cr3t%2Fpa%20ss%22x.", "url •••.");
    assert_redacted("json s3cr3t/pa ss\\\"x.", "json •••.");
    assert_redacted("hunter22hunter22", "•••");
    assert_redacted("redis://hunter:other@host", "redis://•••:•••@host");
    assert_redacted("password=hunter22 next", "password=••• next");
    mw_redact_forget_all();
    assert_redacted("it is hunter22!", "it is hunter22!");
}

static void test_shape_may_end_within_a_secret(void **state)
{
    mw_redact_secret("two words here");
    assert_redacted("password=two words here.", "password=•••.");
    mw_redact_forget_all();
}

static void test_shapes(void **state)
{
    static const struct pair pairs[] = {
        {"redis://:p4ss@127.0.0.1:6379", "redis://:•••@127.0.0.1:6379"},
        {"invalid api_key \"x1\" here", "invalid api_key \"•••\" here"},
        {"wrong password \\\"x1\\\" here", "wrong password \\\"•••\\\" here"},
        {"postgresql://u:p@ss@h/db", "postgresql://u:•••@h/db"},
        {"redis://:pa/ss@host/0", "redis://:•••@host/0"},
        {"password=abc", "password=•••"},
        {"DB_PASSWORD=abc HOME=/root", "DB_PASSWORD=••• HOME=/root"},
        {"Password: 'a b c', x", "Password: '•••', x"},
        {"{\"api_key\": \"k1\", \"n\": 1}", "{\"api_key\": \"•••\", \"n\": 1}"},
        {"{\"api_key\":\"k\\\"1\",\"n\":1}", "{\"api_key\":\"•••\",\"n\":1}"},
        {"{\\\"token\\\":\\\"k1\\\",\\\"n\\\":1}", "{\\\"token\\\":\\\"•••\\\",\\\"n\\\":1}"},
        {"GET /x?access_token=abc&page=2", "GET /x?access_token=•••&page=2"},
        {"secret: abc-def", "secret: •••"},
        {"passwd => 'x'", "passwd => '•••'"},
        {"pwd=abc;db=1", "pwd=•••"},
        {"clientSecret: \"x", "clientSecret: \"•••"},
        {"Authorization: Bearer abc.def", "Authorization: Bearer •••"},
        {"authorization: Basic dXNlcjpwYXNz", "authorization: Basic •••"},
        {"curl -H \"Authorization: Bearer abc\" http://x",
         "curl -H \"Authorization: Bearer •••\" http://x"},
        {"{\"Authorization\": \"Bearer abc\", \"b\": 1}",
         "{\"Authorization\": \"Bearer •••\", \"b\": 1}"},
        {"sent Bearer abcdefghij12345 ok", "sent Bearer ••• ok"},
        {"redis-cli -h x -a hunter PING", "redis-cli -h x -a ••• PING"},
        {"mysql --password hunter -u x", "mysql --password ••• -u x"},
        {"AUTH hunter", "AUTH •••"},
        {"AUTH alice hunter", "AUTH •••"},
        {"said: AUTH alice hunter. Twice", "said: AUTH •••. Twice"},
        {"AUTH alice hunter — normal 4 %", "AUTH ••• — normal 4 %"},
        {"AUTH hunter from 10.0.0.1", "AUTH ••• from 10.0.0.1"},
        {"1.2 [0 x] \"AUTH\" \"hunter\"", "1.2 [0 x] \"AUTH\" \"•••\""},
        {"\"auth\" \"default\" \"hunter\"", "\"auth\" \"•••\""},
        {"requirepass hunter", "requirepass •••"},
        {"\"CONFIG\" \"SET\" \"requirepass\" \"x1\"", "\"CONFIG\" \"SET\" \"requirepass\" \"•••\""},
        {"ALTER USER a WITH PASSWORD 'x' VALID", "ALTER USER a WITH PASSWORD '•••' VALID"},
        {"CREATE USER a IDENTIFIED BY 'x';", "CREATE USER a IDENTIFIED BY '•••';"},
        {"xoxb-1234-abcd leaked", "••• leaked"},
        {"a ghp_0123456789abcdefABCD b", "a ••• b"},
        {"key AKIAIOSFODNN7EXAMPLE.", "key •••"},
        {"sk-proj-abcdefghijklmno1234", "•••"},
        {"jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln end", "jwt ••• end"},
        {"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nafter",
         "-----BEGIN PRIVATE KEY-----•••-----END PRIVATE KEY-----\nafter"},
        {"-----BEGIN RSA PRIVATE KEY----- MIIE", "-----BEGIN RSA PRIVATE KEY-----•••"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        assert_redacted(pairs[i].text, pairs[i].wanted);
    }
}

static void test_a_line_does_not_hide_the_next(void **state)
{
    static const struct pair pairs[] = {
        {"PASSWORD 'cut off\nPASSWORD 'secret'", "PASSWORD '•••'•••'"},
        {"password=\"cut off\ntoken=\"secret\" x", "password=\"•••\"•••\" x"},
        {"-----BEGIN x\npassword=abc\nPRIVATE KEY-----",
         "-----BEGIN x\npassword=•••\nPRIVATE KEY-----"},
        {"\"auth\" \"x\" redis-cli -a secret", "\"auth\" \"•••\" redis-cli -a •••"},
        {"redis://u:a/b@c@host/0", "redis://u:•••@host/0"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        assert_redacted(pairs[i].text, pairs[i].wanted);
    }
    mw_redact_secret("hunter22");
    assert_redacted("hunter22password=x", "•••password=•••");
    mw_redact_forget_all();
}

static void assert_line(const char *text, size_t limit, const char *wanted)
{
    char *line = mw_redact_line(NULL, text, strlen(text), limit);
    assert_string_equal(line, wanted);
    talloc_free(line);
}

static void test_lines(void **state)
{
    mw_redact_secret("hunter22 and more");
    mw_redact_secret("first\r\nsecond");
    assert_line("", 9, "");
    assert_line("plain\ttext\n", 99, "plain text");
    assert_line("it is hunter22 and more", 15, "it is •••");
    assert_line("it is hunt\x1b[31mer22 and more!", 99, "it is •••!");
    assert_line("it is hunter22\nand more!", 99, "it is •••!");
    assert_line("key: first\r\nsecond!", 99, "key: •••!");
    assert_line("AUTH ann hunter2\nnext", 99, "AUTH ••• next");
    assert_line("PASSWORD 'cut\nPASSWORD 'secret'", 99, "PASSWORD '•••'•••'");
    mw_redact_forget_all();
}

/* Many secrets in a row become one short mask, so that what comes far behind the limit is shown. */
static void test_a_line_is_looked_at_as_far_as_it_is_shown(void **state)
{
    static const char secret[] = "hunter22";
    size_t length = 5000 * (sizeof secret - 1);
    char *text = malloc(length);
    mw_redact_secret(secret);
    for (size_t at = 0; at < length; at += sizeof secret - 1) {
        memcpy(text + at, secret, sizeof secret - 1);
    }
    for (size_t cut = 0; cut < sizeof secret; cut++) {
        char *line = mw_redact_line(NULL, text, length - cut, 100);
        assert_true(strncmp(line, "•••", strlen("•••")) == 0);
        assert_true(strlen(line) <= strlen("•••") + (cut > 0 ? sizeof secret - 1 - cut : 0));
        talloc_free(line);
    }
    mw_redact_forget_all();
    free(text);
}

static void test_ordinary_lines_stay(void **state)
{
    static const char *const lines[] = {
        "OOM command not allowed when used memory > 'maxmemory'.",
        "tokens used: 12",
        "{\"input_tokens\": 3120, \"output_tokens\": 410}",
        "NOAUTH Authentication required.",
        "ERR AUTH <password> called without any password configured for the default user.",
        "WRONGPASS invalid username-password pair or user is disabled.",
        "FATAL:  password authentication failed for user \"midwatch\"",
        "http://127.0.0.1:8080/path@x",
        "https://matrix.to/#/@alice:example.org",
        "@alice:example.org",
        "pass: 12, fail: 3",
        "Unexpected token } in JSON at position 4",
        "Unexpected token '<'",
        "Secret \"db-credentials\" is missing",
        "duplicate key \"users_pkey\"",
        "password: null",
        "\"password\": \"\"",
        "Background saving error",
        "pwd=/srv/app",
        "cp -a source target",
        "token: 12",
        "std::token::parse",
        "AUTH failed",
        "the task-eyJ and risk-free sk-learn words",
        "-----BEGIN CERTIFICATE-----",
        "memory 97.2 % of maxmemory — normal 41 %",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_redacted(lines[i], lines[i]);
    }
}

static void test_json(void **state)
{
    mw_redact_secret("hunter22");
    json_auto_t *value =
        json_pack("{s:s, s:{s:s, s:i}, s:[s, s], s:n, s:b, s:i, s:[s]}", "line", "it is hunter22",
                  "nested", "DB_PASSWORD", "x", "port", 1, "list", "a", "AUTH hunter22", "token",
                  "secret", 1, "max_tokens", 5, "api_key", "x");
    json_auto_t *masked = mw_redact_json(value);
    char *text = json_dumps(masked, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text,
                        "{\"api_key\":\"•••\",\"line\":\"it is •••\",\"list\":[\"a\",\"AUTH "
                        "•••\"],\"max_tokens\":5,\"nested\":{\"DB_PASSWORD\":\"•••\",\"port\":"
                        "1},\"secret\":true,\"token\":null}");
    free(text);
    assert_string_equal(json_string_value(json_object_get(value, "line")), "it is hunter22");
    mw_redact_forget_all();
}

static void test_nothing_in_json_hides_a_secret(void **state)
{
    json_auto_t *value =
        json_pack("{s:s, s:s}", "line", "pass\x1b[1mword=x1\nnext\x07", "p\x1b[0mwd", "x2");
    json_auto_t *masked = mw_redact_json(value);
    assert_string_equal(json_string_value(json_object_get(masked, "line")),
                        "password=•••\nnext\uFFFD");
    assert_string_equal(json_string_value(json_object_get(masked, "pwd")), "•••");
}

static void test_redact_is_linear(void **state)
{
    static const char *const pieces[] = {"a://",
                                         "eyJaaa-",
                                         "eyJaaaaaaaaa.",
                                         "password=\"",
                                         "://a:",
                                         "-----BEGIN ",
                                         "AUTH ",
                                         "token ",
                                         "password",
                                         "\\",
                                         "-",
                                         "sk-aaaa",
                                         "xox",
                                         "authorization:",
                                         "aaaab",
                                         "Bearer ",
                                         "password:\\\\\"",
                                         "password='x\n",
                                         "pwd=\"\npwd='\n",
                                         "-----BEGIN PRIVATE KEY----- \n"};
    mw_redact_secret("aaaaaaaaaaaaaaaab");
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        size_t piece = strlen(pieces[i]), count = 400000 / piece;
        char *text = malloc(piece * count + 1);
        for (size_t j = 0; j < count; j++) {
            memcpy(text + j * piece, pieces[i], piece);
        }
        text[piece * count] = '\0';
        clock_t start = clock();
        char *masked = mw_redact(NULL, text);
        if (clock() - start > 8 * CLOCKS_PER_SEC) {
            fail_msg("%s takes too long", pieces[i]);
        }
        assert_true(mw_text_is_utf8(masked, strlen(masked)));
        talloc_free(masked);
        free(text);
    }
    mw_redact_forget_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_secrets),
        cmocka_unit_test(test_shape_may_end_within_a_secret),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_ordinary_lines_stay),
        cmocka_unit_test(test_a_line_does_not_hide_the_next),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_a_line_is_looked_at_as_far_as_it_is_shown),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_nothing_in_json_hides_a_secret),
        cmocka_unit_test(test_redact_is_linear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
