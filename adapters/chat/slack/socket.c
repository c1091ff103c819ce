/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Socket Mode: some connections, each of which is replaced before Slack ends it. Slack gives each event to any
 * one of them.
 */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "runtime/websocket.h"
#include "slack.h"

#define SLOTS         2
#define NS_PER_MS     INT64_C(1000000)
#define OPEN_MS       20000
#define HELLO_MS      10000
#define PING_MS       10000
#define PONG_MS       10000
#define MESSAGE_BYTES ((size_t)(1024 * 1024))
#define SLICE_MS      1000
#define DRAIN_MS      3000
#define PAUSE_MS      500
#define PAUSE_MS_MAX  60000
#define REFUSED_MS    60000
/* What is under way through one connection; more is read once some of it is done. */
#define DELIVERIES_MAX 2000
/* People are told that nobody hears them after that long. */
#define DEAF_MS    30000
#define MISSES_MAX 2

struct mw_slack_slot {
    struct mw_slack_sockets *sockets;
    struct mw_slack_link *link; /* NULL: none */
    int number;
};

struct mw_slack_sockets {
    struct mw_slack *self;
    struct mw_group slots, links, errands;
    struct mw_condition changed;
    struct mw_slack_slot slot[SLOTS];
    size_t open;
    bool missed;           /* nobody listened for a while */
    mw_mono_ns deaf_since; /* 0: somebody listens */
    bool told;
    bool catching_up;
};

/* ---- reading ---- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* The next message of a connection; NULL with a TIMEOUT: none came. */
static json_t *read_message(struct mw_websocket *websocket, int64_t ms, struct mw_error *error)
{
    char *text;
    size_t length;
    if (!mw_websocket_read(websocket, websocket, &text, &length, mw_deadline_in(ms), error)) {
        return NULL;
    }
    json_t *message = mw_json_parse(text, length, MESSAGE_BYTES, error);
    talloc_free(text);
    return message;
}

static void leave(struct mw_slack_link *link)
{
    if (!link->leaving) {
        link->leaving = true;
        mw_condition_notify(&link->slot->sockets->changed);
    }
}

/* False: the connection is of no use any more. */
static bool take(struct mw_slack_link *link, const json_t *message)
{
    if (strcmp(text_of(message, "type"), "disconnect") != 0) {
        mw_slack_take_envelope(link, message);
        return true;
    }
    const char *reason = text_of(message, "reason");
    if (strcmp(reason, "warning") == 0 || strcmp(reason, "refresh_requested") == 0) {
        leave(link);
        return true;
    }
    mw_log_warning("slack", "Slack ends a connection (%.40s)%s", reason,
                   strcmp(reason, "link_disabled") == 0
                       ? ": Socket Mode is switched off in the app's settings"
                       : "");
    return false;
}

static void await_room(struct mw_slack_link *link)
{
    struct mw_error error;
    while (link->deliveries.count >= DELIVERIES_MAX &&
           mw_condition_wait(&link->delivered, mw_deadline_in(SLICE_MS), &error)) {
    }
}

static void read_all(struct mw_slack_link *link, struct mw_error *error)
{
    while (link->retire_at == 0 || mw_mono_now() < link->retire_at) {
        json_auto_t *message = read_message(link->websocket, SLICE_MS, error);
        if (message != NULL) {
            if (!take(link, message)) {
                mw_error_set(error, MW_ERROR_RETRY, "Slack has ended the connection");
                return;
            }
            await_room(link);
        } else if (error->class == MW_ERROR_BAD_INPUT) {
            mw_log_warning("slack", "what came through the socket is passed over: %s", error->text);
        } else if (error->class != MW_ERROR_TIMEOUT) {
            return;
        }
        if (link->leave_at != 0 && mw_mono_now() >= link->leave_at) {
            leave(link);
        }
    }
}

static void close_link(struct mw_slack_link *link)
{
    struct mw_slack_sockets *sockets = link->slot->sockets;
    struct mw_error error;
    mw_group_wait(&link->deliveries, mw_deadline_in(DRAIN_MS), &error);
    mw_group_finish(&link->deliveries);
    if (link->slot->link == link) {
        link->slot->link = NULL;
    }
    sockets->open--;
    if (sockets->open == 0) {
        sockets->missed = true;
        sockets->deaf_since = mw_mono_now();
    }
    talloc_free(link);
    mw_condition_notify(&sockets->changed);
}

