/* SPDX-License-Identifier: Apache-2.0 */
/* What comes in: recorded, then acknowledged, then handled, in the order in which each chat said it. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "converse/answers.h"
#include "converse/grammar.h"
#include "converse/people.h"
#include "converse/reactions.h"
#include "converse/room.h"

/* More than that stands in the record alone until these are handled. */
#define ARRIVALS_MAX    1000
#define RECORD_PAUSE_MS 1000

/* Of those that take long, at once. */
#define ERRANDS_MAX 8

/* The id of an arrival that has no row. */
#define UNRECORDED 0

#define ID_BYTES   256
#define TEXT_BYTES 4096

static const char *const kind_names[] = {"command", "reaction", "reaction_removed", "home"};

/* ---- an event as the record keeps it ---- */

static void set_text(json_t *body, const char *key, const char *text, size_t limit)
{
    if (text == NULL) {
        return;
    }
    char *clean = mw_text_clean(NULL, text, strlen(text), limit);
    json_object_set_new(body, key, json_string(clean != NULL ? clean : ""));
    talloc_free(clean);
}

static json_t *event_to_json(const struct mw_chat_event *event)
{
    json_t *body = json_object();
    json_object_set_new(body, "kind", json_string(kind_names[event->kind]));
    set_text(body, "id", event->id, ID_BYTES);
    set_text(body, "person", event->person, ID_BYTES);
    set_text(body, "text", event->text, TEXT_BYTES);
    set_text(body, "emoji", event->emoji, ID_BYTES);
    set_text(body, "message", event->message, ID_BYTES);
    set_text(body, "incident", event->incident, ID_BYTES);
    set_text(body, "thread", event->thread, ID_BYTES);
    set_text(body, "place", event->place, TEXT_BYTES);
    return body;
}

static bool event_from_json(const json_t *body, struct mw_chat_event *event)
{
    const char *kind = json_string_value(json_object_get(body, "kind"));
    *event = (struct mw_chat_event){
        .id = json_string_value(json_object_get(body, "id")),
        .person = json_string_value(json_object_get(body, "person")),
        .text = json_string_value(json_object_get(body, "text")),
        .emoji = json_string_value(json_object_get(body, "emoji")),
        .message = json_string_value(json_object_get(body, "message")),
        .incident = json_string_value(json_object_get(body, "incident")),
        .thread = json_string_value(json_object_get(body, "thread")),
        .place = json_string_value(json_object_get(body, "place")),
    };
    for (int i = 0; kind != NULL && i < (int)(sizeof kind_names / sizeof *kind_names); i++) {
        if (strcmp(kind, kind_names[i]) == 0) {
            event->kind = (enum mw_chat_event_kind)i;
            return true;
        }
    }
    return false;
}

/* ---- the queue ---- */

static int release_body(struct mw_arrival *arrival)
{
    json_decref(arrival->body);
    return 0;
}

static bool enqueue(struct mw_channel *channel, int64_t id, json_t *body)
{
    struct mw_arrival *arrival = talloc_zero(channel, struct mw_arrival);
    if (arrival == NULL) {
        return false;
    }
    arrival->id = id;
    arrival->body = json_incref(body);
    talloc_set_destructor(arrival, release_body);
    if (channel->last != NULL) {
        channel->last->next = arrival;
    } else {
        channel->first = arrival;
    }
    channel->last = arrival;
    channel->arrival_count++;
    mw_condition_notify(&channel->arrived);
    return true;
}

static struct mw_arrival *dequeue(struct mw_channel *channel)
{
    struct mw_arrival *arrival = channel->first;
    channel->first = arrival->next;
    if (channel->first == NULL) {
        channel->last = NULL;
    }
    channel->arrival_count--;
    return arrival;
}

static void release_list(struct mw_arrival *list)
{
    while (list != NULL) {
        struct mw_arrival *next = list->next;
        talloc_free(list);
        list = next;
    }
}

void mw_channel_forget(struct mw_channel *channel)
{
    while (channel->first != NULL) {
        talloc_free(dequeue(channel));
    }
    release_list(mw_early_take(channel));
}

/* Words that change nothing, so that nothing is lost when they are handled unrecorded. */
static bool only_reads(const struct mw_chat_event *event, const json_t *body)
{
    const char *text = json_string_value(json_object_get(body, "text"));
    struct mw_command command;
    char *complaint;
    TALLOC_CTX *memory = talloc_new(NULL);
    bool reads = false;
    if (event->kind == MW_CHAT_COMMAND && text != NULL &&
        mw_command_parse(memory, text, 0, &command, &complaint)) {
        switch (command.spec->word) {
        case MW_WORD_HELP:
        case MW_WORD_STATUS:
        case MW_WORD_INCIDENTS:
        case MW_WORD_SHOW:
        case MW_WORD_LOGS:
        case MW_WORD_HISTORY:
        case MW_WORD_TOOLS:
        case MW_WORD_POLICY:
            reads = true;
            break;
        default:
            break;
        }
    }
    talloc_free(memory);
    return reads;
}

