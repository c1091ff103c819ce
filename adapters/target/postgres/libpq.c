/* SPDX-License-Identifier: Apache-2.0 */
#include "libpq.h"

#include "runtime/library.h"

#define SYMBOL(field)                                 \
    {                                                 \
        "PQ" #field, offsetof(struct mw_libpq, field) \
    }

struct mw_libpq mw_libpq;

static const struct mw_symbol symbols[] = {
    SYMBOL(backendPID),
    SYMBOL(clear),
    SYMBOL(connectPoll),
    SYMBOL(connectStartParams),
    SYMBOL(connectionNeedsPassword),
    SYMBOL(conninfoFree),
    SYMBOL(conninfoParse),
    SYMBOL(consumeInput),
    SYMBOL(errorMessage),
    SYMBOL(finish),
    SYMBOL(flush),
    SYMBOL(getResult),
    SYMBOL(getisnull),
    SYMBOL(getvalue),
    SYMBOL(isBusy),
    SYMBOL(nfields),
    SYMBOL(ntuples),
    SYMBOL(pass),
    SYMBOL(resultErrorField),
    SYMBOL(resultErrorMessage),
    SYMBOL(resultStatus),
    SYMBOL(sendPrepare),
    SYMBOL(sendQuery),
    SYMBOL(sendQueryParams),
    SYMBOL(sendQueryPrepared),
    SYMBOL(serverVersion),
    SYMBOL(setErrorVerbosity),
    SYMBOL(setNoticeReceiver),
    SYMBOL(setnonblocking),
    SYMBOL(socket),
    SYMBOL(status),
};

bool mw_libpq_load(struct mw_error *error)
{
    static bool loaded;
    loaded = loaded || mw_library_load("libpq.so.5", symbols, sizeof symbols / sizeof *symbols,
                                       &mw_libpq, error);
    return loaded || mw_error_wrap(error, "PostgreSQL needs libpq (package libpq5)");
}
