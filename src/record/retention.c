/* SPDX-License-Identifier: Apache-2.0 */
#include "record/retention.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "record/audit.h"
#include "record/sql.h"
#include "runtime/fiber.h"

#define ROOM     "record"
#define PORTION  50
#define PAUSE_MS 20
#define DAY_MS   (INT64_C(24) * 3600 * 1000)
#define RETRY_MS (INT64_C(10) * 60 * 1000)

/* How far the wall clock may have run ahead of the other since it was last looked at. A clock that is set to
 * a wrong year makes all that is kept look old. */
#define AHEAD_MS (7 * DAY_MS)

const struct mw_option mw_retention_options[] = {
    {.name = "incidents",
     .type = MW_OPTION_DURATION,
     .flags = MW_OPTION_RELOADABLE,
     .fallback = "400d",
     .help = "how long a closed incident is kept, with all that belongs to it",
     .offset = offsetof(struct mw_retention, incidents),
     .minimum = DAY_MS,
     .maximum = 36600.0 * DAY_MS},
    {.name = "exchanges",
     .type = MW_OPTION_DURATION,
     .flags = MW_OPTION_RELOADABLE,
     .fallback = "30d",
     .help = "how long it is kept what was said to models and by them",
     .offset = offsetof(struct mw_retention, exchanges),
     .minimum = DAY_MS,
     .maximum = 36600.0 * DAY_MS},
    {.name = NULL},
};

/* What a kind of row takes to be removed. */
struct kind {
    const char *name;
    const char *oldest; /* takes a moment and a limit */
    /* Each takes the ids; the last removes the rows themselves and must find all of them as they were,
     * or nothing happens: somebody may have taken an incident up again. */
    const char *removals[9];
};

static const struct kind incidents = {
    "incidents",
    "SELECT id FROM incident WHERE stage = 'closed' AND closed_at > 0 AND closed_at < ?"
    " AND id < (SELECT MAX(id) FROM incident) ORDER BY closed_at, id LIMIT ?",
    {"DELETE FROM exchange WHERE incident IN ", "DELETE FROM outbox WHERE incident IN ",
     "DELETE FROM member WHERE incident IN ", "DELETE FROM decision WHERE incident IN ",
     "DELETE FROM step WHERE incident IN ", "DELETE FROM plan WHERE incident IN ",
     "DELETE FROM incident WHERE stage = 'closed' AND id IN ", NULL},
};

static const struct kind exchanges = {
    "exchanges",
    "SELECT id FROM exchange WHERE happened_at < ? ORDER BY happened_at, id LIMIT ?",
    {"DELETE FROM exchange WHERE id IN ", NULL},
};

MW_SUSPENDS static bool find_oldest(struct mw_record *record, const struct kind *kind,
                                    mw_wall_ms before, int64_t ids[PORTION], size_t *count,
                                    struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_query(&sql, kind->oldest);
    mw_sql_integer(&sql, before);
    mw_sql_integer(&sql, PORTION);
    bool ok = mw_sql_commit(record, &sql, mw_sql_deadline(), error);
    *count = ok ? mw_sql_rows(&sql, 0) : 0;
    for (size_t i = 0; i < *count; i++) {
        struct mw_row row = mw_sql_row(&sql, 0, i);
        ids[i] = mw_row_integer(&row);
    }
    mw_sql_finish(&sql);
    return ok;
}

static void add_removal(struct mw_sql *sql, const char *head, const int64_t *ids, size_t count)
{
    char *text = talloc_asprintf(sql->transaction, "%s(?", head);
    for (size_t i = 1; text != NULL && i < count; i++) {
        text = talloc_strdup_append(text, ", ?");
    }
    text = text != NULL ? talloc_strdup_append(text, ")") : NULL;
    if (text == NULL) {
        sql->failed = true;
        return;
    }
    mw_sql_add(sql, text);
    for (size_t i = 0; i < count; i++) {
        mw_sql_integer(sql, ids[i]);
    }
}

/* The trail keeps which they were: of exchanges the number is all that there is to say. */
static json_t *removal_detail(const struct kind *kind, mw_wall_ms before, const int64_t *ids,
                              size_t count)
{
    char *moment = mw_time_rfc3339(NULL, before);
    json_t *detail = json_pack("{s:s, s:I, s:s?}", "removed", kind->name, "count",
                               (json_int_t)count, "older_than", moment);
    talloc_free(moment);
    if (kind == &incidents) {
        json_t *names = json_array();
        for (size_t i = 0; i < count; i++) {
            json_array_append_new(names, json_sprintf("I%" PRId64, ids[i]));
        }
        json_object_set_new(detail, "incidents", names);
    }
    return detail;
}

