/* SPDX-License-Identifier: Apache-2.0 */
/* What people are told when whoever proposes plans cannot: what is wrong, what still works, and the end. */
#include <string.h>

#include "converse/room.h"

static const char *const keys[] = {
    [MW_IMPAIRMENT_UNREACHABLE] = "planner/unreachable",
    [MW_IMPAIRMENT_REFUSED] = "planner/refused",
    [MW_IMPAIRMENT_SPENT] = "planner/spent",
};

#define FIRST MW_IMPAIRMENT_UNREACHABLE
#define LAST  MW_IMPAIRMENT_SPENT

static const char *what(enum mw_impairment impairment)
{
    switch (impairment) {
    case MW_IMPAIRMENT_UNREACHABLE:
        return "cannot be used for now";
    case MW_IMPAIRMENT_REFUSED:
        return "refuses us until somebody mends it";
    default:
        return "is not asked any more today";
    }
}

static char *sentence(TALLOC_CTX *memory, const char *planner, enum mw_impairment impairment,
                      const char *why, const char *instead)
{
    bool runbooks = instead != NULL && strcmp(instead, "runbook") == 0;
    const char *still = runbooks ? "Plans come from the runbooks meanwhile"
                        : instead != NULL
                            ? talloc_asprintf(memory, "Plans come from %s meanwhile", instead)
                            : "Nobody proposes plans meanwhile";
    return talloc_asprintf(
        memory, "%s %s: %s. %s; alarms, approvals and commands work, and `ask` does not.", planner,
        what(impairment), why != NULL ? why : "it did not say why", still);
}

void mw_converse_impaired(void *context, const char *planner, enum mw_impairment impairment,
                          const char *why, const char *instead)
{
    struct mw_converse *converse = context;
    TALLOC_CTX *memory = talloc_new(NULL);
    const char *over =
        impairment == MW_IMPAIRMENT_NONE
            ? talloc_asprintf(memory, "%s answers again; plans come from it.", planner)
            : NULL;
    /* Another cause takes the place of the one before without a word of its end. */
    for (enum mw_impairment one = FIRST; one <= LAST; one++) {
        if (one != impairment) {
            mw_converse_notice_over(converse, keys[one], over);
        }
    }
    if (impairment != MW_IMPAIRMENT_NONE) {
        mw_converse_notice(converse, keys[impairment],
                           sentence(memory, planner, impairment, why, instead));
    }
    talloc_free(memory);
}
