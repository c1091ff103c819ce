/* SPDX-License-Identifier: Apache-2.0 */
/* Incidents become messages: whatever changed, all that an incident has to say is rendered anew, and
 * the outbox keeps what is different. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "converse/room.h"

/* How long a record that fails is left alone. */
#define RECORD_PAUSE_MS 1000

void mw_reconcile_mark(struct mw_converse *converse, int64_t incident)
{
    for (size_t i = 0; i < converse->dirty_count; i++) {
        if (converse->dirty[i] == incident) {
            return;
        }
    }
    int64_t *grown = talloc_realloc(converse, converse->dirty, int64_t, converse->dirty_count + 1);
    if (grown == NULL) {
        mw_log_error("converse", "out of memory: chat is not told of I%" PRId64 " now", incident);
        return;
    }
    converse->dirty = grown;
    converse->dirty[converse->dirty_count++] = incident;
    mw_condition_notify(&converse->dirtied);
}

static int64_t take_dirty(struct mw_converse *converse)
{
    int64_t incident = converse->dirty[0];
    converse->dirty_count--;
    memmove(converse->dirty, converse->dirty + 1, converse->dirty_count * sizeof *converse->dirty);
    return incident;
}

/* ---- rendering ---- */

struct rendered {
    struct mw_outbox_item *items;
    size_t count;
};

static int release_message(json_t **message)
{
    json_decref(*message);
    return 0;
}

static void add(struct rendered *out, const struct mw_scene *scene, const char *slot,
                json_t *message)
{
    json_t **keeper = talloc(scene->memory, json_t *);
    if (keeper == NULL) {
        json_decref(message);
        return;
    }
    *keeper = message;
    talloc_set_destructor(keeper, release_message);
    struct mw_outbox_item *grown =
        talloc_realloc(scene->memory, out->items, struct mw_outbox_item, out->count + 1);
    if (grown != NULL && slot != NULL) {
        out->items = grown;
        out->items[out->count++] = (struct mw_outbox_item){slot, message};
    }
}

struct mw_outbox_item *mw_reconcile_render(const struct mw_scene *scene, size_t *count)
{
    const struct mw_incident *incident = scene->incident;
    struct rendered out = {0};
    add(&out, scene, "card", mw_card_message(scene));
    if (mw_evidence_due(incident)) {
        add(&out, scene, "evidence", mw_evidence_message(scene));
    }
    for (size_t i = 0; i < incident->plan_count; i++) {
        const struct mw_plan *plan = &incident->plans[i];
        if (mw_plan_due(incident, plan)) {
            add(&out, scene, talloc_asprintf(scene->memory, "plan/%d", plan->revision),
                mw_plan_message(scene, plan));
        }
        if (mw_say_voided(scene, plan) != NULL) {
            add(&out, scene, talloc_asprintf(scene->memory, "voided/%d", plan->revision),
                mw_voided_message(scene, plan));
        }
        if (mw_progress_due(plan)) {
            add(&out, scene, talloc_asprintf(scene->memory, "progress/%d", plan->revision),
                mw_progress_message(scene, plan));
        }
    }
    if (incident->stage == MW_STAGE_CLOSED) {
        add(&out, scene, "verdict", mw_verdict_message(scene));
    }
    *count = out.count;
    return out.items;
}

/* ---- reconciling ---- */

/* How the plan's tool fared before. */
static bool read_track(struct mw_converse *converse, const struct mw_incident *incident,
                       struct mw_track *track)
{
    const struct mw_step *step = incident->stage < MW_STAGE_CLOSED ? mw_scene_step(incident) : NULL;
    struct mw_error error;
    return step != NULL && mw_record_track(converse->record, step->tool, step->kind,
                                           step->environment, track, &error);
}

/* What cannot be read now cannot be read later either, and the record works for all others. The next start
 * looks at it again. */
static bool is_damaged(struct mw_converse *converse, int64_t id, const struct mw_error *error)
{
    if (error->class != MW_ERROR_PERMANENT) {
        return false;
    }
    mw_log_error("converse", "chat is not told of I%" PRId64 ": %s", id, error->text);
    char *text =
        talloc_asprintf(NULL, "What became of I%" PRId64 " cannot be shown: %s.", id, error->text);
    if (text != NULL) {
        mw_converse_notice(converse, "damage", text);
    }
    talloc_free(text);
    return true;
}

static bool reconcile(struct mw_converse *converse, TALLOC_CTX *memory, int64_t id,
                      struct mw_error *error)
{
    /* From the record and not from what respond holds in its hands, so that chat never shows what
     * is not recorded yet. */
    struct mw_incident *incident = mw_record_incident(converse->record, memory, id, error);
    if (incident == NULL) {
        return error->class == MW_ERROR_BAD_INPUT || is_damaged(converse, id, error);
    }
    struct mw_track track;
    bool has_track = read_track(converse, incident, &track);
    struct mw_scene scene = {.memory = memory,
                             .installation = converse->settings.name,
                             .incident = incident,
                             .resource = mw_watch_find(converse->watch, incident->resource),
                             .watch = converse->watch,
                             .quiet = mw_scene_quiet(memory, converse->respond, incident),
                             .track = has_track ? &track : NULL};
    bool closed = incident->stage == MW_STAGE_CLOSED;
    int64_t version = incident->version;
    size_t count;
    struct mw_outbox_item *items = mw_reconcile_render(&scene, &count);
    if (!mw_channels_put(converse, id, items, count, error)) {
        return false;
    }
    return !closed || mw_record_told(converse->record, id, version, error);
}

void mw_reconcile_run(void *argument)
{
    struct mw_converse *converse = argument;
    struct mw_error error;
    bool complained = false;
    while (!mw_fiber_cancelled()) {
        if (converse->dirty_count == 0) {
            converse->reconciling = false;
            mw_condition_notify(&converse->settled);
            if (!mw_condition_wait(&converse->dirtied, MW_NO_DEADLINE, &error)) {
                break;
            }
            continue;
        }
        converse->reconciling = true;
        int64_t id = take_dirty(converse);
        TALLOC_CTX *memory = talloc_new(converse);
        bool done = reconcile(converse, memory, id, &error);
        talloc_free(memory);
        if (done) {
            complained = false;
            continue;
        }
        mw_reconcile_mark(converse, id);
        mw_outage_begin(converse, &error);
        if (error.class != MW_ERROR_CANCELLED && !complained) {
            mw_log_warning("converse", "chat is not told of I%" PRId64 " for now: %s", id,
                           error.text);
            complained = true;
        }
        if (!mw_sleep(RECORD_PAUSE_MS, &error)) {
            break;
        }
    }
    converse->reconciling = false;
}
