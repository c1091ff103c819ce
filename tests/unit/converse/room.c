/* SPDX-License-Identifier: Apache-2.0 */
#include "room.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/store/sqlite/sqlite.h"
#include "base/clock.h"
#include "base/log.h"
#include "converse/room.h"
#include "runtime/runtime.h"

struct scripted_chat chat;
const char *disk_is_full_for;

/* ---- the store ---- */

static bool store_open(struct mw_store *store, const char *location, enum mw_store_mode mode,
                       struct mw_error *error)
{
    return mw_store_sqlite.open(store, location, mode, error);
}

static void store_close(struct mw_store *store)
{
    mw_store_sqlite.close(store);
}

static bool store_commit(struct mw_store *store, struct mw_transaction **transaction,
                         struct mw_deadline deadline, struct mw_error *error)
{
    for (size_t i = 0; disk_is_full_for != NULL && i < (*transaction)->count; i++) {
        if (strstr((*transaction)->statements[i].sql, disk_is_full_for) != NULL) {
            return mw_error_set(error, MW_ERROR_PERMANENT, "the disk is full: make room there");
        }
    }
    return mw_store_sqlite.commit(store, transaction, deadline, error);
}

static const struct mw_store_ops store_ops = {
    .name = "sqlite", .open = store_open, .close = store_close, .commit = store_commit};

/* ---- the scripted platform ---- */

static bool chat_create(struct mw_chat *self, const void *config, struct mw_error *error)
{
    chat.chat = self;
    return true;
}

static void chat_run(struct mw_chat *self)
{
    struct mw_error error;
    while (mw_sleep(3600000, &error)) {
    }
}

struct chat_message *chat_find(const char *key)
{
    for (size_t i = 0; i < chat.message_count; i++) {
        if (strcmp(chat.messages[i].key, key) == 0) {
            return &chat.messages[i];
        }
    }
    return NULL;
}

static void stand(struct chat_message *found, const char *key, const json_t *message,
                  const char *thread)
{
    if (found == NULL) {
        assert_true(chat.message_count < CHAT_MAX);
        found = &chat.messages[chat.message_count++];
        *found = (struct chat_message){0};
        snprintf(found->key, sizeof found->key, "%s", key);
        snprintf(found->reference, sizeof found->reference, "ref-%zu", chat.message_count);
        snprintf(found->thread, sizeof found->thread, "%s", thread != NULL ? thread : "");
    }
    json_decref(found->message);
    found->message = json_deep_copy(message);
}

static bool chat_post(struct mw_chat *self, const char *key, const json_t *message,
                      const char *thread, struct mw_deadline deadline, TALLOC_CTX *memory,
                      char **reference, struct mw_error *error)
{
    chat.posts++;
    if (chat.refuse_key != NULL && strcmp(chat.refuse_key, key) == 0) {
        return mw_error_set(error, MW_ERROR_PERMANENT, "this chat does not like it");
    }
    bool fails = chat.fail_count > 0;
    if (fails) {
        chat.fail_count--;
    }
    if (!fails || chat.lost) {
        /* A platform that looks for the key does not show a message twice. */
        stand(chat_find(key), key, message, thread);
    }
    if (fails) {
        return mw_error_set(error, chat.fail, "scripted");
    }
    *reference = talloc_strdup(memory, chat_find(key)->reference);
    return true;
}

static bool chat_edit(struct mw_chat *self, const char *reference, const json_t *message,
                      const char *thread, struct mw_deadline deadline, struct mw_error *error)
{
    chat.edits++;
    for (size_t i = 0; i < chat.message_count; i++) {
        if (strcmp(chat.messages[i].reference, reference) == 0) {
            stand(&chat.messages[i], NULL, message, NULL);
            chat.messages[i].edits++;
            return true;
        }
    }
    return mw_error_set(error, MW_ERROR_PERMANENT, "no such message");
}

static bool chat_answer(struct mw_chat *self, const struct mw_chat_event *event,
                        const json_t *message, bool private_answer, struct mw_deadline deadline,
                        struct mw_error *error)
{
    assert_true(chat.answer_count < CHAT_MAX);
    chat.answers[chat.answer_count++] =
        (struct chat_answer){json_deep_copy(message), private_answer};
    return true;
}

static const struct mw_option chat_options[] = {{0}};

const struct mw_chat_ops scripted_chat_ops = {.kind = "terminal",
                                              .options = chat_options,
                                              .config_size = 1,
                                              .create = chat_create,
                                              .run = chat_run,
                                              .post = chat_post,
                                              .edit = chat_edit,
                                              .answer = chat_answer};

/* ---- looking at messages ---- */

static char *append_strings(char *text, const json_t *value)
{
    const char *key;
    json_t *member;
    size_t i;
    if (json_is_string(value)) {
        return talloc_asprintf_append(text, "%s\n", json_string_value(value));
    }
    if (json_is_array(value)) {
        json_array_foreach(value, i, member)
        {
            text = append_strings(text, member);
        }
    }
    if (json_is_object(value)) {
        void *object = json_incref((json_t *)(uintptr_t)value);
        json_object_foreach(object, key, member)
        {
            text = append_strings(text, member);
        }
        json_decref(object);
    }
    return text;
}

char *chat_text(TALLOC_CTX *memory, const json_t *message)
{
    return append_strings(talloc_strdup(memory, ""), message);
}

bool chat_says(const json_t *message, const char *part)
{
    char *text = chat_text(NULL, message);
    bool found = strstr(text, part) != NULL;
    if (!found) {
        print_message("\"%s\" is missing in:\n%s\n", part, text);
    }
    talloc_free(text);
    return found;
}

