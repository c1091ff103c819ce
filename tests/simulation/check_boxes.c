/* SPDX-License-Identifier: Apache-2.0 */
/* What goes out: each slot once per platform, below its card, and in the end what the record says. */
#include <stdio.h>
#include <string.h>

#include "simulation/checks.h"
#include "simulation/look.h"

static bool parse_key(const char *key, int64_t *incident, const char **slot)
{
    long long id;
    int end = 0;
    if (sscanf(key, "I%lld/%n", &id, &end) != 1 || end == 0)
        return false;
    *incident = id;
    *slot = key + end;
    return true;
}

static void check_row(const struct sim_platform *platform, int64_t incident, const char *slot)
{
    struct sqlite3_stmt *q = sim_look("SELECT reference, posting FROM outbox"
                                      " WHERE chat = ? AND incident = ? AND slot = ?");
    sim_look_text(q, 1, platform->name);
    sim_look_integer(q, 2, incident);
    sim_look_text(q, 3, slot);
    sim_require(sim_look_next(q), "%s is given I%d/%s, which is in no outbox", platform->name,
                (int)incident, slot);
    sim_require(sim_look_is_null(q, 0), "%s is given I%d/%s again, though it stands there",
                platform->name, (int)incident, slot);
    sim_require(sim_look_number(q, 1) == 1, "%s is given I%d/%s before that is recorded",
                platform->name, (int)incident, slot);
    while (sim_look_next(q))
        continue;
}

void sim_check_post(struct sim_platform *platform, const char *key, const char *thread)
{
    int64_t incident;
    const char *slot;
    if (sim.dead || !parse_key(key, &incident, &slot))
        return;
    check_row(platform, incident, slot);
    struct sim_message *stands = sim_platform_find(platform, key);
    sim_require(stands == NULL || !stands->known || stands->life != sim.life,
                "%s is given %s again, though it said that it took it", platform->name, key);
    if (stands != NULL)
        stands->excused++;
    char card[40];
    snprintf(card, sizeof card, "I%d/card", (int)incident);
    const struct sim_message *above = sim_platform_find(platform, card);
    bool in_channel = incident == 0 || strcmp(slot, "card") == 0;
    sim_require(in_channel
                    ? thread == NULL
                    : above != NULL && thread != NULL && strcmp(above->reference, thread) == 0,
                "%s is given %s outside its thread", platform->name, key);
}

/* ---- in the end ---- */

static struct sim_platform *platform_named(const char *name)
{
    for (int i = 0; i < SIM_PLATFORMS; i++) {
        if (strcmp(sim_platforms[i].name, name) == 0)
            return &sim_platforms[i];
    }
    sim_broken("there is an outbox for %s", name);
}

void sim_check_outbox(void)
{
    struct sqlite3_stmt *q = sim_look("SELECT chat, incident, slot, message, revision,"
                                      " delivered_revision, reference FROM outbox");
    while (sim_look_next(q)) {
        struct sim_platform *platform = platform_named(sim_look_word(q, 0));
        char key[256];
        snprintf(key, sizeof key, "I%d/%s", (int)sim_look_number(q, 1), sim_look_word(q, 2));
        sim_require(sim_look_number(q, 4) == sim_look_number(q, 5), "%s was never given %s",
                    platform->name, key);
        const struct sim_message *at = sim_platform_find(platform, key);
        sim_require(at != NULL && strcmp(at->reference, sim_look_word(q, 6)) == 0,
                    "%s does not show %s where the record says", platform->name, key);
        json_auto_t *wanted = json_loads(sim_look_word(q, 3), 0, NULL);
        sim_require(json_equal(wanted, at->message), "%s shows %s, and it says something else",
                    platform->name, key);
        sim_require(at->copies <= 1 + (platform->finds ? 0 : at->excused),
                    "%s shows %s %d times, %d of them excused", platform->name, key, at->copies,
                    at->excused);
    }
}

void sim_check_told(int64_t incident)
{
    static const char *const slots[] = {"card", "verdict"};
    for (int i = 0; i < SIM_PLATFORMS * 2; i++) {
        char key[256];
        snprintf(key, sizeof key, "I%d/%s", (int)incident, slots[i % 2]);
        sim_require(sim_platform_find(&sim_platforms[i / 2], key) != NULL, "%s does not show %s",
                    sim_platforms[i / 2].name, key);
    }
}
