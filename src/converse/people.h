/* SPDX-License-Identifier: Apache-2.0 */
/* Who spoke: from a chat's kind and the platform's id to a listed person. */
#ifndef MIDWATCH_CONVERSE_PEOPLE_H
#define MIDWATCH_CONVERSE_PEOPLE_H

#include <stdbool.h>
#include <talloc.h>

#include "converse/converse.h"

enum mw_speaker_kind {
    MW_SPEAKER_LISTED,
    MW_SPEAKER_UNLISTED, /* a viewer who goes by the platform's id */
    MW_SPEAKER_UNNAMED,  /* several share the terminal and nobody said who it was; a viewer */
};

/* On the terminal the id is the name that the line began with, or "" for none. `*person` hangs on
 * `memory`, since another configuration may come while it is used. */
enum mw_speaker_kind mw_people_find(const struct mw_converse_settings *settings, TALLOC_CTX *memory,
                                    const char *chat_kind, const char *id,
                                    struct mw_person *person);

/* The same of an event of that chat, which is asked who they are where it can say. A guest and somebody of another
 * organisation is a viewer, whatever the list says. `settings` may have been replaced meanwhile: they are the
 * room's own. */
MW_SUSPENDS enum mw_speaker_kind mw_people_of_chat(const struct mw_converse_settings *settings,
                                                   TALLOC_CTX *memory, struct mw_chat *chat,
                                                   const char *id, struct mw_person *person);

/* Whether an entry stands for the members of a group. */
bool mw_people_is_group(const struct mw_person_config *config);

#endif
