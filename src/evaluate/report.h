/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of the incidents that closed in a period, in figures, beside the period of the same length
 * before it; and as a page for people or a document for programs.
 */
#ifndef MIDWATCH_EVALUATE_REPORT_H
#define MIDWATCH_EVALUATE_REPORT_H

#include <jansson.h>
#include <talloc.h>

#include "record/runs.h"

/* Incidents that are shown one by one, at most; the figures cover all. */
#define MW_REPORT_RUNS_MAX      200
#define MW_REPORT_RUNS_MARKDOWN 10

/* Times are medians in milliseconds; -1: there was nothing to measure. */
struct mw_report_figures {
    int64_t incidents; /* that closed */
    int64_t outcomes[MW_OUTCOME_HANDED_OVER + 1];
    int64_t runs, passed;        /* in which something was changed; of those, that recovered */
    int64_t automatic, approved; /* plans that ran: allowed by policy, by people */
    int64_t detect;              /* first bad sample → opened, of all */
    int64_t approve;             /* proposed → approved, where people approved */
    int64_t recover;             /* first bad sample → closed, of runs that passed */
    struct mw_past_usage usage;  /* of models, questions in chat included */
};

struct mw_report_resource {
    const char *name, *kind, *environment;
    int64_t incidents, as_member; /* that it led, and that it was part of beside another */
    int64_t runs, passed;
    int64_t ill;     /* ms from the first bad sample to the end, summed over those it led */
    int64_t recover; /* as above */
};

struct mw_report_tool {
    const char *name;
    int64_t tried;     /* incidents in which it was called */
    int64_t recovered; /* of those, that recovered by the plan that called it */
};

struct mw_report {
    const char *name; /* of the installation */
    mw_wall_ms at, from;
    struct mw_report_figures now, before;
    size_t resource_count;
    struct mw_report_resource *resources; /* the most incidents first */
    size_t tool_count;
    struct mw_report_tool *tools; /* the most used first */
    size_t run_count;
    struct mw_incident **runs; /* the newest in which something was changed, newest first */
};

/* The report of the `length` ms before now, with at most `runs` incidents one by one. */
MW_SUSPENDS struct mw_report *mw_report_make(TALLOC_CTX *memory, struct mw_record *record,
                                             const char *name, int64_t length, size_t runs,
                                             struct mw_error *error);

/* Reads "7d", and says in `error` what to write instead. False also for nothing and for too long. */
bool mw_report_length(const char *text, int64_t *length, struct mw_error *error);

/* report.json; a new reference. */
json_t *mw_report_to_json(const struct mw_report *report);

/* Markdown that reads well in a terminal too, and one page of HTML that needs nothing else. Foreign text
 * is cleaned and escaped. NULL: out of memory. */
char *mw_report_to_markdown(TALLOC_CTX *memory, const struct mw_report *report);
char *mw_report_to_html(TALLOC_CTX *memory, const struct mw_report *report);

#endif
