/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record: incidents, plans, steps, decisions, what came in from chat and what is to go out, and
 * an audit trail whose rows are chained by hashes. Nothing is acted on before it stands here.
 *
 * Changes are collected and committed at one stroke. One process writes; others may read beside it.
 */
#ifndef MIDWATCH_RECORD_H
#define MIDWATCH_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

#include "midwatch/deadline.h"
#include "midwatch/error.h"
#include "midwatch/incident.h"
#include "midwatch/store.h"

struct mw_record;

/* Opens the store, and brings its tables up to this version (ACTIVE) or refuses what is newer or older
 * than it can read (READER). */
MW_SUSPENDS struct mw_record *mw_record_open(TALLOC_CTX *memory, const struct mw_store_ops *ops,
                                             const char *location, enum mw_store_mode mode,
                                             struct mw_error *error);
MW_SUSPENDS void mw_record_close(struct mw_record *record);

/* For `doctor`: whether it can be opened, read and written, and what is in it. Nothing is made or changed;
 * a running midwatch may hold it. */
MW_SUSPENDS void mw_record_check(const struct mw_store_ops *ops, const char *location,
                                 const struct mw_check *check, struct mw_deadline deadline);

/* The next unused incident number. */
int64_t mw_record_next_incident(struct mw_record *record);

/* ---- changes ---- */

struct mw_change;

struct mw_change *mw_change_begin(struct mw_record *record);

/* The incident's own row; the arrays below it are written by the calls that follow. With version 0 it
 * is new; otherwise the row must still have the version that the incident was read with, or the
 * commit is refused. The version in memory grows when the commit succeeds. */
void mw_change_incident(struct mw_change *change, struct mw_incident *incident);
/* A plan with all its steps, new or changed. */
void mw_change_plan(struct mw_change *change, const struct mw_incident *incident,
                    const struct mw_plan *plan);
/* A new decision. */
void mw_change_decision(struct mw_change *change, const struct mw_incident *incident,
                        const struct mw_decision *decision);
/* Done with what came in (mw_inbox_done); 0: nothing did. */
void mw_change_said(struct mw_change *change, int64_t inbox);
/* One row of the audit trail. `actor` is a person's name or "midwatch"; `action` a word such as
 * "opened", "approve", "step_started"; `detail` may be NULL. incident 0: none. */
void mw_change_audit(struct mw_change *change, const char *actor, const char *action,
                     int64_t incident, const json_t *detail);

/* Frees the change, whatever happens. `intent`: what follows is an act on the world, so cancelling does
 * not end this wait and it has no deadline; otherwise it waits 10 s at most. */
MW_SUSPENDS bool mw_change_commit(struct mw_change *change, bool intent, struct mw_error *error);

/* ---- reading ---- */

/* NULL with MW_ERROR_BAD_INPUT when there is no such incident. */
MW_SUSPENDS struct mw_incident *mw_record_incident(struct mw_record *record, TALLOC_CTX *memory,
                                                   int64_t id, struct mw_error *error);

/* Which whole incidents to read, and how far that went. */
struct mw_incident_page {
    const int64_t *ids;   /* `limit` of them: these alone; NULL: those that the others say */
    const char *resource; /* leads it or is a member; NULL: all */
    int64_t below; /* only numbers below this one; 0: from the newest on. Set for the next page */
    size_t limit;  /* at most 100, which more is cut to */
    bool brief;    /* without plans, decisions, log, facts, readings and collateral: for lists */
    bool end;      /* set when there are no more */
};

/* They and all below them, newest first, in one transaction; a talloc array with `*count` items that owns
 * them. One that is damaged is left out, and the log says so. */
MW_SUSPENDS struct mw_incident **mw_record_page(struct mw_record *record, TALLOC_CTX *memory,
                                                struct mw_incident_page *page, size_t *count,
                                                struct mw_error *error);

enum mw_incident_filter {
    MW_INCIDENTS_OPEN,   /* not closed */
    MW_INCIDENTS_UNTOLD, /* closed, but chat has not been told all (see mw_record_told) */
    MW_INCIDENTS_ALL,
};

/* Their numbers, newest first, at most `limit`; a talloc array with `*count` items. */
MW_SUSPENDS int64_t *mw_record_incidents(struct mw_record *record, TALLOC_CTX *memory,
                                         enum mw_incident_filter filter, size_t limit,
                                         size_t *count, struct mw_error *error);

