/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between two configurations. */
#ifndef MIDWATCH_CLI_CHANGES_H
#define MIDWATCH_CLI_CHANGES_H

#include "cli/settings.h"
#include "config/config.h"

/* Tells of each key that differs; resources are one key. */
void mw_settings_compare(const struct mw_settings *before, const struct mw_settings *after,
                         const struct mw_option_changes *changes);

/* The resource of that name; NULL: none. */
const struct mw_resource_settings *mw_settings_resource(const struct mw_settings *settings,
                                                        const char *name);
/* Whether two entries ask for the same thing; and whether at least their kind's own keys do. */
bool mw_resource_settings_equal(const struct mw_resource_settings *a,
                                const struct mw_resource_settings *b);
bool mw_resource_settings_same_target(const struct mw_resource_settings *a,
                                      const struct mw_resource_settings *b);

#endif
