/* SPDX-License-Identifier: Apache-2.0 */
/* Quiet: for which resources no incident opens now, since a person or planned work wants it so. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/redact.h"
#include "respond/case.h"

#define ROOM       "respond"
#define EVERYTHING "*"
#define WHY_MAX    200
#define LOCK_MS    10000

/* What stands as the reason of a judgement is no longer than this. */
#define REASON_MAX 150

/* ---- what is quiet ---- */

static bool is_everything(const char *resource)
{
    return strcmp(resource, EVERYTHING) == 0;
}

bool mw_quiet_find(const struct mw_silence *silences, size_t count,
                   const struct mw_section_list *maintenance, const char *resource, mw_wall_ms now,
                   struct mw_quiet *quiet)
{
    struct mw_quiet longest = {0};
    bool found = mw_maintenance_find(maintenance, resource, now, &longest);
    for (size_t i = 0; i < count; i++) {
        const struct mw_silence *one = &silences[i];
        bool meant = strcmp(one->resource, resource) == 0 || strcmp(one->resource, EVERYTHING) == 0;
        if (!meant || one->until <= now || one->until <= longest.until)
            continue;
        longest = (struct mw_quiet){one->begun_at, one->until, one->person, one->why};
        found = true;
    }
    if (found)
        *quiet = longest;
    return found;
}

char *mw_quiet_text(TALLOC_CTX *memory, const struct mw_quiet *quiet)
{
    char *until = mw_time_near(memory, quiet->until, quiet->from);
    bool reason = quiet->why != NULL && quiet->why[0] != '\0';
    char *text = quiet->person == NULL
                     ? talloc_asprintf(memory, "in maintenance until %s", until)
                     : talloc_asprintf(memory, "silenced by %s until %s%s%s", quiet->person, until,
                                       reason ? ": " : "", reason ? quiet->why : "");
    talloc_free(until);
    return text;
}

static bool find(const struct mw_respond *self, const char *resource, struct mw_quiet *quiet)
{
    return mw_quiet_find(self->silences, self->silence_count, &self->settings.maintenance, resource,
                         mw_wall_now(), quiet);
}

bool mw_quiet_holds(const struct mw_respond *self, const char *resource)
{
    struct mw_quiet quiet;
    return find(self, resource, &quiet);
}

char *mw_respond_quiet(const struct mw_respond *self, TALLOC_CTX *memory, const char *resource)
{
    struct mw_quiet quiet;
    return find(self, resource, &quiet) ? mw_quiet_text(memory, &quiet) : NULL;
}

const char *mw_quiet_plan(const struct mw_case *self, const struct mw_plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        const char *resource = plan->steps[i].resource;
        struct mw_quiet quiet;
        if (!find(self->respond, resource, &quiet))
            continue;
        quiet.why = NULL;
        const char *text = talloc_asprintf(self->incident, "%s is %s", resource,
                                           mw_quiet_text(self->incident, &quiet));
        return mw_redact_line(self->incident, text, strlen(text), REASON_MAX);
    }
    return NULL;
}

/* ---- noticing ---- */

/* Nobody keeps it quiet any more, so people are told afresh, whatever they knew before. */
static void wake(struct mw_respond *self, const struct mw_resource *resource)
{
    json_object_del(self->settled, resource->name);
    if (resource->health >= MW_HEALTH_DEGRADED && !self->draining &&
        mw_case_of(self, resource->name) == NULL)
        mw_case_take_in(self, resource);
}

static void notice(struct mw_respond *self, const struct mw_resource *resource)
{
    char *text = mw_respond_quiet(self, NULL, resource->name);
    const char *before = json_string_value(json_object_get(self->quiet, resource->name));
    if (text == NULL ? before != NULL : before == NULL || strcmp(text, before) != 0) {
        mw_log_info(ROOM, "%s is %s", resource->name, text != NULL ? text : "no longer quiet");
        if (text != NULL)
            json_object_set_new(self->quiet, resource->name, json_string(text));
        else
            json_object_del(self->quiet, resource->name);
        const struct mw_case *c = mw_case_of(self, resource->name);
        if (c != NULL && c->recorded && self->listener != NULL)
            self->listener->changed(self->listener->context, c->incident);
        if (text == NULL)
            wake(self, resource);
    }
    talloc_free(text);
}

