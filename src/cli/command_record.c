/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands that read incidents from the record. They may run beside the daemon. */
#include "base/clock.h"
#include "base/text.h"
#include "cli/cli.h"
#include "record/record.h"

#define LISTED_MAX   1000
#define OUTPUT_BYTES 65536

int mw_with_record(const struct mw_invocation *invocation, const struct mw_settings *settings,
                   int (*read)(const struct mw_invocation *invocation,
                               const struct mw_settings *settings, struct mw_record *record,
                               TALLOC_CTX *memory))
{
    struct mw_error error = {0};
    TALLOC_CTX *memory = talloc_new(NULL);
    struct mw_record *record = mw_record_open(memory, mw_registry_stores[0], settings->root.store,
                                              MW_STORE_READER, &error);
    int status = MW_EXIT_FAILED;
    /* Long documents in few pieces. */
    setvbuf(stdout, NULL, _IOFBF, OUTPUT_BYTES);
    if (record != NULL) {
        status = read(invocation, settings, record, memory);
        mw_record_close(record);
    } else {
        mw_complain(&error);
    }
    talloc_free(memory);
    return status;
}

static void print_line(TALLOC_CTX *memory, const struct mw_incident *incident)
{
    const char *outcome = mw_outcome_name(incident->outcome);
    const char *symptom = incident->finding_count > 0 ? incident->findings[0].text : "";
    char id[24];
    snprintf(id, sizeof id, "I%lld", (long long)incident->id);
    printf("%-6s %-20.19s  %s %-14s %s\n", id, mw_time_rfc3339(memory, incident->opened_at),
           mw_text_pad(
               memory,
               incident->member_count == 0
                   ? incident->resource
                   : talloc_asprintf(memory, "%s +%zu", incident->resource, incident->member_count),
               16, false),
           outcome != NULL ? outcome : mw_stage_name(incident->stage), symptom);
}

/* A portion of the list, which is printed at once: a long list needs no more memory than a short one. */
static void print_page(TALLOC_CTX *memory, struct mw_incident **incidents, size_t count, bool json,
                       size_t printed)
{
    for (size_t i = 0; i < count; i++) {
        if (json) {
            json_auto_t *document = mw_incident_to_json(incidents[i]);
            fputs(printed + i > 0 ? ",\n" : "", stdout);
            json_dumpf(document, stdout, MW_PRINT_FLAGS);
        } else {
            print_line(memory, incidents[i]);
        }
    }
}

static int list_incidents(const struct mw_invocation *invocation,
                          const struct mw_settings *settings, struct mw_record *record,
                          TALLOC_CTX *memory)
{
    struct mw_incident_page page = {.brief = !invocation->json};
    struct mw_error error = {0};
    size_t printed = 0;
    while (!page.end && printed < LISTED_MAX) {
        size_t count = 0;
        page.limit = LISTED_MAX - printed;
        struct mw_incident **incidents = mw_record_page(record, memory, &page, &count, &error);
        if (incidents == NULL)
            return mw_complain(&error);
        if (invocation->json && printed == 0)
            fputs(count > 0 ? "[\n" : "[", stdout);
        print_page(incidents, incidents, count, invocation->json, printed);
        printed += count;
        talloc_free(incidents);
    }
    if (invocation->json)
        puts("]");
    else if (printed == 0)
        puts("no incidents are recorded");
    return MW_EXIT_OK;
}

static void print_plan(TALLOC_CTX *memory, const struct mw_plan *plan)
{
    printf("plan r%d  %s, %s%s%s\n", plan->revision, plan->planner != NULL ? plan->planner : "",
           mw_plan_state_name(plan->state), plan->state_reason != NULL ? ": " : "",
           plan->state_reason != NULL ? plan->state_reason : "");
    if (plan->root_cause != NULL)
        printf("  cause (%.0f %%): %s\n", plan->confidence * 100, plan->root_cause);
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct mw_step *step = &plan->steps[i];
        const char *result = json_string_value(json_object_get(step->result, "summary"));
        printf("  %d. %s %s [%s] %s%s%s\n", step->position, step->tool, step->resource,
               mw_risk_name(step->risk), mw_step_state_name(step->state),
               result != NULL ? ": " : "", result != NULL ? result : "");
    }
}

