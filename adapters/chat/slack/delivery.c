/* SPDX-License-Identifier: Apache-2.0 */
/* An envelope: recorded, then acknowledged, then whatever else it asks for. Each has a fiber, so that many
 * are recorded in one commit. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "runtime/websocket.h"
#include "slack.h"

#define ACK_MS   5000
#define MODAL_MS 3000
/* The core that is busy or cannot record now is asked again; after that Slack sends it again. */
#define TRIES  5
#define TRY_MS 200

struct delivery {
    struct mw_slack_link *link;
    char *id;
    struct mw_slack_envelope envelope;
};

static int release(struct delivery *delivery)
{
    json_decref(delivery->envelope.view);
    return 0;
}

static void acknowledge(struct mw_slack_link *link, const char *id)
{
    struct mw_error error;
    json_auto_t *answer = json_pack("{s:s}", "envelope_id", id);
    char *text = json_dumps(answer, JSON_COMPACT);
    /* Where the connection is gone it comes again, and is known then. */
    if (text != NULL &&
        !mw_websocket_write(link->websocket, text, strlen(text), mw_deadline_in(ACK_MS), &error)) {
        mw_log_debug("slack", "an acknowledgement was not sent: %s", error.text);
    }
    free(text);
}

static bool record(struct mw_chat *chat, const struct mw_chat_event *event)
{
    struct mw_error error = {0}, slept;
    for (int i = 0; i < TRIES; i++) {
        if (chat->host->event(chat->host->context, chat, event, &error)) {
            return true;
        }
        if (error.class == MW_ERROR_CANCELLED || !mw_sleep(TRY_MS << i, &slept)) {
            return false;
        }
    }
    mw_log_warning("slack", "an event is left to come again: %s", error.text);
    return false;
}

/* A dialog lives by a trigger that is over after three seconds. */
static void open_modal(struct mw_slack_link *link, struct mw_slack_envelope *envelope)
{
    const struct mw_slack_call call = {"views.open", MW_SLACK_BOT, MW_SLACK_JSON, NULL};
    struct mw_error error;
    json_auto_t *answer = mw_slack_api(
        link->self, &call,
        json_pack("{s:s, s:O}", "trigger_id", envelope->trigger, "view", envelope->view),
        mw_deadline_in(MODAL_MS), NULL, &error);
    if (answer == NULL) {
        mw_log_warning("slack", "a dialog could not be opened: %s", error.text);
    }
}

static void run_delivery(void *argument)
{
    struct delivery *delivery = argument;
    struct mw_slack_link *link = delivery->link;
    if (delivery->envelope.kind == MW_SLACK_MODAL) {
        acknowledge(link, delivery->id);
        open_modal(link, &delivery->envelope);
    } else if (record(link->self->chat, &delivery->envelope.event)) {
        acknowledge(link, delivery->id);
    }
    talloc_free(delivery);
    mw_condition_notify(&link->delivered);
}

void mw_slack_take_envelope(struct mw_slack_link *link, const json_t *message)
{
    const char *id = json_string_value(json_object_get(message, "envelope_id"));
    const char *type = json_string_value(json_object_get(message, "type"));
    if (id == NULL || type == NULL) {
        return;
    }
    struct delivery *delivery = talloc_zero(link, struct delivery);
    delivery->link = link;
    delivery->id = talloc_strdup(delivery, id);
    talloc_set_destructor(delivery, release);
    mw_slack_envelope_read(delivery, type, json_object_get(message, "payload"), link->self->user,
                           &delivery->envelope);
    if (delivery->envelope.kind == MW_SLACK_ECHO) {
        link->self->echo_due = 0;
        link->self->echo_misses = 0;
    }
    if (delivery->envelope.kind == MW_SLACK_EVENT || delivery->envelope.kind == MW_SLACK_MODAL) {
        mw_fiber_spawn(&link->deliveries, "slack event", run_delivery, delivery);
        return;
    }
    acknowledge(link, id);
    talloc_free(delivery);
}
