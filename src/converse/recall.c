/* SPDX-License-Identifier: Apache-2.0 */
/* Answers from what is remembered: incidents, logs and measurements. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "converse/answers.h"
#include "converse/paper.h"
#include "midwatch/message.h"

#define INCIDENTS_MAX 15
#define PAST_MAX      5
#define LOG_LINES     40
#define LOG_MS        5000
#define SPARKS        12
#define NAME_COLUMNS  14

static const char *outcome_of(TALLOC_CTX *memory, const struct mw_incident *incident)
{
    const struct mw_scene scene = {.memory = memory, .incident = incident};
    return mw_say_outcome(&scene);
}

/* "03:08", or "12 May" when it was not today. */
static const char *when(TALLOC_CTX *memory, mw_wall_ms at)
{
    mw_wall_ms now = mw_wall_now();
    char *day = mw_say_day(memory, at, now), *today = mw_say_day(memory, now, now);
    bool same = day != NULL && today != NULL && strcmp(day, today) == 0;
    return same ? mw_time_hour_minute(memory, at) : day;
}

static const char *state_word(TALLOC_CTX *memory, const struct mw_incident *incident)
{
    switch (incident->stage) {
    case MW_STAGE_ASK:
        return "needs a yes";
    case MW_STAGE_EXECUTE:
    case MW_STAGE_VERIFY:
    case MW_STAGE_REVIEW:
        return "fix running";
    case MW_STAGE_CLOSED:
        return outcome_of(memory, incident);
    default:
        return "looking";
    }
}

json_t *mw_answer_incidents(struct mw_request *request)
{
    struct mw_record *record = request->channel->converse->record;
    TALLOC_CTX *memory = request->memory;
    struct mw_error error;
    size_t count;
    struct mw_incident_page page = {.limit = INCIDENTS_MAX, .brief = true};
    struct mw_incident **incidents = mw_record_page(record, memory, &page, &count, &error);
    if (incidents == NULL) {
        return mw_paper_sentence(memory, "The record cannot be read now: %s", error.text);
    }
    if (count == 0) {
        return mw_paper_sentence(memory, "No incident so far.");
    }
    size_t open = 0;
    mw_respond_open(request->channel->converse->respond, memory, &open);
    struct mw_paper paper;
    mw_paper_begin(&paper, memory, MW_STATE_INFO, 0, NULL);
    if (open > 0) {
        mw_paper_headline(&paper, "%zu open, newest first", open);
    } else {
        mw_paper_headline(&paper, "Nothing is open; these were the last");
    }
    mw_paper_table(&paper, "Incident", "State", "Since");
    for (size_t i = 0; i < count; i++) {
        const struct mw_incident *incident = incidents[i];
        const char *name =
            incident->member_count == 0
                ? talloc_asprintf(memory, "I%" PRId64 " %s", incident->id, incident->resource)
                : talloc_asprintf(memory, "I%" PRId64 " %s +%zu", incident->id, incident->resource,
                                  incident->member_count);
        mw_paper_row(&paper, mw_text_fit(memory, name, 16), state_word(memory, incident),
                     when(memory, incident->since));
    }
    return mw_paper_end(&paper);
}

/* The blocks of a message as part of an answer; the rest of it belongs to its place in the thread. */
static void append_blocks(json_t *answer, json_t *message)
{
    json_array_extend(json_object_get(answer, "blocks"), json_object_get(message, "blocks"));
    json_decref(message);
}

json_t *mw_answer_show(struct mw_request *request, int64_t id)
{
    struct mw_converse *converse = request->channel->converse;
    struct mw_error error;
    struct mw_incident *incident =
        mw_record_incident(converse->record, request->memory, id, &error);
    if (incident == NULL) {
        return mw_paper_sentence(
            request->memory, "%s",
            error.class == MW_ERROR_BAD_INPUT
                ? talloc_asprintf(request->memory, "There is no I%" PRId64 ". Say: incidents", id)
                : error.text);
    }
    const struct mw_scene scene = {
        .memory = request->memory,
        .installation = converse->settings.name,
        .incident = incident,
        .resource = mw_watch_find(converse->watch, incident->resource),
        .watch = converse->watch,
        .quiet = mw_scene_quiet(request->memory, converse->respond, incident)};
    json_t *answer = mw_card_message(&scene);
    json_object_del(answer, "slot");
    json_object_del(answer, "actions");
    if (incident->stage == MW_STAGE_CLOSED) {
        const struct mw_plan *plan = mw_incident_plan(incident);
        struct mw_paper paper;
        mw_paper_begin(&paper, request->memory, MW_STATE_INFO, 0, NULL);
        mw_paper_note(&paper, "%s, %s to %s",
                      mw_say_day(request->memory, incident->since, mw_wall_now()),
                      mw_time_of_day(request->memory, incident->since),
                      mw_time_of_day(request->memory, incident->closed_at));
        if (plan != NULL) {
            mw_scene_write_cause(&paper, plan);
        }
        append_blocks(answer, mw_paper_end(&paper));
        append_blocks(answer, mw_verdict_message(&scene));
    }
    return answer;
}

