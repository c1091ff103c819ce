/* SPDX-License-Identifier: Apache-2.0 */
/* A report for people. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "evaluate/report.h"
#include "evaluate/sheet.h"

#define RESOURCES_MAX 20
#define TOOLS_MAX     20
#define DAY_MS        (INT64_C(24) * 3600 * 1000)

struct page {
    struct mw_sheet sheet;
    const struct mw_report *report;
    TALLOC_CTX *memory;
};

#define ROW(page, ...) mw_sheet_row(&(page)->sheet, (const char *const[]){__VA_ARGS__, NULL})

static const char *number(const struct page *page, int64_t value)
{
    return talloc_asprintf(page->memory, "%" PRId64, value);
}

static const char *took(const struct page *page, int64_t ms)
{
    return ms >= 0 ? mw_duration_text(page->memory, ms) : "–";
}

/* "7 of 8 (88 %)" */
static const char *share(const struct page *page, int64_t part, int64_t whole)
{
    return whole > 0 ? talloc_asprintf(page->memory, "%" PRId64 " of %" PRId64 " (%.0f %%)", part,
                                       whole, 100.0 * (double)part / (double)whole)
                     : "–";
}

/* "2026-11-24 21:56 UTC" */
static const char *minute(const struct page *page, mw_wall_ms at)
{
    char *text = mw_time_rfc3339(page->memory, at);
    if (text == NULL) {
        return "";
    }
    text[10] = ' ';
    text[16] = '\0';
    return talloc_asprintf(page->memory, "%s UTC", text);
}

static const char *length_of(const struct page *page)
{
    int64_t length = page->report->at - page->report->from;
    return length % DAY_MS == 0 ? talloc_asprintf(page->memory, "%" PRId64 " %s", length / DAY_MS,
                                                  length == DAY_MS ? "day" : "days")
                                : mw_duration_text(page->memory, length);
}

static const char *cost(const struct page *page, const struct mw_past_usage *usage)
{
    if (usage->input_tokens + usage->output_tokens == 0) {
        return "none asked";
    }
    const char *tokens = talloc_asprintf(page->memory, "%" PRId64 "+%" PRId64 " tokens",
                                         usage->input_tokens, usage->output_tokens);
    return isnan(usage->cost_usd)
               ? tokens
               : talloc_asprintf(page->memory, "%s, $%.2f", tokens, usage->cost_usd);
}

static void write_figures(struct page *page)
{
    const struct mw_report_figures *now = &page->report->now, *before = &page->report->before;
    ROW(page, "", talloc_asprintf(page->memory, "Last %s", length_of(page)), "Before that");
    ROW(page, "incidents closed", number(page, now->incidents), number(page, before->incidents));
    ROW(page, "of them acted on", number(page, now->runs), number(page, before->runs));
    ROW(page, "recovered by it", share(page, now->passed, now->runs),
        share(page, before->passed, before->runs));
    ROW(page, "to detect", took(page, now->detect), took(page, before->detect));
    ROW(page, "to approve", took(page, now->approve), took(page, before->approve));
    ROW(page, "to recover", took(page, now->recover), took(page, before->recover));
    ROW(page, "plans run by policy", number(page, now->automatic), number(page, before->automatic));
    ROW(page, "plans run by approval", number(page, now->approved), number(page, before->approved));
    ROW(page, "models", cost(page, &now->usage), cost(page, &before->usage));
    mw_sheet_table_end(&page->sheet);
    mw_sheet_text(
        &page->sheet,
        "Times are medians. To recover is from the first bad sample to health that held.");
}

static const char *outcome_word(const struct page *page, enum mw_outcome outcome)
{
    const char *name = mw_outcome_name(outcome);
    char *word = talloc_strdup(page->memory, name != NULL ? name : "closed");
    for (char *at = word; at != NULL && *at != '\0'; at++) {
        *at = *at == '_' ? '-' : *at;
    }
    return word != NULL ? word : "";
}

static void write_outcomes(struct page *page)
{
    const struct mw_report_figures *now = &page->report->now, *before = &page->report->before;
    mw_sheet_heading(&page->sheet, "Outcomes");
    ROW(page, "Outcome", "Now", "Before");
    for (int i = MW_OUTCOME_NONE; i <= MW_OUTCOME_HANDED_OVER; i++) {
        if (now->outcomes[i] > 0 || before->outcomes[i] > 0) {
            ROW(page, outcome_word(page, (enum mw_outcome)i), number(page, now->outcomes[i]),
                number(page, before->outcomes[i]));
        }
    }
    mw_sheet_table_end(&page->sheet);
}