static void run_link(void *argument)
{
    struct mw_slack_link *link = argument;
    struct mw_error error = {0};
    read_all(link, &error);
    if (link->retire_at == 0 && error.class != MW_ERROR_CANCELLED) {
        mw_log_info("slack", "a connection is over: %s", error.text);
    }
    close_link(link);
}

/* ---- opening ---- */

static char *ask_address(struct mw_slack *self, TALLOC_CTX *memory, struct mw_deadline deadline,
                         struct mw_error *error)
{
    const struct mw_slack_call call = {"apps.connections.open", MW_SLACK_APP, MW_SLACK_FIELDS,
                                       NULL};
    json_auto_t *answer = mw_slack_api(self, &call, NULL, deadline, NULL, error);
    if (answer == NULL) {
        return NULL;
    }
    return talloc_strdup(memory, text_of(answer, "url"));
}

static bool await_hello(struct mw_slack_link *link, struct mw_error *error)
{
    json_auto_t *message = read_message(link->websocket, HELLO_MS, error);
    if (message == NULL) {
        return mw_error_wrap(error, "Slack does not say hello");
    }
    if (strcmp(text_of(message, "type"), "hello") != 0) {
        return mw_error_set(error, MW_ERROR_RETRY, "Slack does not say hello but %.40s",
                            text_of(message, "reason"));
    }
    int64_t seconds = json_integer_value(
        json_object_get(json_object_get(message, "debug_info"), "approximate_connection_time"));
    if (seconds > 60 && seconds < INT64_C(1000000)) {
        link->leave_at = mw_mono_now() + (seconds - 30) * 1000 * NS_PER_MS;
    }
    return true;
}

static struct mw_slack_link *open_link(struct mw_slack_slot *slot, struct mw_error *error)
{
    struct mw_slack *self = slot->sockets->self;
    struct mw_slack_link *link = talloc_zero(self, struct mw_slack_link);
    struct mw_deadline deadline = mw_deadline_in(OPEN_MS);
    link->self = self;
    link->slot = slot;
    mw_group_init(&link->deliveries);
    mw_condition_init(&link->delivered);
    const struct mw_websocket_request request = {
        .url = ask_address(self, link, deadline, error),
        .limit = MESSAGE_BYTES,
        .ping_ms = PING_MS,
        .pong_ms = PONG_MS,
    };
    if (request.url != NULL) {
        link->websocket = mw_websocket_connect(link, &request, deadline, error);
    }
    /* Nothing can be understood before we know who we are. */
    if (link->websocket == NULL || !await_hello(link, error) ||
        !mw_slack_self(self, deadline, error)) {
        talloc_free(link);
        return NULL;
    }
    return link;
}

/* ---- what was missed ---- */

static void catch_up(void *argument)
{
    struct mw_slack_sockets *sockets = argument;
    mw_slack_catch_up(sockets->self);
    sockets->catching_up = false;
}

static void welcome(struct mw_slack_slot *slot, struct mw_slack_link *link)
{
    struct mw_slack_sockets *sockets = slot->sockets;
    struct mw_slack *self = sockets->self;
    if (slot->link != NULL) {
        slot->link->retire_at = mw_mono_now() + DRAIN_MS * NS_PER_MS;
    }
    slot->link = link;
    sockets->open++;
    mw_fiber_spawn(&sockets->links, "slack socket", run_link, link);
    mw_condition_notify(&sockets->changed);
    if (sockets->missed && !sockets->catching_up) {
        sockets->missed = false;
        sockets->catching_up = true;
        mw_fiber_spawn(&sockets->errands, "slack catch-up", catch_up, sockets);
    }
    if (sockets->told) {
        self->chat->host->trouble(self->chat->host->context, self->chat, NULL);
    }
    if (sockets->deaf_since != 0) {
        mw_log_info("slack", "connected");
    }
    sockets->deaf_since = 0;
    sockets->told = false;
}

/* ---- slots ---- */

static void tell_deaf(struct mw_slack_sockets *sockets, const struct mw_error *error)
{
    struct mw_slack *self = sockets->self;
    if (sockets->deaf_since == 0 || sockets->told ||
        mw_mono_now() < sockets->deaf_since + DEAF_MS * NS_PER_MS) {
        return;
    }
    sockets->told = true;
    self->chat->host->trouble(self->chat->host->context, self->chat, error->text);
}

