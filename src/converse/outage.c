/* SPDX-License-Identifier: Apache-2.0 */
/* What people are told when nothing can be recorded: it is the one thing that no outbox can hold. */
#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "converse/paper.h"
#include "converse/room.h"

#define TELL_MS      10000
#define TRIAL_MS     1000
#define TRIAL_MS_MAX 30000

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
    json_auto_t *body = json_object();
    int64_t id;
    bool fresh;
    return mw_inbox_add(converse->record, "midwatch", key, body, &id, &fresh, error) &&
           mw_inbox_done(converse->record, id, error);
}

static void run_outage(void *argument)
{
    struct mw_converse *converse = argument;
    struct mw_error error;
    int64_t begun = mw_wall_now(), pause = TRIAL_MS;
    char *key = talloc_asprintf(converse, "outage/%" PRId64, begun);
    char *text = talloc_asprintf(converse,
                                 "I cannot record: %s. Alarms may be late and nothing is carried "
                                 "out until this is mended.",
                                 converse->outage);
    tell(converse, key, text);
    while (mw_sleep(pause, &error) && !try_record(converse, key, &error)) {
        pause = pause * 2 > TRIAL_MS_MAX ? TRIAL_MS_MAX : pause * 2;
    }
    if (!mw_fiber_cancelled()) {
        talloc_free(key);
        key = talloc_asprintf(converse, "outage/%" PRId64 "/end", begun);
        tell(converse, key, "I can record again. What waited is taken up now.");
    }
    TALLOC_FREE(converse->outage);
    talloc_free(key);
    talloc_free(text);
}

void mw_outage_begin(struct mw_converse *converse, const struct mw_error *why)
{
    bool fails = why->class == MW_ERROR_PERMANENT || why->class == MW_ERROR_RETRY ||
                 why->class == MW_ERROR_TIMEOUT;
    if (!fails || converse->outage != NULL || converse->stopping) {
        return;
    }
    converse->outage = talloc_strdup(converse, why->text);
    if (converse->outage != NULL) {
        mw_fiber_spawn(&converse->fibers, "outage", run_outage, converse);
    }
}
