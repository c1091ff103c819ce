/* SPDX-License-Identifier: Apache-2.0 */
/* postgres_activity. */
#include <stdio.h>

#include "postgres.h"
#include "sessions.h"

#define LIMIT_DEFAULT 10
#define LIMIT_MAX     50
#define GROUPS_MAX    "20"

/* Who holds the slots: by role, application and state. */
static json_t *read_groups(struct mw_postgres *postgres, struct mw_deadline deadline,
                           struct mw_error *error)
{
    PGresult *result mw_postgres_result_auto = mw_postgres_ask(
        postgres->connection, deadline, error,
        "SELECT r.rolname, a.application_name, a.state, count(*)"
        " FROM pg_stat_get_activity(NULL) a LEFT JOIN pg_roles r ON r.oid = a.usesysid"
        " WHERE a.datid IS NOT NULL AND a.usesysid IS NOT NULL AND coalesce(a.backend_type, "
        "'client backend') ="
        " 'client backend' GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3 LIMIT " GROUPS_MAX,
        NULL);
    if (result == NULL) {
        return NULL;
    }
    json_t *groups = json_array();
    for (int row = 0; mw_libpq.nfields(result) == 4 && row < mw_libpq.ntuples(result); row++) {
        char *user = mw_postgres_name_text(NULL, mw_postgres_cell(result, row, 0));
        char *application = mw_postgres_name_text(NULL, mw_postgres_cell(result, row, 1));
        char *state = mw_postgres_name_text(NULL, mw_postgres_cell(result, row, 2));
        double count = mw_postgres_count(result, row, 3);
        json_array_append_new(groups, json_pack("{s:s, s:s, s:s, s:I}", "user", user, "application",
                                                application, "state", state, "sessions",
                                                (json_int_t)count));
        talloc_free(user);
        talloc_free(application);
        talloc_free(state);
    }
    return groups;
}

static json_t *sessions_json(const struct mw_postgres_sessions *sessions)
{
    json_t *list = json_array();
    for (size_t i = 0; i < sessions->count; i++) {
        json_array_append_new(list, mw_postgres_session_json(&sessions->items[i]));
    }
    return list;
}

static json_t *summarise(const struct mw_postgres_reading *reading,
                         const struct mw_postgres_sessions *sessions, json_t *data)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    const struct mw_postgres_session *first = sessions->count > 0 ? &sessions->items[0] : NULL;
    char *longest = first != NULL
                        ? talloc_asprintf(memory, "the oldest transaction is %s, begun %s ago",
                                          mw_postgres_session_name(memory, first),
                                          mw_postgres_age_text(memory, first->transaction_s))
                        : talloc_strdup(memory, "no transaction is open for that long");
    json_t *result =
        reading->hidden > 0
            ? mw_tool_result(true, data,
                             "%.0f of %.0f client slots taken; our role sees nothing of %.0f "
                             "sessions: GRANT pg_monitor",
                             reading->clients, mw_postgres_slots(reading), reading->hidden)
            : mw_tool_result(true, data,
                             "%.0f of %.0f client slots taken: %.0f active, %.0f idle in "
                             "transaction, %.0f wait for a lock; %s",
                             reading->clients, mw_postgres_slots(reading), reading->active,
                             reading->idle_in_transaction, reading->blocked, longest);
    talloc_free(memory);
    return result;
}

MW_POSTGRES_RUN(mw_postgres_run_activity)
{
    struct mw_postgres *postgres = target->state;
    struct mw_postgres_reading reading;
    json_int_t limit = json_integer_value(json_object_get(arguments, "limit"));
    char seconds[32];
    snprintf(seconds, sizeof seconds, "%.3f",
             json_number_value(json_object_get(arguments, "min_seconds")));
    limit = limit < 1 ? LIMIT_DEFAULT : limit > LIMIT_MAX ? LIMIT_MAX : limit;
    if (!mw_postgres_read(postgres, deadline, &reading, NULL, error)) {
        return false;
    }
    TALLOC_CTX *memory = talloc_new(NULL);
    struct mw_postgres_sessions *sessions = mw_postgres_sessions_read(
        memory, postgres->connection, MW_POSTGRES_OLDEST, seconds, (size_t)limit, deadline, error);
    json_t *groups = sessions != NULL ? read_groups(postgres, deadline, error) : NULL;
    if (groups != NULL) {
        json_t *data = json_pack("{s:f, s:f, s:o, s:o}", "connections", reading.clients,
                                 "client_slots", mw_postgres_slots(&reading), "groups", groups,
                                 "sessions", sessions_json(sessions));
        *result = summarise(&reading, sessions, data);
    }
    talloc_free(memory);
    return groups != NULL;
}
