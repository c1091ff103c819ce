/* SPDX-License-Identifier: Apache-2.0 */
/* The schedule, what a probe's outcome becomes, and waiting for samples; all on virtual time. */
#include "helper.h"

#include <stdio.h>
#include <unistd.h>

#define MS 1000000

static struct mw_watch *watch;
static int changes;
static char course[64];

static void changed(void *context, struct mw_resource *resource, enum mw_health before)
{
    assert_int_not_equal(before, resource->health);
    if (changes < 60) {
        course[changes] = mw_health_name(resource->health)[0];
    }
    changes++;
}

/* Letter by letter: s somebody can look at it, b nobody can. */
static char sights[64];

static void sight(void *context, struct mw_resource *resource)
{
    size_t length = strlen(sights);
    if (length + 1 < sizeof sights)
        sights[length] = resource->blind ? 'b' : 's';
    assert_true(!resource->blind || strstr(resource->reason, "password") != NULL);
}

static const struct mw_watch_listener listener = {.changed = changed, .sight = sight};

static void begin(void)
{
    changes = 0;
    memset(sights, 0, sizeof sights);
    memset(course, 0, sizeof course);
    watch = mw_watch_create(NULL);
    mw_watch_listen(watch, &listener);
}

static struct mw_resource *add(const struct mw_resource_config *config,
                               const struct fake_config *own)
{
    struct mw_error error = {0};
    struct mw_resource *resource = mw_watch_add(watch, &fake_ops, config, own, &error);
    if (resource == NULL) {
        fail_msg("%s", error.text);
    }
    return resource;
}

static void end(void)
{
    mw_watch_stop(watch);
    TALLOC_FREE(watch);
}

/* ---- the schedule ---- */

static void keeps_its_rhythm_body(void)
{
    struct mw_resource_config config = fake_resource("box", 1000);
    struct fake_config own = SCRIPT(10);
    own.takes_ms = 137;
    begin();
    struct mw_resource *resource = add(&config, &own);
    mw_mono_ns start = mw_mono_now();
    mw_watch_start(watch);
    sleep_ms(100500);
    const struct fake *fake = fake_of(resource);
    assert_int_equal(fake->probes, 101);
    for (size_t i = 0; i < fake->probes; i++) {
        assert_int_equal(fake->starts[i] - start, (mw_mono_ns)i * 1000 * MS);
    }
    end();
}

static void a_late_probe_skips_body(void)
{
    struct mw_resource_config config = fake_resource("box", 1000);
    struct fake_config own = SCRIPT(10);
    own.takes_ms = 2500;
    begin();
    struct mw_resource *resource = add(&config, &own);
    mw_mono_ns start = mw_mono_now();
    mw_watch_start(watch);
    sleep_ms(12100);
    const struct fake *fake = fake_of(resource);
    assert_int_equal(fake->probes, 5);
    assert_int_equal(fake->most_running, 1);
    for (size_t i = 0; i < fake->probes; i++) {
        assert_int_equal(fake->starts[i] - start, (mw_mono_ns)i * 3000 * MS);
    }
    end();
}

static void first_probes_are_spread_body(void)
{
    enum { COUNT = 100 };
    struct mw_resource_config configs[COUNT];
    static char names[COUNT][8];
    struct fake_config own = SCRIPT(10);
    begin();
    for (int i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "r%d", i);
        configs[i] = fake_resource(names[i], 5000);
        add(&configs[i], &own);
    }
    mw_mono_ns start = mw_mono_now();
    mw_watch_start(watch);
    sleep_ms(1000);
    for (int i = 0; i < COUNT; i++) {
        /* 10 ms apart, on the beat of 20 ms that all share */
        assert_int_equal(fake_of(watch->resources[i])->starts[0] - start,
                         (mw_mono_ns)(i / 2) * 20 * MS);
    }
    end();
}

static void the_hanging_do_not_delay_the_others_body(void)
{
    enum { COUNT = 1000 };
    static struct mw_resource_config configs[COUNT + 1];
    static char names[COUNT][8];
    struct fake_config hanging = SCRIPT(HANGS), well = SCRIPT(10);
    begin();
    for (int i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "h%d", i);
        configs[i] = fake_resource(names[i], 5000);
        add(&configs[i], &hanging);
    }
    configs[COUNT] = fake_resource("well", 500);
    struct mw_resource *resource = add(&configs[COUNT], &well);
    mw_watch_start(watch);
    sleep_ms(11000);
    const struct fake *fake = fake_of(resource);
    assert_in_range(fake->probes, 21, 22);
    for (size_t i = 1; i < fake->probes; i++) {
        assert_int_equal(fake->starts[i] - fake->starts[i - 1], 500 * MS);
    }
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(watch->resources[i]->health, MW_HEALTH_FAILED);
    }
    end();
}

