/* SPDX-License-Identifier: Apache-2.0 */
/* Whether what `depends_on` names is there, nothing needs itself, and no chain of needs is too long. */
#ifndef MIDWATCH_CLI_DEPENDENCIES_H
#define MIDWATCH_CLI_DEPENDENCIES_H

#include "cli/settings.h"
#include "config/config.h"

/* Resources that need each other in a row. Whoever looks along such a chain recurses on a fiber's stack. */
#define MW_NEEDS_CHAIN_MAX 32

/* `list` is `resources:` of the file, or NULL; each fault stands at its line. */
void mw_dependencies_check(const struct mw_settings *settings, const struct mw_yaml *list,
                           struct mw_faults *faults);

/* A fault where no entry of `list`, which is a sequence, has that name; it offers the nearest. */
void mw_resource_name_check(const char *name, const struct mw_yaml *list, int line,
                            const char *path, struct mw_faults *faults);

#endif
