/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tables.h"

/* Named by the interface, and not built yet. */
const char *const mw_later_chats[] = {"slack", "matrix", NULL};
const char *const mw_later_planners[] = {NULL};
const char *const mw_later_kinds[] = {
    "postgres", "nginx",        "docker",          "http", "exec", "linux",  "gcp_compute",
    "gcp_sql",  "gcp_discover", "gcp_memorystore", "tcp",  "sql",  "promql", NULL};

static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};
static const char *const log_formats[] = {"text", "json", NULL};

static const struct mw_option log_options[] = {
    {.name = "level",
     .type = MW_OPTION_CHOICE,
     .fallback = "info",
     .help = "how much is said on stderr",
     .offset = offsetof(struct mw_log_settings, level),
     .choices = log_levels},
    {.name = "format",
     .type = MW_OPTION_CHOICE,
     .fallback = "text",
     .help = "lines for people or for programs",
     .offset = offsetof(struct mw_log_settings, format),
     .choices = log_formats},
    {.name = NULL},
};

static const char *const fallback_names[] = {"runbook", "none", NULL};

const struct mw_option mw_llm_options[] = {
    {.name = "provider",
     .type = MW_OPTION_TEXT,
     .fallback = "runbook",
     .help = "who proposes plans: runbook, gemini or openai",
     .offset = offsetof(struct mw_llm_common, provider)},
    {.name = "timeout",
     .type = MW_OPTION_DURATION,
     .fallback = "60s",
     .help = "how long a proposal may take",
     .offset = offsetof(struct mw_llm_common, timeout),
     .minimum = 1000,
     .maximum = 600000},
    {.name = "runbooks",
     .type = MW_OPTION_PATH,
     .help = "folder of the runbooks; those that come with midwatch where it is not given",
     .offset = offsetof(struct mw_llm_common, runbooks)},
    {.name = "fallback",
     .type = MW_OPTION_CHOICE,
     .fallback = "runbook",
     .help = "who is asked when a model has no plan",
     .offset = offsetof(struct mw_llm_common, fallback),
     .choices = fallback_names},
    {.name = NULL},
};

const struct mw_option mw_chat_options[] = {
    {.name = "kind",
     .type = MW_OPTION_TEXT,
     .flags = MW_OPTION_REQUIRED,
     .help = "terminal",
     .offset = 0},
    {.name = NULL},
};

#define LATER(key, text)                                                           \
    {                                                                              \
        .name = key, .type = MW_OPTION_TEXT, .flags = MW_OPTION_NEXT, .help = text \
    }

const struct mw_option mw_root_options[] = {
    {.name = "name",
     .type = MW_OPTION_TEXT,
     .fallback = "midwatch",
     .help = "of this installation; shown on every card",
     .offset = offsetof(struct mw_root, name)},
    {.name = "store",
     .type = MW_OPTION_PATH,
     .fallback = "midwatch.db",
     .help = "the record: an SQLite file",
     .offset = offsetof(struct mw_root, store)},
    {.name = "log",
     .type = MW_OPTION_SECTION,
     .fallback = "{}",
     .help = "what is said on stderr",
     .offset = offsetof(struct mw_root, log),
     .children = log_options,
     .size = sizeof(struct mw_log_settings)},
    {.name = "chat",
     .type = MW_OPTION_SECTIONS,
     .help = "where people are",
     .offset = offsetof(struct mw_root, chats),
     .children = mw_chat_options,
     .size = sizeof(struct mw_chat_common)},
    {.name = "llm",
     .type = MW_OPTION_SECTION,
     .help = "who proposes plans",
     .offset = offsetof(struct mw_root, llm),
     .children = mw_llm_options,
     .size = sizeof(struct mw_llm_common)},
    {.name = "people",
     .type = MW_OPTION_SECTIONS,
     .help = "who may do what",
     .offset = offsetof(struct mw_root, people),
     .children = mw_person_options,
     .size = sizeof(struct mw_person_config)},
    {.name = "policy",
     .type = MW_OPTION_SECTION,
     .fallback = "{}",
     .help = "what runs by itself, what waits for people, what never runs",
     .offset = offsetof(struct mw_root, policy),
     .children = mw_policy_options,
     .size = sizeof(struct mw_policy)},
    {.name = "resources",
     .type = MW_OPTION_SECTIONS,
     .help = "what is watched",
     .offset = offsetof(struct mw_root, resources),
     .children = mw_resource_options,
     .size = sizeof(struct mw_resource_config)},
    {.name = "retention",
     .type = MW_OPTION_SECTION,
     .fallback = "{}",
     .help = "how long the record keeps what",
     .offset = offsetof(struct mw_root, retention),
     .children = mw_retention_options,
     .size = sizeof(struct mw_retention)},
    {.name = "maintenance",
     .type = MW_OPTION_SECTIONS,
     .flags = MW_OPTION_RELOADABLE,
     .help = "planned work, during which no incident opens",
     .offset = offsetof(struct mw_root, maintenance),
     .children = mw_maintenance_options,
     .size = sizeof(struct mw_maintenance)},
    {.name = "heartbeat",
     .type = MW_OPTION_SECTION,
     .help = "a dead man's switch that others watch",
     .offset = offsetof(struct mw_root, heartbeat),
     .children = mw_heartbeat_options,
     .size = sizeof(struct mw_heartbeat_config)},
    LATER("http", "the HTTP server"),
    LATER("docker", "the Docker engine"),
    LATER("gcp", "Google Cloud"),
    LATER("oncall", "who is on call"),
    LATER("pagers", "phone notifications"),
    LATER("mcp_servers", "other people's tools"),
    {.name = NULL},
};
