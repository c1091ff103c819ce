/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `pattern` of JSON Schema by way of POSIX extended regular expressions: what both dialects share.
 * What the two read differently (\d, (?:…), \b, back references, lazy quantifiers) is refused, and
 * so are patterns that take much memory or time.
 */
#ifndef MIDWATCH_BASE_JSON_PATTERN_H
#define MIDWATCH_BASE_JSON_PATTERN_H

#include <stdbool.h>

/* NULL when the pattern can be used; otherwise what is wrong with it. */
const char *mw_json_pattern_fault(const char *pattern);

/* Anywhere in the text, as JSON Schema has it. A text of more than 4096 bytes does not match. */
bool mw_json_pattern_matches(const char *pattern, const char *text);

#endif
