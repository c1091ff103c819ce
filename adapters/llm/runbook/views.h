/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A situation with several resources, as one of each: runbooks are about one. Those that need another
 * which is not well are left out, since they come back with it.
 */
#ifndef MIDWATCH_LLM_RUNBOOK_VIEWS_H
#define MIDWATCH_LLM_RUNBOOK_VIEWS_H

#include <jansson.h>

/* A new array of situations, roots first; the one that leads alone where nothing else is left. */
json_t *mw_views(const json_t *situation);

/* Adds a proposal about the view to all (NULL: it is the first), as long as there is room for its steps. */
void mw_views_merge(json_t **all, json_t *one, const json_t *view);

#endif
