/* SPDX-License-Identifier: Apache-2.0 */
/* What people see of silences and planned work. */
#include <string.h>

#include "converse/answers.h"
#include "converse/paper.h"
#include "converse/scene.h"

#define NOTES_MAX 20

const char *mw_scene_quiet(TALLOC_CTX *memory, const struct mw_respond *respond,
                           const struct mw_incident *incident)
{
    char *all = NULL;
    const char *name;
    for (size_t i = 0; (name = mw_incident_resource(incident, i)) != NULL; i++) {
        const char *text = mw_respond_quiet(respond, memory, name);
        if (text == NULL) {
            continue;
        }
        /* With one resource it is plain which. */
        const char *which =
            incident->member_count > 0 ? talloc_asprintf(memory, "%s is ", name) : "";
        all = all == NULL ? talloc_asprintf(memory, "%s%s", which, text)
                          : talloc_asprintf_append(all, "; %s%s", which, text);
    }
    return all;
}

void mw_note_quiet(struct mw_paper *paper, const struct mw_respond *respond,
                   const struct mw_watch *watch)
{
    const char *everything = mw_respond_quiet(respond, paper->memory, "*");
    size_t count = 0;
    if (everything != NULL) {
        mw_paper_note(paper, "everything is %s", everything);
    }
    for (size_t i = 0; i < watch->count; i++) {
        const char *name = watch->resources[i]->name;
        const char *text = mw_respond_quiet(respond, paper->memory, name);
        bool said = text == NULL || (everything != NULL && strcmp(text, everything) == 0);
        if (!said && ++count <= NOTES_MAX) {
            mw_paper_note(paper, "%s is %s", name, text);
        }
    }
    if (count > NOTES_MAX) {
        mw_paper_note(paper, "and %zu more are quiet", count - NOTES_MAX);
    }
}
