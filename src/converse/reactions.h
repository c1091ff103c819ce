/* SPDX-License-Identifier: Apache-2.0 */
/* What an emoji means on a message of ours. */
#ifndef MIDWATCH_CONVERSE_REACTIONS_H
#define MIDWATCH_CONVERSE_REACTIONS_H

#include <stdbool.h>

#include "midwatch/incident.h"

/* Takes the sign with or without U+FE0F and skin tones, and the platforms' names with or without
 * colons and "::skin-tone-N". False: it means nothing to us. */
bool mw_reaction_parse(const char *emoji, enum mw_action *action);

#endif
