/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An incident as chat shows it: the messages of its slots, and the phrases that they share. Rendering
 * never suspends, so what it looks at cannot change meanwhile; the same incident always makes the same
 * messages, so that nothing is edited without need.
 */
#ifndef MIDWATCH_CONVERSE_SCENE_H
#define MIDWATCH_CONVERSE_SCENE_H

#include <jansson.h>
#include <stdbool.h>
#include <talloc.h>

#include "midwatch/incident.h"
#include "record/record.h"
#include "respond/respond.h"
#include "watch/watch.h"

struct mw_scene {
    TALLOC_CTX *memory;
    const char *installation; /* its name; NULL: none */
    const struct mw_incident *incident;
    const struct mw_resource *resource; /* the one that leads; NULL: it left the configuration */
    const struct mw_watch *watch;       /* for the others; NULL: not at hand */
    const char *quiet;                  /* mw_scene_quiet(); NULL: it is not */
    const struct mw_track *track;       /* of mw_scene_step(); NULL: not known */
};

struct mw_paper;

/* "Cause (82 %): …", or why somebody takes something back. */
void mw_scene_write_cause(struct mw_paper *paper, const struct mw_plan *plan);

/* ---- the other resources of an incident (others.c) ---- */

/* " and 2 more"; "" where it is alone. */
const char *mw_say_others(const struct mw_scene *scene);
/* Notes for the card; a sentence that names all; and rows of the table of before and after. */
void mw_scene_write_others(struct mw_paper *paper, const struct mw_scene *scene);
void mw_scene_write_names(struct mw_paper *paper, const struct mw_scene *scene);
void mw_scene_write_rows(struct mw_paper *paper, const struct mw_scene *scene);
/* "; after it cache was HEALTHY, orders DEGRADED": how they were when the newest verification ended; "" where
 * none did yet. */
const char *mw_say_after(const struct mw_scene *scene);
/* A note that names those that were still bad at the end; false: none was. */
bool mw_scene_write_bad(struct mw_paper *paper, const struct mw_scene *scene);

/* ---- messages (new references) ---- */

json_t *mw_card_message(const struct mw_scene *scene);
json_t *mw_evidence_message(const struct mw_scene *scene);
json_t *mw_plan_message(const struct mw_scene *scene, const struct mw_plan *plan);
json_t *mw_voided_message(const struct mw_scene *scene, const struct mw_plan *plan);
json_t *mw_progress_message(const struct mw_scene *scene, const struct mw_plan *plan);
json_t *mw_verdict_message(const struct mw_scene *scene);

/* Which of them there is something to say in by now. */
bool mw_evidence_due(const struct mw_incident *incident);
bool mw_plan_due(const struct mw_incident *incident, const struct mw_plan *plan);
bool mw_progress_due(const struct mw_plan *plan);

/* What keeps the incident's resources quiet now; NULL: nothing does. */
const char *mw_scene_quiet(TALLOC_CTX *memory, const struct mw_respond *respond,
                           const struct mw_incident *incident);

/* ---- phrases (on the scene's memory) ---- */

/* The step of the newest plan whose past counts: its first that changes something. NULL: none. */
const struct mw_step *mw_scene_step(const struct mw_incident *incident);
/* Its tool, or NULL. */
const char *mw_scene_tool(const struct mw_incident *incident);

/* The newest plan of which a step was begun; NULL: nothing was ever done. */
const struct mw_plan *mw_scene_ran(const struct mw_incident *incident);

/* Whether what was done was taken back. */
bool mw_scene_undone(const struct mw_incident *incident);

/* "I42 cache (redis, local)", "I42 db (postgres, local) and 2 more" */
const char *mw_say_subject(const struct mw_scene *scene);
/* "memory 97.2 % of maxmemory" */
const char *mw_say_symptom(const struct mw_scene *scene);
/* "normal 41 %, degraded from 95"; "" when neither is known */
const char *mw_say_limits(const struct mw_scene *scene, const struct mw_finding *finding);
/* "memory 97.2 → 48.6 %" of the metric that raised the alarm; "" when it was not measured twice */
const char *mw_say_change(const struct mw_scene *scene);
/* "memory" for "memory_percent", where the kind says so, and a value with its unit */
const char *mw_say_metric(const struct mw_scene *scene, const char *metric);
const char *mw_say_value(const struct mw_scene *scene, const char *metric, double value);
/* "recovered", "handed-over"; "open" while it is */
const char *mw_say_outcome(const struct mw_scene *scene);
/* "approved by alice 03:09:40"; "allowed by policy 03:09:40"; "" when it was not */
const char *mw_say_approval(const struct mw_scene *scene, const struct mw_plan *plan);
/* Who approved the plan and did not take it back: "alice and bob"; *count of them */
const char *mw_say_approvers(const struct mw_scene *scene, const struct mw_plan *plan, int *count);
/* "the approval of bob is void: bob is no approver any more"; NULL: none is */
const char *mw_say_voided(const struct mw_scene *scene, const struct mw_plan *plan);
/* Who looks at it; NULL: nobody said so */
const char *mw_say_acknowledged(const struct mw_scene *scene);
/* "Plan r1 (runbook, not a model)" */
const char *mw_say_plan(const struct mw_scene *scene, const struct mw_plan *plan);
/* "1 of 2 steps" */
const char *mw_say_steps_done(const struct mw_scene *scene, const struct mw_plan *plan);
/* "32 → 64 MiB", or the arguments where the tool says nothing of its effect; may be "" */
const char *mw_say_effect(const struct mw_scene *scene, const struct mw_step *step);
/* "reversible", "disruptive, no undo: without persistence its data is lost" */
const char *mw_say_risk(const struct mw_scene *scene, const struct mw_step *step);
/* What its tool said, or NULL. */
const char *mw_say_result(const struct mw_step *step);
/* "void: it healed by itself", "rejected by alice: too risky"; NULL while it may still count */
const char *mw_say_plan_end(const struct mw_scene *scene, const struct mw_plan *plan);
/* "3,120+410 tokens, $0.005"; "" where no model was asked. */
const char *mw_say_usage(const struct mw_scene *scene);
/* What else moved, as one phrase: "nothing else moved". */
const char *mw_say_collateral(const struct mw_scene *scene);

/* The same with a capital letter. */
const char *mw_say_capital(const struct mw_scene *scene, const char *text);

/* "12 May" in the local zone, with the year when it is not the year of `now`. */
char *mw_say_day(TALLOC_CTX *memory, mw_wall_ms at, mw_wall_ms now);

#endif
