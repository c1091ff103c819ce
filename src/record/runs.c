/* SPDX-License-Identifier: Apache-2.0 */
#include "record/runs.h"

#include <math.h>
#include <string.h>

#include "record/sql.h"

/* So many incidents at a time. */
#define PORTION 500

#define TOOLS_MAX   32
#define MEMBERS_MAX 64

/* The incidents of one portion, and how what belongs to them is ordered alike. */
#define WHICH                                                  \
    " FROM incident WHERE stage = 'closed' AND closed_at >= ?" \
    " AND closed_at < ? AND (closed_at > ? OR id > ?)"         \
    " ORDER BY closed_at, id LIMIT ?"
#define OF_THEM " FROM (SELECT id, closed_at" WHICH ") i JOIN "

/* The places of the queries in the transaction. */
enum { INCIDENTS, PLANS, STEPS, MEMBERS, QUERIES };

static const char *const queries[QUERIES] = {
    "SELECT id, closed_at, resource, kind, environment, outcome, detect_ms, analyse_ms, approve_ms,"
    " execute_ms, verify_ms, total_ms" WHICH,
    "SELECT p.incident, p.revision, p.automatic, p.undo, p.model_usage" OF_THEM
    "plan p ON p.incident = i.id ORDER BY i.closed_at, i.id, p.revision",
    "SELECT s.incident, s.revision, s.tool" OF_THEM "step s ON s.incident = i.id"
    " WHERE s.state IN ('done', 'failed', 'unknown', 'undone') AND s.risk <> 'read'"
    " ORDER BY i.closed_at, i.id, s.revision, s.position",
    "SELECT m.incident, m.resource" OF_THEM "member m ON m.incident = i.id"
    " ORDER BY i.closed_at, i.id, m.position",
};

struct walk {
    mw_wall_ms to;
    mw_wall_ms closed_at; /* where the last portion ended */
    int64_t id;
    mw_past_visit *visit;
    void *context;
    size_t next[QUERIES]; /* row of each query */
    struct mw_past_tool tools[TOOLS_MAX];
    const char *members[MEMBERS_MAX];
};

/* The next row of a query, where it belongs to this incident; its first cell is behind it then. */
static bool next_row(struct walk *walk, const struct mw_sql *sql, size_t query, int64_t id,
                     struct mw_row *row)
{
    if (walk->next[query] == mw_sql_rows(sql, query)) {
        return false;
    }
    *row = mw_sql_row(sql, query, walk->next[query]);
    if (mw_row_integer(row) != id) {
        return false;
    }
    walk->next[query]++;
    return true;
}

void mw_past_usage_add(struct mw_past_usage *sum, const struct mw_past_usage *more)
{
    sum->input_tokens += more->input_tokens;
    sum->output_tokens += more->output_tokens;
    sum->cost_usd += more->cost_usd;
}

static void read_usage(struct mw_row *row, struct mw_past_usage *sum)
{
    json_auto_t *usage = mw_row_json(row);
    if (!json_is_object(usage)) {
        return;
    }
    const json_t *cost = json_object_get(usage, "cost_usd");
    const struct mw_past_usage one = {
        .input_tokens = json_integer_value(json_object_get(usage, "input_tokens")),
        .output_tokens = json_integer_value(json_object_get(usage, "output_tokens")),
        .cost_usd = json_is_number(cost) ? json_number_value(cost) : NAN,
    };
    mw_past_usage_add(sum, &one);
}

static struct mw_past_tool *find_tool(struct walk *walk, struct mw_past *run, const char *name)
{
    for (size_t i = 0; i < run->tool_count; i++) {
        if (strcmp(walk->tools[i].name, name) == 0) {
            return &walk->tools[i];
        }
    }
    if (run->tool_count == TOOLS_MAX) {
        return NULL;
    }
    walk->tools[run->tool_count] = (struct mw_past_tool){.name = name};
    return &walk->tools[run->tool_count++];
}

/* The steps of a plan that were called and change something; false: there is none. */
static bool read_steps(struct walk *walk, const struct mw_sql *sql, struct mw_past *run,
                       int64_t revision, bool undo)
{
    bool ran = false;
    struct mw_row row;
    for (;;) {
        size_t here = walk->next[STEPS];
        if (!next_row(walk, sql, STEPS, run->id, &row)) {
            return ran;
        }
        if (mw_row_integer(&row) != revision) {
            walk->next[STEPS] = here;
            return ran;
        }
        if (!ran && !undo) {
            for (size_t i = 0; i < run->tool_count; i++) {
                walk->tools[i].last = false;
            }
        }
        ran = true;
        const char *name = mw_row_peek(&row);
        struct mw_past_tool *tool = undo || name == NULL ? NULL : find_tool(walk, run, name);
        if (tool != NULL) {
            tool->last = true;
        }
    }
}

