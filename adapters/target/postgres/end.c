/* SPDX-License-Identifier: Apache-2.0 */
#include "end.h"

#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "runtime/fiber.h"

/* How long a session may take to heed a signal, and those behind it to move on. */
#define HEED_MS 3000
#define LOOK_MS 50

/* Named in an effect or a summary. */
#define NAMED_MAX 3

static bool is_active(const struct mw_postgres_session *session)
{
    return strcmp(session->state, "active") == 0;
}

/* ---- pins ---- */

struct moment {
    const char *name, *at;
};

/* When that began for which a session is shown. */
static struct moment moment_of(const struct mw_postgres_session *session)
{
    if (session->root) {
        return (struct moment){"xact_start", session->xact_start};
    }
    return is_active(session) ? (struct moment){"query_start", session->query_start}
                              : (struct moment){"state_change", session->state_change};
}

static bool same(const json_t *pin, const char *name, const char *now)
{
    const char *then = json_string_value(json_object_get(pin, name));
    return then == NULL || (now != NULL && strcmp(then, now) == 0);
}

bool mw_postgres_pin_fits(const json_t *pin, const struct mw_postgres_session *session)
{
    return json_integer_value(json_object_get(pin, "pid")) == session->pid &&
           session->backend_start != NULL && same(pin, "backend_start", session->backend_start) &&
           same(pin, "xact_start", session->xact_start) &&
           same(pin, "query_start", session->query_start) &&
           same(pin, "state_change", session->state_change);
}

json_t *mw_postgres_pins(const struct mw_postgres_doomed *doomed)
{
    json_t *pins = json_array();
    for (size_t i = 0; i < doomed->count; i++) {
        const struct mw_postgres_session *session = doomed->items[i];
        struct moment moment = moment_of(session);
        json_t *pin = json_pack("{s:I, s:s}", "pid", (json_int_t)session->pid, "backend_start",
                                session->backend_start);
        if (moment.at != NULL) {
            json_object_set_new(pin, moment.name, json_string(moment.at));
        }
        json_array_append_new(pins, pin);
    }
    return pins;
}

static bool is_pinned(const json_t *pins, const struct mw_postgres_session *session)
{
    size_t i;
    const json_t *pin;
    json_array_foreach(pins, i, pin)
    {
        if (mw_postgres_pin_fits(pin, session)) {
            return true;
        }
    }
    return false;
}

struct mw_postgres_doomed *mw_postgres_doom(TALLOC_CTX *memory,
                                            const struct mw_postgres_sessions *sessions,
                                            const json_t *pins)
{
    struct mw_postgres_doomed *doomed = talloc_zero(memory, struct mw_postgres_doomed);
    size_t met = 0;
    for (size_t i = 0; doomed != NULL && i < sessions->count; i++) {
        const struct mw_postgres_session *session = &sessions->items[i];
        if (pins != NULL && !is_pinned(pins, session)) {
            continue;
        }
        met++;
        bool spared = mw_postgres_session_spared(session) != NULL || session->backend_start == NULL;
        if (spared) {
            doomed->spared = doomed->spared_count++ == 0 ? session : doomed->spared;
        } else if (doomed->count < MW_POSTGRES_ENDED_MAX) {
            doomed->items[doomed->count++] = session;
        }
    }
    if (doomed != NULL && json_array_size(pins) > met) {
        doomed->changed = json_array_size(pins) - met;
    }
    return doomed;
}

/* ---- telling ---- */

static void tell_session(struct mw_buffer *buffer, const struct mw_postgres_session *session)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    mw_buffer_append_format(buffer, "%s, %s", mw_postgres_session_name(memory, session),
                            mw_postgres_session_doing(memory, session));
    if (session->blocks > 0) {
        mw_buffer_append_format(buffer, ", holds up %lld", (long long)session->blocks);
    }
    talloc_free(memory);
}

char *mw_postgres_doomed_text(TALLOC_CTX *memory, const struct mw_postgres_doomed *doomed)
{
    struct mw_buffer buffer;
    mw_buffer_init(&buffer, memory, 4096);
    mw_buffer_append_format(&buffer, "ends %zu session%s: ", doomed->count,
                            doomed->count == 1 ? "" : "s");
    for (size_t i = 0; i < doomed->count && i < NAMED_MAX; i++) {
        mw_buffer_append_text(&buffer, i > 0 ? "; " : "");
        tell_session(&buffer, doomed->items[i]);
    }
    if (doomed->count > NAMED_MAX) {
        mw_buffer_append_format(&buffer, "; and %zu more", doomed->count - NAMED_MAX);
    }
    if (doomed->spared_count > 0) {
        mw_buffer_append_format(&buffer, ". Left alone: %lld, since %s",
                                (long long)doomed->spared->pid,
                                mw_postgres_session_spared(doomed->spared));
    }
    if (doomed->spared_count > 1) {
        mw_buffer_append_format(&buffer, ", and %zu more", doomed->spared_count - 1);
    }
    return mw_buffer_take(&buffer);
}