/* False: cancelled. */
static bool back_off(struct mw_slack_slot *slot, int64_t *pause, const struct mw_error *why)
{
    struct mw_error error;
    bool refused = why->class == MW_ERROR_PERMANENT || why->class == MW_ERROR_REFUSED;
    if (*pause == 0 && (slot->number == 0 || refused)) {
        mw_log_warning("slack", "no connection, trying again: %s", why->text);
    }
    tell_deaf(slot->sockets, why);
    *pause = *pause == 0 ? PAUSE_MS : *pause * 2 > PAUSE_MS_MAX ? PAUSE_MS_MAX : *pause * 2;
    *pause = refused && *pause < REFUSED_MS / 8 ? REFUSED_MS / 8 : *pause;
    return mw_sleep(*pause / 2 + (int64_t)mw_random_below((uint64_t)*pause / 2 + 1), &error);
}

/* Our own reactions come back as events. Where they do not, a socket is open and delivers nothing. Where they
 * never do, this workspace does not send them. */
static void look_for_echo(struct mw_slack_sockets *sockets)
{
    struct mw_slack *self = sockets->self;
    if (self->echo_due == 0 || mw_mono_now() < self->echo_due) {
        return;
    }
    self->echo_due = 0;
    if (self->echo_misses++ >= MISSES_MAX) {
        return;
    }
    mw_log_warning("slack", "our own reaction did not come back: the connections are replaced");
    sockets->missed = true;
    for (size_t i = 0; i < SLOTS; i++) {
        if (sockets->slot[i].link != NULL) {
            leave(sockets->slot[i].link);
        }
    }
}

static void await_change(struct mw_slack_slot *slot)
{
    struct mw_slack_sockets *sockets = slot->sockets;
    struct mw_error error;
    while (slot->link != NULL && !slot->link->leaving && !mw_fiber_cancelled()) {
        mw_condition_wait(&sockets->changed, mw_deadline_in(SLICE_MS * 5), &error);
        look_for_echo(sockets);
    }
}

static void run_slot(void *argument)
{
    struct mw_slack_slot *slot = argument;
    struct mw_error error = {0};
    int64_t pause = 0;
    /* The others come once the first one stands. */
    while (slot->number > 0 && slot->sockets->open == 0 && !mw_fiber_cancelled()) {
        mw_condition_wait(&slot->sockets->changed, mw_deadline_in(SLICE_MS * 5), &error);
    }
    while (!mw_fiber_cancelled()) {
        struct mw_slack_link *link = open_link(slot, &error);
        if (link == NULL) {
            if (error.class == MW_ERROR_CANCELLED || !back_off(slot, &pause, &error)) {
                break;
            }
            continue;
        }
        pause = 0;
        welcome(slot, link);
        await_change(slot);
    }
}

/* ---- the port ---- */

/* Asked while the first connection is opened, which needs it only then. */
static void ask_self(void *argument)
{
    struct mw_slack *self = argument;
    struct mw_error error;
    mw_slack_self(self, mw_deadline_in(OPEN_MS), &error);
}

void mw_slack_run(struct mw_chat *chat)
{
    struct mw_slack *self = chat->state;
    struct mw_slack_sockets *sockets = talloc_zero(self, struct mw_slack_sockets);
    sockets->self = self;
    sockets->missed = true;
    sockets->deaf_since = mw_mono_now();
    self->sockets = sockets;
    self->errands = &sockets->errands;
    mw_condition_init(&sockets->changed);
    mw_group_init(&sockets->slots);
    mw_group_init(&sockets->links);
    mw_group_init(&sockets->errands);
    mw_fiber_spawn(&sockets->errands, "slack self", ask_self, self);
    for (int i = 0; i < SLOTS; i++) {
        sockets->slot[i] = (struct mw_slack_slot){.sockets = sockets, .number = i};
        mw_fiber_spawn(&sockets->slots, "slack", run_slot, &sockets->slot[i]);
    }
    struct mw_error error;
    while (!mw_fiber_cancelled()) {
        mw_sleep(INT64_C(3600000), &error);
    }
    self->errands = NULL;
    mw_group_finish(&sockets->slots);
    mw_group_finish(&sockets->links);
    mw_group_finish(&sockets->errands);
    self->sockets = NULL;
    talloc_free(sockets);
}
