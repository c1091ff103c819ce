/* SPDX-License-Identifier: Apache-2.0 */
/* Earlier incidents like this one, as a planner is told of them: what it was, what was done, what people said
 * to it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/redact.h"
#include "respond/case.h"

#define ROOM          "respond"
#define SIMILAR_MAX   5
#define STEPS_MAX     8
#define DECISIONS_MAX 6
#define TEXT_MAX      300
#define ARGUMENTS_MAX 600

/* Clean, masked and not too long; null for NULL. */
static json_t *words(const char *text)
{
    char *clean = text != NULL ? mw_redact_line(NULL, text, strlen(text), TEXT_MAX) : NULL;
    json_t *said = clean != NULL ? json_string(clean) : json_null();
    talloc_free(clean);
    return said;
}

static json_t *arguments_of(const struct mw_step *step)
{
    char *text = step->arguments != NULL ? json_dumps(step->arguments, JSON_COMPACT) : NULL;
    bool fits = text != NULL && strlen(text) <= ARGUMENTS_MAX;
    free(text);
    return fits ? json_deep_copy(step->arguments) : json_string("left out: too long");
}

/* The steps of all plans in their order, the newest where there are many. */
static json_t *steps_of(const struct mw_incident *incident)
{
    json_t *steps = json_array();
    for (size_t i = 0; i < incident->plan_count; i++) {
        const struct mw_plan *plan = &incident->plans[i];
        for (size_t j = 0; j < plan->step_count && !plan->undo; j++) {
            const struct mw_step *step = &plan->steps[j];
            const char *summary = json_string_value(json_object_get(step->result, "summary"));
            json_array_append_new(steps, json_pack("{s:s, s:o, s:s, s:o}", "tool", step->tool,
                                                   "arguments", arguments_of(step), "state",
                                                   mw_step_state_name(step->state), "result",
                                                   words(summary)));
        }
    }
    while (json_array_size(steps) > STEPS_MAX)
        json_array_remove(steps, 0);
    return steps;
}

static json_t *decisions_of(const struct mw_incident *incident)
{
    json_t *decisions = json_array();
    for (size_t i = 0; i < incident->decision_count; i++) {
        const struct mw_decision *decision = &incident->decisions[i];
        json_array_append_new(decisions, json_pack("{s:s, s:s, s:o}", "person", decision->person,
                                                   "action", mw_action_name(decision->action),
                                                   "why", words(decision->note)));
    }
    while (json_array_size(decisions) > DECISIONS_MAX)
        json_array_remove(decisions, 0);
    return decisions;
}

/* The last plan that was meant to mend it. */
static const char *cause_of(const struct mw_incident *incident)
{
    for (size_t i = incident->plan_count; i > 0; i--) {
        if (!incident->plans[i - 1].undo)
            return incident->plans[i - 1].root_cause;
    }
    return NULL;
}

static json_t *describe(const struct mw_incident *incident)
{
    char id[24];
    snprintf(id, sizeof id, "I%lld", (long long)incident->id);
    char *when = mw_time_rfc3339(NULL, incident->since);
    json_t *told =
        json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:s?, s:o, s:o}", "incident", id, "when",
                  when, "resource", incident->resource, "environment", incident->environment,
                  "symptom", words(incident->finding_count > 0 ? incident->findings[0].text : NULL),
                  "cause", words(cause_of(incident)), "steps", steps_of(incident), "outcome",
                  mw_outcome_name(incident->outcome), "reason", words(incident->outcome_reason),
                  "decisions", decisions_of(incident));
    talloc_free(when);
    return told;
}

json_t *mw_similar(const struct mw_case *self)
{
    struct mw_record *record = self->respond->record;
    struct mw_error error = {0};
    json_auto_t *similar = json_array();
    TALLOC_CTX *memory = talloc_new(NULL);
    size_t count = 0;
    const int64_t *ids =
        mw_record_similar(record, memory, self->incident, SIMILAR_MAX, &count, &error);
    for (size_t i = 0; ids != NULL && i < count; i++) {
        const struct mw_incident *incident = mw_record_incident(record, memory, ids[i], &error);
        if (incident != NULL)
            json_array_append_new(similar, describe(incident));
    }
    if (ids == NULL && error.class != MW_ERROR_CANCELLED)
        mw_log_warning(ROOM, "I%lld: planned without what is known of earlier incidents: %s",
                       (long long)self->incident->id, error.text);
    talloc_free(memory);
    return mw_redact_json(similar);
}
