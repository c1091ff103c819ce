/* SPDX-License-Identifier: Apache-2.0 */
/* The lives of the program within a world: its rooms are built on the same store again and again, and
 * end by being stopped, or by dying. */
#include <string.h>
#include <talloc.h>

#include "base/clock.h"
#include "converse/room.h"
#include "respond/case.h"
#include "runtime/runtime.h"
#include "simulation/checks.h"
#include "simulation/look.h"
#include "simulation/planners.h"
#include "simulation/policy.h"
#include "simulation/store.h"

#define SETTLE_MS        (6 * 3600 * INT64_C(1000))
#define SETTLE_STEP      5000
#define PLANNER_MS       20000
#define INCIDENTS_ENOUGH 60

struct sim sim;
struct sim_counts sim_counts;

/* The rooms of one process. */
struct rooms {
    TALLOC_CTX *memory;
    struct mw_section_list *people; /* of the settings in force */
    struct mw_record *record;
    struct mw_watch *watch;
    struct mw_converse *converse;
    struct mw_respond *respond;
};

/* ---- death ---- */

void sim_die(const char *where)
{
    if (sim.dead)
        return;
    sim.dead = true;
    sim_counts.deaths++;
    sim_say("process %d dies %s", sim.life, where);
    mw_condition_notify(&sim.death);
}

bool sim_refuse(struct mw_error *error)
{
    return mw_error_set(error, MW_ERROR_CANCELLED, "the process is dead");
}

bool sim_wait(int64_t ms, struct mw_deadline deadline, struct mw_error *error)
{
    struct mw_deadline end = mw_deadline_min(mw_deadline_in(ms), deadline);
    while (!sim.dead && !mw_deadline_passed(end)) {
        if (!mw_condition_wait(&sim.death, end, error) && error->class == MW_ERROR_CANCELLED)
            return false;
    }
    if (sim.dead)
        return sim_refuse(error);
    return !mw_deadline_passed(deadline) ||
           mw_error_set(error, MW_ERROR_TIMEOUT, "no answer in time");
}

/* ---- a process begins ---- */

static struct mw_respond_settings respond_settings(const struct rooms *rooms,
                                                   const struct mw_policy *policy)
{
    return (struct mw_respond_settings){.policy = policy,
                                        .planner = &sim_planner,
                                        .fallback = sim_chance(70) ? &sim_fallback : NULL,
                                        .planner_timeout = PLANNER_MS,
                                        .role_of = mw_people_role,
                                        .people = rooms->people};
}

static struct mw_converse_settings converse_settings(const struct rooms *rooms,
                                                     const struct mw_policy *policy)
{
    return (struct mw_converse_settings){
        .name = "simulated", .people = *rooms->people, .policy = policy};
}

static bool open_rooms(struct rooms *rooms, struct mw_error *error)
{
    TALLOC_CTX *memory = rooms->memory;
    rooms->people = sim_people_build(memory);
    const struct mw_policy *policy = sim_policy_build(memory);
    rooms->watch = mw_watch_create(memory);
    for (size_t i = 0; i < sim_thing_count; i++) {
        if (mw_watch_add(rooms->watch, sim_things[i].ops, &sim_things[i].config, NULL, error) ==
            NULL)
            sim_broken("%s is not watched: %s", sim_things[i].name, error->text);
    }
    rooms->record = mw_record_open(memory, &sim_store_ops, sim.store, MW_STORE_ACTIVE, error);
    if (rooms->record == NULL)
        return false;
    sim_look_open(sim.store);
    const struct mw_converse_settings converse = converse_settings(rooms, policy);
    rooms->converse = mw_converse_create(memory, rooms->watch, rooms->record, &converse);
    const struct mw_respond_settings respond = respond_settings(rooms, policy);
    rooms->respond = mw_respond_create(memory, rooms->watch, rooms->record, &respond,
                                       mw_converse_listener(rooms->converse));
    mw_converse_attach(rooms->converse, rooms->respond);
    for (int i = 0; i < SIM_PLATFORMS; i++) {
        if (!mw_converse_add_chat(rooms->converse, sim_platform_ops[i], NULL, error))
            sim_broken("no chat: %s", error->text);
    }
    return true;
}

static bool begin(struct rooms *rooms)
{
    struct mw_error error = {0};
    *rooms = (struct rooms){.memory = talloc_new(NULL)};
    sim.dead = false;
    sim.life++;
    sim_counts.lives++;
    sim_say("process %d begins", sim.life);
    if (!open_rooms(rooms, &error) || !mw_respond_start(rooms->respond, &error) ||
        !mw_converse_start(rooms->converse, &error)) {
        sim_say("process %d cannot begin: %s", sim.life, error.text);
        sim_require(sim.dead || sim_store_was_troubled(mw_mono_now() - INT64_C(30000000000)) ||
                        error.class == MW_ERROR_TIMEOUT,
                    "a process cannot begin: %s", error.text);
        return false;
    }
    mw_watch_start(rooms->watch);
    return true;
}

/* ---- and ends ---- */

/* Nothing that still runs may go on as if it were alive. */
static void cancel_all(struct rooms *rooms)
{
    if (rooms->respond != NULL)
        mw_group_cancel(&rooms->respond->fibers);
    if (rooms->converse != NULL) {
        mw_group_cancel(&rooms->converse->fibers);
        mw_group_cancel(&rooms->converse->chats);
    }
    mw_group_cancel(&rooms->watch->fibers);
}