static void read_plans(struct walk *walk, const struct mw_sql *sql, struct mw_past *run)
{
    struct mw_row row;
    while (next_row(walk, sql, PLANS, run->id, &row)) {
        int64_t revision = mw_row_integer(&row);
        bool automatic = mw_row_integer(&row) != 0;
        bool undo = mw_row_integer(&row) != 0;
        read_usage(&row, &run->usage);
        bool ran = read_steps(walk, sql, run, revision, undo);
        run->automatic += ran && !undo && automatic;
        run->approved += ran && !undo && !automatic;
    }
    /* Steps of no plan cannot be; a damaged record must not stop the walk. */
    while (next_row(walk, sql, STEPS, run->id, &row)) {
    }
}

static void read_run(struct walk *walk, const struct mw_sql *sql)
{
    struct mw_row row = mw_sql_row(sql, INCIDENTS, walk->next[INCIDENTS]++);
    struct mw_past run = {.tools = walk->tools, .members = walk->members};
    walk->id = run.id = mw_row_integer(&row);
    walk->closed_at = run.closed_at = mw_row_integer(&row);
    run.resource = mw_row_peek(&row);
    run.kind = mw_row_peek(&row);
    run.environment = mw_row_peek(&row);
    bool known = mw_outcome_parse(mw_row_peek(&row), &run.outcome);
    run.durations.detect = mw_row_integer(&row);
    run.durations.analyse = mw_row_integer(&row);
    run.durations.approve = mw_row_integer(&row);
    run.durations.execute = mw_row_integer(&row);
    run.durations.verify = mw_row_integer(&row);
    run.durations.total = mw_row_integer(&row);
    read_plans(walk, sql, &run);
    struct mw_row member;
    while (next_row(walk, sql, MEMBERS, run.id, &member)) {
        const char *name = mw_row_peek(&member);
        if (name != NULL && run.member_count < MEMBERS_MAX) {
            walk->members[run.member_count++] = name;
        }
    }
    if (known && !row.damaged && run.resource != NULL && run.kind != NULL &&
        run.environment != NULL) {
        walk->visit(walk->context, &run);
    }
}

MW_SUSPENDS static bool read_portion(struct mw_record *record, struct walk *walk, bool *end,
                                     struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    for (size_t i = 0; i < QUERIES; i++) {
        walk->next[i] = 0;
        mw_sql_query(&sql, queries[i]);
        mw_sql_integer(&sql, walk->closed_at);
        mw_sql_integer(&sql, walk->to);
        mw_sql_integer(&sql, walk->closed_at);
        mw_sql_integer(&sql, walk->id);
        mw_sql_integer(&sql, PORTION);
    }
    bool ok = mw_sql_commit(record, &sql, mw_sql_deadline(), error);
    size_t rows = ok ? mw_sql_rows(&sql, INCIDENTS) : 0;
    while (walk->next[INCIDENTS] < rows) {
        read_run(walk, &sql);
    }
    *end = rows < PORTION;
    mw_sql_finish(&sql);
    return ok;
}

bool mw_record_runs(struct mw_record *record, mw_wall_ms from, mw_wall_ms to, mw_past_visit *visit,
                    void *context, struct mw_error *error)
{
    struct walk *walk = talloc_zero(NULL, struct walk);
    if (walk == NULL) {
        return mw_error_set(error, MW_ERROR_RETRY, "out of memory while reading incidents");
    }
    *walk = (struct walk){.to = to, .closed_at = from, .visit = visit, .context = context};
    bool ok = true;
    for (bool end = false; ok && !end;) {
        ok = read_portion(record, walk, &end, error);
    }
    talloc_free(walk);
    return ok || mw_error_wrap(error, "reading the incidents of a period");
}

bool mw_record_questions(struct mw_record *record, mw_wall_ms from, mw_wall_ms to,
                         struct mw_past_usage *usage, struct mw_error *error)
{
    struct mw_sql sql;
    mw_sql_begin(&sql);
    mw_sql_query(&sql, "SELECT model_usage FROM exchange WHERE incident = 0 AND happened_at >= ?"
                       " AND happened_at < ? AND model_usage IS NOT NULL");
    mw_sql_integer(&sql, from);
    mw_sql_integer(&sql, to);
    bool ok = mw_sql_commit(record, &sql, mw_sql_deadline(), error);
    *usage = (struct mw_past_usage){0};
    for (size_t i = 0; ok && i < mw_sql_rows(&sql, 0); i++) {
        struct mw_row row = mw_sql_row(&sql, 0, i);
        read_usage(&row, usage);
    }
    mw_sql_finish(&sql);
    return ok || mw_error_wrap(error, "reading what questions took");
}
