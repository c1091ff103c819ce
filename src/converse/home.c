/* SPDX-License-Identifier: Apache-2.0 */
/* A page for one person: what waits for them, what is open, how everything is. */
#include <inttypes.h>

#include "base/clock.h"
#include "converse/answers.h"
#include "converse/paper.h"
#include "midwatch/message.h"

#define OPEN_MAX 20

static void write_incident(struct mw_paper *paper, const struct mw_request *request,
                           const struct mw_incident *incident)
{
    const struct mw_scene scene = {.memory = request->memory, .incident = incident};
    const struct mw_plan *plan = mw_incident_plan(incident);
    bool waits =
        plan != NULL && incident->stage == MW_STAGE_ASK && request->person.role >= MW_ROLE_APPROVER;
    mw_paper_text(paper, "%sI%" PRId64 " %s, since %s: %s", waits ? "⏳ waits for you: " : "🔴 ",
                  incident->id, incident->resource,
                  mw_time_near(request->memory, incident->opened_at, mw_wall_now()),
                  mw_say_symptom(&scene));
}

static bool write_open(struct mw_paper *paper, struct mw_request *request)
{
    const struct mw_converse *converse = request->channel->converse;
    size_t count = 0;
    int64_t *ids = mw_respond_open(converse->respond, request->memory, &count);
    for (size_t i = 0; ids != NULL && i < count && i < OPEN_MAX; i++) {
        struct mw_error error;
        const struct mw_incident *incident =
            mw_record_incident(converse->record, request->memory, ids[i], &error);
        if (incident != NULL) {
            write_incident(paper, request, incident);
        }
    }
    return count > 0;
}

/* The blocks of another answer, below what stands there. */
static void append(json_t *page, json_t *answer)
{
    json_array_extend(json_object_get(page, "blocks"), json_object_get(answer, "blocks"));
    json_decref(answer);
}

json_t *mw_answer_home(struct mw_request *request)
{
    const struct mw_converse *converse = request->channel->converse;
    const char *name = converse->settings.name, *frozen = mw_respond_frozen(converse->respond);
    struct mw_paper paper;
    mw_paper_begin(&paper, request->memory, MW_STATE_INFO, 0, NULL);
    mw_paper_headline(&paper, "midwatch%s%s", name != NULL ? " · " : "", name != NULL ? name : "");
    mw_paper_note(&paper, "you are %s (%s)", request->person.name,
                  mw_role_name(request->person.role));
    if (frozen != NULL) {
        mw_paper_note(&paper, "🧊 %s", frozen);
    }
    for (const struct mw_notice *notice = converse->notices; notice != NULL;
         notice = notice->next) {
        if (notice->is_so && notice->text != NULL) {
            mw_paper_note(&paper, "⚠ %s", notice->text);
        }
    }
    if (!write_open(&paper, request)) {
        mw_paper_text(&paper, "Nothing is open.");
    }
    json_t *page = mw_paper_end(&paper);
    append(page, mw_answer_status(request));
    append(page, mw_answer_policy(request));
    return page;
}
