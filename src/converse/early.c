/* SPDX-License-Identifier: Apache-2.0 */
/* Reactions that are here before we know the message: people see it as soon as their platform shows it, and
 * we are told its reference later, or must ask for it again. They wait, in their order. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "converse/room.h"

#define RETRY_MS 1000
#define LAST_MS  600000
#define KEEP_MAX 100

static const char *message_of(const struct mw_arrival *arrival)
{
    return json_string_value(json_object_get(arrival->body, "message"));
}

bool mw_early_is_behind(const struct mw_channel *channel, const struct mw_arrival *arrival)
{
    const char *message = message_of(arrival);
    for (const struct mw_arrival *a = channel->early; a != NULL && message != NULL; a = a->next) {
        if (strcmp(message_of(a), message) == 0) {
            return true;
        }
    }
    return false;
}

bool mw_early_keep(struct mw_channel *channel, struct mw_arrival *arrival)
{
    struct mw_arrival **link = &channel->early;
    size_t count = 0;
    for (; *link != NULL; link = &(*link)->next) {
        count++;
    }
    if (arrival->until == 0) {
        arrival->until = mw_deadline_in(LAST_MS).at;
    }
    if (count >= KEEP_MAX || mw_mono_now() >= arrival->until) {
        mw_log_warning("converse",
                       "a reaction on %s is passed over: no message of ours is known there",
                       channel->chat->name);
        return false;
    }
    arrival->next = NULL;
    *link = arrival;
    channel->early_again = mw_deadline_in(RETRY_MS).at;
    return true;
}

struct mw_deadline mw_early_next(const struct mw_channel *channel)
{
    return channel->early != NULL ? (struct mw_deadline){channel->early_again} : MW_NO_DEADLINE;
}

struct mw_arrival *mw_early_take(struct mw_channel *channel)
{
    struct mw_arrival *all = channel->early;
    channel->early = NULL;
    return all;
}
