/* SPDX-License-Identifier: Apache-2.0 */
/* What people say on its way to the program: delayed, so that it overtakes and is overtaken, sometimes
 * handed in twice, and again until the program acknowledges it. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "simulation/platform.h"

#define WAITING_MAX 1000
#define MS_NS       INT64_C(1000000)

static struct {
    struct sim_said *said;
    mw_mono_ns due;
} waiting[WAITING_MAX];
static size_t waiting_count;

static void add(struct sim_said *said, int64_t in_ms)
{
    if (waiting_count < WAITING_MAX) {
        waiting[waiting_count].said = said;
        waiting[waiting_count++].due = mw_mono_now() + in_ms * MS_NS;
    }
}

void sim_delivery_send(struct sim_said *said)
{
    int64_t delay = sim_chance(85) ? sim_between(20, 900) : sim_between(1000, 45000);
    add(said, delay);
    if (sim_chance(12))
        add(said, delay + sim_between(0, 60000));
}

bool sim_delivery_idle(void)
{
    return waiting_count == 0;
}

void sim_delivery_forget(void)
{
    waiting_count = 0;
}

static bool take_due(int platform, struct sim_said **said)
{
    for (size_t i = 0; i < waiting_count; i++) {
        if (waiting[i].said->platform != platform || waiting[i].due > mw_mono_now())
            continue;
        *said = waiting[i].said;
        memmove(&waiting[i], &waiting[i + 1], (waiting_count - i - 1) * sizeof waiting[0]);
        waiting_count--;
        return true;
    }
    return false;
}

static void hand_in(struct mw_chat *chat, struct sim_said *said)
{
    char id[16];
    snprintf(id, sizeof id, "e%d", said->number);
    bool reaction = said->emoji[0] != '\0';
    struct mw_chat_event event = {
        .kind = !reaction                    ? MW_CHAT_COMMAND
                : said->word == SIM_WITHDRAW ? MW_CHAT_REACTION_REMOVED
                                             : MW_CHAT_REACTION,
        .id = id,
        .person = sim_person_name(said->person),
        .text = said->text[0] != '\0' ? said->text : NULL,
        .emoji = reaction ? said->emoji : NULL,
        .message = said->message[0] != '\0' ? said->message : NULL,
    };
    bool again = said->acknowledged;
    if (said->handed_at == 0)
        said->handed_at = mw_mono_now();
    sim_counts.events++;
    struct mw_error error = {0};
    bool ok = chat->host->event(chat->host->context, chat, &event, &error);
    if (sim.dead)
        ok = false; /* the acknowledgement never left */
    said->acknowledged = said->acknowledged || ok;
    said->troubled = said->troubled || !ok;
    sim_say("%s %s %s%s (I%lld r%d) %s%s", chat->name, sim_person_name(said->person),
            said->text[0] != '\0' ? said->text : said->emoji,
            event.kind == MW_CHAT_REACTION_REMOVED ? " removed" : "", (long long)said->incident,
            said->revision, ok ? "taken" : "not taken", again ? " again" : "");
    if (!ok && !again)
        add(said, sim_between(1000, 8000));
}

void sim_delivery_run(struct sim_platform *platform, struct mw_chat *chat)
{
    struct mw_error error;
    while (sim_wait(sim_between(50, 200), MW_NO_DEADLINE, &error)) {
        struct sim_said *said;
        while (!sim.dead && take_due(platform->number, &said))
            hand_in(chat, said);
    }
}
