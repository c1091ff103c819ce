/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The port for where people are: a chat platform. The core speaks messages (message.h) and hears
 * events; an adapter turns the one into what its platform shows and what people do there into the
 * other.
 */
#ifndef MIDWATCH_CHAT_H
#define MIDWATCH_CHAT_H

#include <jansson.h>
#include <stdbool.h>
#include <talloc.h>

#include "midwatch/check.h"
#include "midwatch/deadline.h"
#include "midwatch/error.h"
#include "midwatch/option.h"

enum mw_chat_event_kind {
    MW_CHAT_COMMAND,  /* somebody wrote words to us */
    MW_CHAT_REACTION, /* somebody put an emoji on a message of ours */
    MW_CHAT_REACTION_REMOVED,
    MW_CHAT_HOME, /* somebody looks at the page that we have for them alone */
};

/* Borrowed for the length of the call. Everything but `kind` is foreign text. */
struct mw_chat_event {
    enum mw_chat_event_kind kind;
    const char *id;     /* the platform's id, by which a redelivery is recognised */
    const char *person; /* the platform's id of who did it */
    const char *text;  /* COMMAND: the words, without address or slash command. REACTION: "r2" where
                             the place says which plan, NULL otherwise */
    const char *emoji; /* REACTION: as the platform names it: "✅", "+1", "white_check_mark" */
    const char *message;  /* REACTION: reference of the message; NULL when `incident` says it */
    const char *incident; /* "I42" where the place implies it (its thread); NULL otherwise */
    const char *thread;   /* reference of the message in whose thread it was said; NULL: none, or
                           `incident` says it */
    const char *place;    /* where an answer should stand; the adapter's own words; may be NULL */
};

struct mw_chat;

/* A message of ours that people may still act on. */
struct mw_chat_standing {
    char *reference;
    bool waits;  /* a plan that stands there waits for people's reactions */
    bool thread; /* what is said below it concerns its incident */
};

/* Who somebody is on the platform. */
struct mw_chat_identity {
    char *name;    /* one word, unique there */
    char *email;   /* checked by the platform; "": not known */
    bool outsider; /* a guest or of another organisation: may look on and no more */
};

/* Given by the core when the chat is created. */
struct mw_chat_host {
    void *context;
    /* Called in a fiber of the adapter. Returns true once the event is recorded, so that it may be
     * acknowledged; an event whose id was seen before is acknowledged and goes no further. */
    MW_SUSPENDS bool (*event)(void *context, struct mw_chat *chat,
                              const struct mw_chat_event *event, struct mw_error *error);
    /* Messages of open incidents, for a platform that asks what was missed. The list hangs on
     * `memory`. */
    MW_SUSPENDS bool (*standing)(void *context, struct mw_chat *chat, TALLOC_CTX *memory,
                                 struct mw_chat_standing **list, size_t *count,
                                 struct mw_error *error);
    /* Nobody is heard there, and why; NULL: it is over. Does not suspend. */
    void (*trouble)(void *context, struct mw_chat *chat, const char *why);
};

/* The core creates it (talloc; children of it go with it). */
struct mw_chat {
    const struct mw_chat_ops *ops;
    const char *name; /* "terminal"; unique among the configured chats */
    const struct mw_chat_host *host;
    void *state;
};

struct mw_chat_ops {
    const char *kind;                /* `kind:` in the configuration */
    const struct mw_option *options; /* its keys beside `kind` */
    size_t config_size;

    /* Mandatory; does not suspend. */
    bool (*create)(struct mw_chat *chat, const void *config, struct mw_error *error);

    /* Mandatory; the adapter's own fiber: connects, listens, hands in events. Returns when its
     * fiber is cancelled, having closed everything. */
    MW_SUSPENDS void (*run)(struct mw_chat *chat);

    /* Mandatory. Sends a new message. `thread` is the reference of the incident's card, or NULL for
     * the channel. `*reference` (on `memory`) is how the message is named from now on. `key` names
     * the message for good. */
    MW_SUSPENDS bool (*post)(struct mw_chat *chat, const char *key, const json_t *message,
                             const char *thread, struct mw_deadline deadline, TALLOC_CTX *memory,
                             char **reference, struct mw_error *error);

    /* Optional. Looks for a message that was posted under `key` and whose fate is not known. NULL in
     * `*reference`: it is not there. One that arrived twice is left there once. */
    MW_SUSPENDS bool (*find)(struct mw_chat *chat, const char *key, const char *thread,
                             struct mw_deadline deadline, TALLOC_CTX *memory, char **reference,
                             struct mw_error *error);

    /* Mandatory. Replaces what a message says. */
    MW_SUSPENDS bool (*edit)(struct mw_chat *chat, const char *reference, const json_t *message,
                             const char *thread, struct mw_deadline deadline,
                             struct mw_error *error);

    /* Mandatory. Answers an event where it was said; privately where the platform can and
     * `private_answer` asks for it. Not kept: an answer that cannot be sent is lost. */
    MW_SUSPENDS bool (*answer)(struct mw_chat *chat, const struct mw_chat_event *event,
                               const json_t *message, bool private_answer,
                               struct mw_deadline deadline, struct mw_error *error);

    /* Optional, both or none: who somebody is, and whether they are in one of the platform's groups. */
    MW_SUSPENDS bool (*identify)(struct mw_chat *chat, const char *person,
                                 struct mw_deadline deadline, TALLOC_CTX *memory,
                                 struct mw_chat_identity *identity, struct mw_error *error);
    MW_SUSPENDS bool (*in_group)(struct mw_chat *chat, const char *person, const char *group,
                                 struct mw_deadline deadline, bool *is, struct mw_error *error);

    /* Optional; for `doctor`, instead of run(): whether messages would arrive and people be heard, without
     * sending any. Fails with what is to be mended. */
    MW_SUSPENDS bool (*check)(struct mw_chat *chat, const struct mw_check *check,
                              struct mw_deadline deadline, struct mw_error *error);
};

#endif
