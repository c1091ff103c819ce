/* SPDX-License-Identifier: Apache-2.0 */
/* What people are told when nothing can be recorded: it is the one thing that no outbox can hold. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "converse/paper.h"
#include "converse/room.h"

#define TELL_MS      10000
#define TRIAL_MS     1000
#define TRIAL_MS_MAX 30000
/* A trial that works says little while others go on failing: it must work for longer than they pause, and
 * that grows as their pauses do. */
#define SURE_MS     2000
#define SURE_MS_MAX 120000

/* What is tried must be no smaller than what waits, or a disk that is nearly full looks well again. */
#define TRIAL_BYTES (32 * 1024)

static void tell(struct mw_converse *converse, const char *key, const char *text)
{
    TALLOC_CTX *memory = talloc_new(converse);
    json_auto_t *message = mw_paper_sentence(memory, "%s", text);
    for (size_t i = 0; i < converse->channel_count; i++) {
        struct mw_chat *chat = converse->channels[i]->chat;
        struct mw_error error;
        char *reference;
        if (!chat->ops->post(chat, key, message, NULL, mw_deadline_in(TELL_MS), memory, &reference,
                             &error) &&
            error.class != MW_ERROR_CANCELLED) {
            mw_log_warning("converse", "%s could not be told of the record: %s", chat->name,
                           error.text);
        }
    }
    talloc_free(memory);
}

/* Reading may work while writing does not, so something is written: an event that asks for nothing. */
static bool try_record(struct mw_converse *converse, const char *key, struct mw_error *error)
{
    char *text = talloc_zero_size(NULL, TRIAL_BYTES + 1);
    if (text == NULL) {
        return false;
    }
    memset(text, ' ', TRIAL_BYTES);
    json_auto_t *body = json_pack("{s:s}", "trial", text);
    talloc_free(text);
    int64_t id;
    bool fresh;
    return mw_inbox_add(converse->record, "midwatch", key, body, &id, &fresh, error) &&
           mw_inbox_done(converse->record, id, error);
}

static int64_t doubled(int64_t pause, int64_t most)
{
    return pause * 2 > most ? most : pause * 2;
}

/* Returns when the record works again, for others too, or the fiber was cancelled. */
static void await_record(struct mw_converse *converse, const char *key)
{
    struct mw_error error;
    int64_t pause = TRIAL_MS, sure = SURE_MS / 2;
    bool works = false;
    unsigned failures = converse->failures;
    while (mw_sleep(works ? sure : pause, &error)) {
        works = try_record(converse, key, &error);
        if (works && failures == converse->failures) {
            return;
        }
        failures = converse->failures;
        sure = works ? doubled(sure, SURE_MS_MAX) : sure;
        pause = works ? pause : doubled(pause, TRIAL_MS_MAX);
    }
}

static void run_outage(void *argument)
{
    struct mw_converse *converse = argument;
    int64_t begun = mw_wall_now();
    char *key = talloc_asprintf(converse, "outage/%" PRId64, begun);
    char *text = talloc_asprintf(converse,
                                 "I cannot record: %s. Alarms may be late and nothing is carried "
                                 "out until this is mended.",
                                 converse->outage);
    tell(converse, key, text);
    await_record(converse, key);
    if (!mw_fiber_cancelled()) {
        talloc_free(key);
        key = talloc_asprintf(converse, "outage/%" PRId64 "/end", begun);
        tell(converse, key, "I can record again. What waited is taken up now.");
    }
    TALLOC_FREE(converse->outage);
    converse->alarm_count = 0;
    talloc_free(key);
    talloc_free(text);
}

void mw_outage_begin(struct mw_converse *converse, const struct mw_error *why)
{
    bool fails = why->class == MW_ERROR_PERMANENT || why->class == MW_ERROR_RETRY ||
                 why->class == MW_ERROR_TIMEOUT;
    converse->failures += fails;
    if (!fails || converse->outage != NULL || converse->stopping) {
        return;
    }
    converse->outage = talloc_strdup(converse, why->text);
    if (converse->outage != NULL) {
        mw_fiber_spawn(&converse->fibers, "outage", run_outage, converse);
    }
}

struct alarm {
    struct mw_converse *converse;
    char *key, *text;
};

static void tell_alarm(void *argument)
{
    struct alarm *alarm = argument;
    tell(alarm->converse, alarm->key, alarm->text);
    talloc_free(alarm);
}

static bool is_told(const struct mw_converse *converse, int64_t incident)
{
    for (size_t i = 0; i < converse->alarm_count; i++) {
        if (converse->alarms[i] == incident) {
            return true;
        }
    }
    return false;
}

void mw_outage_alarm(void *context, const struct mw_incident *incident, const struct mw_error *why)
{
    struct mw_converse *converse = context;
    mw_outage_begin(converse, why);
    if (incident->version > 0 || converse->outage == NULL || is_told(converse, incident->id) ||
        converse->alarm_count == MW_OUTAGE_ALARMS_MAX) {
        return;
    }
    struct alarm *alarm = talloc_zero(converse, struct alarm);
    if (alarm == NULL) {
        return;
    }
    const char *symptom = incident->finding_count > 0 ? incident->findings[0].text : NULL;
    alarm->converse = converse;
    alarm->key =
        talloc_asprintf(alarm, "outage/I%" PRId64 "/%" PRId64, incident->id, incident->opened_at);
    alarm->text = talloc_asprintf(alarm, "%s is %s%s%s. It has no card until it can be recorded.",
                                  incident->resource, mw_health_name(incident->severity),
                                  symptom != NULL ? ": " : "", symptom != NULL ? symptom : "");
    converse->alarms[converse->alarm_count++] = incident->id;
    mw_fiber_spawn(&converse->fibers, "alarm", tell_alarm, alarm);
}