bool mw_postgres_refuse_empty(const struct mw_postgres_doomed *doomed, const char *nobody,
                              struct mw_error *error)
{
    if (doomed->spared_count == 0) {
        return mw_error_set(error, MW_ERROR_REFUSED, "%s",
                            doomed->changed > 0 ? "none of the sessions that were shown is as it "
                                                  "was: there is nothing to end"
                                                : nobody);
    }
    char *name = mw_postgres_session_name(NULL, doomed->spared);
    mw_error_set(error, MW_ERROR_REFUSED, "%s: %s", name != NULL ? name : "",
                 mw_postgres_session_spared(doomed->spared));
    talloc_free(name);
    return false;
}

/* ---- ending ---- */

enum end { END_CANCEL, END_TERMINATE };

struct victim {
    const struct mw_postgres_session *session;
    enum end end;    /* the last that was tried */
    bool over;       /* gone, or no longer what it was shown for */
    const char *why; /* not ended, and why; on the work's memory */
};

struct work {
    struct mw_postgres *postgres;
    size_t count;
    struct victim *victims;
};

/* Looks and signals in one statement, so that nobody else can have taken the process id in between. */
#define SIGNAL(how)                                                        \
    "SELECT " how "(pid) FROM pg_stat_get_activity($1::int)"               \
    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"   \
    " AND backend_start::text = $2 AND ($3 = '' OR xact_start::text = $3)" \
    " AND ($4 = '' OR query_start::text = $4)"                             \
    " AND ($5 = '' OR state_change::text = $5)"

static bool signal_one(struct work *work, struct victim *victim, struct mw_deadline deadline,
                       struct mw_error *error)
{
    static const char *const signals[] = {SIGNAL("pg_cancel_backend"),
                                          SIGNAL("pg_terminate_backend")};
    const struct mw_postgres_session *session = victim->session;
    struct moment moment = moment_of(session);
    const char *at = moment.at != NULL ? moment.at : "";
    char pid[24];
    snprintf(pid, sizeof pid, "%lld", (long long)session->pid);
    PGresult *result mw_postgres_result_auto =
        mw_postgres_ask(work->postgres->connection, deadline, error, signals[victim->end], pid,
                        session->backend_start, strcmp(moment.name, "xact_start") == 0 ? at : "",
                        strcmp(moment.name, "query_start") == 0 ? at : "",
                        strcmp(moment.name, "state_change") == 0 ? at : "", NULL);
    if (result == NULL) {
        if (error->class != MW_ERROR_REFUSED) {
            return false;
        }
        victim->why = talloc_strdup(work, error->text);
        return true;
    }
    if (mw_libpq.ntuples(result) == 0) {
        victim->over = true;
        victim->why = "it was no longer as it was shown";
    }
    return true;
}

static bool signal_all(struct work *work, struct mw_deadline deadline, struct mw_error *error)
{
    for (size_t i = 0; i < work->count; i++) {
        struct victim *victim = &work->victims[i];
        if (!victim->over && victim->why == NULL && !signal_one(work, victim, deadline, error)) {
            return false;
        }
    }
    return true;
}

static char *process_ids(const struct work *work)
{
    struct mw_buffer buffer;
    const char *before = "{";
    mw_buffer_init(&buffer, NULL, 8192);
    for (size_t i = 0; i < work->count; i++) {
        if (!work->victims[i].over && work->victims[i].why == NULL) {
            mw_buffer_append_format(&buffer, "%s%lld", before,
                                    (long long)work->victims[i].session->pid);
            before = ",";
        }
    }
    mw_buffer_append_text(&buffer, *before == '{' ? "{}" : "}");
    return mw_buffer_take(&buffer);
}

/* Whether the session still does what it was shown for. */
static bool goes_on(const struct mw_postgres_session *then, const struct mw_postgres_sessions *now)
{
    struct moment moment = moment_of(then);
    for (size_t i = 0; i < now->count; i++) {
        const struct mw_postgres_session *session = &now->items[i];
        json_auto_t *pin = json_pack("{s:I, s:s?, s:s*}", "pid", (json_int_t)then->pid,
                                     "backend_start", then->backend_start, moment.name, moment.at);
        if (mw_postgres_pin_fits(pin, session)) {
            return then->root ? session->root : is_active(then) == is_active(session);
        }
    }
    return false;
}

static size_t count_left(const struct work *work)
{
    size_t left = 0;
    for (size_t i = 0; i < work->count; i++) {
        left += !work->victims[i].over && work->victims[i].why == NULL;
    }
    return left;
}

