/* SPDX-License-Identifier: Apache-2.0 */
#include "converse/converse.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "converse/room.h"

/* How long stopping waits for what is under way. */
#define SETTLE_MS 3000

#define INCIDENTS_MAX 1000

static void on_change(void *context, const struct mw_incident *incident)
{
    mw_reconcile_mark(context, incident->id);
}

struct mw_converse *mw_converse_create(TALLOC_CTX *memory, struct mw_watch *watch,
                                       struct mw_record *record,
                                       const struct mw_converse_settings *settings)
{
    struct mw_converse *converse = talloc_zero(memory, struct mw_converse);
    if (converse == NULL) {
        return NULL;
    }
    converse->watch = watch;
    converse->record = record;
    converse->settings = *settings;
    converse->listener = (struct mw_respond_listener){
        .context = converse,
        .changed = on_change,
        .impaired = mw_converse_impaired,
        .blind = mw_converse_blind,
        .unrecorded = mw_outage_alarm,
    };
    mw_condition_init(&converse->dirtied);
    mw_condition_init(&converse->noticed);
    mw_condition_init(&converse->settled);
    mw_group_init(&converse->chats);
    mw_group_init(&converse->fibers);
    return converse;
}

const struct mw_respond_listener *mw_converse_listener(struct mw_converse *converse)
{
    return &converse->listener;
}

void mw_converse_attach(struct mw_converse *converse, struct mw_respond *respond)
{
    converse->respond = respond;
}

void mw_converse_reload(struct mw_converse *converse, const struct mw_converse_settings *settings)
{
    converse->settings = *settings;
    TALLOC_CTX *memory = talloc_new(NULL);
    size_t count = 0;
    int64_t *open = mw_respond_open(converse->respond, memory, &count);
    for (size_t i = 0; i < count; i++) {
        mw_reconcile_mark(converse, open[i]);
    }
    talloc_free(memory);
    mw_blind_forget(converse);
}

/* The kind, numbered from the second of its kind on. The outbox is kept by it, so it depends on the
 * order of the configuration alone. */
static const char *channel_name(struct mw_converse *converse, struct mw_channel *channel,
                                const char *kind)
{
    int number = 1;
    for (size_t i = 0; i < converse->channel_count; i++) {
        number += strcmp(converse->channels[i]->chat->ops->kind, kind) == 0;
    }
    return number == 1 ? talloc_strdup(channel, kind)
                       : talloc_asprintf(channel, "%s-%d", kind, number);
}

bool mw_converse_add_chat(struct mw_converse *converse, const struct mw_chat_ops *ops,
                          const void *config, struct mw_error *error)
{
    struct mw_channel **grown = talloc_realloc(converse, converse->channels, struct mw_channel *,
                                               converse->channel_count + 1);
    struct mw_channel *channel = grown != NULL ? talloc_zero(converse, struct mw_channel) : NULL;
    if (channel == NULL) {
        return mw_error_set(error, MW_ERROR_RETRY, "out of memory");
    }
    converse->channels = grown;
    channel->converse = converse;
    channel->host =
        (struct mw_chat_host){channel, mw_channel_event, mw_channel_standing, mw_channel_trouble};
    channel->chat = talloc_zero(channel, struct mw_chat);
    if (channel->chat == NULL) {
        talloc_free(channel);
        return mw_error_set(error, MW_ERROR_RETRY, "out of memory");
    }
    channel->chat->ops = ops;
    channel->chat->name = channel_name(converse, channel, ops->kind);
    channel->chat->host = &channel->host;
    mw_condition_init(&channel->due);
    mw_condition_init(&channel->arrived);
    if (!ops->create(channel->chat, config, error)) {
        talloc_free(channel);
        return mw_error_wrap(error, "chat %s", ops->kind);
    }
    converse->channels[converse->channel_count++] = channel;
    return true;
}

/* ---- life ---- */

static void run_chat(void *argument)
{
    struct mw_channel *channel = argument;
    channel->chat->ops->run(channel->chat);
}

static bool mark_all(struct mw_converse *converse, enum mw_incident_filter filter,
                     struct mw_error *error)
{
    size_t count;
    int64_t *ids =
        mw_record_incidents(converse->record, converse, filter, INCIDENTS_MAX, &count, error);
    if (ids == NULL) {
        return false;
    }
    for (size_t i = count; i > 0; i--) {
        mw_reconcile_mark(converse, ids[i - 1]);
    }
    talloc_free(ids);
    return true;
}

bool mw_converse_start(struct mw_converse *converse, struct mw_error *error)
{
    if (!mark_all(converse, MW_INCIDENTS_UNTOLD, error) ||
        !mark_all(converse, MW_INCIDENTS_OPEN, error) || !mw_channel_recover(converse, error)) {
        return mw_error_wrap(error, "cannot take up what chat was not told");
    }
    mw_fiber_spawn(&converse->fibers, "reconcile", mw_reconcile_run, converse);
    mw_fiber_spawn(&converse->fibers, "notices", mw_notice_run, converse);
    for (size_t i = 0; i < converse->channel_count; i++) {
        struct mw_channel *channel = converse->channels[i];
        channel->delivering = true;
        channel->runner = mw_fiber_spawn(&converse->chats, channel->chat->name, run_chat, channel);
        mw_fiber_spawn(&converse->fibers, "outbox", mw_channel_deliver_run, channel);
        mw_fiber_spawn(&converse->fibers, "inbox", mw_channel_handle_run, channel);
    }
    return true;
}

static bool is_settled(const struct mw_converse *converse)
{
    if (converse->dirty_count > 0 || converse->reconciling || mw_notice_is_due(converse)) {
        return false;
    }
    for (size_t i = 0; i < converse->channel_count; i++) {
        const struct mw_channel *channel = converse->channels[i];
        if (channel->delivering || channel->handling || channel->errands > 0) {
            return false;
        }
    }
    return true;
}

void mw_converse_stop(struct mw_converse *converse)
{
    struct mw_deadline deadline = mw_deadline_in(SETTLE_MS);
    struct mw_error error;
    converse->stopping = true;
    for (size_t i = 0; i < converse->channel_count; i++) {
        mw_condition_notify(&converse->channels[i]->due);
    }
    while (!is_settled(converse) && converse->fibers.count > 0) {
        if (!mw_condition_wait(&converse->settled, deadline, &error)) {
            mw_log_warning("converse",
                           "not everything could be delivered; the next start takes it up");
            break;
        }
    }
    /* The chats last: nobody may be in the middle of a post when they close. */
    mw_group_finish(&converse->fibers);
    mw_group_finish(&converse->chats);
    for (size_t i = 0; i < converse->channel_count; i++) {
        mw_channel_forget(converse->channels[i]);
    }
}
