/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "postgres.h"
#include "sessions.h"

/* Of each kind of session, named in the facts. */
#define NAMED_MAX 3
#define ROOTS_MAX 50

/* A transaction that is open for less is nobody's trouble. */
#define OLD_SECONDS "5"

bool mw_postgres_read_rights(struct mw_postgres *postgres, struct mw_deadline deadline,
                             struct mw_postgres_rights *rights, struct mw_error *error)
{
    /* A role may be allowed a single setting from version 15 on; the function is asked by name only there,
     * since older servers do not know it. */
    PGresult *result mw_postgres_result_auto =
        mw_postgres_ask(postgres->connection, deadline, error,
                        "SELECT current_setting('is_superuser') = 'on',"
                        " pg_has_role('pg_read_all_stats', 'USAGE'),"
                        " pg_has_role('pg_signal_backend', 'USAGE'),"
                        " current_setting('server_version_num')::int >= 150000",
                        NULL);
    if (result == NULL) {
        return false;
    }
    bool shaped = mw_libpq.ntuples(result) == 1 && mw_libpq.nfields(result) == 4;
    bool superuser = shaped && mw_postgres_is_true(result, 0, 0);
    *rights = (struct mw_postgres_rights){
        .superuser = superuser,
        .sees_all = superuser || (shaped && mw_postgres_is_true(result, 0, 1)),
        .signals = superuser || (shaped && mw_postgres_is_true(result, 0, 2)),
        .alter_system = superuser,
    };
    if (superuser || !shaped || !mw_postgres_is_true(result, 0, 3)) {
        return true;
    }
    PGresult *setting mw_postgres_result_auto =
        mw_postgres_ask(postgres->connection, deadline, error,
                        "SELECT has_parameter_privilege('max_connections', 'ALTER SYSTEM')", NULL);
    if (setting == NULL) {
        return false;
    }
    rights->alter_system = mw_libpq.ntuples(setting) == 1 && mw_postgres_is_true(setting, 0, 0);
    return true;
}

/* ---- what there is to tell ---- */

struct view {
    const struct mw_target *target;
    struct mw_postgres_reading reading;
    struct mw_postgres_rights rights;
    struct mw_postgres_sessions *roots, *oldest;
    struct mw_postgres_crowd crowd;
    char version[32], prepared[64];
    double idle, standbys;
    bool replica, fsync;
};

static bool read_server(struct mw_postgres *postgres, struct view *view,
                        struct mw_deadline deadline, struct mw_error *error)
{
    PGresult *result mw_postgres_result_auto = mw_postgres_ask(
        postgres->connection, deadline, error,
        "SELECT split_part(current_setting('server_version'), ' ', 1), pg_is_in_recovery(),"
        " current_setting('fsync') = 'on',"
        " count(*) FILTER (WHERE state = 'idle' AND backend_type = 'client backend'),"
        " count(*) FILTER (WHERE backend_type = 'walsender') FROM pg_stat_get_activity(NULL)",
        NULL);
    if (result == NULL) {
        return false;
    }
    if (mw_libpq.ntuples(result) != 1 || mw_libpq.nfields(result) != 5) {
        return mw_error_set(error, MW_ERROR_PERMANENT, "it tells of itself in an unknown shape");
    }
    char *version = mw_postgres_name_text(NULL, mw_postgres_cell(result, 0, 0));
    snprintf(view->version, sizeof view->version, "%s", version != NULL ? version : "");
    talloc_free(version);
    view->replica = mw_postgres_is_true(result, 0, 1);
    view->fsync = mw_postgres_is_true(result, 0, 2);
    view->idle = mw_postgres_count(result, 0, 3);
    view->standbys = mw_postgres_count(result, 0, 4);
    return true;
}

