/* SPDX-License-Identifier: Apache-2.0 */
/* What `doctor` looks at. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>

#include "base/clock.h"
#include "base/redact.h"
#include "cli/doctor.h"
#include "runtime/work.h"

#define FILE_MAX (1024 * 1024)

/* ---- the configuration file ---- */

/* A line with a secret of its own; one that comes from elsewhere (${…}) does not lie in the file. */
static bool holds_secret(const char *text)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    char *copy = talloc_strdup(memory, text), *rest = NULL;
    bool found = false;
    for (char *line = strtok_r(copy, "\n", &rest); line != NULL && !found;
         line = strtok_r(NULL, "\n", &rest)) {
        const char *masked = mw_redact(memory, line);
        found = strstr(line, "${") == NULL && line[strspn(line, " ")] != '#' && masked != NULL &&
                strcmp(masked, line) != 0;
    }
    talloc_free(memory);
    return found;
}

static void look_at_file(struct mw_doctor_part *part, const struct mw_check *check,
                         struct mw_deadline deadline)
{
    const struct mw_settings *settings = part->doctor->settings;
    struct mw_error error = {.class = MW_ERROR_NONE};
    struct stat status;
    size_t length;
    bool cut;
    mw_check_say(check, MW_CHECK_OK, "%s: %zu resource%s, %zu chat%s", part->doctor->file,
                 settings->resource_count, settings->resource_count == 1 ? "" : "s",
                 settings->chat_count, settings->chat_count == 1 ? "" : "s");
    char *text = mw_file_tail(part, part->doctor->file, FILE_MAX, &length, &cut, deadline, &error);
    if (text != NULL && stat(part->doctor->file, &status) == 0 && (status.st_mode & S_IROTH) != 0 &&
        holds_secret(text))
        mw_check_say(
            check, MW_CHECK_NOTE,
            "it holds secrets and everybody on this machine may read it: chmod 640, or write "
            "${NAME} or ${file:PATH} in their place");
}

/* ---- the record ---- */

static void look_at_record(struct mw_doctor_part *part, const struct mw_check *check,
                           struct mw_deadline deadline)
{
    mw_record_check(mw_registry_stores[0], part->doctor->settings->root.store, check, deadline);
}

/* ---- the heartbeat ---- */

static void look_at_heartbeat(struct mw_doctor_part *part, const struct mw_check *check,
                              struct mw_deadline deadline)
{
    struct mw_error error = {.class = MW_ERROR_NONE};
    if (!mw_heartbeat_check(part->subject, check, deadline, &error))
        mw_check_say(check, MW_CHECK_FAULT, "%s", error.text);
}

/* ---- chats and people ---- */

static void look_at_chat(struct mw_doctor_part *part, const struct mw_check *check,
                         struct mw_deadline deadline)
{
    const struct mw_chat_settings *settings = part->subject;
    struct mw_error error = {.class = MW_ERROR_NONE};
    struct mw_chat *chat = talloc_zero(part, struct mw_chat);
    chat->ops = settings->ops;
    chat->name = settings->ops->kind;
    if (!settings->ops->create(chat, settings->config, &error))
        mw_check_say(check, MW_CHECK_FAULT, "%s", error.text);
    else if (settings->ops->check == NULL)
        mw_check_say(check, MW_CHECK_NOTE, "it cannot be tried beforehand");
    else if (!settings->ops->check(chat, check, deadline, &error))
        mw_check_say(check, MW_CHECK_FAULT, "%s", error.text);
    talloc_free(chat);
}

static void look_at_people(struct mw_doctor_part *part, const struct mw_check *check,
                           struct mw_deadline deadline)
{
    const struct mw_section_list *people = &part->doctor->settings->root.people;
    size_t approvers = 0;
    for (size_t i = 0; i < people->count; i++) {
        const struct mw_person_config *person = people->items[i];
        approvers += mw_people_role(people, person->name) >= MW_ROLE_APPROVER;
    }
    if (approvers > 0)
        mw_check_say(check, MW_CHECK_OK, "%zu listed, %zu of them may approve", people->count,
                     approvers);
    else
        mw_check_say(check, MW_CHECK_NOTE,
                     "nobody may approve a plan: give somebody roles: [approver]");
}

