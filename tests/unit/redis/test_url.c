/* SPDX-License-Identifier: Apache-2.0 */
#include "helper.h"

#include "../../../adapters/target/redis/url.h"

static struct mw_redis_address *parse(const char *url)
{
    struct mw_error error = {0};
    struct mw_redis_address *address = mw_redis_url_parse(NULL, url, &error);
    if (address == NULL) {
        fail_msg("%s: %s", url, error.text);
    }
    return address;
}

static void check_tcp(const char *url, const char *host, int port, const char *user,
                      const char *password, int64_t database)
{
    struct mw_redis_address *address = parse(url);
    assert_string_equal(address->host, host);
    assert_int_equal(address->port, port);
    assert_null(address->path);
    if (user != NULL) {
        assert_string_equal(address->user, user);
    } else {
        assert_null(address->user);
    }
    if (password != NULL) {
        assert_string_equal(address->password, password);
        assert_null(strstr(address->label, password));
    } else {
        assert_null(address->password);
    }
    assert_int_equal(address->has_database ? address->database : -1, database);
    talloc_free(address);
}

static void hosts(void **state)
{
    check_tcp("redis://127.0.0.1:6379", "127.0.0.1", 6379, NULL, NULL, -1);
    check_tcp("redis://cache", "cache", 6379, NULL, NULL, -1);
    check_tcp("redis://cache/", "cache", 6379, NULL, NULL, -1);
    check_tcp("redis://cache:7000/3", "cache", 7000, NULL, NULL, 3);
    check_tcp("redis://cache/0", "cache", 6379, NULL, NULL, 0);
    check_tcp("redis://cache?db=4", "cache", 6379, NULL, NULL, 4);
    check_tcp("redis://[::1]:7000", "::1", 7000, NULL, NULL, -1);
    check_tcp("redis://[::1]", "::1", 6379, NULL, NULL, -1);
    check_tcp("redis://:s3cret@cache", "cache", 6379, NULL, "s3cret", -1);
    check_tcp("redis://u:s3cret@cache:1", "cache", 1, "u", "s3cret", -1);
    check_tcp("redis://u:p%40ss%2Fw@cache", "cache", 6379, "u", "p@ss/w", -1);
    check_tcp("redis://u:with@sign@cache", "cache", 6379, "u", "with@sign", -1);
}

static void sockets(void **state)
{
    struct mw_redis_address *address = parse("unix:///run/redis.sock");
    assert_string_equal(address->path, "/run/redis.sock");
    assert_null(address->host);
    assert_true(address->local);
    assert_string_equal(address->label, "/run/redis.sock");
    talloc_free(address);
    address = parse("redis+unix://u:pw123@/run/a%20b.sock?db=2");
    assert_string_equal(address->path, "/run/a b.sock");
    assert_string_equal(address->user, "u");
    assert_string_equal(address->password, "pw123");
    assert_int_equal(address->database, 2);
    talloc_free(address);
}

static void what_is_local(void **state)
{
    static const char *const local[] = {"redis://localhost", "redis://127.1.2.3", "redis://[::1]"};
    static const char *const remote[] = {"redis://10.0.0.1", "redis://example.org"};
    for (size_t i = 0; i < 3; i++) {
        struct mw_redis_address *address = parse(local[i]);
        assert_true(address->local);
        talloc_free(address);
    }
    for (size_t i = 0; i < 2; i++) {
        struct mw_redis_address *address = parse(remote[i]);
        assert_false(address->local);
        talloc_free(address);
    }
}

static void wrong_ones_are_refused_without_their_secret(void **state)
{
    static const char *const wrong[] = {
        "",
        "cache:6379",
        "http://cache",
        "redis://",
        "redis://:s3cret@",
        "redis://:s3cret@cache:0",
        "redis://:s3cret@cache:65536",
        "redis://:s3cret@cache:99999999999999999999",
        "redis://:s3cret@cache:x",
        "redis://:s3cret@cache/x",
        "redis://:s3cret@cache/99999999999",
        "redis://:s3cret@cache?user=x",
        "redis://:s3cret%@cache",
        "redis://:s3cret%0@cache",
        "redis://:s3cret%00@cache",
        "redis://s3cret@cache",
        "redis://s3cret:@cache",
        "redis://:s3cret@[::1",
        "redis://:s3cret@[::1]x",
        "rediss://:s3cret@cache",
        "unix://s3cret",
        "unix://run/s3cret.sock",
        "redis+unix://",
        "redis://:s3cret@ca%0ache",
        "redis://:s3cret@ca\x1b[2Jche",
        "unix://:s3cret@/run/%c3.sock",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct mw_error error = {0};
        if (mw_redis_url_parse(NULL, wrong[i], &error) != NULL) {
            fail_msg("accepted: %s", wrong[i]);
        }
        assert_int_equal(error.class, MW_ERROR_BAD_INPUT);
        assert_null(strstr(error.text, "s3cret"));
        assert_true(strncmp(error.text, "url: ", 5) == 0);
    }
    struct mw_error error = {0};
    assert_null(mw_redis_url_parse(NULL, "rediss://cache", &error));
    assert_non_null(strstr(error.text, "not in this version"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts),
        cmocka_unit_test(sockets),
        cmocka_unit_test(what_is_local),
        cmocka_unit_test(wrong_ones_are_refused_without_their_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
