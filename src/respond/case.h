/* SPDX-License-Identifier: Apache-2.0 */
/* The respond room's own: an open incident with the fiber that walks it, and the stages. */
#ifndef MIDWATCH_RESPOND_CASE_H
#define MIDWATCH_RESPOND_CASE_H

#include "respond/respond.h"
#include "runtime/fiber.h"

struct mw_respond {
    struct mw_watch *watch;
    struct mw_record *record;
    struct mw_respond_settings settings;
    const struct mw_respond_listener *listener;
    struct mw_watch_listener watch_listener;
    struct mw_group fibers;
    struct mw_case *cases; /* open incidents, oldest first */
    bool draining;         /* no new step is begun */
    char *frozen;          /* who froze it and why; NULL: it is not */
    int64_t
        frozen_after; /* words with a lower number in the inbox were said before it; 0: all are later */
    struct mw_silence *silences; /* a talloc array */
    size_t silence_count;
    struct mw_lock silencing; /* one silence is recorded at a time */
    struct mw_condition silences_changed;
    json_t *quiet;   /* {resource: text} of those that are quiet, as last noticed */
    int recording;   /* exchanges on their way to the record */
    json_t *settled; /* {resource: severity} of incidents that closed while it was still bad */
};

struct mw_case {
    struct mw_respond *respond;
    struct mw_case *next;
    struct mw_incident *incident;
    struct mw_fiber *fiber;
    struct mw_condition changed; /* a decision was recorded, health changed, or we drain */
    struct mw_lock deciding;     /* one decision is checked and recorded at a time */
    bool recorded;               /* the incident has a row */
    bool grown;                  /* a resource joined that no evidence and plan is about yet */
    mw_mono_ns joined_mono;      /* when the last one joined; 0: none did */
    json_t
        *baseline; /* of each resource before the newest plan acted: {name: {"health", "metrics"}};
                         NULL: not known */
    bool acting;   /* a tool is running */
    bool ended;    /* no longer among the open ones; freed when the last user lets go */
    int users;
    mw_mono_ns stage_began;
    bool left;                  /* it ended since its resource left the configuration */
    struct mw_keeping *keeping; /* what the present stage was given; NULL between stages */
};

/*
 * What a stage works with. Another configuration may come whenever it suspends, so what these return
 * lives until the stage ends (mw_case_settings: what its members pointed to when it was asked). Outside of
 * a stage it lives until the next suspension.
 *
 * The resource that leads the incident, as the configuration has it now, or NULL when it left it or became
 * another kind; any resource, or NULL; the settings in force.
 */
struct mw_resource *mw_case_resource(const struct mw_case *self);
struct mw_resource *mw_case_find_resource(const struct mw_case *self, const char *name);
const struct mw_respond_settings *mw_case_settings(const struct mw_case *self);
/* Begins and ends what a stage may keep; letting go in between is for who waits long without it. */
void mw_case_keep(struct mw_case *self);
void mw_case_let_go(struct mw_case *self);
/* Ends the incident as handed over since its resource left; returns the stage that follows. */
enum mw_stage mw_case_left(struct mw_case *self);

/*
 * Records the incident, its plans and one audit row, and tells the listener. A record that fails
 * is tried again until it works or the fiber is cancelled, since nothing may be acted on before. False:
 * cancelled. `detail` is borrowed. `intent` as in mw_change_commit.
 */
MW_SUSPENDS bool mw_case_record(struct mw_case *self, const char *actor, const char *action,
                                const json_t *detail, bool intent);

/* What is known of a resource now, for an incident: copies on `memory`, and a new reference. */
struct mw_finding *mw_findings_copy(TALLOC_CTX *memory, const struct mw_resource *resource,
                                    size_t *count);
struct mw_reading mw_reading_take(const struct mw_resource *resource);
void mw_reading_replace(struct mw_reading *reading, const struct mw_resource *resource);

