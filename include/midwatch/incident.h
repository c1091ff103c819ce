/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An incident and what happens to it. The incident owns everything below it (talloc); JSON values
 * in it are released by its destructor.
 */
#ifndef MIDWATCH_INCIDENT_H
#define MIDWATCH_INCIDENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <talloc.h>

#include "midwatch/deadline.h"
#include "midwatch/health.h"
#include "midwatch/tool.h"

/* Where an incident stands. The name says what comes next, so a stage found in the record is the
 * one to resume with. */
enum mw_stage {
    MW_STAGE_OPEN,     /* recorded; the card is due */
    MW_STAGE_EVIDENCE, /* logs and facts are to be gathered */
    MW_STAGE_PLAN,     /* a plan is to be proposed */
    MW_STAGE_JUDGE,    /* policy is to judge it */
    MW_STAGE_ASK,      /* a person is to decide */
    MW_STAGE_EXECUTE,  /* steps are to be run */
    MW_STAGE_VERIFY,   /* health is to be seen to hold */
    MW_STAGE_REVIEW,   /* the evaluation is to be written */
    MW_STAGE_CLOSED,
};

enum mw_outcome {
    MW_OUTCOME_NONE,
    MW_OUTCOME_RECOVERED,      /* we acted and health holds */
    MW_OUTCOME_SELF_RECOVERED, /* it healed before we acted */
    MW_OUTCOME_REJECTED,
    MW_OUTCOME_EXPIRED,     /* nobody decided in time */
    MW_OUTCOME_STOPPED,     /* a person stopped the run */
    MW_OUTCOME_FAILED,      /* we acted and it did not help */
    MW_OUTCOME_HANDED_OVER, /* a person took it, or nothing could be proposed */
};

enum mw_step_state {
    MW_STEP_PLANNED,
    MW_STEP_STARTED, /* recorded before the tool is called */
    MW_STEP_DONE,    /* ran, and the tool says ok */
    MW_STEP_FAILED,  /* ran or was tried, and did not work */
    MW_STEP_UNKNOWN, /* started, and we died or lost sight before the end */
    MW_STEP_SKIPPED, /* never started: stopped, or an earlier one failed */
    MW_STEP_UNDONE,  /* done, and taken back */
};

enum mw_plan_state {
    MW_PLAN_PROPOSED, /* awaits policy or a person */
    MW_PLAN_APPROVED, /* may run; by policy or by people */
    MW_PLAN_REJECTED,
    MW_PLAN_VOID,  /* overtaken: healed, expired, changed, stopped before it ran */
    MW_PLAN_SPENT, /* its approval was used: it ran, whatever came of it */
};

enum mw_action {
    MW_ACTION_APPROVE,
    MW_ACTION_REJECT,
    MW_ACTION_WITHDRAW, /* took an approval back before the start */
    MW_ACTION_STOP,
    MW_ACTION_ACK,
    MW_ACTION_UNDO,
    MW_ACTION_AGAIN, /* plan again */
    MW_ACTION_VOID,  /* midwatch's own: an approval of this person that no longer counts */
};

/* Names as in --json and in the record; the _parse functions take the same words. */
const char *mw_stage_name(enum mw_stage stage);
const char *mw_outcome_name(enum mw_outcome outcome); /* NULL for NONE */
const char *mw_step_state_name(enum mw_step_state state);
const char *mw_plan_state_name(enum mw_plan_state state);
const char *mw_action_name(enum mw_action action);
bool mw_stage_parse(const char *text, enum mw_stage *stage);
bool mw_outcome_parse(const char *text, enum mw_outcome *outcome); /* NULL text: NONE */
bool mw_step_state_parse(const char *text, enum mw_step_state *state);
bool mw_plan_state_parse(const char *text, enum mw_plan_state *state);
bool mw_action_parse(const char *text, enum mw_action *action);

struct mw_step {
    int position; /* from 1 */
    char *tool;
    char *resource;
    char *kind, *environment; /* of the resource, when the step was proposed */
    json_t *arguments;        /* pinned by the tool's assessment */
    char *why, *expect;
    char *effect; /* what it does here, for the card; may be NULL */
    enum mw_risk risk;
    char *risk_reason; /* may be NULL */
    json_t *undo;      /* {"tool", "arguments"}; may be NULL */
    enum mw_step_state state;
    json_t *result; /* {"ok", "summary", "data"}; NULL until it ended */
    mw_wall_ms started_at, ended_at;
};

struct mw_plan {
    int revision; /* from 1; each retry is a new one */
    char *digest; /* hex SHA-256 of tools, arguments, resources, undo and tool schemas */
    char *planner;
    char *root_cause;
    double confidence; /* 0..1 */
    json_t *evidence;  /* array of sentences; may be empty */
    json_t *usage;     /* what asking a model took (planner.h); NULL: none was asked */
    enum mw_plan_state state;
    char *state_reason; /* why void or rejected; by which rule it was judged; may be NULL */
    bool automatic;     /* approved by policy */
    bool undo;          /* takes back what an earlier plan did */
    int approvals_needed;
    mw_wall_ms proposed_at, approved_at, expires_at;
    size_t step_count;
    struct mw_step *steps;
};

