/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_respond.h"

#include "runtime/fiber.h"

#include <stdio.h>
#include <string.h>

struct fake_respond fake;

void fake_respond_reset(void)
{
    fake = (struct fake_respond){.said = "As you say."};
}

const struct mw_incident *mw_respond_find(const struct mw_respond *respond, int64_t id)
{
    return fake.incident != NULL && fake.incident->id == id ? fake.incident : NULL;
}

const struct mw_incident *mw_respond_of(const struct mw_respond *respond, const char *resource)
{
    bool same = fake.incident != NULL && strcmp(fake.incident->resource, resource) == 0;
    return same ? fake.incident : NULL;
}

int64_t *mw_respond_open(const struct mw_respond *respond, TALLOC_CTX *memory, size_t *count)
{
    int64_t *open = talloc_array(memory, int64_t, fake.open_count + 1);
    memcpy(open, fake.open, fake.open_count * sizeof *open);
    *count = fake.open_count;
    return open;
}

static bool answer(TALLOC_CTX *memory, char **said, struct mw_error *error)
{
    if (fake.said != NULL) {
        *said = talloc_strdup(memory, fake.said);
    }
    return fake.refuse == MW_ERROR_NONE || mw_error_set(error, fake.refuse, "refused for a test");
}

bool mw_respond_decide(struct mw_respond *respond, int64_t incident, enum mw_action action,
                       int revision, const struct mw_person *person, const char *note,
                       TALLOC_CTX *memory, char **said, struct mw_error *error)
{
    if (fake.decision_count < 64) {
        struct fake_decision *decision = &fake.decisions[fake.decision_count++];
        *decision = (struct fake_decision){
            .incident = incident, .action = action, .revision = revision, .role = person->role};
        snprintf(decision->person, sizeof decision->person, "%s", person->name);
        snprintf(decision->note, sizeof decision->note, "%s", note != NULL ? note : "");
    }
    return answer(memory, said, error);
}

bool mw_respond_fix(struct mw_respond *respond, const char *resource,
                    const struct mw_person *person, TALLOC_CTX *memory, char **said,
                    struct mw_error *error)
{
    snprintf(fake.fixed, sizeof fake.fixed, "%s", resource);
    return answer(memory, said, error);
}

bool mw_respond_freeze(struct mw_respond *respond, const struct mw_person *person, const char *why,
                       TALLOC_CTX *memory, char **said, struct mw_error *error)
{
    snprintf(fake.frozen, sizeof fake.frozen, "%s: %s", person->name, why != NULL ? why : "");
    return answer(memory, said, error);
}

bool mw_respond_thaw(struct mw_respond *respond, const struct mw_person *person, TALLOC_CTX *memory,
                     char **said, struct mw_error *error)
{
    fake.frozen[0] = '\0';
    return answer(memory, said, error);
}

const char *mw_respond_frozen(const struct mw_respond *respond)
{
    return fake.frozen[0] != '\0' ? fake.frozen : NULL;
}

bool mw_respond_silence(struct mw_respond *respond, const char *resource, int64_t length,
                        const struct mw_person *person, const char *why, TALLOC_CTX *memory,
                        char **said, struct mw_error *error)
{
    snprintf(fake.silenced, sizeof fake.silenced, "%s %lld %s: %s", resource, (long long)length,
             person->name, why != NULL ? why : "");
    return answer(memory, said, error);
}

bool mw_respond_unsilence(struct mw_respond *respond, const char *resource,
                          const struct mw_person *person, TALLOC_CTX *memory, char **said,
                          struct mw_error *error)
{
    snprintf(fake.silenced, sizeof fake.silenced, "not %s", resource);
    return answer(memory, said, error);
}

char *mw_respond_quiet(const struct mw_respond *respond, TALLOC_CTX *memory, const char *resource)
{
    bool quiet = fake.quiet != NULL && strcmp(fake.quiet, resource) == 0;
    return quiet ? talloc_strdup(memory, "silenced by bob until 14:02: deploying") : NULL;
}

const char *mw_respond_answers(const struct mw_respond *respond)
{
    return fake.answers;
}

bool mw_respond_ask(struct mw_respond *respond, const char *question, int64_t incident,
                    json_t **answer_out, struct mw_error *error)
{
    fake.questions++;
    fake.question_incident = incident;
    snprintf(fake.question, sizeof fake.question, "%s", question);
    if (fake.answer_ms > 0 && !mw_sleep(fake.answer_ms, error)) {
        return false;
    }
    if (fake.answer == NULL) {
        return mw_error_set(error, fake.refuse, "HTTP 503: the service is in trouble");
    }
    *answer_out = json_loads(fake.answer, 0, NULL);
    return true;
}

const char *mw_verdict_name(enum mw_verdict verdict)
{
    static const char *const names[] = {"auto", "approve", "deny", "earned"};
    return names[verdict];
}

json_t *mw_catalogue_to_json(const struct mw_target_ops *const *kinds)
{
    return json_pack("[{s:s, s:s, s:s}]", "name", "redis_scale_memory", "risk", "reversible",
                     "description", "Raises maxmemory.");
}
