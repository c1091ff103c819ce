/* SPDX-License-Identifier: Apache-2.0 */
/* Which earlier incidents are like one, and what was said to models about them. */
#include "helper.h"

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

#define QUICK_MS 100

static struct mw_incident *make(struct fixture *fixture, struct mw_record *record,
                                const char *resource, const char *environment, const char *metric)
{
    struct mw_incident *incident = make_incident(fixture, record);
    incident->resource = talloc_strdup(incident, resource);
    incident->environment = talloc_strdup(incident, environment);
    incident->stage = MW_STAGE_CLOSED;
    incident->outcome = MW_OUTCOME_RECOVERED;
    incident->finding_count = 1;
    incident->findings = talloc_zero_array(incident, struct mw_finding, 1);
    incident->findings[0].metric = talloc_strdup(incident, metric);
    incident->findings[0].normal = NAN;
    incident->findings[0].text = talloc_strdup(incident, "too much");
    return incident;
}

static void save(struct fixture *fixture, struct mw_record *record, const char *resource,
                 const char *environment, const char *metric)
{
    struct mw_incident *incident = make(fixture, record, resource, environment, metric);
    assert_good(fixture, save_incident(fixture, record, incident));
    talloc_free(incident);
}

/* "4 2 1" */
static const char *similar_to(struct fixture *fixture, struct mw_record *record,
                              const struct mw_incident *incident, size_t limit)
{
    size_t count = 99;
    int64_t *ids =
        mw_record_similar(record, fixture->memory, incident, limit, &count, &fixture->error);
    assert_good(fixture, ids != NULL);
    char *text = talloc_strdup(fixture->memory, "");
    for (size_t i = 0; i < count; i++) {
        text = talloc_asprintf_append(text, "%s%lld", i > 0 ? " " : "", (long long)ids[i]);
    }
    return text;
}

static void order_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    save(fixture, record, "cache", "local", "memory_percent");                            /* 1 */
    save(fixture, record, "other", "remote", "memory_percent");                           /* 2 */
    save(fixture, record, "other", "local", "memory_percent");                            /* 3 */
    save(fixture, record, "cache", "local", "clients_percent");                           /* 4 */
    save(fixture, record, "cache", "local", NULL);                                        /* 5 */
    save(fixture, record, "cache", "local", "memory_percent");                            /* 6 */
    struct mw_incident *open = make(fixture, record, "cache", "local", "memory_percent"); /* 7 */
    open->stage = MW_STAGE_PLAN;
    assert_good(fixture, save_incident(fixture, record, open));
    struct mw_incident *elsewhere = make(fixture, record, "cache", "local", "memory_percent");
    elsewhere->kind = talloc_strdup(elsewhere, "postgres");
    assert_good(fixture, save_incident(fixture, record, elsewhere));
    struct mw_incident *now = make(fixture, record, "cache", "local", "memory_percent"); /* 9 */

    assert_string_equal(similar_to(fixture, record, now, 5), "6 1 3 2");
    assert_string_equal(similar_to(fixture, record, now, 2), "6 1");
    assert_string_equal(similar_to(fixture, record, elsewhere, 5), "");
    /* One that could not be reached is like others that could not be reached. */
    now->findings[0].metric = NULL;
    assert_string_equal(similar_to(fixture, record, now, 5), "5");
    now->finding_count = 0;
    assert_string_equal(similar_to(fixture, record, now, 5), "5");
    mw_record_close(record);
}

static void test_the_most_alike_come_first(void **state)
{
    in_fiber(*state, order_body);
}

