/* SPDX-License-Identifier: Apache-2.0 */
/* Other settings while incidents are open. */
#include "base/clock.h"
#include "base/log.h"
#include "respond/case.h"

#define ROOM "respond"

/* The incident may end while this waits. */
static void void_lost(struct mw_respond *self, int64_t id)
{
    struct mw_case *c = mw_case_find(self, id);
    struct mw_error error = {0};
    if (c == NULL)
        return;
    mw_case_hold(c);
    if (mw_lock_acquire(&c->deciding, mw_deadline_in(10000), &error)) {
        if (!c->ended && !mw_decide_void_lost(c, &error) && error.class != MW_ERROR_CANCELLED)
            mw_log_warning(ROOM,
                           "I%lld: approvals that no longer count could not be recorded as void: "
                           "%s",
                           (long long)id, error.text);
        mw_lock_release(&c->deciding);
    }
    mw_case_release(c);
}

void mw_respond_void_lost(struct mw_respond *self)
{
    size_t count = 0;
    TALLOC_CTX *memory = talloc_new(self);
    int64_t *ids = mw_respond_open(self, memory, &count);
    for (size_t i = 0; i < count; i++)
        void_lost(self, ids[i]);
    talloc_free(memory);
}

void mw_respond_reload(struct mw_respond *self, const struct mw_respond_settings *settings)
{
    self->settings = *settings;
    mw_condition_notify(&self->silences_changed);
    /* Whoever waits looks again, with the new settings. */
    for (struct mw_case *c = self->cases; c != NULL; c = c->next)
        mw_condition_notify(&c->changed);
    /* Who asks nobody cannot be impaired, whoever was before. */
    if (self->settings.planner->ops->ask == NULL)
        mw_planner_impaired(self, self->settings.planner, MW_IMPAIRMENT_NONE, "");
    mw_respond_count_spent(self);
    mw_respond_void_lost(self);
}
