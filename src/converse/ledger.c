/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that sum up: the report, and the audit trail in words. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "converse/answers.h"
#include "converse/paper.h"
#include "midwatch/message.h"

#define AUDIT_MAX    20
#define REPORT_LINES 5
#define NAME_COLUMNS 18
#define WORD_BYTES   80

/* ---- report ---- */

static int64_t integer(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *number(TALLOC_CTX *memory, const json_t *object, const char *key)
{
    return talloc_asprintf(memory, "%" PRId64, integer(object, key));
}

static const char *took(TALLOC_CTX *memory, const json_t *object, const char *key)
{
    const json_t *seconds = json_object_get(object, key);
    return json_is_number(seconds)
               ? mw_duration_text(memory, (int64_t)(json_number_value(seconds) * 1000 + 0.5))
               : "–";
}

/* "7 of 8" */
static const char *share(TALLOC_CTX *memory, const json_t *object, const char *part,
                         const char *whole)
{
    return integer(object, whole) > 0
               ? talloc_asprintf(memory, "%" PRId64 " of %" PRId64, integer(object, part),
                                 integer(object, whole))
               : "–";
}

static const char *cost(TALLOC_CTX *memory, const json_t *object)
{
    const json_t *usd = json_object_get(object, "llm_cost_usd");
    int64_t tokens = integer(object, "llm_input_tokens") + integer(object, "llm_output_tokens");
    return json_is_number(usd) ? talloc_asprintf(memory, "$%.2f", json_number_value(usd))
                               : talloc_asprintf(memory, "%" PRId64 " tok", tokens);
}

static void write_figures(struct mw_paper *paper, const json_t *now, const json_t *before)
{
    TALLOC_CTX *memory = paper->memory;
    static const struct {
        const char *label, *key, *whole;
        bool time;
    } lines[] = {
        {"incidents", "incidents", NULL, false},
        {"recovered", "passed", "runs", false},
        {"to detect", "median_detect_s", NULL, true},
        {"to approve", "median_approve_s", NULL, true},
        {"to recover", "median_total_s", NULL, true},
        {"by policy", "plans_automatic", NULL, false},
        {"by approval", "plans_approved", NULL, false},
    };
    mw_paper_table(paper, "", "Now", "Before");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const char *key = lines[i].key, *whole = lines[i].whole;
        const json_t *sides[] = {now, before};
        const char *cells[2];
        for (int side = 0; side < 2; side++) {
            cells[side] = lines[i].time   ? took(memory, sides[side], key)
                          : whole != NULL ? share(memory, sides[side], key, whole)
                                          : number(memory, sides[side], key);
        }
        mw_paper_row(paper, lines[i].label, cells[0], cells[1]);
    }
    mw_paper_row(paper, "models", cost(memory, now), cost(memory, before));
}

static void write_worst(struct mw_paper *paper, const json_t *resources)
{
    size_t i;
    const json_t *one;
    if (json_array_size(resources) > 0) {
        mw_paper_table(paper, "Resource", "Incidents", "Recovered");
    }
    json_array_foreach(resources, i, one)
    {
        if (i == REPORT_LINES) {
            break;
        }
        const char *name = json_string_value(json_object_get(one, "resource"));
        mw_paper_row(paper, mw_text_fit(paper->memory, name != NULL ? name : "", NAME_COLUMNS),
                     number(paper->memory, one, "incidents"),
                     share(paper->memory, one, "passed", "runs"));
    }
}

static void write_tools(struct mw_paper *paper, const json_t *tools)
{
    size_t i;
    const json_t *one;
    if (json_array_size(tools) > 0) {
        mw_paper_table(paper, "Tool", "Recovered", NULL);
    }
    json_array_foreach(tools, i, one)
    {
        if (i == REPORT_LINES) {
            break;
        }
        mw_paper_row(paper, json_string_value(json_object_get(one, "tool")),
                     share(paper->memory, one, "recovered", "tried"), NULL);
    }
}

