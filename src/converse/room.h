/* SPDX-License-Identifier: Apache-2.0 */
/* The converse room's own: its chats, and which fiber does what. */
#ifndef MIDWATCH_CONVERSE_ROOM_H
#define MIDWATCH_CONVERSE_ROOM_H

#include "converse/converse.h"
#include "converse/scene.h"
#include "runtime/fiber.h"

/* Incidents in one outage of the record that are told of without a card; the others wait for theirs. */
#define MW_OUTAGE_ALARMS_MAX 10

/* An event that is recorded and waits to be handled. */
struct mw_arrival {
    struct mw_arrival *next;
    int64_t id; /* of its inbox row; 0: it has none */
    json_t *body;
    mw_mono_ns
        until; /* how long it may wait for its message to be known; 0: it does not (early.c) */
};

/* A message that its platform refused for good, and when it is worth another try. */
struct mw_held {
    int64_t row, revision;
    mw_mono_ns until;
    int64_t wait_ms;
};

/* A message that stands on its platform, which could not be recorded yet. */
struct mw_posted {
    int64_t row, revision;
    char *reference;
};

/* Something that people are to know about midwatch itself. */
struct mw_notice {
    struct mw_notice *next;
    char *key;
    char *text;         /* what to say next; NULL: nothing */
    bool wanted, is_so; /* what was said to us last, if anything */
    bool due;           /* chat may not have been told what is so */
    bool known;         /* what the record says of it was read */
    mw_wall_ms
        said_at; /* when chat was told that it is so; 0: it was not, or that it is over too */
};

struct mw_channel {
    struct mw_converse *converse;
    struct mw_chat *chat;
    struct mw_chat_host host;

    struct mw_condition due; /* something was put into its outbox */
    bool delivering;         /* false: all that can be delivered now is */
    bool put_meanwhile;
    mw_mono_ns delivered_at; /* the last message; 0: none yet */
    size_t held_count;
    struct mw_held *held;
    size_t posted_count;
    struct mw_posted *posted;
    bool record_fails; /* what the last delivery failed of was the record, not the chat */

    struct mw_condition arrived;
    struct mw_arrival *first, *last;
    size_t arrival_count;
    struct mw_arrival *early; /* reactions to messages that are not known yet, oldest first */
    mw_mono_ns early_again;   /* when they are looked at again */
    bool spilled;             /* later ones stand in the record alone, until these are handled */
    int64_t spilled_after;    /* and have higher ids than this */
    uint64_t spills;
    bool handling;
    int errands; /* handled beside the queue */
    bool asking; /* one of them is a question that is being answered */

    struct mw_fiber *runner;
};

struct mw_converse {
    struct mw_watch *watch;
    struct mw_record *record;
    struct mw_respond *respond;
    struct mw_converse_settings settings;
    struct mw_respond_listener listener;

    size_t channel_count;
    struct mw_channel **channels;

    /* Incidents whose messages may no longer be what they should say; each at most once. */
    size_t dirty_count;
    int64_t *dirty;
    struct mw_condition dirtied;
    bool reconciling;
    bool stopping;     /* what arrives now is handled at the next start */
    char *outage;      /* why nothing can be recorded; NULL: it can, as far as we know */
    unsigned failures; /* of the record, counted */
    size_t alarm_count;
    int64_t
        alarms[MW_OUTAGE_ALARMS_MAX]; /* incidents that were told of during it, without a card */

    struct mw_notice *notices;
    struct mw_condition noticed;

    struct mw_condition settled; /* a fiber came to rest; who stops the room looks again */
    struct mw_group chats;       /* the adapters' fibers */
    struct mw_group fibers;      /* ours */
};

/* ---- reconcile.c: incidents become messages in the outboxes ---- */

void mw_reconcile_mark(struct mw_converse *converse, int64_t incident);
void mw_reconcile_run(void *converse);

/* All messages of an incident by slot, as it is now; a talloc array on the scene's memory whose messages
 * are released with it. */
struct mw_outbox_item *mw_reconcile_render(const struct mw_scene *scene, size_t *count);

