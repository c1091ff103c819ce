/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences with {NAME} in them, filled from what is known of a situation. */
#ifndef MIDWATCH_RUNBOOK_TEMPLATE_H
#define MIDWATCH_RUNBOOK_TEMPLATE_H

#include <jansson.h>

/* Replaces each {NAME} by the metric or fact of that name: numbers with at most one decimal, texts as
 * they are. A new reference to a string, or NULL where a name is not known, since half a sentence
 * says nothing true. */
json_t *mw_template_fill(const char *text, const json_t *situation);

#endif
