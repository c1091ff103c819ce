/* SPDX-License-Identifier: Apache-2.0 */
/* Where the secret stands that a word announces. Each function is given the word and answers whether
 * a value follows that is to be masked, and from where to where. */
#ifndef MIDWATCH_BASE_REDACT_VALUE_H
#define MIDWATCH_BASE_REDACT_VALUE_H

#include <stdbool.h>
#include <stddef.h>

struct mw_span {
    const char *text;
    size_t length;
    size_t start, end; /* of the word */
};

/* `password=x`, `"token": "x"`, `Authorization: Bearer x`, `--password x`, `requirepass x`,
 * `PASSWORD 'x'`. */
bool mw_value_of_key(const struct mw_span *word, size_t *from, size_t *to);
/* `-a x`. */
bool mw_value_next(const struct mw_span *word, size_t *from, size_t *to);
/* `AUTH x`, `AUTH user x`, `"auth" "x"`. */
bool mw_value_auth(const struct mw_span *word, size_t *from, size_t *to);
/* `Bearer x`. */
bool mw_value_bearer(const struct mw_span *word, size_t *from, size_t *to);
/* `IDENTIFIED BY 'x'`. */
bool mw_value_identified(const struct mw_span *word, size_t *from, size_t *to);

#endif
