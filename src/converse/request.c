/* SPDX-License-Identifier: Apache-2.0 */
/* What a person said becomes a decision or an answer. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "converse/answers.h"
#include "converse/grammar.h"
#include "converse/paper.h"
#include "converse/reactions.h"
#include "converse/room.h"

#define ANSWER_MS 10000

/* ---- answering ---- */

void mw_request_answer(struct mw_request *request, json_t *message, bool private_answer)
{
    struct mw_chat *chat = request->channel->chat;
    struct mw_error error;
    if (!chat->ops->answer(chat, request->event, message, private_answer, mw_deadline_in(ANSWER_MS),
                           &error) &&
        error.class != MW_ERROR_CANCELLED) {
        mw_log_warning("converse", "an answer to %s could not be given: %s", request->person.name,
                       error.text);
    }
    json_decref(message);
}

void mw_request_say(struct mw_request *request, bool private_answer, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    char *text = talloc_vasprintf(request->memory, format, list);
    va_end(list);
    mw_request_answer(request, mw_paper_sentence(request->memory, "%s", text != NULL ? text : ""),
                      private_answer);
}

static struct mw_respond *respond_of(const struct mw_request *request)
{
    return request->channel->converse->respond;
}

/* ---- decisions ---- */

static void answer_outcome(struct mw_request *request, bool done, const char *said,
                           const struct mw_error *error, bool quiet)
{
    if (done && quiet) {
        return;
    }
    if (!done && error->class == MW_ERROR_CANCELLED) {
        request->cut_short = true;
        return;
    }
    mw_request_say(request, !done, "%s", said != NULL ? said : done ? "Done." : error->text);
}

static void decide(struct mw_request *request, int64_t incident, enum mw_action action,
                   int revision, const char *note, bool quiet)
{
    char *said = NULL;
    struct mw_error error = {0};
    bool done = mw_respond_decide(respond_of(request), incident, action, revision, &request->person,
                                  note, request->memory, &said, &error);
    answer_outcome(request, done, said, &error, quiet);
}

/* Nobody decides without a name. */
static bool is_named(struct mw_request *request, const char *words)
{
    if (!request->unnamed) {
        return true;
    }
    const struct mw_section_list *people = &request->channel->converse->settings.people;
    const char *example = "alice";
    for (size_t i = 0; i < people->count; i++) {
        const struct mw_person_config *person = people->items[i];
        if (person->terminal) {
            example = person->name;
            break;
        }
    }
    mw_request_say(request, true, "Several people share this terminal. Say who you are: %s: %s",
                   example, words);
    return false;
}

/* Without an ID nothing is guessed, but the likely words are offered. */
static void ask_which(struct mw_request *request, const char *words)
{
    size_t count = 0;
    int64_t *open = mw_respond_open(respond_of(request), request->memory, &count);
    if (open == NULL || count == 0) {
        mw_request_say(request, true, "No incident is open.");
        return;
    }
    char *list = talloc_strdup(request->memory, "");
    for (size_t i = 0; i < count && i < 10; i++) {
        list = talloc_asprintf_append(list, "%sI%" PRId64, i > 0 ? ", " : "", open[i]);
    }
    mw_request_say(request, true, "Which incident? Open: %s%s. Say: %s I%" PRId64, list,
                   count > 10 ? " and more" : "", words, open[count - 1]);
}

static enum mw_action action_of(enum mw_word word)
{
    switch (word) {
    case MW_WORD_APPROVE:
        return MW_ACTION_APPROVE;
    case MW_WORD_REJECT:
        return MW_ACTION_REJECT;
    case MW_WORD_STOP:
        return MW_ACTION_STOP;
    case MW_WORD_UNDO:
        return MW_ACTION_UNDO;
    default:
        return MW_ACTION_ACK;
    }
}

/* ---- resources ---- */

/* It lives as long as the request. */
static struct mw_resource *find_resource(struct mw_request *request,
                                         const struct mw_command *command)
{
    const struct mw_watch *watch = request->channel->converse->watch;
    struct mw_resource *resource = mw_watch_find(watch, command->resource);
    const char **names = talloc_array(request->memory, const char *, watch->count + 1);
    for (size_t i = 0; resource == NULL && i < watch->count; i++) {
        if (strcasecmp(watch->resources[i]->name, command->resource) == 0) {
            resource = watch->resources[i];
        }
    }
    if (resource != NULL || names == NULL) {
        mw_watch_hold(resource, request->memory);
        return resource;
    }
    for (size_t i = 0; i < watch->count; i++) {
        names[i] = watch->resources[i]->name;
    }
    names[watch->count] = NULL;
    const char *near = mw_text_nearest(command->resource, names);
    if (near != NULL) {
        mw_request_say(request, true, "There is no resource \"%s\". Did you mean: %s %s",
                       command->resource, command->spec->name, near);
    } else {
        mw_request_say(request, true, "There is no resource \"%s\". Say: status",
                       command->resource);
    }
    return NULL;
}

