/* SPDX-License-Identifier: Apache-2.0 */
/* Freezing: everything automatic stops at once, until an approver thaws it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/redact.h"
#include "respond/case.h"

#define SETTING "frozen"
#define AFTER   "frozen_after" /* the number of the word that froze it, in the inbox */
#define WHY_MAX 200

bool mw_freeze_load(struct mw_respond *self, struct mw_error *error)
{
    if (!mw_record_setting(self->record, self, SETTING, &self->frozen, error))
        return mw_error_wrap(error, "cannot read whether it is frozen");
    char *after = NULL;
    if (!mw_record_setting(self->record, self, AFTER, &after, error))
        return mw_error_wrap(error, "cannot read when it was frozen");
    self->frozen_after = after != NULL ? strtoll(after, NULL, 10) : 0;
    talloc_free(after);
    if (self->frozen != NULL)
        mw_log_info("respond", "nothing runs by itself: %s", self->frozen);
    return true;
}

static bool record(struct mw_respond *self, const struct mw_person *person, const char *action,
                   const char *value, struct mw_error *error)
{
    json_auto_t *detail = value != NULL ? json_pack("{s:s}", "text", value) : NULL;
    struct mw_change *change = mw_change_begin(self->record);
    mw_change_setting(change, SETTING, value);
    char after[24];
    snprintf(after, sizeof after, "%lld", (long long)self->frozen_after);
    mw_change_setting(change, AFTER, value != NULL ? after : NULL);
    mw_change_said(change, person->said);
    mw_change_audit(change, person->name, action, 0, detail);
    return mw_change_commit(change, false, error);
}

bool mw_role_allows(const struct mw_person *person, enum mw_role role, const char *what,
                    struct mw_error *error)
{
    return person->role >= role ||
           mw_error_set(error, MW_ERROR_REFUSED, "%s is %s; to %s takes an %s", person->name,
                        mw_role_phrase(person->role), what, mw_role_name(role));
}

bool mw_respond_freeze(struct mw_respond *self, const struct mw_person *person, const char *why,
                       TALLOC_CTX *memory, char **said, struct mw_error *error)
{
    if (!mw_role_allows(person, MW_ROLE_OPERATOR, "freeze", error))
        return false;
    bool reason = why != NULL && why[0] != '\0';
    char *clean = reason ? mw_redact_line(memory, why, strlen(why), WHY_MAX) : NULL;
    char *frozen = talloc_asprintf(memory, "frozen by %s%s%s", person->name, reason ? ": " : "",
                                   reason ? clean : "");
    /* It holds from now on, whether or not the record can take it. */
    talloc_free(self->frozen);
    self->frozen = talloc_strdup(self, frozen);
    self->frozen_after = person->said;
    if (!record(self, person, "freeze", frozen, error))
        return mw_error_wrap(error, "frozen until midwatch ends, but it could not be recorded");
    *said = talloc_asprintf(memory, "Nothing runs by itself now, %s. Say thaw to end it.", frozen);
    return true;
}

bool mw_respond_thaw(struct mw_respond *self, const struct mw_person *person, TALLOC_CTX *memory,
                     char **said, struct mw_error *error)
{
    if (!mw_role_allows(person, MW_ROLE_APPROVER, "thaw", error))
        return false;
    if (self->frozen == NULL)
        return mw_error_set(error, MW_ERROR_REFUSED, "it is not frozen");
    /* A word that a death left unheard comes late; what was said after it counts. */
    if (person->said != 0 && person->said < self->frozen_after)
        return mw_error_set(error, MW_ERROR_REFUSED,
                            "it was frozen after that was said; say thaw again");
    if (!record(self, person, "thaw", NULL, error))
        return mw_error_wrap(error, "still frozen: thawing could not be recorded");
    TALLOC_FREE(self->frozen);
    *said = talloc_strdup(memory, "Thawed: policy decides again what runs by itself.");
    return true;
}

const char *mw_respond_frozen(const struct mw_respond *self)
{
    return self->frozen;
}