struct mw_decision {
    int64_t id;
    char *person;
    enum mw_action action;
    int revision; /* 0: the incident as a whole */
    char *note;   /* why; may be NULL */
    mw_wall_ms at;
};

struct mw_finding {
    char *metric; /* NULL: the resource could not be reached, and `text` says why */
    double value, limit;
    double normal; /* median of what was measured while healthy; NAN: not known */
    enum mw_health health;
    char *text; /* "memory 97.2 % of maxmemory" */
};

struct mw_log_excerpt {
    char *line; /* clean and masked */
    int times;
};

/* What was measured of one resource at one moment. */
struct mw_reading {
    mw_wall_ms measured_at; /* where nobody answered: when that was seen */
    enum mw_health health;
    json_t *metrics; /* {name: number}; NULL: nothing */
};

/* Milliseconds that each part took, summed over retries; the person's time apart. */
struct mw_durations {
    int64_t detect, analyse, approve, execute, verify, total;
};

/* A resource that is part of an incident beside the one that leads it. */
struct mw_member {
    char *resource, *kind, *environment;
    enum mw_health severity; /* the worst it has been since it joined */
    mw_wall_ms since;        /* measured_at of its first bad sample */
    mw_wall_ms joined_at;
    int samples; /* bad samples seen before it joined */
    size_t finding_count;
    struct mw_finding *findings; /* as of joining */
    json_t *facts;               /* may be NULL */
    struct mw_reading before, after;
};

struct mw_incident {
    int64_t id;      /* I42 is 42 */
    int64_t version; /* grows with each recorded change */
    /* Of the resource that leads: the likeliest root. What stands below without another word is its. */
    char *resource, *kind, *environment;
    enum mw_stage stage;
    enum mw_outcome outcome;
    char *outcome_reason;    /* one sentence; may be NULL */
    enum mw_health severity; /* the worst it has been */
    mw_wall_ms since;        /* measured_at of the first bad sample */
    mw_wall_ms opened_at, closed_at;
    int samples; /* bad samples seen before it was opened */
    size_t finding_count;
    struct mw_finding *findings; /* as of opening */
    size_t log_count;
    struct mw_log_excerpt *log;
    json_t *facts; /* what the target said of itself; may be NULL */
    struct mw_reading before, after;
    size_t member_count;
    struct mw_member *members;
    bool mass; /* so much turned bad at once that midwatch's own network is suspected */
    struct mw_durations durations;
    json_t *collateral; /* array of sentences; NULL until reviewed */
    char *acknowledged_by;
    size_t plan_count;
    struct mw_plan *plans;
    size_t decision_count;
    struct mw_decision *decisions;
};

/* An empty incident whose destructor releases its JSON. */
struct mw_incident *mw_incident_create(TALLOC_CTX *memory);

/* Appends an empty plan with `steps` steps, or an empty decision. Earlier pointers into the arrays
 * become invalid. */
struct mw_plan *mw_incident_add_plan(struct mw_incident *incident, size_t steps);
struct mw_decision *mw_incident_add_decision(struct mw_incident *incident);
/* Appends an empty member. */
struct mw_member *mw_incident_add_member(struct mw_incident *incident);

/* The resources that are part of it by number, the one that leads first; NULL beyond the last. */
const char *mw_incident_resource(const struct mw_incident *incident, size_t index);

/* What the incident says of one of them, whichever place that has. The pointers hold until a member is
 * added or takes the lead. */
struct mw_part {
    const char *resource, *kind, *environment;
    enum mw_health *severity;
    mw_wall_ms since;
    size_t finding_count;
    const struct mw_finding *findings;
    json_t **facts;
    struct mw_reading *before, *after;
};
/* By the same number; false beyond the last. */
bool mw_incident_part(struct mw_incident *incident, size_t index, struct mw_part *part);
/* Whether a resource is part of the incident: leads it or is a member. */
bool mw_incident_has(const struct mw_incident *incident, const char *resource);
/* NULL: it is no member (it may lead). */
struct mw_member *mw_incident_find_member(const struct mw_incident *incident, const char *resource);
/* Makes a member the one that leads; the one that led takes its place. */
void mw_incident_lead(struct mw_incident *incident, struct mw_member *member);

/* The newest plan, or NULL; the plan of a revision, or NULL. */
struct mw_plan *mw_incident_plan(const struct mw_incident *incident);
struct mw_plan *mw_incident_find_plan(const struct mw_incident *incident, int revision);

/* "I42" → 42; 0 when the text is no incident ID. Case does not matter. */
int64_t mw_incident_id_parse(const char *text);

/* Adds one usage (planner.h) to a sum of them. */
void mw_usage_add(json_t *sum, const json_t *usage);

/* What models took over all plans: {"model", "turns", "input_tokens", "output_tokens", "latency_ms"} and,
 * where a price was known, "cost_usd"; empty where none was asked. A new reference. */
json_t *mw_incident_usage(const struct mw_incident *incident);

/* {"detect": seconds, "analyse": …}; a new reference. */
json_t *mw_durations_to_json(const struct mw_durations *durations);

/* The document of `midwatch incident ID --json`; a new reference. */
json_t *mw_incident_to_json(const struct mw_incident *incident);

#endif