json_t *mw_answer_logs(struct mw_request *request, struct mw_resource *resource)
{
    TALLOC_CTX *memory = request->memory;
    size_t count = 0;
    bool configured = resource->config != NULL && resource->config->logs.count > 0;
    const char *name = resource->name;
    if (!configured) {
        return mw_paper_sentence(memory, "No log is configured for %s (logs: in its entry).", name);
    }
    struct mw_log_excerpt *lines =
        mw_watch_logs(resource, memory, LOG_LINES, &count, mw_deadline_in(LOG_MS));
    if (lines == NULL || count == 0) {
        return mw_paper_sentence(memory, "No warnings or errors in the logs of %s.", name);
    }
    struct mw_paper paper;
    mw_paper_begin(&paper, memory, MW_STATE_INFO, 0, NULL);
    mw_paper_headline(&paper, "Logs of %s: %zu %s, worst first", name, count,
                      count == 1 ? "line that matters" : "lines that matter");
    for (size_t i = 0; i < count && i < LOG_LINES; i++) {
        mw_paper_log(&paper, lines[i].line, lines[i].times);
    }
    return mw_paper_end(&paper);
}

/* ---- history ---- */

/* The last values as a row of small bars: percentages of a hundred, others of the highest shown. */
static const char *sparks(TALLOC_CTX *memory, const json_t *samples, bool percent)
{
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    size_t count = json_array_size(samples), first = count > SPARKS ? count - SPARKS : 0;
    double high = percent ? 100 : 0;
    for (size_t i = first; i < count && !percent; i++) {
        high = fmax(high, json_number_value(json_array_get(json_array_get(samples, i), 1)));
    }
    char *text = talloc_strdup(memory, "");
    for (size_t i = first; i < count; i++) {
        double value = json_number_value(json_array_get(json_array_get(samples, i), 1));
        double share = high > 0 ? fmin(fmax(value / high, 0), 1) : 0;
        text = talloc_asprintf_append(text, "%s", bars[(int)(share * 7 + 0.5)]);
    }
    return text;
}

static bool moment(const json_t *samples, size_t index, double *seconds)
{
    const char *text = json_string_value(json_array_get(json_array_get(samples, index), 0));
    struct tm day = {0};
    const char *rest = text != NULL ? strptime(text, "%Y-%m-%dT%H:%M:%S", &day) : NULL;
    if (rest == NULL) {
        return false;
    }
    *seconds = (double)timegm(&day) + (*rest == '.' ? strtod(rest, NULL) : 0);
    return true;
}

/* "last 12 samples, 60 s" of the metric that has the most of them. */
static const char *span(TALLOC_CTX *memory, const struct mw_resource *resource)
{
    size_t most = 0;
    double longest = 0;
    for (size_t i = 0; i < resource->last.count; i++) {
        json_auto_t *samples = mw_watch_history(resource, resource->last.metrics[i].name);
        size_t count = json_array_size(samples), first = count > SPARKS ? count - SPARKS : 0;
        double from, to;
        if (count - first > most && moment(samples, first, &from) &&
            moment(samples, count - 1, &to)) {
            most = count - first;
            longest = to - from;
        }
    }
    if (most == 0) {
        return "no sample yet";
    }
    if (most == 1) {
        return "its only sample";
    }
    const char *length = longest >= 10 && longest < 120
                             ? talloc_asprintf(memory, "%.0f s", longest)
                             : mw_duration_text(memory, (int64_t)(longest * 1000));
    return talloc_asprintf(memory, "last %zu samples, %s", most, length);
}

static void write_metrics(struct mw_paper *paper, const struct mw_resource *resource)
{
    for (size_t i = 0; i < resource->last.count; i++) {
        const char *metric = resource->last.metrics[i].name;
        const struct mw_metric_spec *spec = mw_resource_metric(resource, metric);
        json_auto_t *samples = mw_watch_history(resource, metric);
        const char *label = spec != NULL && spec->label != NULL ? spec->label : metric;
        mw_paper_row(paper, mw_text_fit(paper->memory, label, NAME_COLUMNS),
                     mw_text_fit(paper->memory,
                                 mw_value_text(paper->memory, resource->last.metrics[i].value,
                                               spec != NULL ? spec->unit : ""),
                                 10),
                     sparks(paper->memory, samples,
                            spec != NULL && spec->unit != NULL && strcmp(spec->unit, "%") == 0));
    }
}

/* Earlier incidents that a resource led or was part of, newest first. */
static void write_past(struct mw_paper *paper, struct mw_record *record, const char *name)
{
    struct mw_error error;
    size_t count = 0;
    struct mw_incident_page page = {.resource = name, .limit = PAST_MAX};
    struct mw_incident **incidents = mw_record_page(record, paper->memory, &page, &count, &error);
    if (incidents == NULL) {
        mw_paper_note(paper, "its incidents cannot be read now: %s", error.text);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct mw_incident *incident = incidents[i];
        const char *tool = mw_scene_tool(incident);
        mw_paper_note(paper, "%s I%" PRId64 " %s%s%s%s", when(paper->memory, incident->since),
                      incident->id,
                      incident->finding_count > 0 && incident->findings[0].text != NULL
                          ? incident->findings[0].text
                          : mw_health_name(incident->severity),
                      tool != NULL ? ", " : "", tool != NULL ? tool : "",
                      talloc_asprintf(paper->memory, " — %s", outcome_of(paper->memory, incident)));
    }
    if (count == 0) {
        mw_paper_note(paper, "no incident of it so far");
    }
}

json_t *mw_answer_history(struct mw_request *request, const struct mw_resource *resource)
{
    struct mw_paper paper;
    mw_paper_begin(&paper, request->memory, MW_STATE_INFO, 0, NULL);
    const char *name = talloc_strdup(request->memory, resource->name);
    mw_paper_headline(&paper, "%s (%s, %s), %s", name, resource->kind, resource->environment,
                      span(request->memory, resource));
    if (resource->last.count > 0) {
        mw_paper_table(&paper, "Metric", "Now", "Before → now");
        write_metrics(&paper, resource);
    }
    write_past(&paper, request->channel->converse->record, name);
    return mw_paper_end(&paper);
}
