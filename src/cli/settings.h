/* SPDX-License-Identifier: Apache-2.0 */
/* The whole configuration as values: each room's and adapter's own option tables, read together. */
#ifndef MIDWATCH_CLI_SETTINGS_H
#define MIDWATCH_CLI_SETTINGS_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/tables.h"
#include "midwatch/registry.h"

/* Each resource costs a fiber and a connection, and as many incidents may be open. */
#define MW_RESOURCES_MAX 10000

/* A chat, a planner or a resource: its adapter, the common keys, and what the adapter's own options
 * were read into. */
struct mw_chat_settings {
    const struct mw_chat_ops *ops;
    struct mw_chat_common common;
    void *config;
};

struct mw_llm_settings {
    const struct mw_planner_ops *ops;
    struct mw_llm_common common;
    void *config;
};

struct mw_resource_settings {
    const struct mw_target_ops *ops;
    struct mw_resource_config common;
    void *config;
};

struct mw_settings {
    struct mw_root root; /* without chats, llm and resources, which stand below */
    struct mw_llm_settings llm;
    size_t chat_count;
    struct mw_chat_settings *chats;
    size_t resource_count;
    struct mw_resource_settings *resources;
};

/* Reads and checks a configuration. NULL when there are faults; all of them are printed to `faults`. */
struct mw_settings *mw_settings_load(const char *file, FILE *faults);

/* The watch with all resources of the settings. NULL: said what is wrong. */
struct mw_watch *mw_settings_watch(TALLOC_CTX *memory, const struct mw_settings *settings,
                                   struct mw_error *error);

#endif
