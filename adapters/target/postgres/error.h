/* SPDX-License-Identifier: Apache-2.0 */
/* What PostgreSQL's and libpq's complaints mean for who asked. */
#ifndef MIDWATCH_POSTGRES_ERROR_H
#define MIDWATCH_POSTGRES_ERROR_H

#include "libpq.h"
#include <stdbool.h>

#include "midwatch/error.h"
#include "url.h"

/* Why an attempt to connect did not end in a session. */
enum mw_postgres_refusal {
    MW_POSTGRES_LET_IN,   /* it did */
    MW_POSTGRES_FULL,     /* SQLSTATE 53300: every connection slot for such a role is taken */
    MW_POSTGRES_NOBODY,   /* nothing listens there */
    MW_POSTGRES_STARTING, /* SQLSTATE 57P03: starting up, shutting down or recovering */
    MW_POSTGRES_OTHER,
};

/* By SQLSTATE (PostgreSQL manual, appendix A). */
enum mw_error_class mw_postgres_class(const char *sqlstate);

/* Finds "SEVERITY:  12345: message" in libpq's verbose text, whatever the language of the severity.
 * `*message` is the rest of its line. */
bool mw_postgres_find_sqlstate(const char *text, char sqlstate[6], const char **message);

/* Fills the error for a failed attempt to connect and returns false. `text` is PQerrorMessage with
 * PQERRORS_VERBOSE. */
bool mw_postgres_explain_connect(const struct mw_postgres_address *address, const char *text,
                                 bool needs_password, enum mw_postgres_refusal *refusal,
                                 struct mw_error *error);
/* The same for a result that is an error. */
bool mw_postgres_explain_result(const PGresult *result, struct mw_error *error);

#endif
