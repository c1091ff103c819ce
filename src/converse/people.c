/* SPDX-License-Identifier: Apache-2.0 */
#include "converse/people.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "converse/paper.h"

const struct mw_option mw_person_options[] = {
    {.name = "name",
     .type = MW_OPTION_TEXT,
     .flags = MW_OPTION_REQUIRED | MW_OPTION_RELOADABLE,
     .help = "How midwatch calls this person",
     .offset = offsetof(struct mw_person_config, name)},
    {.name = "terminal",
     .type = MW_OPTION_BOOL,
     .flags = MW_OPTION_RELOADABLE,
     .fallback = "false",
     .help = "This person speaks at the terminal that midwatch runs in",
     .offset = offsetof(struct mw_person_config, terminal)},
    {.name = "roles",
     .type = MW_OPTION_TEXT_LIST,
     .flags = MW_OPTION_RELOADABLE,
     .help =
         "What this person may do: viewer, operator, approver, admin; each includes those before",
     .offset = offsetof(struct mw_person_config, roles)},
    {.name = "slack",
     .type = MW_OPTION_TEXT,
     .flags = MW_OPTION_NEXT,
     .help = "The person's user id in Slack",
     .offset = offsetof(struct mw_person_config, later)},
    {.name = "matrix",
     .type = MW_OPTION_TEXT,
     .flags = MW_OPTION_NEXT,
     .help = "The person's Matrix id",
     .offset = offsetof(struct mw_person_config, later)},
    {.name = "email",
     .type = MW_OPTION_TEXT,
     .flags = MW_OPTION_NEXT,
     .help = "The person's address",
     .offset = offsetof(struct mw_person_config, later)},
    {0},
};

static const char *const role_names[] = {"viewer", "operator", "approver", "admin", NULL};

static bool parse_role(const char *text, enum mw_role *role)
{
    for (int i = 0; role_names[i] != NULL; i++) {
        if (strcmp(text, role_names[i]) == 0) {
            *role = (enum mw_role)i;
            return true;
        }
    }
    return false;
}

static enum mw_role highest_role(const struct mw_person_config *config)
{
    enum mw_role highest = MW_ROLE_VIEWER, role;
    for (size_t i = 0; i < config->roles.count; i++) {
        if (parse_role(config->roles.items[i], &role) && role > highest) {
            highest = role;
        }
    }
    return highest;
}

enum mw_role mw_people_role(const void *people, const char *name)
{
    const struct mw_section_list *list = people;
    for (size_t i = 0; i < list->count; i++) {
        const struct mw_person_config *config = list->items[i];
        if (strcmp(config->name, name) == 0) {
            return highest_role(config);
        }
    }
    return MW_ROLE_VIEWER;
}

/* A name stands before a colon on the terminal and between commas on a card. */
static bool is_plain_name(const char *name)
{
    return *name != '\0' && strlen(name) <= 64 && strpbrk(name, ": \t\r\n") == NULL &&
           mw_text_is_utf8(name, strlen(name));
}

static void check_name(const struct mw_section_list *people, size_t index,
                       const struct mw_people_faults *faults)
{
    const struct mw_person_config *person = people->items[index];
    if (person->name == NULL) {
        return;
    }
    if (!is_plain_name(person->name)) {
        faults->add(faults->context, index, "name",
                    "that is no name; write one word without a colon, at most 64 bytes");
    }
    for (size_t i = 0; i < index; i++) {
        const struct mw_person_config *other = people->items[i];
        if (other->name != NULL && strcasecmp(person->name, other->name) == 0) {
            faults->add(faults->context, index, "name",
                        "that name is listed twice; write one entry with all roles");
            return;
        }
    }
}

static void check_role(const char *word, size_t index, const struct mw_people_faults *faults)
{
    enum mw_role role;
    if (parse_role(word, &role)) {
        return;
    }
    char text[200];
    const char *near = mw_text_nearest(word, role_names);
    snprintf(text, sizeof text, "\"%.60s\" is no role; %s%s%s viewer, operator, approver and admin",
             word, near != NULL ? "write " : "", near != NULL ? near : "",
             near != NULL ? "; there are" : "there are");
    faults->add(faults->context, index, "roles", text);
}

void mw_people_check(const struct mw_section_list *people, const struct mw_people_faults *faults)
{
    for (size_t i = 0; i < people->count; i++) {
        const struct mw_person_config *person = people->items[i];
        check_name(people, i, faults);
        for (size_t j = 0; j < person->roles.count; j++) {
            check_role(person->roles.items[j], i, faults);
        }
    }
}

/* ---- who it was ---- */

static const struct mw_person_config *on_terminal(const struct mw_section_list *people,
                                                  const char *name, size_t *sharing)
{
    const struct mw_person_config *named = NULL, *only = NULL;
    *sharing = 0;
    for (size_t i = 0; i < people->count; i++) {
        const struct mw_person_config *person = people->items[i];
        if (!person->terminal) {
            continue;
        }
        (*sharing)++;
        only = person;
        if (strcasecmp(person->name, name) == 0) {
            named = person;
        }
    }
    if (*name != '\0') {
        return named;
    }
    return *sharing == 1 ? only : NULL;
}

enum mw_speaker_kind mw_people_find(const struct mw_converse_settings *settings, TALLOC_CTX *memory,
                                    const char *chat_kind, const char *id, struct mw_person *person)
{
    const char *known_as = id != NULL ? id : "";
    size_t sharing = 0;
    const struct mw_person_config *config = strcmp(chat_kind, "terminal") == 0
                                                ? on_terminal(&settings->people, known_as, &sharing)
                                                : NULL;
    if (config != NULL) {
        *person = (struct mw_person){talloc_strdup(memory, config->name), highest_role(config)};
        return MW_SPEAKER_LISTED;
    }
    char *name = mw_paper_clean(memory, *known_as != '\0' ? known_as : chat_kind, 64);
    *person = (struct mw_person){name != NULL ? name : "somebody", MW_ROLE_VIEWER};
    return sharing > 1 && *known_as == '\0' ? MW_SPEAKER_UNNAMED : MW_SPEAKER_UNLISTED;
}
