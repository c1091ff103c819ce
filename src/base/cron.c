/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cron.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define DAY_MINUTES (24 * 60)
#define DAY_MS      INT64_C(86400000)

/* Clocks jump by less than this. */
#define JUMP_MINUTES 180

struct field {
    const char *name; /* for people */
    int first, last;
    const char *const *names; /* of `first` and those after it; NULL: numbers only */
};

static const char *const month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
                                          "Aug", "Sep", "Oct", "Nov", "Dec", NULL};
static const char *const day_names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", NULL};

static const struct field fields[] = {{"minute", 0, 59, NULL},
                                      {"hour", 0, 23, NULL},
                                      {"day of the month", 1, 31, NULL},
                                      {"month", 1, 12, month_names},
                                      {"day of the week", 0, 7, day_names}};

/* ---- reading ---- */

/* A number or a name at `*at`, which moves past it. */
static bool read_value(const struct field *field, const char **at, int *value)
{
    for (int i = 0; field->names != NULL && field->names[i] != NULL; i++) {
        if (strncasecmp(*at, field->names[i], 3) == 0) {
            *at += 3;
            *value = field->first + i;
            return true;
        }
    }
    if (!isdigit((unsigned char)**at)) {
        return false;
    }
    int number = 0;
    for (; isdigit((unsigned char)**at); (*at)++) {
        number = number < 1000 ? number * 10 + (**at - '0') : number;
    }
    *value = number;
    return true;
}

static bool wrong(const struct field *field, const char *text, size_t length, const char *why,
                  struct mw_error *error)
{
    return mw_error_set(error, MW_ERROR_BAD_INPUT, "\"%.*s\" is no %s: %s",
                        (int)(length < 40 ? length : 40), text, field->name, why);
}

/* One of a list: "*", "5", "1-5", any of the last two with a step. */
static bool read_part(const struct field *field, const char *text, size_t length, uint64_t *bits,
                      struct mw_error *error)
{
    const char *at = text;
    int from = field->first, to = field->last, step = 1;
    bool every = *at == '*', range = every;
    at += every;
    if (!every && !read_value(field, &at, &from)) {
        return wrong(field, text, length,
                     field->names != NULL ? "write a number or a name like Mon or Jan"
                                          : "write a number",
                     error);
    }
    to = every ? to : from;
    if (!every && *at == '-') {
        at++;
        range = true;
        if (!read_value(field, &at, &to)) {
            return wrong(field, text, length, "the range has no end", error);
        }
    }
    if (*at == '/') {
        at++;
        if (!range) {
            return wrong(field, text, length, "a step follows * or a range, like */15 or 9-17/2",
                         error);
        }
        if (!isdigit((unsigned char)*at) || !read_value(field, &at, &step) || step < 1) {
            return wrong(field, text, length, "the step must be a number from 1 on", error);
        }
    }
    if (at != text + length) {
        return wrong(field, text, length, "write numbers, ranges 1-5, lists 1,3,5 or steps */15",
                     error);
    }
    if (from < field->first || to > field->last || from > field->last) {
        char bounds[60];
        snprintf(bounds, sizeof bounds, "it goes from %d to %d", field->first, field->last);
        return wrong(field, text, length, bounds, error);
    }
    if (from > to) {
        return wrong(field, text, length, "the range runs backwards", error);
    }
    for (int value = from; value <= to; value += step) {
        *bits |= UINT64_C(1) << value;
    }
    return true;
}

static bool read_field(const struct field *field, const char *text, size_t length, uint64_t *bits,
                       struct mw_error *error)
{
    *bits = 0;
    for (const char *end = text + length; text <= end;) {
        const char *comma = memchr(text, ',', (size_t)(end - text));
        size_t part = (size_t)((comma != NULL ? comma : end) - text);
        if (part == 0) {
            return wrong(field, text, part, "the list has an empty place", error);
        }
        if (!read_part(field, text, part, bits, error)) {
            return false;
        }
        text += part + 1;
    }
    return true;
}

static bool ever_comes(const struct mw_cron *cron)
{
    static const int days[] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (int month = 1; month <= 12; month++) {
        uint32_t possible = (UINT32_C(2) << days[month]) - 1;
        if ((cron->months >> month & 1) != 0 && (cron->days & possible) != 0) {
            return true;
        }
    }
    return cron->either_day;
}

