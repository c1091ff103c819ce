/* SPDX-License-Identifier: Apache-2.0 */
/* `midwatch run`: the daemon. Wires the rooms together, and takes them apart in the other order. */
#include <signal.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/daemon.h"
#include "evaluate/report.h"
#include "runtime/runtime.h"

#define ROOM        "midwatch"
#define LAG_LOOK_MS 10000
#define LAG_MS_MAX  50

static struct mw_planner *open_planner(TALLOC_CTX *memory, const struct mw_planner_ops *ops,
                                       const struct mw_llm_settings *llm, const void *config,
                                       struct mw_error *error)
{
    struct mw_planner *planner = talloc_zero(memory, struct mw_planner);
    planner->ops = ops;
    return ops->create(planner, config, llm->common.runbooks, error) ? planner : NULL;
}

/* The planner that is asked first, and the runbooks behind a model. */
static bool open_planners(const struct mw_llm_settings *llm, TALLOC_CTX *memory,
                          struct mw_respond_settings *respond, struct mw_error *error)
{
    respond->planner_timeout = llm->common.timeout;
    respond->planner = open_planner(memory, llm->ops, llm, llm->config, error);
    const struct mw_planner_ops *runbook = mw_registry_planners[0];
    if (respond->planner == NULL || llm->ops == runbook || llm->common.fallback == MW_FALLBACK_NONE)
        return respond->planner != NULL;
    respond->fallback = open_planner(memory, runbook, llm, NULL, error);
    return respond->fallback != NULL;
}

static json_t *make_report(void *context, const char *length, struct mw_error *error)
{
    const struct mw_daemon *self = context;
    int64_t ms;
    if (!mw_report_length(length, &ms, error))
        return NULL;
    /* Another configuration may come while the record is read. */
    char *name = talloc_strdup(NULL, self->settings->root.name);
    struct mw_report *report = mw_report_make(NULL, self->record, name, ms, 0, error);
    json_t *document = report != NULL ? mw_report_to_json(report) : NULL;
    talloc_free(report);
    talloc_free(name);
    return document;
}

bool mw_daemon_respond_settings(const struct mw_settings *settings, void *generation,
                                struct mw_respond_settings *out, struct mw_error *error)
{
    *out = (struct mw_respond_settings){.policy = settings->root.policy,
                                        .role_of = mw_people_role,
                                        .people = &settings->root.people,
                                        .maintenance = settings->root.maintenance,
                                        .keeper = generation};
    return open_planners(&settings->llm, generation, out, error);
}

struct mw_converse_settings mw_daemon_converse_settings(struct mw_daemon *self)
{
    const struct mw_root *root = &self->settings->root;
    return (struct mw_converse_settings){.name = root->name,
                                         .people = root->people,
                                         .policy = root->policy,
                                         .report = {self, make_report}};
}

static bool open_rooms(struct mw_daemon *self, struct mw_error *error)
{
    const struct mw_settings *settings = self->settings;
    struct mw_respond_settings respond;
    self->watch = mw_settings_watch(self->memory, settings, error);
    if (self->watch == NULL ||
        !mw_daemon_respond_settings(settings, self->generation, &respond, error))
        return false;
    self->record = mw_record_open(self->memory, mw_registry_stores[0], settings->root.store,
                                  MW_STORE_ACTIVE, error);
    if (self->record == NULL)
        return false;

    const struct mw_converse_settings converse = mw_daemon_converse_settings(self);
    self->converse = mw_converse_create(self->memory, self->watch, self->record, &converse);
    self->respond = mw_respond_create(self->memory, self->watch, self->record, &respond,
                                      mw_converse_listener(self->converse));
    mw_converse_attach(self->converse, self->respond);
    for (size_t i = 0; i < settings->chat_count; i++) {
        if (!mw_converse_add_chat(self->converse, settings->chats[i].ops, settings->chats[i].config,
                                  error))
            return false;
    }
    return true;
}

