/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence: what the targets say of themselves and the log lines that matter. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "respond/case.h"

#define ROOM             "respond"
#define LOG_LINES_MAX    40
#define MEMBER_LINES_MAX 10
#define ASKED_MAX        8 /* resources of one incident that are looked into */

/* A target that hangs uses up the time for its facts, and its logs are needed then most of all. */
#define FACTS_TIME_MS 2000
#define LOGS_TIME_MS  5000

/* What is asked of one resource, in a fiber of its own. Nothing here belongs to the incident, whose
 * members may change places meanwhile. */
struct inquiry {
    struct mw_case *asker;
    char *name;
    size_t lines_max;
    json_t *facts;
    struct mw_log_excerpt *log;
    size_t log_count;
};

static int release_inquiries(struct inquiry *list)
{
    for (size_t i = 0; i < talloc_array_length(list); i++)
        json_decref(list[i].facts);
    return 0;
}

static void ask_facts(struct inquiry *self, struct mw_resource *resource)
{
    const struct mw_target_ops *ops = resource->target.ops;
    struct mw_error error = {0};
    if (ops->facts != NULL &&
        !ops->facts(&resource->target, mw_deadline_in(FACTS_TIME_MS), &self->facts, &error))
        mw_log_info(ROOM, "I%lld: no facts from %s: %s", (long long)self->asker->incident->id,
                    self->name, error.text);
}

static void inquire(void *argument)
{
    struct inquiry *self = argument;
    struct mw_resource *resource = mw_case_find_resource(self->asker, self->name);
    if (resource == NULL)
        return;
    ask_facts(self, resource);
    self->log = mw_watch_logs(resource, self->name, self->lines_max, &self->log_count,
                              mw_deadline_in(LOGS_TIME_MS));
}

static struct inquiry *ask_all(struct mw_case *self)
{
    size_t count = self->incident->member_count + 1;
    count = count < ASKED_MAX ? count : ASKED_MAX;
    struct inquiry *list = talloc_zero_array(self, struct inquiry, count);
    talloc_set_destructor(list, release_inquiries);
    struct mw_group asking;
    struct mw_error error;
    mw_group_init(&asking);
    for (size_t i = 0; i < count; i++) {
        list[i] = (struct inquiry){
            .asker = self,
            .name = talloc_strdup(list, mw_incident_resource(self->incident, i)),
            .lines_max = i == 0 ? LOG_LINES_MAX : MEMBER_LINES_MAX,
        };
        mw_fiber_spawn(&asking, "evidence", inquire, &list[i]);
    }
    mw_group_wait(&asking, MW_NO_DEADLINE, &error);
    mw_group_finish(&asking);
    return list;
}

static void keep_facts(struct mw_incident *incident, struct inquiry *inquiry)
{
    struct mw_part part;
    for (size_t i = 0; mw_incident_part(incident, i, &part); i++) {
        if (inquiry->facts == NULL || strcmp(part.resource, inquiry->name) != 0)
            continue;
        json_decref(*part.facts);
        *part.facts = json_incref(inquiry->facts);
    }
}

/* Where several speak, each line says whose it is. */
static void keep_log(struct mw_incident *incident, const struct inquiry *inquiry, bool alone)
{
    for (size_t i = 0; i < inquiry->log_count; i++) {
        const char *line = inquiry->log[i].line;
        incident->log[incident->log_count++] = (struct mw_log_excerpt){
            .line = alone ? talloc_strdup(incident->log, line)
                          : talloc_asprintf(incident->log, "%s: %s", inquiry->name, line),
            .times = inquiry->log[i].times,
        };
    }
}

static void keep(struct mw_incident *incident, struct inquiry *list)
{
    size_t count = talloc_array_length(list), lines = 0;
    for (size_t i = 0; i < count; i++)
        lines += list[i].log_count;
    talloc_free(incident->log);
    incident->log = talloc_zero_array(incident, struct mw_log_excerpt, lines);
    incident->log_count = 0;
    for (size_t i = 0; i < count; i++) {
        keep_facts(incident, &list[i]);
        keep_log(incident, &list[i], count == 1);
    }
}

/* Who is in it now stands in the audit trail too. */
static bool record_group(struct mw_case *self)
{
    json_auto_t *names = json_array();
    const char *name;
    for (size_t i = 0; (name = mw_incident_resource(self->incident, i)) != NULL; i++)
        json_array_append_new(names, json_string(name));
    json_auto_t *detail = json_pack("{s:O}", "resources", names);
    return mw_case_record(self, "midwatch", "grouped", detail, false);
}

enum mw_stage mw_stage_evidence(struct mw_case *self)
{
    mw_group_settle(self);
    bool another = mw_group_lead(self);
    if ((another || self->joined_mono != 0) && !record_group(self))
        return MW_STAGE_EVIDENCE;
    if (mw_case_resource(self) == NULL)
        return mw_case_left(self);
    struct inquiry *list = ask_all(self);
    keep(self->incident, list);
    talloc_free(list);
    self->incident->durations.analyse += mw_case_stage_ms(self);
    return MW_STAGE_PLAN;
}