static void a_differing_sample_is_looked_at_again_soon_body(void)
{
    struct mw_resource_config config = fake_resource("box", 5000);
    struct fake_config own = SCRIPT(10, 96, 96, 96, 10, 10, 10);
    begin();
    struct mw_resource *resource = add(&config, &own);
    mw_mono_ns start = mw_mono_now();
    mw_watch_start(watch);
    sleep_ms(30100);
    const struct fake *fake = fake_of(resource);
    /* 0 good, 5 bad, 6 bad and held, 10 bad, 15 good, 16 good and held, 20 good, … */
    const int expected[] = {0, 5000, 6000, 10000, 15000, 16000, 20000, 25000, 30000};
    assert_int_equal(fake->probes, 9);
    for (size_t i = 0; i < fake->probes; i++) {
        assert_int_equal(fake->starts[i] - start, (mw_mono_ns)expected[i] * MS);
    }
    assert_string_equal(course, "HDH");
    end();
}

static void haste_nests_body(void)
{
    struct mw_resource_config config = fake_resource("box", 10000);
    struct fake_config own = SCRIPT(10);
    begin();
    struct mw_resource *resource = add(&config, &own);
    const struct fake *fake = fake_of(resource);
    mw_watch_start(watch);
    sleep_ms(2000);
    assert_int_equal(fake->probes, 1);
    mw_watch_haste(resource, true);
    mw_watch_haste(resource, true);
    sleep_ms(3500);
    assert_int_equal(fake->probes, 5);
    mw_watch_haste(resource, false);
    sleep_ms(1000);
    assert_int_equal(fake->probes, 6);
    mw_watch_haste(resource, false);
    sleep_ms(3000);
    assert_int_equal(fake->probes, 6);
    sleep_ms(1000);
    assert_int_equal(fake->probes, 7);
    end();
}

/* ---- outcomes ---- */

static void unreachable_is_failed_and_says_why_body(void)
{
    struct mw_resource_config config = fake_resource("box", 1000);
    struct fake_config own = SCRIPT(10, LOST);
    begin();
    struct mw_resource *resource = add(&config, &own);
    mw_watch_start(watch);
    sleep_ms(1100);
    mw_wall_ms first_bad = WALL_START + 1000;
    assert_int_equal(resource->health, MW_HEALTH_HEALTHY);
    assert_null(resource->reason);
    assert_int_equal(resource->bad_samples, 1);
    sleep_ms(200);
    assert_int_equal(resource->health, MW_HEALTH_FAILED);
    assert_int_equal(resource->since, first_bad);
    assert_int_equal(resource->bad_samples, 2);
    assert_false(resource->reached);
    assert_string_equal(resource->reason, "cannot be reached: connection refused");
    assert_int_equal(resource->finding_count, 1);
    assert_null(resource->findings[0].metric);
    assert_int_equal(resource->findings[0].health, MW_HEALTH_FAILED);
    assert_string_equal(resource->findings[0].text, "cannot be reached: connection refused");
    /* The last numbers stay for whoever wants them, but status shows none. */
    assert_true(mw_sample_find(&resource->last, "level")->value == 10);
    json_auto_t *shown = mw_resource_to_json(resource);
    assert_int_equal(json_object_size(json_object_get(shown, "metrics")), 0);
    assert_string_equal(json_string_value(json_object_get(shown, "status")), "FAILED");
    end();
}

static void silence_names_the_timeout_body(void)
{
    struct mw_resource_config config = fake_resource("box", 5000),
                              fast = fake_resource("fast", 500);
    struct fake_config own = SCRIPT(HANGS);
    fast.timeout = 250;
    begin();
    struct mw_resource *resource = add(&config, &own), *quick = add(&fast, &own);
    mw_watch_start(watch);
    sleep_ms(9000);
    assert_int_equal(resource->health, MW_HEALTH_FAILED);
    assert_string_equal(resource->reason, "no answer within 2 s");
    assert_string_equal(quick->reason, "no answer within 250 ms");
    end();
}