/* ---- planners ---- */

struct planner_subject {
    const struct mw_planner_ops *ops;
    const struct mw_llm_settings *llm;
    const void *config;
};

static void look_at_planner(struct mw_doctor_part *part, const struct mw_check *check,
                            struct mw_deadline deadline)
{
    const struct planner_subject *subject = part->subject;
    struct mw_error error = {.class = MW_ERROR_NONE};
    struct mw_planner *planner = talloc_zero(part, struct mw_planner);
    planner->ops = subject->ops;
    if (!subject->ops->create(planner, subject->config, subject->llm->common.runbooks, &error))
        mw_check_say(check, MW_CHECK_FAULT, "%s", error.text);
    else if (subject->ops->check == NULL)
        mw_check_say(check, MW_CHECK_NOTE, "it cannot be tried beforehand");
    else if (!subject->ops->check(planner, check, deadline, &error))
        mw_check_say(check, MW_CHECK_FAULT, "%s", error.text);
    talloc_free(planner);
}

static void add_planner(struct mw_doctor *doctor, const struct mw_planner_ops *ops,
                        const void *config)
{
    struct planner_subject *subject = talloc_zero(doctor, struct planner_subject);
    *subject =
        (struct planner_subject){.ops = ops, .llm = &doctor->settings->llm, .config = config};
    mw_doctor_add(doctor, "planner", ops->name, look_at_planner, subject);
}

static void add_planners(struct mw_doctor *doctor)
{
    const struct mw_llm_settings *llm = &doctor->settings->llm;
    const struct mw_planner_ops *runbook = mw_registry_planners[0];
    add_planner(doctor, llm->ops, llm->config);
    if (llm->ops != runbook && llm->common.fallback == MW_FALLBACK_RUNBOOK)
        add_planner(doctor, runbook, NULL);
}

/* ---- resources ---- */

static void look_at_resource(struct mw_doctor_part *part, const struct mw_check *check,
                             struct mw_deadline deadline)
{
    mw_watch_check(mw_watch_find(part->doctor->watch, part->name), check, deadline);
}

/* ---- the clock ---- */

static void look_at_clock(struct mw_doctor_part *part, const struct mw_check *check,
                          struct mw_deadline deadline)
{
    struct timex state = {.modes = 0};
    int code = adjtimex(&state);
    char *now = mw_time_rfc3339(part, mw_wall_now());
    if (code < 0)
        mw_check_say(check, MW_CHECK_OK,
                     "it is %s; whether something keeps it right is not told here", now);
    else if (code == TIME_ERROR || (state.status & STA_UNSYNC) != 0)
        mw_check_say(
            check, MW_CHECK_NOTE,
            "it is %s here, and nothing keeps this clock right (NTP): incidents would carry "
            "wrong times",
            now);
    else
        mw_check_say(check, MW_CHECK_OK, "it is %s, kept right by NTP", now);
}

/* ---- all of them ---- */

bool mw_doctor_prepare(struct mw_doctor *doctor, struct mw_error *error)
{
    const struct mw_settings *settings = doctor->settings;
    doctor->watch = mw_settings_watch(doctor, settings, error);
    if (doctor->watch == NULL)
        return false;
    mw_doctor_add(doctor, "configuration", "configuration", look_at_file, NULL);
    mw_doctor_add(doctor, "record", "record", look_at_record, NULL);
    if (settings->root.heartbeat != NULL)
        mw_doctor_add(doctor, "heartbeat", "heartbeat", look_at_heartbeat,
                      settings->root.heartbeat);
    for (size_t i = 0; i < settings->chat_count; i++)
        mw_doctor_add(doctor, "chat", settings->chats[i].ops->kind, look_at_chat,
                      &settings->chats[i]);
    add_planners(doctor);
    mw_doctor_add(doctor, "people", "people", look_at_people, NULL);
    for (size_t i = 0; i < settings->resource_count; i++)
        mw_doctor_add(doctor, "resource", settings->resources[i].common.name, look_at_resource,
                      NULL);
    mw_doctor_prepare_names(doctor);
    mw_doctor_add(doctor, "clock", "clock", look_at_clock, NULL);
    return true;
}
