/* SPDX-License-Identifier: Apache-2.0 */
#include "link.h"

#include <netdb.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/clock.h"
#include "base/redact.h"
#include "runtime/readiness.h"
#include "runtime/resolve.h"

struct mw_postgres_link {
    const struct mw_postgres_address *address;
    PGconn *pg;
    struct mw_readiness *readiness; /* NULL while connecting, when the socket may change */
    const char *prepared;           /* the one statement that the session knows */
    bool owes;                      /* an answer is under way that nobody waits for */
    bool dead;
};

#define PARAMETERS_MAX (MW_POSTGRES_EXTRAS_MAX + 16)

struct parameters {
    size_t count;
    const char *names[PARAMETERS_MAX], *values[PARAMETERS_MAX];
};

static int hang_up(struct mw_postgres_link *link)
{
    /* libpq closes the socket: nobody may wait for it any more. */
    TALLOC_FREE(link->readiness);
    mw_libpq.finish(link->pg);
    return 0;
}

static void ignore_notice(void *argument, const PGresult *result)
{
}

/* ---- connecting ---- */

static void add(struct parameters *parameters, const char *name, const char *value)
{
    if (value != NULL) {
        parameters->names[parameters->count] = name;
        parameters->values[parameters->count++] = value;
    }
}

/* Says all that the environment of the process could say otherwise (PGHOST, PGOPTIONS, …). */
static void set_parameters(struct parameters *parameters, const struct mw_postgres_address *address,
                           const char *hostaddr)
{
    *parameters = (struct parameters){.count = 0};
    add(parameters, "host", address->path != NULL ? address->path : address->host);
    add(parameters, "hostaddr", hostaddr);
    add(parameters, "port", address->port);
    add(parameters, "user", address->user);
    add(parameters, "password", address->password);
    add(parameters, "dbname", address->database);
    add(parameters, "application_name", "midwatch");
    add(parameters, "client_encoding", "UTF8");
    add(parameters, "gssencmode", "disable");
    add(parameters, "target_session_attrs", "any");
    add(parameters, "options", " ");
    for (size_t i = 0; i < address->extra_count; i++) {
        add(parameters, address->extra_names[i], address->extra_values[i]);
    }
}

/* The socket may be another one after each step (TLS first, then without). */
static bool drive(struct mw_postgres_link *link, struct mw_deadline deadline,
                  struct mw_error *error)
{
    PostgresPollingStatusType want = PGRES_POLLING_WRITING;
    while (want == PGRES_POLLING_READING || want == PGRES_POLLING_WRITING) {
        int fd = mw_libpq.socket(link->pg);
        link->readiness = fd >= 0 ? mw_readiness_create(link, fd, error) : NULL;
        if (link->readiness == NULL) {
            return fd < 0;
        }
        bool ready = mw_readiness_wait(
            link->readiness, want == PGRES_POLLING_READING ? MW_READY_TO_READ : MW_READY_TO_WRITE,
            deadline, "connecting", error);
        TALLOC_FREE(link->readiness);
        if (!ready) {
            return mw_error_wrap(error, "%s", link->address->label);
        }
        want = mw_libpq.connectPoll(link->pg);
    }
    return true;
}

static bool check_server(struct mw_postgres_link *link, struct mw_error *error)
{
    int version = mw_libpq.serverVersion(link->pg);
    if (version < MW_POSTGRES_VERSION_LEAST) {
        return mw_error_set(error, MW_ERROR_PERMANENT,
                            "%s: its version %d.%d is too old, midwatch needs PostgreSQL 10 or "
                            "newer",
                            link->address->label, version / 10000, version / 100 % 100);
    }
    /* A password from a passfile is a secret, too. */
    const char *password = mw_libpq.pass(link->pg);
    if (password != NULL && *password != '\0') {
        mw_redact_secret(password);
    }
    link->readiness = mw_readiness_create(link, mw_libpq.socket(link->pg), error);
    return link->readiness != NULL &&
           (mw_libpq.setnonblocking(link->pg, 1) == 0 ||
            mw_error_set(error, MW_ERROR_RETRY, "%s: the connection was lost",
                         link->address->label));
}