static void a_probe_that_cannot_run_is_unknown_body(void)
{
    struct mw_resource_config config = fake_resource("box", 1000);
    struct fake_config own = SCRIPT(DENIED, DENIED, DENIED, 10, DENIED, DENIED);
    begin();
    struct mw_resource *resource = add(&config, &own);
    mw_watch_start(watch);
    sleep_ms(2500);
    assert_int_equal(resource->health, MW_HEALTH_UNKNOWN);
    assert_string_equal(resource->reason, "it asks for a password");
    assert_int_equal(resource->finding_count, 0);
    assert_int_equal(changes, 0);
    sleep_ms(1000);
    assert_int_equal(resource->health, MW_HEALTH_HEALTHY);
    assert_null(resource->reason);
    sleep_ms(2000);
    assert_string_equal(course, "HU");
    end();
}

static FILE *log_file;
static int log_before;

static void catch_log(void)
{
    log_file = tmpfile();
    assert_non_null(log_file);
    fflush(stderr);
    log_before = dup(STDERR_FILENO);
    dup2(fileno(log_file), STDERR_FILENO);
}

static void release_log(char *text, size_t room)
{
    fflush(stderr);
    dup2(log_before, STDERR_FILENO);
    close(log_before);
    rewind(log_file);
    text[fread(text, 1, room - 1, log_file)] = '\0';
    fclose(log_file);
}

static size_t times_in(const char *text, const char *part)
{
    size_t times = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++) {
        times++;
    }
    return times;
}

static void blindness_is_logged_body(void)
{
    struct mw_resource_config config = fake_resource("box", 1000),
                              other = fake_resource("other", 1000);
    struct fake_config own = SCRIPT(10, DENIED, DENIED, DENIED, DENIED, 10, 10),
                       never = SCRIPT(DENIED);
    char text[4096];
    begin();
    add(&config, &own);
    add(&other, &never);
    catch_log();
    mw_watch_start(watch);
    sleep_ms(600);
    release_log(text, sizeof text);
    /* One probe that cannot run is no news yet. */
    assert_string_equal(text, "");
    catch_log();
    sleep_ms(20000);
    release_log(text, sizeof text);
    assert_int_equal(times_in(text, "\n"), 3);
    assert_int_equal(times_in(text, "warn  watch: box cannot be looked at"), 1);
    assert_int_equal(times_in(text, "warn  watch: other cannot be looked at"), 1);
    assert_int_equal(times_in(text, "it asks for a password"), 2);
    assert_int_equal(times_in(text, "info  watch: box can be looked at again: it is HEALTHY"), 1);
    assert_string_equal(sights, "sbbs");
    end();
}

static void a_cancelled_probe_is_no_sample_body(void)
{
    struct mw_resource_config config = fake_resource("box", 1000);
    struct fake_config own = SCRIPT(10, VANISHES);
    begin();
    struct mw_resource *resource = add(&config, &own);
    mw_watch_start(watch);
    sleep_ms(10000);
    assert_true(fake_of(resource)->probes >= 10);
    assert_int_equal(resource->health, MW_HEALTH_HEALTHY);
    assert_int_equal(resource->probed_at, WALL_START);
    end();
}

static void findings_know_what_is_normal_body(void)
{
    struct mw_resource_config config = fake_resource("box", 1000);
    struct fake_config own = SCRIPT(40, 42, 41, 97, 97, 97);
    begin();
    struct mw_resource *resource = add(&config, &own);
    mw_watch_start(watch);
    sleep_ms(3300);
    assert_int_equal(resource->health, MW_HEALTH_DEGRADED);
    assert_string_equal(resource->reason, "level 97 % of the tank");
    assert_true(resource->findings[0].normal == 41);
    assert_true(mw_watch_normal(resource, "level") == 41);
    assert_true(isnan(mw_watch_normal(resource, "floor")));
    json_auto_t *history = mw_watch_history(resource, "level");
    assert_int_equal(json_array_size(history), 5);
    json_t *last = json_array_get(history, 4);
    assert_true(json_real_value(json_array_get(last, 1)) == 97);
    assert_int_equal(strlen(json_string_value(json_array_get(last, 0))), 24);
    end();
}

static void the_history_forgets_body(void)
{
    struct mw_resource_config config = fake_resource("box", 1000);
    struct fake_config own = SCRIPT(40);
    begin();
    struct mw_resource *resource = add(&config, &own);
    mw_watch_start(watch);
    sleep_ms(500000);
    json_auto_t *history = mw_watch_history(resource, "level");
    assert_int_equal(json_array_size(history), 120);
    char *expected = mw_time_rfc3339(NULL, WALL_START + 499000);
    assert_string_equal(json_string_value(json_array_get(json_array_get(history, 119), 0)),
                        expected);
    talloc_free(expected);
    end();
}

