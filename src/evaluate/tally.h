/* SPDX-License-Identifier: Apache-2.0 */
/* Private to reports: counting the incidents of a period. */
#ifndef MIDWATCH_EVALUATE_TALLY_H
#define MIDWATCH_EVALUATE_TALLY_H

#include "evaluate/report.h"

/* Numbers of which there may be many. */
struct mw_numbers {
    int64_t *items;
    size_t count;
};

struct mw_tally {
    struct mw_report_figures figures;
    size_t resource_count, tool_count;
    struct mw_report_resource *resources;
    struct mw_report_tool *tools;
    size_t run_id_count;
    int64_t *run_ids; /* of incidents in which something was changed, in the order they closed */

    struct mw_numbers detect, approve, recover;
    struct mw_numbers *recover_of;         /* of each resource */
    json_t *resource_places, *tool_places; /* name → index */
    bool failed;                           /* out of memory */
};

struct mw_tally *mw_tally_create(TALLOC_CTX *memory);
/* Counts one; a mw_past_visit. */
void mw_tally_visit(void *tally, const struct mw_past *run);
/* Works out the medians and puts resources and tools in order. False: out of memory. */
bool mw_tally_end(struct mw_tally *tally);

#endif
