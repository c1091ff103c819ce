/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

/* Longer than anybody means, and short enough that nanoseconds cannot overflow. */
#define DURATION_MAX_MS (100 * 366 * INT64_C(86400000))

/* Years 0 to 9999, so that the text keeps its form. */
#define WALL_MIN INT64_C(-62167219200000)
#define WALL_MAX INT64_C(253402300799999)

static time_t split_wall(mw_wall_ms at, int *ms)
{
    at = at < WALL_MIN ? WALL_MIN : at > WALL_MAX ? WALL_MAX : at;
    int64_t seconds = at / 1000;
    *ms = (int)(at % 1000);
    if (*ms < 0) {
        *ms += 1000;
        seconds--;
    }
    return (time_t)seconds;
}

char *mw_time_rfc3339(TALLOC_CTX *memory, mw_wall_ms at)
{
    int ms;
    time_t seconds = split_wall(at, &ms);
    struct tm day = {0};
    gmtime_r(&seconds, &day);
    return talloc_asprintf(memory, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", day.tm_year + 1900,
                           day.tm_mon + 1, day.tm_mday, day.tm_hour, day.tm_min, day.tm_sec, ms);
}

static struct tm local_time(mw_wall_ms at)
{
    int ms;
    time_t seconds = split_wall(at, &ms);
    struct tm day = {0};
    localtime_r(&seconds, &day);
    return day;
}

char *mw_time_of_day(TALLOC_CTX *memory, mw_wall_ms at)
{
    struct tm day = local_time(at);
    return talloc_asprintf(memory, "%02d:%02d:%02d", day.tm_hour, day.tm_min, day.tm_sec);
}

char *mw_time_hour_minute(TALLOC_CTX *memory, mw_wall_ms at)
{
    struct tm day = local_time(at);
    return talloc_asprintf(memory, "%02d:%02d", day.tm_hour, day.tm_min);
}

char *mw_time_near(TALLOC_CTX *memory, mw_wall_ms at, mw_wall_ms seen_from)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm day = local_time(at), from = local_time(seen_from);
    if (day.tm_year == from.tm_year && day.tm_yday == from.tm_yday) {
        return mw_time_hour_minute(memory, at);
    }
    return talloc_asprintf(memory, "%d %s %02d:%02d", day.tm_mday, months[day.tm_mon % 12],
                           day.tm_hour, day.tm_min);
}

bool mw_duration_parse(const char *text, int64_t *ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
                 {"h", 3600000}, {"d", 86400000}, {"w", 604800000}};

    if (text == NULL || *text < '0' || *text > '9') {
        return false;
    }
    int64_t number = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        number = number * 10 + (*text - '0');
        if (number > DURATION_MAX_MS) {
            return false;
        }
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(text, units[i].unit) == 0) {
            if (number > DURATION_MAX_MS / units[i].ms) {
                return false;
            }
            *ms = number * units[i].ms;
            return true;
        }
    }
    return false;
}

/* "5 min 20 s", and "5 min" where the second part is nothing. */
static char *two_parts(TALLOC_CTX *memory, const char *sign, int64_t total, int64_t per_large,
                       const char *large, const char *small)
{
    if (total % per_large == 0) {
        return talloc_asprintf(memory, "%s%lld %s", sign, (long long)(total / per_large), large);
    }
    return talloc_asprintf(memory, "%s%lld %s %lld %s", sign, (long long)(total / per_large), large,
                           (long long)(total % per_large), small);
}

char *mw_duration_text(TALLOC_CTX *memory, int64_t ms)
{
    const char *sign = ms < 0 ? "-" : "";
    if (ms < 0) {
        ms = ms == INT64_MIN ? INT64_MAX : -ms;
    }
    if (ms < 1000) {
        return talloc_asprintf(memory, "%s%lld ms", sign, (long long)ms);
    }
    if (ms < 120000) {
        return talloc_asprintf(memory, "%s%.1f s", sign, (double)ms / 1000);
    }
    /* Rounded before it is divided, so that no part ever reads 60. */
    int64_t seconds = ms / 1000 + (ms % 1000 >= 500);
    if (seconds < 3600) {
        return two_parts(memory, sign, seconds, 60, "min", "s");
    }
    int64_t minutes = seconds / 60 + (seconds % 60 >= 30);
    if (minutes < 48 * 60) {
        return two_parts(memory, sign, minutes, 60, "h", "min");
    }
    int64_t hours = minutes / 60 + (minutes % 60 >= 30);
    return two_parts(memory, sign, hours, 24, "d", "h");
}
