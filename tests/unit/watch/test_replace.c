/* SPDX-License-Identifier: Apache-2.0 */
/* Another inventory in the place of the one that is watched; on virtual time. */
#include "helper.h"

static struct mw_watch *watch;
static int changes;
static struct fake_config own;
static struct mw_resource_config a, b;

static void changed(void *context, struct mw_resource *resource, enum mw_health before)
{
    changes++;
}

static const struct mw_watch_listener listener = {.changed = changed};

/* Targets are freed with what they were made of, so how many were closed is counted here. */
static int closed;

static void count_destroy(struct mw_target *target)
{
    closed++;
}

static struct mw_target_ops ops;

static void begin(void)
{
    struct mw_error error = {0};
    ops = fake_ops;
    ops.destroy = count_destroy;
    closed = changes = 0;
    /* It is played after this function has returned. */
    static const int ten[] = {10};
    own = (struct fake_config){.script = ten, .length = 1};
    a = fake_resource("a", 1000);
    b = fake_resource("b", 1000);
    watch = mw_watch_create(NULL);
    mw_watch_listen(watch, &listener);
    assert_non_null(mw_watch_add(watch, &ops, &a, &own, &error));
    mw_watch_start(watch);
    sleep_ms(3500);
}

static void end(void)
{
    mw_watch_stop(watch);
    TALLOC_FREE(watch);
}

static struct mw_watch_entry stays(const char *name)
{
    return (struct mw_watch_entry){.stays = mw_watch_find(watch, name)};
}

static struct mw_watch_entry made(const struct mw_resource_config *config)
{
    return (struct mw_watch_entry){
        .ops = &ops, .config = config, .kind_config = &own, .same_target = true};
}

static void replace(struct mw_watch_entry first, struct mw_watch_entry second, size_t count)
{
    struct mw_error error = {0};
    const struct mw_watch_entry entries[] = {first, second};
    if (!mw_watch_replace(watch, entries, count, NULL, &error)) {
        fail_msg("%s", error.text);
    }
}

static void what_stays_goes_on_body(void)
{
    begin();
    struct mw_resource *first = mw_watch_find(watch, "a");
    size_t probes = fake_of(first)->probes;
    replace(made(&b), stays("a"), 2);
    assert_ptr_equal(mw_watch_find(watch, "a"), first);
    assert_string_equal(watch->resources[0]->name, "b");
    assert_int_equal(first->health, MW_HEALTH_HEALTHY);
    sleep_ms(2000);
    assert_int_equal(fake_of(first)->probes, probes + 2);
    assert_int_equal(mw_watch_find(watch, "b")->health, MW_HEALTH_HEALTHY);
    assert_int_equal(closed, 0);
    end();
    assert_int_equal(closed, 2);
}

static void what_is_removed_goes_body(void)
{
    begin();
    replace(made(&b), made(&b), 1);
    assert_null(mw_watch_find(watch, "a"));
    sleep_ms(100);
    assert_int_equal(closed, 1);
    assert_null(watch->retired);
    end();
    assert_int_equal(closed, 2);
}

static void what_is_held_stays_alive_body(void)
{
    struct mw_error error = {0};
    begin();
    struct mw_resource *first = mw_watch_find(watch, "a");
    TALLOC_CTX *one = talloc_new(NULL), *other = talloc_new(NULL);
    mw_watch_hold(first, one);
    mw_watch_hold(first, other);
    mw_watch_hold(NULL, other);
    replace(made(&a), made(&b), 2);
    size_t probes = fake_of(first)->probes;
    talloc_free(one);
    sleep_ms(5000);
    assert_int_equal(closed, 0);
    assert_int_equal(fake_of(first)->probes, probes);
    assert_string_equal(first->name, "a");
    assert_false(mw_watch_await(first, mw_mono_now(), mw_deadline_in(1000), &error));
    assert_int_equal(error.class, MW_ERROR_PERMANENT);
    talloc_free(other);
    sleep_ms(1);
    assert_int_equal(closed, 1);
    end();
}

static void a_probe_in_progress_ends_unheard_body(void)
{
    begin();
    own = SCRIPT(100);
    own.takes_ms = 1500;
    sleep_ms(700);
    struct mw_resource *first = mw_watch_find(watch, "a");
    assert_int_equal(fake_of(first)->running, 1);
    int before = changes;
    a.hold = 1;
    replace(made(&b), made(&b), 1);
    own = SCRIPT(10);
    sleep_ms(500);
    assert_int_equal(closed, 0);
    sleep_ms(1500);
    assert_int_equal(closed, 1);
    /* Only that of the new one. */
    assert_int_equal(changes, before + 1);
    end();
}

static bool told;

static void wait_for_sample(void *argument)
{
    struct mw_error error = {0};
    struct mw_resource *resource = argument;
    told = !mw_watch_await(resource, mw_mono_now() + 600000000000, MW_NO_DEADLINE, &error) &&
           error.class == MW_ERROR_PERMANENT;
}

