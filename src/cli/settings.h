/* SPDX-License-Identifier: Apache-2.0 */
/* The whole configuration as values: each room's and adapter's own option tables, read together. */
#ifndef MIDWATCH_CLI_SETTINGS_H
#define MIDWATCH_CLI_SETTINGS_H

#include <stdbool.h>
#include <stdio.h>

#include "converse/converse.h"
#include "midwatch/registry.h"
#include "respond/respond.h"
#include "watch/watch.h"

/* A chat or a resource: its adapter and what that adapter's options were read into. */
struct mw_chat_settings {
    const struct mw_chat_ops *ops;
    void *config;
};

struct mw_resource_settings {
    const struct mw_target_ops *ops;
    struct mw_resource_config common;
    void *config;
};

struct mw_log_settings {
    int level;  /* enum mw_log_level */
    int format; /* 0 text, 1 json */
};

struct mw_llm_settings {
    const struct mw_planner_ops *ops;
    const char *provider;
    int64_t timeout;      /* ms */
    const char *runbooks; /* folder */
    void *config;
};

struct mw_settings {
    const char *name, *store;
    struct mw_log_settings *log;
    struct mw_llm_settings llm;
    struct mw_policy *policy;
    struct mw_section_list people; /* of struct mw_person_config */
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
