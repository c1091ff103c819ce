/* SPDX-License-Identifier: Apache-2.0 */
/* What a chat asks of us: which messages people may still act on, and that it hears nobody. */
#include <string.h>

#include "base/clock.h"
#include "converse/room.h"

static bool add(struct mw_channel *channel, TALLOC_CTX *memory, int64_t incident, const char *slot,
                bool waits, struct mw_chat_standing **list, size_t *count, struct mw_error *error)
{
    char *reference = NULL;
    if (!mw_outbox_reference(channel->converse->record, memory, channel->chat->name, incident, slot,
                             &reference, error)) {
        return false;
    }
    struct mw_chat_standing *grown =
        reference != NULL ? talloc_realloc(memory, *list, struct mw_chat_standing, *count + 1)
                          : NULL;
    if (grown != NULL) {
        *list = grown;
        grown[(*count)++] = (struct mw_chat_standing){
            .reference = reference, .waits = waits, .thread = strcmp(slot, "card") == 0};
    }
    return true;
}

bool mw_channel_standing(void *argument, struct mw_chat *chat, TALLOC_CTX *memory,
                         struct mw_chat_standing **list, size_t *count, struct mw_error *error)
{
    struct mw_channel *channel = argument;
    struct mw_converse *converse = channel->converse;
    size_t open = 0;
    int64_t *ids = mw_respond_open(converse->respond, memory, &open);
    *list = NULL;
    *count = 0;
    for (size_t i = 0; ids != NULL && i < open; i++) {
        struct mw_incident *incident = mw_record_incident(converse->record, memory, ids[i], error);
        if (incident == NULL) {
            return false;
        }
        const struct mw_plan *plan = mw_incident_plan(incident);
        bool waits = plan != NULL && incident->stage == MW_STAGE_ASK;
        char *slot = talloc_asprintf(memory, "plan/%d", plan != NULL ? plan->revision : 0);
        if (!add(channel, memory, ids[i], "card", waits && incident->plan_count == 1, list, count,
                 error) ||
            (waits && !add(channel, memory, ids[i], slot, true, list, count, error))) {
            return false;
        }
    }
    return true;
}

void mw_channel_trouble(void *argument, struct mw_chat *chat, const char *why)
{
    struct mw_channel *channel = argument;
    TALLOC_CTX *memory = talloc_new(NULL);
    char *key = talloc_asprintf(memory, "chat/%s", chat->name);
    if (why != NULL) {
        mw_converse_notice(
            channel->converse, key,
            talloc_asprintf(memory,
                            "I do not hear anybody in %s: reactions, buttons and "
                            "commands there reach me later. Cards still go out. (%s)",
                            chat->name, why));
    } else {
        mw_converse_notice_over(channel->converse, key,
                                talloc_asprintf(memory, "I hear people in %s again.", chat->name));
    }
    talloc_free(memory);
}
