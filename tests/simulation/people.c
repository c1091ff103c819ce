/* SPDX-License-Identifier: Apache-2.0 */
/* Who they are and what they may; roles change when the program begins anew. */
#include "simulation/people.h"

#include <string.h>

#include "base/clock.h"

#define CHANGES_MAX 200

static const char *const names[SIM_PEOPLE] = {"alice", "bob",   "carol", "dave",
                                              "erin",  "frank", "grace", "mallory"};
static const enum mw_role usual[SIM_PEOPLE] = {MW_ROLE_APPROVER, MW_ROLE_APPROVER, MW_ROLE_APPROVER,
                                               MW_ROLE_OPERATOR, MW_ROLE_ADMIN,    MW_ROLE_VIEWER,
                                               MW_ROLE_APPROVER, MW_ROLE_VIEWER};

static enum mw_role roles[SIM_PEOPLE];

static struct {
    int person;
    enum mw_role role; /* from then on */
    mw_mono_ns at;
} changes[CHANGES_MAX];
static size_t change_count;

static void set(int person, enum mw_role role)
{
    roles[person] = role;
    if (change_count < CHANGES_MAX) {
        changes[change_count].person = person;
        changes[change_count].role = role;
        changes[change_count++].at = mw_mono_now();
    }
}

void sim_people_make(void)
{
    change_count = 0;
    for (int i = 0; i < SIM_PEOPLE; i++)
        set(i, usual[i]);
}

void sim_people_change(void)
{
    if (!sim_chance(25) || change_count == CHANGES_MAX)
        return;
    int person = (int)sim_between(0, SIM_PEOPLE - 2);
    set(person, roles[person] != usual[person] ? usual[person]
                                               : (enum mw_role)sim_between(0, MW_ROLE_ADMIN));
    sim_say("%s is %s now", names[person], mw_role_name(roles[person]));
}

enum mw_role sim_person_role_since(int person, mw_mono_ns since)
{
    enum mw_role highest = MW_ROLE_VIEWER, then = MW_ROLE_VIEWER;
    for (size_t i = 0; i < change_count; i++) {
        if (changes[i].person != person)
            continue;
        if (changes[i].at <= since)
            then = changes[i].role;
        else if (changes[i].role > highest)
            highest = changes[i].role;
    }
    return then > highest ? then : highest;
}

struct mw_section_list *sim_people_build(TALLOC_CTX *memory)
{
    struct mw_section_list *list = talloc_zero(memory, struct mw_section_list);
    list->items = talloc_zero_array(memory, void *, SIM_PEOPLE);
    for (int i = 0; i < SIM_PEOPLE - 1; i++) {
        enum mw_role role = sim_sabotaged("roles") ? MW_ROLE_APPROVER : roles[i];
        struct mw_person_config *person = talloc_zero(memory, struct mw_person_config);
        person->name = names[i];
        person->terminal = true;
        person->roles.items = talloc_zero_array(memory, const char *, 1);
        person->roles.items[0] = mw_role_name(role);
        person->roles.count = 1;
        list->items[list->count++] = person;
    }
    return list;
}

const char *sim_person_name(int person)
{
    return names[person];
}

int sim_person_find(const char *name)
{
    for (int i = 0; i < SIM_PEOPLE; i++) {
        if (strcmp(names[i], name) == 0)
            return i;
    }
    return -1;
}
