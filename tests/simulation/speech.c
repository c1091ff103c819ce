/* SPDX-License-Identifier: Apache-2.0 */
/* What people say: mostly about what waits for them, sometimes about what does not, twice, or nonsense. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "simulation/look.h"
#include "simulation/platform.h"
#include "simulation/world.h"

static const char *const emojis[] = {"✅", "✅", "❌", "🔁", "🛑", "👀"};
static const char *const words[] = {"approve", "", "reject", "", "stop", "ack", "undo"};

/* Something about a plan, as its incident and revision. */
struct about {
    int64_t incident;
    int revision;
};

static bool find_waiting(struct about *about)
{
    struct sqlite3_stmt *q =
        sim_look("SELECT p.incident, p.revision FROM plan p JOIN incident i ON i.id = p.incident"
                 " WHERE p.state = 'proposed' AND i.stage = 'ask'");
    int count = 0;
    while (sim_look_next(q)) {
        if (sim_between(0, count++) == 0)
            *about = (struct about){sim_look_number(q, 0), (int)sim_look_number(q, 1)};
    }
    return count > 0;
}

/* Any incident, with a revision that it may or may not have. */
static bool find_any(struct about *about)
{
    int64_t count = sim_look_count("SELECT COALESCE(MAX(id), 0) FROM incident", 0, 0);
    if (count == 0)
        return false;
    int64_t first = count > 4 && sim_chance(70) ? count - 3 : 1;
    *about = (struct about){sim_between(first, count), (int)sim_between(0, 4)};
    return true;
}

/* As a reaction to the message of that plan, or to the card. False: it does not stand there. */
static bool react(struct sim_said *said, struct sim_platform *platform)
{
    char key[256];
    snprintf(key, sizeof key, said->revision > 0 ? "I%d/plan/%d" : "I%d/card", (int)said->incident,
             said->revision);
    const struct sim_message *message = sim_platform_find(platform, key);
    if (message == NULL)
        return false;
    snprintf(said->message, sizeof said->message, "%s", message->reference);
    snprintf(said->emoji, sizeof said->emoji, "%s", emojis[said->word]);
    return true;
}

static void write_words(struct sim_said *said)
{
    bool takes_revision = said->word == SIM_APPROVE || said->word == SIM_REJECT;
    if (!takes_revision || (said->word == SIM_APPROVE && sim_chance(15)))
        said->revision = 0;
    if (said->revision > 0)
        snprintf(said->text, sizeof said->text, "%s I%d r%d", words[said->word],
                 (int)said->incident, said->revision);
    else
        snprintf(said->text, sizeof said->text, "%s I%d", words[said->word], (int)said->incident);
}

static void say_about(enum sim_word word, int person, const struct about *about)
{
    struct sim_platform *platform = &sim_platforms[sim_between(0, SIM_PLATFORMS - 1)];
    struct sim_said *said = sim_ledger_add(word, person, about->incident, about->revision);
    said->platform = platform->number;
    bool only_reaction = word == SIM_WITHDRAW || word == SIM_AGAIN;
    bool reacted = word <= SIM_ACK && (only_reaction || sim_chance(55)) && react(said, platform);
    if (only_reaction && !reacted)
        said->word = SIM_TALK;
    else if (!reacted)
        write_words(said);
    if (said->word != SIM_TALK || reacted)
        sim_delivery_send(said);
}

static void say_line(enum sim_word word, int person, const char *text)
{
    struct sim_said *said = sim_ledger_add(word, person, 0, 0);
    said->platform = (int)sim_between(0, SIM_PLATFORMS - 1);
    snprintf(said->text, sizeof said->text, "%s", text);
    sim_delivery_send(said);
}

static void decide(void)
{
    static const int weights[] = {66, 8, 7, 5, 4, 8, 2};
    struct about about;
    if (!find_waiting(&about))
        return;
    enum sim_word word = (enum sim_word)sim_weighted(weights, 7);
    /* Mostly those that may. */
    int person = (int)sim_between(0, sim_chance(75) ? 2 : SIM_PEOPLE - 1);
    say_about(word, person, &about);
    if (sim_chance(15))
        say_about(word, person, &about);
    if (word == SIM_APPROVE && sim_chance(8))
        say_about(SIM_WITHDRAW, person, &about);
}

static void say_wrongly(void)
{
    static const int weights[] = {30, 10, 10, 10, 8, 10, 22};
    struct about about;
    if (find_any(&about))
        say_about((enum sim_word)sim_weighted(weights, 7), (int)sim_between(0, SIM_PEOPLE - 1),
                  &about);
}

static void talk(int person)
{
    static const char *const lines[] = {"status",  "incidents", "policy", "help",
                                        "show I1", "aprove I1", "fnord",  "approve"};
    say_line(SIM_TALK, person, lines[sim_between(0, 7)]);
}

static void say_resource(enum sim_word word, int person)
{
    const struct sim_thing *thing = sim_thing_any();
    struct sim_said *said = sim_ledger_add(word, person, 0, 0);
    int64_t minutes = sim_between(1, 20);
    said->platform = (int)sim_between(0, SIM_PLATFORMS - 1);
    said->silent_ms = minutes * 60000;
    snprintf(said->resource, sizeof said->resource, "%s", thing->name);
    if (word == SIM_SILENCE)
        snprintf(said->text, sizeof said->text, "silence %s %dm", thing->name, (int)minutes);
    else
        snprintf(said->text, sizeof said->text, "%s %s", word == SIM_FIX ? "fix" : "unsilence",
                 thing->name);
    sim_delivery_send(said);
}

static void speak(void)
{
    static const int weights[] = {59, 15, 3, 6, 5, 6, 4, 2};
    int person = (int)sim_between(0, SIM_PEOPLE - 1);
    switch (sim_weighted(weights, 8)) {
    case 0:
        decide();
        break;
    case 1:
        say_wrongly();
        break;
    case 2:
        say_line(SIM_FREEZE, person, "freeze deploying");
        break;
    case 3:
        say_line(SIM_THAW, person, "thaw");
        break;
    case 4:
        say_resource(SIM_FIX, person);
        break;
    case 6:
        say_resource(SIM_SILENCE, person);
        break;
    case 7:
        say_resource(SIM_UNSILENCE, person);
        break;
    default:
        talk(person);
        break;
    }
}

void sim_people_run(void *unused)
{
    struct mw_error error;
    while (mw_sleep(sim_between(300, sim_chance(50) ? 5000 : 25000), &error)) {
        if (!sim.calm && sim_look_is_open())
            speak();
    }
}