static void notice_all(struct mw_respond *self)
{
    for (size_t i = 0; i < self->watch->count; i++)
        notice(self, self->watch->resources[i]);
}

/* ---- the list ---- */

static struct mw_silence *find_silence(struct mw_respond *self, const char *resource)
{
    for (size_t i = 0; i < self->silence_count; i++) {
        if (strcmp(self->silences[i].resource, resource) == 0)
            return &self->silences[i];
    }
    return NULL;
}

static void keep(struct mw_respond *self, const struct mw_silence *silence)
{
    struct mw_silence *place = find_silence(self, silence->resource);
    if (place == NULL) {
        self->silences =
            talloc_realloc(self, self->silences, struct mw_silence, self->silence_count + 1);
        place = &self->silences[self->silence_count++];
    } else {
        talloc_free(place->resource);
        talloc_free(place->person);
        talloc_free(place->why);
    }
    *place = (struct mw_silence){.resource = talloc_strdup(self, silence->resource),
                                 .person = talloc_strdup(self, silence->person),
                                 .why = talloc_strdup(self, silence->why),
                                 .begun_at = silence->begun_at,
                                 .until = silence->until};
}

static void forget(struct mw_respond *self, struct mw_silence *silence)
{
    talloc_free(silence->resource);
    talloc_free(silence->person);
    talloc_free(silence->why);
    *silence = self->silences[--self->silence_count];
}

/* The number in the inbox of the last word about a resource; what a death left unheard and was said before
 * it comes late, and does not count any more. */
static char *last_word(TALLOC_CTX *memory, const char *resource)
{
    return talloc_asprintf(memory, "quiet_word/%s", resource);
}

static void note_word(struct mw_change *change, const char *resource, int64_t said)
{
    if (said == 0)
        return;
    char *name = last_word(NULL, resource), number[24];
    snprintf(number, sizeof number, "%lld", (long long)said);
    mw_change_setting(change, name, number);
    talloc_free(name);
}

static const struct mw_person ourselves = {.name = "midwatch"};

static bool record_end(struct mw_respond *self, const struct mw_person *person, const char *action,
                       const char *resource, struct mw_error *error)
{
    json_auto_t *detail = json_pack("{s:s}", "resource", resource);
    struct mw_change *change = mw_change_begin(self->record);
    mw_change_unsilence(change, resource);
    note_word(change, resource, person->said);
    mw_change_said(change, person->said);
    mw_change_audit(change, person->name, action, 0, detail);
    return mw_change_commit(change, false, error);
}

/* Those whose time is over leave the record; where it does not work, the next minute tries again. */
static void drop_ended(struct mw_respond *self)
{
    struct mw_error error = {0};
    if (!mw_lock_acquire(&self->silencing, mw_deadline_in(LOCK_MS), &error))
        return;
    for (size_t i = self->silence_count; i > 0; i--) {
        struct mw_silence *one = &self->silences[i - 1];
        if (one->until > mw_wall_now())
            continue;
        if (record_end(self, &ourselves, "silence_ended", one->resource, &error))
            forget(self, one);
        else
            mw_log_warning(ROOM, "the end of the silence of %s could not be recorded: %s",
                           one->resource, error.text);
    }
    mw_lock_release(&self->silencing);
}

bool mw_quiet_load(struct mw_respond *self, struct mw_error *error)
{
    size_t count = 0;
    struct mw_silence *read = mw_record_silences(self->record, self, &count, error);
    if (read == NULL)
        return mw_error_wrap(error, "cannot read the silences");
    for (size_t i = 0; i < count; i++) {
        keep(self, &read[i]);
        /* One that ended while nobody looked is noticed as if it ended now. */
        for (size_t j = 0; j < self->watch->count; j++) {
            const char *name = self->watch->resources[j]->name;
            if (strcmp(read[i].resource, name) == 0 || is_everything(read[i].resource))
                json_object_set_new(self->quiet, name, json_string(""));
        }
    }
    talloc_free(read);
    return true;
}

