/* SPDX-License-Identifier: Apache-2.0 */
/* Which adapters are built in. Adding a vendor is one folder and one line in adapters/registry.c. */
#ifndef MIDWATCH_REGISTRY_H
#define MIDWATCH_REGISTRY_H

#include "midwatch/chat.h"
#include "midwatch/planner.h"
#include "midwatch/store.h"
#include "midwatch/target.h"

/* Each list ends with NULL. */
extern const struct mw_target_ops *const mw_registry_targets[];
extern const struct mw_chat_ops *const mw_registry_chats[];
extern const struct mw_planner_ops *const mw_registry_planners[];
extern const struct mw_store_ops *const mw_registry_stores[];

#endif
