/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people see and say: incidents become cards and threads in the outbox of every chat, events
 * from chats are recorded, understood as commands or reactions, matched to a person and handed on.
 */
#ifndef MIDWATCH_CONVERSE_H
#define MIDWATCH_CONVERSE_H

#include <jansson.h>
#include <stdbool.h>
#include <talloc.h>

#include "midwatch/chat.h"
#include "midwatch/error.h"
#include "midwatch/option.h"
#include "midwatch/person.h"
#include "record/record.h"
#include "respond/respond.h"
#include "watch/watch.h"

/* ---- people: `people:` in the configuration ---- */

struct mw_person_config {
    const char *name;
    bool terminal;
    const char *slack; /* of a person, or of a user group: then each of its members has the roles */
    const char *email;
    struct mw_text_list roles; /* viewer operator approver admin; checked by mw_people_check */
    const char *later;         /* platforms that this version does not have */
};

extern const struct mw_option mw_person_options[];

/* Who is told what is wrong with a list of people: which entry, which key, and what to write instead. */
struct mw_people_faults {
    void *context;
    void (*add)(void *context, size_t index, const char *key, const char *text);
};

/* Checks names and roles of a list of struct mw_person_config. */
void mw_people_check(const struct mw_section_list *people, const struct mw_people_faults *faults);

/* The role that a person of this list (struct mw_section_list) has; viewer for anybody else. Members of a group
 * go by "GROUP/NAME". */
enum mw_role mw_people_role(const void *people, const char *name);

/* ---- the room ---- */

struct mw_converse;

/* Where the figures come from that `report` answers with. */
struct mw_report_source {
    void *context;
    /* The document report.json of that length of time, as somebody wrote it ("7d"); a new reference. NULL:
     * the error says what to write instead. */
    MW_SUSPENDS json_t *(*make)(void *context, const char *length, struct mw_error *error);
};

struct mw_converse_settings {
    const char *name;               /* of the installation */
    struct mw_section_list people;  /* of struct mw_person_config */
    const struct mw_policy *policy; /* for the command `policy`; NULL: it is not known here */
    struct mw_report_source report; /* for the command `report` */
};

struct mw_converse *mw_converse_create(TALLOC_CTX *memory, struct mw_watch *watch,
                                       struct mw_record *record,
                                       const struct mw_converse_settings *settings);
/* Given to mw_respond_create; and the way back for decisions. */
const struct mw_respond_listener *mw_converse_listener(struct mw_converse *converse);
void mw_converse_attach(struct mw_converse *converse, struct mw_respond *respond);

/* Puts other settings into force, at once: who people are, the policy that is shown, the name. What they
 * point to must live until the next reload; the watch has its other inventory by then. */
void mw_converse_reload(struct mw_converse *converse, const struct mw_converse_settings *settings);

/* Adds a chat; it is created by this call and run by start(). */
bool mw_converse_add_chat(struct mw_converse *converse, const struct mw_chat_ops *ops,
                          const void *config, struct mw_error *error);

/* Starts the chats, their outboxes and what an earlier run left undone: events recorded and not
 * handled, incidents of which chat was not told all. */
MW_SUSPENDS bool mw_converse_start(struct mw_converse *converse, struct mw_error *error);
/* Delivers what is due for at most a few seconds, then ends the chats. */
MW_SUSPENDS void mw_converse_stop(struct mw_converse *converse);

/*
 * Tells all chats that midwatch itself is impaired, and what still works; `text` is one sentence. `key` names the
 * impairment ("model/unreachable", at most 60 bytes): it is told once until it is over, however often this is
 * called, also across a restart. Neither suspends. What began and was over before it could be told is not
 * told. Over with `text` NULL ends it without a word; over of what was never told does nothing.
 */
void mw_converse_notice(struct mw_converse *converse, const char *key, const char *text);
void mw_converse_notice_over(struct mw_converse *converse, const char *key, const char *text);

#endif
