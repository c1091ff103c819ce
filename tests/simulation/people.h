/* SPDX-License-Identifier: Apache-2.0 */
/* Who speaks, what they may, and what they really said: the ledger that approvals are counted by. */
#ifndef MIDWATCH_SIMULATION_PEOPLE_H
#define MIDWATCH_SIMULATION_PEOPLE_H

#include "converse/converse.h"
#include "simulation/sim.h"

#define SIM_PEOPLE 8 /* the last is a stranger */

enum sim_word {
    SIM_APPROVE,
    SIM_WITHDRAW,
    SIM_REJECT,
    SIM_AGAIN,
    SIM_STOP,
    SIM_ACK,
    SIM_UNDO,
    SIM_FREEZE,
    SIM_THAW,
    SIM_FIX,
    SIM_SILENCE,
    SIM_UNSILENCE,
    SIM_TALK, /* anything that decides nothing */
};

/* One thing that somebody said. It counts from when it was first handed to the program. */
struct sim_said {
    int number;
    int person, platform;
    enum sim_word word;
    int64_t incident;  /* 0: none */
    int revision;      /* 0: none was named */
    char resource[24]; /* FIX, SILENCE, UNSILENCE */
    int64_t silent_ms;
    mw_mono_ns agreed_at; /* SILENCE: when the program said yes; 0: it did not */
    mw_mono_ns handed_at; /* 0: not yet */
    bool acknowledged;
    bool troubled; /* handed in while the record failed */
    /* As the platform hands it in. */
    char text[80], emoji[8], message[24];
};

void sim_people_make(void);
/* At the beginning of a process: some get other roles. */
void sim_people_change(void);
/* The people of the configuration, on `memory`. */
struct mw_section_list *sim_people_build(TALLOC_CTX *memory);
const char *sim_person_name(int person);
/* -1: nobody of that name. */
int sim_person_find(const char *name);
/* The highest role that somebody had at any time since then. */
enum mw_role sim_person_role_since(int person, mw_mono_ns since);

/* ---- the ledger ---- */

struct sim_said *sim_ledger_add(enum sim_word word, int person, int64_t incident, int revision);
size_t sim_ledger_count(void);
struct sim_said *sim_ledger_at(size_t index);
void sim_ledger_forget(void);
/* Whether somebody who may said approve to that revision, and it reached the program. */
bool sim_ledger_approved(int person, int64_t incident, int revision);
/* Whether an approver asked to undo that incident. */
bool sim_ledger_undo(int64_t incident);
/* An answer to what was said; it tells when a freeze began. */
void sim_ledger_answered(int number, const char *text);
/* It is frozen beyond doubt. */
bool sim_ledger_frozen(void);
/* The resource was silenced beyond doubt at that time, and had been for a moment. */
bool sim_ledger_silenced(const char *resource, mw_mono_ns at);

/* The fiber of all people (speech.c). */
void sim_people_run(void *unused);

#endif
