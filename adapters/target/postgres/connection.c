/* SPDX-License-Identifier: Apache-2.0 */
#include "connection.h"

#include <stdarg.h>

#include "base/clock.h"
#include "runtime/fiber.h"

#define VALUES_MAX 8

struct mw_postgres_connection {
    const struct mw_postgres_address *address;
    struct mw_postgres_link *link; /* NULL: not connected */
    struct mw_lock lock;
    enum mw_postgres_refusal refusal;
};

struct mw_postgres_connection *
mw_postgres_connection_create(TALLOC_CTX *memory, const struct mw_postgres_address *address)
{
    struct mw_postgres_connection *connection = talloc_zero(memory, struct mw_postgres_connection);
    if (connection != NULL) {
        connection->address = address;
        mw_lock_init(&connection->lock);
    }
    return connection;
}

void mw_postgres_connection_close(struct mw_postgres_connection *connection)
{
    TALLOC_FREE(connection->link);
}

enum mw_postgres_refusal
mw_postgres_connection_refusal(const struct mw_postgres_connection *connection)
{
    return connection->refusal;
}

int mw_postgres_connection_process(const struct mw_postgres_connection *connection)
{
    return connection->link != NULL ? mw_postgres_link_process(connection->link) : 0;
}

int mw_postgres_connection_descriptor(const struct mw_postgres_connection *connection)
{
    return connection->link != NULL ? mw_postgres_link_descriptor(connection->link) : -1;
}

static struct mw_postgres_link *open_link(struct mw_postgres_connection *connection,
                                          struct mw_deadline deadline, struct mw_error *error)
{
    return mw_postgres_link_open(connection, connection->address, deadline, &connection->refusal,
                                 error);
}

/* An answer that is still owed gets half of the time. If it does not come, either the server is too slow
 * for anybody or this connection alone is stuck, which a new one shows. */
static bool settle(struct mw_postgres_connection *connection, struct mw_deadline deadline,
                   bool *fresh, struct mw_error *error)
{
    int64_t left = mw_deadline_left_ms(deadline);
    struct mw_deadline half =
        left == INT64_MAX ? deadline : mw_deadline_min(deadline, mw_deadline_in(left / 2 + 1));
    if (mw_postgres_link_settle(connection->link, half, error)) {
        return true;
    }
    if (error->class == MW_ERROR_CANCELLED) {
        return false;
    }
    if (mw_postgres_link_dead(connection->link)) {
        return true;
    }
    struct mw_postgres_link *other = open_link(connection, deadline, error);
    if (other == NULL) {
        return false;
    }
    talloc_free(connection->link);
    connection->link = other;
    *fresh = true;
    return true;
}

static bool make_ready(struct mw_postgres_connection *connection, struct mw_deadline deadline,
                       bool *fresh, struct mw_error *error)
{
    *fresh = false;
    if (connection->link != NULL && mw_postgres_link_owes(connection->link) &&
        !settle(connection, deadline, fresh, error)) {
        return false;
    }
    if (connection->link != NULL && mw_postgres_link_dead(connection->link)) {
        mw_postgres_connection_close(connection);
    }
    if (connection->link == NULL) {
        connection->link = open_link(connection, deadline, error);
        *fresh = true;
    }
    return connection->link != NULL;
}

static PGresult *exchange_locked(struct mw_postgres_connection *connection,
                                 const struct mw_postgres_question *question,
                                 struct mw_deadline deadline, double *seconds,
                                 struct mw_error *error)
{
    connection->refusal = MW_POSTGRES_LET_IN;
    for (;;) {
        bool fresh = false;
        if (!make_ready(connection, deadline, &fresh, error)) {
            return NULL;
        }
        mw_mono_ns start = mw_mono_now();
        PGresult *result = mw_postgres_link_ask(connection->link, question, deadline, error);
        if (result != NULL && seconds != NULL) {
            *seconds = (double)(mw_mono_now() - start) / 1e9;
        }
        if (result != NULL || !mw_postgres_link_dead(connection->link)) {
            return result;
        }
        mw_postgres_connection_close(connection);
        if (fresh || error->class != MW_ERROR_RETRY) {
            return NULL;
        }
    }
}

PGresult *mw_postgres_exchange(struct mw_postgres_connection *connection,
                               const struct mw_postgres_question *question,
                               struct mw_deadline deadline, double *seconds, struct mw_error *error)
{
    if (!mw_lock_acquire(&connection->lock, deadline, error)) {
        mw_error_wrap(error, "another request to the same PostgreSQL is under way");
        return NULL;
    }
    PGresult *result = exchange_locked(connection, question, deadline, seconds, error);
    mw_lock_release(&connection->lock);
    return result;
}

PGresult *mw_postgres_ask(struct mw_postgres_connection *connection, struct mw_deadline deadline,
                          struct mw_error *error, const char *sql, ...)
{
    const char *values[VALUES_MAX];
    struct mw_postgres_question question = {.sql = sql, .values = values};
    va_list list;
    va_start(list, sql);
    for (const char *value = va_arg(list, const char *);
         value != NULL && question.count < VALUES_MAX; value = va_arg(list, const char *)) {
        values[question.count++] = value;
    }
    va_end(list);
    return mw_postgres_exchange(connection, &question, deadline, NULL, error);
}

void mw_postgres_result_release(PGresult **result)
{
    mw_libpq.clear(*result);
    *result = NULL;
}
