/* SPDX-License-Identifier: Apache-2.0 */
/* Incidents as respond records them, at any stage of their life. */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "midwatch/incident.h"
#include "watch/watch.h"

/* 2026-11-22 03:08:12 in UTC. */
#define FIXTURE_SINCE INT64_C(1795316892000)

/* I42: memory of "cache" at 97.2 %, opened, with its log; version 0, not recorded. */
struct mw_incident *fixture_incident(TALLOC_CTX *memory);
/* Adds the plan r1: redis_scale_memory, as proposed, before policy has judged. */
struct mw_plan *fixture_propose(struct mw_incident *incident);
/* Policy asks for so many approvers. */
void fixture_ask(struct mw_incident *incident, int approvers);
void fixture_approve(struct mw_incident *incident, const char *person);
/* The step runs, ends well, health holds, and the incident is closed. */
void fixture_start_step(struct mw_incident *incident);
void fixture_end_step(struct mw_incident *incident);
void fixture_recover(struct mw_incident *incident);

/* A watch with the resource "cache" in it, which needs no server; probes are never started. */
struct mw_watch *fixture_watch(TALLOC_CTX *memory);

#endif
