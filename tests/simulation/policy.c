/* SPDX-License-Identifier: Apache-2.0 */
#include "simulation/policy.h"

#include <stdio.h>
#include <string.h>

struct sim_policy sim_policy;
int64_t sim_policy_retries_max;

/* ---- making one ---- */

static void make_rule(struct sim_rule *rule)
{
    static const char *const risks[] = {"read", "reversible", "disruptive", "destructive"};
    static const int verdicts[] = {35, 40, 10, 15};
    *rule = (struct sim_rule){.then = (enum mw_verdict)sim_weighted(verdicts, 4)};
    const struct sim_thing *thing = sim_thing_any();
    switch (sim_between(0, 4)) {
    case 0:
        rule->tool = sim_tool_name(thing->ops, (enum sim_tool)sim_between(0, SIM_TOOLS - 1));
        break;
    case 1:
        rule->resource = thing->name;
        break;
    case 2:
        rule->kind = thing->ops->kind;
        break;
    default:
        rule->risk = risks[sim_between(1, 3)];
        break;
    }
    if (sim_chance(25)) {
        rule->from = (int)sim_between(0, 23);
        rule->until = (rule->from + (int)sim_between(1, 23)) % 24;
    }
    if (sim_chance(30))
        rule->approvers = (int)sim_between(1, 3);
    rule->after = (int)sim_between(1, 3);
}

static void say_rule(const struct sim_rule *rule)
{
    sim_say("rule: %s%s%s%s then %s, approvers %d, after %d, %d to %d",
            rule->tool ? rule->tool : "", rule->resource ? rule->resource : "",
            rule->kind ? rule->kind : "", rule->risk ? rule->risk : "", mw_verdict_name(rule->then),
            rule->approvers, rule->after, rule->from, rule->until);
}

void sim_policy_make(bool first)
{
    static const int fallbacks[] = {30, 65, 5};
    struct sim_policy *p = &sim_policy;
    *p = (struct sim_policy){
        .shadow = sim_chance(7),
        .fallback = (enum mw_verdict)sim_weighted(fallbacks, 3),
        .rule_count = (size_t)sim_between(0, SIM_RULES_MAX),
        .timeout_ms = sim_between(60, 900) * 1000,
        .hold_ms = sim_between(1, 15) * 1000,
        .group_ms = sim_chance(40) ? 0 : sim_between(1, 20) * 1000,
        .mass = sim_chance(60),
        .mass_percent = sim_between(30, 80),
        .limits = sim_chance(50),
        .limit_resource = sim_between(1, 4),
        .limit_all = sim_between(2, 12),
        .retries = sim_between(0, 3),
        .confidence = (double)sim_between(0, 8) / 10,
    };
    for (size_t i = 0; i < p->rule_count; i++) {
        make_rule(&p->rules[i]);
        say_rule(&p->rules[i]);
    }
    sim_policy_retries_max =
        first || p->retries > sim_policy_retries_max ? p->retries : sim_policy_retries_max;
    sim_say("policy: %s%s, %zu rules, %d retries", p->shadow ? "shadow, " : "",
            mw_verdict_name(p->fallback), p->rule_count, (int)p->retries);
}

/* ---- for the program ---- */

static struct mw_policy_rule *build_rule(TALLOC_CTX *memory, const struct sim_rule *rule)
{
    struct mw_policy_rule *out = talloc_zero(memory, struct mw_policy_rule);
    *out = (struct mw_policy_rule){.tool = rule->tool,
                                   .risk = rule->risk,
                                   .resource = rule->resource,
                                   .kind = rule->kind,
                                   .then = rule->then,
                                   .approvers = rule->approvers,
                                   .after = rule->after};
    if (rule->from != rule->until)
        out->hours = talloc_asprintf(memory, "%02d:00-%02d:00", rule->from, rule->until);
    return out;
}

const struct mw_policy *sim_policy_build(TALLOC_CTX *memory)
{
    const struct sim_policy *p = &sim_policy;
    struct mw_policy *out = talloc_zero(memory, struct mw_policy);
    *out = (struct mw_policy){.mode = p->shadow ? MW_MODE_SHADOW : MW_MODE_LIVE,
                              .fallback = p->fallback,
                              .approval_timeout = p->timeout_ms,
                              .min_confidence = p->confidence,
                              .max_retries = p->retries,
                              .verify_hold = p->hold_ms,
                              .group_window = p->group_ms};
    out->rules.items = talloc_zero_array(memory, void *, SIM_RULES_MAX);
    for (size_t i = 0; i < p->rule_count; i++)
        out->rules.items[out->rules.count++] = build_rule(memory, &p->rules[i]);
    if (p->limits) {
        out->max_auto_per_hour = talloc_zero(memory, struct mw_auto_limits);
        *out->max_auto_per_hour = (struct mw_auto_limits){p->limit_resource, p->limit_all};
    }
    if (p->mass) {
        out->mass_failure = talloc_zero(memory, struct mw_mass_failure);
        *out->mass_failure = (struct mw_mass_failure){p->mass_percent, 60000};
    }
    if (sim_sabotaged("policy")) {
        out->fallback = MW_VERDICT_AUTO;
        out->rules.count = 0;
    }
    return out;
}

/* ---- what it asks ---- */

static bool in_hours(const struct sim_rule *rule, mw_wall_ms at)
{
    int hour = (int)(at / 3600000 % 24);
    if (rule->from == rule->until)
        return true;
    if (rule->from < rule->until)
        return hour >= rule->from && hour < rule->until;
    return hour >= rule->from || hour < rule->until;
}

static bool is(const char *wanted, const char *actual)
{
    return wanted == NULL || strcmp(wanted, actual) == 0;
}

struct sim_need sim_policy_need(const struct sim_thing *thing, const char *tool, enum mw_risk risk,
                                mw_wall_ms at)
{
    int usual = risk == MW_RISK_DESTRUCTIVE ? 2 : 1;
    for (size_t i = 0; i < sim_policy.rule_count; i++) {
        const struct sim_rule *rule = &sim_policy.rules[i];
        if (is(rule->tool, tool) && is(rule->risk, mw_risk_name(risk)) &&
            is(rule->resource, thing->name) && is(rule->kind, thing->ops->kind) &&
            in_hours(rule, at))
            return (struct sim_need){rule->then, rule->approvers > 0 ? rule->approvers : usual,
                                     rule->after};
    }
    enum mw_verdict verdict = sim_policy.fallback;
    if (risk == MW_RISK_READ && verdict == MW_VERDICT_APPROVE)
        verdict = MW_VERDICT_AUTO;
    return (struct sim_need){verdict, usual, 0};
}
