/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "midwatch/incident.h"

#define COUNT(names) (sizeof(names) / sizeof *(names))

static const char *const stages[] = {
    [MW_STAGE_OPEN] = "open",     [MW_STAGE_EVIDENCE] = "evidence", [MW_STAGE_PLAN] = "plan",
    [MW_STAGE_JUDGE] = "judge",   [MW_STAGE_ASK] = "ask",           [MW_STAGE_EXECUTE] = "execute",
    [MW_STAGE_VERIFY] = "verify", [MW_STAGE_REVIEW] = "review",     [MW_STAGE_CLOSED] = "closed",
};

static const char *const outcomes[] = {
    [MW_OUTCOME_NONE] = NULL,
    [MW_OUTCOME_RECOVERED] = "recovered",
    [MW_OUTCOME_SELF_RECOVERED] = "self_recovered",
    [MW_OUTCOME_REJECTED] = "rejected",
    [MW_OUTCOME_EXPIRED] = "expired",
    [MW_OUTCOME_STOPPED] = "stopped",
    [MW_OUTCOME_FAILED] = "failed",
    [MW_OUTCOME_HANDED_OVER] = "handed_over",
};

static const char *const step_states[] = {
    [MW_STEP_PLANNED] = "planned", [MW_STEP_STARTED] = "started", [MW_STEP_DONE] = "done",
    [MW_STEP_FAILED] = "failed",   [MW_STEP_UNKNOWN] = "unknown", [MW_STEP_SKIPPED] = "skipped",
    [MW_STEP_UNDONE] = "undone",
};

static const char *const plan_states[] = {
    [MW_PLAN_PROPOSED] = "proposed", [MW_PLAN_APPROVED] = "approved",
    [MW_PLAN_REJECTED] = "rejected", [MW_PLAN_VOID] = "void",
    [MW_PLAN_SPENT] = "spent",
};

static const char *const actions[] = {
    [MW_ACTION_APPROVE] = "approve",   [MW_ACTION_REJECT] = "reject",
    [MW_ACTION_WITHDRAW] = "withdraw", [MW_ACTION_STOP] = "stop",
    [MW_ACTION_ACK] = "ack",           [MW_ACTION_UNDO] = "undo",
    [MW_ACTION_AGAIN] = "again",       [MW_ACTION_VOID] = "void",
};

/* A number that is no member comes from memory gone bad; a word keeps printing safe. */
static const char *name_of(const char *const *names, size_t count, unsigned value)
{
    return value < count ? names[value] : "unknown";
}

static int find(const char *const *names, size_t count, const char *text)
{
    for (size_t i = 0; text != NULL && i < count; i++) {
        if (names[i] != NULL && strcmp(names[i], text) == 0) {
            return (int)i;
        }
    }
    return -1;
}

const char *mw_stage_name(enum mw_stage stage)
{
    return name_of(stages, COUNT(stages), stage);
}

const char *mw_outcome_name(enum mw_outcome outcome)
{
    return name_of(outcomes, COUNT(outcomes), outcome);
}

const char *mw_step_state_name(enum mw_step_state state)
{
    return name_of(step_states, COUNT(step_states), state);
}

const char *mw_plan_state_name(enum mw_plan_state state)
{
    return name_of(plan_states, COUNT(plan_states), state);
}

const char *mw_action_name(enum mw_action action)
{
    return name_of(actions, COUNT(actions), action);
}

bool mw_stage_parse(const char *text, enum mw_stage *stage)
{
    int found = find(stages, COUNT(stages), text);
    if (found >= 0) {
        *stage = (enum mw_stage)found;
    }
    return found >= 0;
}

bool mw_outcome_parse(const char *text, enum mw_outcome *outcome)
{
    int found = text == NULL ? MW_OUTCOME_NONE : find(outcomes, COUNT(outcomes), text);
    if (found >= 0) {
        *outcome = (enum mw_outcome)found;
    }
    return found >= 0;
}

bool mw_step_state_parse(const char *text, enum mw_step_state *state)
{
    int found = find(step_states, COUNT(step_states), text);
    if (found >= 0) {
        *state = (enum mw_step_state)found;
    }
    return found >= 0;
}

bool mw_plan_state_parse(const char *text, enum mw_plan_state *state)
{
    int found = find(plan_states, COUNT(plan_states), text);
    if (found >= 0) {
        *state = (enum mw_plan_state)found;
    }
    return found >= 0;
}

bool mw_action_parse(const char *text, enum mw_action *action)
{
    int found = find(actions, COUNT(actions), text);
    if (found >= 0) {
        *action = (enum mw_action)found;
    }
    return found >= 0;
}

int64_t mw_incident_id_parse(const char *text)
{
    if (text == NULL || (*text != 'I' && *text != 'i')) {
        return 0;
    }
    text++;
    if (*text < '1' || *text > '9') {
        return 0;
    }
    int64_t id = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        if (__builtin_mul_overflow(id, 10, &id) || __builtin_add_overflow(id, *text - '0', &id)) {
            return 0;
        }
    }
    return *text == '\0' ? id : 0;
}
