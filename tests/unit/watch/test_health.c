/* SPDX-License-Identifier: Apache-2.0 */
/* Judging one sample, and what hysteresis makes of a series of them. */
#include "helper.h"

static struct mw_sample sample_of(const char *name, double value, bool counts)
{
    struct mw_sample sample = {.measured_at = 1};
    mw_sample_add(&sample, name, value, counts);
    return sample;
}

static enum mw_health judge(const struct mw_sample *sample,
                            const struct mw_threshold_list *thresholds)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    struct mw_finding *findings;
    size_t count;
    enum mw_health health =
        mw_health_judge(sample, fake_metrics, thresholds, memory, &findings, &count);
    assert_int_equal(count > 0, health != MW_HEALTH_HEALTHY);
    talloc_free(memory);
    return health;
}

static void equality_counts_as_past(void **state)
{
    struct mw_sample below = sample_of("level", 94.999, true), at = sample_of("level", 95, true);
    struct mw_sample worse = sample_of("level", 99.5, true);
    assert_int_equal(judge(&below, NULL), MW_HEALTH_HEALTHY);
    assert_int_equal(judge(&at, NULL), MW_HEALTH_DEGRADED);
    assert_int_equal(judge(&worse, NULL), MW_HEALTH_FAILED);
}

static void what_does_not_count_is_not_judged(void **state)
{
    struct mw_sample full = sample_of("level", 100, false);
    assert_int_equal(judge(&full, NULL), MW_HEALTH_HEALTHY);
}

static void configuration_goes_before_the_default(void **state)
{
    struct mw_threshold own = {.metric = "level", .degraded = 50, .failed = NAN};
    struct mw_threshold_list list = {.count = 1, .items = &own};
    struct mw_sample half = sample_of("level", 50, true), worst = sample_of("level", 99.5, true);
    assert_int_equal(judge(&half, &list), MW_HEALTH_DEGRADED);
    assert_int_equal(judge(&worst, &list), MW_HEALTH_FAILED);
}

static void a_floor_is_bad_below(void **state)
{
    struct mw_threshold own = {.metric = "floor", .degraded = 0.5, .failed = 0.1};
    struct mw_threshold_list list = {.count = 1, .items = &own};
    struct mw_sample high = sample_of("floor", 0.9, true), low = sample_of("floor", 0.5, true);
    struct mw_sample none = sample_of("floor", 0, true);
    assert_int_equal(judge(&high, &list), MW_HEALTH_HEALTHY);
    assert_int_equal(judge(&low, &list), MW_HEALTH_DEGRADED);
    assert_int_equal(judge(&none, &list), MW_HEALTH_FAILED);
}

static void findings_stand_worst_first_and_read_well(void **state)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    struct mw_threshold own[] = {{.metric = "floor", .degraded = NAN, .failed = 3}};
    struct mw_threshold_list list = {.count = 1, .items = own};
    struct mw_sample sample = sample_of("level", 97.25, true);
    struct mw_finding *findings;
    size_t count;
    mw_sample_add(&sample, "floor", 2, true);
    assert_int_equal(mw_health_judge(&sample, fake_metrics, &list, memory, &findings, &count),
                     MW_HEALTH_FAILED);
    assert_int_equal(count, 2);
    assert_string_equal(findings[0].metric, "floor");
    assert_int_equal(findings[0].health, MW_HEALTH_FAILED);
    assert_string_equal(findings[0].text, "floor 2");
    assert_string_equal(findings[1].metric, "level");
    assert_true(strncmp(findings[1].text, "level 97.", 9) == 0);
    assert_non_null(strstr(findings[1].text, " % of the tank"));
    assert_true(findings[1].limit == 95);
    assert_true(isnan(findings[1].normal));
    talloc_free(memory);
}

static void a_metric_without_a_spec_is_judged_by_configuration(void **state)
{
    struct mw_threshold own = {.metric = "odd", .degraded = 1, .failed = NAN};
    struct mw_threshold_list list = {.count = 1, .items = &own};
    struct mw_sample sample = sample_of("odd", 2, true);
    assert_int_equal(judge(&sample, &list), MW_HEALTH_DEGRADED);
    assert_int_equal(judge(&sample, NULL), MW_HEALTH_HEALTHY);
}

/* ---- the course: H, D, F and U are samples; the result is one letter per sample ---- */

static enum mw_health health_of(char letter)
{
    return letter == 'H'   ? MW_HEALTH_HEALTHY
           : letter == 'D' ? MW_HEALTH_DEGRADED
           : letter == 'F' ? MW_HEALTH_FAILED
                           : MW_HEALTH_UNKNOWN;
}

static void check_course(const char *samples, int hold, const char *expected,
                         mw_wall_ms expected_since)
{
    struct mw_course course = {0};
    enum mw_health now = MW_HEALTH_UNKNOWN;
    char seen[64] = "";
    mw_wall_ms since = 0;
    for (size_t i = 0; samples[i] != '\0'; i++) {
        now = mw_course_step(&course, now, health_of(samples[i]), (mw_wall_ms)i + 1, hold, &since);
        seen[i] = mw_health_name(now)[0];
    }
    assert_string_equal(seen, expected);
    assert_int_equal(since, expected_since);
}

static void health_has_hysteresis(void **state)
{
    check_course("HHDHDHDH", 2, "HHHHHHHH", 1);
    check_course("HHDDHH", 2, "HHHDDH", 5);
    check_course("HDFH", 3, "HHHH", 1);
    check_course("HDFDD", 3, "HHHDD", 2);
    check_course("HFF", 2, "HHF", 2);
    check_course("HF", 1, "HF", 2);
}

static void unknown_becomes_healthy_at_once_and_bad_when_held(void **state)
{
    check_course("H", 5, "H", 1);
    check_course("DDD", 3, "UUD", 1);
    check_course("FFF", 2, "UFF", 1);
    check_course("FHD", 2, "UHH", 2);
}

static void getting_worse_is_held_too(void **state)
{
    check_course("HDDFDF", 2, "HHDDDD", 2);
    check_course("HDDFF", 2, "HHDDF", 4);
    check_course("HDFF", 2, "HHDF", 3);
}

static void getting_better_goes_by_steps_where_it_is_slow(void **state)
{
    check_course("HFFDDHH", 2, "HHFFDDH", 6);
    check_course("HFFDHH", 2, "HHFFDH", 5);
    check_course("HFFDFHH", 2, "HHFFFFH", 6);
}

static void a_blind_probe_is_held_as_well(void **state)
{
    check_course("HUHU", 2, "HHHH", 1);
    check_course("HUUH", 2, "HHUH", 4);
    check_course("HFFUU", 2, "HHFFU", 4);
    /* One blind look ends a run: consecutive means consecutive. */
    check_course("HDUD", 2, "HHHH", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality_counts_as_past),
        cmocka_unit_test(what_does_not_count_is_not_judged),
        cmocka_unit_test(configuration_goes_before_the_default),
        cmocka_unit_test(a_floor_is_bad_below),
        cmocka_unit_test(findings_stand_worst_first_and_read_well),
        cmocka_unit_test(a_metric_without_a_spec_is_judged_by_configuration),
        cmocka_unit_test(health_has_hysteresis),
        cmocka_unit_test(unknown_becomes_healthy_at_once_and_bad_when_held),
        cmocka_unit_test(getting_worse_is_held_too),
        cmocka_unit_test(getting_better_goes_by_steps_where_it_is_slow),
        cmocka_unit_test(a_blind_probe_is_held_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
