/* SPDX-License-Identifier: Apache-2.0 */
/* One fiber per chat delivers what its outbox has: in order, each message until it stands. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "converse/room.h"

#define BATCH          50
#define DELIVER_MS     30000
#define BACKOFF_MS     500
#define BACKOFF_MS_MAX 60000
#define HELD_MS        300000
#define HELD_MS_MAX    3600000
#define HELD_MAX       200
#define EDIT_PAUSE_MS  1000
#define POSTED_MAX     64

/* ---- messages that were refused for good ---- */

static struct mw_held *find_held(struct mw_channel *channel, const struct mw_outbox_row *row)
{
    for (size_t i = 0; i < channel->held_count; i++) {
        if (channel->held[i].row == row->id) {
            return &channel->held[i];
        }
    }
    return NULL;
}

/* A new content is worth a new try at once. */
static bool is_held(struct mw_channel *channel, const struct mw_outbox_row *row)
{
    const struct mw_held *held = find_held(channel, row);
    return held != NULL && held->revision == row->revision && mw_mono_now() < held->until;
}

static void hold(struct mw_channel *channel, const struct mw_outbox_row *row,
                 const struct mw_error *error)
{
    struct mw_held *held = find_held(channel, row);
    if (held == NULL || held->revision != row->revision) {
        mw_log_warning("converse", "%s refuses I%" PRId64 "/%s: %s", channel->chat->name,
                       row->incident, row->slot, error->text);
    }
    if (held == NULL) {
        if (channel->held == NULL) {
            channel->held = talloc_array(channel, struct mw_held, HELD_MAX);
        }
        if (channel->held == NULL) {
            return;
        }
        /* When there are that many, the one that waited longest gets its next try earlier. */
        held = channel->held_count < HELD_MAX ? &channel->held[channel->held_count++]
                                              : &channel->held[0];
        *held = (struct mw_held){.row = row->id};
    }
    held->wait_ms = held->wait_ms == 0                ? HELD_MS
                    : held->wait_ms * 2 > HELD_MS_MAX ? HELD_MS_MAX
                                                      : held->wait_ms * 2;
    held->revision = row->revision;
    held->until = mw_mono_now() + held->wait_ms * INT64_C(1000000);
}

static void release(struct mw_channel *channel, const struct mw_outbox_row *row)
{
    struct mw_held *held = find_held(channel, row);
    if (held != NULL) {
        *held = channel->held[--channel->held_count];
    }
}

bool mw_channels_put(struct mw_converse *converse, int64_t incident,
                     const struct mw_outbox_item *items, size_t count, struct mw_error *error)
{
    for (size_t i = 0; i < converse->channel_count; i++) {
        struct mw_channel *channel = converse->channels[i];
        if (!mw_outbox_put(converse->record, channel->chat->name, incident, items, count, error)) {
            return false;
        }
        channel->delivering = true;
        channel->put_meanwhile = true;
        mw_condition_notify(&channel->due);
    }
    return true;
}

/* The card's reference for what belongs below it; what is about no incident belongs to the channel. False:
 * the card does not stand yet. */
static bool find_thread(struct mw_channel *channel, TALLOC_CTX *memory,
                        const struct mw_outbox_row *row, char **thread, struct mw_error *error)
{
    *thread = NULL;
    if (row->incident == 0 || strcmp(row->slot, "card") == 0) {
        return true;
    }
    if (!mw_outbox_reference(channel->converse->record, memory, channel->chat->name, row->incident,
                             "card", thread, error)) {
        channel->record_fails = true;
        return false;
    }
    return *thread != NULL ||
           mw_error_set(error, MW_ERROR_REFUSED, "its card does not stand there yet");
}

/* ---- what stands on the platform and not in the record ---- */

static struct mw_posted *find_posted(struct mw_channel *channel, const struct mw_outbox_row *row)
{
    for (size_t i = 0; i < channel->posted_count; i++) {
        if (channel->posted[i].row == row->id) {
            return &channel->posted[i];
        }
    }
    return NULL;
}

