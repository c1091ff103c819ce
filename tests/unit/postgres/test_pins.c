/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a tool may end, and how a session is known again. */
#include "helper.h"

#include "../../../adapters/target/postgres/end.h"

static struct mw_postgres_session session(int64_t pid, const char *state)
{
    return (struct mw_postgres_session){.pid = pid,
                                        .backend_start = "2026-11-22 03:00:00.000001+00",
                                        .xact_start = "2026-11-22 03:05:00.000002+00",
                                        .query_start = "2026-11-22 03:06:00.000003+00",
                                        .state_change = "2026-11-22 03:07:00.000004+00",
                                        .user = "app",
                                        .database = "shop",
                                        .application = "web",
                                        .client = "10.0.0.9",
                                        .state = state,
                                        .wait = "",
                                        .kind = "client backend",
                                        .query = "SELECT 1",
                                        .transaction_s = 300,
                                        .query_s = 240,
                                        .state_s = 180,
                                        .client_backend = true,
                                        .may_end = true};
}

static struct mw_postgres_session root(int64_t pid)
{
    struct mw_postgres_session blocker = session(pid, "idle in transaction");
    blocker.root = true;
    blocker.blocks = 88;
    return blocker;
}

static void some_are_never_ended(void **state)
{
    static const struct {
        const char *kind;
        bool ours, wraparound, superuser, may_end;
        const char *says;
    } cases[] = {
        {"client backend", .may_end = true, .says = NULL},
        {"client backend", .ours = true, .may_end = true, .says = "midwatch itself"},
        {"walsender", .may_end = true, .says = "replication"},
        {"autovacuum worker", .wraparound = true, .may_end = true, .says = "against wraparound"},
        {"autovacuum worker", .may_end = true, .says = "process of the server itself"},
        {"logical replication worker", .may_end = true, .says = "process of the server itself"},
        {"parallel worker", .may_end = true, .says = "process of the server itself"},
        {"checkpointer", .may_end = true, .says = "process of the server itself"},
        {"client backend", .superuser = true, .says = "only a superuser may end"},
        {"client backend", .says = "GRANT pg_signal_backend"},
        {"", .says = "GRANT pg_monitor"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mw_postgres_session one = session(1, "active");
        one.kind = cases[i].kind;
        one.client_backend = strcmp(one.kind, "client backend") == 0;
        one.ours = cases[i].ours;
        one.wraparound = cases[i].wraparound;
        one.superuser = cases[i].superuser;
        one.may_end = cases[i].may_end;
        const char *why = mw_postgres_session_spared(&one);
        if (cases[i].says == NULL) {
            assert_null(why);
        } else {
            assert_says(why, cases[i].says);
        }
    }
}

/* A query whose text says so does not make a client's session untouchable. */
static void words_protect_nobody(void **state)
{
    struct mw_postgres_session one = session(1, "active");
    one.wraparound = true;
    assert_null(mw_postgres_session_spared(&one));
}

static void pins_say_what_was_shown(void **state)
{
    struct mw_postgres_session items[] = {root(1), session(2, "active"), session(3, "idle")};
    struct mw_postgres_sessions all = {.count = 3, .items = items};
    TALLOC_CTX *memory = talloc_new(NULL);
    struct mw_postgres_doomed *doomed = mw_postgres_doom(memory, &all, NULL);
    assert_int_equal(doomed->count, 3);
    json_auto_t *pins = mw_postgres_pins(doomed);
    static const char *const moments[] = {"xact_start", "query_start", "state_change"};
    for (size_t i = 0; i < 3; i++) {
        const json_t *pin = json_array_get(pins, i);
        assert_int_equal(json_object_size(pin), 3);
        assert_non_null(json_object_get(pin, moments[i]));
        for (size_t j = 0; j < 3; j++) {
            assert_int_equal(mw_postgres_pin_fits(pin, &items[j]), i == j);
        }
    }
    talloc_free(memory);
}

static void a_session_that_changed_does_not_fit(void **state)
{
    struct mw_postgres_session then = root(1), now = then;
    struct mw_postgres_sessions all = {.count = 1, .items = &then};
    TALLOC_CTX *memory = talloc_new(NULL);
    json_auto_t *pins = mw_postgres_pins(mw_postgres_doom(memory, &all, NULL));
    const json_t *pin = json_array_get(pins, 0);
    now.query_start = "later";
    assert_true(mw_postgres_pin_fits(pin, &now));
    now.xact_start = "2026-11-22 03:09:00.000002+00";
    assert_false(mw_postgres_pin_fits(pin, &now));
    now = then;
    now.xact_start = NULL;
    assert_false(mw_postgres_pin_fits(pin, &now));
    now = then;
    now.backend_start = "2026-11-22 03:08:00.000001+00";
    assert_false(mw_postgres_pin_fits(pin, &now));
    now = then;
    now.backend_start = NULL;
    assert_false(mw_postgres_pin_fits(pin, &now));

    all.items = &now;
    struct mw_postgres_doomed *doomed = mw_postgres_doom(memory, &all, pins);
    assert_int_equal(doomed->count, 0);
    assert_int_equal(doomed->changed, 1);
    struct mw_error error = {0};
    assert_false(mw_postgres_refuse_empty(doomed, "nobody", &error));
    assert_int_equal(error.class, MW_ERROR_REFUSED);
    assert_says(error.text, "none of the sessions that were shown");
    talloc_free(memory);
}

static void who_is_doomed_is_told(void **state)
{
    struct mw_postgres_session items[6];
    for (int i = 0; i < 5; i++) {
        items[i] = session(i + 1, "active");
    }
    items[0] = root(1);
    items[5] = root(6);
    items[5].may_end = false;
    items[5].superuser = true;
    struct mw_postgres_sessions all = {.count = 6, .items = items};
    TALLOC_CTX *memory = talloc_new(NULL);
    char *text = mw_postgres_doomed_text(memory, mw_postgres_doom(memory, &all, NULL));
    assert_string_equal(
        text, "ends 5 sessions: 1 (app@shop, web), idle in transaction for 3 min, holds up 88; 2 "
              "(app@shop, web), runs a query for 4 min; 3 (app@shop, web), runs a query for 4 min; "
              "and 2 more. Left alone: 6, since it is a superuser's, which only a superuser may "
              "end");
    struct mw_error error = {0};
    struct mw_postgres_sessions last = {.count = 1, .items = &items[5]};
    assert_false(mw_postgres_refuse_empty(mw_postgres_doom(memory, &last, NULL), "nobody", &error));
    assert_says(error.text, "6 (app@shop, web): it is a superuser's");
    struct mw_postgres_sessions none = {.count = 0};
    assert_false(mw_postgres_refuse_empty(mw_postgres_doom(memory, &none, NULL), "nobody", &error));
    assert_string_equal(error.text, "nobody");
    talloc_free(memory);
}

static void no_more_than_two_hundred_at_once(void **state)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    struct mw_postgres_sessions all = {
        .count = 300, .items = talloc_array(memory, struct mw_postgres_session, 300)};
    for (int i = 0; i < 300; i++) {
        all.items[i] = session(i + 1, "idle");
    }
    assert_int_equal(mw_postgres_doom(memory, &all, NULL)->count, MW_POSTGRES_ENDED_MAX);
    talloc_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_are_never_ended),
        cmocka_unit_test(words_protect_nobody),
        cmocka_unit_test(pins_say_what_was_shown),
        cmocka_unit_test(a_session_that_changed_does_not_fit),
        cmocka_unit_test(who_is_doomed_is_told),
        cmocka_unit_test(no_more_than_two_hundred_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