static void who_waits_for_what_goes_is_told_body(void)
{
    struct mw_group group;
    begin();
    told = false;
    mw_group_init(&group);
    mw_fiber_spawn(&group, "waiter", wait_for_sample, mw_watch_find(watch, "a"));
    sleep_ms(10);
    replace(made(&a), made(&b), 2);
    sleep_ms(10);
    assert_true(told);
    mw_group_finish(&group);
    assert_int_equal(closed, 1);
    end();
}

static void what_is_normal_is_handed_on_body(void)
{
    begin();
    sleep_ms(20000);
    double normal = mw_watch_normal(mw_watch_find(watch, "a"), "level");
    assert_false(isnan(normal));
    a.hold = 5;
    replace(made(&a), made(&b), 2);
    assert_true(fabs(mw_watch_normal(mw_watch_find(watch, "a"), "level") - normal) < 0.001);
    assert_true(isnan(mw_watch_normal(mw_watch_find(watch, "b"), "level")));
    /* Another place has another normal. */
    struct mw_watch_entry moved = made(&a);
    moved.same_target = false;
    replace(moved, stays("b"), 2);
    assert_true(isnan(mw_watch_normal(mw_watch_find(watch, "a"), "level")));
    end();
}

static void the_lock_is_the_names_body(void)
{
    begin();
    struct mw_error error = {0};
    struct mw_resource *first = mw_watch_find(watch, "a");
    TALLOC_CTX *held = talloc_new(NULL);
    mw_watch_hold(first, held);
    assert_true(mw_lock_acquire(first->step_lock, mw_deadline_in(10), &error));
    replace(made(&b), made(&b), 1);
    replace(made(&a), stays("b"), 2);
    struct mw_resource *now = mw_watch_find(watch, "a");
    assert_false(mw_lock_acquire(now->step_lock, mw_deadline_in(10), &error));
    mw_lock_release(first->step_lock);
    talloc_free(held);
    sleep_ms(10);
    assert_int_equal(closed, 1);
    assert_true(mw_lock_acquire(now->step_lock, mw_deadline_in(10), &error));
    mw_lock_release(now->step_lock);
    end();
}

static void all_or_nothing_body(void)
{
    struct mw_error error = {0};
    begin();
    struct fake_config bad = SCRIPT(10);
    bad.rejects = true;
    struct mw_resource *first = mw_watch_find(watch, "a");
    struct mw_watch_entry faulty = made(&b);
    faulty.kind_config = &bad;
    const struct mw_watch_entry entries[] = {made(&a), faulty};
    assert_false(mw_watch_replace(watch, entries, 2, NULL, &error));
    assert_non_null(strstr(error.text, "b: no such tank"));
    assert_int_equal(watch->count, 1);
    assert_ptr_equal(mw_watch_find(watch, "a"), first);
    sleep_ms(1000);
    assert_int_equal(closed, 0);
    end();
}

static bool kept_gone;

static int note_end(char *keeper)
{
    kept_gone = true;
    return 0;
}

static void the_configuration_lives_as_long_as_its_resources_body(void)
{
    struct mw_error error = {0};
    begin();
    kept_gone = false;
    char *keeper = talloc_strdup(NULL, "what a configuration hangs on");
    talloc_set_destructor(keeper, note_end);
    const struct mw_watch_entry entries[] = {made(&a), made(&b)};
    assert_true(mw_watch_replace(watch, entries, 2, keeper, &error));
    talloc_unlink(NULL, keeper);
    sleep_ms(100);
    replace(stays("b"), made(&a), 2);
    sleep_ms(100);
    assert_false(kept_gone);
    replace(made(&a), made(&b), 2);
    sleep_ms(100);
    assert_true(kept_gone);
    end();
}

/* It must not matter when midwatch is stopped. */
static void stopping_closes_what_waits_body(void)
{
    begin();
    TALLOC_CTX *held = talloc_new(NULL);
    mw_watch_hold(mw_watch_find(watch, "a"), held);
    replace(made(&a), made(&b), 2);
    sleep_ms(10);
    mw_watch_stop(watch);
    assert_int_equal(closed, 3);
    talloc_free(held);
    TALLOC_FREE(watch);
}

#define BODY_TEST(name)            \
    static void name(void **state) \
    {                              \
        in_fiber(name##_body);     \
    }

BODY_TEST(what_stays_goes_on)
BODY_TEST(what_is_removed_goes)
BODY_TEST(what_is_held_stays_alive)
BODY_TEST(a_probe_in_progress_ends_unheard)
BODY_TEST(who_waits_for_what_goes_is_told)
BODY_TEST(what_is_normal_is_handed_on)
BODY_TEST(the_lock_is_the_names)
BODY_TEST(all_or_nothing)
BODY_TEST(the_configuration_lives_as_long_as_its_resources)
BODY_TEST(stopping_closes_what_waits)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_virtual(what_stays_goes_on),
        test_in_virtual(what_is_removed_goes),
        test_in_virtual(what_is_held_stays_alive),
        test_in_virtual(a_probe_in_progress_ends_unheard),
        test_in_virtual(who_waits_for_what_goes_is_told),
        test_in_virtual(what_is_normal_is_handed_on),
        test_in_virtual(the_lock_is_the_names),
        test_in_virtual(all_or_nothing),
        test_in_virtual(the_configuration_lives_as_long_as_its_resources),
        test_in_virtual(stopping_closes_what_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
