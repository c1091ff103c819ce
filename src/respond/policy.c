/* SPDX-License-Identifier: Apache-2.0 */
/* Policy: which calls run by themselves, which wait for people, which never run. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "respond/case.h"

static const char *const verdict_names[] = {"auto", "approve", "deny", NULL};
static const char *const risk_names[] = {"read", "reversible", "disruptive", "destructive", NULL};

#define RULE(member)   offsetof(struct mw_policy_rule, member)
#define POLICY(member) offsetof(struct mw_policy, member)

static const struct mw_option rule_options[] = {
    {"tool", MW_OPTION_TEXT, MW_OPTION_RELOADABLE, NULL, "the tool it is about", RULE(tool)},
    {"risk", MW_OPTION_TEXT, MW_OPTION_RELOADABLE, NULL,
     "the risk it is about: read, reversible, disruptive or destructive", RULE(risk)},
    {"resource", MW_OPTION_TEXT, MW_OPTION_RELOADABLE, NULL, "the resource it is about",
     RULE(resource)},
    {"kind", MW_OPTION_TEXT, MW_OPTION_RELOADABLE, NULL, "the kind of resource it is about",
     RULE(kind)},
    {"environment", MW_OPTION_TEXT, MW_OPTION_RELOADABLE, NULL, "the environment it is about",
     RULE(environment)},
    {"then", MW_OPTION_CHOICE, MW_OPTION_RELOADABLE | MW_OPTION_REQUIRED, NULL,
     "auto runs by itself, approve waits for people, deny never runs", RULE(then),
     .choices = verdict_names},
    {"approvers", MW_OPTION_INTEGER, MW_OPTION_RELOADABLE, NULL,
     "how many different people must approve", RULE(approvers), .minimum = 1, .maximum = 9},
    {"hours", MW_OPTION_TEXT, MW_OPTION_NEXT, NULL, "when it applies"},
    {"after", MW_OPTION_INTEGER, MW_OPTION_NEXT, NULL, "for `then: earned`: successes in a row"},
    {NULL},
};

const struct mw_option mw_policy_options[] = {
    {"default", MW_OPTION_CHOICE, MW_OPTION_RELOADABLE, "approve",
     "what happens to a step that no rule is about", POLICY(fallback), .choices = verdict_names},
    {"rules", MW_OPTION_SECTIONS, MW_OPTION_RELOADABLE, NULL, "first match wins", POLICY(rules),
     .children = rule_options, .size = sizeof(struct mw_policy_rule)},
    {"approval_timeout", MW_OPTION_DURATION, MW_OPTION_RELOADABLE, "30m",
     "how long a plan waits for a person", POLICY(approval_timeout), .minimum = 1000,
     .maximum = 7.0 * 86400000},
    {"min_confidence", MW_OPTION_NUMBER, MW_OPTION_RELOADABLE, "0.6",
     "a plan less sure than this never runs by itself", POLICY(min_confidence), .minimum = 0,
     .maximum = 1},
    {"max_retries", MW_OPTION_INTEGER, MW_OPTION_RELOADABLE, "2",
     "further plans after one that did not help", POLICY(max_retries), .minimum = 0, .maximum = 5},
    {"verify_hold", MW_OPTION_DURATION, MW_OPTION_RELOADABLE, "10s",
     "how long health must last before it counts", POLICY(verify_hold), .minimum = 1,
     .maximum = 3600000},
    {"mode", MW_OPTION_TEXT, MW_OPTION_NEXT, NULL, "live or shadow"},
    {"max_auto_per_hour", MW_OPTION_TEXT, MW_OPTION_NEXT, NULL, "limits of what runs by itself"},
    {"mass_failure", MW_OPTION_TEXT, MW_OPTION_NEXT, NULL, "when to suspect ourselves"},
    {NULL},
};

const char *mw_verdict_name(enum mw_verdict verdict)
{
    return verdict_names[verdict];
}

static bool fits(const char *wanted, const char *actual)
{
    return wanted == NULL || strcmp(wanted, actual) == 0;
}

struct mw_judgement mw_policy_judge(const struct mw_policy *policy, const char *tool,
                                    enum mw_risk risk, const struct mw_resource *resource)
{
    /* A destructive step takes two people unless a rule says otherwise. */
    int approvers = risk == MW_RISK_DESTRUCTIVE ? 2 : 1;
    for (size_t i = 0; i < policy->rules.count; i++) {
        const struct mw_policy_rule *rule = policy->rules.items[i];
        if (!fits(rule->tool, tool) || !fits(rule->risk, risk_names[risk]) ||
            !fits(rule->resource, resource->name) || !fits(rule->kind, resource->kind) ||
            !fits(rule->environment, resource->environment))
            continue;
        struct mw_judgement judgement = {
            .verdict = (enum mw_verdict)rule->then,
            .approvers = rule->approvers > 0 ? (int)rule->approvers : approvers,
        };
        snprintf(judgement.why, sizeof judgement.why, "policy rule %zu says %s", i + 1,
                 verdict_names[rule->then]);
        return judgement;
    }
    struct mw_judgement judgement = {.verdict = (enum mw_verdict)policy->fallback,
                                     .approvers = approvers};
    /* Looking needs nobody's leave where no rule says otherwise. */
    if (risk == MW_RISK_READ && judgement.verdict == MW_VERDICT_APPROVE)
        judgement.verdict = MW_VERDICT_AUTO;
    snprintf(judgement.why, sizeof judgement.why, "policy default says %s",
             verdict_names[judgement.verdict]);
    return judgement;
}

