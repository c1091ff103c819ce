/* SPDX-License-Identifier: Apache-2.0 */
/* What is forgotten, what never is, and that the trail says so. */
#include "past.h"
#include "record/retention.h"

#define DAY (INT64_C(24) * 3600 * 1000)
#define ALL_ROWS \
    "(SELECT COUNT(*) FROM plan) + (SELECT COUNT(*) FROM step) + (SELECT COUNT(*) FROM decision)"

static const struct mw_retention keep = {.incidents = 10 * DAY, .exchanges = 5 * DAY};

static struct mw_retention_swept sweep(struct fixture *fixture, struct mw_record *record)
{
    struct mw_retention_swept swept = {-1, -1};
    assert_good(fixture, mw_retention_sweep(record, &keep, &swept, &fixture->error));
    return swept;
}

static void add_message(struct fixture *fixture, struct mw_record *record, int64_t incident)
{
    json_auto_t *message = json_pack("{s:s}", "summary", "card");
    const struct mw_outbox_item item = {"card", message};
    assert_good(fixture, mw_outbox_put(record, "terminal", incident, &item, 1, &fixture->error));
}

static void whole_body(struct fixture *fixture)
{
    mw_wall_ms now = mw_wall_now();
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    save_run(fixture, record, "cache", MW_OUTCOME_RECOVERED, now - 11 * DAY);
    add_message(fixture, record, 1);
    save_run(fixture, record, "cache", MW_OUTCOME_RECOVERED, now - 9 * DAY);
    add_message(fixture, record, 2);
    struct mw_incident *open = make_incident(fixture, record);
    open->opened_at = now - 400 * DAY;
    assert_good(fixture, save_incident(fixture, record, open));
    /* It was closed long ago, and somebody takes back what it did. */
    struct mw_incident *again =
        save_run(fixture, record, "cache", MW_OUTCOME_RECOVERED, now - 50 * DAY);
    again->stage = MW_STAGE_EXECUTE;
    assert_good(fixture, save_incident(fixture, record, again));
    /* The newest: the next number is given out behind it. */
    save_run(fixture, record, "cache", MW_OUTCOME_RECOVERED, now - 50 * DAY);

    struct mw_retention_swept swept = sweep(fixture, record);
    assert_int_equal(swept.incidents, 1);
    assert_int_equal(sweep(fixture, record).incidents, 0);
    int64_t rows = -1, broken = -1;
    assert_good(fixture, mw_audit_verify(record, &rows, &broken, &fixture->error));
    assert_int_equal(broken, 0);
    mw_record_close(record);

    assert_int_equal(look_up(fixture, "SELECT COUNT(*) FROM incident"), 4);
    assert_int_equal(look_up(fixture, "SELECT MIN(id) FROM incident"), 2);
    assert_int_equal(look_up(fixture, "SELECT " ALL_ROWS), 9);
    assert_int_equal(look_up(fixture, "SELECT MIN(incident) FROM outbox"), 2);
    assert_int_equal(look_up(fixture, "SELECT COUNT(*) FROM audit WHERE incident = 1"), 1);
    assert_int_equal(look_up(fixture, "SELECT COUNT(*) FROM audit WHERE action = 'retention'"
                                      " AND detail LIKE '%\"incidents\":[\"I1\"]%'"),
                     1);
}

static void old_incidents_go_with_all_that_is_theirs(void **state)
{
    in_fiber(*state, whole_body);
}

static void many_body(struct fixture *fixture)
{
    mw_wall_ms now = mw_wall_now();
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    for (int i = 0; i < 131; i++) {
        save_run(fixture, record, "cache", MW_OUTCOME_RECOVERED, now - 20 * DAY);
    }
    assert_int_equal(sweep(fixture, record).incidents, 130);
    mw_record_close(record);
    assert_int_equal(look_up(fixture, "SELECT SUM(json_extract(detail, '$.count')) FROM audit"
                                      " WHERE action = 'retention'"),
                     130);
    assert_int_equal(look_up(fixture, "SELECT " ALL_ROWS), 3);
    record = open_record(fixture, MW_STORE_ACTIVE);
    assert_int_equal(mw_record_next_incident(record), 132);
    mw_record_close(record);
}