/* Takes an incident (talloc-stolen) among the open ones and lets it walk from its stage on. */
struct mw_case *mw_case_start(struct mw_respond *respond, struct mw_incident *incident);
struct mw_case *mw_case_find(const struct mw_respond *respond, int64_t id);
/* The open case that a resource is part of. */
struct mw_case *mw_case_of(const struct mw_respond *respond, const char *resource);
/* Keeps the case alive across a suspension of somebody who is not its fiber. */
void mw_case_hold(struct mw_case *self);
void mw_case_release(struct mw_case *self);

/* Milliseconds since the stage was entered. */
int64_t mw_case_stage_ms(const struct mw_case *self);
/* Ends the incident: sets outcome and reason; returns the stage that follows. */
enum mw_stage mw_case_conclude(struct mw_case *self, enum mw_outcome outcome, const char *format,
                               ...) __attribute__((format(printf, 3, 4)));
/* The same where the resource is seen to be healthy: recovered if we ever acted, else self-recovered. */
enum mw_stage mw_case_healed(struct mw_case *self);
bool mw_case_is_healthy(const struct mw_case *self);
/* A step was ever started in this incident; and one whose outcome nobody knows. */
bool mw_case_has_acted(const struct mw_case *self);
bool mw_case_in_doubt(const struct mw_case *self);
/* A step that changes something worked, or may have. */
bool mw_case_may_have_helped(const struct mw_case *self);

/* Of one incident: however often somebody asks for another, others join, or a step has become riskier by the
 * time it would run. And what people may say of it; to reject and to stop is always open. */
#define MW_PLANS_MAX     30
#define MW_DECISIONS_MAX 300

/* Why a plan is void whose maker was asked to think again (ask.c, planning.c). */
#define MW_AGAIN_REASON "a new plan was asked for"

/* A resource turned bad, or is bad and nobody keeps it quiet any more: it joins the case that it
 * belongs to or has one of its own; while it is quiet, neither. */
void mw_case_take_in(struct mw_respond *respond, const struct mw_resource *resource);

/* ---- what people know (settled.c) ---- */

/* It ended, and nothing of it is left to people. */
bool mw_case_is_over(const struct mw_case *self);
/* An incident closed while it was still bad, and it is no worse now. */
bool mw_settled_has(const struct mw_respond *respond, const struct mw_resource *resource);
/* A case was closed: what is left to people of it is settled. */
void mw_settled_close(const struct mw_case *closed);
/* It is well again, so its next trouble is news, also after a restart. */
void mw_settled_end(struct mw_respond *respond, const char *resource);

/* ---- several resources in one incident (group.c) ---- */

/* Whether `resource` needs `on`, be it by way of others. */
bool mw_group_needs(const struct mw_watch *watch, const char *resource, const char *on);
/* The resource of that name where it is part of the incident, or one of those needs it; else NULL. */
struct mw_resource *mw_group_scope(const struct mw_case *self, const char *resource);
/* So much turned bad at once that midwatch's own network is suspected; `*bad` is how many. */
bool mw_group_is_mass(const struct mw_respond *respond, size_t *bad);
/* The open case that a resource which turned bad belongs to; NULL: to none. */
struct mw_case *mw_group_home(const struct mw_respond *respond, const struct mw_resource *resource);
void mw_group_join(struct mw_case *self, const struct mw_resource *resource);
/* Some joined after the evidence was gathered: what was planned is void, and it begins anew. */
enum mw_stage mw_group_regroup(struct mw_case *self);
/* A plan that became void in this way says nothing against its steps. */
bool mw_group_overtook(const struct mw_plan *plan);
/* Waits a moment for those that turn bad together with it. */
MW_SUSPENDS void mw_group_settle(struct mw_case *self);
/* Lets the likeliest root lead; true: that is another one now. */
bool mw_group_lead(struct mw_case *self);

/* The plan did not help: another one, or the end. */
enum mw_stage mw_case_retry(struct mw_case *self);
/* Notes how everything is before the newest plan acts. */
void mw_baseline_take(struct mw_case *self);
/* Something that the incident is about is worse than before the newest plan acted. */
bool mw_baseline_is_worse(const struct mw_case *self);
/* What else moved since then: an array of sentences, a new reference. */
json_t *mw_baseline_collateral(const struct mw_case *self);

