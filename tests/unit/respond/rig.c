/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "rig.h"
#include "runtime/runtime.h"

extern const struct mw_store_ops mw_store_sqlite;

struct box box, others[RIG_OTHERS];
struct script script;
struct mw_policy policy;
struct mw_section_list maintenance;
struct mw_watch *watch;
struct mw_record *record;
struct mw_respond *respond;
struct mw_error rig_error;
const char *rig_demoted;

const struct mw_person viewer = {"vic", MW_ROLE_VIEWER}, operator_ = {"olga", MW_ROLE_OPERATOR},
                       alice = {"alice", MW_ROLE_APPROVER}, bob = {"bob", MW_ROLE_APPROVER};

static TALLOC_CTX *memory;
static char folder[64];
static char store[200];

/* ---- the boxes ---- */

static size_t other_count;
static struct mw_resource_config other_configs[RIG_OTHERS];
static char other_names[RIG_OTHERS][24];
static const char *needed[RIG_OTHERS + 1];

static struct box *box_of(const struct mw_target *target)
{
    int number = atoi(target->name + 3);
    return number == 0 ? &box : &others[number - 1];
}

static const char *words_of(const struct box *self)
{
    return self->says != NULL ? self->says : "";
}

static bool box_create(struct mw_target *target, const void *config, struct mw_error *error)
{
    return true;
}

static bool box_probe(struct mw_target *target, struct mw_deadline deadline,
                      struct mw_sample *sample, struct mw_error *error)
{
    struct box *self = box_of(target);
    if (self->unreachable)
        return mw_error_set(error, MW_ERROR_RETRY, "nobody there%s%s",
                            self->says != NULL ? ": " : "", words_of(self));
    sample->measured_at = mw_wall_now();
    sample->source = "box";
    mw_sample_add(sample, "level", self->level, true);
    return true;
}

static bool fix_assess(struct mw_target *target, const json_t *arguments,
                       struct mw_deadline deadline, TALLOC_CTX *on, struct mw_assessment *out,
                       struct mw_error *error)
{
    struct box *self = box_of(target);
    out->risk = self->flickers && self->assessed++ % 2 == 1 ? MW_RISK_DESTRUCTIVE : self->risk;
    out->effect = self->says != NULL ? self->says : "lowers the level";
    out->reason = self->says;
    out->arguments = json_deep_copy(arguments);
    json_object_set_new(out->arguments, "from", json_real(self->level));
    out->undo =
        json_pack("{s:s, s:{s:s}}", "tool", "box_unfix", "arguments", "resource", target->name);
    return true;
}

static bool fix_run(struct mw_target *target, const json_t *arguments, struct mw_deadline deadline,
                    json_t **result, struct mw_error *error)
{
    struct box *self = box_of(target);
    self->fixes++;
    if (self->during_fix != NULL)
        self->during_fix();
    if (self->fix_takes > 0 && !mw_sleep(self->fix_takes, error))
        return false;
    self->level = self->level_after;
    *result =
        mw_tool_result(!self->fix_fails, NULL, "level is %.0f%s", self->level, words_of(self));
    return true;
}

static bool flush_run(struct mw_target *target, const json_t *arguments,
                      struct mw_deadline deadline, json_t **result, struct mw_error *error)
{
    struct box *self = box_of(target);
    self->flushes++;
    self->level = 0;
    *result = mw_tool_result(true, NULL, "all gone");
    return true;
}

static bool box_facts(struct mw_target *target, struct mw_deadline deadline, json_t **facts,
                      struct mw_error *error)
{
    *facts = json_pack("{s:s?}", "words", box_of(target)->says);
    return true;
}

static bool unfix_run(struct mw_target *target, const json_t *arguments,
                      struct mw_deadline deadline, json_t **result, struct mw_error *error)
{
    struct box *self = box_of(target);
    self->unfixes++;
    *result = mw_tool_result(true, NULL, "taken back");
    return true;
}

#define ARGUMENTS                                                              \
    "{\"type\":\"object\",\"properties\":{\"resource\":{\"type\":\"string\"}," \
    "\"from\":{\"type\":\"number\"}},\"required\":[\"resource\"],\"additionalProperties\":false}"

