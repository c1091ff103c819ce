/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "postgres.h"
#include "runtime/fiber.h"

#define LOOK_MS 100

/* One look at the server, while it comes up, takes no longer. */
#define LOOK_TIMEOUT_MS 1000

bool mw_postgres_check_control(const struct mw_target *target, struct mw_error *error)
{
    return (target->control != NULL && target->control->restart != NULL) ||
           mw_error_set(error, MW_ERROR_REFUSED,
                        "no way to restart it is configured: give %s `control: {systemd: UNIT}` or "
                        "`control: {restart: [COMMAND, …]}`",
                        target->name);
}

bool mw_postgres_wait_served(struct mw_postgres *postgres, double before,
                             struct mw_deadline deadline, struct mw_postgres_comeback *comeback,
                             struct mw_error *error)
{
    for (;;) {
        struct mw_deadline look = mw_deadline_min(deadline, mw_deadline_in(LOOK_TIMEOUT_MS));
        *comeback = (struct mw_postgres_comeback){.answers = false};
        comeback->answers = mw_postgres_read(postgres, look, &comeback->reading, NULL, error);
        if (!comeback->answers && error->class == MW_ERROR_CANCELLED) {
            return false;
        }
        if (comeback->answers) {
            comeback->other = isnan(before) || comeback->reading.started_at != before;
        } else {
            snprintf(comeback->unanswered, sizeof comeback->unanswered, "%s", error->text);
            comeback->full =
                mw_postgres_connection_refusal(postgres->connection) == MW_POSTGRES_FULL;
        }
        /* A look that has hardly time would see nothing and say so. */
        if (comeback->other || comeback->full || mw_deadline_left_ms(deadline) <= 2 * LOOK_MS) {
            return true;
        }
        if (!mw_sleep(LOOK_MS, error)) {
            return false;
        }
    }
}