MW_SUSPENDS static bool remove_portion(struct mw_record *record, const struct kind *kind,
                                       mw_wall_ms before, const int64_t *ids, size_t count,
                                       struct mw_error *error)
{
    json_auto_t *detail = removal_detail(kind, before, ids, count);
    struct mw_sql sql;
    mw_sql_begin(&sql);
    for (const char *const *head = kind->removals; *head != NULL; head++) {
        add_removal(&sql, *head, ids, count);
    }
    mw_sql_expect(&sql, (int)count);
    mw_audit_append(&sql, "midwatch", "retention", 0, detail);
    bool ok = mw_sql_commit(record, &sql, mw_sql_deadline(), error);
    mw_sql_finish(&sql);
    return ok;
}

MW_SUSPENDS static bool sweep_kind(struct mw_record *record, const struct kind *kind, int64_t keep,
                                   int64_t *swept, struct mw_error *error)
{
    mw_wall_ms before = mw_wall_now() - keep;
    int64_t ids[PORTION];
    size_t count;
    do {
        if (!find_oldest(record, kind, before, ids, &count, error) ||
            (count > 0 && !remove_portion(record, kind, before, ids, count, error))) {
            return mw_error_wrap(error, "removing old %s", kind->name);
        }
        *swept += (int64_t)count;
    } while (count == PORTION && mw_sleep(PAUSE_MS, error));
    return count < PORTION;
}

bool mw_retention_sweep(struct mw_record *record, const struct mw_retention *retention,
                        struct mw_retention_swept *swept, struct mw_error *error)
{
    /* A reload may change them meanwhile. */
    const struct mw_retention keep = *retention;
    *swept = (struct mw_retention_swept){0};
    return sweep_kind(record, &exchanges, keep.exchanges, &swept->exchanges, error) &&
           sweep_kind(record, &incidents, keep.incidents, &swept->incidents, error);
}

struct moment {
    mw_wall_ms wall;
    mw_mono_ns mono;
};

/* Before this process, the newest entry of the trail is the last that is known of the time. */
MW_SUSPENDS static bool last_moment(struct mw_record *record, struct moment *last,
                                    struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_query(&sql, "SELECT happened_at FROM audit ORDER BY id DESC LIMIT 1");
    bool ok = mw_sql_commit(record, &sql, mw_sql_deadline(), error);
    *last = (struct moment){mw_wall_now(), mw_mono_now()};
    if (ok && mw_sql_rows(&sql, 0) == 1) {
        struct mw_row row = mw_sql_row(&sql, 0, 0);
        last->wall = mw_row_integer(&row);
    }
    mw_sql_finish(&sql);
    return ok;
}

/* Should it be right after all, the next sweep is only a day late. */
static bool is_credible(struct moment *last)
{
    struct moment now = {mw_wall_now(), mw_mono_now()};
    int64_t ahead = mw_wall_between(last->wall, now.wall) - (now.mono - last->mono) / 1000000;
    *last = now;
    if (ahead > AHEAD_MS) {
        mw_log_warning(ROOM,
                       "this machine's clock is %" PRId64
                       " days ahead of what the record knows, so nothing is removed as old before "
                       "tomorrow: look whether the clock is right",
                       ahead / DAY_MS);
    }
    return ahead <= AHEAD_MS;
}

/* False: it is to be tried again soon. */
MW_SUSPENDS static bool sweep_once(struct mw_record *record, const struct mw_retention *retention,
                                   struct moment *last, struct mw_error *error)
{
    struct mw_retention_swept swept = {0};
    if (last->mono == 0 && !last_moment(record, last, error)) {
        return false;
    }
    bool ok = !is_credible(last) || mw_retention_sweep(record, retention, &swept, error);
    if (swept.incidents + swept.exchanges > 0) {
        mw_log_info(ROOM,
                    "removed what retention says is old: %" PRId64 " incidents, %" PRId64
                    " exchanges",
                    swept.incidents, swept.exchanges);
    }
    return ok;
}

void mw_retention_run(struct mw_record *record, const struct mw_retention *retention)
{
    struct mw_error error = {0};
    struct moment last = {0};
    int64_t pause;
    do {
        bool ok = sweep_once(record, retention, &last, &error);
        if (!ok && error.class != MW_ERROR_CANCELLED) {
            mw_log_warning(ROOM, "%s; the next try is in 10 minutes", error.text);
        }
        pause = ok ? DAY_MS : RETRY_MS;
    } while (mw_sleep(pause, &error));
}
