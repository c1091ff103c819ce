/* SPDX-License-Identifier: Apache-2.0 */
/* A scripted resource, a scripted planner and a real record on virtual time. */
#ifndef MIDWATCH_TEST_RESPOND_RIG_H
#define MIDWATCH_TEST_RESPOND_RIG_H

#include "respond/respond.h"

/* What the box is and does; tests set it. */
struct box {
    double level; /* its one metric, degraded from 95 */
    bool unreachable;
    double level_after; /* what box_fix leaves behind */
    enum mw_risk risk;  /* what box_fix is assessed as */
    bool flickers;      /* destructive each second time */
    int assessed;
    bool fix_fails;    /* box_fix says ok: false */
    int64_t fix_takes; /* ms */
    int fixes, unfixes;
    void (*during_fix)(void);
    const char *says; /* stands in its facts, errors, assessments and results; NULL: nothing does */
    int flushes;
};
extern struct box box;
/* More of them, named box1, box2 and so on; each test says how many (rig_run_with) and who needs whom. */
#define RIG_OTHERS 12
extern struct box others[RIG_OTHERS];

/* What the planner answers; NULL steps: nothing to propose. */
struct script {
    const char *steps; /* JSON array */
    const char *first; /* what it answers the first time instead; NULL: the same */
    double confidence;
    int asked;
    char complaint[400]; /* the last one it was told */
    const char *look;    /* a tool it calls before it answers; NULL: none */
    json_t *look_at;     /* with these arguments */
    bool looked;
    json_t *seen;
    json_t *told;                  /* the last situation */
    int64_t takes;                 /* ms that it thinks */
    bool uses_past, answers;       /* taken up when the room begins; answers: questions too */
    int exchanges;                 /* that it tells of each time */
    enum mw_impairment impairment; /* that it tells of; NONE: it tells nothing */
    double spent;                  /* what it was told at the start */
    struct mw_error look_error;
    /* Answers in the place of `steps`: a new reference, or NULL with an error. */
    json_t *(*plays)(const json_t *situation, const struct mw_planner_host *host,
                     struct mw_error *error);
};
extern struct script script;

#define FIX "[{\"tool\":\"box_fix\",\"arguments\":{\"resource\":\"box\"},\"why\":\"it helps\"}]"

extern struct mw_policy policy;
extern struct mw_section_list maintenance; /* of struct mw_maintenance; taken up by a restart */
extern struct mw_watch *watch;
extern struct mw_record *record;
extern struct mw_respond *respond;
extern const struct mw_person viewer, operator_, alice, bob;

/* Runs a test's body in a fiber with everything set up on a fresh store. */
void rig_run(void (*body)(void));
/* With so many others; `needs` are names in the order box, box1, box2 …: who needs whom, NULL for none. */
void rig_run_with(void (*body)(void), size_t count, const char *const *needs);
/* Ends the room and begins it anew on the same store, or on a copy of it. */
void rig_restart(const char *store);
void rig_copy_store(const char *to);
const char *rig_store(void);

/* Works on the store's file behind the record's back. */
void rig_sql(const char *sql);

/* What the listener was told last: "PLANNER IMPAIRMENT WHY INSTEAD"; "" nothing. */
extern char rig_impaired[200];

/* What the room was begun with. */
struct mw_respond_settings rig_settings(void);
/* Another inventory of boxes by these names, ended with NULL; those that are there stay unless `anew`. */
void rig_inventory(const char *const *names, bool anew);
extern int rig_closed; /* how many targets were closed since the room was begun */

/* Both wait on virtual time, at most `seconds`. Return the incident as recorded, on the rig's memory. */
const struct mw_incident *rig_until_stage(int64_t id, enum mw_stage stage, int seconds);
const struct mw_incident *rig_recorded(int64_t id);

bool rig_decide(int64_t id, enum mw_action action, int revision, const struct mw_person *person);
/* The next change whose SQL has this in it is made, and its end is not told; NULL: none. */
extern const char *rig_unanswered;
/* Called once when it was recorded that a step begins, before the program is told so. */
extern void (*rig_when_begun)(void);
/* The person who is no approver any more; NULL: nobody. */
extern const char *rig_demoted;
extern struct mw_error rig_error; /* of the last refusal */

#endif
