/* SPDX-License-Identifier: Apache-2.0 */
/* `${NAME}` and `${file:PATH}`. */
#ifndef MIDWATCH_CONFIG_EXPAND_H
#define MIDWATCH_CONFIG_EXPAND_H

#include "config/config.h"

/* Fills in all scalars of the tree; what cannot be filled in is a fault and marked `broken`. */
void mw_config_expand(struct mw_yaml *root, const char *folder, struct mw_faults *faults);

#endif
