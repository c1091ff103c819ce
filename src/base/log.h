/* SPDX-License-Identifier: Apache-2.0 */
/* The log on stderr. Lines are masked (redact.h) and clean of control characters. */
#ifndef MIDWATCH_BASE_LOG_H
#define MIDWATCH_BASE_LOG_H

#include <stdbool.h>

enum mw_log_level { MW_LEVEL_ERROR, MW_LEVEL_WARNING, MW_LEVEL_INFO, MW_LEVEL_DEBUG };

void mw_log_setup(enum mw_log_level level, bool json);
bool mw_log_level_parse(const char *text, enum mw_log_level *level);

/* `room` is who speaks: "watch", "respond", "redis". */
void mw_log(enum mw_log_level level, const char *room, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define mw_log_error(room, ...)   mw_log(MW_LEVEL_ERROR, room, __VA_ARGS__)
#define mw_log_warning(room, ...) mw_log(MW_LEVEL_WARNING, room, __VA_ARGS__)
#define mw_log_info(room, ...)    mw_log(MW_LEVEL_INFO, room, __VA_ARGS__)
#define mw_log_debug(room, ...)   mw_log(MW_LEVEL_DEBUG, room, __VA_ARGS__)

#endif
