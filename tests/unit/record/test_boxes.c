/* SPDX-License-Identifier: Apache-2.0 */
/* The inbox and the outbox: what came in is kept once, what goes out is kept until it is there. */
#include "helper.h"

/* ---- inbox ---- */

static bool add_event(struct fixture *fixture, struct mw_record *record, const char *chat,
                      const char *event, int64_t *id)
{
    json_auto_t *body = json_pack("{s:s, s:s}", "text", "status 🔴", "event", event);
    bool fresh = false;
    assert_good(fixture, mw_inbox_add(record, chat, event, body, id, &fresh, &fixture->error));
    return fresh;
}

static struct mw_inbox_event *pending(struct fixture *fixture, struct mw_record *record,
                                      size_t *count)
{
    struct mw_inbox_event *events =
        mw_inbox_pending(record, fixture->memory, count, &fixture->error);
    if (events == NULL) {
        fail_msg("%s", fixture->error.text);
    }
    return events;
}

static void inbox_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    size_t count = 9;
    pending(fixture, record, &count);
    assert_int_equal(count, 0);

    int64_t first = 0, second = 0, third = 0, again = 0;
    assert_true(add_event(fixture, record, "slack", "E1", &first));
    assert_true(add_event(fixture, record, "matrix", "E1", &second));
    assert_true(add_event(fixture, record, "slack", "E2", &third));
    assert_false(add_event(fixture, record, "slack", "E1", &again));
    assert_int_equal(again, first);

    struct mw_inbox_event *events = pending(fixture, record, &count);
    assert_int_equal(count, 3);
    assert_int_equal(events[0].id, first);
    assert_int_equal(events[1].id, second);
    assert_string_equal(events[1].chat, "matrix");
    assert_string_equal(json_string_value(json_object_get(events[2].body, "event")), "E2");

    assert_good(fixture, mw_inbox_done(record, first, &fixture->error));
    assert_good(fixture, mw_inbox_done(record, first, &fixture->error));
    assert_false(add_event(fixture, record, "slack", "E1", &again));
    mw_record_close(record);

    record = open_record(fixture, MW_STORE_ACTIVE);
    events = pending(fixture, record, &count);
    assert_int_equal(count, 2);
    assert_int_equal(events[0].id, second);
    mw_record_close(record);
}

static void an_event_counts_once(void **state)
{
    in_fiber(*state, inbox_body);
}

static void sweep_body(struct fixture *fixture)
{
    mw_clock_virtual(1700000000000, 7);
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    int64_t done = 0, waits = 0, id = 0;
    add_event(fixture, record, "slack", "done", &done);
    add_event(fixture, record, "slack", "waits", &waits);
    assert_good(fixture, mw_inbox_done(record, done, &fixture->error));
    const int64_t day = INT64_C(24) * 3600 * 1000000000;
    for (int i = 0; i < 200; i++) {
        char event[24];
        snprintf(event, sizeof event, "E%d", i);
        mw_clock_advance(i == 0 ? 29 * day : i == 100 ? 2 * day : 0);
        add_event(fixture, record, "slack", event, &id);
        if (i == 99) {
            assert_false(add_event(fixture, record, "slack", "done", &id));
        }
    }
    assert_true(add_event(fixture, record, "slack", "done", &id));
    assert_false(add_event(fixture, record, "slack", "waits", &id));
    assert_int_equal(id, waits);
    mw_record_close(record);
}

static void done_events_are_forgotten_after_a_month(void **state)
{
    in_fiber(*state, sweep_body);
}

static void foul_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    int64_t foul = 0, good = 0;
    add_event(fixture, record, "slack", "foul", &foul);
    add_event(fixture, record, "slack", "good", &good);
    tamper(fixture, "UPDATE inbox SET body = '{' WHERE event = 'foul'");
    size_t count = 0;
    struct mw_inbox_event *events = pending(fixture, record, &count);
    assert_int_equal(count, 1);
    assert_int_equal(events[0].id, good);
    mw_record_close(record);
}

static void a_foul_event_does_not_hide_the_others(void **state)
{
    in_fiber(*state, foul_body);
}

/* ---- outbox ---- */

static void put(struct fixture *fixture, struct mw_record *record, int64_t incident,
                const char *slot, const char *says)
{
    json_auto_t *message = json_pack("{s:s, s:s}", "summary", says, "incident", "I1");
    struct mw_outbox_item item = {slot, message};
    assert_good(fixture, mw_outbox_put(record, "slack", incident, &item, 1, &fixture->error));
}

static struct mw_outbox_row *due(struct fixture *fixture, struct mw_record *record, size_t limit,
                                 size_t *count)
{
    struct mw_outbox_row *rows =
        mw_outbox_due(record, fixture->memory, "slack", limit, count, &fixture->error);
    if (rows == NULL) {
        fail_msg("%s", fixture->error.text);
    }
    return rows;
}

static const char *says(const struct mw_outbox_row *row)
{
    return json_string_value(json_object_get(row->message, "summary"));
}

