/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold whatever happens. Each check ends the process when it does not (sim_broken). */
#ifndef MIDWATCH_SIMULATION_CHECKS_H
#define MIDWATCH_SIMULATION_CHECKS_H

#include <jansson.h>

#include "record/record.h"
#include "simulation/platform.h"
#include "simulation/world.h"

void sim_checks_begin(void);
void sim_checks_end(void);

/* After each change of the record (check_record.c): incidents, plans and steps go only where they may. */
void sim_check_record(void);
/* A plan became approved by policy (check_policy.c), or is shown to people, who are asked for as many
 * approvals as policy wants. */
void sim_check_automatic(int64_t incident, int revision, mw_wall_ms approved_at);
void sim_check_asked(int64_t incident, int revision, int approvals, mw_wall_ms asked_at);

/* Before a tool that changes something does anything (check_run.c). */
void sim_check_run(const struct sim_thing *thing, enum sim_tool tool, const json_t *arguments);

/* Before a platform takes a message (check_boxes.c). */
void sim_check_post(struct sim_platform *platform, const char *key, const char *thread);

/* Each message stands where the record says, and says what it says; an incident was told of. */
void sim_check_outbox(void);
void sim_check_told(int64_t incident);

/* Everything has come to rest, and the program was told nothing for a while. */
bool sim_check_settled(void);
/* At the end of a process that is alive: the audit trail is whole. */
MW_SUSPENDS void sim_check_audit(struct mw_record *record);
/* At the end of the world (check_end.c). */
void sim_check_end(void);

#endif