/* The stages (incident.h): each runs in the incident's fiber and returns what comes next. When the
 * fiber was cancelled the answer does not count, and the stage is taken up again at the next start. */
MW_SUSPENDS enum mw_stage mw_stage_evidence(struct mw_case *self);
MW_SUSPENDS enum mw_stage mw_stage_plan(struct mw_case *self);
MW_SUSPENDS enum mw_stage mw_stage_judge(struct mw_case *self);
MW_SUSPENDS enum mw_stage mw_stage_ask(struct mw_case *self);
MW_SUSPENDS enum mw_stage mw_stage_execute(struct mw_case *self);
MW_SUSPENDS enum mw_stage mw_stage_verify(struct mw_case *self);
MW_SUSPENDS enum mw_stage mw_stage_review(struct mw_case *self);

/* ---- people's decisions on a plan (decide.c) ---- */

struct mw_tally {
    const char *rejected_by; /* NULL: nobody */
    const char *rejected_why;
    const char *stopped_by; /* also of the incident as a whole */
    const char *again_by;
};
struct mw_tally mw_tally_count(const struct mw_incident *incident, int revision);

/* How many different people's last word is approve, counting only who may still give it. */
int mw_approvals(const struct mw_case *self, int revision);

/* "an operator", and what a viewer is, for sentences that say no. */
const char *mw_role_phrase(enum mw_role role);

/* False with a sentence when the role is too low for the action. */
bool mw_decide_check_role(enum mw_action action, const struct mw_person *person,
                          struct mw_error *error);
/* Records that approvals of the plan that waits are void whose givers may not give them any more, and tells
 * the stage. False: it could not be recorded; they are not counted all the same. */
MW_SUSPENDS bool mw_decide_void_lost(struct mw_case *self, struct mw_error *error);
/* The same for all open incidents (reload.c). */
MW_SUSPENDS void mw_respond_void_lost(struct mw_respond *respond);
/* Notes in the audit trail that somebody was told no. */
MW_SUSPENDS void mw_decide_record_refusal(struct mw_respond *respond, int64_t incident,
                                          enum mw_action action, const struct mw_person *person,
                                          const char *why);

/* The same for an incident that is not open (closed.c): it can be undone, and nothing else. */
MW_SUSPENDS bool mw_decide_closed(struct mw_respond *respond, int64_t incident,
                                  enum mw_action action, const struct mw_person *person,
                                  TALLOC_CTX *memory, char **said, struct mw_error *error);

/* ---- policy (policy.c) ---- */

struct mw_judgement {
    enum mw_verdict verdict;
    int approvers; /* for APPROVE: how many different people */
    int after;     /* for EARNED */
    char why[160]; /* which rule, for people */
};

/* What the rules say of one call at that time. */
struct mw_judgement mw_policy_judge(const struct mw_policy *policy, const char *tool,
                                    enum mw_risk risk, const struct mw_resource *resource,
                                    mw_wall_ms now);

/* Days and times of a rule's `hours` (hours.c). */
struct mw_hours {
    unsigned days;   /* bit 0 is Sunday */
    int from, until; /* minutes of the day; until at or before from: over midnight */
};
bool mw_hours_parse(const char *text, struct mw_hours *hours);
bool mw_hours_hold(const struct mw_hours *hours, mw_wall_ms at);

/* Reads what an earlier process left frozen (freeze.c). */
MW_SUSPENDS bool mw_freeze_load(struct mw_respond *respond, struct mw_error *error);

/* ---- quiet (quiet.c, maintenance.c) ---- */

/* The maintenance that a resource is in; of several, the one that lasts longest. */
bool mw_maintenance_find(const struct mw_section_list *list, const char *resource, mw_wall_ms now,
                         struct mw_quiet *quiet);