static int64_t next_look(const struct mw_respond *self)
{
    mw_wall_ms now = mw_wall_now();
    int64_t wait = mw_maintenance_wait(&self->settings.maintenance, now);
    for (size_t i = 0; i < self->silence_count; i++) {
        int64_t left = self->silences[i].until - now;
        if (left > 0 && left < wait)
            wait = left;
    }
    return wait;
}

void mw_quiet_run(void *argument)
{
    struct mw_respond *self = argument;
    struct mw_error error;
    while (!mw_fiber_cancelled()) {
        notice_all(self);
        drop_ended(self);
        mw_condition_wait(&self->silences_changed, mw_deadline_in(next_look(self)), &error);
    }
}

/* ---- what people say ---- */

static bool check_length(int64_t length, struct mw_error *error)
{
    return (length >= MW_SILENCE_LEAST_MS && length <= MW_SILENCE_MOST_MS) ||
           mw_error_set(error, MW_ERROR_BAD_INPUT, "a silence lasts from 1m to 30d");
}

static bool check_resource(const struct mw_respond *self, const char *resource,
                           struct mw_error *error)
{
    return is_everything(resource) || mw_watch_find(self->watch, resource) != NULL ||
           mw_error_set(error, MW_ERROR_BAD_INPUT, "there is no resource \"%s\"", resource);
}

/* Notes in the audit trail that somebody was told no. */
static void record_refusal(struct mw_respond *self, const struct mw_person *person,
                           const char *what, const char *why)
{
    json_auto_t *detail = json_pack("{s:s, s:s}", "action", what, "why", why);
    struct mw_change *change = mw_change_begin(self->record);
    struct mw_error failed;
    mw_change_audit(change, person->name, "refused", 0, detail);
    if (!mw_change_commit(change, false, &failed))
        mw_log_warning(ROOM, "a refusal could not be recorded: %s", failed.text);
}

static bool allowed(struct mw_respond *self, const struct mw_person *person, const char *what,
                    struct mw_error *error)
{
    if (mw_role_allows(person, MW_ROLE_OPERATOR, what, error))
        return true;
    record_refusal(self, person, what, error->text);
    return false;
}

static bool in_turn(struct mw_respond *self, const struct mw_person *person, const char *what,
                    const char *resource, TALLOC_CTX *memory, struct mw_error *error)
{
    char *number = NULL;
    if (person->said == 0)
        return true;
    if (!mw_record_setting(self->record, memory, last_word(memory, resource), &number, error))
        return false;
    if (number == NULL || strtoll(number, NULL, 10) <= person->said)
        return true;
    mw_error_set(error, MW_ERROR_REFUSED, "something else was said about %s since; say it again",
                 is_everything(resource) ? "everything" : resource);
    record_refusal(self, person, what, error->text);
    return false;
}

static bool record_silence(struct mw_respond *self, const struct mw_silence *silence, int64_t said,
                           struct mw_error *error)
{
    char *until = mw_time_rfc3339(NULL, silence->until);
    json_auto_t *detail = json_pack("{s:s, s:s, s:s?}", "resource", silence->resource, "until",
                                    until, "why", silence->why);
    talloc_free(until);
    struct mw_change *change = mw_change_begin(self->record);
    mw_change_silence(change, silence);
    note_word(change, silence->resource, said);
    mw_change_said(change, said);
    mw_change_audit(change, silence->person, "silence", 0, detail);
    return mw_change_commit(change, false, error);
}

/* " I3 stays open." */
static const char *say_open(const struct mw_respond *self, TALLOC_CTX *memory, const char *resource)
{
    const struct mw_case *c = mw_case_of(self, resource);
    if (is_everything(resource))
        return self->cases != NULL ? " What is open stays open." : "";
    return c != NULL ? talloc_asprintf(memory, " I%" PRId64 " stays open.", c->incident->id) : "";
}

