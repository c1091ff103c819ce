/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Masks secrets before text leaves the process: to a chat, a model, a log, the record. Two nets: the
 * exact secrets that the configuration named, and the usual shapes of secrets in foreign text
 * (passwords in URLs, `password=…`, `Authorization:` values, private keys, well-known token prefixes).
 */
#ifndef MIDWATCH_BASE_REDACT_H
#define MIDWATCH_BASE_REDACT_H

#include <jansson.h>
#include <stddef.h>
#include <talloc.h>

/* What stands in the place of a secret. */
#define MW_MASK "•••"

/* Remembers a secret for the life of the process, also as it stands in a URL and in JSON. Texts
 * shorter than 4 bytes, or that are not UTF-8, are not remembered. */
void mw_redact_secret(const char *secret);
void mw_redact_forget_all(void);

/* The text with each secret replaced by MW_MASK. */
char *mw_redact(TALLOC_CTX *memory, const char *text);
/* Foreign bytes as one line that may be shown: clean as by mw_text_clean(), masked, at most `limit` bytes. It
 * is masked when it is clean and before it is cut, so that neither an escape sequence within a secret nor the
 * cut hides one from the mask. */
char *mw_redact_line(TALLOC_CTX *memory, const char *bytes, size_t length, size_t limit);
/* The same for a text of several lines, whose breaks stay; without a limit. */
char *mw_redact_lines(TALLOC_CTX *memory, const char *bytes, size_t length);
/* A copy with all strings clean and masked, line breaks in them apart; a new reference. Values under keys that name secrets (password,
 * token, secret, api_key, authorization …) are masked whole. */
json_t *mw_redact_json(const json_t *value);

#endif
