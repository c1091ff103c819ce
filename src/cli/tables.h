/* SPDX-License-Identifier: Apache-2.0 */
/* The option tables that belong to no room: the root of the configuration and what frames the adapters'. */
#ifndef MIDWATCH_CLI_TABLES_H
#define MIDWATCH_CLI_TABLES_H

#include "converse/converse.h"
#include "midwatch/option.h"
#include "record/retention.h"
#include "respond/respond.h"
#include "watch/heartbeat.h"
#include "watch/watch.h"

struct mw_log_settings {
    int level;  /* enum mw_log_level */
    int format; /* 0 text, 1 json */
};

/* Common to all chats, and to all planners; each adapter adds its own keys. */
struct mw_chat_common {
    const char *kind;
};

enum mw_fallback { MW_FALLBACK_RUNBOOK, MW_FALLBACK_NONE };

struct mw_llm_common {
    const char *provider;
    int64_t timeout;      /* ms */
    int fallback;         /* enum mw_fallback */
    const char *runbooks; /* folder; NULL: not given and not found */
};

/* What the root table fills. Chats, resources and the planner are read apart, since their adapters know
 * further keys; their rows stand in the table so that the names are known. */
struct mw_root {
    const char *name, *store;
    struct mw_log_settings *log;
    struct mw_llm_common *llm;
    struct mw_policy *policy;
    struct mw_retention *retention;
    struct mw_heartbeat_config *heartbeat; /* NULL: none */
    struct mw_section_list people, chats, resources, maintenance;
};

extern const struct mw_option mw_root_options[], mw_chat_options[], mw_llm_options[];

/* Words of the interface that name no adapter of this version; the lists end with NULL. */
extern const char *const mw_later_chats[], *const mw_later_planners[], *const mw_later_kinds[];

#endif
