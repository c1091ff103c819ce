/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets share. A target is one function of foreign bytes; it aborts when something does
 * not hold that must hold whatever the bytes are.
 */
#ifndef MIDWATCH_FUZZ_H
#define MIDWATCH_FUZZ_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <talloc.h>

#include "midwatch/error.h"

/* A secret that was given to mw_redact_secret() before each run. "~" stands in no input but as its first
 * letter, so that any part of it in a text tells that it leaked. */
#define FUZZ_SECRET "~Kq7vault9Xw2"

/* The target itself. What hangs on `memory` is freed afterwards; what else is left is a leak. */
void fuzz_one(TALLOC_CTX *memory, const char *bytes, size_t length);

/* The bytes as text: NUL becomes a space, "~" becomes "-". "@@" becomes the secret, and "@!" the secret
 * with a terminal's escape sequence within. `length` may be NULL. */
char *fuzz_text(TALLOC_CTX *memory, const char *bytes, size_t size, size_t *length);

/* The text's next line without its break, and `*text` after it; NULL at the end. */
char *fuzz_line(char **text);

#define FUZZ_HOLDS(condition, shown) \
    ((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition, shown))
void fuzz_fail(const char *file, int line, const char *what, const char *shown)
    __attribute__((noreturn));

/* Valid UTF-8 of at most `limit` bytes on one line, without what terminals and readers obey. */
void fuzz_is_clean(const char *text, size_t limit);
void fuzz_is_utf8(const char *text);
void fuzz_keeps_secret(const char *text);
/* Clean, says something, keeps the secret. */
void fuzz_is_sentence(const struct mw_error *error);
/* All strings in it, keys too. */
void fuzz_json_is_clean(const json_t *value, size_t limit);
void fuzz_json_keeps_secret(const json_t *value);

/* A new folder, the same for the life of the process, which is removed at its end; and a file in it that
 * holds these bytes. */
const char *fuzz_folder(void);
const char *fuzz_file(const char *name, const char *bytes, size_t length);

#endif