static void print_incident(TALLOC_CTX *memory, const struct mw_incident *incident)
{
    const char *outcome = mw_outcome_name(incident->outcome);
    printf("I%lld  %s (%s, %s)  %s%s%s\n", (long long)incident->id, incident->resource,
           incident->kind, incident->environment,
           outcome != NULL ? outcome : mw_stage_name(incident->stage),
           incident->outcome_reason != NULL ? ": " : "",
           incident->outcome_reason != NULL ? incident->outcome_reason : "");
    printf("since %s, opened %s%s%s\n", mw_time_rfc3339(memory, incident->since),
           mw_time_rfc3339(memory, incident->opened_at),
           incident->closed_at != 0 ? ", closed " : "",
           incident->closed_at != 0 ? mw_time_rfc3339(memory, incident->closed_at) : "");
    for (size_t i = 0; i < incident->finding_count; i++)
        printf("finding  %s\n", incident->findings[i].text);
    for (size_t i = 0; i < incident->member_count; i++) {
        const struct mw_member *member = &incident->members[i];
        printf("with it  %s (%s, %s) %s since %s%s%s\n", member->resource, member->kind,
               member->environment, mw_health_name(member->severity),
               mw_time_rfc3339(memory, member->since), member->finding_count > 0 ? ": " : "",
               member->finding_count > 0 ? member->findings[0].text : "");
    }
    if (incident->mass)
        puts("so much turned bad at once that midwatch's own network was suspected");
    for (size_t i = 0; i < incident->log_count; i++)
        printf("log  %s  ×%d\n", incident->log[i].line, incident->log[i].times);
    for (size_t i = 0; i < incident->plan_count; i++)
        print_plan(memory, &incident->plans[i]);
    for (size_t i = 0; i < incident->decision_count; i++) {
        const struct mw_decision *d = &incident->decisions[i];
        printf("%s  %s %s r%d%s%s\n", mw_time_rfc3339(memory, d->at), d->person,
               mw_action_name(d->action), d->revision, d->note != NULL ? ": " : "",
               d->note != NULL ? d->note : "");
    }
}

static int show_incident(const struct mw_invocation *invocation, const struct mw_settings *settings,
                         struct mw_record *record, TALLOC_CTX *memory)
{
    const char *word = invocation->words[0];
    struct mw_error error = {0};
    int64_t id = mw_incident_id_parse(word);
    if (id == 0) {
        fprintf(stderr, "midwatch: \"%.40s\" is no incident ID; they look like I42\n", word);
        return MW_EXIT_USAGE;
    }
    const struct mw_incident *incident = mw_record_incident(record, memory, id, &error);
    if (incident == NULL)
        return mw_complain(&error);
    if (invocation->json) {
        json_auto_t *document = mw_incident_to_json(incident);
        int64_t exchanges = 0;
        if (!mw_exchange_count(record, id, &exchanges, &error))
            return mw_complain(&error);
        json_object_set_new(json_object_get(document, "llm"), "exchanges", json_integer(exchanges));
        mw_print_json(document);
    } else {
        print_incident(memory, incident);
    }
    return MW_EXIT_OK;
}

static int command_incidents(const struct mw_invocation *invocation,
                             const struct mw_settings *settings)
{
    return mw_with_record(invocation, settings, list_incidents);
}

static int command_incident(const struct mw_invocation *invocation,
                            const struct mw_settings *settings)
{
    return mw_with_record(invocation, settings, show_incident);
}

const struct mw_subcommand mw_command_incidents = {
    .name = "incidents",
    .arguments = "",
    .help = "the record: the newest 1,000 incidents",
    .json = true,
    .needs_settings = true,
    .run = command_incidents,
};

const struct mw_subcommand mw_command_incident = {
    .name = "incident",
    .arguments = "ID ",
    .help = "the record of one incident",
    .words_min = 1,
    .words_max = 1,
    .json = true,
    .needs_settings = true,
    .run = command_incident,
};
