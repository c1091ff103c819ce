/* SPDX-License-Identifier: Apache-2.0 */
/* Who somebody is in the workspace, as Slack says, kept for a short while. */
#include <string.h>

#include "base/clock.h"
#include "slack.h"

#define NS_PER_MS INT64_C(1000000)
#define KEEP_MS   INT64_C(60000)
/* A role that was taken away must not be had for long; what is older than this is not believed. */
#define OLD_MS INT64_C(600000)

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static struct mw_slack_person *find_person(struct mw_slack *self, const char *id)
{
    for (size_t i = 0; i < self->person_count; i++) {
        if (strcmp(self->people[i].id, id) == 0) {
            return &self->people[i];
        }
    }
    return NULL;
}

static void forget_person(struct mw_slack_person *person)
{
    talloc_free(person->id);
    talloc_free(person->name);
    talloc_free(person->email);
    *person = (struct mw_slack_person){0};
}

/* The place of the one that was looked up longest ago, where there are too many. */
static struct mw_slack_person *place_for(struct mw_slack *self, const char *id)
{
    struct mw_slack_person *place = find_person(self, id);
    if (place == NULL && self->person_count < MW_SLACK_PEOPLE) {
        return &self->people[self->person_count++];
    }
    for (size_t i = 0; place == NULL && i < self->person_count; i++) {
        place = place == NULL || self->people[i].until < place->until ? &self->people[i] : place;
    }
    forget_person(place);
    return place;
}

/* Guests, people of other workspaces, bots and those who have left. */
static bool is_outsider(const struct mw_slack *self, const json_t *user)
{
    static const char *const marks[] = {"is_restricted", "is_ultra_restricted", "is_stranger",
                                        "is_bot", "deleted"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (json_is_true(json_object_get(user, marks[i]))) {
            return true;
        }
    }
    return strcmp(text_of(user, "team_id"), self->team) != 0;
}

static bool ask(struct mw_slack *self, const char *id, struct mw_deadline deadline,
                struct mw_error *error)
{
    const struct mw_slack_call call = {"users.info", MW_SLACK_BOT, MW_SLACK_FIELDS, NULL};
    json_auto_t *answer =
        mw_slack_api(self, &call, json_pack("{s:s}", "user", id), deadline, NULL, error);
    const json_t *user = json_object_get(answer, "user");
    if (answer == NULL) {
        return false;
    }
    struct mw_slack_person *person = place_for(self, id);
    person->id = talloc_strdup(self, id);
    person->name = talloc_strdup(self, text_of(user, "name"));
    person->email = talloc_strdup(self, text_of(json_object_get(user, "profile"), "email"));
    person->outsider = is_outsider(self, user);
    person->until = mw_mono_now() + KEEP_MS * NS_PER_MS;
    return true;
}

bool mw_slack_identify(struct mw_chat *chat, const char *id, struct mw_deadline deadline,
                       TALLOC_CTX *memory, struct mw_chat_identity *identity,
                       struct mw_error *error)
{
    struct mw_slack *self = chat->state;
    if (!mw_slack_self(self, deadline, error)) {
        return false;
    }
    const struct mw_slack_person *known = find_person(self, id);
    if (known == NULL || known->until < mw_mono_now()) {
        bool asked = ask(self, id, deadline, error);
        known = find_person(self, id);
        if (!asked &&
            (known == NULL || known->until + (OLD_MS - KEEP_MS) * NS_PER_MS < mw_mono_now())) {
            return false;
        }
    }
    *identity = (struct mw_chat_identity){.name = talloc_strdup(memory, known->name),
                                          .email = talloc_strdup(memory, known->email),
                                          .outsider = known->outsider};
    return true;
}

/* ---- groups ---- */

static struct mw_slack_group *find_group(struct mw_slack *self, const char *id)
{
    for (size_t i = 0; i < self->group_count; i++) {
        if (strcmp(self->groups[i].id, id) == 0) {
            return &self->groups[i];
        }
    }
    return NULL;
}

static struct mw_slack_group *ask_group(struct mw_slack *self, const char *id,
                                        struct mw_deadline deadline, struct mw_error *error)
{
    const struct mw_slack_call call = {"usergroups.users.list", MW_SLACK_BOT, MW_SLACK_FIELDS,
                                       NULL};
    json_auto_t *answer =
        mw_slack_api(self, &call, json_pack("{s:s}", "usergroup", id), deadline, NULL, error);
    json_t *users = json_object_get(answer, "users");
    struct mw_slack_group *group = find_group(self, id);
    if (users == NULL) {
        return NULL;
    }
    if (group == NULL) {
        group = &self->groups[self->group_count < MW_SLACK_GROUPS ? self->group_count++ : 0];
        talloc_free(group->id);
        group->id = talloc_strdup(self, id);
    }
    json_decref(group->users);
    group->users = json_incref(users);
    group->until = mw_mono_now() + KEEP_MS * NS_PER_MS;
    return group;
}

bool mw_slack_in_group(struct mw_chat *chat, const char *person, const char *id,
                       struct mw_deadline deadline, bool *is, struct mw_error *error)
{
    struct mw_slack *self = chat->state;
    const struct mw_slack_group *group = find_group(self, id);
    if (group == NULL || group->until < mw_mono_now()) {
        group = ask_group(self, id, deadline, error);
    }
    if (group == NULL) {
        return false;
    }
    size_t i;
    json_t *one;
    *is = false;
    json_array_foreach(group->users, i, one)
    {
        *is = *is || (json_is_string(one) && strcmp(json_string_value(one), person) == 0);
    }
    return true;
}
