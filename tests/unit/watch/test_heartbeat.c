/* SPDX-License-Identifier: Apache-2.0 */
/* When it beats, when it is withheld, and how often it says so; on virtual time, with a record in memory. */
#include "helper.h"

#include <stdio.h>

#include "base/redact.h"
#include "store/sqlite/sqlite.h"
#include "watch/heartbeat.h"

#define URL "https://hc.example.org/ping/0123456789abcdef"

static struct mw_heartbeat_config config = {.url = URL, .every = 60000};
static struct mw_watch *watch;
static struct mw_record *record;
static struct mw_heartbeat heart;
static struct mw_group group;
static int beats, status, told, first, gone;
static bool unreachable;
static char last[400], asked[400];

static bool send(TALLOC_CTX *memory, const struct mw_http_request *request,
                 struct mw_deadline deadline, struct mw_http_response *response,
                 struct mw_error *error)
{
    snprintf(asked, sizeof asked, "%s", request->url);
    assert_null(request->body);
    if (unreachable) {
        return mw_error_set(error, MW_ERROR_RETRY, "cannot connect to hc.example.org");
    }
    beats++;
    *response = (struct mw_http_response){.status = status, .retry_after_ms = -1};
    return true;
}

static void tell(void *context, enum mw_heartbeat_state state, const char *text)
{
    assert_ptr_equal(context, &told);
    snprintf(last, sizeof last, "%s", text != NULL ? text : "");
    assert_null(strstr(last, "0123456789abcdef"));
    if (text == NULL) {
        gone++;
        return;
    }
    if (state == MW_HEARTBEAT_HEARD && strstr(text, "again") == NULL) {
        first++;
    } else {
        told++;
    }
}

static void begin(const struct mw_resource_config *resource, const struct fake_config *own)
{
    struct mw_error error = {0};
    beats = told = first = gone = 0;
    status = 200;
    unreachable = false;
    watch = mw_watch_create(NULL);
    record = mw_record_open(NULL, &mw_store_sqlite, ":memory:", MW_STORE_ACTIVE, &error);
    if (record == NULL) {
        fail_msg("%s", error.text);
    }
    if (resource != NULL) {
        assert_non_null(mw_watch_add(watch, &fake_ops, resource, own, &error));
    }
    mw_watch_start(watch);
    mw_heartbeat_init(&heart, watch, watch, record);
    heart.tell = tell;
    heart.context = &told;
    heart.send = send;
    mw_heartbeat_follow(&heart, &config);
    mw_group_init(&group);
    mw_fiber_spawn(&group, "heartbeat", mw_heartbeat_run, &heart);
}

static void end(void)
{
    mw_group_finish(&group);
    mw_watch_stop(watch);
    talloc_free(watch);
    mw_record_close(record);
}

static void beats_at_its_interval_body(void)
{
    const struct fake_config own = SCRIPT(40);
    const struct mw_resource_config resource = fake_resource("tank", 5000);
    begin(&resource, &own);
    sleep_ms(3000);
    assert_int_equal(beats, 1);
    sleep_ms(10 * 60000);
    assert_int_equal(beats, 11);
    assert_string_equal(asked, URL);
    assert_int_equal(told, 0);
    assert_int_equal(first, 1);
    /* The record was truly written to. */
    struct mw_error error = {0};
    char *at = NULL;
    assert_true(mw_record_setting(record, watch, "heartbeat", &at, &error));
    assert_non_null(strstr(at, "T"));
    end();
}

static void a_target_that_is_down_is_no_reason_body(void)
{
    const struct fake_config own = SCRIPT(LOST);
    const struct mw_resource_config resource = fake_resource("tank", 5000);
    begin(&resource, &own);
    sleep_ms(5 * 60000);
    assert_int_equal(beats, 5);
    end();
}

static void nothing_to_watch_is_no_reason_body(void)
{
    begin(NULL, NULL);
    sleep_ms(5 * 60000);
    assert_int_equal(beats, 5);
    end();
}

static void stuck_probes_withhold_it_body(void)
{
    /* Well for two probes, and the third does not heed its deadline. */
    struct fake_config own = SCRIPT(40);
    const struct mw_resource_config resource = fake_resource("tank", 5000);
    begin(&resource, &own);
    sleep_ms(61000);
    int before = beats;
    own.takes_ms = 20 * 60000;
    sleep_ms(10 * 60000);
    assert_in_range(beats, before, before + 1);
    assert_int_equal(told, 1);
    assert_non_null(strstr(last, "withheld: no probe comes to its end"));
    own.takes_ms = 0;
    sleep_ms(25 * 60000);
    assert_int_equal(told, 2);
    assert_non_null(strstr(last, "reaches hc.example.org again"));
    assert_true(beats > before + 5);
    end();
}

