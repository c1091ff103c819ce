/* SPDX-License-Identifier: Apache-2.0 */
/* Whether `maintenance:` speaks of resources that are there, at times that come. */
#ifndef MIDWATCH_CLI_MAINTENANCE_H
#define MIDWATCH_CLI_MAINTENANCE_H

#include "cli/settings.h"
#include "config/config.h"

/* `file` is the whole of it; each fault stands at its line. */
void mw_maintenance_settings_check(const struct mw_settings *settings, const struct mw_yaml *file,
                                   struct mw_faults *faults);

#endif