static struct mw_postgres_link *open_one(TALLOC_CTX *memory,
                                         const struct mw_postgres_address *address,
                                         const char *hostaddr, struct mw_deadline deadline,
                                         enum mw_postgres_refusal *refusal, struct mw_error *error)
{
    struct parameters parameters;
    struct mw_postgres_link *link = talloc_zero(memory, struct mw_postgres_link);
    set_parameters(&parameters, address, hostaddr);
    *refusal = MW_POSTGRES_OTHER;
    if (link == NULL) {
        mw_error_set(error, MW_ERROR_RETRY, "no memory left for a connection");
        return NULL;
    }
    link->address = address;
    link->pg = mw_libpq.connectStartParams(parameters.names, parameters.values, 0);
    talloc_set_destructor(link, hang_up);
    bool done = link->pg != NULL || mw_error_set(error, MW_ERROR_RETRY, "no memory left");
    if (done) {
        /* Only the verbose text has the SQLSTATE of a refused connection. */
        mw_libpq.setErrorVerbosity(link->pg, PQERRORS_VERBOSE);
        mw_libpq.setNoticeReceiver(link->pg, ignore_notice, NULL);
        done = mw_libpq.status(link->pg) == CONNECTION_BAD || drive(link, deadline, error);
    }
    if (done && mw_libpq.status(link->pg) != CONNECTION_OK) {
        done = mw_postgres_explain_connect(address, mw_libpq.errorMessage(link->pg),
                                           mw_libpq.connectionNeedsPassword(link->pg) != 0, refusal,
                                           error);
    }
    if (!done || !check_server(link, error)) {
        TALLOC_FREE(link);
    }
    return link;
}

/* An even share of what is left, so that one address that swallows everything leaves time for the
 * others. */
static struct mw_deadline share(struct mw_deadline deadline, size_t left)
{
    int64_t ms = mw_deadline_left_ms(deadline);
    if (left <= 1 || ms == INT64_MAX) {
        return deadline;
    }
    int64_t part = ms / (int64_t)left;
    return mw_deadline_min(deadline, mw_deadline_in(part > 0 ? part : 1));
}

/* Only silence and a closed door say that another address may do better. */
static bool may_differ(enum mw_postgres_refusal refusal, const struct mw_error *error)
{
    return refusal == MW_POSTGRES_NOBODY || error->class == MW_ERROR_TIMEOUT ||
           (refusal == MW_POSTGRES_OTHER && error->class == MW_ERROR_RETRY);
}

static struct mw_postgres_link *open_name(TALLOC_CTX *memory,
                                          const struct mw_postgres_address *address,
                                          struct mw_deadline deadline,
                                          enum mw_postgres_refusal *refusal, struct mw_error *error)
{
    *refusal = MW_POSTGRES_OTHER;
    struct mw_addresses *addresses =
        mw_resolve(memory, address->host, address->port_number, deadline, error);
    struct mw_postgres_link *link = NULL;
    for (size_t i = 0; addresses != NULL && i < addresses->count && link == NULL; i++) {
        char text[NI_MAXHOST];
        const struct sockaddr *at = (const struct sockaddr *)&addresses->items[i];
        socklen_t size =
            at->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
        if (getnameinfo(at, size, text, sizeof text, NULL, 0, NI_NUMERICHOST) != 0) {
            mw_error_set(error, MW_ERROR_RETRY, "%s: its address cannot be read", address->label);
            continue;
        }
        link =
            open_one(memory, address, text, share(deadline, addresses->count - i), refusal, error);
        if (link == NULL && (!may_differ(*refusal, error) || mw_deadline_passed(deadline))) {
            break;
        }
    }
    talloc_free(addresses);
    return link;
}

/* The search path first: nothing of the database may stand before what the server itself has. Then no
 * limit ends our session while it is idle, and the server ends what we no longer wait for. */