static void forget_posted(struct mw_channel *channel, const struct mw_outbox_row *row)
{
    struct mw_posted *posted = find_posted(channel, row);
    if (posted != NULL) {
        talloc_free(posted->reference);
        *posted = channel->posted[--channel->posted_count];
    }
}

static void keep_posted(struct mw_channel *channel, const struct mw_outbox_row *row,
                        const char *reference)
{
    struct mw_posted *posted = find_posted(channel, row);
    if (posted != NULL) {
        posted->revision = row->revision;
        return;
    }
    if (channel->posted_count == POSTED_MAX) {
        forget_posted(channel, &(struct mw_outbox_row){.id = channel->posted[0].row});
    }
    char *copy = talloc_strdup(channel, reference);
    struct mw_posted *grown =
        copy != NULL
            ? talloc_realloc(channel, channel->posted, struct mw_posted, channel->posted_count + 1)
            : NULL;
    if (grown == NULL) {
        talloc_free(copy);
        return;
    }
    channel->posted = grown;
    grown[channel->posted_count++] = (struct mw_posted){row->id, row->revision, copy};
}

/* ---- delivering ---- */

/* Brings the platform to what the row says; `*reference` is where it stands, NULL: nowhere yet. */
static bool send(struct mw_channel *channel, TALLOC_CTX *memory, const struct mw_outbox_row *row,
                 const char *thread, char **reference, struct mw_error *error)
{
    struct mw_chat *chat = channel->chat;
    struct mw_deadline deadline = mw_deadline_in(DELIVER_MS);
    if (*reference != NULL) {
        return chat->ops->edit(chat, *reference, row->message, thread, deadline, error);
    }
    if (!mw_outbox_posting(channel->converse->record, row, error)) {
        channel->record_fails = true;
        return false;
    }
    char *key = talloc_asprintf(memory, "I%" PRId64 "/%s", row->incident, row->slot);
    return chat->ops->post(chat, key, row->message, thread, deadline, memory, reference, error);
}

/* A message that may stand there already is looked for; then it only has to say what it should say now. */
static bool look_for(struct mw_channel *channel, TALLOC_CTX *memory,
                     const struct mw_outbox_row *row, const char *thread, char **reference,
                     struct mw_error *error)
{
    struct mw_chat *chat = channel->chat;
    if (*reference != NULL || !row->in_doubt || chat->ops->find == NULL) {
        return true;
    }
    char *key = talloc_asprintf(memory, "I%" PRId64 "/%s", row->incident, row->slot);
    return chat->ops->find(chat, key, thread, mw_deadline_in(DELIVER_MS), memory, reference, error);
}

static bool deliver(struct mw_channel *channel, TALLOC_CTX *memory, const struct mw_outbox_row *row,
                    const char *thread, struct mw_error *error)
{
    const struct mw_posted *posted = find_posted(channel, row);
    char *reference = posted != NULL ? talloc_strdup(memory, posted->reference) : row->reference;
    if (posted == NULL || posted->revision != row->revision) {
        if (!look_for(channel, memory, row, thread, &reference, error) ||
            !send(channel, memory, row, thread, &reference, error)) {
            return false;
        }
        /* Should the record fail now, nobody is shown it twice. */
        keep_posted(channel, row, reference);
    }
    if (!mw_outbox_delivered(channel->converse->record, row, reference, error)) {
        channel->record_fails = true;
        return false;
    }
    forget_posted(channel, row);
    return true;
}

/* One row. False: trouble that concerns the whole chat, or the record. */
static bool deliver_row(struct mw_channel *channel, TALLOC_CTX *memory,
                        const struct mw_outbox_row *row, bool *delivered, struct mw_error *error)
{
    char *thread;
    if (is_held(channel, row)) {
        return true;
    }
    if (!find_thread(channel, memory, row, &thread, error)) {
        return !channel->record_fails;
    }
    if (deliver(channel, memory, row, thread, error)) {
        release(channel, row);
        channel->delivered_at = mw_mono_now();
        *delivered = true;
        return true;
    }
    if (channel->record_fails || error->class == MW_ERROR_RETRY ||
        error->class == MW_ERROR_TIMEOUT || error->class == MW_ERROR_CANCELLED) {
        return false;
    }
    hold(channel, row, error);
    return true;
}