static const struct mw_tool box_tools[] = {
    {.name = "box_fix",
     .floor = MW_RISK_REVERSIBLE,
     .description = "Fixes it.",
     .undo = "box_unfix",
     .schema = ARGUMENTS,
     .assess = fix_assess,
     .run = fix_run},
    {.name = "box_unfix",
     .floor = MW_RISK_REVERSIBLE,
     .description = "Takes it back.",
     .schema = ARGUMENTS,
     .run = unfix_run},
    {.name = "box_flush",
     .floor = MW_RISK_DESTRUCTIVE,
     .description = "Empties it.",
     .schema = ARGUMENTS,
     .run = flush_run},
    {.name = NULL},
};

static const struct mw_metric_spec box_metrics[] = {
    {.name = "level", .label = "level", .unit = "%", .degraded = 95, .failed = NAN},
    {.name = NULL},
};

int rig_closed;

static void box_destroy(struct mw_target *target)
{
    rig_closed++;
}

static const struct mw_target_ops box_ops = {.kind = "box",
                                             .destroy = box_destroy,
                                             .environment = "local",
                                             .metrics = box_metrics,
                                             .tools = box_tools,
                                             .create = box_create,
                                             .facts = box_facts,
                                             .probe = box_probe};

static const struct mw_resource_config box_config = {
    .name = "box", .kind = "box", .every = 1000, .timeout = 500, .hold = 2};

/* ---- the planner ---- */

char rig_impaired[200];

static void on_changed(void *context, const struct mw_incident *incident)
{
}

static void on_impaired(void *context, const char *planner, enum mw_impairment impairment,
                        const char *why, const char *instead)
{
    snprintf(rig_impaired, sizeof rig_impaired, "%s %d %s %s", planner, (int)impairment,
             why != NULL ? why : "-", instead != NULL ? instead : "-");
}

static const struct mw_respond_listener listener = {.changed = on_changed, .impaired = on_impaired};

/* What it is told is kept, and what the script says is told. */
static void begin_asked(const json_t *told, const struct mw_planner_host *host)
{
    script.asked++;
    json_decref(script.told);
    script.told = json_deep_copy(told);
    script.looked = script.look != NULL && host->look(host->context, script.look, script.look_at,
                                                      &script.seen, &script.look_error);
    for (int i = 0; i < script.exchanges; i++) {
        const struct mw_planner_exchange exchange = {.model = "script", .request = told};
        host->exchanged(host->context, &exchange);
    }
    if (script.impairment != MW_IMPAIRMENT_NONE)
        host->impaired(host->context, script.impairment, "no more money");
}

static bool answer_question(struct mw_planner *asked, const json_t *question,
                            const struct mw_planner_host *host, struct mw_deadline deadline,
                            json_t **answer, struct mw_error *error)
{
    begin_asked(question, host);
    *answer = json_pack("{s:s, s:[], s:{}}", "text", "Because.", "looked", "usage");
    return true;
}

static void spent(struct mw_planner *asked, double usd)
{
    script.spent = usd;
}

static bool propose(struct mw_planner *asked, const json_t *situation,
                    const struct mw_planner_host *host, struct mw_deadline deadline,
                    json_t **proposal, struct mw_error *error)
{
    begin_asked(situation, host);
    const json_t *previous = json_object_get(situation, "previous");
    const json_t *last = json_array_get(previous, json_array_size(previous) - 1);
    const char *complaint = json_string_value(json_object_get(last, "complaint"));
    snprintf(script.complaint, sizeof script.complaint, "%s", complaint != NULL ? complaint : "");
    if (script.takes > 0 && !mw_sleep(script.takes, error))
        return false;
    if (script.plays != NULL)
        return (*proposal = script.plays(situation, host, error)) != NULL;
    if (script.steps == NULL)
        return mw_error_set(error, MW_ERROR_REFUSED, "no idea");
    const char *steps = script.asked == 1 && script.first != NULL ? script.first : script.steps;
    *proposal =
        json_pack("{s:s, s:f, s:o, s:{s:s, s:i, s:i, s:f}}", "root_cause", "too full", "confidence",
                  script.confidence, "steps", json_loads(steps, 0, NULL), "usage", "model",
                  "script", "input_tokens", 100, "output_tokens", 10, "cost_usd", 0.5);
    return true;
}