static const char set_up[] =
    "SET search_path = pg_catalog, pg_temp;"
    "SET default_transaction_read_only = on;"
    "SET client_min_messages = warning;"
    "SELECT set_config(s.name, w.value, false) FROM pg_settings s JOIN (VALUES "
    "('statement_timeout', '15000'), ('lock_timeout', '3000'), ('TimeZone', 'UTC'), ('DateStyle', "
    "'ISO'), "
    "('idle_session_timeout', '0'), ('idle_in_transaction_session_timeout', '0'), "
    "('client_connection_check_interval', '10000'), ('jit', 'off')"
    ") AS w (name, value) ON w.name = s.name";

struct mw_postgres_link *mw_postgres_link_open(TALLOC_CTX *memory,
                                               const struct mw_postgres_address *address,
                                               struct mw_deadline deadline,
                                               enum mw_postgres_refusal *refusal,
                                               struct mw_error *error)
{
    const struct mw_postgres_question question = {.sql = set_up};
    bool known = address->path != NULL || address->hostaddr != NULL;
    struct mw_postgres_link *link =
        known ? open_one(memory, address, address->hostaddr, deadline, refusal, error)
              : open_name(memory, address, deadline, refusal, error);
    if (link == NULL) {
        return NULL;
    }
    PGresult *result = mw_postgres_link_ask(link, &question, deadline, error);
    if (result == NULL) {
        mw_error_wrap(error, "%s: preparing the session", address->label);
        *refusal = MW_POSTGRES_OTHER;
        talloc_free(link);
        return NULL;
    }
    mw_libpq.clear(result);
    *refusal = MW_POSTGRES_LET_IN;
    return link;
}

/* ---- asking ---- */

static bool lost(struct mw_postgres_link *link, struct mw_error *error)
{
    char sqlstate[6];
    const char *message = NULL, *text = mw_libpq.errorMessage(link->pg);
    enum mw_postgres_refusal ignored;
    link->dead = true;
    bool told = mw_postgres_find_sqlstate(text, sqlstate, &message);
    return told ? mw_postgres_explain_connect(link->address, text, false, &ignored, error)
                : mw_error_set(error, MW_ERROR_RETRY, "%s closed the connection",
                               link->address->label);
}

static bool too_much(struct mw_postgres_link *link, struct mw_error *error)
{
    link->dead = true;
    return mw_error_set(error, MW_ERROR_PERMANENT,
                        "%s answered with more than %d MiB, which nothing of ours is answered with",
                        link->address->label, MW_POSTGRES_ANSWER_BYTES_MAX / (1024 * 1024));
}

/* Until what was sent is with the kernel. */
static bool flush(struct mw_postgres_link *link, struct mw_deadline deadline,
                  struct mw_error *error)
{
    for (;;) {
        int rest = mw_libpq.flush(link->pg);
        if (rest < 0) {
            return lost(link, error);
        }
        if (rest == 0) {
            return true;
        }
        if (!mw_readiness_wait(link->readiness, MW_READY_TO_WRITE, deadline, "sending", error)) {
            return false;
        }
    }
}

/* Keeps the first error, else the last result. */
static void keep(PGresult **kept, PGresult *next)
{
    if (*kept != NULL && mw_libpq.resultStatus(*kept) == PGRES_FATAL_ERROR) {
        mw_libpq.clear(next);
        return;
    }
    mw_libpq.clear(*kept);
    *kept = next;
}

