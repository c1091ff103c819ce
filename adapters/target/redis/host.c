/* SPDX-License-Identifier: Apache-2.0 */
#include "redis.h"

bool mw_redis_host_room(int64_t process_id, struct mw_deadline deadline, struct mw_room *room,
                        struct mw_error *error)
{
    static const char *const names[] = {"redis", "valkey", "keydb", NULL};
    return mw_room_of_process(process_id, names, deadline, room, error);
}