/* When the next thing begins or ends, at least 1 ms from now; maintenance begins at full minutes. */
int64_t mw_maintenance_wait(const struct mw_section_list *list, mw_wall_ms now);

MW_SUSPENDS bool mw_quiet_load(struct mw_respond *respond, struct mw_error *error);
/* The fiber that notices what begins and ends with time. */
void mw_quiet_run(void *respond);
bool mw_quiet_holds(const struct mw_respond *respond, const char *resource);
/* Why a plan may not go on by itself: what it would act on is quiet. NULL: nothing is. On the incident. */
const char *mw_quiet_plan(const struct mw_case *self, const struct mw_plan *plan);

/* False with a sentence when the role is too low for `what`, a verb (freeze.c). */
bool mw_role_allows(const struct mw_person *person, enum mw_role role, const char *what,
                    struct mw_error *error);

/* ---- planners (planners.c) ---- */

/* What a planner tells while it is asked about an incident; 0: a question from chat. Neither suspends. */
void mw_planner_exchanged(struct mw_respond *respond, int64_t incident,
                          const struct mw_planner_exchange *exchange);
void mw_planner_impaired(struct mw_respond *respond, const struct mw_planner *planner,
                         enum mw_impairment impairment, const char *why);

/* What a planner that uses the past is told of it (planner.h): masked, a new reference; empty where there
 * is none or it cannot be read (similar.c). */
MW_SUSPENDS json_t *mw_similar(const struct mw_case *self);

/* ---- proposals (proposal.c) ---- */

/* What a planner is told (planner.h); a new reference (situation.c). */
json_t *mw_situation(const struct mw_case *self, const struct mw_resource *resource,
                     json_t *complaints);

/*
 * Checks a proposal against the tools, the resource and the policy, and makes the next plan of the
 * incident of it, each step pinned by its tool's assessment. False with a complaint that a planner can
 * act on; the incident is untouched then. `*refused`, borrowed from the proposal, names whose step was
 * refused; NULL: the proposal as a whole.
 */
MW_SUSPENDS bool mw_proposal_accept(struct mw_case *self, const json_t *proposal,
                                    const char *planner, const char **refused,
                                    struct mw_error *error);

/* Calls a read-only tool that a planner asked for; refuses anything else. The result is masked. */
MW_SUSPENDS bool mw_look(const struct mw_case *self, const char *tool, const json_t *arguments,
                         json_t **result, struct mw_error *error);

/* The same for any resource that is watched. */
MW_SUSPENDS bool mw_look_anywhere(const struct mw_watch *watch, const char *tool,
                                  const json_t *arguments, json_t **result, struct mw_error *error);

/* Assesses one call; a tool without assess() has its floor and keeps its arguments. */
MW_SUSPENDS bool mw_tool_assess(const struct mw_tool *tool, struct mw_resource *resource,
                                const json_t *arguments, TALLOC_CTX *memory,
                                struct mw_assessment *out, struct mw_error *error);

/* Sets the digest over tools, arguments, resources, undo and each tool's schema. */
void mw_plan_seal(struct mw_plan *plan, const struct mw_watch *watch);

/* ---- shadow mode (shadow.c) ---- */

bool mw_case_in_shadow(const struct mw_case *self);
/* Says what the newest plan would have done; and ends an incident whose plan may not run any more. Both
 * return the stage that follows. */
enum mw_stage mw_case_only_tell(struct mw_case *self, const struct mw_judgement *judgement);
enum mw_stage mw_case_drop_plan(struct mw_case *self);

/* ---- taking back (undo.c) ---- */

/* The plan that takes back what the newest spent plan did, already approved: by the person who asks, or
 * (NULL) with that plan, whose part it was. NULL with MW_ERROR_REFUSED when there is nothing that can
 * be undone. */
struct mw_plan *mw_plan_undo(struct mw_case *self, const char *person, struct mw_error *error);
/* The plan was carried out, or not: what it took back is marked so. */
enum mw_stage mw_plan_undone(struct mw_case *self, struct mw_plan *undo, bool done);

#endif
