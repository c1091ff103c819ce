/* SPDX-License-Identifier: Apache-2.0 */
/* What people are told about midwatch itself: once when something is impaired, once when it is over. That
 * it was said stands in the record, so that a restart repeats nothing. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "converse/paper.h"
#include "converse/room.h"

#define RECORD_PAUSE_MS 1000
#define KEY_MAX         60

static struct mw_notice *find(struct mw_converse *converse, const char *key)
{
    for (struct mw_notice *notice = converse->notices; notice != NULL; notice = notice->next) {
        if (strcmp(notice->key, key) == 0) {
            return notice;
        }
    }
    struct mw_notice *notice = talloc_zero(converse, struct mw_notice);
    char *copy = notice != NULL ? talloc_strndup(notice, key, KEY_MAX) : NULL;
    if (copy == NULL) {
        talloc_free(notice);
        mw_log_error("converse", "out of memory: chat is not told of %s", key);
        return NULL;
    }
    notice->key = copy;
    notice->next = converse->notices;
    converse->notices = notice;
    return notice;
}

static void want(struct mw_converse *converse, const char *key, bool is_so, const char *text)
{
    struct mw_notice *notice = find(converse, key);
    if (notice == NULL || (notice->wanted && notice->is_so == is_so)) {
        return;
    }
    notice->wanted = true;
    notice->is_so = is_so;
    /* Known to be said already, or known not to have been: nothing is to be done. */
    notice->due = !notice->known || is_so != (notice->said_at != 0) || notice->due;
    TALLOC_FREE(notice->text);
    notice->text = talloc_strdup(notice, text);
    mw_condition_notify(&converse->noticed);
}

void mw_converse_notice(struct mw_converse *converse, const char *key, const char *text)
{
    want(converse, key, true, text);
}

void mw_converse_notice_over(struct mw_converse *converse, const char *key, const char *text)
{
    want(converse, key, false, text);
}

/* ---- telling ---- */

static bool recall(struct mw_converse *converse, struct mw_notice *notice, struct mw_error *error)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    char *name = talloc_asprintf(memory, "notice/%s", notice->key), *value = NULL;
    bool ok = notice->known || mw_record_setting(converse->record, memory, name, &value, error);
    if (ok && !notice->known) {
        notice->said_at = value != NULL ? strtoll(value, NULL, 10) : 0;
        notice->known = true;
    }
    talloc_free(memory);
    return ok;
}

static bool remember(struct mw_converse *converse, const char *key, mw_wall_ms said_at,
                     struct mw_error *error)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    struct mw_change *change = mw_change_begin(converse->record);
    mw_change_setting(change, talloc_asprintf(memory, "notice/%s", key),
                      said_at != 0 ? talloc_asprintf(memory, "%" PRId64, said_at) : NULL);
    talloc_free(memory);
    return mw_change_commit(change, false, error);
}

/* The slot carries when it began, so that the next time is another message. */
static bool put(struct mw_converse *converse, const char *key, mw_wall_ms began, bool over,
                const char *text, struct mw_error *error)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    char *slot =
        talloc_asprintf(memory, "notice/%s/%" PRId64 "%s", key, began, over ? "/over" : "");
    json_auto_t *message = mw_paper_sentence(memory, "%s", text);
    bool ok = mw_channels_put(converse, 0, &(struct mw_outbox_item){slot, message}, 1, error);
    talloc_free(memory);
    return ok;
}

/* Said first and remembered after: a death between the two repeats it, which is better than silence. */
static bool tell(struct mw_converse *converse, struct mw_notice *notice, struct mw_error *error)
{
    if (!recall(converse, notice, error)) {
        return false;
    }
    bool is_so = notice->is_so;
    mw_wall_ms began = notice->said_at != 0 ? notice->said_at : mw_wall_now();
    if (is_so == (notice->said_at != 0)) {
        notice->due = false;
        return true;
    }
    /* A copy: the text may be replaced while this waits. */
    char *text = talloc_strdup(converse, notice->text);
    bool ok = (text == NULL || put(converse, notice->key, began, !is_so, text, error)) &&
              remember(converse, notice->key, is_so ? began : 0, error);
    talloc_free(text);
    if (ok) {
        notice->said_at = is_so ? began : 0;
        notice->due = notice->is_so != is_so;
    }
    return ok;
}

static struct mw_notice *next_due(struct mw_converse *converse)
{
    struct mw_notice *notice = converse->notices;
    while (notice != NULL && !notice->due) {
        notice = notice->next;
    }
    return notice;
}

bool mw_notice_is_due(const struct mw_converse *converse)
{
    for (const struct mw_notice *notice = converse->notices; notice != NULL;
         notice = notice->next) {
        if (notice->due) {
            return true;
        }
    }
    return false;
}

void mw_notice_run(void *argument)
{
    struct mw_converse *converse = argument;
    struct mw_error error;
    while (!mw_fiber_cancelled()) {
        struct mw_notice *notice = next_due(converse);
        if (notice == NULL) {
            mw_condition_notify(&converse->settled);
            if (!mw_condition_wait(&converse->noticed, MW_NO_DEADLINE, &error)) {
                break;
            }
            continue;
        }
        if (tell(converse, notice, &error)) {
            continue;
        }
        mw_outage_begin(converse, &error);
        if (!mw_sleep(RECORD_PAUSE_MS, &error)) {
            break;
        }
    }
}