/* ---- outbox.c ---- */

void mw_channel_deliver_run(void *channel);
/* Puts what these slots should say into the outboxes of all chats and wakes whoever delivers. */
MW_SUSPENDS bool mw_channels_put(struct mw_converse *converse, int64_t incident,
                                 const struct mw_outbox_item *items, size_t count,
                                 struct mw_error *error);

/* ---- impaired.c: of the respond listener ---- */

void mw_converse_impaired(void *converse, const char *planner, enum mw_impairment impairment,
                          const char *why, const char *instead);

/* ---- blind.c: of the respond listener ---- */

void mw_converse_blind(void *converse, const char *resource, const char *why);
/* Those that left the inventory are no longer spoken of. */
void mw_blind_forget(struct mw_converse *converse);

/* ---- notice.c ---- */

void mw_notice_run(void *converse);
bool mw_notice_is_due(const struct mw_converse *converse);

/* ---- outage.c ---- */

/* The record failed. Once until it works again, all chats are told so, and then that it does. */
void mw_outage_begin(struct mw_converse *converse, const struct mw_error *why);
/* Of the respond listener: an incident waits for the record. One that was not recorded at all is told in one
 * sentence, since it has no card yet. */
void mw_outage_alarm(void *converse, const struct mw_incident *incident,
                     const struct mw_error *why);

/* ---- inbox.c ---- */

/* An event is recorded first; what only reads is handled even when that fails. */
MW_SUSPENDS bool mw_channel_event(void *channel, struct mw_chat *chat,
                                  const struct mw_chat_event *event, struct mw_error *error);
/* Messages of open incidents that people may act on, and that a chat hears nobody: of the host. */
MW_SUSPENDS bool mw_channel_standing(void *channel, struct mw_chat *chat, TALLOC_CTX *memory,
                                     struct mw_chat_standing **list, size_t *count,
                                     struct mw_error *error);
void mw_channel_trouble(void *channel, struct mw_chat *chat, const char *why);
/* Takes over what an earlier run recorded and did not handle. */
MW_SUSPENDS bool mw_channel_recover(struct mw_converse *converse, struct mw_error *error);
void mw_channel_handle_run(void *channel);
/* Drops what waits; it stands in the record. */
void mw_channel_forget(struct mw_channel *channel);

/* ---- early.c ---- */

/* Whether an earlier reaction to the same message waits. */
bool mw_early_is_behind(const struct mw_channel *channel, const struct mw_arrival *arrival);
/* Takes it among those that wait; false: there are too many, or it has waited long enough. */
bool mw_early_keep(struct mw_channel *channel, struct mw_arrival *arrival);
/* When those that wait are looked at again. */
struct mw_deadline mw_early_next(const struct mw_channel *channel);
/* All of them, taken out. */
struct mw_arrival *mw_early_take(struct mw_channel *channel);

/* ---- commands.c ---- */

struct mw_request {
    struct mw_channel *channel;
    const struct mw_chat_event *event;
    struct mw_person person; /* once it was identified */
    int64_t said;            /* the number of the event in the inbox; 0: it has none */
    bool unnamed;            /* the terminal is shared and nobody said who it was */
    bool cut_short;          /* it was not decided on: it stays in the inbox */
    bool early;  /* a reaction to what may be a message of ours that we do not know yet */
    bool beside; /* handled beside the queue: nobody waits behind it */
    TALLOC_CTX *memory;
};

/* Finds out who it was; a platform may have to be asked, so this is not done for what is passed over. */
MW_SUSPENDS void mw_request_identify(struct mw_request *request);
/* Does what an event asks for and answers it. */
MW_SUSPENDS void mw_request_command(struct mw_request *request);
MW_SUSPENDS void mw_request_reaction(struct mw_request *request);
/* Steals the message. */
MW_SUSPENDS void mw_request_answer(struct mw_request *request, json_t *message,
                                   bool private_answer);
MW_SUSPENDS void mw_request_say(struct mw_request *request, bool private_answer, const char *format,
                                ...) __attribute__((format(printf, 3, 4)));

#endif
