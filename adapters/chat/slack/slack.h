/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slack as a chat: what happens there comes through Socket Mode, what we say goes through the Web API.
 *
 * A message's reference is "CHANNEL/TS". A place, in which an event's answer goes, is a JSON object:
 *   {"k": "command" | "mention" | "button" | "reaction" | "home", "c": channel, "u": user, "t": thread, "r": response_url}
 */
#ifndef MIDWATCH_SLACK_H
#define MIDWATCH_SLACK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "midwatch/chat.h"
#include "midwatch/deadline.h"
#include "midwatch/error.h"
#include "runtime/fiber.h"

extern const struct mw_chat_ops mw_chat_slack;

/* Of a message's metadata, in which its key stands. */
#define MW_SLACK_EVENT_TYPE "midwatch_message"

#define MW_SLACK_HOLDS  32
#define MW_SLACK_PACES  16
#define MW_SLACK_PEOPLE 256
#define MW_SLACK_GROUPS 16

/* A method that Slack asked us to leave alone for a while. */
struct mw_slack_hold {
    char method[40];
    mw_mono_ns until;
};

/* When the next message may go into a channel. */
struct mw_slack_pace {
    char channel[32];
    mw_mono_ns next;
};

/* What Slack last said of a person, and who is in a user group. */
struct mw_slack_person {
    char *id, *name, *email;
    bool outsider;
    mw_mono_ns until;
};

struct mw_slack_group {
    char *id;
    json_t *users;
    mw_mono_ns until;
};

struct mw_slack_sockets;

struct mw_slack {
    struct mw_chat *chat;
    char *app_token, *bot_token;
    char *wanted;          /* channel: id, or "#name" */
    char *base;            /* of the Web API, ends with "/" */
    char *channel;         /* the id; NULL: not looked up yet */
    struct mw_lock asking; /* who we are */
    char *user, *team;     /* who we are; NULL: not asked yet */

    struct mw_slack_hold holds[MW_SLACK_HOLDS];
    struct mw_slack_pace paces[MW_SLACK_PACES];
    size_t person_count, group_count;
    struct mw_slack_person people[MW_SLACK_PEOPLE];
    struct mw_slack_group groups[MW_SLACK_GROUPS];

    struct mw_slack_sockets *sockets; /* while it runs */
    mw_mono_ns echo_due;              /* our own reaction comes back by then; 0: none is awaited */
    int echo_misses;                  /* that did not come back, one after the other */
    struct mw_group *errands;         /* while it runs; NULL otherwise */
    char *absent;  /* the key of a message that Slack surely has not taken; NULL: none */
    char *doubted; /* the key of one that was looked for in vain, and may yet appear; NULL: none */
};

/* ---- api.c ---- */

enum mw_slack_token { MW_SLACK_BOT, MW_SLACK_APP };
enum mw_slack_form { MW_SLACK_JSON, MW_SLACK_FIELDS }; /* what a method reads */

struct mw_slack_call {
    const char *method;
    enum mw_slack_token token;
    enum mw_slack_form form;
    const char *channel; /* for sentences; may be NULL */
};

/* Steals the arguments (NULL: none). The answer where it is "ok"; a new reference. Waits where the method
 * is to be left alone for a while, if that is over before the deadline. `*code` (may be NULL) is Slack's word for the
 * refusal, and "" where there was no answer, so that what was asked may have been done. */
MW_SUSPENDS json_t *mw_slack_api(struct mw_slack *self, const struct mw_slack_call *call,
                                 json_t *arguments, struct mw_deadline deadline, char code[64],
                                 struct mw_error *error);
/* Posts to a response_url. */
MW_SUSPENDS bool mw_slack_respond(struct mw_slack *self, const char *url, const json_t *body,
                                  struct mw_deadline deadline, struct mw_error *error);
/* Whether the address is one that Slack hands out. */
bool mw_slack_is_ours(const struct mw_slack *self, const char *url);

/* refusals.c: what a refusal means, in words that tell what to do. Returns false. */
bool mw_slack_refusal(const struct mw_slack_call *call, const char *code, const json_t *answer,
                      struct mw_error *error);

/* ---- room.c ---- */

/* Who we are there and the channel's id, asked once. */
MW_SUSPENDS bool mw_slack_self(struct mw_slack *self, struct mw_deadline deadline,
                               struct mw_error *error);
MW_SUSPENDS bool mw_slack_channel(struct mw_slack *self, struct mw_deadline deadline,
                                  struct mw_error *error);
/* Joins the channel, where that is possible without being invited. */
MW_SUSPENDS bool mw_slack_join(struct mw_slack *self, const char *channel,
                               struct mw_deadline deadline, struct mw_error *error);

/* ---- mrkdwn.c ---- */

/* "a & <b>" → "a &amp; &lt;b&gt;", at most `limit` bytes, cut with "…" and never within an entity. */
char *mw_slack_escape(TALLOC_CTX *memory, const char *text, size_t limit);
/* The same for what stands between ``` and ```: it cannot end there. */
char *mw_slack_escape_code(TALLOC_CTX *memory, const char *text, size_t limit);
/* What somebody wrote, as Slack sends it, becomes what they meant: entities and links are undone, and the
 * mention of `user` (may be NULL) at its beginning is dropped; `*mentioned`: it was there. */
char *mw_slack_plain(TALLOC_CTX *memory, const char *text, const char *user, bool *mentioned);
/* Slack's name of an emoji, without colons; NULL: it has none that we use. */
const char *mw_slack_emoji(const char *sign);