static void delivery_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    size_t count = 9;
    due(fixture, record, 10, &count);
    assert_int_equal(count, 0);
    put(fixture, record, 1, "card", "one");
    put(fixture, record, 1, "evidence", "two");
    put(fixture, record, 1, "card", "one, edited");
    put(fixture, record, 2, "card", "three");

    struct mw_outbox_row *rows = due(fixture, record, 10, &count);
    assert_int_equal(count, 3);
    assert_string_equal(rows[0].slot, "card");
    assert_string_equal(says(&rows[0]), "one, edited");
    assert_int_equal(rows[0].revision, 2);
    assert_int_equal(rows[0].incident, 1);
    assert_null(rows[0].reference);
    assert_false(rows[0].in_doubt);
    assert_string_equal(rows[1].slot, "evidence");
    assert_int_equal(rows[1].revision, 1);
    assert_int_equal(rows[2].incident, 2);
    due(fixture, record, 2, &count);
    assert_int_equal(count, 2);

    assert_good(fixture, mw_outbox_posting(record, &rows[0], &fixture->error));
    assert_good(fixture, mw_outbox_delivered(record, &rows[0], "C1/17", &fixture->error));
    put(fixture, record, 1, "card", "one, edited");
    rows = due(fixture, record, 10, &count);
    assert_int_equal(count, 2);
    assert_string_equal(rows[0].slot, "evidence");

    put(fixture, record, 1, "card", "another");
    rows = due(fixture, record, 10, &count);
    assert_int_equal(count, 3);
    assert_string_equal(rows[0].reference, "C1/17");
    assert_int_equal(rows[0].revision, 3);
    assert_false(rows[0].in_doubt);
    size_t others = 9;
    assert_non_null(mw_outbox_due(record, fixture->memory, "matrix", 9, &others, &fixture->error));
    assert_int_equal(others, 0);
    mw_record_close(record);
}

static void what_differs_is_due_in_order(void **state)
{
    in_fiber(*state, delivery_body);
}

static void meanwhile_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    size_t count = 0;
    put(fixture, record, 1, "card", "old");
    struct mw_outbox_row *sent = due(fixture, record, 1, &count);
    assert_good(fixture, mw_outbox_posting(record, sent, &fixture->error));
    put(fixture, record, 1, "card", "new");
    assert_good(fixture, mw_outbox_delivered(record, sent, "R1", &fixture->error));

    struct mw_outbox_row *rows = due(fixture, record, 1, &count);
    assert_int_equal(count, 1);
    assert_string_equal(says(rows), "new");
    assert_string_equal(rows->reference, "R1");
    assert_false(rows->in_doubt);
    assert_good(fixture, mw_outbox_delivered(record, rows, "R1", &fixture->error));
    /* A late report of the older content takes nothing back. */
    assert_good(fixture, mw_outbox_delivered(record, sent, NULL, &fixture->error));
    due(fixture, record, 1, &count);
    assert_int_equal(count, 0);
    char *reference = NULL;
    assert_good(fixture, mw_outbox_reference(record, fixture->memory, "slack", 1, "card",
                                             &reference, &fixture->error));
    assert_string_equal(reference, "R1");
    mw_record_close(record);
}

static void a_put_during_delivery_stays_due(void **state)
{
    in_fiber(*state, meanwhile_body);
}

static void doubt_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    size_t count = 0;
    put(fixture, record, 1, "card", "posted, or not");
    struct mw_outbox_row *rows = due(fixture, record, 1, &count);
    assert_good(fixture, mw_outbox_posting(record, rows, &fixture->error));
    mw_record_close(record);

    record = open_record(fixture, MW_STORE_ACTIVE);
    rows = due(fixture, record, 1, &count);
    assert_int_equal(count, 1);
    assert_true(rows->in_doubt);
    assert_null(rows->reference);
    assert_good(fixture, mw_outbox_delivered(record, rows, "found", &fixture->error));
    due(fixture, record, 1, &count);
    assert_int_equal(count, 0);
    struct mw_outbox_row unknown = {.id = 4711, .revision = 1};
    assert_fails(fixture, mw_outbox_posting(record, &unknown, &fixture->error), MW_ERROR_REFUSED,
                 "");
    mw_record_close(record);
}

static void a_begun_post_is_in_doubt_after_a_restart(void **state)
{
    in_fiber(*state, doubt_body);
}

static void reference_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    size_t count = 0;
    put(fixture, record, 7, "card", "x");
    put(fixture, record, 7, "plan/1", "y");
    struct mw_outbox_row *rows = due(fixture, record, 2, &count);
    assert_good(fixture, mw_outbox_delivered(record, &rows[1], "M2", &fixture->error));

    char *reference = (char *)rows;
    assert_good(fixture, mw_outbox_reference(record, fixture->memory, "slack", 7, "card",
                                             &reference, &fixture->error));
    assert_null(reference);
    int64_t incident = 0;
    char *slot = NULL;
    assert_good(fixture, mw_outbox_find(record, fixture->memory, "slack", "M2", &incident, &slot,
                                        &fixture->error));
    assert_int_equal(incident, 7);
    assert_string_equal(slot, "plan/1");
    assert_good(fixture, mw_outbox_find(record, fixture->memory, "matrix", "M2", &incident, &slot,
                                        &fixture->error));
    assert_int_equal(incident, 0);
    assert_null(slot);
    mw_record_close(record);
}

static void references_lead_both_ways(void **state)
{
    in_fiber(*state, reference_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_record(an_event_counts_once),
        test_record(done_events_are_forgotten_after_a_month),
        test_record(a_foul_event_does_not_hide_the_others),
        test_record(what_differs_is_due_in_order),
        test_record(a_put_during_delivery_stays_due),
        test_record(a_begun_post_is_in_doubt_after_a_restart),
        test_record(references_lead_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
