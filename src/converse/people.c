/* SPDX-License-Identifier: Apache-2.0 */
#include "converse/people.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "converse/paper.h"

/* How long a platform may take to say who somebody is. */
#define IDENTIFY_MS 10000
#define GROUPS_MAX  16

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
     .flags = MW_OPTION_RELOADABLE,
     .help = "The person's member id in Slack (U0…), or a user group's (S0…): each of its members "
             "then has the roles",
     .offset = offsetof(struct mw_person_config, slack)},
    {.name = "matrix",
     .type = MW_OPTION_TEXT,
     .flags = MW_OPTION_NEXT,
     .help = "The person's Matrix id",
     .offset = offsetof(struct mw_person_config, later)},
    {.name = "email",
     .type = MW_OPTION_TEXT,
     .flags = MW_OPTION_RELOADABLE,
     .help = "The person's e-mail address, as a chat platform knows it",
     .offset = offsetof(struct mw_person_config, email)},
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

bool mw_people_is_group(const struct mw_person_config *config)
{
    return config->slack != NULL && config->slack[0] == 'S';
}

enum mw_role mw_people_role(const void *people, const char *name)
{
    const struct mw_section_list *list = people;
    const char *slash = strchr(name, '/');
    size_t group = slash != NULL ? (size_t)(slash - name) : 0;
    enum mw_role role = MW_ROLE_VIEWER;
    for (size_t i = 0; i < list->count; i++) {
        const struct mw_person_config *config = list->items[i];
        if (strcmp(config->name, name) == 0) {
            return highest_role(config);
        }
        if (group > 0 && mw_people_is_group(config) && strlen(config->name) == group &&
            strncmp(config->name, name, group) == 0) {
            role = highest_role(config);
        }
    }
    return role;
}

/* A name stands before a colon on the terminal and between commas on a card. */
static bool is_plain_name(const char *name)
{
    return *name != '\0' && strlen(name) <= 64 && strpbrk(name, ":/ \t\r\n") == NULL &&
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
                    "that is no name; write one word without a colon or slash, at most 64 bytes");
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

static void check_slack(const char *id, size_t index, const struct mw_people_faults *faults)
{
    if (id != NULL && (strchr("UWS", *id) == NULL || strlen(id) < 3 ||
                       id[strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")] != '\0')) {
        faults->add(faults->context, index, "slack",
                    "that is no id; copy it from the profile in Slack (Copy member ID, U0…), or a "
                    "user group's (S0…)");
    }
}

void mw_people_check(const struct mw_section_list *people, const struct mw_people_faults *faults)
{
    for (size_t i = 0; i < people->count; i++) {
        const struct mw_person_config *person = people->items[i];
        check_name(people, i, faults);
        check_slack(person->slack, i, faults);
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

/* ---- on a platform ---- */

static const struct mw_person_config *by_id(const struct mw_section_list *people, const char *id)
{
    for (size_t i = 0; i < people->count; i++) {
        const struct mw_person_config *person = people->items[i];
        if (person->slack != NULL && !mw_people_is_group(person) &&
            strcmp(person->slack, id) == 0) {
            return person;
        }
    }
    return NULL;
}

static const struct mw_person_config *by_email(const struct mw_section_list *people,
                                               const char *email)
{
    for (size_t i = 0; *email != '\0' && i < people->count; i++) {
        const struct mw_person_config *person = people->items[i];
        if (person->email != NULL && person->slack == NULL &&
            strcasecmp(person->email, email) == 0) {
            return person;
        }
    }
    return NULL;
}

/* The group with the highest role that somebody is in. `*group` and what it holds hang on `memory`, since asking
 * suspends. False: it could not be found out for each. */
static bool by_group(const struct mw_converse_settings *settings, TALLOC_CTX *memory,
                     struct mw_chat *chat, const char *id, char **group, enum mw_role *role,
                     struct mw_deadline deadline, struct mw_error *error)
{
    const struct mw_section_list *people = &settings->people;
    size_t count = 0;
    struct {
        char *name, *id;
        enum mw_role role;
    } groups[GROUPS_MAX];
    for (size_t i = 0; i < people->count && count < GROUPS_MAX; i++) {
        const struct mw_person_config *person = people->items[i];
        if (mw_people_is_group(person)) {
            groups[count].name = talloc_strdup(memory, person->name);
            groups[count].id = talloc_strdup(memory, person->slack);
            groups[count++].role = highest_role(person);
        }
    }
    bool good = true;
    *group = NULL;
    for (size_t i = 0; i < count; i++) {
        bool is = false;
        good = chat->ops->in_group(chat, id, groups[i].id, deadline, &is, error) && good;
        if (is && (*group == NULL || groups[i].role > *role)) {
            *group = groups[i].name;
            *role = groups[i].role;
        }
    }
    return good;
}

/* What the platform does not vouch for now is not believed where a plan is decided on. */
static enum mw_role unsure(enum mw_role role)
{
    return role > MW_ROLE_OPERATOR ? MW_ROLE_OPERATOR : role;
}

static enum mw_speaker_kind on_platform(const struct mw_converse_settings *settings,
                                        TALLOC_CTX *memory, struct mw_chat *chat, const char *id,
                                        struct mw_person *person)
{
    struct mw_deadline deadline = mw_deadline_in(IDENTIFY_MS);
    struct mw_chat_identity identity = {.name = NULL, .email = talloc_strdup(memory, "")};
    struct mw_error error;
    bool known = chat->ops->identify(chat, id, deadline, memory, &identity, &error);
    if (!known) {
        mw_log_warning("converse", "%s does not say who somebody is: %s", chat->name, error.text);
    }
    const struct mw_person_config *config = by_id(&settings->people, id);
    config = config != NULL ? config : by_email(&settings->people, identity.email);
    if (config != NULL) {
        enum mw_role role = known ? highest_role(config) : unsure(highest_role(config));
        *person = (struct mw_person){talloc_strdup(memory, config->name),
                                     identity.outsider ? MW_ROLE_VIEWER : role};
        return MW_SPEAKER_LISTED;
    }
    char *name = mw_paper_clean(memory, identity.name != NULL ? identity.name : id, 64), *group;
    enum mw_role role = MW_ROLE_VIEWER;
    if (known && !identity.outsider) {
        if (!by_group(settings, memory, chat, id, &group, &role, deadline, &error)) {
            mw_log_warning("converse", "%s does not say who is in a group: %s", chat->name,
                           error.text);
        }
        if (group != NULL) {
            *person = (struct mw_person){talloc_asprintf(memory, "%s/%s", group, name), role};
            return MW_SPEAKER_LISTED;
        }
    }
    *person = (struct mw_person){name, MW_ROLE_VIEWER};
    return MW_SPEAKER_UNLISTED;
}

enum mw_speaker_kind mw_people_of_chat(const struct mw_converse_settings *settings,
                                       TALLOC_CTX *memory, struct mw_chat *chat, const char *id,
                                       struct mw_person *person)
{
    if (chat->ops->identify != NULL && id != NULL) {
        return on_platform(settings, memory, chat, id, person);
    }
    return mw_people_find(settings, memory, chat->ops->kind, id, person);
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
