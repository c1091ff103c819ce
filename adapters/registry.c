/* SPDX-License-Identifier: Apache-2.0 */
#include "midwatch/registry.h"

extern const struct mw_target_ops mw_target_postgres;
extern const struct mw_target_ops mw_target_redis;
extern const struct mw_chat_ops mw_chat_slack;
extern const struct mw_chat_ops mw_chat_terminal;
extern const struct mw_planner_ops mw_planner_gemini;
extern const struct mw_planner_ops mw_planner_openai;
extern const struct mw_planner_ops mw_planner_runbook;
extern const struct mw_store_ops mw_store_sqlite;

const struct mw_target_ops *const mw_registry_targets[] = {&mw_target_postgres, &mw_target_redis,
                                                           NULL};
const struct mw_chat_ops *const mw_registry_chats[] = {&mw_chat_slack, &mw_chat_terminal, NULL};
const struct mw_planner_ops *const mw_registry_planners[] = {
    &mw_planner_runbook, &mw_planner_gemini, &mw_planner_openai, NULL};
const struct mw_store_ops *const mw_registry_stores[] = {&mw_store_sqlite, NULL};
