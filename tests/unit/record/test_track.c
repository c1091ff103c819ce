/* SPDX-License-Identifier: Apache-2.0 */
/* How a tool fared before, and that it is still quick to say after 100,000 incidents. */
#include "helper.h"

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

#define QUICK_MS 100

static struct mw_plan *add_plan(struct mw_incident *incident, const char *tool,
                                enum mw_step_state state)
{
    struct mw_plan *plan = mw_incident_add_plan(incident, 1);
    plan->state = MW_PLAN_SPENT;
    plan->steps[0].tool = talloc_strdup(incident, tool);
    plan->steps[0].state = state;
    return plan;
}

static struct mw_incident *begin(struct fixture *fixture, struct mw_record *record,
                                 enum mw_outcome outcome, int64_t ms)
{
    struct mw_incident *incident = make_incident(fixture, record);
    incident->stage = MW_STAGE_CLOSED;
    incident->outcome = outcome;
    incident->closed_at = 1000 * incident->id;
    incident->durations.execute = ms / 2;
    incident->durations.verify = ms - ms / 2;
    return incident;
}

static void save(struct fixture *fixture, struct mw_record *record, struct mw_incident *incident)
{
    struct mw_change *change = mw_change_begin(record);
    mw_change_incident(change, incident);
    for (size_t i = 0; i < incident->plan_count; i++) {
        mw_change_plan(change, incident, &incident->plans[i]);
    }
    assert_good(fixture, mw_change_commit(change, true, &fixture->error));
}

static struct mw_track track_of(struct fixture *fixture, struct mw_record *record, const char *tool,
                                const char *environment)
{
    struct mw_track track = {-1, -1, -1, -1};
    assert_good(fixture,
                mw_record_track(record, tool, "redis", environment, &track, &fixture->error));
    return track;
}

static void assert_track(struct fixture *fixture, struct mw_record *record, int runs, int recovered,
                         int64_t median_ms, mw_wall_ms last_failure)
{
    struct mw_track track = track_of(fixture, record, "fix", "local");
    assert_int_equal(track.runs, runs);
    assert_int_equal(track.recovered, recovered);
    assert_int_equal(track.median_ms, median_ms);
    assert_int_equal(track.last_failure, last_failure);
}

static void figures_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    assert_track(fixture, record, 0, 0, 0, 0);

    struct mw_incident *incident = begin(fixture, record, MW_OUTCOME_RECOVERED, 6000);
    add_plan(incident, "fix", MW_STEP_DONE);
    save(fixture, record, incident);
    assert_track(fixture, record, 1, 1, 6000, 0);

    /* Its second plan helped, so the first one's tool did not. */
    incident = begin(fixture, record, MW_OUTCOME_RECOVERED, 90000);
    add_plan(incident, "fix", MW_STEP_DONE);
    add_plan(incident, "other", MW_STEP_DONE);
    save(fixture, record, incident);
    assert_track(fixture, record, 2, 1, 6000, 2000);
    assert_int_equal(track_of(fixture, record, "other", "local").recovered, 1);

    /* Tried twice, the second time with success; taking it back later changes nothing. */
    incident = begin(fixture, record, MW_OUTCOME_RECOVERED, 8000);
    add_plan(incident, "fix", MW_STEP_FAILED);
    add_plan(incident, "fix", MW_STEP_UNDONE);
    add_plan(incident, "other", MW_STEP_DONE)->undo = true;
    add_plan(incident, "other", MW_STEP_SKIPPED);
    save(fixture, record, incident);
    assert_track(fixture, record, 3, 2, 7000, 2000);

    incident = begin(fixture, record, MW_OUTCOME_FAILED, 1);
    add_plan(incident, "fix", MW_STEP_UNKNOWN);
    save(fixture, record, incident);
    incident = begin(fixture, record, MW_OUTCOME_RECOVERED, 100000);
    add_plan(incident, "fix", MW_STEP_DONE);
    save(fixture, record, incident);
    assert_track(fixture, record, 5, 3, 8000, 4000);

    /* It is well again, and whether the tool did it is not known. */
    incident = begin(fixture, record, MW_OUTCOME_RECOVERED, 5000);
    add_plan(incident, "fix", MW_STEP_UNKNOWN);
    save(fixture, record, incident);
    assert_track(fixture, record, 6, 3, 8000, 6000);
    assert_int_equal(track_of(fixture, record, "fix", "local").streak, 0);
    mw_record_close(record);
}

static void the_figures_are_right(void **state)
{
    in_fiber(*state, figures_body);
}

