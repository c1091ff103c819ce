/* SPDX-License-Identifier: Apache-2.0 */
/* Two chat platforms that lose, double, delay, reorder and refuse. The first can look for a message by its
 * key before it posts one again; the second cannot. */
#ifndef MIDWATCH_SIMULATION_PLATFORM_H
#define MIDWATCH_SIMULATION_PLATFORM_H

#include <jansson.h>

#include "midwatch/chat.h"
#include "simulation/people.h"

#define SIM_PLATFORMS 2

/* One message as it stands on a platform. */
struct sim_message {
    char key[256], reference[24];
    json_t *message;
    bool known;  /* the program was told that it stands there */
    int life;    /* of the process that posted it last */
    int copies;  /* how often people see it */
    int excused; /* how many of those the platform or a death is to blame for */
};

struct sim_platform {
    int number;
    const char *name; /* as the program calls it */
    bool finds;
    mw_mono_ns down_until;
    bool refuses; /* while it is down it says no for good, instead of try again */
    size_t message_count;
    struct sim_message *messages;
};

extern struct sim_platform sim_platforms[SIM_PLATFORMS];
extern const struct mw_chat_ops *const sim_platform_ops[SIM_PLATFORMS];

void sim_platforms_make(void);
void sim_platforms_forget(void);
/* One of them has trouble for a while. */
void sim_platform_trouble(void);
/* NULL: nothing of that key stands there. */
struct sim_message *sim_platform_find(struct sim_platform *platform, const char *key);

/* Somebody's words travel: they arrive later, perhaps twice and in another order (delivery.c). */
void sim_delivery_send(struct sim_said *said);
MW_SUSPENDS void sim_delivery_run(struct sim_platform *platform, struct mw_chat *chat);
/* Nothing is on its way any more. */
bool sim_delivery_idle(void);
void sim_delivery_forget(void);

#endif