/* Edits come at most once a second, so that what changes quickly is shown once; what is new behind them
 * keeps its place in the order. Milliseconds until the next may come; 0: now. */
static int64_t pause_left(struct mw_channel *channel, const struct mw_outbox_row *rows,
                          size_t count)
{
    bool edits = false;
    for (size_t i = 0; i < count; i++) {
        edits = edits || (rows[i].reference != NULL && !is_held(channel, &rows[i]));
    }
    if (!edits || channel->delivered_at == 0 || channel->converse->stopping) {
        return 0;
    }
    int64_t left = EDIT_PAUSE_MS - (mw_mono_now() - channel->delivered_at) / 1000000;
    return left > 0 ? left : 0;
}

/* An alarm waits for nothing. */
static bool is_alarm(const struct mw_outbox_row *row)
{
    return row->reference == NULL && strcmp(row->slot, "card") == 0;
}

/* False: the chat or the record is in trouble. */
static bool deliver_round(struct mw_channel *channel, struct mw_error *error)
{
    TALLOC_CTX *memory = talloc_new(channel);
    size_t count;
    struct mw_outbox_row *rows =
        mw_outbox_due(channel->converse->record, memory, channel->chat->name,
                      BATCH + channel->held_count, &count, error);
    bool delivered = false, well = rows != NULL;
    channel->record_fails = !well;
    int64_t left = well ? pause_left(channel, rows, count) : 0;
    for (size_t i = 0; well && i < count; i++) {
        if (left == 0 || is_alarm(&rows[i])) {
            well = deliver_row(channel, memory, &rows[i], &delivered, error);
        }
    }
    talloc_free(memory);
    if (well && left > 0) {
        struct mw_error woken;
        mw_condition_wait(&channel->due, mw_deadline_in(left), &woken);
    }
    /* What was delivered may be what others waited for, or there may be more than one batch. */
    channel->put_meanwhile |= delivered || left > 0;
    return well;
}

/* Whoever was refused first is tried again first. */
static struct mw_deadline next_try(const struct mw_channel *channel)
{
    struct mw_deadline next = MW_NO_DEADLINE;
    for (size_t i = 0; i < channel->held_count; i++) {
        next = mw_deadline_min(next, (struct mw_deadline){channel->held[i].until});
    }
    return next;
}

/* The pause grows up to a minute, with jitter so that not all come back at once. */
static bool back_off(struct mw_channel *channel, int64_t *pause, const struct mw_error *why)
{
    if (why->class == MW_ERROR_CANCELLED && mw_fiber_cancelled()) {
        return false;
    }
    if (*pause == 0) {
        mw_log_warning("converse", "%s %s, trying again: %s", channel->chat->name,
                       channel->record_fails ? "waits for the record" : "cannot be reached",
                       why->text);
    }
    if (channel->record_fails) {
        mw_outage_begin(channel->converse, why);
    }
    *pause = *pause == 0 ? BACKOFF_MS : *pause * 2 > BACKOFF_MS_MAX ? BACKOFF_MS_MAX : *pause * 2;
    struct mw_error error;
    return mw_sleep(*pause / 2 + (int64_t)mw_random_below((uint64_t)*pause / 2 + 1), &error);
}

void mw_channel_deliver_run(void *argument)
{
    struct mw_channel *channel = argument;
    struct mw_error error;
    int64_t pause = 0;
    while (!mw_fiber_cancelled()) {
        channel->delivering = true;
        channel->put_meanwhile = false;
        if (!deliver_round(channel, &error)) {
            if (!back_off(channel, &pause, &error)) {
                break;
            }
            continue;
        }
        if (pause > 0) {
            mw_log_info("converse", "%s gets its messages again", channel->chat->name);
            pause = 0;
        }
        if (channel->put_meanwhile) {
            continue;
        }
        channel->delivering = false;
        mw_condition_notify(&channel->converse->settled);
        if (!mw_condition_wait(&channel->due, next_try(channel), &error) &&
            error.class == MW_ERROR_CANCELLED) {
            break;
        }
    }
    channel->delivering = false;
}
