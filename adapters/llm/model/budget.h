/* SPDX-License-Identifier: Apache-2.0 */
/* What was spent today, by UTC day, from tokens and the price in the configuration. It is kept in
 * memory; what an earlier process spent is charged at the start. Questions that are under way at the same time are counted
 * when they are answered, so a day may cost a little more than its budget. */
#ifndef MIDWATCH_LLM_BUDGET_H
#define MIDWATCH_LLM_BUDGET_H

#include "midwatch/deadline.h"
#include "midwatch/error.h"

struct mw_budget {
    double limit; /* USD; 0: none */
    int64_t day;  /* since 1970 */
    double spent;
};

/* False with MW_ERROR_REFUSED: today's is used up. */
bool mw_budget_check(struct mw_budget *budget, mw_wall_ms now, struct mw_error *error);
void mw_budget_charge(struct mw_budget *budget, mw_wall_ms now, double usd);

#endif
