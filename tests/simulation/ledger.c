/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "simulation/people.h"
#include "simulation/store.h"

#define UNCERTAIN_NS INT64_C(120000000000) /* a thaw may have been under way that long */

#define MOMENT_NS INT64_C(5000000000)

static struct sim_said **ledger;
static size_t ledger_count;
static mw_mono_ns frozen_at; /* 0: it is not */
static int frozen_life;      /* the process that said it could not be recorded; 0: it was */

struct sim_said *sim_ledger_add(enum sim_word word, int person, int64_t incident, int revision)
{
    ledger = realloc(ledger, (ledger_count + 1) * sizeof(struct sim_said *));
    struct sim_said *said = calloc(1, sizeof *said);
    *said = (struct sim_said){.number = (int)ledger_count + 1,
                              .person = person,
                              .word = word,
                              .incident = incident,
                              .revision = revision};
    ledger[ledger_count++] = said;
    sim_counts.said++;
    return said;
}

size_t sim_ledger_count(void)
{
    return ledger_count;
}

struct sim_said *sim_ledger_at(size_t index)
{
    return ledger[index];
}

void sim_ledger_forget(void)
{
    for (size_t i = 0; i < ledger_count; i++)
        free(ledger[i]);
    free(ledger);
    ledger = NULL;
    ledger_count = 0;
    frozen_at = 0;
}

bool sim_ledger_approved(int person, int64_t incident, int revision)
{
    if (sim_sabotaged("ledger"))
        return false;
    for (size_t i = 0; i < ledger_count; i++) {
        const struct sim_said *said = ledger[i];
        /* A bare word is about the plan where only one was shown. */
        int about = said->revision != 0 ? said->revision : 1;
        if (said->word == SIM_APPROVE && said->person == person && said->incident == incident &&
            about == revision && said->handed_at != 0 &&
            sim_person_role_since(person, said->handed_at) >= MW_ROLE_APPROVER)
            return true;
    }
    return false;
}

bool sim_ledger_undo(int64_t incident)
{
    for (size_t i = 0; i < ledger_count; i++) {
        const struct sim_said *said = ledger[i];
        if (said->word == SIM_UNDO && said->incident == incident && said->handed_at != 0 &&
            sim_person_role_since(said->person, said->handed_at) >= MW_ROLE_APPROVER)
            return true;
    }
    return false;
}

void sim_ledger_answered(int number, const char *text)
{
    if (number < 1 || (size_t)number > ledger_count)
        return;
    struct sim_said *said = ledger[number - 1];
    if (said->word == SIM_SILENCE && strstr(text, " is silenced until ") != NULL)
        said->agreed_at = mw_mono_now();
    if (said->word != SIM_FREEZE)
        return;
    bool recorded = strstr(text, "Nothing runs by itself now") != NULL;
    if (recorded || strstr(text, "frozen until midwatch ends") != NULL) {
        frozen_at = mw_mono_now();
        frozen_life = recorded ? 0 : sim.life;
    }
}

bool sim_ledger_frozen(void)
{
    if (frozen_at == 0 || (frozen_life != 0 && frozen_life != sim.life))
        return false;
    for (size_t i = 0; i < ledger_count; i++) {
        if (ledger[i]->word == SIM_THAW && ledger[i]->handed_at > frozen_at - UNCERTAIN_NS)
            return false;
    }
    return true;
}

/* A silence that was ended, replaced, or asked to be overlooked, or whose end the wall clock moved. */
static bool is_doubtful(const struct sim_said *silence)
{
    if (sim.jumped >= silence->agreed_at || sim_store_was_troubled(silence->handed_at))
        return true;
    for (size_t i = 0; i < ledger_count; i++) {
        const struct sim_said *said = ledger[i];
        bool other = said->word == SIM_UNSILENCE || said->word == SIM_FIX ||
                     (said->word == SIM_SILENCE && said != silence);
        if (other && said->handed_at > silence->handed_at - UNCERTAIN_NS &&
            strcmp(said->resource, silence->resource) == 0)
            return true;
    }
    return false;
}

bool sim_ledger_silenced(const char *resource, mw_mono_ns at)
{
    for (size_t i = 0; i < ledger_count; i++) {
        const struct sim_said *said = ledger[i];
        mw_mono_ns until = said->handed_at + said->silent_ms * 1000000;
        if (said->agreed_at != 0 && at > said->agreed_at + MOMENT_NS && at < until &&
            strcmp(said->resource, resource) == 0 && !is_doubtful(said))
            return true;
    }
    return false;
}