static void left_out_body(struct fixture *fixture)
{
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    struct mw_incident *incident = begin(fixture, record, MW_OUTCOME_REJECTED, 1);
    add_plan(incident, "fix", MW_STEP_PLANNED);
    save(fixture, record, incident);
    incident = begin(fixture, record, MW_OUTCOME_STOPPED, 1);
    add_plan(incident, "fix", MW_STEP_SKIPPED);
    save(fixture, record, incident);
    incident = begin(fixture, record, MW_OUTCOME_RECOVERED, 1);
    add_plan(incident, "fix", MW_STEP_DONE)->undo = true;
    save(fixture, record, incident);
    incident = begin(fixture, record, MW_OUTCOME_NONE, 1);
    incident->stage = MW_STAGE_VERIFY;
    add_plan(incident, "fix", MW_STEP_DONE);
    save(fixture, record, incident);
    incident = begin(fixture, record, MW_OUTCOME_RECOVERED, 1);
    incident->environment = talloc_strdup(incident, "gcp");
    add_plan(incident, "fix", MW_STEP_DONE);
    save(fixture, record, incident);
    assert_track(fixture, record, 0, 0, 0, 0);
    assert_int_equal(track_of(fixture, record, "fix", "gcp").recovered, 1);
    mw_record_close(record);
}

static void what_never_ran_here_does_not_count(void **state)
{
    in_fiber(*state, left_out_body);
}

/* Each hundredth incident is in gcp; a thousand are not told; fifty are open. */
#define MANY                                                                                       \
    "PRAGMA synchronous = OFF; BEGIN;"                                                             \
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"             \
    " INSERT INTO incident SELECT i, 5, CASE WHEN i <= 1000 THEN 4 ELSE 5 END, 'cache', 'redis',"  \
    " CASE WHEN i % 100 = 0 THEN 'gcp' ELSE 'local' END,"                                          \
    " CASE WHEN i > 99950 THEN 'ask' ELSE 'closed' END, 'recovered', NULL, 'DEGRADED', i, i, i,"   \
    " 2, '[]', '[]', NULL, NULL, NULL, 1, 1, 1, i, i, 1, NULL, NULL, 0 FROM n;"                    \
    "INSERT INTO plan SELECT id, 1, 'd', 'runbook', 'c', 0.9, '[]', 'spent', NULL, 0, 0, 1, 0, 0," \
    " 0, NULL FROM incident;"                                                                      \
    "INSERT INTO step SELECT id, 1, 1, kind, environment, 'fix', resource, '{}', 'w', 'e', NULL,"  \
    " 'reversible', NULL, NULL, CASE WHEN id % 10 = 3 THEN 'failed' ELSE 'done' END, '{}', 1, 2"   \
    " FROM incident; COMMIT"

static void assert_quick(mw_mono_ns start, const char *what)
{
    double ms = (double)(mw_mono_now() - start) / 1e6;
    print_message("%s among 100,000 incidents: %.1f ms\n", what, ms);
    assert_true(ms < QUICK_MS || RUNNING_ON_VALGRIND);
}

static void many_body(struct fixture *fixture)
{
    mw_record_close(open_record(fixture, MW_STORE_ACTIVE));
    tamper(fixture, MANY);
    struct mw_record *record = open_record(fixture, MW_STORE_ACTIVE);
    assert_int_equal(mw_record_next_incident(record), 100001);

    mw_mono_ns start = mw_mono_now();
    struct mw_track track = track_of(fixture, record, "fix", "local");
    assert_quick(start, "a common track record");
    /* Each tenth call failed, whatever became of its incident. */
    assert_in_range(track.runs, 900, 1000);
    assert_in_range(track.recovered, track.runs * 8 / 10, track.runs * 19 / 20);
    assert_int_not_equal(track.last_failure, 0);
    start = mw_mono_now();
    track = track_of(fixture, record, "fix", "gcp");
    assert_quick(start, "a rare track record");
    assert_int_equal(track.runs, 999);
    start = mw_mono_now();
    assert_int_equal(track_of(fixture, record, "never", "local").runs, 0);
    assert_quick(start, "no track record");

    static const struct {
        enum mw_incident_filter filter;
        size_t count;
    } lists[] = {{MW_INCIDENTS_OPEN, 50}, {MW_INCIDENTS_UNTOLD, 1000}, {MW_INCIDENTS_ALL, 2000}};
    for (size_t i = 0; i < 3; i++) {
        size_t count = 0;
        start = mw_mono_now();
        assert_non_null(mw_record_incidents(record, fixture->memory, lists[i].filter, 2000, &count,
                                            &fixture->error));
        assert_quick(start, "a list");
        assert_int_equal(count, lists[i].count);
    }
    start = mw_mono_now();
    assert_non_null(mw_record_incident(record, fixture->memory, 50000, &fixture->error));
    assert_quick(start, "one incident");
    mw_record_close(record);
}

static void answers_are_quick_among_many(void **state)
{
    in_fiber(*state, many_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_record(the_figures_are_right),
        test_record(what_never_ran_here_does_not_count),
        test_record(answers_are_quick_among_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
