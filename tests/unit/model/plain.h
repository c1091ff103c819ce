/* SPDX-License-Identifier: Apache-2.0 */
/* A vendor of the tests' own, as plain as can be: an answer is {"calls": [{"name", "arguments"}], "text",
 * "unusable", "refused", "in", "out"}, and what was said stands in {"messages", "functions", "forced"}. */
#ifndef MIDWATCH_TEST_MODEL_PLAIN_H
#define MIDWATCH_TEST_MODEL_PLAIN_H

#include "adapters/llm/model/model.h"

extern const struct mw_planner_ops plain_ops;

#endif
