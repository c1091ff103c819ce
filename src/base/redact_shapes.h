/* SPDX-License-Identifier: Apache-2.0 */
/* What secrets look like in foreign text. */
#ifndef MIDWATCH_BASE_REDACT_SHAPES_H
#define MIDWATCH_BASE_REDACT_SHAPES_H

#include <stdbool.h>
#include <stddef.h>

/* A text that is looked through from its start to its end; begin with zeros after `text` and
 * `length`. The rest remembers what was seen, which keeps the whole linear in time. */
struct mw_shapes {
    const char *text;
    size_t length;
    size_t token_run_end; /* end of the run of token characters that was measured last */
    size_t known_to; /* set by the caller: where a known secret ended, behind which a word begins */
    size_t next;     /* where to look again after something was found */
    bool redis_cli;  /* the command was seen on this line, so `-a` is its password */
};

/* Whether something begins at `at` that shows a secret at *from..*to, at or behind `at`. To be called
 * with growing positions, for each from `next` on that lies in no known secret. */
bool mw_shapes_at(struct mw_shapes *shapes, size_t at, size_t *from, size_t *to);

/* Whether a key of this name holds a secret: password, DB_PASSWORD, api-key, accessToken … */
bool mw_shapes_key(const char *key, size_t length);

#endif
