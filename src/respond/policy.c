/* SPDX-License-Identifier: Apache-2.0 */
/* Policy: which calls run by themselves, which wait for people, which never run. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "respond/case.h"

static const char *const verdict_names[] = {"auto", "approve", "deny", "earned", NULL};
static const char *const default_names[] = {"auto", "approve", "deny", NULL};
static const char *const mode_names[] = {"live", "shadow", NULL};
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
     "auto runs by itself, approve waits for people, deny never runs, earned runs by itself once "
     "it "
     "worked `after` times in a row",
     RULE(then), .choices = verdict_names},
    {"approvers", MW_OPTION_INTEGER, MW_OPTION_RELOADABLE, NULL,
     "how many different people must approve", RULE(approvers), .minimum = 1, .maximum = 9},
    {"hours", MW_OPTION_TEXT, MW_OPTION_RELOADABLE, NULL,
     "when it applies, in the local zone: Mon-Fri 09:00-18:00", RULE(hours)},
    {"after", MW_OPTION_INTEGER, MW_OPTION_RELOADABLE, "5",
     "for `then: earned`: how many successes in a row", RULE(after), .minimum = 1, .maximum = 1000},
    {NULL},
};

#define LIMIT(member) offsetof(struct mw_auto_limits, member)

static const struct mw_option limit_options[] = {
    {"resource", MW_OPTION_INTEGER, MW_OPTION_RELOADABLE, "3", "on one resource", LIMIT(resource),
     .minimum = 0, .maximum = 1000},
    {"all", MW_OPTION_INTEGER, MW_OPTION_RELOADABLE, "12", "altogether", LIMIT(all), .minimum = 0,
     .maximum = 10000},
    {NULL},
};

#define MASS(member) offsetof(struct mw_mass_failure, member)

static const struct mw_option mass_options[] = {
    {"percent", MW_OPTION_INTEGER, MW_OPTION_RELOADABLE, "30",
     "share of all resources that turned bad; 0: never", MASS(percent), .minimum = 0,
     .maximum = 100},
    {"window", MW_OPTION_DURATION, MW_OPTION_RELOADABLE, "60s", "within this time", MASS(window),
     .minimum = 1000, .maximum = 3600000},
    {NULL},
};

const struct mw_option mw_policy_options[] = {
    {"default", MW_OPTION_CHOICE, MW_OPTION_RELOADABLE, "approve",
     "what happens to a step that no rule is about", POLICY(fallback), .choices = default_names},
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
    {"mode", MW_OPTION_CHOICE, MW_OPTION_RELOADABLE, "live",
     "live, or shadow: plans, says what it would have done, touches nothing", POLICY(mode),
     .choices = mode_names},
    {"max_auto_per_hour", MW_OPTION_SECTION, MW_OPTION_RELOADABLE, "{}",
     "how many plans may run by themselves in an hour; beyond it people are asked",
     POLICY(max_auto_per_hour), .children = limit_options, .size = sizeof(struct mw_auto_limits)},
    {"group_window", MW_OPTION_DURATION, MW_OPTION_RELOADABLE, "15s",
     "resources that turn bad within it are one incident; 0s: only those that need each other",
     POLICY(group_window), .minimum = 0, .maximum = 3600000},
    {"mass_failure", MW_OPTION_SECTION, MW_OPTION_RELOADABLE, "{}",
     "when so much turns bad at once that midwatch's own network is suspected: one incident, and "
     "nothing runs by itself",
     POLICY(mass_failure), .children = mass_options, .size = sizeof(struct mw_mass_failure)},
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

static bool in_hours(const struct mw_policy_rule *rule, mw_wall_ms now)
{
    struct mw_hours hours;
    return rule->hours == NULL ||
           (mw_hours_parse(rule->hours, &hours) && mw_hours_hold(&hours, now));
}

static bool matches(const struct mw_policy_rule *rule, const char *tool, enum mw_risk risk,
                    const struct mw_resource *resource, mw_wall_ms now)
{
    return fits(rule->tool, tool) && fits(rule->risk, risk_names[risk]) &&
           fits(rule->resource, resource->name) && fits(rule->kind, resource->kind) &&
           fits(rule->environment, resource->environment) && in_hours(rule, now);
}

struct mw_judgement mw_policy_judge(const struct mw_policy *policy, const char *tool,
                                    enum mw_risk risk, const struct mw_resource *resource,
                                    mw_wall_ms now)
{
    /* A destructive step takes two people unless a rule says otherwise. */
    int approvers = risk == MW_RISK_DESTRUCTIVE ? 2 : 1;
    for (size_t i = 0; i < policy->rules.count; i++) {
        const struct mw_policy_rule *rule = policy->rules.items[i];
        if (!matches(rule, tool, risk, resource, now))
            continue;
        struct mw_judgement judgement = {
            .verdict = (enum mw_verdict)rule->then,
            .approvers = rule->approvers > 0 ? (int)rule->approvers : approvers,
            .after = (int)rule->after,
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

void mw_policy_check(const struct mw_policy *policy, const struct mw_policy_faults *faults)
{
    for (size_t i = 0; i < policy->rules.count; i++) {
        const struct mw_policy_rule *rule = policy->rules.items[i];
        struct mw_hours hours;
        enum mw_risk risk;
        if (rule->hours != NULL && !mw_hours_parse(rule->hours, &hours))
            faults->add(faults->context, i, "hours",
                        "write days, times or both, like `Mon-Fri 09:00-18:00`");
        if (rule->risk != NULL && !mw_risk_parse(rule->risk, &risk))
            faults->add(faults->context, i, "risk",
                        "write read, reversible, disruptive or destructive");
    }
}
