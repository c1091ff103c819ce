/* SPDX-License-Identifier: Apache-2.0 */
/* What memory the machine, or the control group, of a server's process has left. */
#ifndef MIDWATCH_ROOM_H
#define MIDWATCH_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "midwatch/deadline.h"
#include "midwatch/error.h"

struct mw_room {
    bool known;
    int64_t free_bytes;
    bool container; /* the control group is what limits */
};

/* Looks at /proc on a helper thread. `process_id` is what the server says of itself: in a container it
 * is another number than here, so processes are known by their command, which has one of `names` in it
 * (static storage, ends with NULL). Not known where no such process is found on this machine. */
MW_SUSPENDS bool mw_room_of_process(int64_t process_id, const char *const *names,
                                    struct mw_deadline deadline, struct mw_room *room,
                                    struct mw_error *error);

#endif
