/* SPDX-License-Identifier: Apache-2.0 */
/* Commands are read and answered, and an incident's cards and thread are drawn and delivered. */
#include "../unit/converse/room.h"

#include <stdio.h>
#include <string.h>

#include "harness.h"

static void *state;

static void prepare(void)
{
    TORTURE_HOLDS(room_set_up(&state) == 0);
    const struct room *room = state;
    snprintf(world->store, sizeof world->store, "%s/record.db", room->folder);
}

static void talk(struct room *room)
{
    static const char *const words[] = {
        "status", "incidents",  "show I42",      "help",   "approve I42 r1",   "reject I42 not now",
        "policy", "logs cache", "history cache", "aprove", "silence cache 1h", "audit I42"};
    room_start(room);
    struct mw_incident *incident = fixture_incident(room->memory);
    fixture_propose(incident);
    fixture_ask(incident, 1);
    room_record(room, incident);
    room_settle(room);
    fake.incident = incident;
    fake.open[0] = incident->id;
    fake.open_count = 1;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        TORTURE_HOLDS(room_ask(room, words[i]) != NULL);
    fixture_approve(incident, "alice");
    fixture_start_step(incident);
    fixture_end_step(incident);
    fixture_recover(incident);
    room_record(room, incident);
    room_settle(room);
    TORTURE_HOLDS(chat.message_count >= 4);
}

static void scenario(void)
{
    room_run(&state, talk);
}

/* What was recorded is whole, and what was not delivered is delivered by the next life. */
static void next_life(struct room *room)
{
    struct mw_error error = {0};
    int64_t rows = 0, broken = 0;
    TORTURE_HOLDS(mw_audit_verify(room->record, &rows, &broken, &error) && broken == 0);
    room_start(room);
    room_settle(room);
    size_t count = 99;
    mw_inbox_pending(room->record, room->memory, &count, &error);
    TORTURE_HOLDS(count == 0);
}

static void afterwards(void)
{
    TORTURE_HOLDS(room_set_up(&state) == 0);
    struct room *room = state;
    remove(room->folder);
    snprintf(room->path, sizeof room->path, "%.90s", world->store);
    room_run(&state, next_life);
}

int main(int count, char **words)
{
    static const struct torture scenarios[] = {{.name = "chat",
                                                .prepare = prepare,
                                                .scenario = scenario,
                                                .afterwards = afterwards,
                                                .least = 2000},
                                               {NULL}};
    return torture_main(count, words, scenarios);
}