static void end(struct rooms *rooms)
{
    if (sim.dead)
        cancel_all(rooms);
    else
        sim_say("process %d is stopped", sim.life);
    if (!sim.dead && rooms->record != NULL)
        sim_check_audit(rooms->record);
    if (rooms->respond != NULL)
        mw_respond_stop(rooms->respond);
    if (rooms->converse != NULL)
        mw_converse_stop(rooms->converse);
    mw_watch_stop(rooms->watch);
    if (rooms->record != NULL)
        mw_record_close(rooms->record);
    sim.dead = true;
    talloc_free(rooms->memory);
    mw_fiber_yield(); /* what was to be freed at the end of the turn */
    for (size_t i = 0; i < sim_thing_count; i++)
        sim_require(!sim_things[i].acting, "a tool on %s outlived its process", sim_things[i].name);
    sim_require(mw_loop_stats().fibers == 1 + sim.fibers.count, "%zu fibers outlived their process",
                mw_loop_stats().fibers - 1 - sim.fibers.count);
}

/* ---- the world ---- */

static bool begin_patiently(struct rooms *rooms)
{
    struct mw_error error;
    for (int tries = 0; tries < 100; tries++) {
        if (begin(rooms))
            return true;
        end(rooms);
        mw_sleep(5000, &error);
    }
    sim_broken("the program never began again");
}

static void plan_death(void)
{
    int64_t way = sim_between(0, 9);
    if (way < 5)
        sim_store_kill_in((int)sim_between(1, 150));
}

/* Other people and another policy come into force while it lives; the earlier ones stay until it ends. */
static void reload(struct rooms *rooms)
{
    sim_counts.reloads++;
    sim.reloaded = mw_mono_now();
    sim_say("process %d reads other settings", sim.life);
    sim_people_change();
    sim_policy_make(false);
    rooms->people = sim_people_build(rooms->memory);
    const struct mw_policy *policy = sim_policy_build(rooms->memory);
    const struct mw_converse_settings converse = converse_settings(rooms, policy);
    const struct mw_respond_settings respond = respond_settings(rooms, policy);
    mw_converse_reload(rooms->converse, &converse);
    mw_respond_reload(rooms->respond, &respond);
}

static void live_until(struct mw_deadline deadline)
{
    struct mw_error error;
    while (!sim.dead && !mw_deadline_passed(deadline))
        mw_condition_wait(&sim.death, deadline, &error);
}

/* Until the process dies or the time comes to stop it, or to kill it from outside. */
static void live(struct rooms *rooms, mw_mono_ns until)
{
    int64_t ms = sim_between(5, 900) * 1000;
    struct mw_deadline deadline = mw_deadline_min(mw_deadline_in(ms), (struct mw_deadline){until});
    plan_death();
    if (sim_chance(25)) {
        live_until(mw_deadline_min(mw_deadline_in(sim_between(0, ms)), deadline));
        if (!sim.dead)
            reload(rooms);
    }
    live_until(deadline);
    sim_store_kill_in(0);
    if (!sim.dead && mw_mono_now() < until && sim_chance(60))
        sim_die("from outside");
}

static void pass_time(void)
{
    struct mw_error error;
    mw_mono_ns until = mw_mono_now() + sim_between(1200, 7200) * INT64_C(1000000000);
    struct rooms rooms;
    while (mw_mono_now() < until &&
           (!sim_look_is_open() ||
            sim_look_count("SELECT COUNT(*) FROM incident", 0, 0) < INCIDENTS_ENOUGH)) {
        begin_patiently(&rooms);
        live(&rooms, until);
        end(&rooms);
        mw_sleep(sim_between(10, sim_chance(80) ? 5000 : 90000), &error);
        sim_people_change();
        if (sim_chance(30))
            sim_policy_make(false);
    }
}

/* Everything heals and everybody is silent; what is open comes to its end. */
static void calm_down(void)
{
    struct mw_error error;
    struct rooms rooms;
    sim.calm = true;
    sim_store_mend();
    sim_say("the world calms down");
    for (size_t i = 0; i < sim_thing_count; i++)
        sim_thing_heal(&sim_things[i]);
    begin_patiently(&rooms);
    struct mw_deadline deadline = mw_deadline_in(SETTLE_MS);
    while (!sim_check_settled()) {
        sim_require(!mw_deadline_passed(deadline), "it does not come to rest");
        mw_sleep(SETTLE_STEP, &error);
    }
    end(&rooms);
    sim_check_end();
}

void sim_world_run(void)
{
    sim.dead = true;
    sim.calm = false;
    sim.life = 0;
    sim.jumped = sim.reloaded = 0;
    mw_condition_init(&sim.death);
    mw_group_init(&sim.fibers);
    sim_checks_begin();
    sim_things_make();
    sim_people_make();
    sim_platforms_make();
    sim_store_mend();
    sim_policy_make(true);
    mw_fiber_spawn(&sim.fibers, "script", sim_script_run, NULL);
    mw_fiber_spawn(&sim.fibers, "people", sim_people_run, NULL);
    pass_time();
    calm_down();
    mw_group_finish(&sim.fibers);
    sim_look_close();
    sim_delivery_forget();
    sim_ledger_forget();
    sim_platforms_forget();
    sim_checks_end();
    sim_counts.worlds++;
}
