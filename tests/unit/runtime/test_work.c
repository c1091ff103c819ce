/* SPDX-License-Identifier: Apache-2.0 */
#include "helper.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "runtime/work.h"

struct sum {
    int a, b, total;
    pthread_t thread;
};

static sem_t gate;
static int freed;

static int count_freed(void *job)
{
    freed++;
    return 0;
}

static struct sum *new_sum(int a, int b)
{
    struct sum *sum = talloc_zero(NULL, struct sum);
    sum->a = a;
    sum->b = b;
    talloc_set_destructor((void *)sum, count_freed);
    return sum;
}

static int open_gated(void **state)
{
    freed = 0;
    sem_init(&gate, 0, 0);
    return open_loop(state);
}

static int close_gated(void **state)
{
    close_loop(state);
    sem_destroy(&gate);
    return 0;
}

#define test_gated(test) cmocka_unit_test_setup_teardown(test, open_gated, close_gated)

static void add(void *job)
{
    struct sum *sum = job;
    sum->total = sum->a + sum->b;
    sum->thread = pthread_self();
}

static void add_behind_gate(void *job)
{
    while (sem_wait(&gate) != 0)
        continue;
    add(job);
}

static void body_pool(void)
{
    struct mw_error error;
    void *job = new_sum(40, 2);
    assert_true(mw_work(add, &job, mw_deadline_in(5000), &error));
    struct sum *sum = job;
    assert_int_equal(sum->total, 42);
    assert_false(pthread_equal(sum->thread, pthread_self()));
    talloc_free(job);
    assert_int_equal(freed, 1);
}

static void test_work_runs_on_another_thread(void **state)
{
    in_fiber(body_pool);
}

static void wait_until_freed(int count)
{
    struct mw_error error;
    struct mw_deadline deadline = mw_deadline_in(5000);
    while (freed < count && !mw_deadline_passed(deadline))
        assert_true(mw_sleep(1, &error));
    assert_int_equal(freed, count);
}

static void body_abandoned(void)
{
    struct mw_error error;
    void *job = new_sum(1, 2);
    assert_false(mw_work(add_behind_gate, &job, mw_deadline_in(10), &error));
    assert_int_equal(error.class, MW_ERROR_TIMEOUT);
    assert_null(job);
    assert_int_equal(freed, 0);
    sem_post(&gate);
    wait_until_freed(1);
}

static void test_an_abandoned_job_is_freed_when_it_has_ended(void **state)
{
    in_fiber(body_abandoned);
}

static void body_late(void)
{
    struct mw_error error;
    void *job = new_sum(1, 2);
    assert_false(mw_work(add, &job, mw_deadline_in(0), &error));
    assert_int_equal(error.class, MW_ERROR_TIMEOUT);
    assert_null(job);
    wait_until_freed(1);
}

static void test_work_without_time_is_not_begun(void **state)
{
    in_fiber(body_late);
}

static void work_until_cancelled(void *argument)
{
    struct mw_error error = {0};
    void *job = new_sum(1, 2);
    assert_false(mw_work(add_behind_gate, &job, mw_deadline_in(60000), &error));
    assert_int_equal(error.class, MW_ERROR_CANCELLED);
    assert_null(job);
    job = new_sum(1, 2);
    assert_false(mw_work(add, &job, mw_deadline_in(60000), &error));
    assert_int_equal(error.class, MW_ERROR_CANCELLED);
    assert_null(job);
}

static void body_cancelled(void)
{
    struct mw_group group;
    struct mw_error error;
    mw_group_init(&group);
    for (int i = 0; i < 10; i++)
        mw_fiber_spawn(&group, "working", work_until_cancelled, NULL);
    assert_true(mw_sleep(5, &error));
    mw_group_finish(&group);
    for (int i = 0; i < 10; i++)
        sem_post(&gate);
}

static void test_cancelled_work_is_freed_at_the_latest_with_the_loop(void **state)
{
    in_fiber(body_cancelled);
    mw_runtime_finish();
    assert_int_equal(freed, 20);
    open_loop(state);
}

static atomic_int entered;
static size_t batches[8];
static size_t batch_count;

static void add_all(void *context, void **jobs, size_t count)
{
    entered++;
    if (context != NULL)
        while (sem_wait(context) != 0)
            continue;
    assert_true(batch_count < 8);
    batches[batch_count++] = count;
    for (size_t i = 0; i < count; i++)
        add(jobs[i]);
}

static struct mw_worker *worker;
static int answered, refused;

static void call_worker(void *argument)
{
    struct mw_error error;
    void *job = new_sum(20, 3);
    if (mw_worker_call(worker, &job, false, mw_deadline_in(5000), &error)) {
        assert_int_equal(((struct sum *)job)->total, 23);
        answered++;
    } else {
        assert_int_equal(error.class, MW_ERROR_RETRY);
        assert_non_null(job);
        refused++;
    }
    talloc_free(job);
}