/* How a tool fared before on this kind and environment, closed incidents only. */
struct mw_track {
    int runs, recovered;
    int streak;              /* of the newest runs, how many recovered in a row */
    int64_t median_ms;       /* of execution plus verification, of those that recovered; 0: none */
    mw_wall_ms last_failure; /* 0: none */
};
MW_SUSPENDS bool mw_record_track(struct mw_record *record, const char *tool, const char *kind,
                                 const char *environment, struct mw_track *track,
                                 struct mw_error *error);

/* Closed incidents of the same kind that were led by the same metric, most alike first: of the same
 * resource, of the same environment, others; the newest of each first. Their numbers, at most `limit`; a
 * talloc array. Only the newest few hundred are looked through. */
MW_SUSPENDS int64_t *mw_record_similar(struct mw_record *record, TALLOC_CTX *memory,
                                       const struct mw_incident *to, size_t limit, size_t *count,
                                       struct mw_error *error);

/* How many plans policy let run by themselves since then; of one resource, or of all (NULL). */
MW_SUSPENDS bool mw_record_automatic(struct mw_record *record, const char *resource,
                                     mw_wall_ms since, int64_t *count, struct mw_error *error);

/* That a resource is well again, whatever became of its incidents so far. */
void mw_change_healed(struct mw_change *change, const char *resource);

/* Adds {resource: severity} (enum mw_health) for each resource whose newest incident closed without
 * recovery, and that was not well again since. */
MW_SUSPENDS bool mw_record_unsettled(struct mw_record *record, json_t *into,
                                     struct mw_error *error);

/* A word that outlives the process. A change sets it (NULL: removes it); reading gives NULL where there
 * is none. */
void mw_change_setting(struct mw_change *change, const char *name, const char *value);
MW_SUSPENDS bool mw_record_setting(struct mw_record *record, TALLOC_CTX *memory, const char *name,
                                   char **value, struct mw_error *error);

/* ---- silences ---- */

/* A person asked for quiet on a resource; "*": on all of them. */
struct mw_silence {
    char *resource, *person;
    char *why; /* may be NULL */
    mw_wall_ms begun_at, until;
};

/* A resource has one at most, so a new one takes the place of an earlier one. */
void mw_change_silence(struct mw_change *change, const struct mw_silence *silence);
void mw_change_unsilence(struct mw_change *change, const char *resource);
/* All of them, also those whose time is over; a talloc array on `memory`. */
MW_SUSPENDS struct mw_silence *mw_record_silences(struct mw_record *record, TALLOC_CTX *memory,
                                                  size_t *count, struct mw_error *error);

/* Chat has been told all there is about the incident as of this version. */
MW_SUSPENDS bool mw_record_told(struct mw_record *record, int64_t incident, int64_t version,
                                struct mw_error *error);

/* ---- inbox ---- */

struct mw_inbox_event {
    int64_t id;
    char *chat;
    json_t *body; /* as the core wrote it, secrets masked; released with the talloc parent */
};

/* Records an event, with secrets in its body masked: people write them into a chat. `*fresh` is false when this
 * chat has handed in the same `event` before. */
MW_SUSPENDS bool mw_inbox_add(struct mw_record *record, const char *chat, const char *event,
                              const json_t *body, int64_t *id, bool *fresh, struct mw_error *error);
MW_SUSPENDS bool mw_inbox_done(struct mw_record *record, int64_t id, struct mw_error *error);
/* Recorded and not done, oldest first, at most MW_INBOX_MAX: of all chats, and of one chat those with a higher id
 * than `after`. */
#define MW_INBOX_MAX 1000
MW_SUSPENDS struct mw_inbox_event *mw_inbox_pending(struct mw_record *record, TALLOC_CTX *memory,
                                                    size_t *count, struct mw_error *error);

MW_SUSPENDS struct mw_inbox_event *mw_inbox_later(struct mw_record *record, TALLOC_CTX *memory,
                                                  const char *chat, int64_t after, size_t *count,
                                                  struct mw_error *error);

/* ---- outbox: one row per chat, incident and slot ---- */