static void quick_body(struct fixture *fixture)
{
    mw_record_close(open_record(fixture, MW_STORE_ACTIVE));
    tamper(
        fixture,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
        " INSERT INTO incident (id, version, resource, kind, environment, stage, outcome, severity,"
        " since, opened_at, closed_at, samples, findings, detect_ms, analyse_ms, approve_ms,"
        " execute_ms, verify_ms, total_ms) SELECT i, 1, 'r' || (i % 500), 'redis', 'local',"
        " 'closed', 'recovered', 'DEGRADED', 1, 1, 1, 1, '[{\"metric\":\"memory_percent\"}]',"
        " 0, 0, 0, 0, 0, 0 FROM n");
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    struct mw_incident *now = make(fixture, record, "r7", "local", "memory_percent");
    mw_mono_ns began = mw_mono_now();
    /* Its own stand far behind those of others. */
    assert_string_equal(similar_to(fixture, record, now, 3), "99507 99007 98507");
    int64_t ms = (mw_mono_now() - began) / 1000000;
    print_message("similar among 100,000: %lld ms\n", (long long)ms);
    if (!RUNNING_ON_VALGRIND) {
        assert_true(ms < QUICK_MS);
    }
    mw_record_close(record);
}

static void test_it_is_quick_among_100000(void **state)
{
    in_fiber(*state, quick_body);
}

/* ---- exchanges ---- */

static void exchanges_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    mw_redact_secret("swordfish99");
    json_t *usage = json_pack("{s:i, s:f}", "input_tokens", 10, "cost_usd", 0.25);
    char *large = talloc_strdup(fixture->memory, "BEGIN swordfish99");
    for (int i = 0; i < 20000; i++) {
        large = talloc_strdup_append_buffer(large, "äöü ");
    }
    large = talloc_strdup_append_buffer(large, "END");
    struct mw_exchange exchange = {.incident = 42,
                                   .at = 1000,
                                   .model = "m-1",
                                   .request = large,
                                   .answer = "{\"x\":\"swordfish99\"}",
                                   .usage = usage};
    assert_good(fixture, mw_exchange_add(record, &exchange, &fixture->error));
    exchange = (struct mw_exchange){.incident = 42,
                                    .at = 2000,
                                    .model = "m-1",
                                    .request = "\xff{}",
                                    .fault = "HTTP 503",
                                    .usage = usage};
    assert_good(fixture, mw_exchange_add(record, &exchange, &fixture->error));
    exchange = (struct mw_exchange){.at = 3000, .model = "m-1", .request = "{}"};
    assert_good(fixture, mw_exchange_add(record, &exchange, &fixture->error));
    json_decref(usage);

    int64_t count = 0;
    assert_good(fixture, mw_exchange_count(record, 42, &count, &fixture->error));
    assert_int_equal(count, 2);
    double usd = 0;
    assert_good(fixture, mw_exchange_spent(record, 1000, &usd, &fixture->error));
    assert_true(usd > 0.499 && usd < 0.501);
    assert_good(fixture, mw_exchange_spent(record, 1500, &usd, &fixture->error));
    assert_true(usd > 0.249 && usd < 0.251);
    assert_good(fixture, mw_exchange_spent(record, 4000, &usd, &fixture->error));
    assert_true(usd == 0);
    mw_record_close(record);

    assert_in_range(
        look_up(fixture, "SELECT length(CAST(request AS BLOB)) FROM exchange WHERE id = 1"),
        MW_EXCHANGE_BYTES_MAX - 8, MW_EXCHANGE_BYTES_MAX);
    assert_int_equal(look_up(fixture, "SELECT request LIKE 'BEGIN%END' FROM exchange WHERE id = 1"),
                     1);
    assert_int_equal(look_up(fixture, "SELECT COUNT(*) FROM exchange WHERE request LIKE"
                                      " '%swordfish%' OR answer LIKE '%swordfish%'"),
                     0);
    assert_int_equal(look_up(fixture, "SELECT COUNT(*) FROM exchange WHERE fault = 'HTTP 503'"
                                      " AND answer IS NULL"),
                     1);
}

static void test_exchanges_are_masked_bounded_and_added_up(void **state)
{
    in_fiber(*state, exchanges_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_record(test_the_most_alike_come_first),
        test_record(test_it_is_quick_among_100000),
        test_record(test_exchanges_are_masked_bounded_and_added_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
