/* SPDX-License-Identifier: Apache-2.0 */
/* What a PostgreSQL lets our role do, for `doctor`. Nothing here changes anything on the server. */
#include "postgres.h"

/* What is asked of the server besides the rights. */
struct view {
    char *version, *role;
    bool encrypted;
    bool spare; /* slots are kept that our role may use when the others are gone */
};

static bool read_view(struct mw_postgres *postgres, TALLOC_CTX *memory, struct view *view,
                      struct mw_deadline deadline, struct mw_error *error)
{
    /* The role of the reserved slots is asked for by its oid: before version 16 there is none. */
    PGresult *result mw_postgres_result_auto = mw_postgres_ask(
        postgres->connection, deadline, error,
        "SELECT split_part(current_setting('server_version'), ' ', 1), current_user,"
        " coalesce((SELECT s.ssl FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid()), false),"
        " coalesce(current_setting('reserved_connections', true), '0')::int > 0 AND coalesce("
        "(SELECT pg_has_role(r.oid, 'USAGE') FROM pg_roles r"
        " WHERE r.rolname = 'pg_use_reserved_connections'), false)",
        NULL);
    if (result == NULL) {
        return false;
    }
    if (mw_libpq.ntuples(result) != 1 || mw_libpq.nfields(result) != 4) {
        return mw_error_set(error, MW_ERROR_PERMANENT, "it tells of itself in an unknown shape");
    }
    view->version = mw_postgres_name_text(memory, mw_postgres_cell(result, 0, 0));
    view->role = mw_postgres_name_text(memory, mw_postgres_cell(result, 0, 1));
    view->encrypted = mw_postgres_is_true(result, 0, 2);
    view->spare = mw_postgres_is_true(result, 0, 3);
    return view->version != NULL && view->role != NULL;
}

static void say_rights(const struct mw_postgres_rights *rights, const struct view *view,
                       const struct mw_target *target, const struct mw_check *check)
{
    if (!rights->sees_all) {
        mw_check_say(check, MW_CHECK_NOTE,
                     "it does not see what other roles' sessions do: GRANT pg_monitor TO %s",
                     view->role);
    }
    if (!rights->signals) {
        mw_check_say(check, MW_CHECK_NOTE,
                     "postgres_kill_long_queries and postgres_terminate_idle may end its own "
                     "sessions only: GRANT pg_signal_backend TO %s",
                     view->role);
    }
    if (!rights->alter_system && target->control != NULL && target->control->restart != NULL) {
        mw_check_say(check, MW_CHECK_NOTE,
                     "postgres_scale_connections is refused: GRANT ALTER SYSTEM ON PARAMETER "
                     "max_connections TO %s (version 15 or newer)",
                     view->role);
    }
    if (!rights->superuser && !view->spare) {
        mw_check_say(
            check, MW_CHECK_NOTE,
            "a midwatch that starts while every connection slot is taken is turned away: "
            "reserved_connections and GRANT pg_use_reserved_connections TO %s (version 16 or "
            "newer) would let it in",
            view->role);
    }
}

static void say_transport(const struct mw_postgres_address *address, const struct view *view,
                          const struct mw_check *check)
{
    if (!address->local && !view->encrypted) {
        mw_check_say(
            check, MW_CHECK_NOTE,
            "the connection to %s is not encrypted, so %sstatements can be read on the way: "
            "add ?sslmode=verify-full to its url:",
            address->label, address->password != NULL ? "the password and " : "");
    }
}

bool mw_postgres_check(struct mw_target *target, const struct mw_check *check,
                       struct mw_deadline deadline, struct mw_error *error)
{
    struct mw_postgres *postgres = target->state;
    struct mw_postgres_rights rights;
    struct view view = {.version = NULL};
    if (mw_postgres_connection_refusal(postgres->connection) == MW_POSTGRES_FULL) {
        mw_check_say(check, MW_CHECK_NOTE,
                     "%s has no connection slot left, nor for midwatch: a midwatch that was "
                     "connected before stays so",
                     postgres->address->label);
        return true;
    }
    TALLOC_CTX *memory = talloc_new(NULL);
    bool ok = read_view(postgres, memory, &view, deadline, error) &&
              mw_postgres_read_rights(postgres, deadline, &rights, error);
    if (ok) {
        mw_check_say(check, MW_CHECK_OK, "PostgreSQL %s at %s, as %s%s%s", view.version,
                     postgres->address->label, view.role, rights.superuser ? " (superuser)" : "",
                     view.encrypted ? ", over TLS" : "");
        say_rights(&rights, &view, target, check);
        say_transport(postgres->address, &view, check);
    }
    talloc_free(memory);
    return ok;
}
