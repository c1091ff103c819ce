/* SPDX-License-Identifier: Apache-2.0 */
#include "error.h"

#include <ctype.h>
#include <string.h>

#include "base/redact.h"

/* Of what a server says, shown. */
#define SAID_MAX 160

enum mw_error_class mw_postgres_class(const char *sqlstate)
{
    static const struct {
        const char *start;
        enum mw_error_class class;
    } classes[] = {
        {"57014", MW_ERROR_TIMEOUT},   /* query_canceled: by statement_timeout */
        {"55P03", MW_ERROR_RETRY},     /* lock_not_available: by lock_timeout */
        {"55", MW_ERROR_REFUSED},      /* object not in prerequisite state */
        {"57P04", MW_ERROR_PERMANENT}, /* database_dropped */
        {"57P05", MW_ERROR_RETRY},     /* idle_session_timeout */
        {"26000", MW_ERROR_RETRY},     /* our prepared statement is gone */
        {"08", MW_ERROR_RETRY},        /* connection exception */
        {"40", MW_ERROR_RETRY},        /* transaction rollback */
        {"53", MW_ERROR_RETRY},        /* insufficient resources */
        {"57", MW_ERROR_RETRY},        /* operator intervention */
        {"58", MW_ERROR_RETRY},        /* system error */
        {"XX", MW_ERROR_RETRY},        /* internal error */
        {"28", MW_ERROR_REFUSED},      /* invalid authorization specification */
        {"3D", MW_ERROR_REFUSED},      /* invalid catalog name */
        {"42501", MW_ERROR_REFUSED},   /* insufficient_privilege */
        {"25006", MW_ERROR_REFUSED},   /* read_only_sql_transaction */
    };
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (strncmp(sqlstate, classes[i].start, strlen(classes[i].start)) == 0) {
            return classes[i].class;
        }
    }
    return MW_ERROR_PERMANENT;
}

static bool is_sqlstate(const char *text)
{
    for (int i = 0; i < 5; i++) {
        if (!isupper((unsigned char)text[i]) && !isdigit((unsigned char)text[i])) {
            return false;
        }
    }
    return text[5] == ':' && text[6] == ' ';
}

bool mw_postgres_find_sqlstate(const char *text, char sqlstate[6], const char **message)
{
    for (const char *at = strstr(text, ":  "); at != NULL; at = strstr(at + 1, ":  ")) {
        if (is_sqlstate(at + 3)) {
            memcpy(sqlstate, at + 3, 5);
            sqlstate[5] = '\0';
            *message = at + 10;
            return true;
        }
    }
    return false;
}

/* The first line of foreign text, harmless and masked. */
static char *first_line(const char *text)
{
    size_t length = strcspn(text, "\r\n");
    char *line = mw_redact_line(NULL, text, length, SAID_MAX);
    return line != NULL ? line : talloc_strdup(NULL, "");
}

/* ---- connecting ---- */

static bool explain_full(const struct mw_postgres_address *address, const char *text,
                         enum mw_postgres_refusal *refusal, struct mw_error *error)
{
    /* The same SQLSTATE stands for a role's own limit; only the place in the source tells. */
    if (strstr(text, "InitializeSessionUserId") != NULL) {
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "%s: role %s has as many sessions as its CONNECTION LIMIT allows; "
                            "midwatch needs three: ALTER ROLE … CONNECTION LIMIT",
                            address->label, address->user);
    }
    *refusal = MW_POSTGRES_FULL;
    return mw_error_set(error, MW_ERROR_RETRY,
                        "%s: all connection slots are taken (SQLSTATE 53300), none is left for "
                        "role %s",
                        address->label, address->user);
}