bool mw_cron_parse(const char *text, struct mw_cron *cron, struct mw_error *error)
{
    uint64_t bits[5];
    bool stars[5];
    size_t count = 0;
    for (text += strspn(text, " \t"); *text != '\0'; text += strspn(text, " \t")) {
        size_t length = strcspn(text, " \t");
        if (count < 5) {
            stars[count] = *text == '*';
            if (!read_field(&fields[count], text, length, &bits[count], error)) {
                return false;
            }
        }
        count++;
        text += length;
    }
    if (count != 5) {
        return mw_error_set(error, MW_ERROR_BAD_INPUT,
                            "write five fields: minute, hour, day of the month, month, day of "
                            "the week; \"0 3 * * 0\" is Sundays at 03:00");
    }
    struct mw_cron read = {.minutes = bits[0],
                           .hours = (uint32_t)bits[1],
                           .days = (uint32_t)bits[2],
                           .months = (uint32_t)bits[3],
                           /* Sunday is 0 and 7. */
                           .weekdays = (uint32_t)((bits[4] | bits[4] >> 7) & 0x7f),
                           .either_day = !stars[2] && !stars[4]};
    if (!ever_comes(&read)) {
        return mw_error_set(error, MW_ERROR_BAD_INPUT, "such a day never comes");
    }
    *cron = read;
    return true;
}

/* ---- finding ---- */

static bool day_fits(const struct mw_cron *cron, const struct tm *day)
{
    bool of_month = (cron->days >> day->tm_mday & 1) != 0;
    bool of_week = (cron->weekdays >> day->tm_wday & 1) != 0;
    return (cron->months >> (day->tm_mon + 1) & 1) != 0 &&
           (cron->either_day ? of_month || of_week : of_month && of_week);
}

static bool minute_fits(const struct mw_cron *cron, int minute)
{
    return (cron->hours >> (minute / 60) & 1) != 0 && (cron->minutes >> (minute % 60) & 1) != 0;
}

static bool shows(time_t at, int minute)
{
    struct tm local = {0};
    localtime_r(&at, &local);
    return local.tm_hour * 60 + local.tm_min == minute % DAY_MINUTES;
}

/* When the clock first shows that minute of the day, or jumps over it. */
static time_t moment_of(const struct tm *day, int minute)
{
    time_t at = 0;
    for (int shown = minute; shown < minute + JUMP_MINUTES; shown++) {
        struct tm wanted = {.tm_year = day->tm_year,
                            .tm_mon = day->tm_mon,
                            .tm_mday = day->tm_mday,
                            .tm_min = shown,
                            .tm_isdst = -1};
        at = mktime(&wanted);
        if (wanted.tm_hour * 60 + wanted.tm_min != shown % DAY_MINUTES) {
            continue;
        }
        for (int back = 30; back <= 120; back += 30) {
            if (shows(at - (time_t)back * 60, shown)) {
                return at - (time_t)back * 60;
            }
        }
        break;
    }
    return at;
}

static bool last_of_day(const struct mw_cron *cron, const struct tm *day, int latest, time_t now,
                        time_t *at)
{
    for (int minute = latest < DAY_MINUTES ? latest : DAY_MINUTES - 1; minute >= 0; minute--) {
        if (minute_fits(cron, minute)) {
            *at = moment_of(day, minute);
            if (*at <= now) {
                return true;
            }
        }
    }
    return false;
}

/* Minutes of the day that come after the one the clock shows may have been, where it went back lately. */
static int went_back(time_t now, const struct tm *local)
{
    time_t earlier = now - (time_t)JUMP_MINUTES * 60;
    struct tm before = {0};
    localtime_r(&earlier, &before);
    return before.tm_gmtoff > local->tm_gmtoff ? JUMP_MINUTES : 0;
}

bool mw_cron_last(const struct mw_cron *cron, mw_wall_ms now, int64_t within, mw_wall_ms *at)
{
    time_t seconds = (time_t)(now / 1000), found;
    struct tm today = {0};
    localtime_r(&seconds, &today);
    int latest = today.tm_hour * 60 + today.tm_min + went_back(seconds, &today);
    struct tm date = {.tm_year = today.tm_year, .tm_mon = today.tm_mon, .tm_mday = today.tm_mday};
    const time_t newest = timegm(&date);
    for (int back = 0; back <= within / DAY_MS + 1; back++) {
        /* Dates are the same in every zone, and much quicker to count in this one. */
        time_t start = newest - (time_t)back * (DAY_MS / 1000);
        struct tm day = {0};
        gmtime_r(&start, &day);
        if (day_fits(cron, &day) &&
            last_of_day(cron, &day, back == 0 ? latest : DAY_MINUTES, seconds, &found)) {
            *at = (mw_wall_ms)found * 1000;
            return *at >= now - within;
        }
    }
    return false;
}
