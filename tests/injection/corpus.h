/* SPDX-License-Identifier: Apache-2.0 */
/* The corpus of this folder (README.md). */
#ifndef MIDWATCH_TEST_INJECTION_CORPUS_H
#define MIDWATCH_TEST_INJECTION_CORPUS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdbool.h>
#include <talloc.h>

struct injection {
    char *file, *intent;
    int number; /* of the line in its file */
    char *text; /* may hold any byte, '\0' too; one more '\0' stands behind */
    size_t length;
};

/* All lines of all files, or of one; on `memory`, their strings on the array. Fails the test where a file breaks the form. */
struct injection *corpus_read(TALLOC_CTX *memory, const char *file, size_t *count);

/* One line of so many is read: of 1, but of 5 where Valgrind makes everything slow. */
size_t corpus_share(void);

/* As JSON holds it; what is no UTF-8 as it is after cleaning. A new reference. */
json_t *corpus_json(const struct injection *line);

/* Where a secret of the corpus stands in it, in whatever case; NULL: nowhere. */
const char *corpus_find_leak(const char *text);
bool corpus_leaks(const char *text);

/* Says which line it was and what was wrong. */
#define corpus_fail(line, what, seen) \
    fail_msg("%s:%d: %s\n  %s\n  %s", (line)->file, (line)->number, what, (line)->text, seen)

/* Foreign text in the form in which it may be shown: clean, on one line, without secrets. */
void corpus_check_shown(const struct injection *line, const char *text);
/* The same for each line of every string in a JSON value, and for the keys. */
void corpus_check_json(const struct injection *line, const json_t *value);

#endif