static void fix(struct mw_request *request, const struct mw_resource *resource)
{
    char *said = NULL;
    struct mw_error error = {0};
    bool done = mw_respond_fix(respond_of(request), resource->name, &request->person,
                               request->memory, &said, &error);
    answer_outcome(request, done, said, &error, false);
}

/* ---- freezing ---- */

static void freeze(struct mw_request *request, const char *why)
{
    char *said = NULL;
    struct mw_error error = {0};
    if (is_named(request, request->event->text)) {
        bool done = mw_respond_freeze(respond_of(request), &request->person, why, request->memory,
                                      &said, &error);
        answer_outcome(request, done, said, &error, false);
    }
}

static void thaw(struct mw_request *request)
{
    char *said = NULL;
    struct mw_error error = {0};
    if (is_named(request, request->event->text)) {
        bool done =
            mw_respond_thaw(respond_of(request), &request->person, request->memory, &said, &error);
        answer_outcome(request, done, said, &error, false);
    }
}

/* ---- silences ---- */

static void silence(struct mw_request *request, const struct mw_command *command)
{
    const char *name = command->resource;
    char *said = NULL;
    struct mw_error error = {0};
    if (!is_named(request, request->event->text)) {
        return;
    }
    if (strcmp(name, "*") != 0) {
        const struct mw_resource *resource = find_resource(request, command);
        if (resource == NULL) {
            return;
        }
        name = resource->name;
    }
    bool done = command->spec->word == MW_WORD_SILENCE
                    ? mw_respond_silence(respond_of(request), name, command->span, &request->person,
                                         command->rest, request->memory, &said, &error)
                    : mw_respond_unsilence(respond_of(request), name, &request->person,
                                           request->memory, &said, &error);
    answer_outcome(request, done, said, &error, false);
}

/* ---- commands ---- */

static void about_resource(struct mw_request *request, const struct mw_command *command)
{
    if (command->spec->word == MW_WORD_FIX && !is_named(request, request->event->text)) {
        return;
    }
    struct mw_resource *resource = find_resource(request, command);
    if (resource == NULL) {
        return;
    }
    switch (command->spec->word) {
    case MW_WORD_FIX:
        fix(request, resource);
        break;
    case MW_WORD_LOGS:
        mw_request_answer(request, mw_answer_logs(request, resource), false);
        break;
    case MW_WORD_HISTORY:
        mw_request_answer(request, mw_answer_history(request, resource), false);
        break;
    default:
        mw_request_answer(request, mw_answer_resource(request, resource), false);
        break;
    }
}

static void about_incident(struct mw_request *request, const struct mw_command *command)
{
    enum mw_word word = command->spec->word;
    if (command->incident == 0) {
        ask_which(request, command->spec->name);
        return;
    }
    if (word == MW_WORD_SHOW) {
        mw_request_answer(request, mw_answer_show(request, command->incident), false);
        return;
    }
    if (is_named(request, request->event->text)) {
        decide(request, command->incident, action_of(word), command->revision, command->rest,
               false);
    }
}

static void ask(struct mw_request *request, const char *question, int64_t incident)
{
    json_t *answer = mw_answer_question(request, question, incident);
    if (request->cut_short) {
        json_decref(answer);
    } else {
        mw_request_answer(request, answer, false);
    }
}