/* Until none is left or the time for it is over. */
static bool watch_them_go(struct work *work, struct mw_deadline deadline, struct mw_error *error)
{
    struct mw_deadline enough = mw_deadline_min(deadline, mw_deadline_in(HEED_MS));
    while (count_left(work) > 0) {
        char *pids = process_ids(work);
        struct mw_postgres_sessions *now =
            mw_postgres_sessions_read(work, work->postgres->connection, MW_POSTGRES_NAMED, pids,
                                      MW_POSTGRES_ENDED_MAX, deadline, error);
        talloc_free(pids);
        if (now == NULL) {
            return false;
        }
        for (size_t i = 0; i < work->count; i++) {
            struct victim *victim = &work->victims[i];
            victim->over = victim->over || !goes_on(victim->session, now);
        }
        talloc_free(now);
        if (mw_deadline_passed(enough)) {
            return true;
        }
        if (count_left(work) > 0 && !mw_sleep(LOOK_MS, error)) {
            return false;
        }
    }
    return true;
}

/* Those who waited behind the ended ones need a moment to go on. */
static bool watch_the_rest(struct work *work, const struct mw_postgres_crowd *before,
                           struct mw_deadline deadline, struct mw_postgres_crowd *after,
                           struct mw_error *error)
{
    struct mw_deadline enough = mw_deadline_min(deadline, mw_deadline_in(HEED_MS));
    for (;;) {
        if (!mw_postgres_crowd_read(work->postgres->connection, deadline, after, error)) {
            return false;
        }
        if (before->waiting == 0 || after->waiting == 0 || mw_deadline_passed(enough)) {
            return true;
        }
        if (!mw_sleep(LOOK_MS, error)) {
            return false;
        }
    }
}

static json_t *report(const struct work *work, const struct mw_postgres_doomed *doomed,
                      const struct mw_postgres_crowd *before, const struct mw_postgres_crowd *after)
{
    json_t *ended = json_array(), *left = json_array();
    for (size_t i = 0; i < work->count; i++) {
        const struct victim *victim = &work->victims[i];
        const struct mw_postgres_session *session = victim->session;
        bool done = victim->over && victim->why == NULL;
        const char *what = done ? (victim->end == END_CANCEL ? "query cancelled" : "session ended")
                           : victim->why != NULL ? victim->why
                                                 : "it does not heed the signal";
        json_array_append_new(done ? ended : left,
                              json_pack("{s:I, s:s, s:s, s:s}", "pid", (json_int_t)session->pid,
                                        "user", session->user, "application", session->application,
                                        done ? "how" : "why", what));
    }
    size_t count = json_array_size(ended), rest = json_array_size(left);
    const char *why = json_string_value(json_object_get(json_array_get(left, 0), "why"));
    char *more = rest > 0 || doomed->changed > 0
                     ? talloc_asprintf(NULL, "; %zu left alone%s%s", rest + doomed->changed,
                                       why != NULL ? ": " : "", why != NULL ? why : "")
                     : NULL;
    json_t *data =
        json_pack("{s:o, s:o, s:I, s:I, s:I, s:I, s:I}", "ended", ended, "left", left, "changed",
                  (json_int_t)doomed->changed, "connections_before", (json_int_t)before->clients,
                  "connections", (json_int_t)after->clients, "blocked_before",
                  (json_int_t)before->waiting, "blocked", (json_int_t)after->waiting);
    json_t *result = mw_tool_result(
        count > 0 && rest == 0, data,
        "%zu session%s ended%s; %lld connections (before: %lld), %lld wait for a lock (before: "
        "%lld)",
        count, count == 1 ? "" : "s", more != NULL ? more : "", (long long)after->clients,
        (long long)before->clients, (long long)after->waiting, (long long)before->waiting);
    talloc_free(more);
    return result;
}

static bool end_them(struct work *work, struct mw_deadline deadline, struct mw_error *error)
{
    if (!signal_all(work, deadline, error) || !watch_them_go(work, deadline, error)) {
        return false;
    }
    bool again = false;
    for (size_t i = 0; i < work->count; i++) {
        struct victim *victim = &work->victims[i];
        if (!victim->over && victim->why == NULL && victim->end == END_CANCEL) {
            victim->end = END_TERMINATE;
            again = true;
        } else if (!victim->over && victim->why == NULL) {
            victim->why = "it does not heed the signal";
        }
    }
    return !again || (signal_all(work, deadline, error) && watch_them_go(work, deadline, error));
}

bool mw_postgres_end(struct mw_postgres *postgres, const struct mw_postgres_doomed *doomed,
                     struct mw_deadline deadline, json_t **result, struct mw_error *error)
{
    struct mw_postgres_crowd before, after;
    struct work *work = talloc_zero(NULL, struct work);
    work->postgres = postgres;
    work->count = doomed->count;
    work->victims = talloc_zero_array(work, struct victim, (unsigned)doomed->count);
    for (size_t i = 0; i < doomed->count; i++) {
        work->victims[i].session = doomed->items[i];
        work->victims[i].end = is_active(doomed->items[i]) ? END_CANCEL : END_TERMINATE;
    }
    bool done = mw_postgres_crowd_read(postgres->connection, deadline, &before, error) &&
                end_them(work, deadline, error) &&
                watch_the_rest(work, &before, deadline, &after, error);
    if (done) {
        *result = report(work, doomed, &before, &after);
    }
    talloc_free(work);
    return done;
}
