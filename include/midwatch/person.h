/* SPDX-License-Identifier: Apache-2.0 */
/* Who people are and what they may do. */
#ifndef MIDWATCH_PERSON_H
#define MIDWATCH_PERSON_H

#include <stdbool.h>
#include <stdint.h>

enum mw_role {
    MW_ROLE_VIEWER,   /* reads; anyone not listed */
    MW_ROLE_OPERATOR, /* also acknowledges, silences, asks for a fix, rejects */
    MW_ROLE_APPROVER, /* also approves, stops, undoes and thaws */
    MW_ROLE_ADMIN,    /* also drills */
};

/* "viewer", "operator", "approver", "admin". */
const char *mw_role_name(enum mw_role role);

struct mw_person {
    const char *name;
    enum mw_role role; /* the highest that was given */
    /* The inbox row of what they say now, which is done in the commit that acts on it, so that a death right
     * after does not have it done twice; 0: it has none. */
    int64_t said;
};

#endif