/* ---- waiting ---- */

static void await_brings_a_new_probe_body(void)
{
    struct mw_resource_config config = fake_resource("box", 60000);
    struct fake_config own = SCRIPT(10);
    struct mw_error error;
    begin();
    struct mw_resource *resource = add(&config, &own);
    mw_watch_start(watch);
    sleep_ms(1000);
    mw_mono_ns after = mw_mono_now();
    assert_true(mw_watch_await(resource, after, mw_deadline_in(5000), &error));
    assert_true(resource->begun_mono > after);
    assert_in_range(mw_mono_now() - after, 1, 250 * MS);
    /* Again and again must not become a flood. */
    mw_wall_ms start = mw_wall_now();
    size_t before = fake_of(resource)->probes;
    while (mw_wall_now() - start < 10000) {
        assert_true(mw_watch_await(resource, resource->begun_mono, mw_deadline_in(5000), &error));
    }
    assert_in_range(fake_of(resource)->probes - before, 10, 51);
    end();
}

static void await_does_not_take_a_probe_begun_before_body(void)
{
    struct mw_resource_config config = fake_resource("box", 60000);
    struct fake_config own = SCRIPT(10);
    struct mw_error error;
    own.takes_ms = 1000;
    begin();
    struct mw_resource *resource = add(&config, &own);
    mw_watch_start(watch);
    sleep_ms(500);
    mw_mono_ns asked = mw_mono_now();
    assert_true(mw_watch_await(resource, asked, mw_deadline_in(5000), &error));
    assert_int_equal(fake_of(resource)->probes, 2);
    assert_in_range(mw_mono_now() - asked, 1500 * MS, 1800 * MS);
    end();
}

static void await_outlives_a_jump_of_the_wall_clock_body(void)
{
    static const int64_t jumps[] = {-3600000, 7200000};
    struct mw_resource_config config = fake_resource("box", 60000);
    struct fake_config own = SCRIPT(10);
    struct mw_error error;
    begin();
    struct mw_resource *resource = add(&config, &own);
    mw_watch_start(watch);
    sleep_ms(1000);
    for (int i = 0; i < 2; i++) {
        mw_mono_ns asked = mw_mono_now();
        mw_wall_ms wall = mw_wall_now();
        mw_clock_jump_wall(jumps[i]);
        assert_int_equal(mw_wall_now() - wall, jumps[i]);
        assert_int_equal(mw_mono_now(), asked);
        assert_true(mw_watch_await(resource, asked, mw_deadline_in(1000), &error));
        assert_true(resource->measured_mono > asked);
    }
    end();
}

static void an_old_sample_is_known_as_old_body(void)
{
    struct mw_resource_config config = fake_resource("box", 60000);
    struct fake_config own = SCRIPT(10);
    struct mw_error error;
    own.old_ms = 700;
    begin();
    struct mw_resource *resource = add(&config, &own);
    mw_watch_start(watch);
    assert_true(mw_watch_await(resource, mw_mono_now(), mw_deadline_in(1000), &error));
    assert_int_equal(resource->begun_mono - resource->measured_mono, (mw_mono_ns)700 * MS);
    end();
}

static void await_ends_body(void)
{
    struct mw_resource_config config = fake_resource("box", 60000);
    struct fake_config own = SCRIPT(HANGS);
    struct mw_error error;
    begin();
    struct mw_resource *resource = add(&config, &own);
    /* Who waits before the watch has started waits for it. */
    assert_false(mw_watch_await(resource, mw_mono_now(), mw_deadline_in(1000), &error));
    assert_int_equal(error.class, MW_ERROR_TIMEOUT);
    mw_watch_start(watch);
    assert_false(mw_watch_await(resource, mw_mono_now(), mw_deadline_in(1000), &error));
    assert_int_equal(error.class, MW_ERROR_TIMEOUT);
    mw_watch_stop(watch);
    assert_false(mw_watch_await(resource, mw_mono_now(), mw_deadline_in(1000), &error));
    assert_int_equal(error.class, MW_ERROR_CANCELLED);
    end();
}

/* ---- the inventory ---- */