bool mw_respond_silence(struct mw_respond *self, const char *resource, int64_t length,
                        const struct mw_person *person, const char *why, TALLOC_CTX *memory,
                        char **said, struct mw_error *error)
{
    if (!allowed(self, person, "silence", error) || !check_resource(self, resource, error) ||
        !check_length(length, error) ||
        !mw_lock_acquire(&self->silencing, mw_deadline_in(LOCK_MS), error))
        return false;
    bool reason = why != NULL && why[0] != '\0';
    mw_wall_ms now = mw_wall_now();
    struct mw_silence silence = {.resource = talloc_strdup(memory, resource),
                                 .person = talloc_strdup(memory, person->name),
                                 .why = reason ? mw_redact_line(memory, why, strlen(why), WHY_MAX)
                                               : NULL,
                                 .begun_at = now,
                                 .until = now + length};
    bool ok = in_turn(self, person, "silence", resource, memory, error);
    if (ok && !record_silence(self, &silence, person->said, error))
        ok = mw_error_wrap(error, "the silence could not be recorded, so it does not count");
    if (ok)
        keep(self, &silence);
    mw_lock_release(&self->silencing);
    if (!ok)
        return false;
    notice_all(self);
    mw_condition_notify(&self->silences_changed);
    *said = talloc_asprintf(memory,
                            "%s is silenced until %s: no incident opens and nothing runs by "
                            "itself.%s Say unsilence %s to end it.",
                            is_everything(resource) ? "Everything" : resource,
                            mw_time_near(memory, silence.until, now),
                            say_open(self, memory, resource), resource);
    return true;
}

/* Why there is nothing to end, and what keeps it quiet all the same. */
static bool refuse_end(const struct mw_respond *self, const char *resource, struct mw_error *error)
{
    struct mw_quiet quiet;
    bool found = find(self, resource, &quiet);
    const char *name = is_everything(resource) ? "everything" : resource;
    if (found && quiet.person == NULL)
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "%s is in maintenance, which the configuration says (maintenance:)",
                            name);
    if (found)
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "%s is silenced with everything by %s: unsilence * ends that", resource,
                            quiet.person);
    if (is_everything(resource))
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "there is no silence over everything; status shows what is silenced");
    return mw_error_set(error, MW_ERROR_REFUSED, "%s is not silenced", resource);
}

/* " It is DEGRADED, so I4 is open." */
static const char *say_after(const struct mw_respond *self, TALLOC_CTX *memory,
                             const char *resource)
{
    const char *quiet = mw_respond_quiet(self, memory, resource);
    const struct mw_resource *watched = mw_watch_find(self->watch, resource);
    const struct mw_case *c = mw_case_of(self, resource);
    if (quiet != NULL)
        return talloc_asprintf(memory, " It stays quiet: %s.", quiet);
    if (watched == NULL || c == NULL)
        return "";
    return talloc_asprintf(memory, " It is %s, and I%" PRId64 " is open.",
                           mw_health_name(watched->health), c->incident->id);
}

bool mw_respond_unsilence(struct mw_respond *self, const char *resource,
                          const struct mw_person *person, TALLOC_CTX *memory, char **said,
                          struct mw_error *error)
{
    if (!allowed(self, person, "unsilence", error) ||
        !mw_lock_acquire(&self->silencing, mw_deadline_in(LOCK_MS), error))
        return false;
    bool ok = in_turn(self, person, "unsilence", resource, memory, error);
    struct mw_silence *silence = find_silence(self, resource);
    if (!ok || silence == NULL || silence->until <= mw_wall_now())
        ok = ok && refuse_end(self, resource, error);
    else if (!record_end(self, person, "unsilence", resource, error))
        ok = mw_error_wrap(error, "still silenced: the end could not be recorded");
    if (ok)
        forget(self, find_silence(self, resource));
    mw_lock_release(&self->silencing);
    if (!ok)
        return false;
    notice_all(self);
    *said = talloc_asprintf(memory, "%s no longer silenced.%s",
                            is_everything(resource) ? "Everything together is"
                                                    : talloc_asprintf(memory, "%s is", resource),
                            say_after(self, memory, resource));
    return true;
}
