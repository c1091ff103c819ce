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

/* In order of strictness. EARNED is a rule's word only: it becomes AUTO once the tool has worked `after`
 * times in a row on that kind and environment, APPROVE before. */
enum mw_verdict { MW_VERDICT_AUTO, MW_VERDICT_APPROVE, MW_VERDICT_DENY, MW_VERDICT_EARNED };
const char *mw_verdict_name(enum mw_verdict verdict);

struct mw_policy_rule {
    const char *tool, *risk, *resource, *kind, *environment; /* NULL: any */
    const char *hours; /* "Mon-Fri 09:00-18:00" in the local zone; NULL: always */
    int then;          /* enum mw_verdict */
    int64_t approvers; /* 0: not said */
    int64_t after;     /* EARNED: successes in a row */
};

enum mw_mode { MW_MODE_LIVE, MW_MODE_SHADOW };

struct mw_auto_limits {
    int64_t resource, all; /* plans that run by themselves in an hour; beyond it people are asked */
};

struct mw_mass_failure {
    int64_t percent; /* of all resources; 0: never */
    int64_t window;  /* ms */
};

struct mw_policy {
    int mode;                     /* enum mw_mode */
    int fallback;                 /* `default:`, enum mw_verdict */
    struct mw_section_list rules; /* of struct mw_policy_rule; first match wins */
    int64_t approval_timeout;     /* ms */
    double min_confidence;
    struct mw_auto_limits *max_auto_per_hour;
    int64_t max_retries;
    int64_t verify_hold;                  /* ms */
    int64_t group_window;                 /* ms; 0: only what needs each other is grouped */
    struct mw_mass_failure *mass_failure; /* NULL: never suspected */
};

extern const struct mw_option mw_policy_options[];

/* Who is told what is wrong with a rule: which one, which key, and what to write instead. */
struct mw_policy_faults {
    void *context;
    void (*add)(void *context, size_t rule, const char *key, const char *text);
};
void mw_policy_check(const struct mw_policy *policy, const struct mw_policy_faults *faults);

/* ---- maintenance: `maintenance:` in the configuration ---- */

/* Planned work: from each moment of `cron` on, these resources are quiet for a while. */
struct mw_maintenance {
    struct mw_text_list resources; /* "*": all of them */
    const char *cron;              /* base/cron.h */
    int64_t length;                /* `for:`, ms */
};

extern const struct mw_option mw_maintenance_options[];

/* Who is told what is wrong with an entry: which one, which key, and what to write instead. */
struct mw_maintenance_faults {
    void *context;
    void (*add)(void *context, size_t entry, const char *key, const char *text);
};
void mw_maintenance_check(const struct mw_section_list *list,
                          const struct mw_maintenance_faults *faults);

/* ---- quiet ---- */

/* A silence lasts at least and at most so long. */
#define MW_SILENCE_LEAST_MS INT64_C(60000)
#define MW_SILENCE_MOST_MS  (30 * INT64_C(86400000))

/* Why no incident opens for a resource: a person's silence, or maintenance (`person` is NULL). */
struct mw_quiet {
    mw_wall_ms from, until;
    const char *person, *why; /* borrowed; why may be NULL */
};

/* The quiet that a resource (or "*", everything) is in at `now`: of several, the one that lasts longest. */
bool mw_quiet_find(const struct mw_silence *silences, size_t count,
                   const struct mw_section_list *maintenance, const char *resource, mw_wall_ms now,
                   struct mw_quiet *quiet);
/* "silenced by alice until 14:02: deploying", "in maintenance until 04:00". */
char *mw_quiet_text(TALLOC_CTX *memory, const struct mw_quiet *quiet);

/* ---- the room ---- */

struct mw_respond;

struct mw_respond_settings {
    const struct mw_policy *policy;
    struct mw_planner *planner;  /* asked first */
    struct mw_planner *fallback; /* asked when the first fails; NULL: none */
    int64_t planner_timeout;     /* ms */
    /* The role that a person has now; NULL: the one they had when they decided. */
    enum mw_role (*role_of)(const void *people, const char *person);
    const void *people;
    struct mw_section_list maintenance; /* of struct mw_maintenance */
    /* The talloc pointer on which all that these settings point to hangs; who uses it across a suspension
     * keeps a reference. NULL: it outlives the room. */
    const void *keeper;
};

