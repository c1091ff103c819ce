/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines begin with a date that everybody knows, and a phone has few columns. */
#include <ctype.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "watch/internal.h"

/* A time of day that stands later is the message's own. */
#define LOOK_AT 48

static bool two_digits(const char *at)
{
    return isdigit((unsigned char)at[0]) && isdigit((unsigned char)at[1]);
}

/* "03:08:05" with nothing but date, host and process before it; NULL where there is none. */
static const char *find_time(const char *line)
{
    for (const char *at = line; *at != '\0' && at - line < LOOK_AT; at++) {
        if (!isalnum((unsigned char)*at) && strchr(" :/-[],.<>_", *at) == NULL) {
            return NULL;
        }
        bool begins = at == line || !isdigit((unsigned char)at[-1]);
        if (begins && strnlen(at, 8) == 8 && two_digits(at) && at[2] == ':' && two_digits(at + 3) &&
            at[5] == ':' && two_digits(at + 6)) {
            return at;
        }
    }
    return NULL;
}

static bool names_day(const char *line, const char *time_of_day, const struct tm *today)
{
    char before[LOOK_AT + 1], dates[96], *rest = NULL;
    size_t length = (size_t)(time_of_day - line);
    memcpy(before, line, length);
    before[length] = '\0';
    if (strftime(dates, sizeof dates, "%Y-%m-%d|%Y/%m/%d|%d/%b/%Y|%d %b |%b %e ", today) == 0) {
        return false;
    }
    for (char *date = strtok_r(dates, "|", &rest); date != NULL;
         date = strtok_r(NULL, "|", &rest)) {
        if (strstr(before, date) != NULL) {
            return true;
        }
    }
    return false;
}

/* Skips a fraction and a zone. False when the zone is another than ours: then its hours are not. */
static bool skip_zone(const char **at, long offset)
{
    const char *rest = *at;
    if (*rest == '.' || *rest == ',') {
        rest += 1 + strspn(rest + 1, "0123456789");
    }
    const char *zone = rest + (*rest == ' ');
    if (*rest == 'Z' || strncmp(zone, "UTC ", 4) == 0 || strncmp(zone, "GMT ", 4) == 0) {
        *at = *rest == 'Z' ? rest + 1 : zone + 3;
        return offset == 0;
    }
    if ((*zone == '+' || *zone == '-') && strnlen(zone, 6) >= 5 && two_digits(zone + 1)) {
        const char *minutes = zone + 3 + (zone[3] == ':');
        if (two_digits(minutes)) {
            long seconds = ((zone[1] - '0') * 10 + zone[2] - '0') * 3600L +
                           ((minutes[0] - '0') * 10 + minutes[1] - '0') * 60L;
            *at = minutes + 2;
            return (*zone == '-' ? -seconds : seconds) == offset;
        }
    }
    *at = rest;
    return true;
}

char *mw_log_shorten(TALLOC_CTX *memory, const char *line)
{
    const char *moment = find_time(line);
    time_t now = (time_t)(mw_wall_now() / 1000);
    struct tm today;
    if (moment == NULL || moment == line || localtime_r(&now, &today) == NULL ||
        !names_day(line, moment, &today)) {
        return talloc_strdup(memory, line);
    }
    const char *rest = moment + 8;
    if (!skip_zone(&rest, today.tm_gmtoff)) {
        return talloc_strdup(memory, line);
    }
    rest += strspn(rest, " ]");
    return talloc_asprintf(memory, "%.8s %s", moment, rest);
}
