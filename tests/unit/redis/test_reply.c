/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that a hostile or broken server may send. */
#include "helper.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../../adapters/target/redis/connection.h"
#include "../../../adapters/target/redis/reply.h"
#include "base/redact.h"

/* The class of the error that the bytes lead to; NONE when they are one whole reply, or not yet. */
static enum mw_error_class decode(const char *bytes, size_t length, bool *whole)
{
    struct mw_redis_decoder decoder;
    struct mw_error error = {.class = MW_ERROR_NONE};
    redisReply *reply = NULL;
    assert_true(mw_redis_decoder_init(&decoder, &error));
    if (mw_redis_decoder_feed(&decoder, bytes, length, &error)) {
        mw_redis_decoder_next(&decoder, &reply, &error);
    }
    *whole = reply != NULL;
    mw_redis_reply_release(&reply);
    mw_redis_decoder_finish(&decoder);
    return error.class;
}

static void whole_replies(void **state)
{
    static const char *const good[] = {"+OK\r\n", "-ERR x\r\n", ":5\r\n", "$3\r\nabc\r\n",
                                       "$-1\r\n", "*-1\r\n",    "*0\r\n", "*2\r\n:1\r\n$0\r\n\r\n"};
    bool whole;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(decode(good[i], strlen(good[i]), &whole), MW_ERROR_NONE);
        assert_true(whole);
        for (size_t length = 0; length < strlen(good[i]); length++) {
            assert_int_equal(decode(good[i], length, &whole), MW_ERROR_NONE);
            assert_false(whole);
        }
    }
}

static void garbage_is_told_from_redis(void **state)
{
    static const char *const bad[] = {"HTTP/1.1 400 Bad Request\r\n\r\n",
                                      "SSH-2.0-OpenSSH_9.2\r\n",
                                      "\x15\x03\x01\x00\x02\x02\x46",
                                      "*-5\r\n",
                                      "$-7\r\n",
                                      "*99999999999\r\n",
                                      "*x\r\n",
                                      "$x\r\n"};
    bool whole;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (decode(bad[i], strlen(bad[i]), &whole) != MW_ERROR_RETRY) {
            fail_msg("taken: %s", bad[i]);
        }
        assert_false(whole);
    }
}

static void sizes_are_bounded(void **state)
{
    bool whole;
    /* Announced, not sent: nothing of that size may be set aside. */
    assert_int_equal(decode("*2000000000\r\n", 13, &whole), MW_ERROR_PERMANENT);
    assert_int_equal(decode("*65537\r\n", 8, &whole), MW_ERROR_PERMANENT);
    assert_int_equal(decode("$9000000000\r\nabc", 16, &whole), MW_ERROR_NONE);

    /* Many elements of few bytes. */
    size_t length = 0, room = 4 * 70000 + 64;
    char *many = malloc(room);
    length += (size_t)sprintf(many, "*2\r\n*40000\r\n");
    for (int i = 0; i < 40000; i++) {
        length += (size_t)sprintf(many + length, ":1\r\n");
    }
    length += (size_t)sprintf(many + length, "*30000\r\n");
    for (int i = 0; i < 29990; i++) {
        length += (size_t)sprintf(many + length, ":1\r\n");
    }
    assert_true(length < room);
    assert_int_equal(decode(many, length, &whole), MW_ERROR_PERMANENT);
    free(many);

    /* Deep nesting. */
    char deep[400] = "";
    for (int i = 0; i < 60; i++) {
        strcat(deep, "*1\r\n");
    }
    assert_int_not_equal(decode(deep, strlen(deep), &whole), MW_ERROR_NONE);

    /* More bytes than we read. */
    size_t big = MW_REDIS_REPLY_BYTES_MAX + 1;
    char *bytes = calloc(1, big);
    memcpy(bytes, "$9000000\r\n", 10);
    assert_int_equal(decode(bytes, big, &whole), MW_ERROR_PERMANENT);
    free(bytes);
}

static void noise_is_survived(void **state)
{
    char noise[512];
    uint32_t seed = 3;
    bool whole;
    for (int round = 0; round < 20000; round++) {
        for (size_t i = 0; i < sizeof noise; i++) {
            seed = seed * 1664525 + 1013904223;
            noise[i] = (seed >> 24) % 3 != 0 ? "*$+-:\r\n0123456789"[(seed >> 8) % 17]
                                             : (char)(seed >> 16);
        }
        noise[0] = "*$+-:"[round % 5];
        decode(noise, sizeof noise, &whole);
    }
}

static void errors_have_their_class(void **state)
{
    static const struct {
        const char *text;
        enum mw_error_class class;
        const char *says;
    } cases[] = {
        {"LOADING Redis is loading the dataset in memory", MW_ERROR_RETRY, "loading its data set"},
        {"BUSY Redis is busy running a script", MW_ERROR_RETRY, "script"},
        {"NOAUTH Authentication required.", MW_ERROR_REFUSED, "redis://:PASSWORD@host"},
        {"WRONGPASS invalid username-password pair", MW_ERROR_REFUSED, "correct"},
        {"NOPERM this user has no permissions", MW_ERROR_REFUSED, "ACL SETUSER"},
        {"ERR max number of clients reached", MW_ERROR_RETRY, "maxclients"},
        {"ERR unknown command `CONFIG`", MW_ERROR_REFUSED, "unknown command"},
        {"READONLY You can't write against a read only replica.", MW_ERROR_REFUSED, "master"},
        {"OOM command not allowed when used memory > 'maxmemory'.", MW_ERROR_REFUSED, "maxmemory"},
        {"ERR something else\x1b[31m", MW_ERROR_PERMANENT, "something else"},
        {"", MW_ERROR_PERMANENT, "it answered"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mw_error error = {.class = MW_ERROR_NONE};
        char *copy = strdup(cases[i].text);
        redisReply reply = {.type = REDIS_REPLY_ERROR, .str = copy, .len = strlen(copy)};
        assert_false(mw_redis_reply_check(&reply, &error));
        assert_int_equal(error.class, cases[i].class);
        if (strstr(error.text, cases[i].says) == NULL || strchr(error.text, 0x1b) != NULL) {
            fail_msg("%s: %s", cases[i].text, error.text);
        }
        free(copy);
    }
}

static void errors_are_masked(void **state)
{
    struct mw_error error = {0};
    char text[] = "NOPERM key tell-nobody";
    redisReply reply = {.type = REDIS_REPLY_ERROR, .str = text, .len = strlen(text)};
    mw_redact_secret("tell-nobody");
    assert_false(mw_redis_reply_check(&reply, &error));
    assert_null(strstr(error.text, "tell-nobody"));
    mw_redact_forget_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_masked),          cmocka_unit_test(whole_replies),
        cmocka_unit_test(garbage_is_told_from_redis), cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(noise_is_survived),          cmocka_unit_test(errors_have_their_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
