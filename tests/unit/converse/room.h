/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the living room share: a record in a folder of its own, a scripted chat, and bodies
 * that run in a fiber. */
#ifndef TEST_ROOM_H
#define TEST_ROOM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "converse/converse.h"
#include "fake_respond.h"
#include "fixture.h"
#include "runtime/fiber.h"

#define CHAT_MAX 256

/* A message that stands on the scripted platform. */
struct chat_message {
    char key[64], reference[64], thread[64];
    json_t *message;
    int edits;
};

struct chat_answer {
    json_t *message;
    bool private_answer;
};

struct scripted_chat {
    struct mw_chat *chat;
    size_t message_count;
    struct chat_message messages[CHAT_MAX];
    size_t answer_count;
    struct chat_answer answers[CHAT_MAX];
    int posts, edits;
    /* What the next so many posts come to; `lost`: the message stands there all the same. */
    enum mw_error_class fail;
    int fail_count;
    bool lost;
    const char *refuse_key; /* refused for good */
};

extern struct scripted_chat chat;
extern const struct mw_chat_ops scripted_chat_ops;

/* A record on a disk that is full for whatever transaction has this in its SQL; NULL: it works. */
extern const char *disk_is_full_for;

struct room {
    char folder[64], path[96];
    TALLOC_CTX *memory;
    struct mw_record *record;
    struct mw_watch *watch;
    struct mw_converse *converse;
    int events;
    size_t people; /* at the terminal: alice, who approves, and bob, who may not */
    void (*body)(struct room *room);
};

int room_set_up(void **state);
int room_tear_down(void **state);
/* Runs the body in a fiber, in a room that is open and not started. */
void room_run(void **state, void (*body)(struct room *room));

void room_start(struct room *room);
/* Stops the room, and opens another on the same record, as after a restart. */
void room_restart(struct room *room);

/* Records the whole incident and tells the room. */
void room_record(struct room *room, struct mw_incident *incident);
void room_record_decision(struct room *room, struct mw_incident *incident);

/* Waits until it holds; fails the test after 5 s. */
#define room_await(condition)                                \
    do {                                                     \
        struct mw_deadline await_end = mw_deadline_in(5000); \
        struct mw_error await_error;                         \
        while (!(condition)) {                               \
            if (mw_deadline_passed(await_end))               \
                fail_msg("never came: %s", #condition);      \
            mw_sleep(2, &await_error);                       \
        }                                                    \
    } while (0)

/* Waits until nothing is under way any more. */
void room_settle(struct room *room);

/* NULL when it does not stand there. */
struct chat_message *chat_find(const char *key);
/* The text of all strings in a message, one a line. */
char *chat_text(TALLOC_CTX *memory, const json_t *message);
bool chat_says(const json_t *message, const char *part);

/* As somebody at the terminal; returns what the host said of it. */
bool room_say(struct room *room, const char *words);
bool room_event(struct room *room, const struct mw_chat_event *event);
/* Says it and waits for the answer. */
const struct chat_answer *room_ask(struct room *room, const char *words);
void room_react(struct room *room, const char *emoji, const char *reference, bool removed);

#define ROOM_TEST(name) cmocka_unit_test_setup_teardown(name, room_set_up, room_tear_down)

#endif
