/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the respond room: keeps what it was asked and answers as it was told. */
#ifndef FAKE_RESPOND_H
#define FAKE_RESPOND_H

#include "respond/respond.h"

struct fake_decision {
    int64_t incident;
    enum mw_action action;
    int revision;
    char person[64];
    enum mw_role role;
    char note[128];
};

struct fake_respond {
    size_t decision_count;
    struct fake_decision decisions[64];
    enum mw_error_class refuse; /* NONE: agrees */
    const char *said;           /* NULL: nothing is said */
    char fixed[64];
    char frozen[200];   /* "NAME: why"; "": it is not */
    char silenced[200]; /* "RESOURCE MS NAME: why", "not RESOURCE" */
    const char *quiet;  /* the resource that is; NULL: none */
    size_t open_count;
    int64_t open[16];
    const char *answers; /* label of who answers questions; NULL: nobody */
    const char *answer;  /* JSON; NULL: it fails, with `refuse` */
    int64_t answer_ms;
    char question[1200];
    int64_t question_incident;
    int questions;
    const struct mw_incident *incident; /* of mw_respond_find and mw_respond_of */
};

extern struct fake_respond fake;

void fake_respond_reset(void);

#endif