struct mw_outbox_row {
    int64_t id;
    int64_t incident;
    char *slot;
    json_t *message;
    int64_t revision; /* of the content; grows with each different put */
    char *reference;  /* where it stands on the platform; NULL: not posted as far as we know */
    bool in_doubt;    /* posting was begun and its end is not known */
};

struct mw_outbox_item {
    const char *slot;
    const json_t *message;
};

/* Puts what these slots should say; a slot that already says so is left alone. All in one commit. */
MW_SUSPENDS bool mw_outbox_put(struct mw_record *record, const char *chat, int64_t incident,
                               const struct mw_outbox_item *items, size_t count,
                               struct mw_error *error);
/* Rows whose content is not delivered yet, in the order of their first put, at most `limit`. */
MW_SUSPENDS struct mw_outbox_row *mw_outbox_due(struct mw_record *record, TALLOC_CTX *memory,
                                                const char *chat, size_t limit, size_t *count,
                                                struct mw_error *error);
/* Before posting a row that has no reference, and after delivering it in whatever way. */
MW_SUSPENDS bool mw_outbox_posting(struct mw_record *record, const struct mw_outbox_row *row,
                                   struct mw_error *error);
MW_SUSPENDS bool mw_outbox_delivered(struct mw_record *record, const struct mw_outbox_row *row,
                                     const char *reference, struct mw_error *error);
/* Whether posting a row of this chat was begun and its reference is not known yet. */
MW_SUSPENDS bool mw_outbox_in_doubt(struct mw_record *record, const char *chat, bool *doubt,
                                    struct mw_error *error);
/* The reference of a slot, or NULL in *reference; and the incident and slot of a reference. */
MW_SUSPENDS bool mw_outbox_reference(struct mw_record *record, TALLOC_CTX *memory, const char *chat,
                                     int64_t incident, const char *slot, char **reference,
                                     struct mw_error *error);
MW_SUSPENDS bool mw_outbox_find(struct mw_record *record, TALLOC_CTX *memory, const char *chat,
                                const char *reference, int64_t *incident, char **slot,
                                struct mw_error *error);

/* ---- exchanges: what was said to models and by them ---- */

/* A longer text keeps its beginning and its end. */
#define MW_EXCHANGE_BYTES_MAX ((size_t)(64 * 1024))

struct mw_exchange {
    int64_t incident; /* 0: a question that was asked in chat */
    mw_wall_ms at;
    const char *model;
    const char *request;        /* as sent */
    const char *answer, *fault; /* one of them is NULL, or both where an answer could not be read */
    const json_t *usage;        /* {"input_tokens", …} (planner.h) of this one; NULL: not known */
};

/* Texts are masked and bounded. */
MW_SUSPENDS bool mw_exchange_add(struct mw_record *record, const struct mw_exchange *exchange,
                                 struct mw_error *error);
MW_SUSPENDS bool mw_exchange_count(struct mw_record *record, int64_t incident, int64_t *count,
                                   struct mw_error *error);
/* What exchanges since then cost, of those whose price was known. */
MW_SUSPENDS bool mw_exchange_spent(struct mw_record *record, mw_wall_ms since, double *usd,
                                   struct mw_error *error);

/* ---- audit ---- */

struct mw_audit_row {
    int64_t id; /* from 1, without a gap */
    mw_wall_ms at;
    const char *actor, *action;
    int64_t incident;   /* 0: none */
    const char *detail; /* JSON text; NULL: nothing */
    const char
        *hash; /* hex SHA-256 of: the hash of the row before ("" for the first), "\n", chained */
    const char *chained;
};

/* Which rows: those after a number, oldest first; or the newest, also returned oldest first. */
struct mw_audit_page {
    bool newest;
    int64_t incident; /* of this alone; 0: all. For the newest only */
    int64_t after;
    size_t limit;
};

/* A talloc array with `*count` items that owns what they point to. */
MW_SUSPENDS struct mw_audit_row *mw_audit_rows(struct mw_record *record, TALLOC_CTX *memory,
                                               const struct mw_audit_page *page, size_t *count,
                                               struct mw_error *error);

/* Walks the chain. `*broken` is the first row whose hash does not fit, 0 when all fit; `*rows` is how
 * many there are. */
MW_SUSPENDS bool mw_audit_verify(struct mw_record *record, int64_t *rows, int64_t *broken,
                                 struct mw_error *error);

#endif