static struct mw_planner_ops planner_ops = {.name = "script", .propose = propose, .spent = spent};
static struct mw_planner planner = {.ops = &planner_ops, .label = "script"};

/* ---- the store ---- */

const char *rig_unanswered;

void (*rig_when_begun)(void);

static bool store_open(struct mw_store *self, const char *location, enum mw_store_mode mode,
                       struct mw_error *error)
{
    return mw_store_sqlite.open(self, location, mode, error);
}

static void store_close(struct mw_store *self)
{
    mw_store_sqlite.close(self);
}

static bool is_about(const struct mw_transaction *transaction, const char *text)
{
    bool about = false;
    for (size_t i = 0; i < transaction->count; i++)
        about = about || strstr(transaction->statements[i].sql, text) != NULL;
    return about;
}

/* The audit row of a step that begins is among the values. */
static bool begins_step(const struct mw_transaction *transaction)
{
    for (size_t i = 0; i < transaction->count; i++) {
        const struct mw_statement *statement = &transaction->statements[i];
        for (size_t j = 0; j < statement->value_count; j++) {
            const char *text = statement->values[j].text;
            if (text != NULL && strcmp(text, "step_started") == 0)
                return true;
        }
    }
    return false;
}

static bool store_commit(struct mw_store *self, struct mw_transaction **transaction,
                         struct mw_deadline deadline, struct mw_error *error)
{
    bool unanswered = rig_unanswered != NULL && is_about(*transaction, rig_unanswered);
    if (!mw_store_sqlite.commit(self, transaction, deadline, error))
        return false;
    void (*then)(void) = rig_when_begun;
    if (then != NULL && begins_step(*transaction)) {
        rig_when_begun = NULL;
        then();
    }
    if (!unanswered)
        return true;
    rig_unanswered = NULL;
    talloc_free(*transaction);
    *transaction = NULL;
    return mw_error_set(error, MW_ERROR_TIMEOUT, "no answer in time");
}

static const struct mw_store_ops store_ops = {
    .name = "sqlite", .open = store_open, .close = store_close, .commit = store_commit};

/* ---- the rig ---- */

static enum mw_role role_now(const void *people, const char *person)
{
    return rig_demoted != NULL && strcmp(person, rig_demoted) == 0 ? MW_ROLE_VIEWER
                                                                   : MW_ROLE_APPROVER;
}

struct mw_respond_settings rig_settings(void)
{
    return (struct mw_respond_settings){.policy = &policy,
                                        .planner = &planner,
                                        .planner_timeout = 60000,
                                        .role_of = role_now,
                                        .maintenance = maintenance};
}

void rig_inventory(const char *const *names, bool anew)
{
    struct mw_error error = {0};
    struct mw_watch_entry entries[RIG_OTHERS + 1] = {{0}};
    struct mw_resource_config *configs = talloc_zero_array(NULL, struct mw_resource_config, 16);
    size_t count = 0;
    for (; names[count] != NULL; count++) {
        configs[count] = box_config;
        configs[count].name = names[count];
        entries[count] =
            (struct mw_watch_entry){.stays = anew ? NULL : mw_watch_find(watch, names[count]),
                                    .ops = &box_ops,
                                    .config = &configs[count],
                                    .same_target = true};
    }
    assert_true(mw_watch_replace(watch, entries, count, configs, &error));
    /* From here on it lives as long as somebody keeps it. */
    talloc_unlink(NULL, configs);
}