static void a_backlog_goes_in_portions(void **state)
{
    in_fiber(*state, many_body);
}

static void exchanges_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    save_run(fixture, record, "cache", MW_OUTCOME_RECOVERED, mw_wall_now());
    mw_record_close(record);
    char sql[300];
    snprintf(sql, sizeof sql,
             "INSERT INTO exchange (id, incident, happened_at, model, request) VALUES"
             " (1, 1, %lld, 'm', 'old'), (2, 0, %lld, 'm', 'young')",
             (long long)(mw_wall_now() - 6 * DAY), (long long)(mw_wall_now() - 4 * DAY));
    tamper(fixture, sql);
    record = open_record(fixture, MW_STORE_ACTIVE);
    struct mw_retention_swept swept = sweep(fixture, record);
    assert_int_equal(swept.exchanges, 1);
    assert_int_equal(swept.incidents, 0);
    mw_record_close(record);
    assert_int_equal(look_up(fixture, "SELECT id FROM exchange"), 2);
}

static void exchanges_go_by_their_own_time(void **state)
{
    in_fiber(*state, exchanges_body);
}

struct forgetting {
    struct mw_record *record;
};

static void forget(void *argument)
{
    const struct forgetting *self = argument;
    mw_retention_run(self->record, &keep);
}

static int64_t count_kept(struct mw_record *record, struct fixture *fixture)
{
    size_t count = 0;
    int64_t *ids = mw_record_incidents(record, fixture->memory, MW_INCIDENTS_ALL, 100, &count,
                                       &fixture->error);
    assert_non_null(ids);
    return (int64_t)count;
}

static void pass(int64_t ms)
{
    struct mw_error error;
    assert_true(mw_sleep(ms, &error));
}

static void jump_body(struct fixture *fixture)
{
    const mw_wall_ms start = 1800000000000;
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    save_run(fixture, record, "cache", MW_OUTCOME_RECOVERED, start - 11 * DAY);
    save_run(fixture, record, "cache", MW_OUTCOME_RECOVERED, start - 2 * DAY);
    save_run(fixture, record, "cache", MW_OUTCOME_RECOVERED, start);
    struct mw_group group;
    struct forgetting forgetting = {record};
    mw_group_init(&group);
    mw_fiber_spawn(&group, "retention", forget, &forgetting);
    pass(1000);
    assert_int_equal(count_kept(record, fixture), 2); /* the first is old by any clock */
    mw_clock_jump_wall(3650 * DAY);
    pass(DAY);
    assert_int_equal(count_kept(record, fixture), 2);
    mw_clock_jump_wall(-3650 * DAY); /* somebody saw it */
    pass(5 * DAY);
    assert_int_equal(count_kept(record, fixture), 2);
    pass(5 * DAY);
    assert_int_equal(count_kept(record, fixture), 1);
    mw_group_finish(&group);
    mw_record_close(record);
}

static void a_clock_set_ahead_forgets_nothing(void **state)
{
    mw_clock_virtual(1800000000000, 1);
    in_fiber(*state, jump_body);
}

static void restart_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    save_run(fixture, record, "cache", MW_OUTCOME_RECOVERED, mw_wall_now());
    save_run(fixture, record, "cache", MW_OUTCOME_RECOVERED, mw_wall_now());
    mw_clock_jump_wall(3650 * DAY); /* while midwatch was not there */
    struct mw_group group;
    struct forgetting forgetting = {record};
    mw_group_init(&group);
    mw_fiber_spawn(&group, "retention", forget, &forgetting);
    pass(DAY / 2);
    assert_int_equal(count_kept(record, fixture), 2);
    pass(DAY); /* nobody minded, so it is so */
    assert_int_equal(count_kept(record, fixture), 1);
    mw_group_finish(&group);
    mw_record_close(record);
}

static void a_clock_set_ahead_before_the_start_is_waited_for(void **state)
{
    mw_clock_virtual(1800000000000, 1);
    in_fiber(*state, restart_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_record(old_incidents_go_with_all_that_is_theirs),
        test_record(a_backlog_goes_in_portions),
        test_record(exchanges_go_by_their_own_time),
        test_record(a_clock_set_ahead_forgets_nothing),
        test_record(a_clock_set_ahead_before_the_start_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
