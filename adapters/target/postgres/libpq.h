/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libpq, loaded when the first PostgreSQL is configured: with what it brings (Kerberos, LDAP) it costs 4 MB
 * resident, which nobody is to pay who has none. Its functions stand here under their own names, without
 * "PQ".
 */
#ifndef MIDWATCH_POSTGRES_LIBPQ_H
#define MIDWATCH_POSTGRES_LIBPQ_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "midwatch/error.h"

struct mw_libpq {
    __typeof__(PQbackendPID) *backendPID;
    __typeof__(PQclear) *clear;
    __typeof__(PQconnectPoll) *connectPoll;
    __typeof__(PQconnectStartParams) *connectStartParams;
    __typeof__(PQconnectionNeedsPassword) *connectionNeedsPassword;
    __typeof__(PQconninfoFree) *conninfoFree;
    __typeof__(PQconninfoParse) *conninfoParse;
    __typeof__(PQconsumeInput) *consumeInput;
    __typeof__(PQerrorMessage) *errorMessage;
    __typeof__(PQfinish) *finish;
    __typeof__(PQflush) *flush;
    __typeof__(PQgetResult) *getResult;
    __typeof__(PQgetisnull) *getisnull;
    __typeof__(PQgetvalue) *getvalue;
    __typeof__(PQisBusy) *isBusy;
    __typeof__(PQnfields) *nfields;
    __typeof__(PQntuples) *ntuples;
    __typeof__(PQpass) *pass;
    __typeof__(PQresultErrorField) *resultErrorField;
    __typeof__(PQresultErrorMessage) *resultErrorMessage;
    __typeof__(PQresultStatus) *resultStatus;
    __typeof__(PQsendPrepare) *sendPrepare;
    __typeof__(PQsendQuery) *sendQuery;
    __typeof__(PQsendQueryParams) *sendQueryParams;
    __typeof__(PQsendQueryPrepared) *sendQueryPrepared;
    __typeof__(PQserverVersion) *serverVersion;
    __typeof__(PQsetErrorVerbosity) *setErrorVerbosity;
    __typeof__(PQsetNoticeReceiver) *setNoticeReceiver;
    __typeof__(PQsetnonblocking) *setnonblocking;
    __typeof__(PQsocket) *socket;
    __typeof__(PQstatus) *status;
};

/* Filled once mw_libpq_load() has been true. */
extern struct mw_libpq mw_libpq;

/* PERMANENT: it is not installed. Costs nothing when it is loaded. */
bool mw_libpq_load(struct mw_error *error);

#endif
