/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ending sessions that were shown to somebody before. A session is known again by its process id, when
 * that process began, and when what it was shown for began: the transaction of one that holds up others,
 * the query of one that runs long, the idleness of one that is idle. That is a pin:
 *   {"pid": 4711, "backend_start": "…", "xact_start" | "query_start" | "state_change": "…"}
 */
#ifndef MIDWATCH_POSTGRES_END_H
#define MIDWATCH_POSTGRES_END_H

#include <jansson.h>
#include <talloc.h>

#include "postgres.h"
#include "sessions.h"

#define MW_POSTGRES_ENDED_MAX 200

/* JSON Schema of the argument that holds the pins. */
#define MW_POSTGRES_PINS_SCHEMA                                                              \
    "\"sessions\":{\"type\":\"array\",\"maxItems\":200,\"description\":\"exactly which "     \
    "sessions: filled in when the call is assessed; those that have changed since are left " \
    "alone\",\"items\":{\"type\":\"object\",\"properties\":{\"pid\":{\"type\":\"integer\"}," \
    "\"backend_start\":{\"type\":\"string\"},\"xact_start\":{\"type\":\"string\"},"          \
    "\"query_start\":{\"type\":\"string\"},\"state_change\":{\"type\":\"string\"}},"         \
    "\"required\":[\"pid\",\"backend_start\"],\"additionalProperties\":false}}"

/* Whom a call is about. The sessions are borrowed. */
struct mw_postgres_doomed {
    size_t count;
    const struct mw_postgres_session *items[MW_POSTGRES_ENDED_MAX];
    size_t spared_count; /* meant, but not to be ended; the first of them */
    const struct mw_postgres_session *spared;
    size_t changed; /* pinned, and no longer as they were shown */
};

/* Parts those that may be ended from those that may not. `pins` is the call's argument; NULL: all of
 * them are meant. On `memory`. */
struct mw_postgres_doomed *mw_postgres_doom(TALLOC_CTX *memory,
                                            const struct mw_postgres_sessions *sessions,
                                            const json_t *pins);

/* A new array. */
json_t *mw_postgres_pins(const struct mw_postgres_doomed *doomed);
bool mw_postgres_pin_fits(const json_t *pin, const struct mw_postgres_session *session);

/* "ends 1 session: 4711 (app@shop), idle in transaction for 5 min, holds up 88". */
char *mw_postgres_doomed_text(TALLOC_CTX *memory, const struct mw_postgres_doomed *doomed);
/* Refuses, since nobody may be ended, with the reason; `nobody` where there is no session at all. */
bool mw_postgres_refuse_empty(const struct mw_postgres_doomed *doomed, const char *nobody,
                              struct mw_error *error);

/* Cancels what runs a query, ends the others, and ends those that a cancel did not move; waits until they
 * are gone and those behind them go on. The tool's result. */
MW_SUSPENDS bool mw_postgres_end(struct mw_postgres *postgres,
                                 const struct mw_postgres_doomed *doomed,
                                 struct mw_deadline deadline, json_t **result,
                                 struct mw_error *error);

#endif
