/* SPDX-License-Identifier: Apache-2.0 */
/* The runbook files (prompts/runbooks, described in the README there): what the runbook planner answers
 * from, and what the models are given to read. */
#ifndef MIDWATCH_LLM_RUNBOOKS_H
#define MIDWATCH_LLM_RUNBOOKS_H

#include <jansson.h>

#include "midwatch/error.h"

/* All runbooks of a folder as an array of {"kind", "name", "when", "cause", …}, in the order of the files'
 * names. A new reference, or NULL with the file and line at fault. */
json_t *mw_runbooks_read(const char *folder, struct mw_error *error);

/* Those whose kind is the resource's and whose metric is one of the findings (`unreachable` where there is
 * none). A new reference. */
json_t *mw_runbooks_about(const json_t *runbooks, const json_t *situation);

#endif
