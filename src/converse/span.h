/* SPDX-License-Identifier: Apache-2.0 */
/* A length of time as people say it: "2h", "1h30m", "2 hours", "for 90 minutes". */
#ifndef MIDWATCH_CONVERSE_SPAN_H
#define MIDWATCH_CONVERSE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads as many of the words as belong to it; `*used` is how many. False: they begin with none. */
bool mw_span_parse(char *const *words, size_t count, int64_t *ms, size_t *used);

/* A number without a unit, as in "silence cache 2". */
bool mw_span_lacks_unit(const char *word);

#endif
