/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of incidents, in short: one lean row each, for figures. It is read in portions, so that
 * neither memory nor the loop notices how many there are.
 */
#ifndef MIDWATCH_RECORD_RUNS_H
#define MIDWATCH_RECORD_RUNS_H

#include "record/record.h"

/* A tool that an incident's plans called to change something; what only reads does not count. */
struct mw_past_tool {
    const char *name;
    bool last; /* called by the newest plan that ran */
};

/* What asking models took. */
struct mw_past_usage {
    int64_t input_tokens, output_tokens;
    double cost_usd; /* NAN: some of it has no price */
};

/* A closed incident. What it points to lives as long as the visit. */
struct mw_past {
    int64_t id;
    const char *resource, *kind, *environment;
    enum mw_outcome outcome;
    mw_wall_ms closed_at;
    struct mw_durations durations;
    int automatic, approved; /* plans that changed something: allowed by policy, by people */
    size_t tool_count;       /* each tool once; none: nothing was changed */
    const struct mw_past_tool *tools;
    size_t member_count; /* resources beside the one that leads */
    const char *const *members;
    struct mw_past_usage usage;
};

typedef void mw_past_visit(void *context, const struct mw_past *run);

/* Visits the incidents that closed from `from` on and before `to`, oldest first. The visit must not
 * suspend. */
MW_SUSPENDS bool mw_record_runs(struct mw_record *record, mw_wall_ms from, mw_wall_ms to,
                                mw_past_visit *visit, void *context, struct mw_error *error);

/* What models took for questions that were asked in chat, of no incident; as long as retention keeps
 * exchanges. */
MW_SUSPENDS bool mw_record_questions(struct mw_record *record, mw_wall_ms from, mw_wall_ms to,
                                     struct mw_past_usage *usage, struct mw_error *error);

/* Adds one to a sum. */
void mw_past_usage_add(struct mw_past_usage *sum, const struct mw_past_usage *more);

#endif