static void status_probes_without_hysteresis_body(void)
{
    struct mw_resource_config configs[] = {fake_resource("good", 1000), fake_resource("bad", 1000),
                                           fake_resource("gone", 1000), fake_resource("hung", 1000),
                                           fake_resource("shut", 1000)};
    struct fake_config owns[] = {SCRIPT(10), SCRIPT(97), SCRIPT(LOST), SCRIPT(HANGS),
                                 SCRIPT(DENIED)};
    const char *expected = "HDFFU";
    begin();
    for (int i = 0; i < 5; i++) {
        add(&configs[i], &owns[i]);
    }
    mw_wall_ms start = mw_wall_now();
    mw_watch_probe_all(watch);
    assert_in_range(mw_wall_now() - start, 2000, 2100);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(mw_health_name(watch->resources[i]->health)[0], expected[i]);
        assert_int_equal(fake_of(watch->resources[i])->probes, 1);
    }
    assert_int_equal(changes, 0);
    assert_string_equal(watch->resources[1]->reason, "level 97 % of the tank");
    end();
}

static void what_is_wrong_is_said_body(void)
{
    struct mw_resource_config config = fake_resource("box", 1000);
    struct fake_config own = SCRIPT(10), bad = SCRIPT(10);
    struct mw_threshold threshold = {.metric = "levle", .degraded = 1, .failed = NAN};
    struct mw_error error;
    begin();
    bad.rejects = true;
    assert_null(mw_watch_add(watch, &fake_ops, &config, &bad, &error));
    assert_int_equal(error.class, MW_ERROR_BAD_INPUT);
    struct mw_resource *resource = add(&config, &own);
    assert_null(mw_watch_add(watch, &fake_ops, &config, &own, &error));
    assert_non_null(strstr(error.text, "box"));
    config.name = "other";
    config.thresholds = (struct mw_threshold_list){.count = 1, .items = &threshold};
    assert_null(mw_watch_add(watch, &fake_ops, &config, &own, &error));
    assert_non_null(strstr(error.text, "did you mean level?"));
    assert_int_equal(watch->count, 1);
    assert_string_equal(resource->environment, "local");
    config.name = "box";
    mw_watch_stop(watch);
    mw_watch_stop(watch);
    assert_int_equal(fake_of(resource)->destroyed, 1);
    end();
}

#define BODY_TEST(name)            \
    static void name(void **state) \
    {                              \
        in_fiber(name##_body);     \
    }

BODY_TEST(keeps_its_rhythm)
BODY_TEST(a_late_probe_skips)
BODY_TEST(first_probes_are_spread)
BODY_TEST(the_hanging_do_not_delay_the_others)
BODY_TEST(a_differing_sample_is_looked_at_again_soon)
BODY_TEST(haste_nests)
BODY_TEST(unreachable_is_failed_and_says_why)
BODY_TEST(silence_names_the_timeout)
BODY_TEST(a_probe_that_cannot_run_is_unknown)
BODY_TEST(blindness_is_logged)
BODY_TEST(a_cancelled_probe_is_no_sample)
BODY_TEST(findings_know_what_is_normal)
BODY_TEST(the_history_forgets)
BODY_TEST(await_brings_a_new_probe)
BODY_TEST(await_does_not_take_a_probe_begun_before)
BODY_TEST(await_outlives_a_jump_of_the_wall_clock)
BODY_TEST(an_old_sample_is_known_as_old)
BODY_TEST(await_ends)
BODY_TEST(status_probes_without_hysteresis)
BODY_TEST(what_is_wrong_is_said)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_virtual(keeps_its_rhythm),
        test_in_virtual(a_late_probe_skips),
        test_in_virtual(first_probes_are_spread),
        test_in_virtual(the_hanging_do_not_delay_the_others),
        test_in_virtual(a_differing_sample_is_looked_at_again_soon),
        test_in_virtual(haste_nests),
        test_in_virtual(unreachable_is_failed_and_says_why),
        test_in_virtual(silence_names_the_timeout),
        test_in_virtual(a_probe_that_cannot_run_is_unknown),
        test_in_virtual(blindness_is_logged),
        test_in_virtual(a_cancelled_probe_is_no_sample),
        test_in_virtual(findings_know_what_is_normal),
        test_in_virtual(the_history_forgets),
        test_in_virtual(await_brings_a_new_probe),
        test_in_virtual(await_does_not_take_a_probe_begun_before),
        test_in_virtual(await_outlives_a_jump_of_the_wall_clock),
        test_in_virtual(an_old_sample_is_known_as_old),
        test_in_virtual(await_ends),
        test_in_virtual(status_probes_without_hysteresis),
        test_in_virtual(what_is_wrong_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