/* People react to each other all day; what means nothing to us needs no record. */
static bool concerns_us(const struct mw_chat_event *event)
{
    enum mw_action action;
    bool reacts = event->kind == MW_CHAT_REACTION || event->kind == MW_CHAT_REACTION_REMOVED;
    return !reacts || mw_reaction_parse(event->emoji, &action);
}

bool mw_channel_event(void *context, struct mw_chat *chat, const struct mw_chat_event *event,
                      struct mw_error *error)
{
    struct mw_channel *channel = context;
    if (event->id == NULL || *event->id == '\0') {
        return mw_error_set(error, MW_ERROR_BAD_INPUT, "an event of %s has no id", chat->name);
    }
    if (!concerns_us(event)) {
        return true;
    }
    json_auto_t *body = event_to_json(event);
    int64_t id;
    bool fresh;
    if (!mw_inbox_add(channel->converse->record, chat->name, event->id, body, &id, &fresh, error)) {
        mw_outage_begin(channel->converse, error);
        if (error->class != MW_ERROR_CANCELLED && channel->arrival_count < ARRIVALS_MAX &&
            only_reads(event, body) && enqueue(channel, UNRECORDED, body)) {
            return true;
        }
        /* What timed out may yet be recorded, and the next start handles it. */
        return mw_error_wrap(error, "it could not be recorded%s",
                             error->class == MW_ERROR_TIMEOUT ? "" : ", so nothing was done");
    }
    if (fresh && (channel->spilled || channel->arrival_count >= ARRIVALS_MAX)) {
        bool lower = !channel->spilled || id <= channel->spilled_after;
        channel->spilled_after = lower ? id - 1 : channel->spilled_after;
        channel->spilled = true;
        channel->spills++;
        return true;
    }
    /* Without memory for the queue it stands in the record, and the next start handles it. */
    if (fresh && !enqueue(channel, id, body)) {
        mw_log_error("converse", "out of memory: an event of %s waits for the next start",
                     chat->name);
    }
    return true;
}

static struct mw_channel *find_channel(struct mw_converse *converse, const char *name)
{
    for (size_t i = 0; i < converse->channel_count; i++) {
        if (strcmp(converse->channels[i]->chat->name, name) == 0) {
            return converse->channels[i];
        }
    }
    return NULL;
}

bool mw_channel_recover(struct mw_converse *converse, struct mw_error *error)
{
    size_t count;
    struct mw_inbox_event *events = mw_inbox_pending(converse->record, converse, &count, error);
    bool well = events != NULL;
    for (size_t i = 0; well && i < count; i++) {
        struct mw_channel *channel = find_channel(converse, events[i].chat);
        if (channel != NULL) {
            well = enqueue(channel, events[i].id, events[i].body);
        } else {
            mw_log_warning("converse", "an event of %s is dropped: that chat is not configured now",
                           events[i].chat);
            well = mw_inbox_done(converse->record, events[i].id, error);
        }
    }
    for (size_t i = 0; well && count == MW_INBOX_MAX && i < converse->channel_count; i++) {
        converse->channels[i]->spilled = true;
        converse->channels[i]->spilled_after = events[count - 1].id;
    }
    talloc_free(events);
    return well;
}

/* ---- handling ---- */

/* A thread below a card is its incident's. */
static void find_incident(struct mw_channel *channel, TALLOC_CTX *memory,
                          struct mw_chat_event *event)
{
    int64_t incident = 0;
    char *slot = NULL;
    struct mw_error error;
    if (event->thread == NULL || event->incident != NULL) {
        return;
    }
    if (!mw_outbox_find(channel->converse->record, memory, channel->chat->name, event->thread,
                        &incident, &slot, &error)) {
        mw_log_warning("converse", "which incident a thread is about cannot be read: %s",
                       error.text);
    } else if (slot != NULL && strcmp(slot, "card") == 0) {
        event->incident = talloc_asprintf(memory, "I%" PRId64, incident);
    }
}

void mw_request_identify(struct mw_request *request)
{
    struct mw_channel *channel = request->channel;
    enum mw_speaker_kind kind =
        mw_people_of_chat(&channel->converse->settings, request->memory, channel->chat,
                          request->event->person, &request->person);
    request->person.said = request->said;
    request->unnamed = kind == MW_SPEAKER_UNNAMED;
}

enum handled { HANDLED, HANDLED_IN_PART, HANDLED_EARLY };

static enum handled handle(struct mw_channel *channel, const struct mw_arrival *arrival,
                           bool beside)
{
    struct mw_chat_event event;
    if (!event_from_json(arrival->body, &event)) {
        return HANDLED;
    }
    TALLOC_CTX *memory = talloc_new(channel);
    struct mw_request request = {.channel = channel,
                                 .event = &event,
                                 .memory = memory,
                                 .beside = beside,
                                 .said = arrival->id};
    find_incident(channel, memory, &event);
    if (event.kind == MW_CHAT_COMMAND) {
        mw_request_command(&request);
    } else if (event.kind == MW_CHAT_HOME) {
        mw_request_identify(&request);
        mw_request_answer(&request, mw_answer_home(&request), true);
    } else {
        mw_request_reaction(&request);
    }
    talloc_free(memory);
    if (request.cut_short || mw_fiber_cancelled()) {
        return HANDLED_IN_PART;
    }
    return request.early ? HANDLED_EARLY : HANDLED;
}

