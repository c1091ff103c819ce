/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/llm/model/budget.h"

#define DAY_MS (24LL * 60 * 60 * 1000)

static void turn_page(struct mw_budget *budget, mw_wall_ms now)
{
    if (budget->day == now / DAY_MS)
        return;
    budget->day = now / DAY_MS;
    budget->spent = 0;
}

bool mw_budget_check(struct mw_budget *budget, mw_wall_ms now, struct mw_error *error)
{
    turn_page(budget, now);
    if (budget->limit <= 0 || budget->spent < budget->limit)
        return true;
    return mw_error_set(error, MW_ERROR_REFUSED,
                        "today's budget of $%.2f is used up ($%.2f spent); it starts anew at 00:00 "
                        "UTC, or raise llm.daily_budget_usd",
                        budget->limit, budget->spent);
}

void mw_budget_charge(struct mw_budget *budget, mw_wall_ms now, double usd)
{
    turn_page(budget, now);
    budget->spent += usd;
}
