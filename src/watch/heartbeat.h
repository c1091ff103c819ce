/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dead man's switch: as long as midwatch truly works (the loop turns, the record takes a write, probes
 * come to their end), it asks for a URL at an interval. Somebody else's service rings when that stops.
 */
#ifndef MIDWATCH_WATCH_HEARTBEAT_H
#define MIDWATCH_WATCH_HEARTBEAT_H

#include "midwatch/option.h"
#include "record/record.h"
#include "runtime/http.h"
#include "watch/watch.h"

struct mw_heartbeat_config {
    const char *url; /* often a secret as a whole */
    int64_t every;   /* ms */
};

extern const struct mw_option mw_heartbeat_options[];

/* BAD_INPUT: it is no URL, or plain http to another machine. Registers what is secret in it. */
bool mw_heartbeat_check_url(const char *url, struct mw_error *error);
/* Who is told, without the secret: "hc.example.org". "" for what is no URL. */
char *mw_heartbeat_host(TALLOC_CTX *memory, const char *url);

/* For `doctor`: whether its host can be reached. It does not beat, since that would say that midwatch
 * runs. */
MW_SUSPENDS bool mw_heartbeat_check(const struct mw_heartbeat_config *config,
                                    const struct mw_check *check, struct mw_deadline deadline,
                                    struct mw_error *error);

enum mw_heartbeat_state {
    MW_HEARTBEAT_NEW, /* there was no beat yet, or none is wanted any more */
    MW_HEARTBEAT_HEARD,
    MW_HEARTBEAT_WITHHELD, /* something of ours does not work */
    MW_HEARTBEAT_UNHEARD,  /* the URL cannot be asked for, or answers that it will not */
};

struct mw_heartbeat {
    struct mw_watch *watch;
    struct mw_record *record;
    /* Told once when the state changes, at the first beat too: trouble that was told before a restart may be
     * over. `text` is NULL for NEW. Must not suspend; may be NULL. */
    void (*tell)(void *context, enum mw_heartbeat_state state, const char *text);
    void *context;

    MW_SUSPENDS bool (*send)(TALLOC_CTX *memory, const struct mw_http_request *request,
                             struct mw_deadline deadline, struct mw_http_response *response,
                             struct mw_error *error); /* mw_http */

    /* The heartbeat's own. */
    TALLOC_CTX *memory;
    char *url; /* NULL: none is wanted */
    int64_t every;
    enum mw_heartbeat_state state;
    unsigned follows; /* how often it was told what to follow */
    mw_mono_ns begun; /* when it began to look */
    mw_mono_ns next;  /* when the next beat is due */
    struct mw_condition changed;
};

/* Fills all but `send`, `tell` and `context`, which the caller may set before it runs. What it keeps hangs on
 * `memory`. */
void mw_heartbeat_init(struct mw_heartbeat *heartbeat, TALLOC_CTX *memory, struct mw_watch *watch,
                       struct mw_record *record);

/* What is wanted from now on; NULL: none. A copy is kept. */
void mw_heartbeat_follow(struct mw_heartbeat *heartbeat, const struct mw_heartbeat_config *config);

/* A fiber's life, until it is cancelled; `heartbeat` is a struct mw_heartbeat. */
MW_SUSPENDS void mw_heartbeat_run(void *heartbeat);

/* Whether probes come to their end: some resource has seen one lately, for its interval and timeout, or
 * has not had the time since `begun` or since it was added; or there is none to probe. */
bool mw_watch_is_alive(const struct mw_watch *watch, mw_mono_ns begun);

#endif