static void begin(void)
{
    struct mw_error error = {0};
    struct mw_respond_settings settings = rig_settings();
    rig_closed = 0;
    planner_ops.uses_past = script.uses_past;
    planner_ops.ask = script.answers ? answer_question : NULL;
    rig_impaired[0] = '\0';
    memory = talloc_new(NULL);
    watch = mw_watch_create(memory);
    struct mw_resource_config first = box_config;
    first.depends_on =
        (struct mw_text_list){.count = needed[0] != NULL, .items = (const char **)&needed[0]};
    assert_non_null(
        mw_watch_add(watch, &box_ops, talloc_memdup(memory, &first, sizeof first), NULL, &error));
    for (size_t i = 0; i < other_count; i++) {
        snprintf(other_names[i], sizeof other_names[i], "box%zu", i + 1);
        other_configs[i] = box_config;
        other_configs[i].name = other_names[i];
        other_configs[i].depends_on = (struct mw_text_list){.count = needed[i + 1] != NULL,
                                                            .items = (const char **)&needed[i + 1]};
        assert_non_null(mw_watch_add(watch, &box_ops, &other_configs[i], NULL, &error));
    }
    record = mw_record_open(memory, &store_ops, store, MW_STORE_ACTIVE, &error);
    if (record == NULL)
        fail_msg("%s", error.text);
    respond = mw_respond_create(memory, watch, record, &settings, &listener);
    if (!mw_respond_start(respond, &error))
        fail_msg("%s", error.text);
    mw_watch_start(watch);
}

static void end(void)
{
    mw_respond_stop(respond);
    mw_watch_stop(watch);
    mw_record_close(record);
    talloc_free(memory);
}

static int in_fiber(void *argument)
{
    void (*body)(void) = *(void (**)(void))argument;
    begin();
    body();
    end();
    return 0;
}

void rig_run(void (*body)(void))
{
    struct mw_error error = {0};
    /* In memory where there is such a place: nothing here survives a loss of power. */
    snprintf(folder, sizeof folder, "%s/midwatch-respond-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(folder));
    snprintf(store, sizeof store, "%s/midwatch.db", folder);
    box = (struct box){.level = 40, .level_after = 50, .risk = MW_RISK_REVERSIBLE};
    for (size_t i = 0; i < RIG_OTHERS; i++)
        others[i] = box;
    script = (struct script){.steps = FIX, .confidence = 0.9};
    policy = (struct mw_policy){.fallback = MW_VERDICT_APPROVE,
                                .approval_timeout = 1800000,
                                .min_confidence = 0.6,
                                .max_retries = 2,
                                .verify_hold = 10000};
    maintenance = (struct mw_section_list){0};
    mw_log_setup(MW_LEVEL_ERROR, false);
    mw_clock_virtual(1700000000000, 1);
    assert_true(mw_runtime_init(&error));
    mw_runtime_run(in_fiber, &body);
    mw_runtime_finish();
    mw_clock_real();
    json_decref(script.told);
    char command[300];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

void rig_run_with(void (*body)(void), size_t count, const char *const *needs)
{
    other_count = count;
    for (size_t i = 0; needs != NULL && i <= count; i++)
        needed[i] = needs[i];
    rig_run(body);
    other_count = 0;
    memset(needed, 0, sizeof needed);
}

void rig_restart(const char *file)
{
    end();
    if (file != NULL)
        snprintf(store, sizeof store, "%s", file);
    begin();
}

const char *rig_store(void)
{
    return store;
}

void rig_sql(const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(store, &db), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(db, 5000), SQLITE_OK);
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s", message);
    sqlite3_close(db);
}

void rig_copy_store(const char *to)
{
    char command[900];
    snprintf(command, sizeof command, "cp %s %s && if [ -f %s-wal ]; then cp %s-wal %s-wal; fi",
             store, to, store, store, to);
    assert_int_equal(system(command), 0);
}

const struct mw_incident *rig_recorded(int64_t id)
{
    struct mw_error error = {0};
    return mw_record_incident(record, memory, id, &error);
}

const struct mw_incident *rig_until_stage(int64_t id, enum mw_stage stage, int seconds)
{
    struct mw_error error = {0};
    for (int i = 0; i < seconds * 20; i++) {
        const struct mw_incident *incident = rig_recorded(id);
        if (incident != NULL && incident->stage == stage)
            return incident;
        assert_true(mw_sleep(50, &error));
    }
    fail_msg("I%d did not reach stage %s", (int)id, mw_stage_name(stage));
    return NULL;
}

bool rig_decide(int64_t id, enum mw_action action, int revision, const struct mw_person *person)
{
    char *said = NULL;
    rig_error = (struct mw_error){0};
    bool ok =
        mw_respond_decide(respond, id, action, revision, person, NULL, memory, &said, &rig_error);
    assert_true(ok ? said != NULL : rig_error.text[0] != '\0');
    return ok;
}
