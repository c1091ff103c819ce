/* SPDX-License-Identifier: Apache-2.0 */
/* Approvals that no longer count, since whoever gave them may not give them any more. */
#include "converse/paper.h"
#include "converse/scene.h"
#include "midwatch/message.h"

const char *mw_say_voided(const struct mw_scene *scene, const struct mw_plan *plan)
{
    const struct mw_incident *incident = scene->incident;
    char *text = NULL;
    for (size_t i = 0; i < incident->decision_count; i++) {
        const struct mw_decision *decision = &incident->decisions[i];
        if (decision->action != MW_ACTION_VOID || decision->revision != plan->revision) {
            continue;
        }
        const char *note = decision->note != NULL ? decision->note : "the role was taken away";
        text = text == NULL ? talloc_strdup(scene->memory, "") : talloc_asprintf_append(text, "; ");
        text =
            talloc_asprintf_append(text, "the approval of %s is void: %s", decision->person, note);
    }
    return text;
}

json_t *mw_voided_message(const struct mw_scene *scene, const struct mw_plan *plan)
{
    struct mw_paper paper;
    const char *slot = talloc_asprintf(scene->memory, "voided/%d", plan->revision);
    const char *voided = mw_say_voided(scene, plan);
    mw_paper_begin(&paper, scene->memory, MW_STATE_INFO, scene->incident->id, slot);
    mw_paper_text(&paper, "Plan r%d: %s.", plan->revision, voided != NULL ? voided : "");
    return mw_paper_end(&paper);
}