json_t *mw_answer_report(struct mw_request *request, const char *length)
{
    const struct mw_report_source *source = &request->channel->converse->settings.report;
    const char *asked = length != NULL ? length : "7d";
    struct mw_error error = {0};
    json_auto_t *report =
        source->make != NULL ? source->make(source->context, asked, &error) : NULL;
    if (report == NULL) {
        return mw_paper_sentence(request->memory, "%s",
                                 source->make != NULL ? error.text
                                                      : "There is no report to be had here.");
    }
    const json_t *now = json_object_get(report, "summary");
    int64_t closed = integer(now, "incidents");
    struct mw_paper paper;
    mw_paper_begin(&paper, request->memory, MW_STATE_INFO, 0, NULL);
    mw_paper_headline(&paper, "Last %s: %" PRId64 " %s closed, %s fixes recovered", asked, closed,
                      closed == 1 ? "incident" : "incidents",
                      integer(now, "runs") > 0 ? share(request->memory, now, "passed", "runs")
                                               : "no");
    write_figures(&paper, now, json_object_get(report, "before"));
    write_worst(&paper, json_object_get(report, "resources"));
    write_tools(&paper, json_object_get(report, "tools"));
    mw_paper_note(&paper, "times are medians; more: midwatch report --since %s", asked);
    return mw_paper_end(&paper);
}

/* ---- audit ---- */

/* "03:08:12", with its day before it where that was not today. */
static const char *moment(TALLOC_CTX *memory, mw_wall_ms at)
{
    mw_wall_ms now = mw_wall_now();
    const char *day = mw_say_day(memory, at, now), *today = mw_say_day(memory, now, now);
    const char *clock = mw_time_of_day(memory, at);
    return day != NULL && today != NULL && strcmp(day, today) != 0
               ? talloc_asprintf(memory, "%s %s", day, clock)
               : clock;
}

/* What of the detail says most: ": execute", ": redis_restart, done". */
static const char *detail_words(TALLOC_CTX *memory, const char *text)
{
    static const char *const keys[] = {"stage",   "outcome", "tool", "state", "action",
                                       "removed", "why",     "note", "text"};
    struct mw_error error;
    json_auto_t *detail =
        text != NULL ? mw_json_parse(text, strlen(text), strlen(text), &error) : NULL;
    char *words = talloc_strdup(memory, "");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *value = json_string_value(json_object_get(detail, keys[i]));
        if (value != NULL) {
            words = talloc_asprintf_append(words, "%s%s", *words != '\0' ? ", " : ": ",
                                           mw_paper_clean(memory, value, WORD_BYTES));
        }
    }
    return words;
}

static const char *spaced(TALLOC_CTX *memory, const char *action)
{
    char *words = talloc_strdup(memory, action);
    for (char *at = words; at != NULL && *at != '\0'; at++) {
        *at = *at == '_' ? ' ' : *at;
    }
    return words;
}

static void write_row(struct mw_paper *paper, const struct mw_audit_row *row, bool one_incident)
{
    TALLOC_CTX *memory = paper->memory;
    const char *incident = row->incident != 0 && !one_incident
                               ? talloc_asprintf(memory, " I%" PRId64, row->incident)
                               : "";
    mw_paper_note(paper, "%s  %s  %s%s%s", moment(memory, row->at), row->actor,
                  spaced(memory, row->action), incident, detail_words(memory, row->detail));
}

json_t *mw_answer_audit(struct mw_request *request, int64_t incident)
{
    TALLOC_CTX *memory = request->memory;
    const struct mw_audit_page page = {.newest = true, .incident = incident, .limit = AUDIT_MAX};
    struct mw_error error;
    size_t count;
    struct mw_audit_row *rows =
        mw_audit_rows(request->channel->converse->record, memory, &page, &count, &error);
    if (rows == NULL) {
        return mw_paper_sentence(memory, "The record cannot be read now: %s", error.text);
    }
    const char *of = incident != 0 ? talloc_asprintf(memory, " of I%" PRId64, incident) : "";
    if (count == 0) {
        return mw_paper_sentence(memory, "The audit trail has nothing%s.", of);
    }
    struct mw_paper paper;
    mw_paper_begin(&paper, memory, MW_STATE_INFO, 0, NULL);
    mw_paper_headline(&paper, "Audit trail%s: the last %zu %s, newest at the end", of, count,
                      count == 1 ? "row" : "rows");
    for (size_t i = 0; i < count; i++) {
        write_row(&paper, &rows[i], incident != 0);
    }
    return mw_paper_end(&paper);
}