static bool explain_sqlstate(const struct mw_postgres_address *address, const char *sqlstate,
                             const char *said, struct mw_error *error)
{
    const char *label = address->label, *user = address->user;
    if (strcmp(sqlstate, "28P01") == 0) {
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "%s does not take the password of role %s: correct it in the url",
                            label, user);
    }
    if (strncmp(sqlstate, "28", 2) == 0) {
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "%s does not let role %s in (%s): create the role, or allow it in "
                            "pg_hba.conf",
                            label, user, said);
    }
    if (strcmp(sqlstate, "3D000") == 0) {
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "%s has no database %s: name one that exists at the end of the url",
                            label, address->database);
    }
    if (strcmp(sqlstate, "42501") == 0) {
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "%s does not let role %s into database %s: GRANT CONNECT ON DATABASE",
                            label, user, address->database);
    }
    return mw_error_set(error, mw_postgres_class(sqlstate), "%s: %s (SQLSTATE %s)", label, said,
                        sqlstate);
}

static bool has_one(const char *text, const char *const *phrases)
{
    for (; *phrases != NULL; phrases++) {
        if (strstr(text, *phrases) != NULL) {
            return true;
        }
    }
    return false;
}

/* Nobody has answered in PostgreSQL's own way: libpq's words, which are English as long as nobody calls
 * setlocale(). */
static bool explain_wire(const struct mw_postgres_address *address, const char *text,
                         enum mw_postgres_refusal *refusal, struct mw_error *error)
{
    static const char *const strange[] = {"expected authentication request",
                                          "invalid response to SSL negotiation",
                                          "invalid authentication request",
                                          "lost synchronization",
                                          "message contents do not agree",
                                          "unexpected response",
                                          "unencrypted data after SSL response",
                                          "authentication method",
                                          "insufficient data",
                                          "SASL",
                                          "SCRAM",
                                          NULL};
    static const char *const tls[] = {"SSL was required", "certificate",     "SSL error", "sslmode",
                                      "private key",      "channel binding", NULL};
    static const char *const nobody[] = {"Connection refused", "No such file or directory", NULL};
    const char *failed = strstr(text, " failed: ");
    char *said = first_line(failed != NULL ? failed + strlen(" failed: ") : text);
    if (has_one(text, strange)) {
        mw_error_set(error, MW_ERROR_RETRY,
                     "%s: what answers there does not speak the PostgreSQL protocol",
                     address->label);
    } else if (has_one(text, tls)) {
        mw_error_set(error, MW_ERROR_PERMANENT, "%s: %s", address->label, said);
    } else {
        *refusal = has_one(text, nobody) ? MW_POSTGRES_NOBODY : *refusal;
        mw_error_set(error, MW_ERROR_RETRY, "%s: %s", address->label,
                     *said != '\0' ? said : "the connection was lost");
    }
    talloc_free(said);
    return false;
}

bool mw_postgres_explain_connect(const struct mw_postgres_address *address, const char *text,
                                 bool needs_password, enum mw_postgres_refusal *refusal,
                                 struct mw_error *error)
{
    char sqlstate[6];
    const char *message = NULL;
    *refusal = MW_POSTGRES_OTHER;
    if (needs_password) {
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "%s asks role %s for a password: put one into the url, or into a "
                            "passfile",
                            address->label, address->user);
    }
    if (!mw_postgres_find_sqlstate(text, sqlstate, &message)) {
        return explain_wire(address, text, refusal, error);
    }
    if (strcmp(sqlstate, "53300") == 0) {
        return explain_full(address, text, refusal, error);
    }
    if (strcmp(sqlstate, "57P03") == 0) {
        *refusal = MW_POSTGRES_STARTING;
    }
    char *said = first_line(message);
    explain_sqlstate(address, sqlstate, said, error);
    talloc_free(said);
    return false;
}

/* ---- results ---- */

bool mw_postgres_explain_result(const PGresult *result, struct mw_error *error)
{
    const char *sqlstate = mw_libpq.resultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = mw_libpq.resultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    char *said = first_line(message != NULL ? message : mw_libpq.resultErrorMessage(result));
    if (sqlstate == NULL) {
        mw_error_set(error, MW_ERROR_RETRY, "%s", *said != '\0' ? said : "the connection was lost");
    } else {
        mw_error_set(error, mw_postgres_class(sqlstate), "%s (SQLSTATE %.5s)", said, sqlstate);
    }
    talloc_free(said);
    return false;
}