/* ---- render.c: a message (message.h) in Block Kit ---- */

struct mw_slack_page {
    char *text; /* for the phone; escaped */
    json_t *blocks;
    bool cut; /* not all of it found room */
};

/* On `memory`; release with mw_slack_page_finish. */
void mw_slack_render(TALLOC_CTX *memory, const json_t *message, struct mw_slack_page *page);
void mw_slack_page_finish(struct mw_slack_page *page);
/* All of it as plain text, for a file. */
char *mw_slack_render_plain(TALLOC_CTX *memory, const json_t *message);

/* ---- post.c, answer.c: of the port ---- */

MW_SUSPENDS bool mw_slack_post(struct mw_chat *chat, const char *key, const json_t *message,
                               const char *thread, struct mw_deadline deadline, TALLOC_CTX *memory,
                               char **reference, struct mw_error *error);
MW_SUSPENDS bool mw_slack_edit(struct mw_chat *chat, const char *reference, const json_t *message,
                               const char *thread, struct mw_deadline deadline,
                               struct mw_error *error);
MW_SUSPENDS bool mw_slack_find(struct mw_chat *chat, const char *key, const char *thread,
                               struct mw_deadline deadline, TALLOC_CTX *memory, char **reference,
                               struct mw_error *error);
MW_SUSPENDS bool mw_slack_answer(struct mw_chat *chat, const struct mw_chat_event *event,
                                 const json_t *message, bool private_answer,
                                 struct mw_deadline deadline, struct mw_error *error);
/* find.c: after a message was posted that had been looked for in vain, looks once more a while later whether the
 * first one has appeared after all, and deletes it. */
void mw_slack_look_again(struct mw_slack *self, const char *key, const char *channel,
                         const char *thread_ts);
/* "CHANNEL/TS" apart; false: it is no reference of ours. */
bool mw_slack_split(TALLOC_CTX *memory, const char *reference, char **channel, char **ts);
/* file.c: puts all of a message into a text file named for `key`, in a thread (NULL: in the channel). What fails is
 * logged. */
MW_SUSPENDS void mw_slack_attach(struct mw_slack *self, const char *key, const char *channel,
                                 const char *thread, const json_t *message,
                                 struct mw_deadline deadline);
/* Waits until the next message may go into this channel. */
MW_SUSPENDS bool mw_slack_pace(struct mw_slack *self, const char *channel,
                               struct mw_deadline deadline, struct mw_error *error);

/* ---- people.c: of the port ---- */

MW_SUSPENDS bool mw_slack_identify(struct mw_chat *chat, const char *person,
                                   struct mw_deadline deadline, TALLOC_CTX *memory,
                                   struct mw_chat_identity *identity, struct mw_error *error);
MW_SUSPENDS bool mw_slack_in_group(struct mw_chat *chat, const char *person, const char *group,
                                   struct mw_deadline deadline, bool *is, struct mw_error *error);

/* ---- envelope.c: what Slack sends becomes an event ---- */

enum mw_slack_envelope_kind {
    MW_SLACK_NOTHING, /* to be acknowledged, and of no interest */
    MW_SLACK_EVENT,
    MW_SLACK_MODAL, /* a dialog is to be opened */
    MW_SLACK_ECHO,  /* what we did ourselves */
};

struct mw_slack_envelope {
    enum mw_slack_envelope_kind kind;
    struct mw_chat_event event; /* its texts hang on `memory` */
    const char *trigger;        /* MODAL */
    json_t *view;               /* MODAL: a new reference */
};

/* `user`: who we are. */
void mw_slack_envelope_read(TALLOC_CTX *memory, const char *type, const json_t *payload,
                            const char *user, struct mw_slack_envelope *envelope);

/* ---- modal.c ---- */

/* A dialog that asks why a plan is rejected; `value` as the button carries it. NULL: it says no plan. */
json_t *mw_slack_reject_view(const char *value, const char *place);
json_t *mw_slack_silence_view(const char *place);
/* What somebody filled in becomes a command on `memory`, and where its answer goes; NULL: it is none of ours. */
char *mw_slack_modal_words(TALLOC_CTX *memory, const json_t *view, const char **place);
/* "I42 r1 DIGEST" → "I42 r1"; NULL: it is nothing that we wrote. */
char *mw_slack_button_plan(TALLOC_CTX *memory, const char *value);

/* ---- socket.c ---- */

struct mw_websocket;

/* One connection, with the envelopes that came through it and are not acknowledged yet. */
struct mw_slack_link {
    struct mw_slack *self;
    struct mw_slack_slot *slot;
    struct mw_websocket *websocket;
    struct mw_group deliveries;
    struct mw_condition delivered;
    bool leaving; /* another is to take its place */
    mw_mono_ns retire_at, leave_at;
};

MW_SUSPENDS void mw_slack_run(struct mw_chat *chat);

/* ---- delivery.c ---- */

/* Takes what one message of the socket says, which is parsed and stays the caller's. Recording and acknowledging
 * it goes on in a fiber of the link's. */
void mw_slack_take_envelope(struct mw_slack_link *link, const json_t *message);

/* ---- catchup.c ---- */

/* Hands in what happened to the open incidents' messages while nobody listened. */
MW_SUSPENDS void mw_slack_catch_up(struct mw_slack *self);

/* ---- checkup.c ---- */

MW_SUSPENDS bool mw_slack_check(struct mw_chat *chat, const struct mw_check *check,
                                struct mw_deadline deadline, struct mw_error *error);

#endif