static void write_resources(struct page *page)
{
    const struct mw_report *report = page->report;
    if (report->resource_count == 0) {
        return;
    }
    mw_sheet_heading(&page->sheet, "Resources, the most incidents first");
    ROW(page, "Resource", "Kind", "Incidents", "Part of others", "Recovered", "To recover",
        "Time ill");
    for (size_t i = 0; i < report->resource_count && i < RESOURCES_MAX; i++) {
        const struct mw_report_resource *one = &report->resources[i];
        const char *kind = one->kind == NULL ? ""
                                             : talloc_asprintf(page->memory, "%s, %s", one->kind,
                                                               one->environment);
        ROW(page, one->name, kind, number(page, one->incidents), number(page, one->as_member),
            share(page, one->passed, one->runs), took(page, one->recover), took(page, one->ill));
    }
    mw_sheet_table_end(&page->sheet);
    if (report->resource_count > RESOURCES_MAX) {
        mw_sheet_text(&page->sheet, "and %zu more", report->resource_count - RESOURCES_MAX);
    }
}

static void write_tools(struct page *page)
{
    const struct mw_report *report = page->report;
    if (report->tool_count == 0) {
        return;
    }
    mw_sheet_heading(&page->sheet, "Tools");
    ROW(page, "Tool", "Recovered, of times tried");
    for (size_t i = 0; i < report->tool_count && i < TOOLS_MAX; i++) {
        const struct mw_report_tool *one = &report->tools[i];
        ROW(page, one->name, share(page, one->recovered, one->tried));
    }
    mw_sheet_table_end(&page->sheet);
}

/* The tools that were called, and the cause that the newest plan with any of them gave. */
static const char *run_tools(const struct page *page, const struct mw_incident *incident,
                             const char **cause)
{
    char *tools = talloc_strdup(page->memory, "");
    *cause = "";
    for (size_t i = 0; i < incident->plan_count; i++) {
        const struct mw_plan *plan = &incident->plans[i];
        for (size_t j = 0; j < plan->step_count; j++) {
            if (plan->steps[j].started_at == 0) {
                continue;
            }
            tools = talloc_asprintf_append(tools, "%s%s", *tools != '\0' ? ", " : "",
                                           plan->steps[j].tool);
            *cause = plan->root_cause != NULL ? plan->root_cause : "";
        }
    }
    return tools;
}

static void write_runs(struct page *page)
{
    const struct mw_report *report = page->report;
    size_t most = page->sheet.html ? MW_REPORT_RUNS_MAX : MW_REPORT_RUNS_MARKDOWN;
    if (report->run_count == 0) {
        return;
    }
    mw_sheet_heading(&page->sheet, "Acted on, newest first");
    ROW(page, "Incident", "Closed", "Resource", "Outcome", "Took", "Tools", "Cause");
    for (size_t i = 0; i < report->run_count && i < most; i++) {
        const struct mw_incident *one = report->runs[i];
        const char *cause, *tools = run_tools(page, one, &cause);
        ROW(page, talloc_asprintf(page->memory, "I%" PRId64, one->id), minute(page, one->closed_at),
            one->resource, outcome_word(page, one->outcome), took(page, one->durations.total),
            tools, cause);
    }
    mw_sheet_table_end(&page->sheet);
    if (report->now.runs > (int64_t)most) {
        mw_sheet_text(&page->sheet, "and %" PRId64 " more", report->now.runs - (int64_t)most);
    }
}

static char *write_page(TALLOC_CTX *memory, const struct mw_report *report, bool html)
{
    struct page page = {.report = report, .memory = talloc_new(memory)};
    mw_sheet_begin(
        &page.sheet, memory, html,
        talloc_asprintf(page.memory, "%s: report of the last %s", report->name, length_of(&page)));
    mw_sheet_text(&page.sheet, "%s to %s", minute(&page, report->from), minute(&page, report->at));
    if (report->now.incidents == 0) {
        mw_sheet_text(&page.sheet, "No incident closed in this time.");
    }
    write_figures(&page);
    if (report->now.incidents > 0) {
        write_outcomes(&page);
        write_resources(&page);
        write_tools(&page);
        write_runs(&page);
    }
    talloc_free(page.memory);
    return mw_sheet_end(&page.sheet);
}

char *mw_report_to_markdown(TALLOC_CTX *memory, const struct mw_report *report)
{
    return write_page(memory, report, false);
}

char *mw_report_to_html(TALLOC_CTX *memory, const struct mw_report *report)
{
    return write_page(memory, report, true);
}
