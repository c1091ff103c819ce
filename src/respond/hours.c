/* SPDX-License-Identifier: Apache-2.0 */
/* "Mon-Fri 09:00-18:00", "Sat,Sun", "22:00-06:00": when a rule applies, in the local zone. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "respond/case.h"

#define ALL_DAYS    0x7fu
#define DAY_MINUTES (24 * 60)

static int parse_day(const char *text, size_t length)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    for (int i = 0; i < 7; i++) {
        if (length == 3 && strncasecmp(text, days[i], 3) == 0)
            return i;
    }
    return -1;
}

/* "Mon-Fri" or "Sat"; a range may go over the end of the week. */
static bool parse_days(const char *text, size_t length, unsigned *days)
{
    const char *dash = memchr(text, '-', length);
    size_t first_length = dash != NULL ? (size_t)(dash - text) : length;
    int first = parse_day(text, first_length);
    int last = dash != NULL ? parse_day(dash + 1, length - first_length - 1) : first;
    if (first < 0 || last < 0)
        return false;
    for (int day = first;; day = (day + 1) % 7) {
        *days |= 1u << day;
        if (day == last)
            return true;
    }
}

static bool parse_times(const char *text, size_t length, struct mw_hours *hours)
{
    int h1, m1, h2, m2, end = -1;
    char copy[16];
    if (length >= sizeof copy)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (sscanf(copy, "%2d:%2d-%2d:%2d%n", &h1, &m1, &h2, &m2, &end) != 4 || end != (int)length ||
        h1 < 0 || h1 > 23 || h2 < 0 || h2 > 24 || m1 < 0 || m1 > 59 || m2 < 0 || m2 > 59)
        return false;
    hours->from = h1 * 60 + m1;
    hours->until = h2 * 60 + m2;
    return hours->until <= DAY_MINUTES && hours->from != hours->until;
}

bool mw_hours_parse(const char *text, struct mw_hours *hours)
{
    struct mw_hours read = {.from = 0, .until = DAY_MINUTES};
    bool times = false;
    text += strspn(text, " ,");
    if (*text == '\0')
        return false;
    while (*text != '\0') {
        size_t length = strcspn(text, " ,");
        bool is_time = memchr(text, ':', length) != NULL;
        if (is_time ? times || !parse_times(text, length, &read)
                    : !parse_days(text, length, &read.days))
            return false;
        times = times || is_time;
        text += length;
        text += strspn(text, " ,");
    }
    if (read.days == 0)
        read.days = ALL_DAYS;
    *hours = read;
    return true;
}

bool mw_hours_hold(const struct mw_hours *hours, mw_wall_ms at)
{
    time_t seconds = (time_t)(at / 1000);
    struct tm local = {0};
    localtime_r(&seconds, &local);
    int minute = local.tm_hour * 60 + local.tm_min;
    bool today = (hours->days >> local.tm_wday & 1) != 0;
    if (hours->from < hours->until)
        return today && minute >= hours->from && minute < hours->until;
    /* Over midnight: what began yesterday belongs to yesterday. */
    bool yesterday = (hours->days >> ((local.tm_wday + 6) % 7) & 1) != 0;
    return (today && minute >= hours->from) || (yesterday && minute < hours->until);
}