static bool look(struct mw_postgres *postgres, TALLOC_CTX *memory, struct view *view,
                 struct mw_deadline deadline, struct mw_error *error)
{
    if (!mw_postgres_read(postgres, deadline, &view->reading, NULL, error) ||
        !read_server(postgres, view, deadline, error) ||
        !mw_postgres_read_rights(postgres, deadline, &view->rights, error) ||
        !mw_postgres_crowd_read(postgres->connection, deadline, &view->crowd, error) ||
        !mw_postgres_prepared_read(postgres, deadline, view->prepared, error)) {
        return false;
    }
    view->roots = mw_postgres_sessions_read(memory, postgres->connection, MW_POSTGRES_ROOTS, NULL,
                                            ROOTS_MAX, deadline, error);
    if (view->roots == NULL) {
        return false;
    }
    view->oldest = mw_postgres_sessions_read(memory, postgres->connection, MW_POSTGRES_OLDEST,
                                             OLD_SECONDS, NAMED_MAX, deadline, error);
    return view->oldest != NULL;
}

/* ---- telling ---- */

static void set_number(json_t *facts, const char *name, double value)
{
    json_object_set_new(facts, name, json_integer((json_int_t)value));
}

/* "4711 (app@shop, web), idle in transaction for 5 min 20 s, holds up 88: UPDATE item …" */
static json_t *sentence(const struct mw_postgres_session *session)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    char *blocks = session->blocks > 0
                       ? talloc_asprintf(memory, ", holds up %lld", (long long)session->blocks)
                       : talloc_strdup(memory, "");
    json_t *text = json_sprintf(
        "%s, %s, transaction begun %s ago%s: %s", mw_postgres_session_name(memory, session),
        mw_postgres_session_doing(memory, session),
        mw_postgres_age_text(memory, session->transaction_s), blocks, session->query);
    talloc_free(memory);
    return text;
}

/* The first under the plain name, the others numbered: facts are flat. */
static void tell_sessions(json_t *facts, const char *name,
                          const struct mw_postgres_sessions *sessions)
{
    for (size_t i = 0; i < sessions->count && i < NAMED_MAX; i++) {
        char numbered[48];
        snprintf(numbered, sizeof numbered, i == 0 ? "%s" : "%s_%zu", name, i + 1);
        json_object_set_new(facts, numbered, sentence(&sessions->items[i]));
    }
}

static const char *role_of(const struct mw_postgres_rights *rights)
{
    return rights->superuser                     ? "superuser"
           : rights->sees_all && rights->signals ? "pg_monitor, pg_signal_backend"
           : rights->sees_all                    ? "pg_monitor"
           : rights->signals                     ? "pg_signal_backend"
                                                 : "none";
}

static json_t *build(const struct view *view)
{
    const struct mw_postgres_reading *reading = &view->reading;
    const struct mw_control *control = view->target->control;
    json_t *facts = json_object();
    json_object_set_new(facts, "version", json_string(view->version));
    json_object_set_new(facts, "is_replica", json_boolean(view->replica));
    set_number(facts, "max_connections", reading->max_connections);
    set_number(facts, "reserved_connections", reading->reserved);
    set_number(facts, "client_slots", mw_postgres_slots(reading));
    set_number(facts, "connections", reading->clients);
    set_number(facts, "active", reading->active);
    set_number(facts, "idle", view->idle);
    set_number(facts, "idle_in_transaction", reading->idle_in_transaction);
    set_number(facts, "blocked", (double)view->crowd.waiting);
    set_number(facts, "root_blockers", (double)view->roots->count);
    tell_sessions(facts, "root_blocker", view->roots);
    tell_sessions(facts, "longest_transaction", view->oldest);
    if (*view->prepared != '\0') {
        json_object_set_new(facts, "prepared_transaction", json_string(view->prepared));
    }
    set_number(facts, "walsenders", view->standbys);
    json_object_set_new(facts, "fsync", json_boolean(view->fsync));
    json_object_set_new(facts, "midwatch_role", json_string(role_of(&view->rights)));
    json_object_set_new(facts, "can_see_all", json_boolean(view->rights.sees_all));
    json_object_set_new(facts, "can_end_sessions", json_boolean(view->rights.signals));
    json_object_set_new(facts, "can_set_max_connections", json_boolean(view->rights.alter_system));
    json_object_set_new(facts, "can_restart",
                        json_boolean(control != NULL && control->restart != NULL));
    return facts;
}

bool mw_postgres_facts(struct mw_target *target, struct mw_deadline deadline, json_t **facts,
                       struct mw_error *error)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    struct view view = {.target = target};
    bool done = look(target->state, memory, &view, deadline, error);
    if (done) {
        *facts = build(&view);
    }
    talloc_free(memory);
    return done;
}