static void it_follows_another_configuration_body(void)
{
    const struct fake_config own = SCRIPT(40);
    const struct mw_resource_config resource = fake_resource("tank", 5000);
    const struct mw_heartbeat_config other = {.url = URL "-other", .every = 10000};
    begin(&resource, &own);
    unreachable = true;
    sleep_ms(3000);
    assert_int_equal(told, 1);
    mw_heartbeat_follow(&heart, &config);
    sleep_ms(10000);
    assert_int_equal(told, 1);
    unreachable = false;
    mw_heartbeat_follow(&heart, &other);
    sleep_ms(3000);
    assert_int_equal(beats, 1);
    assert_int_equal(first, 1);
    assert_string_equal(asked, URL "-other");
    sleep_ms(60000);
    assert_int_equal(beats, 7);
    mw_heartbeat_follow(&heart, NULL);
    assert_int_equal(gone, 1);
    sleep_ms(600000);
    assert_int_equal(beats, 7);
    mw_heartbeat_follow(&heart, &other);
    sleep_ms(3000);
    assert_int_equal(beats, 8);
    end();
}

static void a_new_inventory_is_given_time_body(void)
{
    /* The first probe never ends. */
    struct fake_config own = SCRIPT(40);
    const struct mw_resource_config resource = fake_resource("tank", 5000);
    struct mw_error error = {0};
    own.takes_ms = 600000;
    mw_mono_ns begun = mw_mono_now();
    sleep_ms(600000);
    watch = mw_watch_create(NULL);
    assert_non_null(mw_watch_add(watch, &fake_ops, &resource, &own, &error));
    mw_watch_start(watch);
    assert_true(mw_watch_is_alive(watch, begun));
    sleep_ms(15000);
    assert_true(mw_watch_is_alive(watch, begun));
    sleep_ms(15000);
    assert_false(mw_watch_is_alive(watch, begun));
    mw_watch_stop(watch);
    talloc_free(watch);
}

static void its_own_failure_is_told_once_body(void)
{
    const struct fake_config own = SCRIPT(40);
    const struct mw_resource_config resource = fake_resource("tank", 5000);
    begin(&resource, &own);
    unreachable = true;
    sleep_ms(10 * 60000);
    assert_int_equal(beats, 0);
    assert_int_equal(told, 1);
    assert_non_null(strstr(last, "does not reach hc.example.org"));
    assert_non_null(strstr(last, "cannot connect"));
    unreachable = false;
    status = 404;
    sleep_ms(3 * 60000);
    assert_int_equal(told, 1);
    status = 204;
    sleep_ms(2 * 60000);
    assert_int_equal(told, 2);
    assert_non_null(strstr(last, "again"));
    end();
}

static void urls_are_checked(void **state)
{
    static const char *const good[] = {"https://hc-ping.com/0b1d-secret", "http://127.0.0.1:8000/x",
                                       "http://localhost/x", "http://[::1]:9/x",
                                       "https://user:pass@hc.example.org:8443/?token=abcdefgh1"};
    static const char *const bad[] = {"",
                                      "hc.example.org",
                                      "ftp://hc.example.org/",
                                      "https://",
                                      "https:///x",
                                      "http://hc.example.org/x",
                                      "http://10.0.0.1/x",
                                      "http://127.0.0.1.example.org/x",
                                      "http://127.0.0.1@example.org/x",
                                      "https://hc.example.org/a b"};
    struct mw_error error;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        error = (struct mw_error){0};
        if (!mw_heartbeat_check_url(good[i], &error))
            fail_msg("%s: %s", good[i], error.text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        error = (struct mw_error){0};
        if (mw_heartbeat_check_url(bad[i], &error))
            fail_msg("%s is taken", bad[i]);
        assert_int_equal(error.class, MW_ERROR_BAD_INPUT);
    }
    char *masked = mw_redact(NULL, "GET /0b1d-secret and token=abcdefgh1");
    assert_null(strstr(masked, "0b1d-secret"));
    assert_null(strstr(masked, "abcdefgh1"));
    talloc_free(masked);
    char *host = mw_heartbeat_host(NULL, good[4]);
    assert_string_equal(host, "hc.example.org:8443");
    talloc_free(host);
    mw_redact_forget_all();
}

#define VIRTUAL(name)              \
    static void name(void **state) \
    {                              \
        in_fiber(name##_body);     \
    }

VIRTUAL(beats_at_its_interval)
VIRTUAL(a_target_that_is_down_is_no_reason)
VIRTUAL(nothing_to_watch_is_no_reason)
VIRTUAL(stuck_probes_withhold_it)
VIRTUAL(it_follows_another_configuration)
VIRTUAL(a_new_inventory_is_given_time)
VIRTUAL(its_own_failure_is_told_once)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_virtual(beats_at_its_interval),
        test_in_virtual(a_target_that_is_down_is_no_reason),
        test_in_virtual(nothing_to_watch_is_no_reason),
        test_in_virtual(stuck_probes_withhold_it),
        test_in_virtual(it_follows_another_configuration),
        test_in_virtual(a_new_inventory_is_given_time),
        test_in_virtual(its_own_failure_is_told_once),
        cmocka_unit_test(urls_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