static bool is_copy(const PGresult *result)
{
    ExecStatusType status = mw_libpq.resultStatus(result);
    return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

/* What has arrived. True when the answer is complete. */
static bool take(struct mw_postgres_link *link, PGresult **kept)
{
    while (mw_libpq.isBusy(link->pg) == 0) {
        PGresult *next = mw_libpq.getResult(link->pg);
        if (next == NULL) {
            return true;
        }
        /* Nobody asked for one, and it would never end. */
        link->dead = link->dead || is_copy(next);
        keep(kept, next);
        if (link->dead) {
            return true;
        }
    }
    return false;
}

static bool collect(struct mw_postgres_link *link, struct mw_deadline deadline, PGresult **kept,
                    struct mw_error *error)
{
    size_t bytes = 0;
    while (!take(link, kept)) {
        int waiting = 0;
        if (!mw_readiness_wait(link->readiness, MW_READY_TO_READ, deadline, "waiting for an answer",
                               error)) {
            return false;
        }
        if (ioctl(mw_libpq.socket(link->pg), FIONREAD, &waiting) == 0 && waiting > 0) {
            bytes += (size_t)waiting;
        }
        if (bytes > MW_POSTGRES_ANSWER_BYTES_MAX) {
            return too_much(link, error);
        }
        if (mw_libpq.consumeInput(link->pg) == 0) {
            /* It may have said why before it left. */
            take(link, kept);
            return lost(link, error);
        }
    }
    return mw_libpq.status(link->pg) != CONNECTION_BAD && !link->dead ? true : lost(link, error);
}

/* The answer to what was just sent. */
static PGresult *finish(struct mw_postgres_link *link, int sent, struct mw_deadline deadline,
                        struct mw_error *error)
{
    PGresult *result = NULL;
    if (sent == 0) {
        lost(link, error);
        return NULL;
    }
    link->owes = true;
    if (!flush(link, deadline, error) || !collect(link, deadline, &result, error)) {
        mw_libpq.clear(result);
        if (!link->dead) {
            mw_error_wrap(error, "%s", link->address->label);
        }
        return NULL;
    }
    link->owes = false;
    ExecStatusType status = mw_libpq.resultStatus(result);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
        return result;
    }
    const char *sqlstate = mw_libpq.resultErrorField(result, PG_DIAG_SQLSTATE);
    if (sqlstate != NULL && strcmp(sqlstate, "26000") == 0) {
        /* Somebody between us and the server gave us another session. */
        link->prepared = NULL;
    }
    mw_postgres_explain_result(result, error);
    mw_libpq.clear(result);
    return NULL;
}

PGresult *mw_postgres_link_ask(struct mw_postgres_link *link,
                               const struct mw_postgres_question *question,
                               struct mw_deadline deadline, struct mw_error *error)
{
    const char *name = question->name, *sql = question->sql;
    int count = question->count, sent = 0;
    if (name == NULL && count == 0) {
        sent = mw_libpq.sendQuery(link->pg, sql);
    } else if (name == NULL) {
        sent =
            mw_libpq.sendQueryParams(link->pg, sql, count, NULL, question->values, NULL, NULL, 0);
    } else {
        if (link->prepared != name) {
            PGresult *result = finish(link, mw_libpq.sendPrepare(link->pg, name, sql, count, NULL),
                                      deadline, error);
            if (result == NULL) {
                return NULL;
            }
            mw_libpq.clear(result);
            link->prepared = name;
        }
        sent = mw_libpq.sendQueryPrepared(link->pg, name, count, question->values, NULL, NULL, 0);
    }
    return finish(link, sent, deadline, error);
}

/* ---- state ---- */

bool mw_postgres_link_dead(const struct mw_postgres_link *link)
{
    return link->dead || mw_libpq.status(link->pg) != CONNECTION_OK;
}

bool mw_postgres_link_owes(const struct mw_postgres_link *link)
{
    return link->owes;
}

bool mw_postgres_link_settle(struct mw_postgres_link *link, struct mw_deadline deadline,
                             struct mw_error *error)
{
    PGresult *dropped = NULL;
    bool done = flush(link, deadline, error) && collect(link, deadline, &dropped, error);
    mw_libpq.clear(dropped);
    link->owes = !done;
    return done;
}

int mw_postgres_link_process(const struct mw_postgres_link *link)
{
    return mw_libpq.backendPID(link->pg);
}

int mw_postgres_link_descriptor(const struct mw_postgres_link *link)
{
    return mw_libpq.socket(link->pg);
}