struct mw_judgement mw_policy_judge_plan(const struct mw_policy *policy, const struct mw_plan *plan,
                                         const struct mw_resource *resource)
{
    struct mw_judgement strictest = {.verdict = MW_VERDICT_AUTO, .approvers = 1};
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct mw_step *step = &plan->steps[i];
        struct mw_judgement one = mw_policy_judge(policy, step->tool, step->risk, resource);
        int approvers = one.approvers > strictest.approvers ? one.approvers : strictest.approvers;
        if (one.verdict > strictest.verdict || strictest.why[0] == '\0')
            strictest = one;
        strictest.approvers = approvers;
    }
    return strictest;
}

enum mw_stage mw_stage_judge(struct mw_case *self)
{
    const struct mw_policy *policy = self->respond->settings.policy;
    const struct mw_resource *resource = mw_case_resource(self);
    struct mw_incident *incident = self->incident;
    struct mw_plan *plan = mw_incident_plan(incident);
    if (resource == NULL)
        return mw_case_conclude(self, MW_OUTCOME_HANDED_OVER,
                                "%s is no longer in the configuration", incident->resource);
    struct mw_judgement judgement = mw_policy_judge_plan(policy, plan, resource);
    if (judgement.verdict == MW_VERDICT_AUTO && plan->confidence < policy->min_confidence) {
        judgement.verdict = MW_VERDICT_APPROVE;
        snprintf(judgement.why, sizeof judgement.why, "less sure than min_confidence %.2f",
                 policy->min_confidence);
    }
    if (judgement.verdict == MW_VERDICT_AUTO && mw_case_in_doubt(self)) {
        judgement.verdict = MW_VERDICT_APPROVE;
        snprintf(judgement.why, sizeof judgement.why, "an earlier step's outcome is not known");
    }
    plan->state_reason = talloc_strdup(incident, judgement.why);
    if (judgement.verdict == MW_VERDICT_AUTO) {
        plan->automatic = true;
        plan->state = MW_PLAN_APPROVED;
        plan->approved_at = mw_wall_now();
        return MW_STAGE_EXECUTE;
    }
    if (judgement.verdict == MW_VERDICT_DENY) {
        plan->state = MW_PLAN_VOID;
        return mw_case_conclude(self, MW_OUTCOME_HANDED_OVER, "%s", judgement.why);
    }
    plan->approvals_needed = judgement.approvers;
    plan->expires_at = mw_wall_now() + policy->approval_timeout;
    return MW_STAGE_ASK;
}