static bool start_rooms(struct mw_daemon *self, struct mw_error *error)
{
    /* Events recorded and not handled before a death refer to incidents, so those come first. */
    if (!mw_respond_start(self->respond, error) || !mw_converse_start(self->converse, error))
        return false;
    mw_watch_start(self->watch);
    return true;
}

static void close_rooms(struct mw_daemon *self)
{
    if (self->respond != NULL)
        mw_respond_stop(self->respond);
    if (self->converse != NULL)
        mw_converse_stop(self->converse);
    if (self->watch != NULL)
        mw_watch_stop(self->watch);
    if (self->record != NULL)
        mw_record_close(self->record);
}

/* The loop's own lag is told when it could have been felt. */
static void watch_loop(void *argument)
{
    struct mw_error error;
    while (mw_sleep(LAG_LOOK_MS, &error)) {
        struct mw_loop_stats stats = mw_loop_stats();
        if (stats.lag_ms_max > LAG_MS_MAX)
            mw_log_warning(ROOM, "the loop was held up for %.0f ms", stats.lag_ms_max);
        mw_log_debug(ROOM, "loop: lag at most %.1f ms, %zu fibers, %zu stacks", stats.lag_ms_max,
                     stats.fibers, stats.stacks);
    }
}

static void forget_what_is_old(void *argument)
{
    struct mw_daemon *self = argument;
    mw_retention_run(self->record, &self->retention);
}

static void tell_of_heartbeat(void *context, enum mw_heartbeat_state state, const char *text)
{
    struct mw_daemon *self = context;
    if (state == MW_HEARTBEAT_HEARD || state == MW_HEARTBEAT_NEW)
        mw_converse_notice_over(self->converse, "heartbeat", text);
    else
        mw_converse_notice(self->converse, "heartbeat", text);
}

static void start_heartbeat(struct mw_daemon *self, struct mw_group *group)
{
    mw_heartbeat_init(&self->heartbeat, self->memory, self->watch, self->record);
    self->heartbeat.tell = tell_of_heartbeat;
    self->heartbeat.context = self;
    mw_heartbeat_follow(&self->heartbeat, self->settings->root.heartbeat);
    mw_fiber_spawn(group, "heartbeat", mw_heartbeat_run, &self->heartbeat);
}

static void wait_for_end(struct mw_daemon *self)
{
    int number;
    while ((number = mw_signal_wait()) == SIGHUP)
        mw_daemon_reload(self);
    mw_log_info(ROOM, "stopping (%s)", number == SIGTERM ? "SIGTERM" : "SIGINT");
}

static int command_run(const struct mw_invocation *invocation, const struct mw_settings *settings)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    struct mw_daemon self = {.file = invocation->file,
                             .started = settings,
                             .settings = settings,
                             .memory = memory,
                             .generation = talloc_new(memory),
                             .retention = *settings->root.retention};
    struct mw_error error = {0};
    mw_log_setup((enum mw_log_level)settings->root.log->level, settings->root.log->format == 1);
    int status = MW_EXIT_OK;
    if (open_rooms(&self, &error) && start_rooms(&self, &error)) {
        mw_log_info(ROOM, "%s: watching %zu resource%s", settings->root.name, self.watch->count,
                    self.watch->count == 1 ? "" : "s");
        struct mw_group own;
        mw_group_init(&own);
        mw_fiber_spawn(&own, "loop lag", watch_loop, NULL);
        mw_fiber_spawn(&own, "retention", forget_what_is_old, &self);
        start_heartbeat(&self, &own);
        wait_for_end(&self);
        mw_group_finish(&own);
    } else {
        status = mw_complain(&error);
    }
    close_rooms(&self);
    talloc_free(memory);
    return status;
}

const struct mw_subcommand mw_command_run = {
    .name = "run",
    .arguments = "",
    .help = "the daemon: watches, tells, asks, acts",
    .needs_settings = true,
    .run = command_run,
};