struct mw_respond_listener {
    void *context;
    /* The incident was recorded in a new state. Must not suspend. */
    void (*changed)(void *context, const struct mw_incident *incident);
    /* Optional; told often, and must not suspend. The planner that is asked first cannot answer, `why` being a
     * sentence, or it can again (NONE). `instead` is who is asked meanwhile; NULL: nobody. */
    void (*impaired)(void *context, const char *planner, enum mw_impairment impairment,
                     const char *why, const char *instead);
    /* Optional; told at each try, and must not suspend. The incident could not be recorded, and waits until
     * it can be; one whose version is 0 stands in the record not at all. */
    void (*unrecorded)(void *context, const struct mw_incident *incident,
                       const struct mw_error *why);
    /* Optional, and must not suspend. Nobody knows how a resource is since it cannot be looked at, `why` being a
     * sentence; or it can, for the first time or again (NULL). */
    void (*blind)(void *context, const char *resource, const char *why);
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

/*
 * Puts other settings into force; the watch has its other inventory by then. From now on nobody sees the
 * earlier ones, except what is under way with them: a planner that thinks, a step that runs. Approvals
 * that were not used yet of people who may not give them any more become void: that is recorded, and
 * the plan goes on waiting. Incidents whose resource left end as handed over.
 */
MW_SUSPENDS void mw_respond_reload(struct mw_respond *respond,
                                   const struct mw_respond_settings *settings);

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

/* Stops everything automatic at once: what would run by itself asks, and what runs by itself stops after
 * the step in progress. It outlives a restart. Freezing takes an operator, thawing an approver. */
MW_SUSPENDS bool mw_respond_freeze(struct mw_respond *respond, const struct mw_person *person,
                                   const char *why, TALLOC_CTX *memory, char **said,
                                   struct mw_error *error);
MW_SUSPENDS bool mw_respond_thaw(struct mw_respond *respond, const struct mw_person *person,
                                 TALLOC_CTX *memory, char **said, struct mw_error *error);
/* "frozen by alice: deploying"; NULL while it is not. */
const char *mw_respond_frozen(const struct mw_respond *respond);

/*
 * Keeps a resource ("*": all of them) quiet for that long: it is watched and shown, but no incident opens
 * for it, and nothing runs on it by itself. An incident that is open stays open. What is still bad when
 * the quiet ends is an incident then. A second silence takes the place of the first; it outlives a
 * restart. Both take an operator.
 */
MW_SUSPENDS bool mw_respond_silence(struct mw_respond *respond, const char *resource,
                                    int64_t length, const struct mw_person *person, const char *why,
                                    TALLOC_CTX *memory, char **said, struct mw_error *error);
MW_SUSPENDS bool mw_respond_unsilence(struct mw_respond *respond, const char *resource,
                                      const struct mw_person *person, TALLOC_CTX *memory,
                                      char **said, struct mw_error *error);
/* mw_quiet_text() of a resource, or of everything ("*"); NULL while it is not quiet. */
char *mw_respond_quiet(const struct mw_respond *respond, TALLOC_CTX *memory, const char *resource);

/* ---- questions ---- */

/* Whether the planner that is asked first answers questions; its label. NULL: it does not. */
const char *mw_respond_answers(const struct mw_respond *respond);

/*
 * A question about what is watched, answered by that planner with read-only tools; nothing is changed by it.
 * `incident` is the one that it is about, or 0. `*answer` is as in planner.h, a new reference, its texts not
 * yet cleaned for chat. MW_ERROR_REFUSED where nobody answers questions.
 */
MW_SUSPENDS bool mw_respond_ask(struct mw_respond *respond, const char *question, int64_t incident,
                                json_t **answer, struct mw_error *error);

/* Tells a planner what was spent today, from the record; start() does so, and whoever makes the planner
 * anew later. */
MW_SUSPENDS void mw_respond_count_spent(struct mw_respond *respond);

/* ---- tools ---- */

/* The tools that fit a resource of this kind: the kind's own, then those that fit any. NULL when there
 * is none of that name. */
const struct mw_tool *mw_catalogue_find(const struct mw_target_ops *ops, const char *name);
/* The document of `midwatch tools --json` for these kinds (a list that ends with NULL); a new reference. */
json_t *mw_catalogue_to_json(const struct mw_target_ops *const *kinds);

#endif
