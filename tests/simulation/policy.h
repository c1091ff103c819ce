/* SPDX-License-Identifier: Apache-2.0 */
/* The policy in force, and what it asks of a step: worked out here once more, apart from the program. */
#ifndef MIDWATCH_SIMULATION_POLICY_H
#define MIDWATCH_SIMULATION_POLICY_H

#include "respond/respond.h"
#include "simulation/world.h"

#define SIM_RULES_MAX 5

/* NULL: any. `from` and `until` are hours of the day in UTC; both 0: always. */
struct sim_rule {
    const char *tool, *risk, *resource, *kind;
    int from, until;
    enum mw_verdict then;
    int approvers, after; /* approvers 0: not said */
};

struct sim_policy {
    bool shadow, mass, limits;
    enum mw_verdict fallback;
    size_t rule_count;
    struct sim_rule rules[SIM_RULES_MAX];
    int64_t timeout_ms, hold_ms, group_ms, mass_percent, retries, limit_resource, limit_all;
    double confidence;
};

extern struct sim_policy sim_policy;
/* The most retries that any policy of this world allowed. */
extern int64_t sim_policy_retries_max;

/* Another one at random; `first`: of a new world. */
void sim_policy_make(bool first);
/* The same for the program, on `memory`. */
const struct mw_policy *sim_policy_build(TALLOC_CTX *memory);

struct sim_need {
    enum mw_verdict verdict; /* AUTO, APPROVE, DENY, EARNED */
    int approvers, after;
};
/* What it asks of a call at that time. `tool` and `risk` as the record words them. */
struct sim_need sim_policy_need(const struct sim_thing *thing, const char *tool, enum mw_risk risk,
                                mw_wall_ms at);

#endif