static void body_batches(void)
{
    struct mw_group group;
    struct mw_error error;
    batch_count = 0;
    answered = refused = 0;
    mw_group_init(&group);
    worker = mw_worker_create("adder", 4, add_all, &gate, &error);
    assert_non_null(worker);
    mw_fiber_spawn(&group, "caller", call_worker, NULL);
    entered = 0;
    struct mw_deadline deadline = mw_deadline_in(5000);
    while (entered == 0 && !mw_deadline_passed(deadline))
        assert_true(mw_sleep(1, &error));
    assert_int_equal(entered, 1);
    for (int i = 0; i < 6; i++)
        mw_fiber_spawn(&group, "caller", call_worker, NULL);
    mw_fiber_yield();
    mw_fiber_yield();
    assert_true(refused >= 1);
    for (int i = 0; i < 8; i++)
        sem_post(&gate);
    assert_true(mw_group_wait(&group, mw_deadline_in(5000), &error));
    assert_int_equal(answered + refused, 7);
    /* The first was in hand; four waited and went together; two found the queue full. */
    assert_int_equal(refused, 2);
    assert_int_equal(batch_count, 2);
    assert_int_equal(batches[0], 1);
    assert_int_equal(batches[1], 4);
    mw_worker_destroy(worker);
    assert_int_equal(freed, 7);
}

static void test_a_worker_does_what_waits_at_one_stroke(void **state)
{
    in_fiber(body_batches);
}

static enum mw_error_class ended_with;
static bool job_kept;

static void call_stubbornly(void *argument)
{
    struct mw_error error = {0};
    void *job = new_sum(1, 1);
    bool *uncancellable = argument;
    if (mw_worker_call(worker, &job, *uncancellable, mw_deadline_in(5000), &error))
        error.class = MW_ERROR_NONE;
    ended_with = error.class;
    job_kept = job != NULL;
    talloc_free(job);
}

static void run_and_cancel(bool uncancellable)
{
    struct mw_group group;
    struct mw_error error;
    mw_group_init(&group);
    worker = mw_worker_create("adder", 4, add_all, &gate, &error);
    mw_fiber_spawn(&group, "caller", call_stubbornly, &uncancellable);
    mw_fiber_yield();
    mw_group_cancel(&group);
    assert_true(mw_sleep(10, &error));
    assert_int_equal(group.count, uncancellable ? 1 : 0);
    sem_post(&gate);
    mw_group_finish(&group);
    mw_worker_destroy(worker);
}

static void body_cancel_call(void)
{
    batch_count = 0;
    run_and_cancel(false);
    assert_int_equal(ended_with, MW_ERROR_CANCELLED);
    assert_false(job_kept);
    wait_until_freed(1);
    run_and_cancel(true);
    assert_int_equal(ended_with, MW_ERROR_NONE);
    assert_true(job_kept);
    assert_int_equal(freed, 2);
}

static void test_only_a_cancellable_call_is_cancelled(void **state)
{
    in_fiber(body_cancel_call);
}

static void post_gate_later(void *argument)
{
    struct mw_error error;
    mw_sleep(10, &error);
    sem_post(&gate);
    sem_post(&gate);
}

static void body_destroy_waits(void)
{
    struct mw_group group;
    struct mw_error error;
    batch_count = 0;
    answered = refused = 0;
    mw_group_init(&group);
    worker = mw_worker_create("adder", 4, add_all, &gate, &error);
    mw_fiber_spawn(&group, "caller", call_worker, NULL);
    mw_fiber_spawn(&group, "poster", post_gate_later, NULL);
    mw_fiber_yield();
    mw_worker_destroy(worker);
    mw_group_finish(&group);
    assert_int_equal(answered, 1);
    mw_worker_destroy(NULL);
}

static void test_destroying_a_worker_waits_for_its_jobs(void **state)
{
    in_fiber(body_destroy_waits);
}

static void body_virtual(void)
{
    struct mw_error error;
    batch_count = 0;
    worker = mw_worker_create("adder", 4, add_all, NULL, &error);
    void *job = new_sum(4, 5);
    mw_mono_ns before = mw_mono_now();
    assert_true(mw_worker_call(worker, &job, true, mw_deadline_in(5000), &error));
    assert_true(pthread_equal(((struct sum *)job)->thread, pthread_self()));
    assert_int_equal(((struct sum *)job)->total, 9);
    assert_true(mw_work(add, &job, mw_deadline_in(5000), &error));
    assert_true(pthread_equal(((struct sum *)job)->thread, pthread_self()));
    assert_int_equal(mw_mono_now(), before);
    talloc_free(job);
    mw_worker_destroy(worker);
}

static void test_virtual_work_runs_inline(void **state)
{
    in_fiber(body_virtual);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_gated(test_work_runs_on_another_thread),
        test_gated(test_an_abandoned_job_is_freed_when_it_has_ended),
        test_gated(test_work_without_time_is_not_begun),
        test_gated(test_cancelled_work_is_freed_at_the_latest_with_the_loop),
        test_gated(test_a_worker_does_what_waits_at_one_stroke),
        test_gated(test_only_a_cancellable_call_is_cancelled),
        test_gated(test_destroying_a_worker_waits_for_its_jobs),
        test_in_virtual(test_virtual_work_runs_inline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
