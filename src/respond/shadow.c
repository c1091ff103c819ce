/* SPDX-License-Identifier: Apache-2.0 */
/* Shadow mode: what would have been done is told, and nothing is touched, not even what was allowed before
 * the configuration said so. */
#include "respond/case.h"

bool mw_case_in_shadow(const struct mw_case *self)
{
    return mw_case_settings(self)->policy->mode == MW_MODE_SHADOW;
}

enum mw_stage mw_case_only_tell(struct mw_case *self, const struct mw_judgement *judgement)
{
    struct mw_plan *plan = mw_incident_plan(self->incident);
    const char *would = judgement->verdict == MW_VERDICT_AUTO ? "would have run by itself"
                                                              : "would have asked for approval";
    plan->state = MW_PLAN_VOID;
    plan->state_reason =
        talloc_asprintf(self->incident, "shadow mode: %s (%s)", would, judgement->why);
    return mw_case_conclude(self, MW_OUTCOME_HANDED_OVER, "shadow mode, nothing was touched: it %s",
                            would);
}

enum mw_stage mw_case_drop_plan(struct mw_case *self)
{
    struct mw_plan *plan = mw_incident_plan(self->incident);
    plan->state = MW_PLAN_VOID;
    plan->state_reason = talloc_strdup(self->incident, "shadow mode began before it ran");
    return mw_case_conclude(self, MW_OUTCOME_HANDED_OVER,
                            "shadow mode, nothing more is touched: r%d did not run",
                            plan->revision);
}
