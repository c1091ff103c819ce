/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/median.h"
#include "evaluate/tally.h"

#define LENGTH_MAX (INT64_C(3660) * 24 * 3600 * 1000)
#define PAGE       100

bool mw_report_length(const char *text, int64_t *length, struct mw_error *error)
{
    if (mw_duration_parse(text, length) && *length >= 1000 && *length <= LENGTH_MAX) {
        return true;
    }
    return mw_error_set(error, MW_ERROR_BAD_INPUT,
                        "\"%.40s\" is no length of time to report on; write 24h, 7d or 4w", text);
}

/* The ids of the newest runs, to be read whole afterwards. */
static int64_t *newest_ids(TALLOC_CTX *memory, const struct mw_tally *tally, size_t limit,
                           size_t *count)
{
    *count = tally->run_id_count < limit ? tally->run_id_count : limit;
    int64_t *ids = talloc_array(memory, int64_t, *count);
    for (size_t i = 0; ids != NULL && i < *count; i++) {
        ids[i] = tally->run_ids[tally->run_id_count - 1 - i];
    }
    return ids;
}

static int compare_closed(const void *left, const void *right)
{
    const struct mw_incident *a = *(struct mw_incident *const *)left;
    const struct mw_incident *b = *(struct mw_incident *const *)right;
    int by_time = (a->closed_at < b->closed_at) - (a->closed_at > b->closed_at);
    return by_time != 0 ? by_time : (a->id < b->id) - (a->id > b->id);
}

MW_SUSPENDS static bool read_runs(struct mw_report *report, struct mw_record *record,
                                  const struct mw_tally *tally, size_t limit,
                                  struct mw_error *error)
{
    size_t count;
    int64_t *ids = newest_ids(report, tally, limit, &count);
    report->runs = talloc_array(report, struct mw_incident *, count);
    if (ids == NULL || report->runs == NULL) {
        return mw_error_set(error, MW_ERROR_RETRY, "out of memory while reading incidents");
    }
    for (size_t i = 0; i < count; i += PAGE) {
        struct mw_incident_page page = {.ids = ids + i,
                                        .limit = count - i < PAGE ? count - i : PAGE};
        size_t read;
        struct mw_incident **incidents = mw_record_page(record, report, &page, &read, error);
        if (incidents == NULL) {
            return false;
        }
        for (size_t j = 0; j < read; j++) {
            report->runs[report->run_count++] = incidents[j];
        }
    }
    qsort(report->runs, report->run_count, sizeof(struct mw_incident *), compare_closed);
    return true;
}

/* Counts a period; the report's resources and tools are those of the present one. */
MW_SUSPENDS static struct mw_tally *count_period(TALLOC_CTX *memory, struct mw_record *record,
                                                 mw_wall_ms from, mw_wall_ms to,
                                                 struct mw_error *error)
{
    struct mw_tally *tally = mw_tally_create(memory);
    struct mw_past_usage questions = {0};
    if (tally == NULL || !mw_record_runs(record, from, to, mw_tally_visit, tally, error) ||
        !mw_record_questions(record, from, to, &questions, error)) {
        if (tally == NULL) {
            mw_error_set(error, MW_ERROR_RETRY, "out of memory while counting incidents");
        }
        talloc_free(tally);
        return NULL;
    }
    mw_past_usage_add(&tally->figures.usage, &questions);
    if (!mw_tally_end(tally)) {
        talloc_free(tally);
        mw_error_set(error, MW_ERROR_RETRY, "out of memory while counting incidents");
        return NULL;
    }
    return tally;
}

struct mw_report *mw_report_make(TALLOC_CTX *memory, struct mw_record *record, const char *name,
                                 int64_t length, size_t runs, struct mw_error *error)
{
    struct mw_report *report = talloc_zero(memory, struct mw_report);
    if (report == NULL) {
        mw_error_set(error, MW_ERROR_RETRY, "out of memory while making a report");
        return NULL;
    }
    report->name = talloc_strdup(report, name);
    report->at = mw_wall_now();
    report->from = report->at - length;
    /* What closes in this very millisecond belongs to it. */
    const struct mw_tally *now = count_period(report, record, report->from, report->at + 1, error);
    const struct mw_tally *before =
        now != NULL ? count_period(report, record, report->from - length, report->from, error)
                    : NULL;
    if (before == NULL || !read_runs(report, record, now, runs, error)) {
        talloc_free(report);
        return NULL;
    }
    report->now = now->figures;
    report->before = before->figures;
    report->resource_count = now->resource_count;
    report->resources = now->resources;
    report->tool_count = now->tool_count;
    report->tools = now->tools;
    return report;
}
