/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An incident's life: open → evidence → plan → judge → ask → execute → verify → review → closed. Each
 * open incident has a fiber that walks it through its stages; each stage is recorded before it is
 * acted on, so that a process that was killed resumes where it stood.
 */
#ifndef MIDWATCH_RESPOND_H
#define MIDWATCH_RESPOND_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

#include "midwatch/error.h"
#include "midwatch/incident.h"
#include "midwatch/option.h"
#include "midwatch/person.h"
#include "midwatch/planner.h"
#include "record/record.h"
#include "watch/watch.h"

/* ---- policy: `policy:` in the configuration ---- */

enum mw_verdict {
    MW_VERDICT_AUTO,
    MW_VERDICT_APPROVE,
    MW_VERDICT_DENY
}; /* in order of strictness */
const char *mw_verdict_name(enum mw_verdict verdict);

struct mw_policy_rule {
    const char *tool, *risk, *resource, *kind, *environment; /* NULL: any */
    int then;                                                /* enum mw_verdict */
    int64_t approvers;                                       /* 0: not said */
};

struct mw_policy {
    int fallback;                 /* `default:`, enum mw_verdict */
    struct mw_section_list rules; /* of struct mw_policy_rule; first match wins */
    int64_t approval_timeout;     /* ms */
    double min_confidence;
    int64_t max_retries;
    int64_t verify_hold; /* ms */
};

extern const struct mw_option mw_policy_options[];

/* ---- the room ---- */

struct mw_respond;

struct mw_respond_settings {
    const struct mw_policy *policy;
    struct mw_planner *planner;  /* asked first */
    struct mw_planner *fallback; /* asked when the first fails; NULL: none */
    int64_t planner_timeout;     /* ms */
};

struct mw_respond_listener {
    void *context;
    /* The incident was recorded in a new state. Must not suspend. */
    void (*changed)(void *context, const struct mw_incident *incident);
};

struct mw_respond *mw_respond_create(TALLOC_CTX *memory, struct mw_watch *watch,
                                     struct mw_record *record,
                                     const struct mw_respond_settings *settings,
                                     const struct mw_respond_listener *listener);
/* Takes up the incidents that the record has open, and begins to listen to the watch. */
MW_SUSPENDS bool mw_respond_start(struct mw_respond *respond, struct mw_error *error);
/* Cancels the incidents' fibers, which resume at the next start. A step in progress is given its
 * deadline to end. */
MW_SUSPENDS void mw_respond_stop(struct mw_respond *respond);

/* Borrowed until the next suspension; open incidents only. */
const struct mw_incident *mw_respond_find(const struct mw_respond *respond, int64_t id);
/* The open incident of a resource, or NULL. */
const struct mw_incident *mw_respond_of(const struct mw_respond *respond, const char *resource);
/* Numbers of the open incidents, oldest first; a talloc array. */
int64_t *mw_respond_open(const struct mw_respond *respond, TALLOC_CTX *memory, size_t *count);

/*
 * A person's decision, already matched to a person. revision 0 means "the plan" where only one was shown, and the
 * incident as a whole for the other actions. The role, the stage, the revision and the time are checked
 * here, on the server's side, whatever way it came. It is recorded, refusals too. `*said`, on `memory`,
 * is what to answer: one sentence. False: refused (MW_ERROR_REFUSED), or it could not be recorded.
 */
MW_SUSPENDS bool mw_respond_decide(struct mw_respond *respond, int64_t incident,
                                   enum mw_action action, int revision,
                                   const struct mw_person *person, const char *note,
                                   TALLOC_CTX *memory, char **said, struct mw_error *error);

/* Opens an incident for a resource that is bad and has none open: `fix RESOURCE`. */
MW_SUSPENDS bool mw_respond_fix(struct mw_respond *respond, const char *resource,
                                const struct mw_person *person, TALLOC_CTX *memory, char **said,
                                struct mw_error *error);

/* ---- tools ---- */

/* The tools that fit a resource of this kind: the kind's own, then those that fit any. NULL when there
 * is none of that name. */
const struct mw_tool *mw_catalogue_find(const struct mw_target_ops *ops, const char *name);
/* The document of `midwatch tools --json` for these kinds (a list that ends with NULL); a new reference. */
json_t *mw_catalogue_to_json(const struct mw_target_ops *const *kinds);

#endif