/* ---- the room ---- */

static const char *approver[] = {"approver"};
static struct mw_person_config alice = {.name = "alice", .terminal = true, .roles = {1, approver}};
static const char *operator[] = {"operator"};
static struct mw_person_config bob = {.name = "bob", .terminal = true, .roles = {1, operator} };
static void *people[] = {&alice, &bob};

static void open_room(struct room *room)
{
    struct mw_error error;
    struct mw_converse_settings settings = {.name = "shop-prod", .people = {room->people, people}};
    room->converse = mw_converse_create(room->memory, room->watch, room->record, &settings);
    mw_converse_attach(room->converse, NULL);
    assert_true(mw_converse_add_chat(room->converse, &scripted_chat_ops, NULL, &error));
}

int room_set_up(void **state)
{
    struct room *room = calloc(1, sizeof *room);
    struct mw_error error;
    mw_log_setup(MW_LEVEL_ERROR, false);
    room->people = 1;
    snprintf(room->folder, sizeof room->folder, "/tmp/mw-converse-XXXXXX");
    assert_non_null(mkdtemp(room->folder));
    snprintf(room->path, sizeof room->path, "%s/record.db", room->folder);
    assert_true(mw_runtime_init(&error));
    fake_respond_reset();
    chat = (struct scripted_chat){0};
    disk_is_full_for = NULL;
    *state = room;
    return 0;
}

int room_tear_down(void **state)
{
    struct room *room = *state;
    if (mw_loop_stats().fibers == 0) {
        mw_runtime_finish();
    }
    for (size_t i = 0; i < chat.message_count; i++) {
        json_decref(chat.messages[i].message);
    }
    for (size_t i = 0; i < chat.answer_count; i++) {
        json_decref(chat.answers[i].message);
    }
    DIR *entries = opendir(room->folder);
    for (struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", room->folder, entry->d_name);
        unlink(path);
    }
    closedir(entries);
    rmdir(room->folder);
    free(room);
    return 0;
}

static int run_body(void *argument)
{
    struct room *room = argument;
    struct mw_error error;
    room->memory = talloc_new(NULL);
    room->watch = fixture_watch(room->memory);
    room->record = mw_record_open(room->memory, &store_ops, room->path, MW_STORE_ACTIVE, &error);
    if (room->record == NULL) {
        fail_msg("%s", error.text);
    }
    open_room(room);
    room->body(room);
    mw_converse_stop(room->converse);
    mw_record_close(room->record);
    talloc_free(room->memory);
    return 0;
}

void room_run(void **state, void (*body)(struct room *room))
{
    struct room *room = *state;
    room->body = body;
    mw_runtime_run(run_body, room);
}

void room_start(struct room *room)
{
    struct mw_error error;
    if (!mw_converse_start(room->converse, &error)) {
        fail_msg("%s", error.text);
    }
}

void room_restart(struct room *room)
{
    mw_converse_stop(room->converse);
    talloc_free(room->converse);
    chat.posts = chat.edits = 0;
    open_room(room);
    room_start(room);
}

void room_record(struct room *room, struct mw_incident *incident)
{
    struct mw_error error;
    struct mw_change *change = mw_change_begin(room->record);
    mw_change_incident(change, incident);
    for (size_t i = 0; i < incident->plan_count; i++) {
        mw_change_plan(change, incident, &incident->plans[i]);
    }
    if (!mw_change_commit(change, false, &error)) {
        fail_msg("%s", error.text);
    }
    const struct mw_respond_listener *listener = mw_converse_listener(room->converse);
    listener->changed(listener->context, incident);
}

void room_record_decision(struct room *room, struct mw_incident *incident)
{
    struct mw_error error;
    struct mw_change *change = mw_change_begin(room->record);
    mw_change_decision(change, incident, &incident->decisions[incident->decision_count - 1]);
    if (!mw_change_commit(change, false, &error)) {
        fail_msg("%s", error.text);
    }
}

static bool is_settled(const struct room *room)
{
    const struct mw_converse *converse = room->converse;
    const struct mw_channel *channel = converse->channels[0];
    return converse->dirty_count == 0 && !converse->reconciling && !channel->delivering &&
           !channel->handling && channel->errands == 0 && channel->first == NULL;
}

void room_settle(struct room *room)
{
    room_await(is_settled(room));
}

/* ---- people ---- */

bool room_event(struct room *room, const struct mw_chat_event *event)
{
    struct mw_error error;
    return chat.chat->host->event(chat.chat->host->context, chat.chat, event, &error);
}

bool room_say(struct room *room, const char *words)
{
    char id[32];
    snprintf(id, sizeof id, "e%d", ++room->events);
    struct mw_chat_event event = {.kind = MW_CHAT_COMMAND, .id = id, .person = "", .text = words};
    return room_event(room, &event);
}

const struct chat_answer *room_ask(struct room *room, const char *words)
{
    size_t before = chat.answer_count;
    assert_true(room_say(room, words));
    room_await(chat.answer_count > before);
    return &chat.answers[chat.answer_count - 1];
}

void room_react(struct room *room, const char *emoji, const char *reference, bool removed)
{
    char id[32];
    snprintf(id, sizeof id, "e%d", ++room->events);
    struct mw_chat_event event = {.kind = removed ? MW_CHAT_REACTION_REMOVED : MW_CHAT_REACTION,
                                  .id = id,
                                  .person = "",
                                  .emoji = emoji,
                                  .message = reference};
    assert_true(room_event(room, &event));
}