static void finish(struct mw_channel *channel, struct mw_arrival *arrival, bool beside)
{
    struct mw_error error;
    enum handled handled =
        mw_early_is_behind(channel, arrival) ? HANDLED_EARLY : handle(channel, arrival, beside);
    if (handled == HANDLED_EARLY && mw_early_keep(channel, arrival)) {
        return;
    }
    /* What was cut short is handled again at the next start. */
    if (handled != HANDLED_IN_PART && arrival->id != UNRECORDED &&
        !mw_inbox_done(channel->converse->record, arrival->id, &error)) {
        mw_log_warning("converse", "an event of %s may be handled twice: %s", channel->chat->name,
                       error.text);
    }
    talloc_free(arrival);
}

/* ---- what takes long ---- */

struct errand {
    struct mw_channel *channel;
    struct mw_arrival *arrival;
    bool asks;
};

static void run_errand(void *argument)
{
    struct errand errand = *(struct errand *)argument;
    talloc_free(argument);
    finish(errand.channel, errand.arrival, true);
    errand.channel->errands--;
    errand.channel->asking = errand.channel->asking && !errand.asks;
    mw_condition_notify(&errand.channel->converse->settled);
}

/* Reading logs waits for other machines, and a model thinks for a while; nobody's yes may wait behind them. */
static enum mw_word slow_word(const struct mw_arrival *arrival)
{
    const char *text = json_string_value(json_object_get(arrival->body, "text"));
    struct mw_command command;
    char *complaint;
    TALLOC_CTX *memory = talloc_new(NULL);
    enum mw_word word = MW_WORD_HELP;
    if (text != NULL && mw_command_parse(memory, text, 0, &command, &complaint) &&
        (command.spec->word == MW_WORD_LOGS || command.spec->word == MW_WORD_ASK)) {
        word = command.spec->word;
    }
    talloc_free(memory);
    return word;
}

/* A question has a place of its own; a second one is not sent, and told so at once. */
static bool send_errand(struct mw_channel *channel, struct mw_arrival *arrival)
{
    enum mw_word word = slow_word(arrival);
    bool asks = word == MW_WORD_ASK;
    if (asks ? channel->asking : word != MW_WORD_LOGS || channel->errands >= ERRANDS_MAX) {
        return false;
    }
    struct errand *errand = talloc(channel, struct errand);
    if (errand == NULL) {
        return false;
    }
    *errand = (struct errand){channel, arrival, asks};
    channel->errands++;
    channel->asking = channel->asking || asks;
    mw_fiber_spawn(&channel->converse->fibers, "errand", run_errand, errand);
    return true;
}

/* Those that still are early go back, in their order. */
static void retry_early(struct mw_channel *channel)
{
    struct mw_arrival *arrival = mw_early_take(channel);
    while (arrival != NULL) {
        struct mw_arrival *next = arrival->next;
        finish(channel, arrival, false);
        arrival = next;
    }
}

/* What was recorded while the queue was full. */
static void refill(struct mw_channel *channel)
{
    struct mw_error error = {0};
    TALLOC_CTX *memory = talloc_new(channel);
    uint64_t spills = channel->spills;
    size_t count = 0;
    struct mw_inbox_event *events =
        mw_inbox_later(channel->converse->record, memory, channel->chat->name,
                       channel->spilled_after, &count, &error);
    bool well = events != NULL;
    for (size_t i = 0; i < count && well; i++) {
        well = enqueue(channel, events[i].id, events[i].body);
    }
    if (well && count > 0) {
        channel->spilled_after = events[count - 1].id;
    }
    if (well) {
        channel->spilled = count == MW_INBOX_MAX || channel->spills != spills;
    } else if (error.class != MW_ERROR_CANCELLED) {
        mw_outage_begin(channel->converse, &error);
        mw_sleep(RECORD_PAUSE_MS, &error);
    }
    talloc_free(memory);
}

void mw_channel_handle_run(void *argument)
{
    struct mw_channel *channel = argument;
    struct mw_error error;
    while (!mw_fiber_cancelled()) {
        bool stopping = channel->converse->stopping;
        if (!stopping && mw_deadline_passed(mw_early_next(channel))) {
            retry_early(channel);
            continue;
        }
        if ((channel->first == NULL && !channel->spilled) || stopping) {
            struct mw_deadline next = stopping ? MW_NO_DEADLINE : mw_early_next(channel);
            channel->handling = false;
            mw_condition_notify(&channel->converse->settled);
            if (!mw_condition_wait(&channel->arrived, next, &error) &&
                error.class == MW_ERROR_CANCELLED) {
                break;
            }
            continue;
        }
        channel->handling = true;
        if (channel->first == NULL) {
            refill(channel);
            continue;
        }
        struct mw_arrival *arrival = dequeue(channel);
        if (!send_errand(channel, arrival)) {
            finish(channel, arrival, false);
        }
    }
    channel->handling = false;
}