void mw_request_command(struct mw_request *request)
{
    const char *text = request->event->text != NULL ? request->event->text : "";
    mw_request_identify(request);
    const char *place = request->event->incident;
    int64_t thread = place != NULL ? mw_incident_id_parse(place) : 0;
    struct mw_command command;
    char *complaint = NULL;
    if (!mw_command_parse(request->memory, text, thread, &command, &complaint)) {
        mw_request_say(request, true, "%s", complaint != NULL ? complaint : "Say: help");
        return;
    }
    switch (command.spec->word) {
    case MW_WORD_HELP:
        mw_request_answer(request, mw_answer_help(request), true);
        break;
    case MW_WORD_INCIDENTS:
        mw_request_answer(request, mw_answer_incidents(request), false);
        break;
    case MW_WORD_TOOLS:
        mw_request_answer(request, mw_answer_tools(request), false);
        break;
    case MW_WORD_POLICY:
        mw_request_answer(request, mw_answer_policy(request), false);
        break;
    case MW_WORD_REPORT:
        mw_request_answer(request, mw_answer_report(request, command.rest), false);
        break;
    case MW_WORD_AUDIT:
        mw_request_answer(request, mw_answer_audit(request, command.incident), false);
        break;
    case MW_WORD_FREEZE:
        freeze(request, command.rest);
        break;
    case MW_WORD_THAW:
        thaw(request);
        break;
    case MW_WORD_SILENCE:
    case MW_WORD_UNSILENCE:
        silence(request, &command);
        break;
    case MW_WORD_ASK:
        ask(request, command.rest, thread);
        break;
    case MW_WORD_LATER:
        mw_request_say(request, true, "\"%s\" is not in this version of midwatch. Say: help",
                       command.spec->name);
        break;
    case MW_WORD_STATUS:
        if (command.resource == NULL) {
            mw_request_answer(request, mw_answer_status(request), false);
            break;
        }
        about_resource(request, &command);
        break;
    case MW_WORD_FIX:
    case MW_WORD_LOGS:
    case MW_WORD_HISTORY:
        about_resource(request, &command);
        break;
    case MW_WORD_SHOW:
    case MW_WORD_APPROVE:
    case MW_WORD_REJECT:
    case MW_WORD_STOP:
    case MW_WORD_ACK:
    case MW_WORD_UNDO:
        about_incident(request, &command);
        break;
    }
}

/* ---- reactions ---- */

/* Which revision a message of ours speaks of: the plan's own; 0 for the card, "the plan" where only one
 * was shown. False: what stands there is nothing that is decided on. */
static bool revision_of_slot(const char *slot, enum mw_action action, int *revision)
{
    *revision = 0;
    if (strcmp(slot, "card") == 0) {
        return true;
    }
    if (strncmp(slot, "plan/", 5) == 0) {
        *revision = atoi(slot + 5);
        return *revision > 0;
    }
    return action == MW_ACTION_ACK || action == MW_ACTION_STOP;
}

/* A message that we do not know may be one of ours whose post is under way, and so it may be while the
 * record cannot be read. Asked in this order, since it may end in between. */
static const char *slot_of(struct mw_request *request, int64_t *incident)
{
    struct mw_record *record = request->channel->converse->record;
    const char *chat = request->channel->chat->name;
    char *slot = NULL;
    bool doubt;
    struct mw_error error;
    bool read = mw_outbox_in_doubt(record, chat, &doubt, &error) &&
                mw_outbox_find(record, request->memory, chat, request->event->message, incident,
                               &slot, &error);
    request->early = !read || (slot == NULL && doubt);
    return read ? slot : NULL;
}

static bool find_reacted(struct mw_request *request, enum mw_action action, int64_t *incident,
                         int *revision)
{
    const struct mw_chat_event *event = request->event;
    *incident = event->incident != NULL ? mw_incident_id_parse(event->incident) : 0;
    *revision = mw_revision_parse(event->text);
    if (event->message == NULL) {
        return true;
    }
    const char *slot = slot_of(request, incident);
    return slot != NULL && *incident > 0 && revision_of_slot(slot, action, revision);
}

void mw_request_reaction(struct mw_request *request)
{
    const struct mw_chat_event *event = request->event;
    enum mw_action action;
    int64_t incident;
    int revision;
    if (!mw_reaction_parse(event->emoji, &action) ||
        !find_reacted(request, action, &incident, &revision)) {
        return;
    }
    mw_request_identify(request);
    if (event->kind == MW_CHAT_REACTION_REMOVED) {
        if (action != MW_ACTION_APPROVE) {
            return;
        }
        action = MW_ACTION_WITHDRAW;
    }
    if (incident == 0) {
        ask_which(request, event->emoji);
        return;
    }
    const char *words = talloc_asprintf(request->memory, "%s I%" PRId64, event->emoji, incident);
    if (is_named(request, words)) {
        /* On a platform the reaction itself stands there to be seen; typed, it wants an answer. */
        decide(request, incident, action, revision, NULL, event->message != NULL);
    }
}
